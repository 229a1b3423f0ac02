"""Endpoints that call Salesforce: their calls are counted, the org's figure is stored, the cap stops them."""

import ast
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from app.campaigns.campaign_creation import create_campaigns
from app.campaigns.date_sync import sync_campaign_dates
from app.models import CampaignLink, Connection, Event, OrgLease, Preflight
from app.preflight.service import run_requested_preflights
from tests.api.conftest import Service
from tests.deliveries import event, post, registration, webhook
from tools.openapi.command import describe_api

H = "/v1/hosts/{host_id}/salesforce"
E = "/v1/hosts/{host_id}/events/{event_id}/salesforce"
R = E + "/registrations/{registration_id}"
UPCOMING = event(starts_at="2036-11-24T08:00:00Z", ends_at="2036-11-25T16:00:00Z")
RULE = {"object": "Lead", "field": "Title", "from": "attendee.job_title"}
CHOSEN = {"campaign_id": "{campaign_id}", "statuses": {"registered": "Sent", "attended": "Responded"}}

CALLING: dict[str, Any] = {
    f"POST {E}/campaign/validate": {"campaign_id": "{campaign_id}"},
    f"PUT {E}/campaign": CHOSEN,
    f"GET {E}/campaigns": None,
    f"GET {E}/links.csv?campaign_id={{campaign_id}}": None,
    f"GET {R}/dry-run": None,
    f"GET {R}/preview": None,
    f"GET {H}/mapping/objects/{{sobject}}/fields": None,
    f"POST {H}/mapping/validate": {"fields": [RULE]},
    f"POST {E}/mapping/validate": {"fields": [RULE]},
    f"GET {H}/mapping/owners": None,
    f"POST {H}/preflight": None,
}
"""Routes that ask Salesforce when they are used once, with a body; `{campaign_id}` is one of the org's."""

QUIETLY = {f"POST {H}/mapping/validate", f"POST {E}/mapping/validate"}
"""Of these, those that answer without the org at the cap, and say in their answer why they did not look."""

CALLING_LIKE = {
    f"POST {E}/campaign/copy": "PUT of the campaign",
    f"GET {H}/mapping": "the same look as validate",
    f"PUT {H}/mapping": "the same look as validate",
    f"GET {E}/mapping": "the same look as validate",
    f"PUT {E}/mapping": "the same look as validate",
    f"DELETE {E}/mapping": "the same look as validate",
    f"POST {H}/mapping/copy": "the same look as validate",
    f"POST {E}/mapping/copy": "the same look as validate",
}
"""Routes that share their calls with one above."""

SILENT = {
    f"{method} {path}"
    for path, methods in {
        "/livez": "GET",
        "/readyz": "GET",
        "/v1/hosts": "GET",
        "/v1/hosts/{host_id}/attendees/erase": "POST",
        "/v1/hosts/{host_id}/events": "GET",
        "/v1/imports/registrations": "POST",
        "/platform/deliveries": "GET",
        "/webhooks/eventship": "POST",
        "/webhooks/eventship/test": "POST",
        H: "GET",
        f"{H}/app-credentials": "PUT DELETE",
        f"{H}/audit": "GET",
        f"{H}/backfill": "POST",
        f"{H}/connect": "POST",
        f"{H}/connect/{{attempt_id}}": "GET",
        f"{H}/connect/{{attempt_id}}/complete": "POST",
        f"{H}/diagnosis": "POST",
        f"{H}/disconnect": "POST",
        f"{H}/events": "GET PUT",
        f"{H}/mapping/preview": "POST",
        f"{H}/mapping/registrants": "GET",
        f"{H}/mapping/sources": "GET",
        f"{H}/me": "GET DELETE",
        f"{H}/me/connect": "POST",
        f"{H}/pause": "POST",
        f"{H}/preflight": "GET",
        f"{H}/resume": "POST",
        f"{H}/settings": "GET PUT",
        f"{H}/stream": "GET",
        f"{H}/users": "GET",
        f"{E}/backfill": "POST DELETE",
        f"{E}/campaign": "GET DELETE",
        f"{E}/campaign/create": "POST",
        f"{E}/campaign/proposal": "GET",
        f"{E}/check-ins": "GET",
        f"{E}/links": "GET",
        f"{E}/mapping/preview": "POST",
        f"{E}/mapping/registrants": "GET",
        f"{E}/mapping/sources": "GET",
        f"{E}/pause": "POST",
        f"{E}/registrations": "GET",
        f"{E}/registrations.csv": "GET",
        f"{E}/resume": "POST",
        f"{E}/repair": "POST",
        f"{E}/retry": "POST",
        f"{E}/settings": "GET PUT",
        f"{E}/stats": "GET",
        f"{E}/stream": "GET",
        f"{E}/verify": "GET POST",
        R: "GET",
        f"{R}/exclude": "POST",
        f"{R}/history": "GET",
        f"{R}/include": "POST",
        f"{R}/retry": "POST",
    }.items()
    for method in methods.split()
}
"""Routes that never call Salesforce's API; what a worker does later is its own affair."""

OPENERS = {
    "app/connections/counted_calls.py": "the one way for endpoints and periodic tasks",
    "app/connections/service.py": "makes the client",
    "app/connections/oauth/grant_exchange.py": "a grant that is tried out before there is a connection",
    "app/connections/tokens/probe.py": "one hourly question to a connection that is closed",
    "app/connections/keep_alive.py": "the identity service, whose calls Salesforce does not count",
    "app/sync_preview/dry_run.py": "hands the engine an opener that a rehearsal never uses",
    "app/salesforce/recording_client.py": "writes on paper over a client that is counted",
    "workers/main.py": "the engine, which counts by the batch",
}


@dataclass
class Caller:
    """A connected host with an event, a registration and a campaign."""

    service: Service
    control: httpx.AsyncClient
    campaign_id: str

    async def call(self, route: str) -> httpx.Response:
        method, path = route.split()
        values = {
            "host_id": "host_a",
            "event_id": "evt_otters",
            "registration_id": "reg_1",
            "sobject": "Lead",
            "campaign_id": self.campaign_id,
        }
        body = _filled(CALLING[route], self.campaign_id)
        return await self.service.http.request(method, path.format(**values), json=body)

    async def seen(self) -> int:
        """API calls as Salesforce counts them."""
        return int((await self.control.get("/_simulator/calls")).json()["total"])

    async def connection(self) -> Connection:
        async with self.service.resources.database.system() as session:
            return await session.get_one(Connection, "host_a")

    async def change(self, **values: Any) -> None:
        async with self.service.resources.database.system() as session:
            await session.execute(update(Connection).values(values))


def _filled(body: Any, campaign_id: str) -> Any:
    if isinstance(body, dict):
        return {key: _filled(value, campaign_id) for key, value in body.items()}
    return campaign_id if body == "{campaign_id}" else body


@pytest.fixture
async def caller(service: Service) -> AsyncIterator[Caller]:
    async with service.control() as control:
        made = await control.post("/_simulator/records/Campaign", json={"Name": "Otters", "IsActive": True})
        await service.connect()
        payload = registration(id="reg_1", attendee={"id": "per_1", "email": "otter@river.example"})
        await post(service.http, webhook(event=UPCOMING, registration=payload), "msg_1")
        caller = Caller(service, control, made.json()["ids"][0])
        await caller.change(calls_today=0, api_used=None, api_limit=None, api_measured_at=None)
        yield caller


def test_every_route_is_known_to_call_salesforce_or_not_to() -> None:
    documented = {
        f"{method.upper()} {path}"
        for path, methods in describe_api()["paths"].items()
        for method in methods
        if not path.startswith("/ops/")
    }
    known = {route.partition("?")[0] for route in CALLING} | CALLING_LIKE.keys() | SILENT
    assert documented == known
    assert not SILENT & (CALLING.keys() | CALLING_LIKE.keys())


def test_nobody_opens_a_client_past_the_budget() -> None:
    root = Path(__file__).parents[2]
    opening = set()
    for path in [*root.glob("app/**/*.py"), *root.glob("workers/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            is_import = isinstance(node, ast.ImportFrom) and any(
                name.name == "open_client" for name in node.names
            )
            is_made = (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("SalesforceClient", "PaperClient")
            )
            if is_import or is_made:
                opening.add(path.relative_to(root).as_posix())
    rehearsal = {"app/sync/engine/dry_run.py"}
    assert opening - rehearsal == OPENERS.keys() - {"app/salesforce/recording_client.py"}


@pytest.mark.parametrize("route", CALLING)
async def test_each_call_is_counted_and_the_orgs_figure_kept(caller: Caller, route: str) -> None:
    before = await caller.seen()
    answer = await caller.call(route)
    spent, found = await caller.seen() - before, await caller.connection()
    assert answer.status_code < 300, answer.text
    assert found.calls_today == spent > 0
    assert (found.api_used, found.api_limit) == (await caller.seen(), 100_000)
    assert found.api_measured_at is not None


@pytest.mark.parametrize("route", CALLING)
async def test_nothing_is_sent_at_the_cap(caller: Caller, route: str) -> None:
    await caller.change(api_used=800, api_limit=1000, api_measured_at=datetime.now(UTC))
    before = await caller.seen()
    answer = await caller.call(route)
    assert await caller.seen() == before
    if route in QUIETLY:
        assert answer.json()["unchecked_because"] == "ApiBudgetReached"
    else:
        assert (answer.status_code, answer.json()["code"]) == (503, "ApiBudgetReached")
        assert answer.headers["retry-after"] == "900"


@pytest.mark.parametrize("route", CALLING)
async def test_a_failed_call_is_counted_as_well(caller: Caller, route: str) -> None:
    fault = {"kind": "error", "status": 400, "error_code": "INVALID_FIELD", "message": "no", "count": 9}
    await caller.control.post("/_simulator/faults", json=fault)
    await caller.call(route)
    assert (await caller.connection()).calls_today > 0


async def test_a_reader_who_searches_stops_at_the_cap_and_not_at_salesforces_limit(caller: Caller) -> None:
    caller.service.configure(api_limit={"max": 1000, "used": 790})
    answers = [await caller.call(f"GET {E}/campaigns") for _ in range(20)]
    statuses = [answer.status_code for answer in answers]
    found = await caller.connection()
    assert statuses == [200] * 10 + [503] * 10
    assert (found.api_used, found.calls_today) == (800, 10)
    assert found.api_closed_until is not None


async def test_an_old_figure_is_asked_again_by_one_call(caller: Caller) -> None:
    long_ago = datetime.now(UTC) - timedelta(minutes=16)
    await caller.change(api_used=800, api_limit=1000, api_measured_at=long_ago)
    answer = await caller.call(f"GET {E}/campaigns")
    assert (answer.status_code, (await caller.connection()).api_limit) == (200, 100_000)


async def test_cap_is_reached_between_two_calls_of_one_endpoint(caller: Caller) -> None:
    caller.service.configure(api_limit={"max": 1000, "used": 799})
    before = await caller.seen()
    answer = await caller.call(f"GET {R}/preview")
    assert (answer.status_code, answer.json()["code"]) == (503, "ApiBudgetReached")
    assert await caller.seen() - before == 1


async def test_org_whose_allowance_is_used_up_is_not_called_again_by_an_endpoint(caller: Caller) -> None:
    found = await caller.connection()
    async with caller.service.resources.database.system() as session:
        later = datetime.now(UTC) + timedelta(minutes=10)
        session.add(OrgLease(org_id=found.org_id, not_before=later, not_before_reason="api_limit"))
    before = await caller.seen()
    answer = await caller.call(f"POST {E}/campaign/validate")
    assert (answer.json()["code"], await caller.seen()) == ("ApiBudgetReached", before)


async def test_campaign_that_is_created_is_counted_and_waits_at_the_cap(caller: Caller) -> None:
    path = f"{E}/campaign/create".format(host_id="host_a", event_id="evt_otters")
    before = await caller.seen()
    answer = await caller.service.http.post(path, json={})
    assert answer.status_code < 300, answer.text
    await caller.change(api_used=800, api_limit=1000, api_measured_at=datetime.now(UTC))
    await create_campaigns(caller.service.resources)
    assert await caller.seen() == before
    await caller.change(api_used=None, calls_today=0)
    async with caller.service.resources.database.system() as session:
        await session.execute(update(CampaignLink).values(creation_due_at=datetime.now(UTC)))
    await create_campaigns(caller.service.resources)
    link = (await caller.service.http.get(path.removesuffix("/create"))).json()
    assert link["state"] == "linked"
    assert (await caller.connection()).calls_today == await caller.seen() - before > 1
    calls = (await caller.connection()).calls_today
    async with caller.service.resources.database.system() as session:
        moved = timedelta(days=3)
        await session.execute(
            update(Event).values(starts_at=Event.starts_at + moved, snapshot_at=datetime.now(UTC))
        )
    seen = await caller.seen()
    await sync_campaign_dates(caller.service.resources)
    assert (await caller.connection()).calls_today - calls == await caller.seen() - seen > 0


async def test_preflight_that_was_asked_for_waits_for_the_budget(caller: Caller) -> None:
    await caller.change(api_used=800, api_limit=1000, api_measured_at=datetime.now(UTC))
    await run_requested_preflights(caller.service.resources)
    async with caller.service.resources.database.system() as session:
        preflight = (await session.scalars(select(Preflight))).one()
    assert (preflight.requested_at is not None, preflight.result) == (True, None)


@pytest.mark.parametrize("route", CALLING.keys() - QUIETLY)
async def test_connection_that_cannot_be_opened_is_a_problem_and_no_fault_of_ours(
    caller: Caller, route: str
) -> None:
    await caller.change(access_token=b"\x01")
    before = await caller.seen()
    answer = await caller.call(route)
    body = answer.json()
    assert (answer.status_code, body["code"], body["reason"]) == (
        503,
        "SalesforceUnavailable",
        "credentials_unreadable",
    )
    assert (body["advice"]["code"], await caller.seen()) == ("credentials_unreadable", before)
