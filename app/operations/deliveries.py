"""Received webhooks for operations: listed without their payloads, and applied again through the intake."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, false, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.dependencies import Resources
from app.api.pagination import Cursor, SortOrder
from app.infrastructure import audit_log
from app.infrastructure.encryption import Encryptor
from app.models import Delivery, Quarantined, UnknownBody
from app.operations.schemas import (
    Deliveries,
    DeliveriesQuery,
    DeliveryFilter,
    DeliveryShown,
    ReplayDeliveries,
    Replayed,
)
from app.privacy.unparsed_bodies import UNKNOWN_BODY, UNUSABLE_BODY, decrypt_body
from app.webhooks.ingest import ingest
from app.webhooks.parse import InvalidDelivery, Outcome, ParsedDelivery, parse_delivery

SAMPLE_MAX = 10
AT_ONCE_MAX = 10_000
CHUNK = 200
CURSOR: Final = Cursor("received", (datetime, int))
EQUAL = ("host_id", "event_id", "registration_id", "type")


@dataclass(frozen=True)
class Source:
    """The table that a filter is about, and what orders it."""

    table: type[Delivery] | type[Quarantined]
    number: Any

    @classmethod
    def of(cls, delivery_filter: DeliveryFilter) -> "Source":
        if delivery_filter.is_quarantined:
            return cls(Quarantined, Quarantined.quarantine_id)
        return cls(Delivery, Delivery.seq)


async def list_deliveries(session: AsyncSession, query: DeliveriesQuery) -> Deliveries:
    """One page, the latest first, all of them without a filter. Raises CursorInvalid."""
    source = Source.of(query)
    rows = select(source.table, source.number).where(*_conditions(query, source))
    order = SortOrder(CURSOR, (source.table.received_at, source.number))
    found = (await session.execute(order.page(rows, limit=query.limit, cursor=query.cursor))).all()
    page, next_cursor = order.cut(found, limit=query.limit, keys=lambda row: (row[0].received_at, row[1]))
    return Deliveries(items=[DeliveryShown.model_validate(row[0]) for row in page], next_cursor=next_cursor)


async def replay_deliveries(resources: Resources, request: ReplayDeliveries, *, by: str) -> Replayed:
    """Apply again what the filter matches, at most 10,000 webhooks, in the order in which they came.

    What they add up to is the same however often it is done; only news arms a job. Raises FilterEmpty.
    """
    source, is_dry_run = Source.of(request.filter.checked()), request.dry_run
    conditions = _conditions(request.filter, source)
    query = select(source.table).where(*conditions).order_by(source.number)
    async with resources.database.system() as session:
        matched = await session.scalar(select(func.count()).select_from(source.table).where(*conditions))
        sample = (await session.scalars(query.limit(SAMPLE_MAX))).all()
        numbers = (await session.scalars(query.with_only_columns(source.number).limit(AT_ONCE_MAX))).all()
    chunks = [] if is_dry_run else [numbers[n : n + CHUNK] for n in range(0, len(numbers), CHUNK)]
    applied = sum([await _replay(resources, source, each, by=by) for each in chunks])
    if not is_dry_run and not applied:
        host_id = request.filter.host_id or audit_log.OPERATIONS
        async with resources.database.system() as session:
            await _record_replay(session, host_id, 0, source=source, by=by)
    return Replayed(
        dry_run=is_dry_run,
        matched=matched or 0,
        queued=applied,
        unusable=0 if is_dry_run else len(numbers) - applied,
        sample=[DeliveryShown.model_validate(each) for each in sample],
    )


async def _replay(resources: Resources, source: Source, numbers: Sequence[int], *, by: str) -> int:
    """One chunk in one transaction; returns how many were applied."""
    async with resources.database.system() as session:
        query = select(source.table).where(source.number.in_(numbers)).order_by(source.number)
        found: list[Any] = list(await session.scalars(query.with_for_update()))
        sealed = await _sealed_bodies(session, found)
        read = ((each, _read(resources.vault, each, sealed)) for each in found)
        usable = [(each, delivery) for each, delivery in read if delivery is not None]
        deliveries = [delivery for _, delivery in usable]
        await _delete(session, [each for each, _ in usable])
        recorded = await ingest(session, deliveries, pepper=resources.settings.hash_pepper)
        await _restore_times(session, [each for each, _ in usable])
        for host_id, count in sorted(Counter(each.host_id for each in deliveries).items()):
            await _record_replay(session, host_id, count, source=source, by=by)
    await resources.wakeups.announce(recorded.org_ids)
    return len(usable)


async def _record_replay(session: AsyncSession, host_id: str, count: int, *, source: Source, by: str) -> None:
    details = {"deliveries": count, "is_quarantined": source.table is Quarantined}
    await audit_log.append_entry(
        session, host_id, actor=by, action="ops.deliveries_replayed", details=details
    )


async def _sealed_bodies(
    session: AsyncSession, found: Iterable[Delivery | Quarantined]
) -> dict[tuple[str, str], bytes]:
    """Load the encrypted bodies of the deliveries of unknown types."""
    keys = [(each.host_id, each.webhook_id) for each in found if isinstance(each, Delivery)]
    query = select(UnknownBody).where(tuple_(UnknownBody.host_id, UnknownBody.webhook_id).in_(keys))
    return {(each.host_id, each.webhook_id): each.sealed for each in await session.scalars(query)}


def _read(
    vault: Encryptor, kept: Delivery | Quarantined, sealed: Mapping[tuple[str, str], bytes]
) -> ParsedDelivery | None:
    """The delivery as the intake reads it now; None when it still cannot be used, or was emptied."""
    body = _body_of(vault, kept, sealed)
    try:
        delivery = parse_delivery(kept.webhook_id, body) if body is not None else None
    except InvalidDelivery:
        return None
    if delivery is None or delivery.outcome is Outcome.UNKNOWN_TYPE:
        return None
    return delivery if isinstance(kept, Quarantined) else replace(delivery, body_sha256=kept.body_sha256)


def _body_of(
    vault: Encryptor, kept: Delivery | Quarantined, sealed: Mapping[tuple[str, str], bytes]
) -> bytes | None:
    if isinstance(kept, Quarantined):
        if kept.sealed is None or kept.host_id is None:
            return None
        return decrypt_body(vault, kept.sealed, host_id=kept.host_id, column=UNUSABLE_BODY)
    if (unread := sealed.get((kept.host_id, kept.webhook_id))) is not None:
        return decrypt_body(vault, unread, host_id=kept.host_id, column=UNKNOWN_BODY)
    return json.dumps(kept.payload).encode()


async def _delete(session: AsyncSession, kept: Iterable[Delivery | Quarantined]) -> None:
    """Make room within the transaction: to the intake a webhook id is then new."""
    rows = list(kept)
    keys = [(each.host_id, each.webhook_id) for each in rows if isinstance(each, Delivery)]
    numbers = [each.quarantine_id for each in rows if isinstance(each, Quarantined)]
    for statement in (
        delete(Delivery).where(tuple_(Delivery.host_id, Delivery.webhook_id).in_(keys)),
        delete(UnknownBody).where(tuple_(UnknownBody.host_id, UnknownBody.webhook_id).in_(keys)),
        delete(Quarantined).where(Quarantined.quarantine_id.in_(numbers)),
    ):
        await session.execute(statement.execution_options(synchronize_session=False))


async def _restore_times(session: AsyncSession, kept: Iterable[Delivery | Quarantined]) -> None:
    """A replay does not make a webhook younger: it is still purged when its time is over."""
    for each in kept:
        if isinstance(each, Delivery):
            same = and_(Delivery.host_id == each.host_id, Delivery.webhook_id == each.webhook_id)
            received = update(Delivery).where(same).values(received_at=each.received_at)
            await session.execute(received.execution_options(synchronize_session=False))


def _conditions(delivery_filter: DeliveryFilter, source: Source) -> list[ColumnElement[bool]]:
    table = source.table
    conditions: list[ColumnElement[bool]] = []
    if delivery_filter.webhook_ids is not None:
        conditions.append(table.webhook_id.in_(delivery_filter.webhook_ids))
    if delivery_filter.received_from is not None:
        conditions.append(table.received_at >= delivery_filter.received_from)
    if delivery_filter.received_to is not None:
        conditions.append(table.received_at < delivery_filter.received_to)
    for name in EQUAL:
        if (value := getattr(delivery_filter, name)) is not None:
            column = getattr(table, name, None)
            conditions.append(false() if column is None else column == value)
    return conditions
