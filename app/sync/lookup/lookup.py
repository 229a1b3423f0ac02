"""Step one of a batch: what stands in Salesforce already. Runs the queries and follows their answers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.salesforce.client import SalesforceClient
from app.salesforce.composite import QueryPage, SubResponse, group_into_composites
from app.salesforce.describe import SObjectDescribe, parse_describe
from app.salesforce.errors import RequestRejected
from app.salesforce.ids import to18
from app.states import JobReason, WriteState
from app.sync.field_values.lead_fields import is_usable_email
from app.sync.lookup.access import LookupRejected, UserAccess, is_lasting, load_access
from app.sync.lookup.describe_cache import MAX_AGE, RETRY_MAX_AGE, load_unique_fields, uncached
from app.sync.lookup.lost_creates import WrittenSince, find_lost_creates, find_reported, lost_emails
from app.sync.lookup.owners import build_owner_queries, load_owners, owner_bodies, parse_owners
from app.sync.lookup.parse import (
    CASE_STATUS,
    EVENT_LENGTH,
    TASK_STATUS,
    ResponseFlags,
    case_statuses,
    closed_statuses,
    emails_by_reference,
    parse_cases,
    parse_deleted,
    parse_events,
    parse_members,
    parse_people,
    parse_statuses,
)
from app.sync.lookup.queries import (
    LookupQuery,
    LookupRequest,
    QueryKind,
    build_lookup_queries,
    build_people_queries,
    case_queries,
    person_account_soqls,
)
from app.sync.lookup.requirements import (
    KnownOwners,
    LookupRequirements,
    described_beside,
    keyed_objects,
)
from app.sync.matching.person_matching import NeedsLookup, PersonIndex, ids_to_look_up, resolve
from app.sync.model.batch import CALENDAR_EVENT, Batch, Job, WrittenSlot
from app.sync.model.calendar_status import is_open_for_previous_holder, is_too_long_for_org
from app.sync.model.cases import CASE_KEY, CaseRow, CaseStatuses, is_to_be_closed
from app.sync.model.record_key import KeyRules, RecordKey, is_unique_create, key_fields
from app.sync.model.records import CONTACT, EVENT, LEAD, PERSON_ACCOUNT, MemberRow

HIDDEN_OBJECT: Final = "INVALID_TYPE"
NAMES: Final = ("FirstName", "LastName")
OF_CAMPAIGNS: Final = frozenset({QueryKind.MEMBERS, QueryKind.STATUSES})
"""Where the connected user may not see these objects, the rest is looked up all the same."""

OF_EMAILS: Final = QueryKind.EMAIL_MESSAGES
OPTIONAL: Final = frozenset(
    {
        QueryKind.TASK_STATUSES,
        QueryKind.USERS,
        QueryKind.CASES,
        QueryKind.CASE_STATUSES,
        QueryKind.KEYED,
    }
)
"""What is refused for good is nothing found."""


@dataclass(frozen=True)
class KnownOfOrg:
    """What our tables know of an org for a batch; `unique_fields` of the objects that are written by keys."""

    access: UserAccess
    owners: KnownOwners
    undescribed: tuple[str, ...]
    unique_fields: Mapping[str, SObjectDescribe | None]
    max_age: timedelta


async def load_known(session: AsyncSession, batch: Batch, rules: KeyRules) -> KnownOfOrg:
    """What is known already, so that it is not asked for; a Retry believes what is seconds old alone."""
    jobs, host_id, org_id = batch.jobs, batch.host_id, batch.org_id
    access = await load_access(session, host_id=host_id, org_id=org_id)
    is_retried = access.is_due or any(job.reason == JobReason.RETRY for job in jobs)
    max_age = RETRY_MAX_AGE if is_retried else MAX_AGE
    return KnownOfOrg(
        access,
        await load_owners(session, batch.organizers, host_id=host_id, org_id=org_id, max_age=max_age),
        await uncached(session, host_id, org_id, described_beside(jobs), max_age),
        await load_unique_fields(session, host_id, org_id, keyed_objects(jobs, rules), max_age),
        max_age,
    )


@dataclass(frozen=True)
class QueryResult:
    """The records of one query; `is_hidden` where the connected user may not see the object."""

    kind: QueryKind
    records: Sequence[dict[str, Any]]
    is_hidden: bool = False


@dataclass(frozen=True)
class LookupResult:
    """What was found. Members by (campaign, person id) and by (campaign, e-mail); labels by campaign with
    whether they count as responded; ids of lost creates by our reference; of the records `reported` missing,
    by id, whether they stand; describes where the rules need any; `person_accounts` are fields of Person
    Accounts by id; `closed_statuses` are of Tasks; `owners` are Salesforce users by the organizer's e-mail
    (`address_key`); `cases` by id, those that links name and those that are to be closed; `events` are the
    calendar Events that stand, of those in `queried_events`, `deleted_events` those that are known to be
    deleted; `has_day_events_only`: the org takes no longer ones; `new_bodies` are describes that were asked
    for; `hides_emails`: lost e-mails could not be
    looked for; `has_refused_emails`: the org took none as EmailMessage lately.

    `package_namespace` is the prefix of our package's fields, None where it is not known; `key_fields` are
    the fields for unique keys, by object, where the org has them.
    """

    people: PersonIndex = field(default_factory=PersonIndex)
    members: Mapping[tuple[str, str], MemberRow] = field(default_factory=dict)
    members_by_email: Mapping[tuple[str, str], MemberRow] = field(default_factory=dict)
    statuses: ResponseFlags = field(default_factory=dict)
    recovered: Mapping[str, str] = field(default_factory=dict)
    reported: Mapping[str, bool] = field(default_factory=dict)
    describes: Mapping[str, SObjectDescribe] = field(default_factory=dict)
    person_accounts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    closed_statuses: tuple[str, ...] = ()
    owners: Mapping[str, str] = field(default_factory=dict)
    lacks_campaign_access: bool = False
    cases: Mapping[str, CaseRow] = field(default_factory=dict)
    case_statuses: CaseStatuses | None = None
    events: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    queried_events: frozenset[str] = frozenset()
    deleted_events: frozenset[str] = frozenset()
    has_day_events_only: bool = False
    new_bodies: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    hides_emails: bool = False
    has_refused_emails: bool = False
    package_namespace: str | None = None
    key_fields: Mapping[str, str] = field(default_factory=dict)

    def key_of(self, sobject: str, value: str) -> RecordKey | None:
        """The unique key of a new record; None where the org has no field for it."""
        name = self.key_fields.get(sobject)
        return RecordKey(name, value) if name is not None else None

    def is_sent_again(self, slot: WrittenSlot) -> bool:
        """Whether the lost create of this slot is to be sent again with its key, and not looked for."""
        return is_unique_create(slot, self.key_fields)

    def recovered_slot(self, slot: WrittenSlot | None) -> WrittenSlot | None:
        """The slot as it is written, where the record of its lost create was found."""
        record_id = self.recovered.get(slot.reference or "") if slot is not None else None
        if slot is None or record_id is None:
            return None
        return slot._replace(state=WriteState.WRITTEN, sf_id=record_id)


async def look_up_batch(
    client: SalesforceClient, batch: Batch, requirements: LookupRequirements, *, written_since: WrittenSince
) -> LookupResult:
    """Ask for everything the batch may meet, and follow trails (converted, merged) to their ends.

    `written_since` has what we wrote ourselves since a moment: that is none of the lost.

    Raises what the client raises: a look-up that failed is never "not found".
    """
    asked = frozenset(id_ for job in batch.jobs for id_ in ids_to_look_up(job))
    found = await _look_up(client, batch, asked, requirements)
    # Each round asks for ids that were never asked for, and a trail is short: this ends.
    while missing := _unresolved_ids(batch.jobs, found.people) - found.people.queried_ids:
        people = await fetch_people(client, missing, known=found.people, requirements=requirements)
        found = replace(found, people=people)
    lost = await find_lost_creates(
        client, batch, found.people, written_since, describes=found.describes, key_fields=found.key_fields
    )
    cases = await _fetch_recovered_cases(client, batch, lost, requirements)
    reported = await find_reported(client, batch)
    recovered = {**found.recovered, **lost}
    return replace(found, recovered=recovered, reported=reported, cases={**found.cases, **cases})


async def _fetch_recovered_cases(
    client: SalesforceClient, batch: Batch, recovered: Mapping[str, str], requirements: LookupRequirements
) -> dict[str, CaseRow]:
    """Those of the found lost Cases that are to be closed."""
    slots = [job.written[CASE_KEY] for job in _closing(batch) if CASE_KEY in job.written]
    ids = sorted({recovered[ref] for slot in slots if (ref := slot.reference or "") in recovered})
    results = await run_queries(client, case_queries(ids, requirements))
    return parse_cases(records_of(results, QueryKind.CASES))


async def fetch_people(
    client: SalesforceClient,
    ids: Iterable[str],
    *,
    known: PersonIndex,
    requirements: LookupRequirements,
    with_names: bool = False,
) -> PersonIndex:
    """The people known already and those behind `ids`, be they Accounts of persons."""
    asked = frozenset(ids)
    requirements = (
        replace(requirements, fields=_with_names(requirements.fields)) if with_names else requirements
    )
    results = await run_queries(client, build_people_queries(sorted(asked), requirements))
    return parse_people(records_of(results, QueryKind.PEOPLE), asked, requirements, known=known)


async def fetch_person_accounts(
    client: SalesforceClient, people: PersonIndex, requirements: LookupRequirements
) -> dict[str, Mapping[str, Any]]:
    """The fields of the Accounts that hold what these Contacts show, where the rules may change them."""
    names = requirements.fields.get(PERSON_ACCOUNT, ())
    ids = sorted({id_ for row in people.rows.values() if names and (id_ := row.person_account_id)})
    if not ids:
        return {}
    rows = [row for soql in person_account_soqls(ids, names) for row in await client.query(soql)]
    return {to18(row["Id"]): {name: row.get(name) for name in names} for row in rows}


async def run_queries(client: SalesforceClient, queries: Iterable[LookupQuery]) -> list[QueryResult]:
    """All records of each query, in as few calls as they fit.

    Raises LookupRejected for a needed query that is rejected, and what the client raises.
    """
    asked = {query.reference_id: query for query in queries}
    requests = [query.request(api_version=client.api_version) for query in asked.values()]
    results = []
    for composite in group_into_composites(requests):
        for response in await client.composite(composite):
            query = asked[response.reference_id]
            page = _first_page(query, response)
            records = await client.all_records(page) if page else []
            results.append(QueryResult(query.kind, records, is_hidden=page is None))
    return results


def bodies_to_cache(
    requirements: LookupRequirements, found: LookupResult, jobs: Iterable[Job]
) -> dict[str, dict[str, Any]]:
    """What the look-up found that further batches need not ask for, as our table of describes keeps it."""
    access = requirements.access
    bodies = {**owner_bodies(requirements.owners.unknown, found.owners), **found.new_bodies}
    if access.closed_statuses is None:
        bodies[TASK_STATUS] = {"closed": list(found.closed_statuses)}
    if access.case_statuses is None and found.case_statuses is not None:
        bodies[CASE_STATUS] = asdict(found.case_statuses)
    if not access.has_day_events_only and any(map(is_too_long_for_org, jobs)):
        bodies[EVENT_LENGTH] = {"days": 1}
    return bodies


def records_of(results: Iterable[QueryResult], *kinds: QueryKind) -> list[dict[str, Any]]:
    """The records that queries of these kinds found."""
    return [record for result in results if result.kind in kinds for record in result.records]


def _first_page(query: LookupQuery, response: SubResponse) -> QueryPage | None:
    """None of campaigns and e-mails that the connected user may not see."""
    try:
        return query.parse(response)
    except RequestRejected as refused:
        if query.kind in OF_CAMPAIGNS and refused.failure.error_code == HIDDEN_OBJECT:
            return None
        if query.kind == OF_EMAILS and is_lasting(refused):
            return None
        if query.kind in OPTIONAL and is_lasting(refused):
            return QueryPage([], None)
        raise LookupRejected(refused.failures, query.sobject) from refused


async def _look_up(
    client: SalesforceClient, batch: Batch, ids: frozenset[str], requirements: LookupRequirements
) -> LookupResult:
    asked = _request(batch, ids, requirements)
    organizers = build_owner_queries(requirements.owners.unknown)
    results = await run_queries(client, [*build_lookup_queries(asked), *organizers])
    return _result(results, asked)


def _request(batch: Batch, ids: frozenset[str], requirements: LookupRequirements) -> LookupRequest:
    """What is asked for: these ids, and what the batch's jobs name beside."""
    emails = {each for job in batch.jobs if _can_be_asked(job) for each in _addresses(job)}
    writing = [] if requirements.access.lacks_campaign_access else batch.jobs
    closing = _closing(batch)
    stored = (job.written[CASE_KEY].sf_id for job in closing if CASE_KEY in job.written)
    return LookupRequest(
        sorted(emails),
        sorted(ids.union(filter(None, stored))),
        sorted({job.link.campaign_id for job in writing if job.link and job.writes.member}),
        requirements,
        closes_cases=bool(closing),
        events=_written_events(batch.jobs) if EVENT in requirements.describes else [],
        message_identifiers=lost_emails(batch),
        is_retry=any(job.reason == JobReason.RETRY for job in batch.jobs),
    )


def _result(results: Sequence[QueryResult], asked: LookupRequest) -> LookupResult:
    """What the queries of a request found."""
    requirements = asked.wanted
    new_bodies = _bodies(results, QueryKind.DESCRIBES)
    keyed_bodies = _bodies(results, QueryKind.KEYED)
    new_keys = key_fields(_described({**new_bodies, **keyed_bodies}), requirements.key_rules.namespace)
    statuses = parse_statuses(records_of(results, QueryKind.STATUSES), asked.campaigns)
    found = records_of(results, QueryKind.MEMBERS)
    members, members_by_email = parse_members(found, requirements, statuses)
    known = requirements.access.closed_statuses
    closed = closed_statuses(records_of(results, QueryKind.TASK_STATUSES)) if known is None else known
    return LookupResult(
        people=parse_people(
            records_of(results, QueryKind.PEOPLE, QueryKind.CASES), frozenset(asked.ids), requirements
        ),
        members=members,
        members_by_email=members_by_email,
        statuses=statuses,
        describes={**requirements.describes, **_described(new_bodies)},
        new_bodies={**new_bodies, **keyed_bodies},
        key_fields={**requirements.key_fields, **new_keys},
        closed_statuses=closed,
        owners={**requirements.owners.ids, **parse_owners(records_of(results, QueryKind.USERS))},
        lacks_campaign_access=requirements.access.lacks_campaign_access
        or any(result.is_hidden for result in results if result.kind in OF_CAMPAIGNS),
        cases=parse_cases(records_of(results, QueryKind.CASES)),
        case_statuses=_case_statuses(results, requirements) if asked.closes_cases else None,
        events=parse_events(records_of(results, QueryKind.EVENTS)),
        queried_events=frozenset(asked.events),
        deleted_events=parse_deleted(records_of(results, QueryKind.EVENTS)),
        has_day_events_only=requirements.access.has_day_events_only,
        recovered=emails_by_reference(records_of(results, OF_EMAILS)),
        hides_emails=any(result.is_hidden for result in results if result.kind == OF_EMAILS),
    )


def _bodies(results: Iterable[QueryResult], kind: QueryKind) -> dict[str, dict[str, Any]]:
    return {row["sobject"]: row["body"] for row in records_of(results, kind)}


def _described(bodies: Mapping[str, Mapping[str, Any]]) -> dict[str, SObjectDescribe]:
    return {sobject: parse_describe(body) for sobject, body in bodies.items() if body}


def _written_events(jobs: Iterable[Job]) -> list[str]:
    """The calendar Events that may have to change."""
    slots = (
        slot
        for job in jobs
        if job.writes.calendar_event
        for key, slot in job.written.items()
        if key.slot == CALENDAR_EVENT or is_open_for_previous_holder(key, slot)
    )
    return sorted({slot.sf_id for slot in slots if slot.sf_id is not None})


def _closing(batch: Batch) -> list[Job]:
    """The jobs whose Cases are to be closed."""
    settings = batch.settings.case
    return [job for job in batch.jobs if is_to_be_closed(job, job.written.get(CASE_KEY), settings)]


def _case_statuses(results: Iterable[QueryResult], requirements: LookupRequirements) -> CaseStatuses:
    known = requirements.access.case_statuses
    return case_statuses(records_of(results, QueryKind.CASE_STATUSES)) if known is None else known


def _with_names(fields: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {**fields, **{sobject: (*fields.get(sobject, ()), *NAMES) for sobject in (CONTACT, LEAD)}}


def _unresolved_ids(jobs: Iterable[Job], people: PersonIndex) -> frozenset[str]:
    ends = (resolve(job, people) for job in jobs)
    return frozenset(id_ for end in ends if isinstance(end, NeedsLookup) for id_ in end.ids)


def _can_be_asked(job: Job) -> bool:
    return job.attendee.email_key is not None and is_usable_email(job.attendee.email_key)


def _addresses(job: Job) -> list[str]:
    """As given and in lower case: an encrypted field may be compared letter by letter."""
    given, key = job.attendee.email, job.attendee.email_key
    return [each for each in (given, key) if each]
