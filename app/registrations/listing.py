"""Pages of an event's rows: filtered, sorted, continued by key."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeVar

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    TableValuedAlias,
    and_,
    case,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlalchemy.sql.util import ClauseAdapter

from app.api.errors import RegistrationNotFound
from app.api.pagination import Cursor, SortOrder
from app.infrastructure.database import hash_joins_only, in_index_order
from app.models import Registration, SyncJob
from app.models.conditions import IS_COUNTED, IS_ERASED
from app.registrations import queries
from app.registrations.context import EventContext, load_context
from app.registrations.newest import newest_candidates
from app.registrations.queries import (
    HAS_ERROR,
    by_id,
    group_of_job,
    has_failed_part,
    in_state,
    visible_registrations,
)
from app.registrations.row_view import ViewContext, assemble_row
from app.registrations.schemas import Row, Rows
from app.states import SyncState

RowState = Literal["synced", "pending", "failed", "skipped", "attended"]
RowSort = Literal["-updated_at", "-registered_at", "failed", "name"]

MATCHED_MAX = 10_000
LOOKED_THROUGH: Final = 1_000
"""Registrations that an export looks through at a time for those that match its filters."""

CHANGE_NO = func.greatest(Registration.change_no, SyncJob.change_no)
"""Drawn as `updated_at` is stamped, from one sequence."""

UPDATED_AT = func.greatest(Registration.updated_at, SyncJob.updated_at)
EMAIL, COMPANY = Registration.attendee["email"].astext, Registration.attendee["company"].astext
NAME = func.coalesce(
    func.nullif(
        func.btrim(
            func.concat_ws(
                " ", Registration.attendee["first_name"].astext, Registration.attendee["last_name"].astext
            )
        ),
        "",
    ),
    Registration.attendee["name"].astext,
    "",
)
SORT_NAME = func.lower(NAME)
IS_FAILED = case((in_state(SyncState.FAILED), 1), else_=0)
ORDERS: Final[dict[RowSort, SortOrder]] = {
    "name": SortOrder(
        Cursor("name", (str, str)), (SORT_NAME, Registration.registration_id), is_descending=False
    ),
    "-updated_at": SortOrder(Cursor("-changed", (int, str)), (CHANGE_NO, Registration.registration_id)),
    "-registered_at": SortOrder(
        Cursor("-registered_at", (datetime, str)), (Registration.registered_at, Registration.registration_id)
    ),
    "failed": SortOrder(
        Cursor("failed", (int, datetime, str)), (IS_FAILED, UPDATED_AT, Registration.registration_id)
    ),
}


Keyed = TypeVar("Keyed", Registration, SyncJob)


@dataclass(frozen=True)
class RowQuery:
    """The caller's filters; `states` are alternatives, the rest narrows."""

    states: tuple[RowState, ...] = ()
    group_id: str | None = None
    error_code: str | None = None
    q: str | None = None
    sort: RowSort = "-updated_at"
    limit: int = 50
    cursor: str | None = None

    def narrowed_by(self) -> list[str]:
        """The names of the filters that are set."""
        return [name for name in ("states", "group_id", "error_code", "q") if getattr(self, name)]


async def list_rows(session: AsyncSession, host_id: str, event_id: str, query: RowQuery) -> Rows:
    """One page. Raises EventNotFound, CursorInvalid.

    The keys of its rows are found first, by hash joins of narrow rows: sorting an event of 100,000 with all
    that a row shows took minutes while statistics knew nothing of it yet.
    """
    context = await load_context(session, host_id, event_id)
    order = ORDERS[query.sort]
    matching = visible_registrations(context, *order.columns).where(*_conditions(query))
    found = await _changed_last(session, context, query)
    async with hash_joins_only(session):
        if found is None:
            page = order.page(matching, limit=query.limit, cursor=query.cursor)
            found = (await session.execute(page)).all()
        matched = await _matched(session, matching)
    shown, next_cursor = order.cut(found, limit=query.limit, keys=tuple)
    ids = [keys[-1] for keys in shown]
    rows = {row.registration_id: row for row in await rows_of(session, context, ids)}
    return Rows(items=[rows[each] for each in ids if each in rows], next_cursor=next_cursor, matched=matched)


async def _changed_last(
    session: AsyncSession, context: EventContext, query: RowQuery
) -> Sequence[Any] | None:
    """The keys of a page without filters in the order of changes, from the last changes of the host.

    None for another page, and where the host's last changes are those of other events. Raises CursorInvalid.
    """
    if query.sort != "-updated_at" or query.narrowed_by():
        return None
    before = ORDERS[query.sort].cursor.decode(query.cursor)[0] if query.cursor is not None else None
    wanted = query.limit + 1
    newest = await newest_candidates(session, context, before=before, wanted=2 * wanted)
    keys = by_id(newest.ids)
    registration = _of_key(
        Registration, context.host_id, keys, Registration.event_id == context.event_id, IS_COUNTED
    )
    job = _of_key(SyncJob, context.host_id, keys, *_armed_for(context))
    change_no = func.greatest(registration.c.change_no, job.c.change_no)
    rows = select(change_no, keys.c.id).select_from(keys.join(registration, true()).outerjoin(job, true()))
    if before is not None:
        rows = rows.where(change_no < before)
    found = await session.execute(rows.where(change_no >= newest.floor).order_by(change_no.desc()))
    page: Sequence[Any] = found.fetchmany(wanted)
    return page if len(page) == wanted or not newest.floor else None


def _armed_for(context: EventContext) -> tuple[ColumnElement[bool], ...]:
    return SyncJob.event_id == context.event_id, SyncJob.org_id == (context.org_id or "")


async def read_row(session: AsyncSession, host_id: str, event_id: str, *, registration_id: str) -> Row:
    """One row, also of a registration that does not count yet. Raises EventNotFound, RegistrationNotFound."""
    context = await load_context(session, host_id, event_id)
    pairs = await _load(session, context, [registration_id])
    if not pairs:
        raise RegistrationNotFound
    [row] = await _assemble(session, context, pairs)
    return row


async def page_by_id(
    session: AsyncSession, host_id: str, event_id: str, *, query: RowQuery, after: str | None, limit: int
) -> tuple[list[Row], str | None]:
    """Return the next rows by registration id, an order that changes do not disturb, and the id that the next
    page goes on behind, None at the end: for exports. Raises EventNotFound.

    A page may be short where rows left the event while it was read.

    A portion of the event's ids at a time is held against the filters: joined as a whole, the planner may
    look through all jobs for each registration while statistics know nothing of the event.
    """
    context = await load_context(session, host_id, event_id)
    conditions = _conditions(query)
    portion = LOOKED_THROUGH if conditions else limit
    found: list[str] = []
    is_last = False
    while len(found) < limit and not is_last:
        ids = await _next_ids(session, context, after, portion)
        found += await _matching(session, context, ids, conditions) if conditions else ids
        is_last = len(ids) < portion
        after = ids[-1] if ids else after
    page = found[:limit]
    return await rows_of(session, context, page), page[-1] if len(page) == limit else None


async def _next_ids(
    session: AsyncSession, context: EventContext, after: str | None, portion: int
) -> Sequence[str]:
    ids = (
        select(Registration.registration_id)
        .where(Registration.host_id == context.host_id, Registration.event_id == context.event_id, IS_COUNTED)
        .order_by(Registration.registration_id)
        .limit(portion)
    )
    behind = ids if after is None else ids.where(Registration.registration_id > after)
    async with in_index_order(session):
        return (await session.scalars(behind)).all()


async def _matching(
    session: AsyncSession, context: EventContext, ids: Sequence[str], conditions: list[ColumnElement[bool]]
) -> Sequence[str]:
    """Those of `ids` that match, in their order: each by its keys, with a fence for the planner.

    Only the database knows the order: its collation may be another than Python's.
    """
    wanted = by_id(ids)
    registration = _of_key(Registration, context.host_id, wanted, Registration.event_id == context.event_id)
    job = _of_key(SyncJob, context.host_id, wanted, *_armed_for(context))
    both = wanted.join(registration, true()).outerjoin(job, true())
    matching = select(wanted.c.id).select_from(both)
    for condition in conditions:
        on_rows = ClauseAdapter(job).traverse(ClauseAdapter(registration).traverse(condition))
        matching = matching.where(on_rows)
    found = set(await session.scalars(matching))
    return [each for each in ids if each in found]


async def rows_of(session: AsyncSession, context: EventContext, ids: Sequence[str]) -> list[Row]:
    """These registrations of the event, as far as they count, in the order of `ids`."""
    return await _assemble(session, context, await _load(session, context, ids, IS_COUNTED))


async def _load(
    session: AsyncSession, context: EventContext, ids: Sequence[str], *conditions: ColumnElement[bool]
) -> list[tuple[Registration, SyncJob | None]]:
    """These registrations of the event with the job armed for the connected org, in the order of `ids`.

    Each by its primary key, with a fence for the planner: joined, or with more than fifty keys at once, it
    may look through all of the event while statistics know nothing of it.
    """
    registrations = await session.scalars(_by_key(Registration, context.host_id, ids, *conditions))
    found = {each.registration_id: each for each in registrations if each.event_id == context.event_id}
    jobs = await session.scalars(_by_key(SyncJob, context.host_id, ids))
    armed_for = (context.event_id, context.org_id)
    own = {each.registration_id: each for each in jobs if (each.event_id, each.org_id) == armed_for}
    return [(found[each], own.get(each)) for each in ids if each in found]


def _by_key(
    table: type[Keyed], host_id: str, ids: Sequence[str], *conditions: ColumnElement[bool]
) -> Select[Keyed]:
    wanted = by_id(ids)
    row = aliased(table, _of_key(table, host_id, wanted, *conditions))
    return select(row).select_from(wanted).join(row, true())


def _of_key(
    table: type[Registration] | type[SyncJob],
    host_id: str,
    wanted: TableValuedAlias,
    *conditions: ColumnElement[bool],
) -> FromClause:
    """The row of each wanted id. What else is asked of it is asked outside of what finds it."""
    row = select(table).where(table.host_id == host_id, table.registration_id == wanted.c.id)
    found = row.offset(0).correlate(wanted).lateral()
    if not conditions:
        return found
    narrowed = select(found).where(*(ClauseAdapter(found).traverse(each) for each in conditions))
    return narrowed.correlate(wanted).lateral()


async def _assemble(
    session: AsyncSession, context: EventContext, pairs: list[tuple[Registration, SyncJob | None]]
) -> list[Row]:
    ids = [registration.registration_id for registration, _ in pairs]
    records = await queries.written_records(session, context, ids)
    view = ViewContext(context.gates, context.link, context.instance_url, context.now, context.writes)
    return [
        assemble_row(registration, job, records[registration.registration_id], view)
        for registration, job in pairs
    ]


def _conditions(query: RowQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.states:
        conditions.append(or_(*(in_state(state) for state in query.states)))
    if query.group_id is not None:
        of_group = and_(HAS_ERROR, group_of_job == query.group_id)
        conditions.append(or_(of_group, has_failed_part("group_id", query.group_id)))
    if query.error_code is not None:
        of_code = and_(HAS_ERROR, SyncJob.error_code == query.error_code)
        conditions.append(or_(of_code, has_failed_part("error_code", query.error_code)))
    if query.q is not None:
        conditions.append(_mentions(query.q))
    return conditions


def _mentions(q: str) -> ColumnElement[bool]:
    columns = (NAME, EMAIL, COMPANY)
    return and_(~IS_ERASED, or_(*(column.icontains(q, autoescape=True) for column in columns)))


async def _matched(session: AsyncSession, matching: Select[Any]) -> int | None:
    capped = matching.with_only_columns(Registration.registration_id).limit(MATCHED_MAX + 1).subquery()
    found = await session.scalar(select(func.count()).select_from(capped)) or 0
    return found if found <= MATCHED_MAX else None
