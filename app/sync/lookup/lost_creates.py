"""Find the records whose creates were never answered: no second one is made of what exists."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from app.salesforce.client import SalesforceClient
from app.salesforce.describe import SObjectDescribe
from app.salesforce.errors import RequestRejected
from app.salesforce.ids import to18
from app.states import WriteState
from app.sync.field_values.lead_fields import is_usable_email
from app.sync.lookup.access import is_lasting
from app.sync.lookup.parse import records_by_label, records_by_reference
from app.sync.lookup.queries import lost_create_soql, records_by_id_soql
from app.sync.matching.person_matching import PersonIndex, resolve
from app.sync.model.batch import PERSON, Batch, Job, WrittenSlot
from app.sync.model.emails import EMAIL_SLOTS
from app.sync.model.record_key import is_unique_create
from app.sync.model.record_kind import LostCreateQuery
from app.sync.model.record_kinds import slots_by_lost_create
from app.sync.model.records import CASE, EMAIL_MESSAGE, FoundPerson
from app.sync.model.reference_tags import message_identifier

NOTHING_DESCRIBED: Final[Mapping[str, SObjectDescribe]] = {}
NO_KEYS: Final[Mapping[str, str]] = {}
HIDDEN_FIELD: Final = "INVALID_FIELD"
CLOCK_SKEW: Final = timedelta(minutes=5)

WrittenSince = Callable[[datetime, Collection[str]], Awaitable[frozenset[str]]]
"""The ids that we have written since a moment to some slots: none of them is lost."""


class LostCreate(NamedTuple):
    """One create in doubt, with the people and the e-mails whose record it may be."""

    slot: WrittenSlot
    people: Sequence[str]
    addresses: Sequence[str]


@dataclass(frozen=True)
class LostCreates:
    """The creates of one query that are in doubt."""

    query: LostCreateQuery
    slots: Collection[str]
    creates: Sequence[LostCreate]
    describe: SObjectDescribe | None = None

    def visible(self, *names: str) -> list[str]:
        """Those of the object's fields that the connected user may read, as far as that is known."""
        known = self.describe
        return [name for name in names if known is None or name in known.fields]

    @property
    def whose(self) -> dict[str, list[str]]:
        """The values by which the records are asked for, by field.

        Where a record may stand without its person, the address may have been corrected since it was sent,
        so its label counts as well.
        """
        query = self.query
        values: dict[str, Iterable[str]] = {query.person_field: _each(lost.people for lost in self.creates)}
        if query.address_field is not None:
            values[query.address_field] = _each(lost.addresses for lost in self.creates)
            values[query.subject_field] = (lost.slot.details.subject or "" for lost in self.creates)
        found = {name: sorted(filter(None, set(some))) for name, some in values.items()}
        known = self.describe
        asked = [name for name in self.visible(*found) if known is None or known.fields[name].is_filterable]
        return {name: found[name] for name in asked if found[name]}

    @property
    def since(self) -> datetime | None:
        """When the first of them was sent, by a clock that may be behind Salesforce's."""
        started = [lost.slot.first_attempt_at for lost in self.creates if lost.slot.first_attempt_at]
        return min(started) - CLOCK_SKEW if started else None

    @property
    def labels(self) -> list[tuple[str, str, Sequence[str]]]:
        """Reference, label and people of each; one that was sent without an e-mail is nobody's."""
        if self.query.address_field is None:
            owners = [lost.people for lost in self.creates]
        else:
            is_seen = self.visible(self.query.address_field)
            owners = [lost.addresses if is_seen and lost.addresses else [""] for lost in self.creates]
        return [
            (lost.slot.reference or "", lost.slot.details.subject or "", some)
            for lost, some in zip(self.creates, owners, strict=True)
        ]


def lost_emails(batch: Batch) -> list[str]:
    """The keys of the e-mails whose creates were never answered."""
    return sorted(
        message_identifier(slot.reference)
        for job in batch.jobs
        for key, slot in job.written.items()
        if slot.state == WriteState.AMBIGUOUS and slot.reference
        if slot.sobject == EMAIL_MESSAGE or (slot.details.is_suspected and key.slot in EMAIL_SLOTS)
    )


async def find_lost_creates(
    client: SalesforceClient,
    batch: Batch,
    known: PersonIndex,
    written_since: WrittenSince,
    *,
    describes: Mapping[str, SObjectDescribe] = NOTHING_DESCRIBED,
    key_fields: Mapping[str, str] = NO_KEYS,
) -> dict[str, str]:
    """Record ids by our reference; one query for each object that has a create in doubt.

    `describes` say which fields may be asked for, where they are known. What carried the unique key of one of
    these `key_fields` is not looked for: it is sent again.
    """
    found: dict[str, str] = {}
    for query, slots in slots_by_lost_create().items():
        creates = [
            LostCreate(slot, list(_person_ids(job, known)), list(_addresses(job)))
            for job in batch.jobs
            for key, slot in job.written.items()
            if key.slot in slots and slot.state == WriteState.AMBIGUOUS and slot.sobject == query.sobject
            if not is_unique_create(slot, key_fields)
        ]
        lost = LostCreates(query, slots, creates, describes.get(query.sobject))
        found |= await _find(client, lost, written_since)
    return found


async def find_reported(client: SalesforceClient, batch: Batch) -> dict[str, bool]:
    """The records that a verification missed, and whether they stand: they may have been taken out of the
    recycle bin since. One query for each object; of one that is hidden by now nothing is known.
    """
    reported: dict[str, set[str]] = {}
    for job in batch.jobs:
        for slot in job.written.values():
            if slot.details.reported_missing and slot.sf_id is not None:
                reported.setdefault(slot.sobject, set()).add(slot.sf_id)
    found: dict[str, bool] = {}
    for sobject, ids in sorted(reported.items()):
        try:
            rows = await client.query(records_by_id_soql(sobject, sorted(ids)), include_deleted=True)
        except RequestRejected as refused:
            if not is_lasting(refused):
                raise
            continue
        standing = {to18(row["Id"]) for row in rows if not row["IsDeleted"]}
        found |= {id_: id_ in standing for id_ in ids}
    return found


async def _find(client: SalesforceClient, lost: LostCreates, written_since: WrittenSince) -> dict[str, str]:
    query, whose, since = lost.query, lost.whose, lost.since
    # An object of which a describe was asked for and is missing is hidden: nothing can be looked for there.
    is_hidden = query.sobject == CASE and lost.describe is None
    if not whose or since is None or is_hidden:
        return {}
    if reference := lost.visible(query.reference_field):
        try:
            soql = lost_create_soql(query, reference, whose, since)
            return records_by_reference(query, await client.query(soql, include_deleted=True))
        except RequestRejected as refused:
            if refused.failure.error_code != HIDDEN_FIELD:
                raise
    fields = lost.visible(query.owner_field, query.subject_field)
    soql = lost_create_soql(query, fields, whose, since)
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


def _addresses(job: Job) -> Iterator[str]:
    """The attendee's, where it is one that could be sent."""
    key = job.attendee.email_key
    if key is not None and is_usable_email(key):
        yield key


def _each(lists: Iterable[Sequence[str]]) -> Iterator[str]:
    return (value for some in lists for value in some)
