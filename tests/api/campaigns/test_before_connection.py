"""Registrations from before the connection or from imports: counted, and written on request."""

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import select

from app.campaigns.backfill import enqueue_backfill_chunk, finish_backfills
from app.models import BACKFILL, AuditEntry, Backfill, Connection, SyncJob
from app.sync.engine.drain import drain
from tests.api.conftest import Service
from tests.deliveries import event, post, registration, webhook
from tests.factories import NOW, ORG_ID, connection_for
from tests.factories_events import event_for, job_for, registration_for
from tests.integration.sync.conftest import engine_of
from tests.tokens import TokenMint

H = "/v1/hosts/host_a/salesforce"
NDJSON = {"Content-Type": "application/x-ndjson"}
NO_REGISTRATIONS = {"registrations": 0, "events": 0, "estimated_api_calls": 0}


def figures(registrations: int, events: int) -> dict[str, int]:
    return {"registrations": registrations, "events": events, "estimated_api_calls": 5}


def whole(number: int, event_id: str, **changes: Any) -> dict[str, Any]:
    """Somebody who registered for an event."""
    who = {"id": f"per_{number}", "email": f"otter{number}@otter.example", "company": "River GmbH"}
    found = registration(id=f"reg_{number}", attendee=who, **changes)
    return {"event": event(id=event_id, title=f"Title of {event_id}"), "registration": found}


async def registers(service: Service, number: int, event_id: str = "evt_otters", **changes: Any) -> None:
    await post(service.http, webhook(**whole(number, event_id, **changes)), f"msg_{number}")


async def imports(service: Service, mint: TokenMint, *numbers: int, event_id: str) -> None:
    lines = [{"host": {"id": "host_a"}, **whole(number, event_id)} for number in numbers]
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    headers = {**mint.headers(scope="import"), **NDJSON}
    answer = await service.http.post("/v1/imports/registrations", content=body, headers=headers)
    assert [json.loads(each)["outcome"] for each in answer.text.splitlines()] == ["accepted"] * len(numbers)


async def ask(service: Service, body: dict[str, Any] | None = None, **how: Any) -> tuple[int, Any]:
    answer = await service.http.post(f"{H}/backfill", json={} if body is None else body, **how)
    return answer.status_code, answer.json()


async def stats(service: Service, event_id: str) -> Any:
    return (await service.http.get(f"/v1/hosts/host_a/events/{event_id}/salesforce/stats")).json()


async def write(service: Service) -> None:
    """What workers do until nothing is left to arm."""
    database, org_id = service.resources.database, service.simulator.simulator.default_org.id
    while await enqueue_backfill_chunk(database):
        pass
    await drain(engine_of(service.resources), org_id, stop=asyncio.Event())
    await finish_backfills(database)


async def leads(service: Service) -> set[str]:
    async with service.control() as control:
        records = (await control.get("/_simulator/records/Lead")).json()["records"]
    return {each["Email"] for each in records}


async def save(service: Service, *rows: Any) -> None:
    for row in rows:
        async with service.resources.database.system() as session:
            session.add(row)


async def connected(service: Service, **changes: Any) -> None:
    await save(service, event_for(), connection_for(service.resources.vault, **changes))


async def test_who_came_before_the_connection_is_written_on_one_request(service: Service) -> None:
    await registers(service, 1)
    await registers(service, 2)
    await registers(service, 3, "evt_beavers")
    await registers(service, 4, "evt_beavers", status="pending")
    assert (await service.card())["before_connection"] == figures(3, 2)
    card = await service.connect()
    assert card["before_connection"] == figures(3, 2)
    await registers(service, 5)
    await write(service)
    assert await leads(service) == {"otter5@otter.example"}
    assert (await stats(service, "evt_otters"))["skipped_because"]["before_connection"] == 2

    assert await ask(service) == (202, {"dry_run": True, **figures(3, 2)})
    await write(service)
    assert await leads(service) == {"otter5@otter.example"}
    assert await ask(service, {"dry_run": False}) == (202, {"dry_run": False, **figures(3, 2)})
    assert (await service.card())["before_connection"] == NO_REGISTRATIONS
    await write(service)
    assert await leads(service) == {f"otter{number}@otter.example" for number in (1, 2, 3, 5)}
    for event_id, total in (("evt_otters", 2), ("evt_beavers", 1)):
        found = await stats(service, event_id)
        assert (found["counts"]["skipped"], found["counts"]["failed"]) == (0, 0)
        backfill = {name: found["backfill"][name] for name in ("why", "state", "total", "done")}
        assert backfill == {"why": "before_connection", "state": "done", "total": total, "done": total}
    assert await ask(service, {"dry_run": False}) == (202, {"dry_run": False, **NO_REGISTRATIONS})


async def test_who_was_imported_into_a_connected_host_is_among_them(
    service: Service, mint: TokenMint
) -> None:
    await service.connect()
    await imports(service, mint, 1, 2, event_id="evt_old")
    assert (await service.card())["before_connection"] == figures(2, 1)
    await ask(service, {"dry_run": False})
    await write(service)
    assert await leads(service) == {"otter1@otter.example", "otter2@otter.example"}


async def test_what_was_written_or_failed_already_is_left_alone(service: Service) -> None:
    await connected(service)
    await save(service, *(registration_for(number) for number in range(4)))
    await save(
        service,
        job_for(0, state="synced", written_version=1, synced_at=NOW, reason="live"),
        job_for(1, state="failed", error_class="data", error_code="X", reason="live"),
        job_for(2, org_id="00D5g00000Another", state="synced", reason="live"),
    )
    assert await ask(service, {"dry_run": False}) == (202, {"dry_run": False, **figures(2, 1)})
    assert await enqueue_backfill_chunk(service.resources.database) == {ORG_ID}
    async with service.resources.database.system() as session:
        jobs = {job.registration_id: job for job in await session.scalars(select(SyncJob))}
    found = {name: (job.org_id, job.state, job.reason, job.priority) for name, job in sorted(jobs.items())}
    queued = (ORG_ID, "pending", "before_connection", BACKFILL)
    assert found == {
        "reg_00000": (ORG_ID, "synced", "live", BACKFILL),
        "reg_00001": (ORG_ID, "failed", "live", BACKFILL),
        "reg_00002": queued,
        "reg_00003": queued,
    }


async def test_failures_of_the_time_before_are_not_those_of_the_next_time(
    service: Service, mint: TokenMint
) -> None:
    rule = {"sobject": "Lead", "when": "Company = 'River GmbH'", "message": "No water", "field": "Company"}
    service.configure(validation_rules=[rule])
    await service.connect()
    await imports(service, mint, 1, 2, event_id="evt_old")
    await ask(service, {"dry_run": False})
    await write(service)
    service.configure(validation_rules=[])
    await imports(service, mint, 3, event_id="evt_old")
    assert await ask(service, {"dry_run": False}) == (202, {"dry_run": False, **figures(1, 1)})
    await write(service)
    view = (await stats(service, "evt_old"))["backfill"]
    assert {name: view[name] for name in ("total", "done", "failed")} == {"total": 1, "done": 1, "failed": 0}


async def test_one_event_alone_can_have_its_own_written(service: Service) -> None:
    await connected(service)
    await save(service, event_for(event_id="evt_beavers"), *(registration_for(each) for each in range(3)))
    await save(service, registration_for(3, event_id="evt_beavers"), job_for(0, state="synced"))
    path = "/v1/hosts/host_a/events/evt_otters/salesforce/backfill"
    view = (await service.http.post(path, json={"why": "before_connection"})).json()
    assert (view["why"], view["total"]) == ("before_connection", 2)
    assert (await service.card())["before_connection"] == figures(1, 1)


async def test_events_whose_backfill_runs_are_not_asked_about_again(service: Service) -> None:
    await connected(service)
    await save(service, registration_for(1))
    answer = await service.http.post("/v1/hosts/host_a/events/evt_otters/salesforce/backfill", json={})
    assert answer.status_code == 202
    assert (await service.card())["before_connection"] == NO_REGISTRATIONS
    assert await ask(service, {"dry_run": False}) == (202, {"dry_run": False, **NO_REGISTRATIONS})


async def test_an_event_that_is_being_unlinked_is_left_for_the_next_time(service: Service) -> None:
    await connected(service)
    await save(service, registration_for(1))
    unlinking = {"org_id": ORG_ID, "reason": "unlink", "total": 1, "requested_by": "user_17"}
    await save(service, Backfill(host_id="host_a", backfill_id="bf_1", event_id="evt_otters", **unlinking))
    assert await ask(service) == (202, {"dry_run": True, **figures(1, 1)})
    assert await ask(service, {"dry_run": False}) == (202, {"dry_run": False, **NO_REGISTRATIONS})


async def test_two_requests_at_once_start_one_backfill(service: Service) -> None:
    await connected(service)
    await save(service, registration_for(1))
    answers = await asyncio.gather(*(ask(service, {"dry_run": False}) for _ in range(4)))
    assert sorted(found["registrations"] for _, found in answers) == [0, 0, 0, 1]
    async with service.resources.database.system() as session:
        assert len((await session.scalars(select(Backfill))).all()) == 1
        entries = (await session.scalars(select(AuditEntry))).all()
    started = [entry.details for entry in entries if entry.action == "salesforce.backfill_started"]
    assert started == [{"why": "before_connection", "events": 1, "registrations": 1}]


@pytest.mark.parametrize("is_dry_run", [True, False])
async def test_it_needs_a_connection_that_works(service: Service, is_dry_run: bool) -> None:
    await registers(service, 1)
    status, problem = await ask(service, {"dry_run": is_dry_run})
    assert (status, problem["code"]) == (409, "NotConnected")
    await connected_late(service)
    status, problem = await ask(service, {"dry_run": is_dry_run})
    assert (status, problem["code"]) == (409, "ConnectionNeedsReconnect")


async def connected_late(service: Service) -> None:
    await save(service, connection_for(service.resources.vault, state="needs_reconnect"))
    async with service.resources.database.system() as session:
        assert await session.get(Connection, "host_a") is not None


async def test_a_member_and_a_stranger_may_not(service: Service, mint: TokenMint) -> None:
    await connected(service)
    for hosts, found in (({"host_a": "member"}, (403, "RoleInsufficient")), ({}, (404, "HostNotFound"))):
        status, problem = await ask(service, headers=mint.headers(hosts=hosts))
        assert (status, problem["code"]) == found


async def test_other_hosts_are_not_counted(service: Service) -> None:
    await connected(service)
    await save(service, event_for("host_b"), registration_for(1, host_id="host_b"))
    assert (await service.card())["before_connection"] == NO_REGISTRATIONS
    assert (await service.card("host_b"))["before_connection"] == figures(1, 1)
