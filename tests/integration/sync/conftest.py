"""A host connected to a simulated org, and the engine that drains it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import select, text

from app.api.dependencies import Resources
from app.config.settings import Settings, Times
from app.connections.service import open_client
from app.infrastructure.database import Database
from app.main import open_resources
from app.models import (
    CampaignLink,
    Connection,
    DescribeCache,
    Event,
    Host,
    Mapping,
    Registration,
    SyncJob,
    WrittenRecord,
)
from app.sync.engine.drain import drain
from app.sync.engine.org_drain import DrainContext
from app.sync.jobs.enqueue import JobRequest, enqueue_jobs
from tests.factories_events import event_for, registration_for
from tests.simulated_org import SimulatedOrg

HOST = "host_a"
EVENT = "evt_otters"
DUE_IN_ORDER = text("""
    SELECT registration_id FROM sync_jobs WHERE state IN ('pending', 'ambiguous')
      AND due_at <= clock_timestamp() ORDER BY due_at
""")
PUT_IN_ORDER = text("""
    UPDATE sync_jobs SET due_at = clock_timestamp() - interval '1 day' + interval '1 second' * place.number
    FROM unnest(CAST(:ids AS text[])) WITH ORDINALITY AS place (registration_id, number)
    WHERE sync_jobs.registration_id = place.registration_id
""")


@dataclass
class Rig:
    """One host, one event, one org."""

    database: Database
    org: SimulatedOrg
    engine: DrainContext
    resources: Resources

    async def registered(self, number: int, **changes: Any) -> str:
        """Stores a registration and enqueues its job; returns its id."""
        registration = registration_for(number, **changes)
        async with self.database.system() as session:
            await session.merge(registration)
            await session.flush()
            await self._enqueue(session, registration)
        return registration.registration_id

    async def change(self, registration_id: str, **changes: Any) -> None:
        """Changes a registration and enqueues its job, as a webhook does."""
        async with self.database.system() as session:
            registration = await session.get_one(Registration, (HOST, registration_id))
            for name, value in changes.items():
                setattr(registration, name, value)
            await self._enqueue(session, registration)

    async def requeue(self, registration_id: str, *, reason: str = "live") -> None:
        async with self.database.system() as session:
            registration = await session.get_one(Registration, (HOST, registration_id))
            await self._enqueue(session, registration, reason=reason)

    async def link(self, campaign_id: str, event_id: str = EVENT, **labels: str) -> None:
        statuses = {"registered": "Sent", "attended": "Responded"} | labels
        async with self.database.system() as session:
            await session.merge(
                CampaignLink(
                    host_id=HOST,
                    event_id=event_id,
                    org_id=self.org.org_id,
                    state="linked",
                    campaign_id=campaign_id,
                    campaign_name="Otter Summit",
                    is_active=True,
                    statuses=statuses,
                    available_statuses=sorted(statuses.values()),
                    linked_by="user_17",
                )
            )

    async def choose(self, *fields: dict[str, Any], event_id: str = "", **layer: Any) -> None:
        """The host's mapping, or one event's over it; `fields` are its rules for fields."""
        async with self.database.system() as session:
            await session.merge(
                Mapping(
                    host_id=HOST,
                    event_id=event_id,
                    layer={"fields": list(fields), **layer},
                    updated_by="user_17",
                )
            )

    async def organized_by(self, email: str) -> None:
        async with self.database.system() as session:
            event = await session.get_one(Event, (HOST, EVENT))
            event.organizer = {"name": "Olga Host", "email": email}

    async def drain(self, *, engine: DrainContext | None = None) -> bool:
        return await drain(engine or self.engine, self.org.org_id, stop=asyncio.Event())

    def with_settings(self, **changes: Any) -> DrainContext:
        return replace(self.engine, settings=self.engine.settings.model_copy(update=changes))

    async def job(self, registration_id: str) -> SyncJob:
        async with self.database.system() as session:
            return await session.get_one(SyncJob, (HOST, registration_id))

    async def states(self) -> dict[str, str]:
        async with self.database.system() as session:
            rows = await session.execute(select(SyncJob.registration_id, SyncJob.state))
            return {row.registration_id: row.state for row in rows}

    async def slots(self, registration_id: str) -> dict[str, WrittenRecord]:
        async with self.database.system() as session:
            rows = await session.scalars(
                select(WrittenRecord).where(WrittenRecord.registration_id == registration_id)
            )
            return {row.slot: row for row in rows}

    async def records(self, sobject: str) -> list[dict[str, Any]]:
        """The records in Salesforce that are not deleted."""
        answer = await self.org.control.get(f"/records/{sobject}")
        return [row for row in answer.json()["records"] if not row["IsDeleted"]]

    async def pass_time(self, seconds: float) -> None:
        """Moves stored times into the past, as if so many seconds had passed."""
        moved = {
            "sync_jobs": ("due_at", "waiting_since"),
            "written_records": ("attempt_started_at", "first_attempt_at"),
            "create_locks": ("started_at", "until"),
            "org_leases": ("until", "not_before"),
            "connections": ("api_closed_until", "fault_until", "state_since"),
            "describe_cache": ("fetched_at",),
        }
        async with self.database.system() as session:
            for table, columns in moved.items():
                changes = ", ".join(f"{name} = {name} - interval '{seconds} seconds'" for name in columns)
                await session.execute(text(f"UPDATE {table} SET {changes}"))
            connection = await session.get_one(Connection, HOST)
            connection.problems = [_moved(each, seconds) for each in connection.problems]

    async def set_due_order(self, reg: str, *, place: int) -> None:
        """Sets the due times so that this registration is claimed at this position."""
        async with self.database.system() as session:
            ids = list(await session.scalars(DUE_IN_ORDER))
            if reg not in ids:
                return
            ids.remove(reg)
            ids.insert(place, reg)
            await session.execute(PUT_IN_ORDER, {"ids": ids})

    async def delete(self, sobject: str, record_id: str) -> None:
        """Deletes a record, as a Salesforce user does."""
        await self._edit_in_salesforce("DELETE", sobject, record_id)

    async def edit(self, sobject: str, record_id: str, **fields: Any) -> None:
        """Edits a record, as a Salesforce user does."""
        await self._edit_in_salesforce("PATCH", sobject, record_id, json=fields)

    async def _edit_in_salesforce(self, method: str, sobject: str, record_id: str, **body: Any) -> None:
        session = self.org.session
        async with httpx.AsyncClient(transport=self.org.transport) as http:
            answer = await http.request(
                method,
                f"{session['instance_url']}/services/data/v62.0/sobjects/{sobject}/{record_id}",
                headers={"Authorization": f"Bearer {session['access_token']}"},
                **body,
            )
        assert answer.status_code == 204, answer.text

    async def _enqueue(self, session: Any, registration: Registration, *, reason: str = "live") -> None:
        await enqueue_jobs(
            session,
            [
                JobRequest(
                    HOST, registration.registration_id, registration.event_id, self.org.org_id, reason=reason
                )
            ],
        )


def _moved(problem: dict[str, Any], seconds: float) -> dict[str, Any]:
    checked_at = datetime.fromisoformat(problem["checked_at"]) - timedelta(seconds=seconds)
    return {**problem, "checked_at": checked_at.isoformat()}


in_both_orgs = pytest.mark.parametrize("rig", [None, "difficult"], indirect=True, ids=["easy", "difficult"])
"""Runs a test in the default org and in the preset `difficult`."""


@pytest.fixture
async def rig(database: Database, settings: Settings, request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    preset = getattr(request, "param", None)
    async with opened_rig(database, settings, preset=preset) as rig:
        yield rig


@contextlib.asynccontextmanager
async def opened_rig(
    database: Database,
    settings: Settings,
    *,
    preset: str | None = None,
    wrap: Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport] = lambda transport: transport,
) -> AsyncIterator[Rig]:
    """A rig whose engine reaches the org through `wrap(transport)`."""
    org = await SimulatedOrg.open()
    if preset is not None:
        await org.configure(preset=preset, latency_ms=0, query_latency_ms=0)
    app = {
        "salesforce_client_id": org.session["client_id"],
        "salesforce_client_secret": SecretStr(org.session["client_secret"]),
    }
    roomy = settings.model_copy(update={"times": Times(), **app})
    async with open_resources(roomy, transport=wrap(org.transport)) as resources:
        async with database.system() as session:
            session.add(Host(host_id=HOST))
            session.add(event_for())
            session.add(org.connection(resources.vault))
            # As the preflight of every new connection leaves it.
            statuses = {"closed": await org.closed_statuses()}
            session.add(DescribeCache(host_id=HOST, org_id=org.org_id, sobject="TaskStatus", body=statuses))
        yield Rig(database, org, engine_of(resources), resources)


def engine_of(resources: Resources, worker_id: str = "worker_otter") -> DrainContext:
    async def opener(host_id: str, *, before_send: Any, **read: Any) -> Any:
        return await open_client(resources, host_id, before_send=before_send, **read)

    return DrainContext(
        resources.database, resources.settings, opener, worker_id, resources.settings.hash_pepper
    )
