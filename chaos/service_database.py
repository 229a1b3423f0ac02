"""The service's database as the harness sees it, past every proxy: seeded, watched, moved in time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.models import CampaignLink, Connection, Event, Host, SyncJob
from chaos.workload import EVENT_ID, OPENED_AT, HostPlan
from workers.retention import purge

LABELS = {"registered": "Sent", "attended": "Responded"}
RESTING = ("synced", "failed", "skipped", "held")
MOVED = {
    "sync_jobs": ("due_at",),
    "written_records": ("attempt_started_at", "first_attempt_at"),
    "create_locks": ("started_at", "until"),
    "org_leases": ("until", "not_before"),
    "connections": ("api_closed_until",),
}


@dataclass(frozen=True)
class Grant:
    """An org as a host is connected to it, and the campaign of its event."""

    session: Mapping[str, Any]
    campaign_id: str

    @property
    def org_id(self) -> str:
        return str(self.session["org_id"])


@dataclass(frozen=True)
class JobRow:
    """The current state of one job; `seconds` from the webhook to the end of its latest write."""

    host_id: str
    registration_id: str
    state: str
    error_code: str | None
    seconds: float | None


class ServiceDatabase:
    """One run's database."""

    def __init__(self, url: str) -> None:
        self._database = Database.connect(url, pool=4)

    async def close(self) -> None:
        await self._database.close()

    async def connect_hosts(
        self,
        hosts: Sequence[HostPlan],
        grants: Sequence[Grant],
        vault: Encryptor,
        settings: Mapping[str, Any],
    ) -> None:
        """Hosts with an event, a living connection, and the event linked to a campaign."""
        async with self._database.system() as session:
            for plan in hosts:
                session.add(Host(host_id=plan.host_id, settings=dict(settings)))
                session.add(Event(host_id=plan.host_id, event_id=EVENT_ID, title="?", snapshot_at=OPENED_AT))
            await session.flush()
            for plan in hosts:
                session.add(_connection(plan.host_id, grants[plan.org], vault))
                session.add(_link(plan.host_id, grants[plan.org]))

    async def reconnect(self, host_id: str, grant: Grant, vault: Encryptor) -> None:
        """Give a host another living grant, as if it had connected again."""
        async with self._database.system() as session:
            await session.merge(_connection(host_id, grant, vault))

    async def jobs(self) -> list[JobRow]:
        seconds = text("extract(epoch FROM synced_at - created_at)::float AS seconds")
        columns = (SyncJob.host_id, SyncJob.registration_id, SyncJob.state, SyncJob.error_code)
        async with self._database.system() as session:
            return [JobRow(*row) for row in await session.execute(select(*columns, seconds))]

    async def moving(self) -> int:
        """Jobs that have not come to rest."""
        async with self._database.system() as session:
            states = await session.scalars(select(SyncJob.state).where(SyncJob.state.not_in(RESTING)))
            return len(states.all())

    async def last_end(self) -> Any:
        """When a job was written last."""
        return await self.ask("SELECT max(synced_at) FROM sync_jobs")

    async def owners(self) -> dict[str, int]:
        """The process ids of those who hold leases now, by org."""
        async with self._database.system() as session:
            rows = await session.execute(
                text("SELECT org_id, owner FROM org_leases WHERE until > clock_timestamp()")
            )
            return {row.org_id: int(row.owner.split(":")[1]) for row in rows}

    async def seconds_by_registration(self) -> dict[str, float]:
        """How long each written registration took from its first webhook."""
        return {job.registration_id: job.seconds for job in await self.jobs() if job.seconds is not None}

    async def moving_of(self, host_ids: Sequence[str]) -> int:
        """Jobs of these hosts that have not come to rest."""
        query = "SELECT count(*) FROM sync_jobs WHERE host_id = ANY(:hosts) AND state <> ALL(:resting)"
        count: int = await self.ask(query, hosts=list(host_ids), resting=list(RESTING))
        return count

    async def purge(self) -> None:
        """What the housekeeping of a worker deletes."""
        await purge(self._database)

    async def ask(self, query: str, **values: Any) -> Any:
        """One value."""
        async with self._database.system() as session:
            return await session.scalar(text(query), values)

    async def pass_time(self, seconds: float) -> None:
        """Let the past of what waits move away, as if so much time had passed."""
        async with self._database.system() as session:
            for table, columns in MOVED.items():
                changes = ", ".join(f"{name} = {name} - make_interval(secs => :seconds)" for name in columns)
                await session.execute(text(f"UPDATE {table} SET {changes}"), {"seconds": seconds})  # noqa: S608


async def run_sql(url: str, *statements: str) -> None:
    """Statements outside any transaction, as the superuser."""
    engine = create_async_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            for statement in statements:
                await connection.execute(text(statement))
    finally:
        await engine.dispose()


def _connection(host_id: str, grant: Grant, vault: Encryptor) -> Connection:
    session = grant.session
    sealed = {
        name: vault.seal(session[name], host_id=host_id, column=f"connections.{name}")
        for name in ("access_token", "refresh_token")
    }
    return Connection(
        host_id=host_id,
        state="connected",
        environment="production",
        login_url=session["instance_url"],
        client_id=session["client_id"],
        org_id=grant.org_id,
        org_name="Otter Events",
        org_is_sandbox=False,
        instance_url=session["instance_url"],
        user_id=session["user_id"],
        scope="refresh_token api id",
        api_version="62.0",
        connected_at=OPENED_AT,
        connected_by="chaos",
        **sealed,
    )


def _link(host_id: str, grant: Grant) -> CampaignLink:
    return CampaignLink(
        host_id=host_id,
        event_id=EVENT_ID,
        org_id=grant.org_id,
        state="linked",
        campaign_id=grant.campaign_id,
        campaign_name="Otter Summit",
        is_active=True,
        statuses=LABELS,
        available_statuses=sorted(LABELS.values()),
        linked_by="chaos",
    )
