"""Users and queues of the connected org by name, for the owner of new records."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.api.dependencies import Resources
from app.api.errors import NotConnected
from app.connections.counted_calls import org_calls
from app.field_mapping.response_schemas import OwnerFound, OwnersFound
from app.models import Connection
from app.salesforce.client import SalesforceClient
from app.salesforce.composite import parse_query, query_request
from app.salesforce.ids import is_id, to18
from app.salesforce.soql import like, quote
from app.states import ConnectionState
from app.sync.lookup.describe_cache import cached_bodies, store_describes

KEPT_AS: Final = "Owner:all"
"""In our table of describes: the first users and queues of the org."""

KEPT_FOR: Final = timedelta(hours=1)
KEPT_MAX: Final = 200
SHOWN_MAX: Final = 20
USERS: Final = "SELECT Id, Name, Email FROM User WHERE IsActive = true AND UserType = 'Standard'"
QUEUES: Final = "SELECT Id, Name FROM Group WHERE Type = 'Queue'"


async def find_owners(resources: Resources, host_id: str, q: str) -> OwnersFound:
    """Who has `q` in the name or e-mail, or as id. A small org is asked once an hour, whatever is searched.

    Raises NotConnected, ConnectionNeedsReconnect, ApiBudgetReached, SalesforceRefused, SalesforceUnavailable.
    """
    first = await _first_owners(resources, host_id)
    wanted = q.strip()
    found = [each for each in first.items if _fits(each, wanted)]
    if first.has_more and wanted and len(found) < SHOWN_MAX:
        async with org_calls(resources, host_id, is_for_person=True) as client:
            found = (await _ask(client, wanted, most=SHOWN_MAX + 1)).items
    return OwnersFound(items=found[:SHOWN_MAX], has_more=len(found) > SHOWN_MAX)


def _fits(owner: OwnerFound, wanted: str) -> bool:
    if is_id(wanted):
        return owner.id == to18(wanted)
    return wanted.casefold() in f"{owner.name} {owner.email or ''}".casefold()


async def known_owner_names(session: AsyncSession, host_id: str, org_id: str) -> dict[str, str]:
    """The names of users and queues that were looked at lately, by id; asks nobody."""
    kept = await cached_bodies(session, host_id=host_id, org_id=org_id, sobjects=[KEPT_AS])
    return {each["id"]: each["name"] for each in kept.get(KEPT_AS, {}).get("items", ())}


async def _first_owners(resources: Resources, host_id: str) -> OwnersFound:
    async with resources.database.tenant(host_id) as session:
        connection = await session.get(Connection, host_id)
        if connection is None or connection.state == ConnectionState.DISCONNECTED:
            raise NotConnected
        org_id = connection.org_id
        kept = await cached_bodies(
            session, host_id=host_id, org_id=org_id, sobjects=[KEPT_AS], max_age=KEPT_FOR
        )
    if KEPT_AS in kept:
        return OwnersFound.model_validate(kept[KEPT_AS])
    async with org_calls(resources, host_id, is_for_person=True) as client:
        found = await _ask(client, "", most=KEPT_MAX)
    async with resources.database.tenant(host_id) as session:
        await store_describes(session, {KEPT_AS: found.model_dump()}, host_id=host_id, org_id=org_id)
    return found


async def _ask(client: SalesforceClient, wanted: str, *, most: int) -> OwnersFound:
    """One call; what the connected user may not read is left out."""
    by_id = f" AND Id = {quote(to18(wanted))}" if is_id(wanted) else ""
    of_user = by_id or (f" AND (Name LIKE {like(wanted)} OR Email LIKE {like(wanted)})" if wanted else "")
    of_queue = by_id or (f" AND Name LIKE {like(wanted)}" if wanted else "")
    texts = {"users": f"{USERS}{of_user}", "queues": f"{QUEUES}{of_queue}"}
    requests = [
        query_request(name, f"{soql} ORDER BY Name LIMIT {most + 1}", api_version=client.api_version)
        for name, soql in texts.items()
    ]
    answers = {each.reference_id: each for each in await client.composite(requests)}
    rows = {name: parse_query(each).records if not each.failures else [] for name, each in answers.items()}
    items = [*_owners(rows["queues"], is_queue=True), *_owners(rows["users"], is_queue=False)]
    return OwnersFound(items=items, has_more=any(len(each) > most for each in rows.values()))


def _owners(rows: Sequence[dict[str, Any]], *, is_queue: bool) -> list[OwnerFound]:
    return [
        OwnerFound(id=to18(row["Id"]), name=row["Name"], email=row.get("Email"), is_queue=is_queue)
        for row in rows
    ]
