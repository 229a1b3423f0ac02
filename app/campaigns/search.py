"""Search the connected org's campaigns by name, active ones first."""

from collections.abc import Sequence
from typing import Any, Final, Literal

from app.api.calls import HostCall
from app.api.errors import CursorInvalid
from app.api.pagination import Cursor
from app.campaigns.links import found_record
from app.campaigns.lookup import campaign_calls, campaign_of, select_campaigns, with_visible
from app.campaigns.schemas import CampaignPage
from app.connections.service import usable_connection
from app.models import Connection
from app.salesforce.soql import like

# https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_offset.htm
OFFSET_MAX: Final = 2000
CURSOR: Final = Cursor("campaigns", (int,))


CampaignSort = Literal["name", "newest"]
ORDERS: Final[dict[CampaignSort, str]] = {"name": "Name, Id", "newest": "CreatedDate DESC, Id DESC"}


async def search_campaigns(
    call: HostCall, *, q: str, limit: int, cursor: str | None, sort: CampaignSort = "name"
) -> CampaignPage:
    """One page of what matches, active ones first; an empty `q` matches all. The 2,000 first ones can be
    reached.

    Raises CursorInvalid, NotConnected, ConnectionNeedsReconnect, CampaignsNotReadable, SalesforceRefused,
    SalesforceUnavailable, ApiBudgetReached.
    """
    offset = _offset(cursor)
    async with call.resources.database.tenant(call.host_id) as session:
        connection = await usable_connection(session, call.host_id, settings=call.resources.settings)
    async with campaign_calls(call.resources, call.host_id, is_for_person=True) as client:
        records = await with_visible(
            client,
            lambda fields: client.query(_soql(q, fields, order=ORDERS[sort], limit=limit + 1, offset=offset)),
        )
    return _page(records, connection, limit=limit, offset=offset)


def _soql(q: str, fields: Sequence[str], *, order: str, limit: int, offset: int) -> str:
    where = f" WHERE Name LIKE {like(q.strip())}" if q.strip() else ""
    first = "IsActive DESC, " if "IsActive" in fields else ""
    return f"{select_campaigns(fields)}{where} ORDER BY {first}{order} LIMIT {limit} OFFSET {offset}"


def _page(records: list[dict[str, Any]], connection: Connection, *, limit: int, offset: int) -> CampaignPage:
    items = [found_record(campaign_of(record), connection) for record in records[:limit]]
    has_more = len(records) > limit and offset + limit <= OFFSET_MAX
    return CampaignPage(items=items, next_cursor=CURSOR.encode(offset + limit) if has_more else None)


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    [offset] = CURSOR.decode(cursor)
    if offset > OFFSET_MAX:
        raise CursorInvalid
    return int(offset)
