"""The queries of a look-up, each with its kind, none longer than SOQL allows. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from app.salesforce.composite import (
    QueryPage,
    Subrequest,
    SubResponse,
    parse_query,
    parse_record,
    query_request,
    read_request,
)
from app.salesforce.soql import chunk, datetime_literal, in_list, quote
from app.sync.lookup.describe_cache import body_to_keep, describe_request
from app.sync.lookup.requirements import LookupRequirements
from app.sync.model.record_kind import LostCreateQuery
from app.sync.model.records import ACCOUNT, CAMPAIGN_MEMBER, CASE, CONTACT, EMAIL_MESSAGE, EVENT, LEAD

TASK_STATUS_SOQL: Final = "SELECT ApiName, MasterLabel, IsClosed, IsDefault, SortOrder FROM TaskStatus"
CASE_STATUS_SOQL: Final = "SELECT ApiName, MasterLabel, IsClosed, IsDefault, SortOrder FROM CaseStatus"


LOOKUP_LENGTH: Final = 90_000
"""Characters of one query: with what joins its lists it stays below the 100,000 that SOQL may have.

https://developer.salesforce.com/docs/atlas.en-us.salesforce_app_limits_cheatsheet.meta/salesforce_app_limits_cheatsheet/salesforce_app_limits_platform_soslsoql.htm
"""

LIST_LENGTH: Final = 40_000
"""Characters of the one list of a query that asks for many fields, with what stands between two ids."""

SINGLE_READS_MAX: Final = 15
"""Records that are read one by one: with all queries beside them they fit one composite."""

SEPARATOR_LENGTH: Final = 8
ACCOUNT_PREFIX, CASE_PREFIX = "001", "500"
MEMBER_STATUS: Final = "CampaignMemberStatus"
PERSON_SELECT: Final = {
    CONTACT: "Id, Email, CreatedDate, IsDeleted, MasterRecordId",
    LEAD: "Id, Email, CreatedDate, IsDeleted, MasterRecordId, IsConverted, ConvertedContactId",
}
STATUSES_SOQL: Final = "SELECT CampaignId, Label, HasResponded FROM CampaignMemberStatus WHERE CampaignId IN "
EMAILS_SOQL: Final = "SELECT Id, MessageIdentifier FROM EmailMessage WHERE MessageIdentifier IN "
ACCOUNT_FIELDS: Final = "Id, CreatedDate, IsDeleted, MasterRecordId, PersonContactId"
CASE_FIELDS: Final = (
    "Id", "ContactId", "Status", "IsClosed", "IsDeleted", "CreatedDate", "LastModifiedDate",
)  # fmt: skip
MEMBER_FIELDS: Final = "Id, CampaignId, LeadId, ContactId, Status"
"""Whether a member has responded is what its status says: HasResponded may be hidden."""


class QueryKind(StrEnum):
    """What a query asks for. The value begins its reference id."""

    PEOPLE = "people"
    MEMBERS = "members"
    STATUSES = "statuses"
    TASK_STATUSES = "TaskStatus"
    CASES = "cases"
    CASE_STATUSES = "CaseStatus"
    EVENTS = "events"
    DESCRIBES = "describes"
    KEYED = "keyed"
    ACCOUNTS_BY_NAME = "named"
    ACCOUNTS_BY_PREFIX = "alike"
    USERS = "users"
    PERSON_TYPES = "types"
    EMAIL_MESSAGES = "emails"


@dataclass(frozen=True)
class LookupQuery:
    """One query; a rejection is reported of `sobject`, and `suffix` makes the reference id unique."""

    kind: QueryKind
    soql: str
    sobject: str | None = None
    suffix: str = ""
    include_deleted: bool = False

    @property
    def reference_id(self) -> str:
        return f"{self.kind}{self.suffix}"

    def request(self, *, api_version: str) -> Subrequest:
        return query_request(
            self.reference_id, self.soql, api_version=api_version, include_deleted=self.include_deleted
        )

    def parse(self, response: SubResponse) -> QueryPage:
        """The first page of its records. Raises RequestRejected and ResponseLost."""
        return parse_query(response)


@dataclass(frozen=True)
class RecordRead(LookupQuery):
    """One record, read by its id: of queries, a composite takes five only. It is no record if it is gone."""

    fields: tuple[str, ...] = ()

    def request(self, *, api_version: str) -> Subrequest:
        assert self.sobject is not None
        return read_request(
            self.reference_id, self.sobject, self.suffix, self.fields, api_version=api_version
        )

    def parse(self, response: SubResponse) -> QueryPage:
        return parse_record(response)


@dataclass(frozen=True)
class DescribeRead(LookupQuery):
    """The describe of an object, as its one record: what is kept of it."""

    @property
    def reference_id(self) -> str:
        return self.sobject or ""

    def request(self, *, api_version: str) -> Subrequest:
        return describe_request(self.reference_id, api_version=api_version)

    def parse(self, response: SubResponse) -> QueryPage:
        return QueryPage([{"sobject": response.reference_id, "body": body_to_keep(response)}], None)


@dataclass(frozen=True)
class LookupRequest:
    """Whom to look for, and in which campaigns; whether it matters which statuses close a Case, and which
    calendar Events may have to change; and for which e-mails, by our keys, whose creates were never answered.
    `is_retry`: a person asked for some of it.
    """

    emails: Sequence[str]
    ids: Sequence[str]
    campaigns: Sequence[str]
    wanted: LookupRequirements
    closes_cases: bool = False
    events: Sequence[str] = ()
    message_identifiers: Sequence[str] = ()
    is_retry: bool = False


def build_lookup_queries(request: LookupRequest) -> Iterator[LookupQuery]:
    """All queries of one look-up."""
    campaigns, wanted = request.campaigns, request.wanted
    people_ids, account_ids, case_ids = partition_ids(request.ids)
    external_ids_of = {sobject: wanted.external_ids_of(sobject) for sobject in (CONTACT, LEAD)}
    names = sorted({*external_ids_of[CONTACT], *external_ids_of[LEAD]})
    keyed = {name: max((keys.get(name, ()) for keys in external_ids_of.values()), key=len) for name in names}
    lists = {"Email": request.emails, "Id": people_ids, **keyed}
    for number, some in enumerate(_chunk_criteria(lists, room=_available_length(request))):
        some_emails, some_ids = some.pop("Email", []), some.pop("Id", [])
        for sobject in wanted.people:
            emails = () if sobject in wanted.access.without_email else some_emails
            keys = {name: values for name, values in some.items() if name in external_ids_of[sobject]}
            soql = _people_soql(sobject, emails, some_ids, requirements=wanted, keys=keys)
            if soql is None:
                continue
            yield _people_query(sobject, soql, f"{number}")
            if campaigns and (emails or some_ids):
                soql = _members_soql(sobject, campaigns, emails, some_ids, requirements=wanted)
                yield LookupQuery(QueryKind.MEMBERS, soql, CAMPAIGN_MEMBER, f"{sobject}{number}")
    if campaigns:
        yield LookupQuery(QueryKind.STATUSES, STATUSES_SOQL + in_list(campaigns), MEMBER_STATUS)
    yield from _account_queries(account_ids, wanted)
    yield from case_queries(case_ids, wanted)
    yield from _email_queries(request.message_identifiers)
    if wanted.access.closed_statuses is None:
        yield LookupQuery(QueryKind.TASK_STATUSES, TASK_STATUS_SOQL)
    if request.closes_cases and wanted.access.case_statuses is None:
        yield LookupQuery(QueryKind.CASE_STATUSES, CASE_STATUS_SOQL)
    yield from _event_queries(request.events, wanted, must_know_deleted=request.is_retry)
    yield from (DescribeRead(QueryKind.DESCRIBES, "", sobject) for sobject in wanted.undescribed)
    yield from (DescribeRead(QueryKind.KEYED, "", sobject) for sobject in wanted.undescribed_keyed)


def _event_queries(
    ids: Sequence[str], requirements: LookupRequirements, *, must_know_deleted: bool
) -> Iterator[LookupQuery]:
    """A few are read one by one beside the queries; only a query, which sees archived ones as well, tells
    which were deleted.
    """
    fields = ("Id", *requirements.fields.get(EVENT, ()))
    if len(ids) <= SINGLE_READS_MAX and not must_know_deleted:
        yield from (RecordRead(QueryKind.EVENTS, "", EVENT, id_, fields=fields) for id_ in ids)
        return
    select = f"SELECT {', '.join((*fields, 'IsDeleted'))} FROM Event WHERE Id IN"  # noqa: S608 -- names of describes
    for number, some in enumerate(chunk(ids, length=LIST_LENGTH, joint=SEPARATOR_LENGTH)):
        soql = f"{select} {in_list(some)}"
        yield LookupQuery(QueryKind.EVENTS, soql, EVENT, f"{number}", include_deleted=True)


def build_people_queries(ids: Sequence[str], requirements: LookupRequirements) -> Iterator[LookupQuery]:
    """The people behind these ids, be they Accounts of persons."""
    people_ids, account_ids, _ = partition_ids(ids)
    for sobject in requirements.people:
        soql = _people_soql(sobject, (), people_ids, requirements=requirements, keys={})
        if soql is not None:
            yield _people_query(sobject, soql)
    yield from _account_queries(account_ids, requirements)


def person_account_soqls(ids: Sequence[str], names: Sequence[str]) -> list[str]:
    """These fields of the Accounts that stand for persons."""
    select = f"SELECT {_select_list('Id', names)} FROM Account WHERE Id IN"  # noqa: S608 -- names of describes
    return [f"{select} {in_list(some)}" for some in chunk(ids, length=LIST_LENGTH, joint=SEPARATOR_LENGTH)]


def lost_create_soql(
    query: LostCreateQuery, fields: Sequence[str], whose: Mapping[str, Sequence[str]], since: datetime
) -> str:
    """The records since then that have one of these values in a field: a long text cannot be filtered."""
    select = f"SELECT {', '.join(('Id', *fields))} FROM {query.sobject}"  # noqa: S608 -- names of the catalogue
    condition = _any_of(whose) if len(whose) == 1 else f"({_any_of(whose)})"
    return f"{select} WHERE {condition} AND CreatedDate >= {datetime_literal(since)}"


def records_by_id_soql(sobject: str, ids: Sequence[str]) -> str:
    """Which of these records stand, and which are in the recycle bin."""
    return f"SELECT Id, IsDeleted FROM {sobject} WHERE Id IN {in_list(ids)}"  # noqa: S608


def _email_queries(identifiers: Sequence[str]) -> Iterator[LookupQuery]:
    """The e-mails with these keys, also those that somebody deleted since."""
    for number, some in enumerate(chunk(identifiers, length=LIST_LENGTH, joint=SEPARATOR_LENGTH)):
        soql = EMAILS_SOQL + in_list(some)
        yield LookupQuery(QueryKind.EMAIL_MESSAGES, soql, EMAIL_MESSAGE, f"{number}", include_deleted=True)


def _people_query(sobject: str, soql: str, number: str = "") -> LookupQuery:
    return LookupQuery(QueryKind.PEOPLE, soql, sobject, f"{sobject}{number}", include_deleted=True)


def case_queries(ids: Sequence[str], requirements: LookupRequirements) -> Iterator[LookupQuery]:
    """The Cases with these ids, and whose they are, as far as the connected user may see that."""
    describe = requirements.describes.get(CASE)
    names = [name for name in CASE_FIELDS if describe is None or name in describe.fields]
    for number, some in enumerate(chunk(ids, length=LIST_LENGTH, joint=SEPARATOR_LENGTH)):
        soql = f"SELECT {', '.join(names)} FROM Case WHERE Id IN {in_list(some)}"  # noqa: S608 -- ids
        yield LookupQuery(QueryKind.CASES, soql, CASE, f"{number}", include_deleted=True)


def partition_ids(ids: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """Ids of Leads and Contacts, ids of Accounts, ids of Cases."""
    accounts = [id_ for id_ in ids if id_.startswith(ACCOUNT_PREFIX)]
    cases = [id_ for id_ in ids if id_.startswith(CASE_PREFIX)]
    return [id_ for id_ in ids if not id_.startswith((ACCOUNT_PREFIX, CASE_PREFIX))], accounts, cases


def _account_queries(ids: Sequence[str], requirements: LookupRequirements) -> Iterator[LookupQuery]:
    """The Contacts behind Accounts of persons; in an org without such Accounts nobody is behind them."""
    describe = requirements.describes.get(ACCOUNT)
    if not ids or describe is None or "PersonContactId" not in describe.fields:
        return
    yield _people_query(ACCOUNT, f"SELECT {ACCOUNT_FIELDS} FROM Account WHERE Id IN {in_list(ids)}")  # noqa: S608


def _people_soql(
    sobject: str,
    emails: Sequence[str],
    ids: Sequence[str],
    *,
    requirements: LookupRequirements,
    keys: Mapping[str, Sequence[str]],
) -> str | None:
    """None where nobody is asked for."""
    fields = _select_list(PERSON_SELECT[sobject], requirements.fields.get(sobject, ()))
    if sobject in requirements.access.without_email:
        fields = fields.replace("Id, Email, ", "Id, ")
    where = _any_of({"Email": emails, "Id": ids, **keys})
    return f"SELECT {fields} FROM {sobject} WHERE {where}" if where else None  # noqa: S608


def _members_soql(
    sobject: str,
    campaigns: Sequence[str],
    emails: Sequence[str],
    ids: Sequence[str],
    *,
    requirements: LookupRequirements,
) -> str:
    whose = _any_of({f"{sobject}.Email": emails, f"{sobject}Id": ids})
    fields = _select_list(MEMBER_FIELDS, requirements.fields.get(CAMPAIGN_MEMBER, ()))
    if sobject not in requirements.access.without_email:
        fields = f"{fields}, {sobject}.Email"
    return f"SELECT {fields} FROM CampaignMember WHERE CampaignId IN {in_list(campaigns)} AND ({whose})"  # noqa: S608


def _select_list(always: str, more: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys((*always.split(", "), *more)))


def _any_of(lists: Mapping[str, Sequence[str]]) -> str:
    return " OR ".join(f"{name} IN {in_list(values)}" for name, values in lists.items() if values)


def _available_length(request: LookupRequest) -> int:
    """What the longest of the queries leaves for those whom it asks for."""
    read = request.wanted.fields
    fields = max(
        len(_select_list(PERSON_SELECT[sobject], read.get(sobject, ()))) for sobject in PERSON_SELECT
    )
    of_members = len(_select_list(MEMBER_FIELDS, read.get(CAMPAIGN_MEMBER, ())))
    of_members += sum(len(each) + 3 for each in request.campaigns)
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
