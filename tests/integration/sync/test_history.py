"""Every run leaves what was sent and what came back, for this registration alone, and nothing once erased."""

import json
from datetime import timedelta
from typing import Any

from sqlalchemy import event, select, text, update

from app.models import Registration, SyncAttempt
from app.sync.jobs.enqueue import JobRequest, enqueue_jobs
from tests.factories import NOW
from tests.integration.sync.conftest import EVENT, HOST, Rig


async def attempts(rig: Rig, registration_id: str) -> list[SyncAttempt]:
    async with rig.database.system() as session:
        query = select(SyncAttempt).where(SyncAttempt.registration_id == registration_id)
        return list(await session.scalars(query.order_by(SyncAttempt.at)))


def sent(attempt: SyncAttempt) -> list[tuple[str, str]]:
    """Method and object of each request."""
    return [(each["method"], _record(each)[0]) for each in attempt.requests]


def _record(request: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    body = request["body"]
    if "records" not in body:
        return request["path"].rpartition("/")[2], body
    [record] = body["records"]
    return record["attributes"]["type"], record


async def test_a_lone_attendees_records_are_kept_as_they_were_sent(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    reg = await rig.registered(1)
    await rig.drain()
    [attempt] = await attempts(rig, reg)
    assert (attempt.kind, attempt.reason, attempt.requested_by, attempt.outcome) == (
        "registered", "live", None, "synced",
    )  # fmt: skip
    assert sorted(sent(attempt)) == [("POST", "CampaignMember"), ("POST", "Lead"), ("POST", "Task")]
    [lead] = await rig.records("Lead")
    assert _record(attempt.requests[0])[1]["Email"] == "otter1@example.com"
    assert attempt.requests[0]["path"] == "/services/data/v62.0/sobjects/Lead"
    assert [each["success"] for each in attempt.responses] == [True, True, True]
    assert attempt.responses[0]["id"] == lead["Id"]


async def test_each_of_a_batch_has_its_own_records_only(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    regs = [await rig.registered(number) for number in range(5)]
    await rig.drain()
    for number, reg in enumerate(regs):
        [attempt] = await attempts(rig, reg)
        assert len(attempt.requests) == len(attempt.responses) == 3
        requests_text = json.dumps(attempt.requests)
        assert [other for other in range(5) if f"otter{other}@example.com" in requests_text] == [number]


async def test_refusal_keeps_salesforces_own_words(rig: Rig) -> None:
    reg = await rig.registered(1)
    await rig.org.fault(
        "row_error",
        match={"sobject": "Task"},
        error_code="FIELD_CUSTOM_VALIDATION_EXCEPTION",
        message="Completed tasks need a result",
    )
    await rig.drain()
    [attempt] = await attempts(rig, reg)
    assert attempt.outcome == "failed"
    [error] = attempt.responses[-1]["errors"]
    assert (error["error_code"], error["message"]) == (
        "FIELD_CUSTOM_VALIDATION_EXCEPTION", "Completed tasks need a result",
    )  # fmt: skip
    assert attempt.error is not None
    assert attempt.error["error_code"] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"


async def test_lost_answer_is_shown_as_lost_with_the_lookup_that_found_it(rig: Rig) -> None:
    reg = await rig.registered(1)
    await rig.org.fault("reset_after_write", match={"is_write": True})
    await rig.drain()
    await rig.pass_time(1000)
    await rig.drain()
    first, *_, last = await attempts(rig, reg)
    assert (first.outcome, first.responses[-1]["is_lost"], first.responses[-1]["success"]) == (
        "ambiguous", True, None,
    )  # fmt: skip
    assert last.outcome == "synced"
    assert ("POST", "Lead") not in sent(last)


async def test_retry_says_who_asked(rig: Rig) -> None:
    reg = await rig.registered(1)
    await rig.drain()
    async with rig.database.system() as session:
        await enqueue_jobs(
            session, [JobRequest(HOST, reg, EVENT, rig.org.org_id, reason="retry", requested_by="user_17")]
        )
    await rig.drain()
    _, retried = await attempts(rig, reg)
    assert (retried.reason, retried.requested_by, retried.outcome, retried.requests) == (
        "retry", "user_17", "synced", [],
    )  # fmt: skip


async def test_check_in_is_an_attempt_of_its_own(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    reg = await rig.registered(1)
    await rig.drain()
    await rig.change(reg, checked_in_at=NOW + timedelta(hours=1))
    await rig.drain()
    _, second = await attempts(rig, reg)
    assert second.kind == "checked_in"
    assert sorted(sent(second)) == [("PATCH", "CampaignMember"), ("POST", "Task")]


async def test_run_that_reached_nobody_leaves_no_trace(rig: Rig) -> None:
    reg = await rig.registered(1)
    await rig.org.configure(api_limit={"max": 1000, "used": 850})
    await rig.drain()
    assert await attempts(rig, reg) == []


async def test_attendee_erased_during_the_call_leaves_no_history(rig: Rig) -> None:
    reg = await rig.registered(1)
    kept = await rig.registered(2)
    async with rig.database.system() as session:
        erased = update(Registration).where(Registration.registration_id == reg).values(erased_at=NOW)
        await session.execute(erased)
    await rig.drain()
    assert (await attempts(rig, reg), len(await attempts(rig, kept))) == ([], 1)


async def test_no_token_is_ever_kept(rig: Rig) -> None:
    await rig.registered(1)
    await rig.drain()
    async with rig.database.system() as session:
        stored = str((await session.execute(text("SELECT sync_attempts::text FROM sync_attempts"))).all())
    secrets = [rig.org.session[name] for name in ("access_token", "refresh_token", "client_secret")]
    assert not [secret for secret in secrets if secret in stored]


async def test_a_batch_of_any_size_costs_one_statement(rig: Rig) -> None:
    statements: list[str] = []

    def listen(*args: Any) -> None:
        statements.append(args[2])

    engine = rig.engine.database._engines[0].sync_engine
    for number in range(50):
        await rig.registered(number)
    event.listen(engine, "before_cursor_execute", listen)
    try:
        await rig.drain()
    finally:
        event.remove(engine, "before_cursor_execute", listen)
    assert len([each for each in statements if "INSERT INTO sync_attempts" in each]) == 1
