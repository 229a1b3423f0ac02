"""Find the records whose creates were never answered: no second one is made of what exists."""

from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.salesforce.client import SalesforceClient
from app.salesforce.errors import RequestRejected
from app.salesforce.ids import to18
from app.states import WriteState
from app.sync.lookup.parse import records_by_label, records_by_reference
from app.sync.lookup.queries import lost_create_soql, records_by_id_soql
from app.sync.matching.person_matching import PersonIndex, resolve
from app.sync.model.batch import PERSON, Batch, Job, WrittenSlot
from app.sync.model.record_kinds import LostCreateQuery, slots_by_lost_create
from app.sync.model.records import FoundPerson

HIDDEN_FIELD: Final = "INVALID_FIELD"
CLOCK_SKEW: Final = timedelta(minutes=5)

WrittenSince = Callable[[datetime, Collection[str]], Awaitable[frozenset[str]]]
"""The ids that we have written since a moment to some slots: none of them is lost."""


@dataclass(frozen=True)
class LostCreates:
    """The creates of one query that are in doubt, each with the people whose record it may be."""

    query: LostCreateQuery
    slots: Collection[str]
    creates: Sequence[tuple[WrittenSlot, Sequence[str]]]

    @property
    def people(self) -> list[str]:
        return sorted({id_ for _, people in self.creates for id_ in people})

    @property
    def since(self) -> datetime | None:
        """When the first of them was sent, by a clock that may be behind Salesforce's."""
        started = [slot.first_attempt_at for slot, _ in self.creates if slot.first_attempt_at]
        return min(started) - CLOCK_SKEW if started else None

    @property
    def labels(self) -> list[tuple[str, str, Sequence[str]]]:
        """Reference, label and people of each."""
        return [(slot.reference or "", slot.details.subject or "", people) for slot, people in self.creates]


async def find_lost_creates(
    client: SalesforceClient, batch: Batch, known: PersonIndex, written_since: WrittenSince
) -> dict[str, str]:
    """Record ids by our reference; one query for each object that has a create in doubt."""
    found: dict[str, str] = {}
    for query, slots in slots_by_lost_create().items():
        creates = [
            (slot, list(_person_ids(job, known)))
            for job in batch.jobs
            for key, slot in job.written.items()
            if key.slot in slots and slot.state == WriteState.AMBIGUOUS
        ]
        found |= await _find(client, LostCreates(query, slots, creates), written_since)
    return found


async def find_reported(client: SalesforceClient, batch: Batch) -> dict[str, bool]:
    """The records that a verification missed, and whether they stand: they may have been taken out of the
    recycle bin since. One query for each object.
    """
    reported: dict[str, set[str]] = {}
    for job in batch.jobs:
        for slot in job.written.values():
            if slot.details.reported_missing and slot.sf_id is not None:
                reported.setdefault(slot.sobject, set()).add(slot.sf_id)
    found: dict[str, bool] = {}
    for sobject, ids in sorted(reported.items()):
        rows = await client.query(records_by_id_soql(sobject, sorted(ids)), include_deleted=True)
        standing = {to18(row["Id"]) for row in rows if not row["IsDeleted"]}
        found |= {id_: id_ in standing for id_ in ids}
    return found


async def _find(client: SalesforceClient, lost: LostCreates, written_since: WrittenSince) -> dict[str, str]:
    query, people, since = lost.query, lost.people, lost.since
    if not people or since is None:
        return {}
    try:
        soql = lost_create_soql(query, [query.reference_field], people, since)
        return records_by_reference(query, await client.query(soql, include_deleted=True))
    except RequestRejected as refused:
        if refused.failure.error_code != HIDDEN_FIELD:
            raise
    soql = lost_create_soql(query, [query.person_field, query.subject_field], people, since)
    rows = await client.query(soql, include_deleted=True)
    ours = await written_since(since, lost.slots)
    return records_by_label(query, (row for row in rows if to18(row["Id"]) not in ours), lost.labels)


def _person_ids(job: Job, people: PersonIndex) -> Iterator[str]:
    """The person we wrote to, and the one that the job leads to now: a lost response may hide either."""
    before, now = job.slot(PERSON), resolve(job, people)
    if before and before.sf_id:
        yield before.sf_id
    if isinstance(now, FoundPerson):
        yield now.id
