"""The database that the release before left, brought to this one: nothing is lost, and all can be read."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import asyncpg
import pytest
from alembic import command
from sqlalchemy import make_url

from app.cli.audit import verify_all
from app.config.settings import Settings
from app.connections.key_rotation import check_keys, reencrypt_all
from app.infrastructure.audit_log import audit_key
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor, new_key
from app.infrastructure.migration_runner import alembic_config
from app.infrastructure.schema_revision import oldest_code
from app.infrastructure.startup_checks import check_database, check_pepper
from devtools.local_stack.local_services import LocalServices
from tests.factories import settings_for
from tests.tokens import TokenMint
from tests.upgrade.earlier import KEPT, SECRETS, load

NAME = "left_by_an_earlier_release"
STAMP = "alembic_version"
COLUMNS = """
    SELECT c.table_name, string_agg(format('t.%I', column_name), ', ' ORDER BY ordinal_position)
    FROM information_schema.columns AS c
    JOIN information_schema.tables AS k USING (table_schema, table_name)
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE' GROUP BY c.table_name
"""
CONTENT = """
    SELECT md5(coalesce(string_agg(line, chr(10) ORDER BY line), ''))
    FROM (SELECT row({})::text AS line FROM {} AS t) AS lines
"""
# Whoever had moved before left a job in the event that they came from.
MOVED = """
    UPDATE sync_jobs SET event_id = 'evt_left'
    WHERE registration_id = (SELECT min(registration_id) FROM sync_jobs) RETURNING registration_id
"""
WAITS = """
    UPDATE sync_jobs SET state = 'pending'
    WHERE registration_id = (SELECT max(registration_id) FROM sync_jobs)
"""
WAITS_SINCE = "SELECT waiting_since = due_at FROM sync_jobs WHERE state = 'pending'"
HAVE_MOVED = "SELECT array_agg(registration_id) FROM registrations WHERE has_moved"
KEY = json.loads((KEPT / SECRETS).read_text())["encryption_key"]


@dataclass(frozen=True)
class Upgraded:
    """The database after `migrate`, its revision before, and digests of each table before and after."""

    url: str
    revision: str
    registrations: int
    moved: str
    have_moved: list[str]
    waits_since: bool | None
    before: Mapping[str, str]
    after: Mapping[str, str]


async def digests(connection: asyncpg.Connection, columns: Mapping[str, str]) -> dict[str, str]:
    return {name: await connection.fetchval(CONTENT.format(listed, name)) for name, listed in columns.items()}


@pytest.fixture(scope="module")
async def upgraded(engines: LocalServices, migrated: str) -> AsyncIterator[Upgraded]:
    """In the tests' Postgres, whose roles `migrated` made, in a database of its own."""
    plain = make_url(migrated).set(drivername="postgresql")
    server = await asyncpg.connect(plain.render_as_string(hide_password=False))
    await server.execute(f"CREATE DATABASE {NAME}")
    url = plain.set(database=NAME).render_as_string(hide_password=False)
    await load(url)
    connection = await asyncpg.connect(url)
    moved = await connection.fetchval(MOVED)
    await connection.execute(WAITS)
    columns = {name: listed for name, listed in await connection.fetch(COLUMNS) if name != STAMP}
    before = await digests(connection, columns)
    revision = await connection.fetchval(f"SELECT version_num FROM {STAMP}")
    ours = url.replace("postgresql:", "postgresql+asyncpg:")
    await asyncio.to_thread(command.upgrade, alembic_config(ours), "head")
    registrations = await connection.fetchval("SELECT count(*) FROM registrations")
    have_moved = await connection.fetchval(HAVE_MOVED)
    waits_since = await connection.fetchval(WAITS_SINCE)
    after = await digests(connection, columns)
    await connection.close()
    yield Upgraded(ours, revision, registrations, moved, have_moved, waits_since, before, after)
    await server.execute(f"DROP DATABASE {NAME} WITH (FORCE)")
    await server.close()


@pytest.fixture
def of_that_release(engines: LocalServices, mint: TokenMint) -> Settings:
    """With the key that its processes had."""
    return settings_for(engines, jwks_file=mint.jwks_file, encryption_keys=KEY)


@pytest.fixture
async def left(upgraded: Upgraded, of_that_release: Settings) -> AsyncIterator[Database]:
    opened = Database.connect(upgraded.url, audit_key=audit_key(of_that_release.hash_pepper))
    yield opened
    await opened.close()


def test_every_row_is_as_it_was(upgraded: Upgraded) -> None:
    assert upgraded.registrations == 60
    changed = {name for name, digest in upgraded.after.items() if digest != upgraded.before[name]}
    assert changed == set()


def test_whoever_moved_before_is_known(upgraded: Upgraded) -> None:
    assert upgraded.have_moved == [upgraded.moved]


def test_work_that_waited_before_is_known_to_wait(upgraded: Upgraded) -> None:
    assert upgraded.waits_since


def test_tables_are_those_of_a_new_database(upgraded: Upgraded) -> None:
    command.check(alembic_config(upgraded.url))


async def test_processes_start_on_it(
    left: Database, of_that_release: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    vault = Encryptor.from_texts([KEY])
    assert await check_database(left)
    await check_keys(left, vault)
    await check_pepper(left, of_that_release.hash_pepper)
    assert await verify_all(left, None) == 0, capsys.readouterr().out


async def test_its_secrets_open(left: Database) -> None:
    newer = Encryptor.from_texts([new_key("newer"), KEY])
    rewrapped = await reencrypt_all(left, newer)
    assert rewrapped["connections.refresh_token"] == 1


def test_its_processes_may_go_on_beside_ours(upgraded: Upgraded) -> None:
    """Or say `needs_code` in the migration, and in the changelog that both releases cannot run at once."""
    assert oldest_code() <= upgraded.revision
