"""What new people need to know of the org: Accounts of their companies, owners, the type of persons."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from app.salesforce.client import SalesforceClient
from app.salesforce.describe import SObjectDescribe
from app.salesforce.ids import to18
from app.salesforce.soql import chunk, in_list, like
from app.sync.field_values.builder import build_field_values
from app.sync.lookup.lookup import records_of, run_queries
from app.sync.lookup.queries import LookupQuery, QueryKind
from app.sync.matching.account_matching import AccountRow, company_of, name_prefixes
from app.sync.model.batch import Job
from app.sync.model.mapping_rules import CREATE_CONTACT, CREATE_PERSON_ACCOUNT, ORGANIZER
from app.sync.model.records import ACCOUNT
from app.text.email_address import address_key

ACCOUNT_CANDIDATES_MAX: Final = 2000
"""Accounts whose names begin alike, oldest first, that are looked at."""

TEXTS_LENGTH: Final = 20_000
SEPARATOR_LENGTH: Final = len(" OR Name LIKE '%'")
ACCOUNTS: Final = (QueryKind.ACCOUNTS_BY_NAME, QueryKind.ACCOUNTS_BY_PREFIX)
BUSINESS_ACCOUNTS: Final = " AND IsPersonAccount = false"


@dataclass(frozen=True)
class CreateContext:
    """`users` are ids of active users by e-mail in lower case; `person_types` ids of record types by name."""

    accounts: tuple[AccountRow, ...] = ()
    users: Mapping[str, str] = field(default_factory=dict)
    person_types: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, parts: Iterable["CreateContext"]) -> "CreateContext":
        """What several look-ups saw, as one."""
        parts = list(parts)
        return cls(
            tuple(dict.fromkeys(account for part in parts for account in part.accounts)),
            {email: id_ for part in parts for email, id_ in part.users.items()},
            {name: id_ for part in parts for name, id_ in part.person_types.items()},
        )


async def load_create_context(
    client: SalesforceClient, jobs: Iterable[Job], describes: Mapping[str, SObjectDescribe]
) -> CreateContext:
    """Ask for what the creation of these people needs; nothing for the default rules.

    Raises what the client raises.
    """
    results = await run_queries(client, build_create_queries(list(jobs), describes))
    accounts = {row["Id"]: row for row in records_of(results, *ACCOUNTS)}
    users, types = records_of(results, QueryKind.USERS), records_of(results, QueryKind.PERSON_TYPES)
    return CreateContext(
        tuple(map(_account, accounts.values())),
        {address_key(row["Email"]) or "": to18(row["Id"]) for row in reversed(users)},
        {row["DeveloperName"]: to18(row["Id"]) for row in reversed(types)},
    )


def owner_email(job: Job) -> str | None:
    """The e-mail of the user who shall own what is created for this attendee."""
    email = job.event.organizer.get("email") if job.rules.owner.how == ORGANIZER else None
    return address_key(email)


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
    companies = sorted({each for job in jobs if (each := company_for_account(job, describes))})
    owners = sorted({each for job in jobs if (each := owner_email(job))})
    account = describes.get(ACCOUNT)
    has_person_accounts = account is not None and "IsPersonAccount" in account.fields
    is_about_persons = has_person_accounts and any(job.rules.creates == CREATE_PERSON_ACCOUNT for job in jobs)
    soqls = [
        *_accounts_soql(companies, condition=BUSINESS_ACCOUNTS if has_person_accounts else ""),
        *((QueryKind.USERS, f"{USERS}{in_list(some)} ORDER BY CreatedDate") for some in _cut(owners)),
        *([(QueryKind.PERSON_TYPES, PERSON_TYPES)] if is_about_persons else ()),
    ]
    for number, (kind, soql) in enumerate(soqls):
        yield LookupQuery(kind, soql, suffix=str(number))


USERS: Final = "SELECT Id, Email FROM User WHERE IsActive = true AND Email IN "
PERSON_TYPES: Final = (
    "SELECT Id, DeveloperName FROM RecordType "
    "WHERE SobjectType = 'Account' AND IsPersonType = true AND IsActive = true ORDER BY CreatedDate"
)


def _accounts_soql(companies: Sequence[str], *, condition: str) -> Iterable[tuple[QueryKind, str]]:
    select = "SELECT Id, Name, CreatedDate FROM Account WHERE"
    for some in _cut(companies):
        yield QueryKind.ACCOUNTS_BY_NAME, f"{select} Name IN {in_list(some)}{condition}"
    for begins in _cut(sorted({each for company in companies for each in name_prefixes(company)})):
        alike = " OR ".join(f"Name LIKE {like(each, is_prefix=True)}" for each in begins)
        order = f"ORDER BY CreatedDate LIMIT {ACCOUNT_CANDIDATES_MAX}"
        yield QueryKind.ACCOUNTS_BY_PREFIX, f"{select} ({alike}){condition} {order}"


def _cut(texts: Sequence[str]) -> Iterable[list[str]]:
    return chunk(texts, length=TEXTS_LENGTH, joint=SEPARATOR_LENGTH)


def _account(row: Mapping[str, Any]) -> AccountRow:
    return AccountRow(to18(row["Id"]), row["Name"] or "", row.get("CreatedDate") or "")
