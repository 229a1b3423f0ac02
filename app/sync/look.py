"""Step one of a batch: what stands in Salesforce already. Builds the queries and reads their answers."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from app.salesforce.client import SalesforceClient
from app.salesforce.composite import QueryPage, SubAnswer, Subrequest, pack, query_request, read_query
from app.salesforce.errors import Refused
from app.salesforce.ids import to18
from app.salesforce.soql import datetime_literal, in_list
from app.sync.batch import PERSON, Batch, Job
from app.sync.references import references_in
from app.sync.rules.fields import is_usable_email
from app.sync.rules.members import MemberRow
from app.sync.rules.people import (
    CONTACT,
    LEAD,
    Found,
    LookAgain,
    People,
    PersonRow,
    ids_to_look_up,
    resolve,
)

LIST_LENGTH = 40_000
"""Characters of one IN list: two of them and the rest stay below the 100,000 that SOQL may have."""

MAX_TRAILS = 4
CAMPAIGN_PARTS = ("members", "statuses")
CLOCK_SKEW = timedelta(minutes=5)
PERSON_FIELDS = {
    CONTACT: "Id, Email, CreatedDate, IsDeleted, MasterRecordId",
    LEAD: "Id, Email, CreatedDate, IsDeleted, MasterRecordId, IsConverted, ConvertedContactId",
}
STATUSES_SOQL = "SELECT CampaignId, Label, HasResponded FROM CampaignMemberStatus WHERE CampaignId IN "
MEMBER_FIELDS = "Id, CampaignId, LeadId, ContactId, Status, HasResponded"


@dataclass(frozen=True)
class Findings:
    """What was found. Members by (campaign, person id) and by (campaign, e-mail); labels by campaign with
    whether they count as responded; Task ids by our reference."""

    people: People = field(default_factory=People)
    members: Mapping[tuple[str, str], MemberRow] = field(default_factory=dict)
    members_by_email: Mapping[tuple[str, str], MemberRow] = field(default_factory=dict)
    statuses: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    tasks: Mapping[str, str] = field(default_factory=dict)


async def look(client: SalesforceClient, batch: Batch) -> Findings:
    """Ask for everything the batch may meet, and follow trails (converted, merged) to their ends.

    Raises what the client raises: a look-up that failed is never "not found".
    """
    asked = frozenset(id_ for job in batch.jobs for id_ in ids_to_look_up(job))
    found = await _ask(client, batch, asked)
    for _ in range(MAX_TRAILS):
        missing = _open_trails(batch.jobs, found.people) - found.people.asked_ids
        if not missing:
            break
        found = replace(found, people=await look_up_people(client, missing, known=found.people))
    return replace(found, tasks=await _uncertain_tasks(client, batch, found.people))


async def look_up_people(client: SalesforceClient, ids: Iterable[str], *, known: People) -> People:
    """The people known already and those behind `ids`."""
    wanted = frozenset(ids)
    requests = [
        query_request(
            sobject,
            _people_soql(sobject, (), sorted(wanted)),
            api_version=client.api_version,
            include_deleted=True,
        )
        for sobject in (CONTACT, LEAD)
    ]
    rows = [row for answers in await _records(client, requests) for row in answers]
    people = [*known.rows.values(), *map(_person_row, rows)]
    return People.of(people, known.asked_ids | wanted)


async def _ask(client: SalesforceClient, batch: Batch, ids: frozenset[str]) -> Findings:
    emails = sorted({job.attendee.email_key for job in batch.jobs if _can_be_asked(job)} - {None})  # type: ignore[type-var]
    campaigns = sorted({job.link.campaign_id for job in batch.jobs if job.link and batch.writes.member})
    requests = list(_requests(emails, sorted(ids), campaigns, api_version=client.api_version))  # type: ignore[arg-type]
    answers = dict(zip((r.reference_id for r in requests), await _records(client, requests), strict=True))
    people = [_person_row(row) for ref, rows in answers.items() if ref.startswith("people") for row in rows]
    members = [row for ref, rows in answers.items() if ref.startswith("members") for row in rows]
    return Findings(
        people=People.of(people, ids),
        members=dict(_members_by_person(members)),
        members_by_email=dict(_members_by_email(members)),
        statuses=_statuses(answers.get("statuses", []), campaigns),
    )


def _requests(
    emails: Sequence[str], ids: Sequence[str], campaigns: Sequence[str], *, api_version: str
) -> Iterator[Subrequest]:
    for number, (some_emails, some_ids) in enumerate(_chunks(emails, ids)):
        for sobject in (CONTACT, LEAD):
            soql = _people_soql(sobject, some_emails, some_ids)
            yield query_request(
                f"people{sobject}{number}", soql, api_version=api_version, include_deleted=True
            )
            if campaigns:
                soql = _members_soql(sobject, campaigns, some_emails, some_ids)
                yield query_request(f"members{sobject}{number}", soql, api_version=api_version)
    if campaigns:
        yield query_request("statuses", STATUSES_SOQL + in_list(campaigns), api_version=api_version)


def _people_soql(sobject: str, emails: Sequence[str], ids: Sequence[str]) -> str:
    return f"SELECT {PERSON_FIELDS[sobject]} FROM {sobject} WHERE {_either('Email', emails, 'Id', ids)}"  # noqa: S608


def _members_soql(sobject: str, campaigns: Sequence[str], emails: Sequence[str], ids: Sequence[str]) -> str:
    whose = _either(f"{sobject}.Email", emails, f"{sobject}Id", ids)
    fields = f"{MEMBER_FIELDS}, {sobject}.Email"
    return f"SELECT {fields} FROM CampaignMember WHERE CampaignId IN {in_list(campaigns)} AND ({whose})"  # noqa: S608


def _either(email_field: str, emails: Sequence[str], id_field: str, ids: Sequence[str]) -> str:
    by_email = f"{email_field} IN {in_list(emails)}" if emails else None
    by_id = f"{id_field} IN {in_list(ids)}" if ids else None
    return " OR ".join(part for part in (by_email, by_id) if part)


def _chunks(emails: Sequence[str], ids: Sequence[str]) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    """The lists cut so that every query stays within SOQL's length; usually one chunk."""
    email_lists, id_lists = list(_cut(emails)), list(_cut(ids))
    for number in range(max(len(email_lists), len(id_lists))):
        yield (
            email_lists[number] if number < len(email_lists) else [],
            id_lists[number] if number < len(id_lists) else [],
        )


def _cut(values: Sequence[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    length = 0
    for value in values:
        if chunk and length + len(value) > LIST_LENGTH:
            yield chunk
            chunk, length = [], 0
        chunk.append(value)
        length += len(value) + 8
    if chunk:
        yield chunk


async def _records(client: SalesforceClient, requests: Sequence[Subrequest]) -> list[list[dict[str, Any]]]:
    found = []
    for composite in pack(requests):
        for answer in await client.composite(composite):
            found.append(await client.all_records(_page(answer)))
    return found


def _page(answer: SubAnswer) -> QueryPage:
    """The first page; of campaigns whose object the user may not see there is none: that breaks the link."""
    try:
        return read_query(answer)
    except Refused as refused:
        is_of_campaign = answer.reference_id.startswith(CAMPAIGN_PARTS)
        if is_of_campaign and refused.failure.error_code == "INVALID_TYPE":
            return QueryPage([], None)
        raise


async def _uncertain_tasks(client: SalesforceClient, batch: Batch, known: People) -> dict[str, str]:
    """Task ids by reference where an answer was lost; by person, as Description cannot be filtered."""
    doubted = [
        (job, slot)
        for job in batch.jobs
        for key, slot in job.written.items()
        if key.slot.startswith("task:") and slot.state == "ambiguous"
    ]
    people = sorted({id_ for job, _ in doubted for id_ in _whose(job, known)})
    started = [slot.first_attempt_at for _, slot in doubted if slot.first_attempt_at]
    if not people or not started:
        return {}
    since = datetime_literal(min(started) - CLOCK_SKEW)
    soql = f"SELECT Id, Description FROM Task WHERE WhoId IN {in_list(people)} AND CreatedDate >= {since}"  # noqa: S608
    rows = await client.query(soql, include_deleted=True)
    return {reference: to18(row["Id"]) for row in rows for reference in references_in(row["Description"])}


def _whose(job: Job, people: People) -> Iterator[str]:
    """The person we wrote to, and the one that the job leads to now: a lost answer may hide either."""
    before, now = job.slot(PERSON), resolve(job, people)
    if before and before.sf_id:
        yield before.sf_id
    if isinstance(now, Found):
        yield now.id


def _open_trails(jobs: Iterable[Job], people: People) -> frozenset[str]:
    ends = (resolve(job, people) for job in jobs)
    return frozenset(id_ for end in ends if isinstance(end, LookAgain) for id_ in end.ids)


def _can_be_asked(job: Job) -> bool:
    return job.attendee.email_key is not None and is_usable_email(job.attendee.email_key)


def _person_row(row: Mapping[str, Any]) -> PersonRow:
    return PersonRow(
        sobject=row["attributes"]["type"],
        id=to18(row["Id"]),
        email_key=row["Email"].strip().lower() if row.get("Email") else None,
        created_at=row.get("CreatedDate") or "",
        is_deleted=bool(row.get("IsDeleted")),
        is_converted=bool(row.get("IsConverted")),
        converted_contact_id=_id(row.get("ConvertedContactId")),
        master_record_id=_id(row.get("MasterRecordId")),
    )


def _members_by_person(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[tuple[str, str], MemberRow]]:
    for row in rows:
        for person in (row.get("LeadId"), row.get("ContactId")):
            if person:
                yield (to18(row["CampaignId"]), to18(person)), _member_row(row)


def _members_by_email(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[tuple[str, str], MemberRow]]:
    for row in rows:
        for parent in (row.get("Lead"), row.get("Contact")):
            if parent and parent.get("Email"):
                yield (to18(row["CampaignId"]), parent["Email"].strip().lower()), _member_row(row)


def _member_row(row: Mapping[str, Any]) -> MemberRow:
    return MemberRow(to18(row["Id"]), row["Status"] or "", bool(row.get("HasResponded")))


def _statuses(rows: Iterable[Mapping[str, Any]], campaigns: Iterable[str]) -> dict[str, dict[str, bool]]:
    """Every campaign has at least one status, so one without any is gone or hidden."""
    statuses: dict[str, dict[str, bool]] = {campaign: {} for campaign in campaigns}
    for row in rows:
        statuses.setdefault(to18(row["CampaignId"]), {})[row["Label"]] = bool(row["HasResponded"])
    return statuses


def _id(value: str | None) -> str | None:
    return to18(value) if value else None
