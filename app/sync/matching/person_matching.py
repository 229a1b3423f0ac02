"""Find a registration's person in Salesforce: by the record we wrote, the Salesforce id in
the personalised link, the e-mail or the external id. Pure.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from app.salesforce.ids import is_id, sobject_of, to18
from app.salesforce.value_class import value_class
from app.states import JobReason, StatusMeaning, WriteState
from app.sync.field_values.sources import is_source, read_value
from app.sync.model.batch import MEMBER, PERSON, PREVIOUS_HOLDER, Job
from app.sync.model.cases import named_case_id
from app.sync.model.item_errors import ItemWarning
from app.sync.model.mapping_rules import CREATE_LEAD, CREATE_NOBODY
from app.sync.model.records import ACCOUNT, CASE, CONTACT, LEAD, FoundPerson, PersonRow
from app.user_messages.phrases import Phrase

MAX_HOPS = 5
PERSON_OF_RECORD = "person_of_record"
"""The step from a person's Account, or from a Case, to its Contact: it is no news about who the person is."""

MODES_THAT_OVERLAP: Final = frozenset({CREATE_LEAD, CREATE_NOBODY})
"""Whom a batch may create while another is written: a Lead locks no other record, and needs no Account."""

UNCERTAIN: Final = (WriteState.INTENDED, WriteState.AMBIGUOUS)


@dataclass(frozen=True)
class PersonIndex:
    """All Leads and Contacts that the look-up found, by id and by e-mail, and the ids that were queried.

    `hidden` objects were not queried, those `without_email` not by e-mail: the connected user may not.
    `has_inaccessible_leads`: the user lost access to Leads that we created. Of the objects in `fully_visible`
    the user sees every record.
    """

    rows: Mapping[str, PersonRow] = field(default_factory=dict)
    by_email: Mapping[str, tuple[PersonRow, ...]] = field(default_factory=dict)
    queried_ids: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    without_email: frozenset[str] = frozenset()
    has_inaccessible_leads: bool = False
    fully_visible: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        rows: Iterable[PersonRow],
        queried_ids: Iterable[str] = (),
        **access: Any,
    ) -> Self:
        """Index the rows, those of one e-mail by age; `access` are the further members."""
        by_id = {row.id: row for row in rows}
        by_email: dict[str, tuple[PersonRow, ...]] = {}
        for row in sorted(by_id.values(), key=lambda row: (row.created_at, row.id)):
            if row.email_key:
                by_email[row.email_key] = (*by_email.get(row.email_key, ()), row)
        return cls(by_id, by_email, frozenset(queried_ids), **access)


@value_class(frozen=True)
class PersonNotFound:
    """Looked, and there is none: to be created under the host's rules."""

    warnings: tuple[ItemWarning, ...] = ()


@dataclass(frozen=True)
class NotVisible:
    """We wrote this record once and cannot see it any more: a second one must not be made.

    Nobody can say whether it was deleted, as the connected user does not see every record of its object.
    """

    sobject: str
    id: str


@dataclass(frozen=True)
class NeedsLookup:
    """The trail leads to a record that was not looked up yet."""

    ids: frozenset[str]


@dataclass(frozen=True)
class NotSearched:
    """The connected user cannot search people by e-mail, so nobody knows whether the person exists."""


Resolution = FoundPerson | PersonNotFound | NotVisible | NeedsLookup | NotSearched


def resolve(job: Job, people: PersonIndex) -> Resolution:
    """The written record first, then the personalised link's id, the e-mail, the external id: Contact
    before Lead, the oldest.
    """
    written = resolve_written(job, people)
    if written is not None:
        return written
    by_id, warnings = _resolve_given_id(job, people)
    if by_id is not None:
        return by_id
    by_word = _pick_candidate(people.by_email.get(job.attendee.email_key or "", ()), people, how="email")
    if isinstance(by_word, PersonNotFound):
        by_word = _resolve_external_id(job, people)
    if not isinstance(by_word, NeedsLookup) and _is_unsearched(job, by_word, people):
        return NotSearched()
    if isinstance(by_word, FoundPerson):
        return FoundPerson(by_word.sobject, by_word.id, by_word.found_by, warnings)
    return by_word if isinstance(by_word, NeedsLookup) else PersonNotFound(warnings)


def _is_unsearched(job: Job, found: Resolution, people: PersonIndex) -> bool:
    """Whether the person may exist unseen: a Contact found by e-mail counts, a Lead or nobody does not."""
    if not people.without_email or job.attendee.email_key is None:
        return False
    if isinstance(found, FoundPerson) and found.found_by != "email":
        return False
    return not (isinstance(found, FoundPerson) and found.sobject == CONTACT)


def external_id_of(job: Job) -> tuple[str, str] | None:
    """Return the external id field and the attendee's value, if the rules name one."""
    chosen = job.rules.external_id
    value = read_value(chosen.path, job) if chosen and is_source(chosen.path) else None
    return (chosen.field, str(value).strip()) if chosen and isinstance(value, str | int) else None


def ids_to_look_up(job: Job) -> frozenset[str]:
    """Return the ids that a job names: its person, the personalised link's record, the previous holder."""
    written = job.slot(PERSON)
    ids = {written.sf_id} if written and written.sf_id else set()
    if job.salesforce_id and _names_person(job):
        ids.add(to18(job.salesforce_id))
    if case_id := named_case_id(job):
        ids.add(case_id)
    for key, slot in job.written.items():
        if key.slot == PREVIOUS_HOLDER + MEMBER and slot.meaning not in (
            StatusMeaning.CANCELLED,
            StatusMeaning.ATTENDED,
        ):
            ids.add(key.instance_key.partition(":")[2])
    return frozenset(id_ for id_ in ids if id_)


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


def resolve_written(job: Job, people: PersonIndex) -> Resolution | None:
    """By the record we wrote, as far as that says who the person is."""
    written = job.slot(PERSON)
    if written is None or written.sf_id is None:
        return None
    end = follow(written.sf_id, people)
    if isinstance(end, FoundPerson):
        # A record that we followed to a new one is known by the way there; else by how it was found at first.
        is_same = end.id == written.sf_id or end.found_by == PERSON_OF_RECORD
        found_by = (written.details.found_by or "email") if is_same else end.found_by
        return FoundPerson(end.sobject, end.id, found_by)
    if isinstance(end, NeedsLookup):
        return end
    if isinstance(end, Absent) and job.reason != JobReason.RETRY and not is_certainly_deleted(end, people):
        return NotVisible(written.sobject, written.sf_id)
    return None


def _resolve_given_id(
    job: Job, people: PersonIndex
) -> tuple[FoundPerson | NeedsLookup | None, tuple[ItemWarning, ...]]:
    if not job.salesforce_id:
        return None, ()
    if _names_person(job):
        end = follow(to18(job.salesforce_id), people)
        if isinstance(end, NeedsLookup):
            return end, ()
        if isinstance(end, FoundPerson):
            is_same = end.id == to18(job.salesforce_id) or end.found_by == PERSON_OF_RECORD
            how = "salesforce_id" if is_same else end.found_by
            return FoundPerson(end.sobject, end.id, how, _other_email_warnings(job, people.rows[end.id])), ()
    text = Phrase("note.id_ignored")
    return None, (ItemWarning("id_ignored", LEAD, None, text),)


def _other_email_warnings(job: Job, row: PersonRow) -> tuple[ItemWarning, ...]:
    """Warn that a forwarded link was used: its user is counted for the record and changes nothing of it."""
    if job.attendee.email_key is None or row.email_key == job.attendee.email_key:
        return ()
    text = Phrase("note.id_of_other_email")
    return (ItemWarning("id_ignored", row.sobject, "Email", text),)


def _resolve_external_id(job: Job, people: PersonIndex) -> Resolution:
    key = external_id_of(job)
    if key is None:
        return PersonNotFound()
    name, value = key
    alike = [row for row in people.rows.values() if _text(row.current_values.get(name)) == value.casefold()]
    return _pick_candidate(alike, people, how="external_id")


def _text(value: object) -> str:
    return str(value).strip().casefold() if value is not None else ""


def _pick_candidate(alike: Iterable[PersonRow], people: PersonIndex, *, how: str) -> Resolution:
    rows = [row for row in alike if not row.is_deleted]
    if not rows:
        return PersonNotFound()
    contact = oldest(rows, CONTACT)
    if contact:
        return FoundPerson(CONTACT, contact.id, how)
    ends = [follow(row.id, people) for row in rows if row.is_converted]
    first = next((end for end in ends if isinstance(end, FoundPerson | NeedsLookup)), None)
    if isinstance(first, NeedsLookup):
        return NeedsLookup(first.ids.union(*(end.ids for end in ends if isinstance(end, NeedsLookup))))
    if first:
        return first
    lead_row = oldest([row for row in rows if not row.is_converted], LEAD)
    return FoundPerson(LEAD, lead_row.id, how) if lead_row else PersonNotFound()


class Deleted:
    """The record was deleted, and not merged into another; or it can never be written to again."""


CONVERTED_WITHOUT_CONTACT, DELETED = Deleted(), Deleted()


@dataclass(frozen=True)
class Absent:
    """Not even the recycle bin shows the record: the bin was emptied, or the record is hidden from us."""

    id: str


def is_certainly_deleted(absent: Absent, people: PersonIndex) -> bool:
    """Whether the record can only have been deleted: its object has none that the connected user misses."""
    return sobject_of(absent.id) in people.fully_visible


def is_person_deleted(job: Job, people: PersonIndex) -> bool:
    """Whether the job's person was deleted, and with it the records that Salesforce kept for it."""
    written = job.slot(PERSON)
    end = follow(written.sf_id, people) if written and written.sf_id else None
    return end is DELETED or (isinstance(end, Absent) and is_certainly_deleted(end, people))


def follow(id_: str, people: PersonIndex) -> FoundPerson | NeedsLookup | Deleted | Absent:
    """Return the living record behind an id; READ_ONLY for a Lead that was converted without a Contact."""
    how = "email"
    for _ in range(MAX_HOPS):
        row = people.rows.get(id_)
        if row is None:
            return Absent(id_) if id_ in people.queried_ids else NeedsLookup(frozenset({id_}))
        if row.is_deleted and not row.master_record_id:
            return DELETED
        if row.is_deleted and row.master_record_id:
            id_, how = row.master_record_id, "merged"
        elif row.is_converted and row.converted_contact_id:
            id_, how = row.converted_contact_id, "converted_lead"
        elif row.is_converted:
            return CONVERTED_WITHOUT_CONTACT
        elif row.sobject in (ACCOUNT, CASE) and row.person_contact_id:
            id_, how = row.person_contact_id, PERSON_OF_RECORD
        elif row.sobject in (ACCOUNT, CASE):
            return Absent(id_)
        else:
            return FoundPerson(row.sobject, row.id, how)
    return CONVERTED_WITHOUT_CONTACT


def oldest(rows: Iterable[PersonRow], sobject: str) -> PersonRow | None:
    return min(
        (row for row in rows if row.sobject == sobject),
        key=lambda row: (row.created_at, row.id),
        default=None,
    )


def _names_person(job: Job) -> bool:
    """Whether the link names a record that stands for a person; a Case does where Cases are written."""
    objects = (ACCOUNT, CONTACT, LEAD, *([CASE] if job.writes.case else []))
    return is_id(job.salesforce_id) and sobject_of(job.salesforce_id or "") in objects
