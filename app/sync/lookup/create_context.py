"""What new people need to know of the org: Accounts of their companies, the type of persons."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from app.salesforce.client import SalesforceClient
from app.salesforce.describe import SObjectDescribe
from app.salesforce.ids import to18
from app.salesforce.soql import chunk, in_list, like
from app.sync.field_values.builder import build_field_values
from app.sync.lookup.lookup import QueryResult, records_of, run_queries
from app.sync.lookup.queries import LookupQuery, QueryKind
from app.sync.matching.account_matching import AccountRow, company_of, name_prefixes
from app.sync.model.batch import Job
from app.sync.model.mapping_rules import CREATE_CONTACT, CREATE_PERSON_ACCOUNT
from app.sync.model.records import ACCOUNT

ACCOUNT_CANDIDATES_MAX: Final = 2000
"""Accounts whose names begin alike, oldest first, that are looked at."""

TEXTS_LENGTH: Final = 20_000
SEPARATOR_LENGTH: Final = len(" OR Name LIKE '%'")
ACCOUNTS: Final = (QueryKind.ACCOUNTS_BY_NAME, QueryKind.ACCOUNTS_BY_PREFIX)
ACCOUNT_SELECT: Final = "SELECT Id, Name, CreatedDate FROM Account WHERE"
BUSINESS_ACCOUNTS: Final = " AND IsPersonAccount = false"


@dataclass(frozen=True)
class CreateContext:
    """`person_types` are ids of record types by name."""

    accounts: tuple[AccountRow, ...] = ()
    person_types: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, parts: Iterable["CreateContext"]) -> "CreateContext":
        """What several look-ups saw, as one."""
        parts = list(parts)
        return cls(
            tuple(dict.fromkeys(account for part in parts for account in part.accounts)),
            {name: id_ for part in parts for name, id_ in part.person_types.items()},
        )


async def load_create_context(
    client: SalesforceClient, jobs: Iterable[Job], describes: Mapping[str, SObjectDescribe]
) -> CreateContext:
    """Ask for what the creation of these people needs; nothing for the default rules.

    Raises what the client raises.
    """
    jobs = list(jobs)
    results = await run_queries(client, build_create_queries(jobs, describes))
    results += await _split_capped(client, results, jobs, describes)
    accounts = {row["Id"]: row for row in records_of(results, *ACCOUNTS)}
    types = records_of(results, QueryKind.PERSON_TYPES)
    return CreateContext(
        tuple(map(_account, accounts.values())),
        {row["DeveloperName"]: to18(row["Id"]) for row in reversed(types)},
    )


async def _split_capped(
    client: SalesforceClient,
    results: Sequence[QueryResult],
    jobs: Sequence[Job],
    describes: Mapping[str, SObjectDescribe],
) -> list[QueryResult]:
    """Ask by halves where Accounts of some names left no room for those of others; else nothing.

    Raises what the client raises.
    """
    found: list[QueryResult] = []
    condition = _account_condition(describes)
    capped = _capped(_prefix_groups(_companies(jobs, describes)), results)
    while capped:
        halves = [half for some in capped for half in (some[: len(some) // 2], some[len(some) // 2 :])]
        queries = [
            LookupQuery(QueryKind.ACCOUNTS_BY_PREFIX, _prefix_soql(half, condition), suffix=str(number))
            for number, half in enumerate(halves)
        ]
        results = await run_queries(client, queries)
        found += results
        capped = _capped(halves, results)
    return found


def _capped(groups: Iterable[list[str]], results: Iterable[QueryResult]) -> list[list[str]]:
    """The groups of several prefixes that have more Accounts than are looked at."""
    alike = [result for result in results if result.kind is QueryKind.ACCOUNTS_BY_PREFIX]
    return [
        group
        for group, result in zip(groups, alike, strict=True)
        if len(group) > 1 and len(result.records) >= ACCOUNT_CANDIDATES_MAX
    ]


def company_for_account(job: Job, describes: Mapping[str, SObjectDescribe]) -> str | None:
    """The company that a new Contact shall belong to; None where there is none or Accounts are hidden.

    Where the host chose what an Account is called, that is its name to be found by; and where the host chose
    one for those without a company, they belong to that.
    """
    account = describes.get(ACCOUNT)
    if job.rules.creates != CREATE_CONTACT or account is None or not account.is_queryable:
        return None
    if not any(rule.field == "Name" for rule in job.rules.fields_of(ACCOUNT)):
        return company_of(job.attendee.company) or job.rules.no_company_account_name
    name = build_field_values(ACCOUNT, job.rules, job, describe=account).fields.get("Name")
    return company_of(name) or job.rules.no_company_account_name


def build_create_queries(
    jobs: Sequence[Job], describes: Mapping[str, SObjectDescribe]
) -> Iterator[LookupQuery]:
    """The queries that the creation of these people needs."""
    companies = _companies(jobs, describes)
    condition = _account_condition(describes)
    is_about_persons = bool(condition) and any(job.rules.creates == CREATE_PERSON_ACCOUNT for job in jobs)
    soqls = [
        *_accounts_soql(companies, condition),
        *([(QueryKind.PERSON_TYPES, PERSON_TYPES)] if is_about_persons else ()),
    ]
    for number, (kind, soql) in enumerate(soqls):
        yield LookupQuery(kind, soql, suffix=str(number))


PERSON_TYPES: Final = (
    "SELECT Id, DeveloperName FROM RecordType "
    "WHERE SobjectType = 'Account' AND IsPersonType = true AND IsActive = true ORDER BY CreatedDate"
)


def _companies(jobs: Iterable[Job], describes: Mapping[str, SObjectDescribe]) -> list[str]:
    return sorted({each for job in jobs if (each := company_for_account(job, describes))})


def _account_condition(describes: Mapping[str, SObjectDescribe]) -> str:
    """What leaves the Accounts of persons out, in an org that has such."""
    account = describes.get(ACCOUNT)
    return BUSINESS_ACCOUNTS if account is not None and "IsPersonAccount" in account.fields else ""


def _accounts_soql(companies: Sequence[str], condition: str) -> Iterable[tuple[QueryKind, str]]:
    for some in _cut(companies):
        yield QueryKind.ACCOUNTS_BY_NAME, f"{ACCOUNT_SELECT} Name IN {in_list(some)}{condition}"
    for some in _prefix_groups(companies):
        yield QueryKind.ACCOUNTS_BY_PREFIX, _prefix_soql(some, condition)


def _prefix_groups(companies: Iterable[str]) -> list[list[str]]:
    return list(_cut(sorted({each for company in companies for each in name_prefixes(company)})))


def _prefix_soql(prefixes: Iterable[str], condition: str) -> str:
    alike = " OR ".join(f"Name LIKE {like(each, is_prefix=True)}" for each in prefixes)
    return f"{ACCOUNT_SELECT} ({alike}){condition} ORDER BY CreatedDate LIMIT {ACCOUNT_CANDIDATES_MAX}"


def _cut(texts: Sequence[str]) -> Iterable[list[str]]:
    return chunk(texts, length=TEXTS_LENGTH, joint=SEPARATOR_LENGTH)


def _account(row: Mapping[str, Any]) -> AccountRow:
    return AccountRow(to18(row["Id"]), row["Name"] or "", row.get("CreatedDate") or "")
