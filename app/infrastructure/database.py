"""Engines per role, and unit_of_work(): the one place that commits, bound to a tenant or to none."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import DateTime, Result, event, func, select, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from app.config.postgres_url import DRIVER, connect_arguments
from app.config.settings import DatabaseSettings
from app.infrastructure.acting_role import COMMAND_SECONDS, acting_as
from app.infrastructure.connection_pool import ShrinkingPool, check_idle
from app.infrastructure.database_errors import sqlstate
from app.infrastructure.database_roles import APP_ROLE, SYSTEM_ROLE
from app.infrastructure.direct_session import DirectSession
from app.infrastructure.raw_connection import DedicatedConnection
from app.models.kept_plan import KeptPlan

CONNECT_SECONDS: Final = 5.0
SOCKET_OPTIONS: Final = {
    # The kernel probes a silent peer after 10 s and gives it up 10 s later, or when what was sent is
    # not acknowledged for 15 s. Without these it retransmits for 16 minutes.
    "SO_KEEPALIVE": (socket.SOL_SOCKET, 1),
    "TCP_KEEPIDLE": (socket.IPPROTO_TCP, 10),
    "TCP_KEEPINTVL": (socket.IPPROTO_TCP, 5),
    "TCP_KEEPCNT": (socket.IPPROTO_TCP, 2),
    "TCP_USER_TIMEOUT": (socket.IPPROTO_TCP, 15_000),
}
READ_ONLY: Final = "25006"

NOW: Final = func.clock_timestamp(type_=DateTime(timezone=True))
"""The database's clock in a statement."""


async def database_now(session: AsyncSession) -> datetime:
    """The database's clock, which all processes share; it runs on within a transaction."""
    return (await session.execute(select(NOW))).scalar_one()


def engine_for(url: str, role: str, *, pool: int = 10) -> AsyncEngine:
    """An engine all of whose transactions act as `role` and keep LIMITS, behind a pooler too."""
    short = role.removeprefix("eventship_")
    engine = create_async_engine(
        f"{DRIVER}://",
        poolclass=ShrinkingPool,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=5,
        # The one that was used last has its texts planned and read; of those that lie below, some never had.
        pool_use_lifo=True,
        pool_logging_name=short,
        connect_args={
            **reached(url, f"eventship-salesforce:{short}"),
            "connection_class": acting_as(role),
            "command_timeout": COMMAND_SECONDS,
        },
    )
    check_idle(engine)
    event.listen(engine.sync_engine, "connect", _guard_socket)
    event.listen(engine.sync_engine, "handle_error", _leave_demoted)
    return engine


def _guard_socket(connection: Any, _: object) -> None:
    """Let the kernel notice that the other end is gone; where a system lacks an option, without it."""
    transport = connection.driver_connection._transport
    found = transport.get_extra_info("socket")
    if found is None or found.family not in (socket.AF_INET, socket.AF_INET6):
        return
    for name, (level, value) in SOCKET_OPTIONS.items():
        option = getattr(socket, name, None)
        if option is not None:
            found.setsockopt(level, option, value)


def _leave_demoted(context: ExceptionContext) -> None:
    """Take a server that became read-only for lost: the whole pool looks for the one that took its place."""
    if context.sqlalchemy_exception is not None and sqlstate(context.sqlalchemy_exception) == READ_ONLY:
        context.is_disconnect = True


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

    def __init__(
        self,
        app: AsyncEngine,
        system: AsyncEngine,
        *,
        audit_key: bytes | None = None,
        keeps_notifications: bool = False,
        erasure_journal: Path | None = None,
    ) -> None:
        self._engines = (app, system)
        self.info: dict[str, Any] = {
            "audit_key": audit_key,
            "keeps_notifications": keeps_notifications,
            "erasure_journal": erasure_journal,
        }

    @classmethod
    def connect(
        cls,
        url: str,
        *,
        app_url: str | None = None,
        system_url: str | None = None,
        pool: int = 10,
        audit_key: bytes | None = None,
        keeps_notifications: bool = False,
        erasure_journal: Path | None = None,
    ) -> Self:
        """With logins of their own for both roles, or `url` for the one that has none.

        Without `audit_key`, nothing that leaves an entry in the audit log can be done; without
        `keeps_notifications`, the platform is notified of nothing.
        """
        database = cls(
            engine_for(app_url or url, APP_ROLE, pool=pool),
            engine_for(system_url or url, SYSTEM_ROLE, pool=pool),
            audit_key=audit_key,
            keeps_notifications=keeps_notifications,
            erasure_journal=erasure_journal,
        )
        database.app_variable = "DATABASE_APP_URL" if app_url else "DATABASE_URL"
        database.system_variable = "DATABASE_SYSTEM_URL" if system_url else "DATABASE_URL"
        return database

    @classmethod
    def of(
        cls,
        settings: DatabaseSettings,
        *,
        audit_key: bytes | None = None,
        keeps_notifications: bool = False,
    ) -> Self:
        return cls.connect(
            settings.database_url,
            app_url=settings.database_app_url,
            system_url=settings.database_system_url,
            pool=settings.database_pool,
            audit_key=audit_key,
            keeps_notifications=keeps_notifications,
            erasure_journal=settings.erasure_journal,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def tenant(
        self, host_id: str, *, keeps_plans: bool = False, waits_for_disk: bool = True
    ) -> AbstractAsyncContextManager[AsyncSession]:
        """One transaction that sees and writes the rows of `host_id` alone (row-level security).

        With `keeps_plans`, for a transaction that consists of KeptPlans: those are planned once a connection.
        Anything else in it costs a round trip more. Without `waits_for_disk` a crash of Postgres may undo
        what was committed, until something else is: for what whoever leans on it looks at again.
        """
        session = DirectSession(self._engines[0], info=self.info, waits_for_disk=waits_for_disk)
        return unit_of_work(session, host_id, keeps_plans=keeps_plans)

    def system(self, *, waits_for_disk: bool = True) -> AbstractAsyncContextManager[AsyncSession]:
        """One transaction across hosts: intake, leases, sweeper, operations. Name the host in every query."""
        return unit_of_work(DirectSession(self._engines[1], info=self.info, waits_for_disk=waits_for_disk))

    async def call(self, function: KeptPlan, params: Mapping[str, Any]) -> Result[Any]:
        """The rows of a function that is a transaction by itself, as the role of `system`: one round trip."""
        session = DirectSession(self._engines[1], info=self.info)
        async with unit_of_work(session):
            return await session.call(function, params)

    @property
    def engines(self) -> tuple[AsyncEngine, AsyncEngine]:
        """Those of the app's role and of the system's role."""
        return self._engines

    def direct(self) -> DedicatedConnection:
        """A connection of its own to what `system` sees, for who commits many times a second."""
        return DedicatedConnection(self._engines[1])

    async def close(self) -> None:
        for engine in self._engines:
            await engine.dispose()


def connections_up_to(settings: DatabaseSettings) -> int:
    """The most connections that a process holds: one pool for each of its two roles."""
    return 2 * settings.database_pool


@asynccontextmanager
async def unit_of_work(
    session: DirectSession, host_id: str | None = None, *, keeps_plans: bool = False
) -> AsyncIterator[AsyncSession]:
    """Commit at the end, roll back on any exception; the only commit of any session.

    With `host_id` the transaction begins at once, with that tenant's rows alone in sight. Whoever ran out
    of time does not wait for a rollback: the connection may be what took the time.
    """
    async with session:
        try:
            if host_id is not None:
                await session.begin_for(host_id, keeps_plans=keeps_plans)
            yield session
            await session.commit()
        except (asyncio.CancelledError, TimeoutError):
            await session.invalidate()
            raise


# Texts are compiled once each: so these are constants.
OFF: Final = {name: text(f"SET LOCAL {name} = off") for name in ("enable_nestloop", "enable_sort")}
ON: Final = {name: text(f"SET LOCAL {name} = on") for name in OFF}


@asynccontextmanager
async def _without(session: AsyncSession, setting: str) -> AsyncIterator[None]:
    """The planner's setting is off until the end; a failure ends the transaction, and the setting with it."""
    await session.execute(OFF[setting])
    yield
    await session.execute(ON[setting])


def hash_joins_only(session: AsyncSession) -> AbstractAsyncContextManager[None]:
    """Registrations and jobs side by side: while statistics know nothing of an event that was imported just
    now, the planner would look through all jobs for each registration.
    """
    return _without(session, "enable_nestloop")


def in_index_order(session: AsyncSession) -> AbstractAsyncContextManager[None]:
    """The first rows of an order that an index has: while statistics know nothing of an event, the planner
    would take all of its rows for a few, and sort them.
    """
    return _without(session, "enable_sort")
