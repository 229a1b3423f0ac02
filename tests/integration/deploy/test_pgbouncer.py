"""deploy/pgbouncer.ini in a real PgBouncer: row-level security holds, no client state is left."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.config.settings import Settings
from app.infrastructure.acting_role import LIMITS, acting_as
from app.infrastructure.database import Database
from app.infrastructure.database_errors import DatabaseUnreachable
from app.infrastructure.startup_checks import check_database
from app.models import Host
from devtools.local_stack.local_services import LocalServices, free_port
from tests.integration.workers.test_process import environment_of

BINARY = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
FILE = Path(__file__).parents[3] / "deploy" / "pgbouncer.ini"
TOLD = subprocess.run([BINARY, "--version"], capture_output=True, text=True).stdout if BINARY else ""
VERSION = tuple(int(part) for part in re.findall(r"\d+", TOLD.partition("\n")[0])[:2])
KNOWS_STATEMENTS = VERSION >= (1, 21)
TOO_OLD = f"prepared statements in transaction mode need PgBouncer 1.21, here is {VERSION}"
TRANSACTION = pytest.param("transaction", marks=pytest.mark.skipif(not KNOWS_STATEMENTS, reason=TOO_OLD))
MODES = ["session", TRANSACTION]
pytestmark = pytest.mark.skipif(BINARY is None, reason="no PgBouncer here: apt-get install pgbouncer")

WHO = text("SELECT current_user, current_setting('statement_timeout'), current_setting('lock_timeout')")
RELOAD = text("SELECT pg_reload_conf()")
HASHES = text("SELECT usename, passwd FROM pg_shadow WHERE usename LIKE 'pooled_%'")
HOSTS = text("SELECT count(*) FROM hosts")
PASSWORD = "otter"


@dataclass
class Pooler:
    """A running PgBouncer with our file, changed only in where things are."""

    port: int
    engines: LocalServices

    def url(self, login: str) -> str:
        url = make_url(self.engines.database_url).set(username=login, password=PASSWORD, port=self.port)
        return url.set(database="sync").render_as_string(hide_password=False)

    async def left_behind(self, login: str) -> tuple[Any, ...]:
        """Whom and which limits a client finds that sets nothing itself."""
        plain = await asyncpg.connect(self.url(login).replace("+asyncpg", ""), statement_cache_size=0)
        try:
            return tuple(await plain.fetchrow(WHO.text))
        finally:
            await plain.close()


@pytest.fixture
async def logins(owner: AsyncEngine, engines: LocalServices, migrated: str) -> AsyncIterator[dict[str, str]]:
    """Three logins that Postgres asks for their passwords, and these as it keeps them: for userlist.txt."""
    made = (
        f"CREATE ROLE pooled_app LOGIN PASSWORD '{PASSWORD}' IN ROLE eventship_app",
        f"CREATE ROLE pooled_system LOGIN PASSWORD '{PASSWORD}' IN ROLE eventship_system",
        f"CREATE ROLE pooled_both LOGIN CREATEROLE PASSWORD '{PASSWORD}' "
        "IN ROLE eventship_app, eventship_system, eventship_owner",
    )
    rules = engines.data_directory / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"host all pooled_app,pooled_system,pooled_both 127.0.0.1/32 scram-sha-256\n{before}")
    async with owner.begin() as connection:
        for statement in made:
            await connection.execute(text(statement))
        await connection.execute(RELOAD)
        hashes = {row[0]: row[1] for row in await connection.execute(HASHES)}
    yield hashes
    rules.write_text(before)
    async with owner.begin() as connection:
        await connection.execute(RELOAD)
        await connection.execute(text("DROP ROLE pooled_app, pooled_system, pooled_both"))


def configured(mode: str, port: int, engines: LocalServices, home: Path) -> str:
    """The file as it is, with addresses of this machine and options that an older PgBouncer needs."""
    changes = {
        "sync": f"host=127.0.0.1 port={engines.postgres_port} dbname=postgres",
        "listen_addr": "127.0.0.1",
        "listen_port": str(port),
        "auth_file": str(home / "userlist.txt"),
        "pool_mode": mode,
    }
    lines = []
    for line in FILE.read_text().splitlines():
        name = line.partition(" = ")[0]
        if name == "max_prepared_statements" and not KNOWS_STATEMENTS:
            continue
        lines.append(f"{name} = {changes.pop(name)}" if name in changes else line)
    assert not changes
    return "\n".join([*lines, "unix_socket_dir =", ""])


@pytest.fixture
def start(
    logins: dict[str, str], engines: LocalServices, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    running = []

    def begin(mode: str) -> Pooler:
        home = tmp_path_factory.mktemp("pgbouncer")
        port = free_port()
        (home / "userlist.txt").write_text("".join(f'"{name}" "{kept}"\n' for name, kept in logins.items()))
        (home / "pgbouncer.ini").write_text(configured(mode, port, engines, home))
        for path in (*home.parents, home):
            if path.is_relative_to(tmp_path_factory.getbasetemp().parent):
                path.chmod(0o755)
        as_nobody = ["-u", "nobody"] if os.geteuid() == 0 else []
        log = (home / "log").open("w")
        running.append(subprocess.Popen([str(BINARY), *as_nobody, str(home / "pgbouncer.ini")], stderr=log))
        log.close()
        wait_until_it_listens(home / "log", running[-1])
        return Pooler(port, engines)

    yield begin
    for process in running:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def wait_until_it_listens(log: Path, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 20
    while "process up" not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
    assert "WARNING" not in log.read_text(), log.read_text()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("own", [True, False], ids=["own-logins", "one-login"])
async def test_wall_and_limits_hold_through_it(database: Database, start: Any, mode: str, own: bool) -> None:
    async with database.tenant("host_a") as session:
        session.add(Host(host_id="host_a"))
    pooler = start(mode)
    own_logins = (
        {"app_url": pooler.url("pooled_app"), "system_url": pooler.url("pooled_system")} if own else {}
    )
    pooled = Database.connect(pooler.url("pooled_both"), **own_logins)
    limits = (LIMITS["statement_timeout"], LIMITS["lock_timeout"])
    try:
        assert await check_database(pooled)
        async with pooled.tenant("host_nobody") as session:
            assert await session.scalar(HOSTS) == 0
            assert tuple((await session.execute(WHO)).one()) == ("eventship_app", *limits)
        direct = pooled.direct()
        for _ in range(3):
            async with direct.unit_of_work() as statements:
                assert [tuple(row) for row in await statements.execute(WHO, {})] == [
                    ("eventship_system", *limits)
                ]
        await direct.close()
    finally:
        await pooled.close()
    for login in ("pooled_app", "pooled_system") if own else ("pooled_both",):
        assert await pooler.left_behind(login) == (login, "0", "0")


@pytest.mark.parametrize("mode", MODES)
async def test_swapped_logins_are_refused_through_it(start: Any, mode: str, database: Database) -> None:
    pooler = start(mode)
    swapped = Database.connect("", app_url=pooler.url("pooled_system"), system_url=pooler.url("pooled_app"))
    try:
        with pytest.raises(DatabaseUnreachable, match="permission denied to set role") as refused:
            await check_database(swapped)
    finally:
        await swapped.close()
    assert str(refused.value).startswith("DATABASE_SYSTEM_URL: ")


@pytest.mark.parametrize("role", ["api", "worker"])
@pytest.mark.parametrize("mode", MODES)
async def test_swapped_logins_stop_each_process_in_one_line(
    start: Any, mode: str, role: str, database: Database, settings: Settings
) -> None:
    """They once started, said that they were ready, and every host saw the rows of all others."""
    pooler = start(mode)
    given = environment_of(
        settings,
        DATABASE_APP_URL=pooler.url("pooled_system"),
        DATABASE_SYSTEM_URL=pooler.url("pooled_app"),
    )
    del given["DATABASE_URL"]
    assert await ended(role, **given) == (
        2,
        f"eventship-salesforce {role}: DATABASE_SYSTEM_URL: Postgres cannot be used "
        '(permission denied to set role "eventship_system"): '
        "run `eventship-salesforce migrate`, or let its login take the role (docs/operations.md#roles)\n",
    )


async def test_transactions_that_share_a_connection_each_act_as_their_role(
    start: Any, database: Database
) -> None:
    """In transaction mode of any version: without named statements nothing but our BEGIN tells who acts."""
    url = start("transaction").url("pooled_both").replace("+asyncpg", "")
    clients = {
        role: await asyncpg.connect(url, connection_class=acting_as(role), statement_cache_size=0)
        for role in ("eventship_app", "eventship_system")
    }
    seen = []
    for _ in range(3):
        for role, client in clients.items():
            async with client.transaction():
                who = await client.fetchrow(f"{WHO.text}, pg_backend_pid()")
                assert tuple(who)[:3] == (role, LIMITS["statement_timeout"], LIMITS["lock_timeout"])
                seen.append(who[3])
    for client in clients.values():
        await client.close()
    assert len(set(seen)) == 1


@pytest.mark.parametrize("mode", ["session", "transaction"])
async def test_migrate_leaves_nothing_on_its_connections(start: Any, mode: str, database: Database) -> None:
    """It runs alone and at first use, so that transaction mode of any version does."""
    pooler = start(mode)
    code, failed = await ended("migrate", DATABASE_URL=pooler.url("pooled_both"))
    assert (code, failed) == (0, "")
    for _ in range(4):
        assert await pooler.left_behind("pooled_both") == ("pooled_both", "0", "0")


@pytest.mark.skipif(KNOWS_STATEMENTS, reason="this PgBouncer knows prepared statements")
@pytest.mark.parametrize("command", [["api"], ["worker"], ["migrate", "--check"]], ids=" ".join)
async def test_older_one_in_transaction_mode_is_called_what_it_is(
    start: Any, database: Database, settings: Settings, command: list[str]
) -> None:
    """Two processes use the same names for their statements, and the second finds those of the first."""
    url = start("transaction").url("pooled_both")
    assert (await ended("migrate", "--check", DATABASE_URL=url))[0] in (0, 2)
    code, output = await ended(*command, **environment_of(settings, DATABASE_URL=url))
    assert (code, output.count("\n")) == (2, 1)
    assert output.startswith(
        f"eventship-salesforce {command[0]}: DATABASE_URL: Postgres cannot be used (prepared"
    )
    assert "behind PgBouncer use 1.21 with max_prepared_statements, or session mode" in output


async def ended(*arguments: str, **environment: str) -> tuple[int, str]:
    """The exit code of our command and what it says on standard error."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [sys.executable, "-m", "app.cli.main", *arguments]
    done = await asyncio.to_thread(
        subprocess.run, command, env=kept | environment, capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stderr
