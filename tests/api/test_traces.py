"""One trace from a webhook over its job to the calls to Salesforce; nothing of a person in it."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from sqlalchemy import text

from app.connections.service import open_client
from app.salesforce.ids import to18
from app.sync.engine.drain import drain
from app.sync.engine.org_drain import DrainContext
from salesforce_simulator.faults import Fault
from tests.api.conftest import Service
from tests.api.secret_search import logging_into
from tests.api.test_request_log import lines_of
from tests.deliveries import post, registration, webhook
from tests.spans import Collected, collected_spans, linked, parent_of, told, trace_id

SENDER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CONTEXTS = text("SELECT registration_id, trace_context FROM sync_jobs ORDER BY registration_id")


@pytest.fixture
def spans() -> Iterator[Collected]:
    with collected_spans() as spans:
        yield spans


@pytest.fixture
async def connected(service: Service) -> Service:
    await service.connect()
    return service


async def send(service: Service, *ids: str, **attendee: Any) -> None:
    """Webhooks that come at once, for a registration each."""
    await asyncio.gather(
        *(
            post(service.http, webhook(registration=registration(id=each, attendee=attendee)), f"msg_{each}")
            for each in ids
        )
    )


async def drained(service: Service) -> None:
    resources = service.resources

    async def opener(host_id: str, *, before_send: Callable[[], None], **read: Any) -> Any:
        return await open_client(resources, host_id, before_send=before_send, **read)

    context = DrainContext(
        resources.database, resources.settings, opener, "worker_traced", resources.settings.hash_pepper
    )
    org_id = to18(service.simulator.simulator.default_org.id)
    await drain(context, org_id, stop=asyncio.Event())


async def contexts(service: Service) -> dict[str, str | None]:
    async with service.resources.database.system() as session:
        return {row.registration_id: row.trace_context for row in await session.execute(CONTEXTS)}


async def test_one_trace_from_the_webhook_over_its_job_to_salesforce(
    connected: Service, spans: Collected
) -> None:
    answer = await post(connected.http, webhook(), headers={"traceparent": SENDER})
    assert answer.status_code == 202
    await drained(connected)
    hook, written = spans.one("webhook"), spans.one("record_deliveries")
    job, batch, drain_span = spans.one("job"), spans.one("batch"), spans.one("drain")
    calls = [span for span in spans.named("salesforce") if parent_of(span) == batch.context.span_id]
    assert {trace_id(each) for each in (hook, written, job, batch, *calls)} == {SENDER.split("-")[1]}
    assert f"{parent_of(hook):016x}" == SENDER.split("-")[2]
    assert parent_of(written) == parent_of(job) == hook.context.span_id
    assert parent_of(batch) == job.context.span_id
    assert trace_id(drain_span) != trace_id(hook)
    kinds = [told(call, "call") for call in calls]
    assert "composite" in kinds
    assert all(told(call, "outcome") == "ok" for call in calls)
    assert sum(told(call, "rows") for call in calls) >= 2
    assert told(job, "registration_id") == "reg_1"
    assert told(job, "synced") == 1


async def test_batch_of_many_has_links_to_their_traces_and_they_to_it(
    connected: Service, spans: Collected
) -> None:
    ids = [f"reg_{number}" for number in range(5)]
    await send(connected, *ids)
    await drained(connected)
    hooks, batch, jobs = spans.named("webhook"), spans.one("batch"), spans.named("job")
    assert linked(batch) == {hook.context.span_id for hook in hooks}
    assert parent_of(batch) == spans.one("drain").context.span_id
    assert {parent_of(job) for job in jobs} == linked(batch)
    assert {trace_id(job) for job in jobs} == {trace_id(hook) for hook in hooks}
    assert [linked(job) for job in jobs] == [{batch.context.span_id}] * 5
    assert {told(job, "state") for job in jobs} == {"synced"}


async def test_job_keeps_the_newest_context_until_it_has_ended(connected: Service, spans: Collected) -> None:
    await post(connected.http, webhook(), "msg_1")
    later = webhook(registration=registration(version=2, attendee={"company": "Otters United"}))
    await post(connected.http, later, "msg_2")
    newest = spans.named("webhook")[-1]
    kept = (await contexts(connected))["reg_1"]
    assert kept is not None
    assert kept.split("-")[1:3] == [trace_id(newest), f"{newest.context.span_id:016x}"]
    await drained(connected)
    assert await contexts(connected) == {"reg_1": None}


async def test_sampled_webhook_leads_on_where_the_worker_samples_nothing(connected: Service) -> None:
    with collected_spans():
        await send(connected, "reg_1", "reg_2")
    with collected_spans(ParentBased(ALWAYS_OFF)) as spans:
        await drained(connected)
    assert spans.named("drain") == []
    assert parent_of(spans.one("batch")) is None
    assert len(spans.named("job")) == 2
    assert spans.named("salesforce") != []


async def test_nothing_is_kept_of_what_is_not_sampled(connected: Service) -> None:
    with collected_spans(ParentBased(ALWAYS_OFF)) as spans:
        await send(connected, "reg_1")
        assert await contexts(connected) == {"reg_1": None}
    assert spans.text == ""


async def test_nothing_is_kept_where_nobody_collects(connected: Service) -> None:
    await post(connected.http, webhook(), headers={"traceparent": SENDER})
    assert await contexts(connected) == {"reg_1": None}


async def test_unsigned_request_makes_no_span(connected: Service, spans: Collected) -> None:
    forged = b"a-forged-key-of-the-right-length"
    await post(connected.http, webhook(), key=forged, headers={"traceparent": SENDER})
    assert spans.named("webhook") == []


async def test_request_of_the_api_is_a_span_around_its_calls(service: Service, spans: Collected) -> None:
    await service.connect()
    await service.http.get("/livez")
    returned = spans.one("GET /oauth/salesforce/callback")
    calls = [call for call in spans.named("salesforce") if parent_of(call) == returned.context.span_id]
    assert "token" in {told(call, "call") for call in calls}
    attributes: dict[str, Any] = dict(returned.attributes or {})
    assert 200 <= attributes["http.response.status_code"] < 400
    assert spans.named("GET /livez") == []


async def test_nothing_of_a_person_or_of_an_address_is_in_a_span(
    connected: Service, spans: Collected
) -> None:
    canaries = {"email": "canary.otter@otter.example", "last_name": "Canaryotter", "company": "Canaria Ltd"}
    org = connected.simulator.simulator.default_org
    await send(connected, "reg_1", "reg_2", **canaries)
    org.grants.expire_all()
    await drained(connected)
    echo = Fault.model_validate({"kind": "error", "status": 500, "message": f"cannot save {canaries}"})
    connected.simulator.simulator.faults.add(echo)
    await send(connected, "reg_3", **canaries)
    await drained(connected)
    exported = spans.text.lower()
    assert told(spans.named("salesforce")[-1], "outcome") != "ok"
    assert "reg_3" in exported
    tokens = [token for grant in org.grants for token in (grant.refresh_token, *grant.access_tokens)]
    forbidden = [*canaries.values(), *tokens, "/services/", "select ", "http://", "https://"]
    assert [each for each in forbidden if each.lower() in exported] == []


async def test_log_leads_from_a_webhook_to_its_batch_and_trace(
    connected: Service, spans: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    with logging_into(monkeypatch) as log:
        await send(connected, "reg_1", "reg_2")
        connected.app.state.intake._recorded.flush()
        await drained(connected)
    recorded, *_ = lines_of(log.getvalue(), event="deliveries_recorded")
    assert sorted(recorded["webhooks"].split()) == ["msg_reg_1=host_a/reg_1", "msg_reg_2=host_a/reg_2"]
    assert (recorded["count"], recorded["accepted"]) == (2, 2)
    [ended] = lines_of(log.getvalue(), event="batch_ended")
    assert sorted(ended["registrations"].split()) == ["reg_1", "reg_2"]
    assert (ended["jobs"], ended["synced"], ended["host_id"]) == (2, 2, "host_a")
    calls = lines_of(log.getvalue(), event="salesforce_call", batch_id=ended["batch_id"])
    assert len(calls) == ended["calls"]
    assert {(call["org_id"], call["drain_id"]) for call in calls} == {(ended["org_id"], ended["drain_id"])}
    assert {call["trace_id"] for call in calls} == {trace_id(spans.one("batch"))}
    assert "example" not in json.dumps([recorded, ended, *calls])


async def test_many_attendees_are_few_lines(connected: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    connected.app.state.intake._recorded.flush()
    with logging_into(monkeypatch) as log:
        await send(connected, *(f"reg_{number}" for number in range(60)))
        connected.app.state.intake._recorded.flush()
        await drained(connected)
    lines = [line for line in lines_of(log.getvalue()) if line["level"] != "debug"]
    assert len(lines) < 20
    [ended, *_] = lines_of(log.getvalue(), event="batch_ended")
    assert len(ended["registrations"].split()) == 10
