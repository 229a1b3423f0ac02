"""What we received, for the platform's own engineers: which webhook, when, and what became of it."""

from collections.abc import Sequence
from datetime import datetime
from heapq import merge
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import Select, literal, literal_column, null, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.auth import PlatformDep
from app.api.dependencies import ResourcesDep
from app.api.errors import FieldError
from app.api.pagination import Cursor, SortOrder
from app.models import Delivery, Host, Quarantined
from app.webhooks.parse import Outcome

UNUSABLE: Final = "unusable"
CURSOR: Final = Cursor("platform_deliveries", (datetime, int, int))
Page = Select[Any, Any, Any, Any, Any, Any, Any, Any, Any, Any]

router = APIRouter(prefix="/platform", tags=["webhooks"])


class DeliveryLogQuery(BaseModel):
    """Which webhooks: of one `webhook-id`, received in a span of time; `to` is the first moment behind it."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,255}$")] | None = None
    since: AwareDatetime | None = Field(None, alias="from")
    until: AwareDatetime | None = Field(None, alias="to")
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=4096)


class ReceivedDelivery(BaseModel):
    """One webhook. Of an `unusable` one `reason` and `errors` say why: places, never values.

    Of a duplicate there is the first alone.
    """

    model_config = ConfigDict(from_attributes=True)

    id: str
    type: str | None
    host_id: str | None
    occurred_at: datetime | None
    received_at: datetime
    outcome: Literal[Outcome.ACCEPTED, Outcome.UNKNOWN_TYPE, "unusable"]
    reason: str | None
    errors: list[FieldError]


class ReceivedDeliveries(BaseModel):
    """One page, the latest first."""

    items: list[ReceivedDelivery]
    next_cursor: str | None


@router.get("/deliveries")
async def list_received(
    principal: PlatformDep, resources: ResourcesDep, query: Annotated[DeliveryLogQuery, Query()]
) -> ReceivedDeliveries:
    """What we received and what became of it, without a word of what it said."""
    async with resources.database.system() as session:
        return await list_deliveries(session, query)


async def list_deliveries(session: AsyncSession, query: DeliveryLogQuery) -> ReceivedDeliveries:
    """One page of both tables. Raises CursorInvalid."""
    pages = [await _rows(session, page, query) for page in (delivery_page(query), _unusable(query))]
    rows = list(merge(*pages, key=_place, reverse=True))[: query.limit + 1]
    order = SortOrder(CURSOR, ())
    page, next_cursor = order.cut(rows, limit=query.limit, keys=_place)
    return ReceivedDeliveries(
        items=[ReceivedDelivery.model_validate(row) for row in page], next_cursor=next_cursor
    )


def _place(row: Any) -> tuple[datetime, int, int]:
    return row.received_at, row.source, row.number


async def _rows(session: AsyncSession, page: Page, query: DeliveryLogQuery) -> Sequence[Any]:
    received_at, source, number = (
        page.selected_columns[name] for name in ("received_at", "source", "number")
    )
    order = SortOrder(CURSOR, (received_at, source, number))
    if query.since is not None:
        page = page.where(received_at >= query.since)
    if query.until is not None:
        page = page.where(received_at < query.until)
    if query.cursor is not None:
        page = page.where(received_at <= CURSOR.decode(query.cursor)[0])  # what the index can begin with
    return (await session.execute(order.page(page, limit=query.limit, cursor=query.cursor))).all()


def delivery_page(query: DeliveryLogQuery) -> Page:
    """What was taken, whether or not its type is known; not yet a page."""
    columns = (
        Delivery.webhook_id.label("id"),
        Delivery.type,
        Delivery.host_id,
        Delivery.occurred_at,
        Delivery.received_at,
        Delivery.outcome,
        null().label("reason"),
        literal_column("'[]'::jsonb", Quarantined.faults.type).label("errors"),
        literal(0).label("source"),
        Delivery.seq.label("number"),
    )
    if query.id is None:
        return select(*columns)
    # The key begins with the host, and every delivery's host is known: one look for each.
    of_host = select(*columns).where(Delivery.host_id == Host.host_id, Delivery.webhook_id == query.id)
    return select(*of_host.offset(0).lateral().c).select_from(Host)


def _unusable(query: DeliveryLogQuery) -> Page:
    page = select(
        Quarantined.webhook_id.label("id"),
        null().label("type"),
        Quarantined.host_id,
        Quarantined.occurred_at,
        Quarantined.received_at,
        literal(UNUSABLE).label("outcome"),
        Quarantined.reason,
        Quarantined.faults.label("errors"),
        literal(1).label("source"),
        Quarantined.quarantine_id.label("number"),
    )
    return page if query.id is None else page.where(Quarantined.webhook_id == query.id)
