"""A copy of the cluster goes on where another stopped: what is lost, and that it is noticed and declared.

The copy is a physical one (`pg_basebackup`), as of a standby that follows asynchronously: it lacks what came
after it, and keeps roles, rights and the name under which Valkey knows the database.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import func, select, text

from app.config.settings import Settings
from app.infrastructure.audit_log import audit_key
from app.infrastructure.database import Database
from app.infrastructure.job_queue import DrainQueue
from app.infrastructure.migration_runner import alembic_config
from app.infrastructure.restored_copy import NewestNote, RestoredCopy, refuse_restored_copy
from app.infrastructure.startup_checks import check_database
from app.models import Host, Restore
from app.recovery.restored import declare_restored
from devtools.local_stack.local_services import LocalServices
from tests.integration.deploy.backup_tools import run

CHANGES = text("SELECT max(nextval('changes')) FROM generate_series(1, 100)")


@pytest.fixture
def primary(tmp_path: Path) -> Iterator[LocalServices]:
    engines = LocalServices(tmp_path / "primary", is_durable=False)
    engines.start_postgres()
    yield engines
    engines.discard()


@pytest.fixture
def standby(tmp_path: Path) -> Iterator[LocalServices]:
    """Not started: its data come from the primary."""
    engines = LocalServices(tmp_path / "standby", is_durable=False)
    engines.home.mkdir()
    yield engines
    engines.discard()


def follow(primary: LocalServices, standby: LocalServices) -> None:
    """What the standby has when it follows no more."""
    url, data = primary.database_url.replace("+asyncpg", ""), standby.data_directory
    run("pg_basebackup", "-D", str(data), "-X", "stream", "-c", "fast", "-d", url)
    of = primary.data_directory.stat()
    for path in (data, *data.rglob("*")):
        shutil.chown(path, of.st_uid, of.st_gid)


@asynccontextmanager
async def opened(engines: LocalServices, settings: Settings) -> AsyncIterator[Database]:
    key = audit_key(settings.hash_pepper)
    async with Database.connect(engines.database_url, audit_key=key) as database:
        yield database


async def add(database: Database, host_id: str) -> None:
    async with database.system() as session:
        session.add(Host(host_id=host_id))
        await session.execute(CHANGES)


async def test_standby_that_lacks_the_last_part_is_refused_until_it_is_declared(
    primary: LocalServices, standby: LocalServices, settings: Settings
) -> None:
    await asyncio.to_thread(command.upgrade, alembic_config(primary.database_url), "head")
    queue, note = DrainQueue(settings.redis_url), NewestNote()
    async with opened(primary, settings) as database:
        await add(database, "host_before")
        await note.write(database, queue)
        await asyncio.to_thread(follow, primary, standby)
        since = datetime.now(UTC)
        for host_id in ("host_lost", "host_lost_too"):
            await add(database, host_id)
            await note.write(database, queue)
    primary.stop()
    await asyncio.to_thread(standby.start_postgres)
    async with opened(standby, settings) as database:
        await check_database(database)
        async with database.system() as session:
            assert (await session.scalars(select(Host.host_id))).all() == ["host_before"]
        with pytest.raises(RestoredCopy):
            await refuse_restored_copy(database, queue)
        async with database.system() as session:
            window = {"looks_for": timedelta(days=7), "lost_write_window": timedelta(0)}
            await declare_restored(session, since - timedelta(minutes=1), **window)
        await refuse_restored_copy(database, queue)
        async with database.system() as session:
            assert await session.scalar(select(func.count()).select_from(Restore)) == 1
    await queue.close()
