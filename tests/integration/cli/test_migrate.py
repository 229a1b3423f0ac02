"""`migrate` as an operator runs it: by the rights of its login, beside itself, behind and ahead."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic.command import upgrade
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from app.infrastructure import migration_runner, schema_revision
from app.infrastructure.migration_runner import alembic_config, begin, end
from app.infrastructure.schema_revision import (
    MIGRATIONS,
    UNRELEASED,
    newest_revision,
    oldest_code,
    oldest_revision,
)
from devtools.local_stack.local_services import LocalServices

HEAD = newest_revision()
WITHIN = 60
OWNERS = """
    SELECT string_agg(DISTINCT relowner::regrole::text, ',') FROM pg_class
    WHERE relnamespace = 'public'::regnamespace
"""


@dataclass
class Cluster:
    """A Postgres of its own: roles belong to all databases of one."""

    engines: LocalServices
    made: list[str] = field(default_factory=list)

    def url(self, database: str, login: str = "owner") -> str:
        url = make_url(self.engines.database_url).set(username=login, database=database)
        return url.render_as_string(hide_password=False)

    async def run(self, *statements: str, database: str = "postgres") -> Any:
        engine = create_async_engine(self.url(database), poolclass=NullPool, isolation_level="AUTOCOMMIT")
        try:
            async with engine.connect() as connection:
                results = [await connection.execute(text(statement)) for statement in statements]
                return results[-1].scalar() if results[-1].returns_rows else None
        finally:
            await engine.dispose()

    async def database(self, name: str, owner: str = "owner") -> str:
        self.made.append(name)
        await self.run(f"CREATE DATABASE {name} OWNER {owner}")
        return name


@pytest.fixture(scope="module")
def engines_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServices]:
    engines = LocalServices(tmp_path_factory.mktemp("cluster"), is_durable=False)
    engines.start_postgres()
    yield engines
    engines.discard()


@pytest.fixture
async def cluster(engines_of_its_own: LocalServices) -> AsyncIterator[Cluster]:
    """With no role of ours, whatever existed before."""
    cluster = Cluster(engines_of_its_own)
    yield cluster
    for name in cluster.made:
        await cluster.run(f"DROP DATABASE {name} WITH (FORCE)")
    ours = "SELECT string_agg(quote_ident(rolname), ',') FROM pg_roles WHERE rolname ~ '^(es_|eventship_)'"
    for role in filter(None, (await cluster.run(ours) or "").split(",")):
        await cluster.run(f"DROP OWNED BY {role} CASCADE", f"DROP ROLE {role}")


def command(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli.main", *arguments],
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    output, failed = await asyncio.to_thread(process.communicate, timeout=WITHIN)
    return process.returncode, output, failed


async def migrate(url: str, *arguments: str) -> tuple[int, str, str]:
    return await ended(command("migrate", *arguments, DATABASE_URL=url))


async def test_first_run_tells_each_revision_and_the_second_changes_nothing(cluster: Cluster) -> None:
    url = cluster.url(await cluster.database("fresh"))
    code, output, failed = await migrate(url)
    assert (code, failed) == (0, "")
    lines = output.splitlines()
    assert lines[0] == f"{oldest_revision()} The whole schema of the first release."
    assert lines[-2].startswith(f"{HEAD} ")
    assert lines[-1].startswith(f"the database is at {HEAD}, for releases of ")
    assert (await migrate(url))[:2] == (0, lines[-1] + "\n")
    assert await migrate(url, "--check") == (0, f"the database is at {HEAD}\n", "")


async def test_database_without_tables_is_behind(cluster: Cluster) -> None:
    url = cluster.url(await cluster.database("empty"))
    output = "DATABASE_URL has no tables yet: run `eventship-salesforce migrate`\n"
    assert await migrate(url, "--check") == (1, output, "")
    assert await cluster.run("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'eventship_%'") == 0


async def test_login_that_owns_the_database_and_may_create_roles_needs_nobody(cluster: Cluster) -> None:
    await cluster.run("CREATE ROLE es_owner LOGIN CREATEROLE")
    url = cluster.url(name := await cluster.database("own", "es_owner"), "es_owner")
    assert (await migrate(url))[0] == 0
    assert await cluster.run(OWNERS, database=name) == "eventship_owner"
    assert (await migrate(url, "--check"))[0] == 0


MISTAKES = [
    pytest.param(
        ["CREATE ROLE es_owner LOGIN"], "es_owner",
        "`CREATE ROLE eventship_owner NOLOGIN NOSUPERUSER NOBYPASSRLS`", id="no-createrole",
    ),
    pytest.param(
        ["CREATE ROLE es_owner LOGIN CREATEROLE"], "owner",
        "`GRANT CREATE, USAGE ON SCHEMA public TO eventship_owner`", id="not-the-owner",
    ),
    pytest.param(
        ["CREATE ROLE es_owner LOGIN CREATEROLE", "CREATE ROLE eventship_owner"], "es_owner",
        "`GRANT eventship_owner TO es_owner`", id="roles-of-another-database",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("before", "owner", "missing"), MISTAKES)
async def test_right_that_is_missing_is_named_and_nothing_stays_behind(
    cluster: Cluster, before: list[str], owner: str, missing: str
) -> None:
    if "GRANT eventship_owner" in missing and int(await cluster.run("SHOW server_version_num")) < 160_000:
        pytest.skip("before Postgres 16 CREATEROLE may grant every role")
    await cluster.run(*before)
    name = await cluster.database("lacking", owner)
    count = "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'eventship_%'"
    roles = await cluster.run(count)
    code, output, failed = await migrate(cluster.url(name, "es_owner"))
    assert (code, output) == (2, "")
    assert failed == (
        f"eventship-salesforce migrate: DATABASE_URL: its login es_owner may not run {missing}: let an "
        "administrator of the database run what `eventship-salesforce migrate --print-sql-for-dba` prints\n"
    )
    assert await cluster.run(count) == roles


async def test_what_is_printed_for_the_administrator_is_enough(cluster: Cluster) -> None:
    await cluster.run('CREATE ROLE "es_Plain" LOGIN')
    name = await cluster.database("printed")
    url = cluster.url(name, "es_Plain")
    code, sql, _ = await migrate(url, "--print-sql-for-dba")
    assert code == 0
    administrator = await asyncpg.connect(cluster.url(name).replace("+asyncpg", ""))
    await administrator.execute(sql)
    await administrator.execute(sql)
    await administrator.close()
    assert (await migrate(url))[0] == 0
    assert (await migrate(url, "--check"))[0] == 0


async def test_second_database_takes_the_roles_over_where_its_login_may(cluster: Cluster) -> None:
    await cluster.run("CREATE ROLE es_one LOGIN CREATEROLE", "CREATE ROLE es_two LOGIN SUPERUSER")
    assert (await migrate(cluster.url(await cluster.database("one", "es_one"), "es_one")))[0] == 0
    assert (await migrate(cluster.url(await cluster.database("two", "es_two"), "es_two")))[0] == 0


async def test_three_at_once_all_succeed(cluster: Cluster) -> None:
    url = cluster.url(await cluster.database("three"))
    ends = await asyncio.gather(*(ended(command("migrate", DATABASE_URL=url)) for _ in range(3)))
    assert [(code, failed) for code, _, failed in ends] == [(0, "")] * 3
    assert sum("The whole schema of the first release." in output for _, output, _ in ends) == 1


async def test_table_that_is_held_ends_it_in_one_line_and_keeps_nothing(cluster: Cluster) -> None:
    name = await cluster.database("held")
    assert (await migrate(cluster.url(name)))[0] == 0
    await cluster.run("ALTER TABLE alembic_version DROP COLUMN min_code", database=name)
    engine = create_async_engine(cluster.url(name), poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.execute(text("LOCK alembic_version IN ACCESS SHARE MODE"))
        code, _, failed = await migrate(cluster.url(name))
    await engine.dispose()
    assert code == 2
    assert failed.startswith("eventship-salesforce migrate: nothing was changed: a table is held by another")
    assert failed.count("\n") == 1


async def settings_left(connection: AsyncConnection) -> tuple[Any, ...]:
    return tuple(
        (await connection.execute(text("SELECT current_user, current_setting('lock_timeout')"))).one()
    )


async def test_nothing_of_it_stays_on_the_session(cluster: Cluster) -> None:
    """A pooler gives the connection to another client afterwards."""
    name = await cluster.database("pooled")
    assert (await migrate(cluster.url(name)))[0] == 0
    engine = create_async_engine(cluster.url(name), poolclass=NullPool)
    output: list[str] = []
    async with engine.connect() as connection:
        async with connection.begin():
            assert await connection.run_sync(lambda sync: begin(sync, output.append))
            assert await settings_left(connection) == ("eventship_owner", "5s")
            await connection.run_sync(lambda sync: end(sync, output.append))
        assert await settings_left(connection) == ("owner", "0")
    await engine.dispose()


async def stamped(cluster: Cluster, name: str, revision: str, min_code: str) -> None:
    await cluster.run(
        f"UPDATE alembic_version SET version_num = '{revision}', min_code = '{min_code}'", database=name
    )


async def test_release_goes_back_where_the_newer_tables_let_it(cluster: Cluster) -> None:
    url = cluster.url(name := await cluster.database("ahead"))
    assert (await migrate(url))[0] == 0
    await stamped(cluster, name, "9999", HEAD)
    code, output, failed = await migrate(url)
    assert (code, failed) == (0, "")
    assert output == f"at 9999, by a later release: this one, of {HEAD}, can work on it\n"
    assert (await migrate(url, "--check"))[0] == 0
    await stamped(cluster, name, "9999", "9998")
    needs = f"DATABASE_URL is at 9999, which needs a release of 9998 or newer: this one is of {HEAD}\n"
    assert await migrate(url) == (2, "", f"eventship-salesforce migrate: {needs}")
    assert await migrate(url, "--check") == (1, needs, "")


async def test_database_from_before_the_first_release_is_left_as_it_is(cluster: Cluster) -> None:
    """Its stamp as the earliest of them left it: without our column."""
    name = await cluster.database("unreleased")
    await cluster.run(
        "CREATE ROLE eventship_owner",
        "CREATE TABLE alembic_version AS SELECT '0017' AS version_num",
        "ALTER TABLE alembic_version OWNER TO eventship_owner",
        database=name,
    )
    fault = f"DATABASE_URL is at 0017, {UNRELEASED}\n"
    assert await migrate(cluster.url(name)) == (2, "", f"eventship-salesforce migrate: {fault}")
    assert await cluster.run("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", database=name) == 1
    assert await cluster.run("SELECT version_num FROM alembic_version", database=name) == "0017"


async def test_time_of_a_cancellation_is_taken_over(cluster: Cluster) -> None:
    """By an owner whom row-level security hides every row."""
    await cluster.run("CREATE ROLE es_owner LOGIN CREATEROLE")
    name = await cluster.database("cancelled", "es_owner")
    url = cluster.url(name, "es_owner")
    await asyncio.to_thread(upgrade, alembic_config(url), "0100")
    at = "2026-11-18T09:00:00+00:00"
    await cluster.run(
        "INSERT INTO events (host_id, event_id, title, snapshot_at, is_cancelled, merge_state) VALUES "
        f"""('h', 'off', 'Otters', '{at}', true, '{{"facts": {{"cancelled_at": "{at}"}}}}'),"""
        f"""('h', 'on', 'Otters', '{at}', false, '{{"facts": {{"cancelled_at": "{at}"}}}}')""",
        database=name,
    )
    assert (await migrate(url))[0] == 0
    found = "SELECT string_agg(event_id, ',') FROM events WHERE cancelled_at"
    assert await cluster.run(f"{found} = '{at}'", database=name) == "off"
    assert await cluster.run(f"{found} IS NULL", database=name) == "on"
    forced = "SELECT relforcerowsecurity FROM pg_class WHERE relname = 'events'"
    assert await cluster.run(forced, database=name) is True


LATER = """
from alembic import op

revision, down_revision, needs_code = "9999", {head!r}, {needs_code}


def upgrade() -> None:
    op.execute("ALTER TABLE registrations ADD COLUMN later text")
"""


def forget_revisions() -> None:
    for cached in (newest_revision, oldest_revision, oldest_code):
        cached.cache_clear()


@pytest.fixture
def later_release(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """Our migrations and one more, which earlier releases can live with or not."""
    migrations = Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))
    later = LATER.format(head=HEAD, needs_code=request.param)
    (migrations / "versions" / "9999_later.py").write_text(later)
    with pytest.MonkeyPatch.context() as patch:
        for module in (schema_revision, migration_runner):
            patch.setattr(module, "MIGRATIONS", migrations)
        forget_revisions()
        yield migrations
    forget_revisions()


@pytest.mark.parametrize(
    ("later_release", "code", "output"),
    [
        pytest.param(False, 0, "", id="adds"),
        pytest.param(True, 2, "at 9999, which needs a release of 9999 or newer", id="breaks"),
    ],
    indirect=["later_release"],
)
@pytest.mark.usefixtures("later_release")
async def test_later_release_upgrades_and_this_one_goes_on_where_it_may(
    cluster: Cluster, code: int, output: str
) -> None:
    """This release runs as a process of its own, with its own migrations."""
    url = cluster.url(name := await cluster.database("later"))
    assert (await migrate(url))[0] == 0
    lines: list[str] = []
    await asyncio.to_thread(upgrade, alembic_config(url, lines.append), "head")
    assert lines[0].startswith("9999")
    added = (
        "SELECT count(*) FROM pg_attribute WHERE attrelid = 'registrations'::regclass AND attname = 'later'"
    )
    assert await cluster.run(added, database=name) == 1
    ended_with, _, failed = await migrate(url)
    assert ended_with == code
    assert output in failed
    assert ((await migrate(url, "--check"))[0] == 0) is (code == 0)
