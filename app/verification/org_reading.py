"""Reads records by their ids, as many in a query and as many queries in a call as Salesforce takes."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from app.salesforce.client import SalesforceClient
from app.salesforce.composite import MAX_QUERIES_AND_COLLECTIONS, SubResponse, parse_query, query_request
from app.salesforce.errors import RequestRejected
from app.salesforce.ids import sobject_of, to18
from app.salesforce.soql import in_list
from app.sync.lookup.access import UserAccess, is_lasting
from app.sync.lookup.parse import parse_people
from app.sync.lookup.query_bisection import is_query_rejected, split_in_half
from app.sync.lookup.requirements import LookupRequirements
from app.sync.lookup.view_all import fetch_fully_visible
from app.sync.matching.person_matching import MAX_HOPS, Absent, NeedsLookup, PersonIndex, follow
from app.sync.model.batch import MEMBER, PERSON
from app.sync.model.records import CAMPAIGN_MEMBER, CONTACT, LEAD, PERSON_OBJECTS
from app.verification.checks import (
    PERSON_FIELDS,
    RECORD_CHECKS,
    OrgRecords,
    StoredRecord,
    ids_by_object,
    missing_members,
    people_of,
    trail_of,
)

IDS_PER_QUERY: Final = 2_000
HIDDEN_FIELD: Final = "INVALID_FIELD"
ALWAYS: Final = ("Id", "IsDeleted")


@dataclass(frozen=True)
class IdQuery:
    """Records of one object by id, or by another field that holds ids; `only` narrows them.

    Recycle bin and archived activities are included where records are asked for by their own id.
    """

    sobject: str
    fields: tuple[str, ...]
    ids: Sequence[str]
    by: str = "Id"
    only: str = ""

    @property
    def soql(self) -> str:
        names = ", ".join((*ALWAYS, *self.fields))
        return f"SELECT {names} FROM {self.sobject} WHERE {self.only}{self.by} IN {in_list(self.ids)}"  # noqa: S608


@dataclass
class Answers:
    """The rows of all queries, and the objects that the connected user may not see."""

    rows: list[dict[str, Any]]
    unreadable: set[str]


async def read_records(
    client: SalesforceClient,
    registrations: Collection[Sequence[StoredRecord]],
    *,
    access: UserAccess,
    user_id: str | None,
) -> OrgRecords:
    """What stands of the records of these registrations.

    Raises what the client raises, but for what is hidden from the user.
    """
    records = [record for some in registrations for record in some]
    people_ids = people_of(records)
    answers = await _run(client, [*_people_queries(people_ids, access), *_record_queries(records)])
    people_rows, rows = _sorted_out(answers.rows)
    hidden = access.hidden | (answers.unreadable & set(PERSON_OBJECTS))
    wanted = LookupRequirements(access=replace(access, hidden=hidden))
    people = parse_people(people_rows, people_ids, wanted)
    people = await _followed(client, people_ids, people, wanted)
    if wanted.access.fully_visible is None and _is_any_absent(people_ids, people, records, rows):
        seen = await fetch_fully_visible(client, user_id) or frozenset()
        people = replace(people, fully_visible=seen - hidden)
    found = OrgRecords(people, rows, unreadable=frozenset(answers.unreadable))
    return replace(found, members=await _members_elsewhere(client, registrations, found))


def _people_queries(ids: Iterable[str], access: UserAccess) -> Iterator[IdQuery]:
    by_object: dict[str, list[str]] = {}
    for id_ in sorted(ids):
        by_object.setdefault(sobject_of(id_) or "", []).append(id_)
    for sobject, fields in PERSON_FIELDS.items():
        if sobject not in access.hidden:
            yield from _portions(IdQuery(sobject, fields, by_object.get(sobject, [])))


def _record_queries(records: Collection[StoredRecord]) -> Iterator[IdQuery]:
    for sobject, ids in ids_by_object(records).items():
        fields = RECORD_CHECKS[sobject].fields(record for record in records if record.sobject == sobject)
        yield from _portions(IdQuery(sobject, fields, ids))


def _portions(query: IdQuery) -> Iterator[IdQuery]:
    for start in range(0, len(query.ids), IDS_PER_QUERY):
        yield replace(query, ids=query.ids[start : start + IDS_PER_QUERY])


async def _run(client: SalesforceClient, queries: Iterable[IdQuery]) -> Answers:
    """All rows, five queries a call; what Salesforce does not take in one piece is halved."""
    waiting, answers = deque(queries), Answers([], set())
    while waiting:
        some = [waiting.popleft() for _ in range(min(len(waiting), MAX_QUERIES_AND_COLLECTIONS))]
        requests = [
            query_request(
                f"part{number}",
                query.soql,
                api_version=client.api_version,
                include_deleted=query.by == "Id",
            )
            for number, query in enumerate(some)
        ]
        for query, response in zip(some, await client.composite(requests), strict=True):
            waiting.extend(await _take(client, query, response, answers))
    return answers


async def _take(
    client: SalesforceClient, query: IdQuery, response: SubResponse, answers: Answers
) -> list[IdQuery]:
    """Keep the rows of an answer; returns what is to be asked instead where it was rejected."""
    try:
        answers.rows += await client.all_records(parse_query(response))
        return []
    except RequestRejected as refused:
        if is_query_rejected(refused) and len(query.ids) > 1:
            return [replace(query, ids=half) for half in split_in_half(query.ids)]
        if refused.failure.error_code == HIDDEN_FIELD and query.fields and query.by == "Id":
            return [replace(query, fields=())]
        if not is_lasting(refused):
            raise
        answers.unreadable.add(query.sobject)
        return []


def _sorted_out(
    rows: Iterable[dict[str, Any]],
) -> tuple[list[dict[str, Any]], dict[str, Mapping[str, Any]]]:
    """The rows of people, and all others by id."""
    people = [row for row in rows if row["attributes"]["type"] in PERSON_FIELDS]
    return people, {to18(row["Id"]): row for row in rows if row["attributes"]["type"] not in PERSON_FIELDS}


async def _followed(
    client: SalesforceClient, ids: Iterable[str], people: PersonIndex, wanted: LookupRequirements
) -> PersonIndex:
    """Follow those that were merged or converted to their ends."""
    for _ in range(MAX_HOPS):
        ends = (follow(id_, people) for id_ in ids)
        missing = frozenset(id_ for end in ends if isinstance(end, NeedsLookup) for id_ in end.ids)
        if not missing:
            break
        answers = await _run(client, _people_queries(missing, wanted.access))
        people = parse_people(answers.rows, missing, wanted, known=people)
    return people


def _is_any_absent(
    ids: Iterable[str],
    people: PersonIndex,
    records: Iterable[StoredRecord],
    rows: Mapping[str, Mapping[str, Any]],
) -> bool:
    """Whether something is not even in the recycle bin: then it matters whether the user sees everything."""
    is_person_absent = any(isinstance(follow(id_, people), Absent) for id_ in ids)
    others = (record.sf_id for record in records if record.slot not in (PERSON, MEMBER))
    return is_person_absent or any(id_ not in rows for id_ in others)


async def _members_elsewhere(
    client: SalesforceClient, registrations: Iterable[Sequence[StoredRecord]], found: OrgRecords
) -> dict[tuple[str, str], Mapping[str, Any]]:
    """The members of the same people and campaigns that stand under other ids."""
    absent = [some for some in registrations if missing_members(some, found)]
    if not absent:
        return {}
    trails = (trail_of(id_, found.people) for some in absent for id_ in people_of(some))
    people = sorted(frozenset[str]().union(*trails))
    fields = RECORD_CHECKS[CAMPAIGN_MEMBER].fields(())
    queries = [
        part
        for campaign in sorted({each.instance_key for some in absent for each in some if each.slot == MEMBER})
        for sobject in (LEAD, CONTACT)
        for part in _portions(
            IdQuery(
                CAMPAIGN_MEMBER,
                fields,
                [id_ for id_ in people if sobject_of(id_) == sobject],
                by=f"{sobject}Id",
                only=f"CampaignId IN {in_list([campaign])} AND ",
            )
        )
    ]
    answers = await _run(client, queries)
    return {
        (to18(row["CampaignId"]), to18(row[name])): row
        for row in answers.rows
        for name in ("LeadId", "ContactId")
        if row.get(name)
    }
