"""The database role of each transaction, checked before anything starts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import event, make_url, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.infrastructure.acting_role import LIMITS
from app.infrastructure.database import Database
from app.infrastructure.database_errors import DatabaseUnreachable
from app.infrastructure.startup_checks import RoleUnsafe, check_database
from app.models import Host

SHOW = text("SELECT current_user, " + ", ".join(f"current_setting('{name}')" for name in LIMITS))
OTHER_ROLE = text("SELECT set_config('role', 'eventship_system', false)")
NO_LIMITS = text("SELECT set_config('statement_timeout', '0', false), set_config('lock_timeout', '0', false)")
HOSTS = text("SELECT count(*) FROM hosts")
IS_CHOSEN = text("""
    SELECT setting = 'off' AND source = 'session' FROM pg_settings WHERE name = 'synchronous_commit'
""")


def as_login(url: str, login: str) -> str:
    return make_url(url).set(username=login).render_as_string(hide_password=False)


@asynccontextmanager
async def altered(owner: AsyncEngine, change: str, back: str) -> AsyncIterator[None]:
    async with owner.begin() as connection:
        await connection.execute(text(change))
    try:
        yield
    finally:
        async with owner.begin() as connection:
            await connection.execute(text(back))


@pytest.fixture
async def logins(owner: AsyncEngine) -> AsyncIterator[None]:
    """A login for each role, as a careful operator makes them, and one that may take neither."""
    make = (
        "CREATE ROLE es_app LOGIN IN ROLE eventship_app",
        "CREATE ROLE es_system LOGIN IN ROLE eventship_system",
        "CREATE ROLE es_stranger LOGIN",
    )
    async with owner.begin() as connection:
        for statement in make:
            await connection.execute(text(statement))
    yield
    async with owner.begin() as connection:
        await connection.execute(text("DROP ROLE es_app, es_system, es_stranger"))


@pytest.mark.parametrize("keeps_plans", [True, False])
async def test_a_commit_waits_for_the_disk_unless_it_need_not(migrated: str, *, keeps_plans: bool) -> None:
    """What is said for one transaction holds for no other one."""
    async with Database.connect(migrated, pool=1) as pooled:
        for waits_for_disk in (True, False, True):
            async with pooled.tenant(
                "host_a", keeps_plans=keeps_plans, waits_for_disk=waits_for_disk
            ) as session:
                assert await session.scalar(IS_CHOSEN) is not waits_for_disk
            async with pooled.system(waits_for_disk=waits_for_disk) as session:
                assert await session.scalar(IS_CHOSEN) is not waits_for_disk


async def test_what_was_not_begun_leaves_nothing_to_the_next_transaction(migrated: str) -> None:
    """The intake's connection comes from the same pool, and says nothing about the disk."""

    def refuse(*_: Any) -> None:
        raise ZeroDivisionError

    async with Database.connect(migrated, pool=1) as pooled:
        _, system = pooled.engines
        event.listen(system.sync_engine, "before_cursor_execute", refuse)
        with pytest.raises(ZeroDivisionError):
            async with pooled.system(waits_for_disk=False) as session:
                await session.execute(HOSTS)
        event.remove(system.sync_engine, "before_cursor_execute", refuse)
        async with system.connect() as connection:
            assert await connection.scalar(IS_CHOSEN) is False


async def leave_behind(session: AsyncSession) -> None:
    """What another client of a pooler may have set on the connection that we are given next."""
    await session.execute(OTHER_ROLE)
    await session.execute(NO_LIMITS)


async def test_each_transaction_begins_as_its_role_with_all_limits(database: Database) -> None:
    limits = tuple(LIMITS.values())
    async with database.tenant("host_a") as session:
        assert tuple((await session.execute(SHOW)).one()) == ("eventship_app", *limits)
    async with database.system() as session:
        assert tuple((await session.execute(SHOW)).one()) == ("eventship_system", *limits)
    direct = database.direct()
    async with direct.unit_of_work() as statements:
        assert [tuple(row) for row in await statements.execute(SHOW, {})] == [("eventship_system", *limits)]
    await direct.close()


async def test_session_of_somebody_else_does_not_open_the_wall(migrated: str, database: Database) -> None:
    """A pooler passes a connection on with the role of its previous client."""
    async with database.tenant("host_a") as session:
        session.add(Host(host_id="host_a"))
    pooled = Database.connect(migrated, pool=1)
    try:
        async with pooled.tenant("host_nobody") as session:
            await leave_behind(session)
        async with pooled.tenant("host_nobody") as session:
            assert await session.scalar(HOSTS) == 0
            assert tuple((await session.execute(SHOW)).one()) == ("eventship_app", *LIMITS.values())
    finally:
        await pooled.close()


async def test_healthy_database_may_start(database: Database) -> None:
    assert len(await check_database(database)) == 4


UNSAFE = [
    pytest.param(
        "ALTER ROLE eventship_app BYPASSRLS", "ALTER ROLE eventship_app NOBYPASSRLS",
        "the role's BYPASSRLS is on, must be off", id="bypassrls",
    ),
    pytest.param(
        "ALTER ROLE eventship_system SUPERUSER", "ALTER ROLE eventship_system NOSUPERUSER",
        "the role's SUPERUSER is on, must be off", id="superuser",
    ),
    pytest.param(
        "GRANT eventship_system TO eventship_app", "REVOKE eventship_system FROM eventship_app",
        "the role is also a member of eventship_system, must be none", id="both",
    ),
    pytest.param(
        "GRANT eventship_owner TO eventship_system", "REVOKE eventship_owner FROM eventship_system",
        "the role is also a member of eventship_owner, must be none", id="owner",
    ),
    pytest.param(
        "GRANT eventship_backup TO eventship_app", "REVOKE eventship_backup FROM eventship_app",
        "the role is also a member of eventship_backup, must be none", id="reads-as-backup",
    ),
    pytest.param(
        "GRANT eventship_system TO eventship_backup", "REVOKE eventship_system FROM eventship_backup",
        "eventship_backup may eventship_system, must be only read", id="backup-writes",
    ),
    pytest.param(
        "ALTER ROLE eventship_backup BYPASSRLS", "ALTER ROLE eventship_backup NOBYPASSRLS",
        "eventship_backup may BYPASSRLS, must be only read", id="backup-bypasses",
    ),
    pytest.param(
        "ALTER TABLE written_records DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE written_records ENABLE ROW LEVEL SECURITY",
        "row-level security is off for written_records", id="switched-off",
    ),
    pytest.param(
        "CREATE POLICY everybody ON hosts TO eventship_app USING (true)", "DROP POLICY everybody ON hosts",
        "a host that does not exist sees rows of others", id="wide-policy",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("change", "back", "message"), UNSAFE)
async def test_role_that_sees_or_may_do_more_stops_the_start(
    database: Database, owner: AsyncEngine, change: str, back: str, message: str
) -> None:
    async with database.tenant("host_a") as session:
        session.add(Host(host_id="host_a"))
    async with altered(owner, change, back):
        with pytest.raises(RoleUnsafe) as refused:
            await check_database(database)
    assert str(refused.value).startswith(f"DATABASE_URL: {message}")
    await check_database(database)


async def test_row_security_that_a_login_switches_off_stops_the_start(
    migrated: str, owner: AsyncEngine, logins: None
) -> None:
    database = Database.connect(migrated, app_url=as_login(migrated, "es_app"))
    try:
        async with altered(owner, "ALTER ROLE es_app SET row_security = off", "ALTER ROLE es_app RESET ALL"):
            with pytest.raises(RoleUnsafe, match="DATABASE_APP_URL: row_security is off, must be on"):
                await check_database(database)
    finally:
        await database.close()


@pytest.mark.usefixtures("logins")
@pytest.mark.parametrize(
    ("app", "system", "variable", "role"),
    [
        pytest.param("es_system", "es_app", "DATABASE_SYSTEM_URL", "eventship_system", id="swapped"),
        pytest.param("es_stranger", "es_system", "DATABASE_APP_URL", "eventship_app", id="app"),
        pytest.param(None, None, "DATABASE_URL", "eventship_system", id="one-login"),
    ],
)
async def test_login_that_may_not_take_its_role_stops_the_start(
    migrated: str, app: str | None, system: str | None, variable: str, role: str
) -> None:
    database = Database.connect(
        as_login(migrated, "es_stranger"),
        app_url=app and as_login(migrated, app),
        system_url=system and as_login(migrated, system),
    )
    try:
        with pytest.raises(DatabaseUnreachable) as refused:
            await check_database(database)
    finally:
        await database.close()
    assert str(refused.value) == (
        f'{variable}: Postgres cannot be used (permission denied to set role "{role}"): '
        "run `eventship-salesforce migrate`, or let its login take the role (docs/operations.md#roles)"
    )


async def test_table_that_may_not_be_read_is_not_taken_for_one_that_is_missing(
    database: Database, owner: AsyncEngine
) -> None:
    revoke, grant = "REVOKE SELECT ON {} FROM eventship_system", "GRANT SELECT ON {} TO eventship_system"
    table = "alembic_version"
    async with altered(owner, revoke.format(table), grant.format(table)):
        with pytest.raises(DatabaseUnreachable, match="permission denied for table alembic_version"):
            await check_database(database)


@pytest.mark.usefixtures("logins")
async def test_role_that_could_not_be_taken_once_is_taken_when_it_can(
    migrated: str, owner: AsyncEngine
) -> None:
    """A transaction that failed to begin leaves no connection that would begin the next one as its login."""
    database = Database.connect(as_login(migrated, "es_app"), pool=1)
    try:
        async with database.tenant("host_a") as session:
            await session.execute(HOSTS)
        async with altered(owner, "REVOKE eventship_app FROM es_app", "GRANT eventship_app TO es_app"):
            with pytest.raises(ProgrammingError, match="permission denied to set role"):
                async with database.tenant("host_a") as session:
                    await session.execute(HOSTS)
        async with database.tenant("host_a") as session:
            assert (await session.execute(SHOW)).one()[0] == "eventship_app"
    finally:
        await database.close()
