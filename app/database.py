"""Engines per role, and unit_of_work(): the one place that commits, bound to a tenant or to none."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final, Self

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import NullPool

from app.acting import acting_as
from app.database_faults import DatabaseUnreachable, unreachable
from app.direct import Direct
from app.postgres_url import DRIVER, connect_arguments

OWNER_ROLE = "eventship_owner"
APP_ROLE = "eventship_app"
SYSTEM_ROLE = "eventship_system"
ROLES = (OWNER_ROLE, APP_ROLE, SYSTEM_ROLE)

CONNECT_SECONDS: Final = 5.0

ROLE_EXISTS = text("SELECT 1 FROM pg_roles WHERE rolname = :role")
BIND_TENANT = text("SELECT set_config('app.host_id', :host_id, true)")


def engine_for(url: str, role: str, *, pool: int = 10) -> AsyncEngine:
    """An engine all of whose transactions act as `role` and keep LIMITS, behind a pooler too."""
    name = f"eventship-salesforce:{role.removeprefix('eventship_')}"
    return create_async_engine(
        f"{DRIVER}://",
        pool_size=pool,
        max_overflow=0,
        pool_timeout=5,
        pool_pre_ping=True,
        connect_args={**reached(url, name), "connection_class": acting_as(role)},
    )


def lone_engine(url: str) -> AsyncEngine:
    """Connections that act as their login: for `migrate`."""
    return create_async_engine(
        f"{DRIVER}://", poolclass=NullPool, connect_args=reached(url, "eventship-salesforce:migrate")
    )


def reached(url: str, application_name: str) -> dict[str, Any]:
    """What the driver is told to connect to `url`, within CONNECT_SECONDS."""
    given = connect_arguments(url, application_name=application_name)
    return {**given, "timeout": CONNECT_SECONDS}


class Database:
    """Two engines on Postgres: `tenant` sees one host's rows only, `system` sees all tables it is granted."""

    app_variable = system_variable = "DATABASE_URL"

    def __init__(self, app: AsyncEngine, system: AsyncEngine) -> None:
        self._engines = (app, system)
        self._app = async_sessionmaker(app, expire_on_commit=False)
        self._system = async_sessionmaker(system, expire_on_commit=False)

    @classmethod
    def connect(
        cls, url: str, *, app_url: str | None = None, system_url: str | None = None, pool: int = 10
    ) -> Self:
        database = cls(
            engine_for(app_url or url, APP_ROLE, pool=pool),
            engine_for(system_url or url, SYSTEM_ROLE, pool=pool),
        )
        database.app_variable = "DATABASE_APP_URL" if app_url else "DATABASE_URL"
        database.system_variable = "DATABASE_SYSTEM_URL" if system_url else "DATABASE_URL"
        return database

    @asynccontextmanager
    async def tenant(self, host_id: str) -> AsyncIterator[AsyncSession]:
        """One transaction that sees and writes the rows of `host_id` alone (row-level security)."""
        async with unit_of_work(self._app) as session:
            await session.execute(BIND_TENANT, {"host_id": host_id})
            yield session

    @asynccontextmanager
    async def system(self) -> AsyncIterator[AsyncSession]:
        """One transaction across hosts: intake, leases, sweeper, operations. Name the host in every query."""
        async with unit_of_work(self._system) as session:
            yield session

    def direct(self) -> Direct:
        """A connection of its own to what `system` sees, for who commits many times a second."""
        return Direct(self._engines[1])

    async def close(self) -> None:
        for engine in self._engines:
            await engine.dispose()


@asynccontextmanager
async def unit_of_work(sessions: async_sessionmaker[AsyncSession]) -> AsyncIterator[AsyncSession]:
    """Commit at the end, roll back on any exception; the only commit of any session."""
    async with sessions() as session:
        yield session
        await session.commit()


async def ensure_roles(url: str, roles: Iterable[str] = ROLES) -> None:
    """Create the roles that are missing and let the login of `url` take them.

    Needs CREATEROLE unless all exist already. Raises DatabaseUnreachable.
    """
    engine = lone_engine(url)
    try:
        async with engine.begin() as connection:
            for role in roles:
                known = await connection.scalar(
                    text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}
                )
                if not known:
                    await connection.execute(text(f"CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS"))
                    await connection.execute(text(f"GRANT {role} TO CURRENT_USER"))
            await connection.execute(text(f"GRANT CREATE, USAGE ON SCHEMA public TO {OWNER_ROLE}"))
    except (OSError, DBAPIError) as error:
        raise DatabaseUnreachable(unreachable(error, "DATABASE_URL")) from error
    finally:
        await engine.dispose()
