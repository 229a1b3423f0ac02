"""Step one of a batch: what stands in Salesforce already. Builds the queries and reads their answers."""

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from app.salesforce.client import SalesforceClient
from app.salesforce.composite import (
    QueryPage,
    Subrequest,
    SubResponse,
    group_into_composites,
    parse_query,
    query_request,
)
from app.salesforce.describe import SObjectDescribe
from app.salesforce.errors import RequestRejected
from app.salesforce.ids import to18
from app.salesforce.soql import chunk, datetime_literal, in_list, quote
from app.sync.field_values.closed_status import SOQL as TASK_STATUS_SOQL
from app.sync.field_values.closed_status import TASK_STATUS, closed_statuses
from app.sync.field_values.lead_fields import is_usable_email
from app.sync.lookup.access import LookupRefused, is_lasting
from app.sync.lookup.requirements import MEMBER as MEMBER_OBJECT
from app.sync.lookup.requirements import LookupRequirements
from app.sync.matching.person_matching import NeedsLookup, People, ids_to_look_up, resolve
from app.sync.model.batch import PERSON, Batch, Job, WrittenSlot
from app.sync.model.records import ACCOUNT, CONTACT, LEAD, PERSON_ACCOUNT, Found, MemberRow, PersonRow
from app.sync.model.reference_tags import references_in
from app.text.email_address import address_key

LOOKUP_LENGTH = 90_000
"""Characters of one query: with what joins its lists it stays below the 100,000 that SOQL may have.

https://developer.salesforce.com/docs/atlas.en-us.salesforce_app_limits_cheatsheet.meta/salesforce_app_limits_cheatsheet/salesforce_app_limits_platform_soslsoql.htm
"""

LIST_LENGTH = 40_000
"""Characters of the one list of a query that asks for many fields, with what stands between two ids."""

LIST_JOINT = 8

HIDDEN_FIELD = "INVALID_FIELD"
MAX_FOLLOW_UPS = 4
HIDDEN: list[dict[str, Any]] = []
"""The answer of an object that the connected user may not see; told by identity."""

PEOPLE_QUERY = re.compile(r"people(Contact|Lead|Account)\d*")
OBJECT_OF_PART = {"members": "CampaignMember", "statuses": "CampaignMemberStatus"}
CAMPAIGN_PARTS = tuple(OBJECT_OF_PART)
CLOCK_SKEW = timedelta(minutes=5)
Responding = Mapping[str, Mapping[str, bool]]
"""Whether each status of a campaign counts as a response."""

PERSON_FIELDS = {
    CONTACT: "Id, Email, CreatedDate, IsDeleted, MasterRecordId",
    LEAD: "Id, Email, CreatedDate, IsDeleted, MasterRecordId, IsConverted, ConvertedContactId",
}
NAMES = ("FirstName", "LastName")
STATUSES_SOQL = "SELECT CampaignId, Label, HasResponded FROM CampaignMemberStatus WHERE CampaignId IN "
ACCOUNT_PREFIX = "001"
ACCOUNT_FIELDS = "Id, CreatedDate, IsDeleted, MasterRecordId, PersonContactId"
MEMBER_FIELDS = "Id, CampaignId, LeadId, ContactId, Status"
"""Whether a member has responded is what its status says: HasResponded may be hidden."""


TasksSince = Callable[[datetime], Awaitable[frozenset[str]]]


@dataclass(frozen=True)
class LookupResult:
    """What was found. Members by (campaign, person id) and by (campaign, e-mail); labels by campaign with
    whether they count as responded; Task ids by our reference; describes where the rules need any;
    `persons` are fields of Accounts that stand for Contacts, by their ids; `closed_statuses` are of Tasks."""

    people: People = field(default_factory=People)
    members: Mapping[tuple[str, str], MemberRow] = field(default_factory=dict)
    members_by_email: Mapping[tuple[str, str], MemberRow] = field(default_factory=dict)
    statuses: Responding = field(default_factory=dict)
    tasks: Mapping[str, str] = field(default_factory=dict)
    describes: Mapping[str, SObjectDescribe] = field(default_factory=dict)
    persons: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    closed_statuses: tuple[str, ...] = ()
    lacks_campaigns: bool = False


async def look_up_batch(
    client: SalesforceClient, batch: Batch, wanted: LookupRequirements, *, tasks_since: TasksSince
) -> LookupResult:
    """Ask for everything the batch may meet, and follow trails (converted, merged) to their ends.

    `tasks_since` has the Tasks that we wrote ourselves since a moment: they are none of the lost.

    Raises what the client raises: a look-up that failed is never "not found".
    """
    asked = frozenset(id_ for job in batch.jobs for id_ in ids_to_look_up(job))
    found = await _ask(client, batch, asked, wanted)
    for _ in range(MAX_FOLLOW_UPS):
        missing = _unresolved_ids(batch.jobs, found.people) - found.people.asked_ids
        if not missing:
            break
        people = await fetch_people(client, missing, known=found.people, wanted=wanted)
        found = replace(found, people=people)
    return replace(found, tasks=await _uncertain_tasks(client, batch, found.people, tasks_since))


async def fetch_people(
    client: SalesforceClient,
    ids: Iterable[str],
    *,
    known: People,
    wanted: LookupRequirements,
    with_names: bool = False,
) -> People:
    """The people known already and those behind `ids`, be they Accounts of persons."""
    asked = frozenset(ids)
    wanted = replace(wanted, fields=_with_names(wanted.fields)) if with_names else wanted
    requests = list(_people_requests(sorted(asked), wanted, api_version=client.api_version))
    rows = [row for answers in await _records(client, requests) for row in answers]
    people = [*known.rows.values(), *(_person_row(row, wanted) for row in rows)]
    return People.of(people, known.asked_ids | asked, **_unseen(wanted))


async def fetch_person_accounts(
    client: SalesforceClient, people: People, wanted: LookupRequirements
) -> dict[str, Mapping[str, Any]]:
    """The fields of the Accounts that hold what these Contacts show, where the rules may change them."""
    names = wanted.fields.get(PERSON_ACCOUNT, ())
    ids = sorted({id_ for row in people.rows.values() if names and (id_ := row.person_account_id)})
    if not ids:
        return {}
    select = f"SELECT {_select_list('Id', names)} FROM Account WHERE Id IN"  # noqa: S608 -- names of describes
    soqls = [f"{select} {in_list(some)}" for some in chunk(ids, length=LIST_LENGTH, joint=LIST_JOINT)]
    rows = [row for soql in soqls for row in await client.query(soql)]
    return {to18(row["Id"]): {name: row.get(name) for name in names} for row in rows}


async def _ask(
    client: SalesforceClient, batch: Batch, ids: frozenset[str], wanted: LookupRequirements
) -> LookupResult:
    emails = sorted({each for job in batch.jobs if _can_be_asked(job) for each in _addresses(job)})
    is_asked = batch.writes.member and not wanted.sight.lacks_campaigns
    campaigns = sorted({job.link.campaign_id for job in batch.jobs if job.link and is_asked})
    asked = LookupRequest(emails, sorted(ids), campaigns, wanted)
    requests = list(build_lookup_queries(asked, api_version=client.api_version))
    answers = dict(zip((r.reference_id for r in requests), await _records(client, requests), strict=True))
    people = [
        _person_row(row, wanted) for ref, rows in answers.items() if ref.startswith("people") for row in rows
    ]
    members = [row for ref, rows in answers.items() if ref.startswith("members") for row in rows]
    statuses = _statuses(answers.get("statuses", []), campaigns)
    return LookupResult(
        people=People.of(people, ids, **_unseen(wanted)),
        members=dict(_members_by_person(members, wanted, statuses)),
        members_by_email=dict(_members_by_email(members, wanted, statuses)),
        statuses=statuses,
        describes=wanted.describes,
        closed_statuses=_closed_statuses(wanted, answers),
        lacks_campaigns=wanted.sight.lacks_campaigns or any(rows is HIDDEN for rows in answers.values()),
    )


def _closed_statuses(
    wanted: LookupRequirements, answers: Mapping[str, list[dict[str, Any]]]
) -> tuple[str, ...]:
    known = wanted.sight.closed_statuses
    return closed_statuses(answers.get(TASK_STATUS, ())) if known is None else known


@dataclass(frozen=True)
class LookupRequest:
    """Whom to look for, and in which campaigns."""

    emails: Sequence[str]
    ids: Sequence[str]
    campaigns: Sequence[str]
    wanted: LookupRequirements


def build_lookup_queries(asked: LookupRequest, *, api_version: str) -> Iterator[Subrequest]:
    """The queries of one look, none longer than SOQL allows."""
    campaigns, wanted = asked.campaigns, asked.wanted
    people_ids, account_ids = _partition_ids(asked.ids)
    keys_of = {sobject: wanted.keys_of(sobject) for sobject in (CONTACT, LEAD)}
    names = sorted({*keys_of[CONTACT], *keys_of[LEAD]})
    keyed = {name: max((keys.get(name, ()) for keys in keys_of.values()), key=len) for name in names}
    lists = {"Email": asked.emails, "Id": people_ids, **keyed}
    for number, some in enumerate(_chunk_criteria(lists, room=_available_length(asked))):
        some_emails, some_ids = some.pop("Email", []), some.pop("Id", [])
        for sobject in wanted.people:
            emails = () if sobject in wanted.sight.without_email else some_emails
            keys = {name: values for name, values in some.items() if name in keys_of[sobject]}
            soql = _people_soql(sobject, emails, some_ids, wanted=wanted, keys=keys)
            if soql is None:
                continue
            yield query_request(
                f"people{sobject}{number}", soql, api_version=api_version, include_deleted=True
            )
            if campaigns and (emails or some_ids):
                soql = _members_soql(sobject, campaigns, emails, some_ids, wanted=wanted)
                yield query_request(f"members{sobject}{number}", soql, api_version=api_version)
    if campaigns:
        yield query_request("statuses", STATUSES_SOQL + in_list(campaigns), api_version=api_version)
    yield from _accounts_requests(account_ids, wanted, api_version=api_version)
    if wanted.sight.closed_statuses is None:
        yield query_request(TASK_STATUS, TASK_STATUS_SOQL, api_version=api_version)


def _people_requests(
    ids: Sequence[str], wanted: LookupRequirements, *, api_version: str
) -> Iterator[Subrequest]:
    people_ids, account_ids = _partition_ids(ids)
    for sobject in wanted.people:
        soql = _people_soql(sobject, (), people_ids, wanted=wanted, keys={})
        if soql is not None:
            yield query_request(f"people{sobject}", soql, api_version=api_version, include_deleted=True)
    yield from _accounts_requests(account_ids, wanted, api_version=api_version)


def _partition_ids(ids: Sequence[str]) -> tuple[list[str], list[str]]:
    """Ids of Leads and Contacts, and ids of Accounts."""
    accounts = [id_ for id_ in ids if id_.startswith(ACCOUNT_PREFIX)]
    return [id_ for id_ in ids if not id_.startswith(ACCOUNT_PREFIX)], accounts


def _accounts_requests(
    ids: Sequence[str], wanted: LookupRequirements, *, api_version: str
) -> Iterator[Subrequest]:
    """The Contacts behind Accounts of persons; in an org without such Accounts nobody is behind them."""
    describe = wanted.describes.get(ACCOUNT)
    if not ids or describe is None or "PersonContactId" not in describe.fields:
        return
    soql = f"SELECT {ACCOUNT_FIELDS} FROM Account WHERE Id IN {in_list(ids)}"  # noqa: S608
    yield query_request("peopleAccount", soql, api_version=api_version, include_deleted=True)


def _people_soql(
    sobject: str,
    emails: Sequence[str],
    ids: Sequence[str],
    *,
    wanted: LookupRequirements,
    keys: Mapping[str, Sequence[str]],
) -> str | None:
    """None where nobody is asked for."""
    fields = _select_list(PERSON_FIELDS[sobject], wanted.fields.get(sobject, ()))
    if sobject in wanted.sight.without_email:
        fields = fields.replace("Id, Email, ", "Id, ")
    where = _any_of({"Email": emails, "Id": ids, **keys})
    return f"SELECT {fields} FROM {sobject} WHERE {where}" if where else None  # noqa: S608


def _with_names(fields: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {**fields, **{sobject: (*fields.get(sobject, ()), *NAMES) for sobject in (CONTACT, LEAD)}}


def _select_list(always: str, more: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys((*always.split(", "), *more)))


def _members_soql(
    sobject: str,
    campaigns: Sequence[str],
    emails: Sequence[str],
    ids: Sequence[str],
    *,
    wanted: LookupRequirements,
) -> str:
    whose = _any_of({f"{sobject}.Email": emails, f"{sobject}Id": ids})
    fields = _select_list(MEMBER_FIELDS, wanted.fields.get(MEMBER_OBJECT, ()))
    if sobject not in wanted.sight.without_email:
        fields = f"{fields}, {sobject}.Email"
    return f"SELECT {fields} FROM CampaignMember WHERE CampaignId IN {in_list(campaigns)} AND ({whose})"  # noqa: S608


def _any_of(wanted: Mapping[str, Sequence[str]]) -> str:
    return " OR ".join(f"{name} IN {in_list(values)}" for name, values in wanted.items() if values)


def _available_length(asked: LookupRequest) -> int:
    """What the longest of the queries leaves for those whom it asks for."""
    read = asked.wanted.fields
    fields = max(
        len(_select_list(PERSON_FIELDS[sobject], read.get(sobject, ()))) for sobject in PERSON_FIELDS
    )
    of_members = (
        len(_select_list(MEMBER_FIELDS, read.get(MEMBER_OBJECT, ())))
        + sum(map(len, asked.campaigns))
        + 3 * len(asked.campaigns)
    )
    return LOOKUP_LENGTH - max(fields, of_members)


def _chunk_criteria(lists: Mapping[str, Sequence[str]], *, room: int) -> Iterator[dict[str, list[str]]]:
    """The lists cut so that every query stays within SOQL's length; usually one part."""
    part: dict[str, list[str]] = {}
    left = room
    for name, value in ((name, value) for name, values in lists.items() for value in values):
        length = len(quote(value)) + 1
        if part and length > left:
            yield part
            part, left = {}, room
        part.setdefault(name, []).append(value)
        left -= length
    if part:
        yield part


async def _records(client: SalesforceClient, requests: Sequence[Subrequest]) -> list[list[dict[str, Any]]]:
    found = []
    for composite in group_into_composites(requests):
        for answer in await client.composite(composite):
            page = _page(answer)
            found.append(HIDDEN if page is None else await client.all_records(page))
    return found


def _page(answer: SubResponse) -> QueryPage | None:
    """The first page; None of campaigns whose objects the connected user may not see."""
    try:
        return parse_query(answer)
    except RequestRejected as refused:
        is_of_campaign = answer.reference_id.startswith(CAMPAIGN_PARTS)
        if is_of_campaign and refused.failure.error_code == "INVALID_TYPE":
            return None
        if answer.reference_id == TASK_STATUS and is_lasting(refused):
            return QueryPage([], None)
        raise LookupRefused(refused.failures, _request_for(answer.reference_id)) from refused


def _request_for(reference_id: str) -> str | None:
    """The object that a query of a look asks for."""
    named = PEOPLE_QUERY.fullmatch(reference_id)
    if named:
        return named[1]
    return next((OBJECT_OF_PART[part] for part in CAMPAIGN_PARTS if reference_id.startswith(part)), None)


async def _uncertain_tasks(
    client: SalesforceClient, batch: Batch, known: People, tasks_since: TasksSince
) -> dict[str, str]:
    """Task ids by reference where an answer was lost; by person, as Description cannot be filtered."""
    doubted = [
        (job, slot)
        for job in batch.jobs
        for key, slot in job.written.items()
        if key.slot.startswith("task:") and slot.state == "ambiguous"
    ]
    people = sorted({id_ for job, _ in doubted for id_ in _person_ids(job, known)})
    started = [slot.first_attempt_at for _, slot in doubted if slot.first_attempt_at]
    if not people or not started:
        return {}
    since = min(started) - CLOCK_SKEW
    where = f"FROM Task WHERE WhoId IN {in_list(people)} AND CreatedDate >= {datetime_literal(since)}"
    try:
        rows = await client.query(f"SELECT Id, Description {where}", include_deleted=True)
    except RequestRejected as refused:
        if refused.failure.error_code != HIDDEN_FIELD:
            raise
        rows = await client.query(f"SELECT Id, WhoId, Subject {where}", include_deleted=True)
        ours = await tasks_since(since)
        return _tasks_alike(doubted, [row for row in rows if to18(row["Id"]) not in ours], known)
    return {reference: to18(row["Id"]) for row in rows for reference in references_in(row["Description"])}


def _tasks_alike(
    doubted: Sequence[tuple[Job, WrittenSlot]], rows: Sequence[Mapping[str, Any]], known: People
) -> dict[str, str]:
    """Where our reference cannot be read: by person and subject, each Task for one of the lost."""
    waiting: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        waiting.setdefault((to18(row["WhoId"]), row["Subject"] or ""), []).append(to18(row["Id"]))
    found = {}
    for job, slot in doubted:
        subject = str(slot.details.get("subject") or "")
        ids = next(
            (waiting[key] for who in _person_ids(job, known) if waiting.get(key := (who, subject))), None
        )
        if ids and slot.reference:
            found[slot.reference] = ids.pop(0)
    return found


def _person_ids(job: Job, people: People) -> Iterator[str]:
    """The person we wrote to, and the one that the job leads to now: a lost answer may hide either."""
    before, now = job.slot(PERSON), resolve(job, people)
    if before and before.sf_id:
        yield before.sf_id
    if isinstance(now, Found):
        yield now.id


def _unresolved_ids(jobs: Iterable[Job], people: People) -> frozenset[str]:
    ends = (resolve(job, people) for job in jobs)
    return frozenset(id_ for end in ends if isinstance(end, NeedsLookup) for id_ in end.ids)


def _can_be_asked(job: Job) -> bool:
    return job.attendee.email_key is not None and is_usable_email(job.attendee.email_key)


def _addresses(job: Job) -> list[str]:
    """As given and in lower case: an encrypted field may be compared letter by letter."""
    given, key = job.attendee.email, job.attendee.email_key
    return [each for each in (given, key) if each]


def _unseen(wanted: LookupRequirements) -> dict[str, Any]:
    sight = wanted.sight
    return {
        "hidden": sight.hidden,
        "without_email": sight.without_email - sight.hidden,
        "has_lost_leads": sight.has_lost_leads,
        "sees_all": (sight.sees_all or frozenset()) - sight.hidden,
    }


def _person_row(row: Mapping[str, Any], wanted: LookupRequirements) -> PersonRow:
    sobject = row["attributes"]["type"]
    return PersonRow(
        sobject=sobject,
        id=to18(row["Id"]),
        email_key=address_key(row.get("Email")),
        created_at=row.get("CreatedDate") or "",
        is_deleted=bool(row.get("IsDeleted")),
        is_converted=bool(row.get("IsConverted")),
        converted_contact_id=_id(row.get("ConvertedContactId")),
        master_record_id=_id(row.get("MasterRecordId")),
        person_contact_id=_id(row.get("PersonContactId")),
        first_name=row.get("FirstName"),
        last_name=row.get("LastName"),
        standing=_current_values(row, ("Email", *wanted.fields.get(sobject, ())), wanted),
    )


def _current_values(
    row: Mapping[str, Any], names: Iterable[str], wanted: LookupRequirements
) -> dict[str, Any]:
    return {name: row.get(name) for name in names if name in row} if wanted.describes else {}


def _members_by_person(
    rows: Iterable[Mapping[str, Any]], wanted: LookupRequirements, statuses: Responding
) -> Iterator[tuple[tuple[str, str], MemberRow]]:
    for row in rows:
        for person in (row.get("LeadId"), row.get("ContactId")):
            if person:
                yield (to18(row["CampaignId"]), to18(person)), _member_row(row, wanted, statuses)


def _members_by_email(
    rows: Iterable[Mapping[str, Any]], wanted: LookupRequirements, statuses: Responding
) -> Iterator[tuple[tuple[str, str], MemberRow]]:
    for row in rows:
        for parent in (row.get("Lead"), row.get("Contact")):
            if parent and parent.get("Email"):
                key = to18(row["CampaignId"]), address_key(parent["Email"]) or ""
                yield key, _member_row(row, wanted, statuses)


def _member_row(row: Mapping[str, Any], wanted: LookupRequirements, statuses: Responding) -> MemberRow:
    standing = _current_values(row, wanted.fields.get(MEMBER_OBJECT, ()), wanted)
    status = row["Status"] or ""
    has_responded = statuses.get(to18(row["CampaignId"]), {}).get(status, False)
    return MemberRow(to18(row["Id"]), status, has_responded, standing)


def _statuses(rows: Iterable[Mapping[str, Any]], campaigns: Iterable[str]) -> dict[str, dict[str, bool]]:
    """Every campaign has at least one status, so one without any is gone or hidden."""
    statuses: dict[str, dict[str, bool]] = {campaign: {} for campaign in campaigns}
    for row in rows:
        statuses.setdefault(to18(row["CampaignId"]), {})[row["Label"]] = bool(row["HasResponded"])
    return statuses


def _id(value: str | None) -> str | None:
    return to18(value) if value else None
