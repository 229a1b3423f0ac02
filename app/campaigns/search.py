"""Search the connected org's campaigns by name, active ones first."""

from typing import Any, Final

from app.campaigns.links import found_record
from app.campaigns.reading import SELECT_CAMPAIGN, campaign_of, problem_of
from app.campaigns.schemas import CampaignPage
from app.connections.service import mark_used, open_client, usable_connection
from app.models import Connection
from app.monitor.cursors import decode_cursor, encode_cursor
from app.problems import CursorInvalid
from app.resources import Resources
from app.salesforce.client import SalesforceClient
from app.salesforce.errors import SalesforceError
from app.salesforce.soql import like

# https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_offset.htm
OFFSET_MAX: Final = 2000
KIND: Final = "campaigns"


async def search_campaigns(
    resources: Resources, host_id: str, *, q: str, limit: int, cursor: str | None
) -> CampaignPage:
    """One page of what matches; an empty `q` matches all. The 2,000 first ones can be reached.

    Raises CursorInvalid, NotConnected, ConnectionNeedsReconnect, CampaignsNotReadable, SalesforceRefused,
    SalesforceUnavailable, ApiBudgetReached.
    """
    offset = _offset(cursor)
    async with resources.database.tenant(host_id) as session:
        connection = await usable_connection(session, host_id, settings=resources.settings)
    client = await open_client(resources, host_id)
    records = await _ask(client, _soql(q, limit=limit + 1, offset=offset))
    async with resources.database.tenant(host_id) as session:
        await mark_used(session, host_id)
    return _page(records, connection, limit=limit, offset=offset)


def _soql(q: str, *, limit: int, offset: int) -> str:
    where = f" WHERE Name LIKE {like(q.strip())}" if q.strip() else ""
    return f"{SELECT_CAMPAIGN}{where} ORDER BY IsActive DESC, Name, Id LIMIT {limit} OFFSET {offset}"


async def _ask(client: SalesforceClient, soql: str) -> list[dict[str, Any]]:
    try:
        return await client.query(soql)
    except SalesforceError as error:
        raise problem_of(error) from error


def _page(records: list[dict[str, Any]], connection: Connection, *, limit: int, offset: int) -> CampaignPage:
    items = [found_record(campaign_of(record), connection) for record in records[:limit]]
    has_more = len(records) > limit and offset + limit <= OFFSET_MAX
    return CampaignPage(
        items=items, next_cursor=encode_cursor(KIND, [str(offset + limit)]) if has_more else None
    )


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    [offset] = decode_cursor(cursor, KIND, width=1)
    if not (offset.isascii() and offset.isdecimal() and int(offset[:9]) <= OFFSET_MAX):
        raise CursorInvalid
    return int(offset)
