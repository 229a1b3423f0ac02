"""An event with many registrations: what a page of its rows reads, while statistics know nothing of it."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.registrations.context import load_context
from app.registrations.listing import RowQuery, RowSort, list_rows, page_by_id, read_row, rows_of
from tests.factories import ORG_ID
from tests.integration.registrations.sample_event import EVENT_ID, add_connected_host

MANY, PAGE = 3000, 50
REGISTRATIONS = """
    INSERT INTO registrations (host_id, registration_id, event_id, status, attendee, snapshot_at,
        registered_at, confirmed_at)
    SELECT 'host_a', 'reg_' || lpad(n::text, 5, '0'), :event, 'confirmed', '{}', now(), now(), now()
    FROM generate_series(1, :many) AS n
"""
JOBS = """
    INSERT INTO sync_jobs (host_id, registration_id, event_id, org_id, state)
    SELECT 'host_a', 'reg_' || lpad(n::text, 5, '0'), :event, :org, 'synced'
    FROM generate_series(1, :many) AS n
"""
FETCHED = text(
    "SELECT idx_tup_fetch + seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'sync_jobs'"
)
SORTS: tuple[RowSort, ...] = ("failed", "-updated_at", "-registered_at", "name")


async def add_many(database: Database, owner: AsyncEngine, vault: Encryptor) -> None:
    await add_connected_host(database, vault)
    async with owner.begin() as connection:
        for statement in (REGISTRATIONS, JOBS):
            await connection.execute(text(statement), {"event": EVENT_ID, "org": ORG_ID, "many": MANY})


async def jobs_read(session: AsyncSession) -> int:
    """How many rows of jobs this connection has read; it counts on until its statistics are sent."""
    return await session.scalar(FETCHED) or 0


async def test_rows_are_read_without_looking_through_all_jobs_for_each(
    database: Database, owner: AsyncEngine, vault: Encryptor
) -> None:
    await add_many(database, owner, vault)
    ids = [f"reg_{number:05}" for number in range(MANY - PAGE, MANY)]
    async with database.tenant("host_a") as session:
        context = await load_context(session, "host_a", EVENT_ID)
        before = await jobs_read(session)
        assert len(await rows_of(session, context, ids)) == PAGE
        await read_row(session, "host_a", EVENT_ID, registration_id=ids[-1])
        assert await jobs_read(session) - before <= MANY + PAGE


async def test_page_in_any_order_reads_each_job_a_few_times(
    database: Database, owner: AsyncEngine, vault: Encryptor
) -> None:
    await add_many(database, owner, vault)
    for sort in SORTS:
        async with database.tenant("host_a") as session:
            before = await jobs_read(session)
            page = await list_rows(session, "host_a", EVENT_ID, RowQuery(sort=sort))
            assert (len(page.items), page.matched) == (PAGE, MANY)
            assert await jobs_read(session) - before <= 3 * MANY + PAGE


async def test_export_reads_each_row_by_its_key(
    database: Database, owner: AsyncEngine, vault: Encryptor
) -> None:
    await add_many(database, owner, vault)
    for query, most in ((RowQuery(), 2 * PAGE), (RowQuery(states=("synced",)), MANY)):
        async with database.tenant("host_a") as session:
            before = await jobs_read(session)
            page, after = await page_by_id(
                session, "host_a", EVENT_ID, query=query, after="reg_00100", limit=PAGE
            )
            assert after == "reg_00150"
            assert [row.registration_id for row in page] == [f"reg_{100 + n:05}" for n in range(1, PAGE + 1)]
            assert await jobs_read(session) - before <= most


async def test_export_with_a_filter_goes_on_behind_what_does_not_match(
    database: Database, owner: AsyncEngine, vault: Encryptor
) -> None:
    await add_many(database, owner, vault)
    async with owner.begin() as connection:
        await connection.execute(
            text("UPDATE sync_jobs SET state = 'skipped' WHERE registration_id < 'reg_02500'")
        )
    async with database.tenant("host_a") as session:
        query = RowQuery(states=("synced",))
        page, _ = await page_by_id(session, "host_a", EVENT_ID, query=query, after=None, limit=PAGE)
    assert [row.registration_id for row in page] == [f"reg_{2500 + n:05}" for n in range(PAGE)]
