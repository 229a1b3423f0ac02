"""Who the organizers are in Salesforce, where they shall own what is written."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.models.kept_plan import kept_plan
from app.salesforce.ids import to18
from app.salesforce.soql import chunk, in_list
from app.sync.lookup.describe_cache import cached_bodies
from app.sync.lookup.queries import LookupQuery, QueryKind
from app.sync.lookup.requirements import NO_OWNERS, KnownOwners
from app.text.email_address import address_key

USERS_SOQL: Final = "SELECT Id, Email FROM User WHERE IsActive = true AND UserType = 'Standard' AND Email IN "
EMAILS_LENGTH: Final = 20_000
CACHE_PREFIX: Final = "User:"
"""In our table of describes: what Salesforce answered for an e-mail, empty where no user has it."""

MAX_AGE: Final = timedelta(hours=1)
"""A user who was deactivated since is refused as owner by Salesforce itself."""

CONNECTED_USERS = kept_plan("""
    SELECT email_key, user_id FROM salesforce_users
    WHERE host_id = :host_id AND org_id = :org_id AND email_key = ANY(:emails)
    ORDER BY connected_at
""")


async def load_owners(
    session: AsyncSession, emails: Iterable[str], *, host_id: str, org_id: str, max_age: timedelta = MAX_AGE
) -> KnownOwners:
    """The organizers who connected their own user of this org, and those whom Salesforce named within
    `max_age`, an hour at most.
    """
    wanted = sorted(emails)
    if not wanted:
        return NO_OWNERS
    values = {"host_id": host_id, "org_id": org_id, "emails": wanted}
    connected = {row.email_key: row.user_id for row in await session.execute(CONNECTED_USERS, values)}
    names = [CACHE_PREFIX + each for each in wanted if each not in connected]
    bodies = await cached_bodies(
        session, host_id=host_id, org_id=org_id, sobjects=names, max_age=min(max_age, MAX_AGE)
    )
    answered = {name.removeprefix(CACHE_PREFIX): body.get("id") for name, body in bodies.items()}
    ids = connected | {email: id_ for email, id_ in answered.items() if id_}
    return KnownOwners(ids, tuple(each for each in wanted if each not in connected.keys() | answered.keys()))


def build_owner_queries(emails: Sequence[str]) -> Iterator[LookupQuery]:
    """The active standard users of these e-mails, the oldest first."""
    for number, some in enumerate(chunk(emails, length=EMAILS_LENGTH, joint=2)):
        yield LookupQuery(
            QueryKind.USERS, f"{USERS_SOQL}{in_list(some)} ORDER BY CreatedDate", suffix=f"{number}"
        )


def parse_owners(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The users by e-mail; of several the oldest."""
    return {address_key(row["Email"]) or "": to18(row["Id"]) for row in reversed(rows)}


def owner_bodies(emails: Iterable[str], ids: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """What our table of describes keeps of the answer to a question for these e-mails."""
    return {CACHE_PREFIX + each: {"id": ids[each]} if each in ids else {} for each in emails}
