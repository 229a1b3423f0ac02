"""Every answer of a service at work has exactly the members that dashboards were promised."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.campaigns.backfill import enqueue_backfill_chunk
from app.sync.engine.drain import drain
from tests.api import contract
from tests.api.browser import brought_back
from tests.api.conftest import Service
from tests.deliveries import event, post, registration, webhook
from tests.integration.sync.conftest import engine_of
from tests.json_shapes import NUMBER, TEXT, TIME, misfits
from tests.tokens import TokenMint

H = "/v1/hosts/host_a/salesforce"
E = "/v1/hosts/host_a/events/evt_otters/salesforce"
GOOD, BAD, WAITING = (f"{E}/registrations/{name}" for name in ("reg_good", "reg_bad", "reg_waiting"))
STATUSES = {"registered": "Sent", "attended": "Responded"}
UPCOMING = event(starts_at="2036-11-24T08:00:00Z", ends_at="2036-11-25T16:00:00Z")
RULE = {"sobject": "Lead", "when": "Company = 'Dry Land'", "message": "No water", "field": "Company"}


@dataclass
class Caller:
    """Asks the service one thing after the other, and notes what does not fit."""

    service: Service
    campaign_id: str
    wrong: dict[str, list[str]] = field(default_factory=dict)

    async def ask(
        self, method: str, path: str, shape: contract.Shape, *, body: Any = None, status: int = 200
    ) -> dict[str, Any]:
        answer = await self.service.http.request(method, path, json=body)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        payload: dict[str, Any] = answer.json()
        if found := misfits(shape, payload):
            self.wrong[f"{method} {path}"] = found
        return payload

    async def write(self) -> None:
        """What a worker does."""
        await enqueue_backfill_chunk(self.service.resources.database)
        engine = engine_of(self.service.resources)
        org_id = self.service.simulator.simulator.default_org.id
        await drain(engine, org_id, stop=asyncio.Event())

    async def registers(self, name: str, **attendee: Any) -> None:
        who = {"id": f"per_{name}", "email": f"{name}@otter.example", **attendee}
        payload = registration(id=f"reg_{name}", attendee=who)
        await post(self.service.http, webhook(event=UPCOMING, registration=payload), f"msg_{name}")


@pytest.fixture
async def caller(service: Service, mint: TokenMint) -> Caller:
    """A connected host with one registration written, one refused, and one that waits."""
    service.http.headers.update(mint.headers(hosts={"host_a": "owner"}, scope="ops import"))
    service.configure(validation_rules=[RULE], hidden_fields={"Lead": ["Title"]})
    async with service.control() as control:
        answer = await control.post("/_simulator/records/Campaign", json={"Name": "Otters", "IsActive": True})
    caller = Caller(service, answer.json()["ids"][0])
    await service.connect()
    await caller.registers("good")
    await caller.registers("bad", company="Dry Land")
    return caller


async def test_answers_have_exactly_the_members_they_were_promised(caller: Caller) -> None:
    await connection(caller)
    await campaign(caller)
    await monitor(caller)
    await host(caller)
    await operations(caller)
    await ends(caller)
    assert caller.wrong == {}


async def connection(caller: Caller) -> None:
    started = await caller.ask("POST", f"{H}/connect", contract.STARTED, body={}, status=201)
    await caller.ask("GET", f"{H}/connect/{started['attempt_id']}", contract.ATTEMPT)
    async with caller.service.browser() as browser:
        await browser.sign_in(started["start_url"], decision="deny")
    attempt = await caller.ask("GET", f"{H}/connect/{started['attempt_id']}", contract.ATTEMPT)
    assert attempt["problem"] is not None
    landed = await caller.service.sign_in()
    attempt_id, code = brought_back(landed)
    attempt = await caller.ask("GET", f"{H}/connect/{attempt_id}", contract.ATTEMPT)
    assert attempt["org"]
    assert attempt["expires_at"]
    complete = f"{H}/connect/{attempt_id}/complete"
    await caller.ask("POST", complete, contract.PROBLEM, body={"code": "another"}, status=409)
    await caller.ask("POST", complete, contract.ATTEMPT, body={"code": code})
    await caller.ask("POST", f"{H}/preflight", contract.PREFLIGHT)
    preflight = await caller.ask("GET", f"{H}/preflight", contract.PREFLIGHT)
    assert preflight["findings"]
    card = await caller.ask("GET", H, contract.CARD)
    assert card["connection"]
    assert card["preflight"]
    await own_user(caller)
    own = {"mode": "own", "consumer_key": "3MVG9.otter.key", "consumer_secret": "otter.secret.1"}
    card = await caller.ask("PUT", f"{H}/app-credentials", contract.CARD, body=own)
    assert card["app"]["credentials"]
    await caller.ask("DELETE", f"{H}/app-credentials", contract.CARD)


async def own_user(caller: Caller) -> None:
    await caller.ask("GET", f"{H}/me", contract.OWN_USER)
    started = await caller.ask("POST", f"{H}/me/connect", contract.STARTED, body={}, status=201)
    async with caller.service.browser() as browser:
        attempt_id, code = brought_back(await browser.sign_in(started["start_url"]))
    attempt = await caller.ask("GET", f"{H}/connect/{attempt_id}", contract.ATTEMPT)
    assert (attempt["purpose"], attempt["state"]) == ("user", "confirming")
    assert attempt["org"]
    await caller.ask("POST", f"{H}/connect/{attempt_id}/complete", contract.ATTEMPT, body={"code": code})
    me = await caller.ask("GET", f"{H}/me", contract.OWN_USER)
    assert me["user"]
    users = await caller.ask("GET", f"{H}/users", contract.page(contract.CONNECTED_USER))
    assert len(users["items"]) == 1
    await caller.ask("DELETE", f"{H}/me", contract.OWN_USER)


async def campaign(caller: Caller) -> None:
    found = await caller.ask("GET", f"{E}/campaigns", contract.page(contract.CAMPAIGN))
    assert found["items"]
    body = {"campaign_id": caller.campaign_id}
    await caller.ask("POST", f"{E}/campaign/validate", contract.VALIDATED, body=body)
    problem = await caller.ask("GET", f"{E}/campaign", contract.PROBLEM, status=404)
    assert problem["code"] == "CampaignNotLinked"
    nowhere = {"campaign_id": "7015g000000KqRs"}
    await caller.ask("POST", f"{E}/campaign/validate", contract.PROBLEM, body=nowhere, status=400)
    await caller.ask("PUT", f"{E}/campaign", contract.INVALID, body={}, status=422)
    link = await caller.ask(
        "PUT", f"{E}/campaign", contract.LINK, body={**body, "statuses": STATUSES}, status=201
    )
    assert link["backfill"]
    await caller.ask("POST", f"{H}/backfill", contract.HOST_BACKFILL, body={}, status=202)
    await caller.write()
    await caller.ask("GET", f"{E}/campaign", contract.LINK)


async def monitor(caller: Caller) -> None:
    await caller.registers("waiting")
    stats = await caller.ask("GET", f"{E}/stats", contract.STATS)
    assert (stats["counts"]["synced"], stats["counts"]["failed"], stats["counts"]["pending"]) == (1, 1, 1)
    assert stats["groups"]
    assert stats["backfill"]
    assert stats["budget"]
    await caller.ask("GET", f"{E}/check-ins", contract.CHECK_INS)
    rows = await caller.ask("GET", f"{E}/registrations", contract.page(contract.ROW, matched=NUMBER))
    assert len(rows["items"]) == 3
    written = await caller.ask("GET", GOOD, contract.ROW)
    assert written["person"] and written["activities"] and written["member"] and written["parts"]  # noqa: PT018
    assert (await caller.ask("GET", BAD, contract.ROW))["error"]
    who = {"registration_id": written["registration_id"]}
    diagnosis = await caller.ask("POST", f"{H}/diagnosis", contract.DIAGNOSIS, body=who)
    assert diagnosis["findings"][0]["person"]
    assert diagnosis["findings"][0]["event"]
    for path in (GOOD, BAD):
        history = await caller.ask("GET", f"{path}/history", contract.page(contract.HISTORY_ENTRY))
        assert history["items"][0]["requests"]
    for path in (GOOD, WAITING):
        dry_run = await caller.ask("GET", f"{path}/dry-run", contract.DRY_RUN)
        assert dry_run["activities"]
    many = {"filter": {"all": True}, "dry_run": True}
    await caller.ask("POST", f"{E}/retry", contract.RETRIED, body=many, status=202)
    retried = await caller.ask("POST", f"{BAD}/retry", contract.RETRIED, status=202)
    assert retried["row"]
    await caller.ask("POST", f"{E}/verify", contract.VERIFICATION, status=202)
    await caller.ask("GET", f"{E}/verify", contract.VERIFICATION)
    await caller.ask("POST", f"{E}/repair", contract.RETRIED, body={"all": True}, status=202)
    await caller.ask("POST", f"{E}/pause", contract.STATS)
    await caller.ask("POST", f"{E}/resume", contract.STATS)


async def host(caller: Caller) -> None:
    await caller.ask("POST", f"{GOOD}/exclude", contract.ROW)
    await caller.ask("POST", f"{GOOD}/include", contract.ROW)
    await caller.ask("GET", f"{H}/settings", contract.SETTINGS)
    chosen_settings = {
        "exclusions": {"domains": ["dry.example"], "addresses": ["a@b.example"], "ticket_kinds": ["staff"]}
    }
    await caller.ask("PUT", f"{H}/settings", contract.SETTINGS, body=chosen_settings)
    await caller.ask("GET", f"{E}/settings", contract.EVENT_SETTINGS)
    await caller.ask("PUT", f"{E}/settings", contract.EVENT_SETTINGS, body={"writes": {"task": False}})
    await caller.ask("PUT", f"{E}/settings", contract.EVENT_SETTINGS, body={"writes": {"task": None}})
    await caller.ask("GET", f"{H}/events", contract.page(contract.EVENT_ROW))
    for_all = {"all": True, "set": {"writes": {"task": False}}}
    await caller.ask("PUT", f"{H}/events", contract.EVENTS_CHANGED, body=for_all)
    await caller.ask("POST", f"{H}/pause", contract.CARD)
    await caller.ask("POST", f"{H}/resume", contract.CARD)
    log = await caller.ask("GET", f"{H}/audit", contract.page(contract.DEED))
    assert log["items"]
    payload = {"host": {"id": "host_a"}, "event": UPCOMING, "registration": registration(id="reg_imported")}
    lines = f"{json.dumps(payload)}\n{{}}\n"
    kind = {"content-type": "application/x-ndjson"}
    answer = await caller.service.http.post("/v1/imports/registrations", content=lines, headers=kind)
    for line in answer.text.splitlines():
        assert misfits(contract.LINE, json.loads(line)) == []


async def operations(caller: Caller) -> None:
    await caller.write()
    assert (await caller.ask("GET", "/ops/overview", contract.OVERVIEW))["budgets"]
    jobs = await caller.ask("GET", "/ops/jobs?host_id=host_a", contract.page(contract.JOB))
    assert jobs["items"]
    of_host = {"filter": {"host_id": "host_a"}}
    for path in ("/ops/jobs/retry", "/ops/jobs/discard"):
        assert (await caller.ask("POST", path, contract.ACTED, body=of_host))["sample"]
    org_id = jobs["items"][0]["org_id"]
    for path in ("/ops/hosts/host_a", f"/ops/orgs/{org_id}"):
        for act in ("pause", "resume"):
            await caller.ask("POST", f"{path}/{act}", contract.ACTED, body={"dry_run": False})
    assert (await caller.ask("GET", "/ops/leases", contract.page(contract.LEASE)))["items"]
    await caller.ask("POST", f"/ops/leases/{org_id}/release", contract.ACTED, body={})
    orgs = contract.page(contract.ORG_LINE, total=NUMBER, as_of=TIME)
    assert (await caller.ask("GET", "/ops/orgs", orgs))["items"]
    await caller.ask("GET", "/ops/flow", contract.FLOW)
    events = await caller.ask("GET", "/ops/hosts/host_a/events", contract.page(contract.EVENT_OF_HOST))
    assert events["items"]
    row = f"/ops/hosts/host_a/registrations/{jobs['items'][0]['registration_id']}/attempts"
    assert (await caller.ask("GET", row, contract.page(contract.RUN)))["items"]
    deliveries = await caller.ask("GET", "/ops/deliveries?host_id=host_a", contract.page(contract.DELIVERY))
    assert deliveries["items"]
    assert (await caller.ask("POST", "/ops/deliveries/replay", contract.REPLAYED, body=of_host))["sample"]
    await caller.ask("GET", "/ops/notifications?state=pending", contract.page(contract.NOTIFICATION))
    await caller.ask("POST", "/ops/notifications/replay", contract.NOTIFIED, body=of_host)
    await caller.ask("POST", "/ops/notifications/enable", contract.NOTIFIED, body={})
    log = await caller.ask("GET", "/ops/audit", contract.page({"host_id": TEXT} | contract.DEED))
    assert log["items"]
    await caller.ask("POST", "/ops/audit/verify", contract.VERIFIED)


async def ends(caller: Caller) -> None:
    await caller.ask("DELETE", f"{E}/backfill", contract.BACKFILL)
    await caller.ask("POST", f"{E}/backfill", contract.BACKFILL, body={"why": "request"}, status=202)
    erase = {"attendee": {"email": "good@otter.example"}}
    erased = await caller.ask(
        "POST", "/v1/hosts/host_a/attendees/erase", contract.ERASED, body=erase, status=202
    )
    assert erased["salesforce_records"]
    row = await caller.ask("GET", GOOD, contract.ROW)
    assert row["is_erased"]
    await caller.ask("DELETE", f"{E}/campaign", contract.UNLINKED)
    await caller.ask(
        "POST", f"{E}/campaign/create", contract.LINK | {"campaign": contract.UNMADE}, body={}, status=201
    )
    card = await caller.ask("POST", f"{H}/disconnect", contract.CARD, body={"confirm": True})
    assert card["reason"]
