"""What is read of each record, and how it differs from what we wrote. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from app.salesforce.ids import to18
from app.salesforce.package import EVENT_STATUS
from app.states import DifferenceKind
from app.sync.field_values.builder import digest
from app.sync.matching.person_matching import (
    CONVERTED_WITHOUT_CONTACT,
    DELETED,
    Absent,
    PersonIndex,
    follow,
    is_certainly_deleted,
)
from app.sync.model.batch import MEMBER, PERSON
from app.sync.model.record_kinds import kind_of_slot
from app.sync.model.records import (
    CAMPAIGN_MEMBER,
    CASE,
    CONTACT,
    EMAIL_MESSAGE,
    EVENT,
    LEAD,
    PERSON_OBJECTS,
    TASK,
    FoundPerson,
)


@dataclass(frozen=True)
class RecordCheck:
    """What is compared of an object's records. `person_fields` name the person, one of them at least where
    `needs_person`. Times, and the status that a package brings, are compared by their digests.
    """

    person_fields: tuple[str, ...] = ()
    needs_person: bool = False
    status_field: str = ""
    time_fields: tuple[str, ...] = ()
    more_fields: tuple[str, ...] = ()

    def fields(self, records: Iterable["StoredRecord"]) -> tuple[str, ...]:
        """What is read of these beside the id."""
        status = (self.status_field,) if self.status_field else ()
        of_package = sorted({name for record in records for name in record.status_names})
        return (*self.person_fields, *status, *self.time_fields, *self.more_fields, *of_package)


RECORD_CHECKS: Final[Mapping[str, RecordCheck]] = {
    TASK: RecordCheck(("WhoId",), needs_person=True),
    EVENT: RecordCheck(("WhoId",), needs_person=True, time_fields=("StartDateTime", "EndDateTime")),
    CASE: RecordCheck(("ContactId",)),
    EMAIL_MESSAGE: RecordCheck(),
    CAMPAIGN_MEMBER: RecordCheck(
        ("ContactId", "LeadId"), needs_person=True, status_field="Status", more_fields=("CampaignId",)
    ),
}
"""By object: an activity is checked as what it was written as. People are followed through merges and
conversions instead; the Account of a new Contact is not looked at."""

NO_DIGESTS: Final[Mapping[str, str]] = {}
MISSING: Final[Mapping[str, DifferenceKind]] = {
    "person": DifferenceKind.MISSING_PERSON,
    "task": DifferenceKind.MISSING_ACTIVITY,
    "member": DifferenceKind.MISSING_MEMBER,
    "calendar_event": DifferenceKind.MISSING_ACTIVITY,
    "case": DifferenceKind.MISSING_CASE,
    "email_sent": DifferenceKind.MISSING_EMAIL,
    "email_opened": DifferenceKind.MISSING_EMAIL,
    "email_replied": DifferenceKind.MISSING_EMAIL,
}
"""What a missing record is called, by the switch of its kind."""

RECREATED: Final = frozenset(
    {DifferenceKind.MISSING_ACTIVITY, DifferenceKind.MISSING_CASE, DifferenceKind.MISSING_EMAIL}
)
"""What a Retry makes again only where it is known to be gone."""


class StoredRecord(NamedTuple):
    """One row of `written_records` that stands in Salesforce as far as we know; `is_of_link`: a Case that the
    registration's link named. `digests` are of what we wrote, by field; `planned` are the times of the
    registration. `key` is the unique key that it should carry and was not given; None where it has none.
    """

    slot: str
    instance_key: str
    sobject: str
    sf_id: str
    label: str | None = None
    is_manual: bool = False
    was_member_before: bool = False
    is_of_link: bool = False
    digests: Mapping[str, str] = NO_DIGESTS
    planned: tuple[datetime | None, ...] = ()
    key: str | None = None

    @property
    def toggle(self) -> str:
        """The switch of its kind; empty for what is not of the catalogue."""
        kind = kind_of_slot(self.slot)
        return kind.toggle if kind else ""

    @property
    def status_names(self) -> list[str]:
        """The fields of the package that show its status, whatever the namespace."""
        return [name for name in self.digests if name.endswith(EVENT_STATUS)]


class Difference(NamedTuple):
    """One record that differs; `shown` is the object and id of what a person can look at."""

    record: StoredRecord
    kind: DifferenceKind
    ours: str | None
    theirs: str | None = None
    shown: tuple[str, str] | None = None


@dataclass(frozen=True)
class OrgRecords:
    """What was read: rows by id, and members that stand under another id by campaign and person.

    `unreadable` objects are hidden from the connected user; those in `keyed` have the field for unique keys.
    """

    people: PersonIndex = field(default_factory=PersonIndex)
    rows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    members: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    unreadable: frozenset[str] = frozenset()
    keyed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class StoredPerson:
    """The person of a registration: where the trail from the written record ends, and all ids on it."""

    end: FoundPerson | None
    trail: frozenset[str]
    is_gone: bool

    @property
    def shown(self) -> tuple[str, str] | None:
        return (self.end.sobject, self.end.id) if self.end else None


def is_checked(slot: str, instance_key: str, sobject: str, *, campaign_id: str | None) -> bool:
    """Whether a written record is held against Salesforce: a member only of the campaign that is linked."""
    kind = kind_of_slot(slot)
    if kind is None:
        return False
    if slot == MEMBER:
        return instance_key == campaign_id
    return slot == PERSON or sobject in RECORD_CHECKS


def people_of(records: Iterable[StoredRecord]) -> frozenset[str]:
    """The ids of the people that were written."""
    return frozenset(record.sf_id for record in records if record.slot == PERSON)


def ids_by_object(records: Iterable[StoredRecord]) -> dict[str, list[str]]:
    """The ids of all other records, by object, each once."""
    found: dict[str, dict[str, None]] = {}
    for record in records:
        if record.slot != PERSON:
            found.setdefault(record.sobject, {})[record.sf_id] = None
    return {sobject: list(ids) for sobject, ids in found.items()}


def differences_of(records: Collection[StoredRecord], found: OrgRecords) -> list[Difference]:
    """How the records of one registration differ from what was read."""
    written = next((record for record in records if record.slot == PERSON), None)
    person = _person(written, found.people) if written else None
    differences = [] if written is None or person is None else [*_of_person(written, person, found)]
    for record in records:
        if record.slot != PERSON:
            differences += _of_record(record, person, found)
    return differences


def missing_members(records: Iterable[StoredRecord], found: OrgRecords) -> list[StoredRecord]:
    """The members that are not there under their ids: they may stand under others."""
    return [
        record
        for record in records
        if record.slot == MEMBER
        and CAMPAIGN_MEMBER not in found.unreadable
        and not _stands(found.rows.get(record.sf_id))
    ]


def trail_of(id_: str, people: PersonIndex) -> frozenset[str]:
    """The ids through which a person's record was merged and converted, its own among them."""
    seen: list[str] = []
    current: str | None = id_
    while current is not None and current not in seen:
        seen.append(current)
        row = people.rows.get(current)
        current = (row.master_record_id or row.converted_contact_id or row.person_contact_id) if row else None
    return frozenset(seen)


def _person(record: StoredRecord, people: PersonIndex) -> StoredPerson:
    end = follow(record.sf_id, people)
    is_gone = end is DELETED or (isinstance(end, Absent) and is_certainly_deleted(end, people))
    return StoredPerson(
        end if isinstance(end, FoundPerson) else None, trail_of(record.sf_id, people), is_gone
    )


def _of_person(record: StoredRecord, person: StoredPerson, found: OrgRecords) -> Iterator[Difference]:
    if person.end is not None or follow(record.sf_id, found.people) is CONVERTED_WITHOUT_CONTACT:
        return
    kind = DifferenceKind.MISSING_PERSON if person.is_gone else DifferenceKind.NOT_VISIBLE
    yield Difference(record, kind, record.sf_id)


def _of_record(record: StoredRecord, person: StoredPerson | None, found: OrgRecords) -> Iterator[Difference]:
    row = found.rows.get(record.sf_id)
    if record.slot == MEMBER and not _stands(row):
        row = _member_elsewhere(record, person, found) or row
    shown = person.shown if person else None
    if row is None or not _stands(row):
        is_missing = row is not None or _is_certainly_missing(record, person, found)
        kind = MISSING[record.toggle] if is_missing else DifferenceKind.NOT_VISIBLE
        yield Difference(record, kind, record.sf_id, "deleted" if row is not None else None, shown)
        return
    check = RECORD_CHECKS[record.sobject]
    yield from _other_status(record, check, row)
    yield from _other_times(record, check, row)
    yield from _other_person(record, check, row, person)
    if record.key is not None and record.sobject in found.keyed:
        yield Difference(record, DifferenceKind.WITHOUT_KEY, record.key, None, (record.sobject, record.sf_id))


def _other_status(record: StoredRecord, check: RecordCheck, row: Mapping[str, Any]) -> Iterator[Difference]:
    theirs = row.get(check.status_field) if check.status_field else None
    is_other = check.status_field in row and theirs != record.label
    for name in record.status_names:
        if name in row and digest(row[name]) != record.digests[name]:
            theirs, is_other = row[name], True
    if is_other and record.label and not record.is_manual:
        here = (record.sobject, record.sf_id)
        yield Difference(record, DifferenceKind.STATUS_DIFFERS, record.label, theirs, here)


def _other_times(record: StoredRecord, check: RecordCheck, row: Mapping[str, Any]) -> Iterator[Difference]:
    theirs = {name: _moment(row[name]) for name in check.time_fields if row.get(name)}
    if any(name in record.digests and digest(at) != record.digests[name] for name, at in theirs.items()):
        planned = (_text(at) for at in record.planned if at is not None)
        here = (record.sobject, record.sf_id)
        ours, found = SPAN.join(planned), SPAN.join(theirs.values())
        yield Difference(record, DifferenceKind.TIMES_DIFFER, ours or None, found, here)


def _other_person(
    record: StoredRecord, check: RecordCheck, row: Mapping[str, Any], person: StoredPerson | None
) -> Iterator[Difference]:
    """A member that we met under another record of the same address stays there, and a Case that the link
    named is whose it is: these are no differences.
    """
    read = [name for name in check.person_fields if name in row]
    is_met = record.was_member_before or record.is_of_link
    if person is None or person.end is None or not read or is_met:
        return
    named = [to18(row[name]) for name in read if row[name]]
    if named and not person.trail.isdisjoint(named):
        return
    if named or check.needs_person:
        theirs = named[0] if named else None
        here = (record.sobject, record.sf_id)
        yield Difference(record, DifferenceKind.OTHER_PERSON, person.end.id, theirs, here)


def _is_certainly_missing(record: StoredRecord, person: StoredPerson | None, found: OrgRecords) -> bool:
    """Whether what not even the recycle bin shows was deleted: it went with its person, or nothing of its
    kind is hidden. A member is seen by whoever sees its campaign and its person.
    """
    if record.sobject in found.unreadable:
        return False
    if person is not None and person.is_gone:
        return True
    if record.slot == MEMBER:
        return person is not None and person.end is not None
    return found.people.fully_visible >= set(PERSON_OBJECTS)


def _member_elsewhere(
    record: StoredRecord, person: StoredPerson | None, found: OrgRecords
) -> Mapping[str, Any] | None:
    """The member that stands for the same person under another id: merged, or added again by hand."""
    ids = sorted(person.trail) if person else []
    members = (found.members.get((record.instance_key, id_)) for id_ in ids)
    return next((row for row in members if row is not None), None)


def _stands(row: Mapping[str, Any] | None) -> bool:
    return row is not None and not row.get("IsDeleted")


def _moment(value: str) -> str:
    """A time of Salesforce as we send it."""
    return _text(datetime.fromisoformat(value))


def _text(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


SPAN: Final = " – "
PERSON_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    LEAD: ("MasterRecordId", "IsConverted", "ConvertedContactId"),
    CONTACT: ("MasterRecordId",),
    "Account": ("MasterRecordId", "PersonContactId"),
}
"""What is read of people, beside the id: where the trail goes on."""
