"""What new people need to know of the org: Accounts of their companies, owners, the type of persons."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

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
from app.salesforce.soql import chunk, in_list, like
from app.sync.field_values.builder import build_field_values
from app.sync.lookup.access import is_lasting
from app.sync.matching.account_matching import AccountRow, company_of, name_prefixes
from app.sync.model.batch import Job
from app.sync.model.mapping_rules import CONTACT_CREATED, ORGANIZER, PERSON_ACCOUNT_CREATED
from app.sync.model.records import ACCOUNT
from app.text.email_address import address_key

ACCOUNT_CANDIDATES_MAX: Final = 2000
"""Accounts whose names begin alike, oldest first, that are looked at."""

TEXTS_LENGTH: Final = 20_000
SEPARATOR_LENGTH: Final = len(" OR Name LIKE '%'")
USER_ROWS: Final = "users"
NO_PERSONS: Final = " AND IsPersonAccount = false"


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
    requests = list(_requests(list(jobs), describes, api_version=client.api_version))
    rows: dict[str, list[dict[str, Any]]] = {}
    for composite in group_into_composites(requests):
        for answer in await client.composite(composite):
            kind = answer.reference_id.rstrip("0123456789")
            rows.setdefault(kind, []).extend(await client.all_records(_page(answer, kind)))
    accounts = {row["Id"]: row for kind in ("named", "alike") for row in rows.get(kind, ())}
    users = {address_key(row["Email"]) or "": to18(row["Id"]) for row in reversed(rows.get(USER_ROWS, []))}
    types = {row["DeveloperName"]: to18(row["Id"]) for row in reversed(rows.get("types", []))}
    return CreateContext(tuple(map(_account, accounts.values())), users, types)


def _page(answer: SubResponse, kind: str) -> QueryPage:
    """The first page; of users who may not be looked for by e-mail, none."""
    try:
        return parse_query(answer)
    except RequestRejected as refused:
        if kind == USER_ROWS and is_lasting(refused):
            return QueryPage([], None)
        raise


def organizer_of(job: Job) -> str | None:
    """The e-mail of the user who shall own what is created for this attendee."""
    email = job.event.organizer.get("email") if job.rules.owner.how == ORGANIZER else None
    return address_key(email)


def company_for_account(job: Job, describes: Mapping[str, SObjectDescribe]) -> str | None:
    """The company that a new Contact shall belong to; None where there is none or Accounts are hidden.

    Where the host chose what an Account is called, that is its name to be found by; and where the host chose
    one for those without a company, they belong to that.
    """
    account = describes.get(ACCOUNT)
    if job.rules.creates != CONTACT_CREATED or account is None or not account.is_queryable:
        return None
    if not any(rule.field == "Name" for rule in job.rules.fields_of(ACCOUNT)):
        return company_of(job.attendee.company) or job.rules.account_for_nobody
    name = build_field_values(ACCOUNT, job.rules, job, describe=account).fields.get("Name")
    return company_of(name) or job.rules.account_for_nobody


def _requests(
    jobs: Sequence[Job], describes: Mapping[str, SObjectDescribe], *, api_version: str
) -> Iterable[Subrequest]:
    companies = sorted({each for job in jobs if (each := company_for_account(job, describes))})
    owners = sorted({each for job in jobs if (each := organizer_of(job))})
    account = describes.get(ACCOUNT)
    has_persons = account is not None and "IsPersonAccount" in account.fields
    is_about_persons = has_persons and any(job.rules.creates == PERSON_ACCOUNT_CREATED for job in jobs)
    soqls = [
        *_accounts_soql(companies, no_persons=NO_PERSONS if has_persons else ""),
        *((USER_ROWS, f"{USERS}{in_list(some)} ORDER BY CreatedDate") for some in _cut(owners)),
        *([("types", PERSON_TYPES)] if is_about_persons else ()),
    ]
    for number, (kind, soql) in enumerate(soqls):
        yield query_request(f"{kind}{number}", soql, api_version=api_version)


USERS: Final = "SELECT Id, Email FROM User WHERE IsActive = true AND Email IN "
PERSON_TYPES: Final = (
    "SELECT Id, DeveloperName FROM RecordType "
    "WHERE SobjectType = 'Account' AND IsPersonType = true AND IsActive = true ORDER BY CreatedDate"
)


def _accounts_soql(companies: Sequence[str], *, no_persons: str) -> Iterable[tuple[str, str]]:
    select = "SELECT Id, Name, CreatedDate FROM Account WHERE"
    for some in _cut(companies):
        yield "named", f"{select} Name IN {in_list(some)}{no_persons}"
    for begins in _cut(sorted({each for company in companies for each in name_prefixes(company)})):
        alike = " OR ".join(f"Name LIKE {like(each, is_prefix=True)}" for each in begins)
        order = f"ORDER BY CreatedDate LIMIT {ACCOUNT_CANDIDATES_MAX}"
        yield "alike", f"{select} ({alike}){no_persons} {order}"


def _cut(texts: Sequence[str]) -> Iterable[list[str]]:
    return chunk(texts, length=TEXTS_LENGTH, joint=SEPARATOR_LENGTH)


def _account(row: Mapping[str, Any]) -> AccountRow:
    return AccountRow(to18(row["Id"]), row["Name"] or "", row.get("CreatedDate") or "")
