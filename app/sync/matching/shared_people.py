"""Whether two batches may be about one person: then the second one has to see what the first one wrote."""

from collections.abc import Hashable, Iterable
from typing import Final

from app.states import WriteState
from app.sync.matching.person_matching import external_id_of, ids_to_look_up
from app.sync.model.batch import Job
from app.sync.model.mapping_rules import CREATE_LEAD, CREATE_NOBODY

MODES_THAT_OVERLAP: Final = frozenset({CREATE_LEAD, CREATE_NOBODY})
"""Whom a batch may create while another is written: a Lead locks no other record, and needs no Account."""

UNCERTAIN: Final = (WriteState.INTENDED, WriteState.AMBIGUOUS)


def may_overlap(jobs: Iterable[Job]) -> bool:
    """Whether none of them creates what locks, or needs, what is written for others, or looks for what a lost
    answer may have left: what another batch writes just now would be found beside it.
    """
    return all(job.rules.creates in MODES_THAT_OVERLAP and not _is_uncertain(job) for job in jobs)


def _is_uncertain(job: Job) -> bool:
    return any(slot.state in UNCERTAIN for slot in job.written.values())


def names_of_people(jobs: Iterable[Job]) -> frozenset[Hashable]:
    """What the jobs name people by, before anybody was looked up: e-mails, external ids, ids of records."""
    names = set[Hashable]()
    for job in jobs:
        names.update(ids_to_look_up(job))
        if job.attendee.email_key:
            names.add(("", job.attendee.email_key))
        external_id = external_id_of(job)
        if external_id is not None:
            field, value = external_id
            names.add((field, value.casefold()))
    return frozenset(names)
