"""Two hosts connected to one org by two users: what one may not do is no matter of the other."""

from typing import Any

import pytest
from sqlalchemy import select

from app.models import Connection, Host, SyncJob
from app.preflight.service import run_preflight
from app.sync.jobs.enqueue import JobRequest, enqueue_jobs
from tests.factories_events import event_for, registration_for
from tests.integration.sync.conftest import EVENT, HOST, Rig

OTHER = "host_b"
SAM = "sam.sales@northwind.example"


async def connect_sam(rig: Rig, **permissions: Any) -> str:
    """The other host, connected by Sam, whose permissions differ; his id."""
    await rig.org.configure(users=[{"username": SAM, "permissions": permissions}])
    sam = (await rig.org.control.get("/session", params={"user": SAM})).json()
    named = {name: sam[name] for name in ("access_token", "refresh_token", "user_id")}
    async with rig.database.system() as session:
        session.add(Host(host_id=OTHER))
        session.add(rig.org.connection(rig.resources.vault, OTHER, **named, username=SAM))
        await session.flush()
        session.add(event_for(OTHER))
    return str(sam["user_id"])


async def registered_with_sam(rig: Rig, number: int) -> str:
    registration = registration_for(number, host_id=OTHER)
    async with rig.database.system() as session:
        session.add(registration)
        await session.flush()
        await enqueue_jobs(
            session, [JobRequest(OTHER, registration.registration_id, EVENT, rig.org.org_id, reason="live")]
        )
    return registration.registration_id


async def states(rig: Rig) -> dict[str, tuple[str, str | None]]:
    async with rig.database.system() as session:
        jobs = (await session.scalars(select(SyncJob))).all()
    return {job.host_id: (job.state, job.waiting_for) for job in jobs}


async def problems(rig: Rig) -> dict[str, list[tuple[str, str | None, str | None]]]:
    async with rig.database.system() as session:
        connections = (await session.scalars(select(Connection))).all()
    return {
        each.host_id: [(problem["code"], problem["sobject"], problem["field"]) for problem in each.problems]
        for each in connections
    }


async def test_the_email_is_hidden_from_one_and_the_rows_of_the_other_are_written(rig: Rig) -> None:
    sam = await connect_sam(rig, hidden_fields={"Lead": ["Email"]})
    await rig.registered(1)
    await registered_with_sam(rig, 2)
    for _ in range(2):
        await rig.drain()
    assert await states(rig) == {HOST: ("synced", None), OTHER: ("pending", "salesforce_access")}
    assert await problems(rig) == {HOST: [], OTHER: [("email_not_searchable", "Lead", "Email")]}
    assert [lead["OwnerId"] for lead in await rig.records("Lead")] == [rig.org.session["user_id"]]
    await rig.org.configure(users=[])
    await run_preflight(rig.resources, OTHER)
    await rig.drain()
    assert await states(rig) == {HOST: ("synced", None), OTHER: ("synced", None)}
    assert await problems(rig) == {HOST: [], OTHER: []}
    assert {lead["CreatedById"] for lead in await rig.records("Lead")} == {rig.org.session["user_id"], sam}


@pytest.mark.parametrize(("view_all", "leads"), [([], 2), (["Lead"], 1)], ids=["own alone", "View All"])
async def test_a_private_lead_of_another_is_found_by_who_may_view_all(
    rig: Rig, view_all: list[str], leads: int
) -> None:
    sam = await connect_sam(rig, view_all=view_all)
    await rig.org.configure(private_objects=["Lead"])
    await rig.registered(1)
    await rig.drain()
    await registered_with_sam(rig, 1)
    await rig.drain()
    assert await states(rig) == {HOST: ("synced", None), OTHER: ("synced", None)}
    ada = rig.org.session["user_id"]
    assert [lead["OwnerId"] for lead in await rig.records("Lead")] == [ada, sam][:leads]
    assert [task["OwnerId"] for task in await rig.records("Task")] == [ada, sam]
