"""A dump by the role for backups: every row of every table, and whole again in another database."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from app.infrastructure.backup_rights import HAS_ROLE, UNREAD, open_for_backup
from app.infrastructure.database import Database
from app.models import Base
from tests.integration.deploy.backup_tools import run
from tests.sample_rows import sample_row

TABLES = """
    SELECT relname FROM pg_class
    WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace ORDER BY relname
"""
SEQUENCES = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1"
WRITES = "INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER"
COPY = "restored_copy"


@pytest.fixture
async def filled(database: Database, owner: AsyncEngine) -> Database:
    """A row of host_b in every table."""
    async with owner.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        for table in Base.metadata.sorted_tables:
            await connection.execute(table.insert().values(**sample_row(table, host_id="host_b")))
        await connection.execute(text("SELECT nextval('changes')"))
    return database


@pytest.fixture
async def login(owner: AsyncEngine, migrated: str) -> AsyncIterator[str]:
    """The address for the login that the documents tell to make."""
    async with owner.begin() as connection:
        await connection.execute(text("CREATE ROLE es_backup LOGIN IN ROLE eventship_backup"))
    yield plain(make_url(migrated).set(username="es_backup").render_as_string(hide_password=False))
    async with owner.begin() as connection:
        await connection.execute(text("DROP ROLE es_backup"))


@pytest.fixture
async def copy(owner: AsyncEngine, migrated: str) -> AsyncIterator[str]:
    """The address of an empty database in which the owner of the tables may make some."""
    lone = owner.execution_options(isolation_level="AUTOCOMMIT")
    async with lone.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {COPY}"))
    url = make_url(migrated).set(database=COPY).render_as_string(hide_password=False)
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.execute(text("GRANT CREATE, USAGE ON SCHEMA public TO eventship_owner"))
    await engine.dispose()
    yield url
    async with lone.connect() as connection:
        await connection.execute(text(f"DROP DATABASE {COPY} WITH (FORCE)"))


def plain(url: str) -> str:
    return url.replace("+asyncpg", "")


async def everything(engine: AsyncEngine) -> dict[str, Any]:
    """All rows and all sequences, as a superuser sees them."""
    async with engine.connect() as connection:
        tables = (await connection.scalars(text(TABLES))).all()
        rows = {
            table: sorted(map(str, await connection.scalars(text(f"SELECT to_jsonb(t) FROM {table} AS t"))))
            for table in tables
        }
        sequences = await connection.execute(text(SEQUENCES))
        return rows | {row.sequencename: row.last_value for row in sequences}


@pytest.mark.usefixtures("filled")
async def test_dump_by_its_login_is_the_whole_database(
    owner: AsyncEngine, login: str, copy: str, tmp_path: Path
) -> None:
    before = await everything(owner)
    assert {*Base.metadata.tables, "changes", "alembic_version"} <= before.keys()
    assert all(before.values())
    dump = str(tmp_path / "dump")
    run("pg_dump", "-Fc", "--enable-row-security", "--role=eventship_backup", "-f", dump, login)
    run("pg_restore", "--exit-on-error", "--no-owner", "--role=eventship_owner", "-d", plain(copy), dump)
    restored = create_async_engine(copy, poolclass=NullPool)
    try:
        assert await everything(restored) == before
    finally:
        await restored.dispose()


async def test_role_for_backups_changes_nothing(owner: AsyncEngine, migrated: str) -> None:
    del migrated
    may = f"SELECT count(*) FROM pg_class WHERE relname IN (SELECT relname FROM ({TABLES}) AS t) AND "
    async with owner.connect() as connection:
        for role, is_some in (("eventship_backup", False), ("eventship_system", True)):
            query = f"{may} has_table_privilege('{role}', oid, '{WRITES}')"
            assert bool(await connection.scalar(text(query))) is is_some


LATER = (
    "CREATE TABLE of_a_later_release (number bigint GENERATED ALWAYS AS IDENTITY, host_id text)",
    "ALTER TABLE of_a_later_release ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
    "INSERT INTO of_a_later_release (host_id) VALUES ('host_b')",
)
NARROWED = (
    "ALTER POLICY backup_reads ON registrations USING (false)",
    "ALTER POLICY backup_reads ON sync_jobs TO eventship_app",
    "DROP POLICY backup_reads ON hosts",
    "REVOKE SELECT ON key_checks FROM eventship_backup",
)


def unread(connection: Connection) -> list[str]:
    assert connection.scalar(HAS_ROLE)
    return [row.name for row in connection.execute(UNREAD)]


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        pytest.param(LATER, ["of_a_later_release", "of_a_later_release_number_seq"], id="new-table"),
        pytest.param(NARROWED, ["hosts", "key_checks", "registrations", "sync_jobs"], id="narrowed"),
    ],
)
async def test_table_that_a_backup_would_miss_is_named_and_opened_by_the_next_migrate(
    owner: AsyncEngine, migrated: str, changes: tuple[str, ...], names: list[str]
) -> None:
    del migrated
    async with owner.connect() as connection:
        assert await connection.run_sync(unread) == []
        for change in changes:
            await connection.execute(text(change))
        assert await connection.run_sync(unread) == names
        await connection.run_sync(open_for_backup)
        assert await connection.run_sync(unread) == []
        await connection.execute(text("SET LOCAL ROLE eventship_backup"))
        for name in names:
            await connection.execute(text(f"SELECT * FROM {name}"))
        await connection.rollback()


async def test_table_of_somebody_else_keeps_no_migration_from_its_end(
    owner: AsyncEngine, migrated: str
) -> None:
    del migrated
    async with owner.connect() as connection:
        await connection.execute(text("CREATE TABLE copy_by_an_administrator AS SELECT * FROM hosts"))
        await connection.execute(text("SET LOCAL ROLE eventship_owner"))
        await connection.run_sync(open_for_backup)
        assert await connection.run_sync(unread) == ["copy_by_an_administrator"]
        await connection.rollback()
