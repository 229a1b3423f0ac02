"""Retry: one row or many, what is taken and what is not, who asked, and the Idempotency-Key."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, text, update

from app.database import Database
from app.idempotency import Captured, claim_or_wait
from app.idempotent_answers import Stored, Ticket, claim, keep, purge_answers
from app.models import AuditEntry, Event, IdempotentAnswer, SyncJob
from app.problems import KeyReused
from app.settings import Settings
from app.vault import Vault
from tests.api.service import caller, running
from tests.factories import NOW
from tests.integration.monitor.stage import (
    EVENT_ID,
    RULE,
    add,
    in_hours,
    job,
    link,
    registration,
    save,
    set_stage,
    simple,
)
from tests.tokens import TokenMint

E = f"/v1/hosts/host_a/events/{EVENT_ID}/salesforce"
ALL = {"filter": {"all": True}}


@pytest.fixture
async def app(settings: Settings, database: Database) -> AsyncIterator[FastAPI]:
    async with running(settings) as app:
        yield app


@pytest.fixture
async def client(app: FastAPI, mint: TokenMint) -> AsyncIterator[httpx.AsyncClient]:
    async with caller(app, mint.headers(hosts={"host_a": "admin"})) as client:
        yield client


async def jobs(database: Database) -> dict[str, SyncJob]:
    async with database.system() as session:
        found = (await session.scalars(select(SyncJob))).all()
    return {each.registration_id: each for each in found}


async def test_failed_row_is_armed_anew_by_the_one_who_asked(
    client: httpx.AsyncClient, database: Database, vault: Vault
) -> None:
    await set_stage(database, vault)
    await add(
        database, simple("r1", "failed", error=RULE, attempts=4, deaths=2, wanted_version=3, priority=10)
    )
    answer = await client.post(f"{E}/registrations/r1/retry")
    body = answer.json()
    assert answer.status_code == 202
    assert {name: body[name] for name in ("dry_run", "matched", "queued", "not_queued", "waiting_for")} == {
        "dry_run": False, "matched": 1, "queued": 1, "not_queued": [], "waiting_for": None,
    }  # fmt: skip
    assert (body["row"]["state"], body["row"]["waiting_for"], body["row"]["can_retry"]) == (
        "pending",
        "queue",
        False,
    )
    after = (await jobs(database))["r1"]
    assert (after.state, after.wanted_version, after.attempts, after.deaths) == ("pending", 4, 0, 0)
    assert (after.why, after.asked_by, after.priority, after.waiting_for) == ("retry", "user_17", 0, None)


SINGLE: dict[str, tuple[dict[str, Any], str | None]] = {
    "failed": ({"state": "failed", "error": RULE}, None),
    "back-off-is-brought-forward": (
        {"state": "pending", "waiting_for": "retry", "due_at": in_hours(1)},
        None,
    ),
    "held": ({"state": "held", "waiting_for": "campaign"}, None),
    "no-match": ({"state": "skipped", "skipped_because": "no_match"}, None),
    "synced-whose-member-may-be-gone": ({"state": "synced"}, None),
    "due": ({"state": "pending"}, "already_pending"),
    "running": ({"state": "running"}, "already_pending"),
    "excluded": ({"state": "skipped", "skipped_because": "excluded"}, "skipped"),
    "ambiguous": ({"state": "ambiguous", "waiting_for": "certainty"}, "ambiguous"),
    "waits-for-certainty": (
        {"state": "pending", "waiting_for": "certainty", "due_at": in_hours(1)},
        "ambiguous",
    ),
}


@pytest.mark.parametrize(("stored", "why_not"), SINGLE.values(), ids=SINGLE.keys())
async def test_single_retry_takes_what_it_may(
    client: httpx.AsyncClient, database: Database, vault: Vault, stored: dict[str, Any], why_not: str | None
) -> None:
    await set_stage(database, vault)
    await add(database, simple("r1", **stored))
    before = (await jobs(database))["r1"]
    answer = (await client.post(f"{E}/registrations/r1/retry")).json()
    after = (await jobs(database))["r1"]
    assert answer["queued"] == (why_not is None)
    assert answer["not_queued"] == ([{"why": why_not, "count": 1}] if why_not else [])
    if why_not:
        assert (after.state, after.wanted_version, after.due_at) == (before.state, 1, before.due_at)
    else:
        assert (after.state, after.wanted_version, after.waiting_for) == ("pending", 2, None)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        pytest.param((registration("r1"), None), "skipped", id="before-the-connection"),
        pytest.param((registration("r1", erased_at=NOW), None), "erased", id="erased-without-a-job"),
        pytest.param((registration("r1", erased_at=NOW), job("r1", "failed")), "erased", id="erased"),
    ],
)
async def test_row_that_nothing_is_written_for_is_not_queued(
    client: httpx.AsyncClient, database: Database, vault: Vault, row: tuple[Any, Any], why: str
) -> None:
    await set_stage(database, vault)
    await add(database, row)
    answer = (await client.post(f"{E}/registrations/r1/retry")).json()
    assert (answer["matched"], answer["not_queued"]) == (1, [{"why": why, "count": 1}])


MANY: dict[str, tuple[dict[str, Any], int, int, list[dict[str, Any]]]] = {
    "all": ({"all": True}, 3, 2, [{"why": "already_pending", "count": 1}]),
    "group": ({"group_id": "g_rule"}, 2, 1, [{"why": "already_pending", "count": 1}]),
    "code": ({"error_code": "STRING_TOO_LONG"}, 1, 1, []),
    "ids": (
        {"registration_ids": ["r1", "r4", "r5", "r6", "r7", "elsewhere"]},
        5,
        1,
        [
            {"why": "already_synced", "count": 1},
            {"why": "ambiguous", "count": 1},
            {"why": "skipped", "count": 2},
        ],
    ),
    "nothing": ({"error_code": "UNHEARD_OF"}, 0, 0, []),
}


@pytest.mark.parametrize("is_dry_run", [False, True], ids=["real", "dry-run"])
@pytest.mark.parametrize(("wanted", "matched", "queued", "not_queued"), MANY.values(), ids=MANY.keys())
async def test_many_are_retried_by_filter(
    client: httpx.AsyncClient,
    database: Database,
    vault: Vault,
    wanted: dict[str, Any],
    matched: int,
    queued: int,
    not_queued: list[dict[str, Any]],
    is_dry_run: bool,
) -> None:
    await set_stage(database, vault)
    too_long = RULE | {"error_code": "STRING_TOO_LONG"}
    await add(
        database,
        simple("r1", "failed", error=RULE),
        simple("r2", "failed", error=too_long, group_id="g_long"),
        simple("r3", "pending", error=RULE),
        simple("r4", "synced"),
        simple("r5", "ambiguous", waiting_for="certainty"),
        simple("r6", "skipped", skipped_because="no_match"),
        (registration("r7"), None),
        (registration("elsewhere", event_id="evt_other"), job("elsewhere", "failed", event_id="evt_other")),
    )
    answer = await client.post(f"{E}/retry", json={"filter": wanted, "dry_run": is_dry_run})
    assert answer.status_code == 202
    assert answer.json() == {
        "dry_run": is_dry_run, "matched": matched, "queued": queued, "not_queued": not_queued,
        "waiting_for": None, "row": None,
    }  # fmt: skip
    armed = [each for each in (await jobs(database)).values() if each.why == "retry"]
    assert len(armed) == (0 if is_dry_run else queued)


@pytest.mark.parametrize(
    "wanted",
    [{}, {"all": False}, {"all": True, "group_id": "g_1"}, {"registration_ids": []}, {"group_id": None}],
    ids=str,
)
async def test_filter_without_exactly_one_member_is_refused(
    client: httpx.AsyncClient, database: Database, vault: Vault, wanted: dict[str, Any]
) -> None:
    await set_stage(database, vault)
    answer = await client.post(f"{E}/retry", json={"filter": wanted})
    assert (answer.status_code, answer.json()["code"]) == (400, "FilterEmpty")


@pytest.mark.parametrize(
    "wanted",
    [
        {"registration_ids": ["r"] * 1001},
        {"registration_ids": ["a b"]},
        {"error_code": "a\0"},
        {"class": "data"},
    ],
    ids=["too-many", "not-an-id", "nul", "unknown-member"],
)
async def test_filter_out_of_shape_is_refused(client: httpx.AsyncClient, wanted: dict[str, Any]) -> None:
    answer = await client.post(f"{E}/retry", json={"filter": wanted})
    assert (answer.status_code, answer.json()["code"]) == (422, "PayloadInvalid")


@pytest.mark.parametrize(
    ("stage", "waiting_for"),
    [
        pytest.param({"connection": {"state": "needs_reconnect"}}, "connection", id="connection"),
        pytest.param({"connection": {"api_closed_until": in_hours(1)}}, "api_budget", id="budget"),
        pytest.param({"is_paused": True}, "pause", id="pause"),
        pytest.param({"link": {"state": "broken"}}, "campaign", id="broken-link"),
        pytest.param({"link": {}}, None, id="link-mended-meanwhile"),
    ],
)
async def test_answer_says_why_queued_rows_do_not_move(
    client: httpx.AsyncClient,
    database: Database,
    vault: Vault,
    stage: dict[str, Any],
    waiting_for: str | None,
) -> None:
    await set_stage(database, vault, **stage.get("connection", {}))
    if "link" in stage:
        await save(database, link(**stage["link"]))
    if "is_paused" in stage:
        async with database.system() as session:
            await session.execute(update(Event).values(paused_at=NOW))
    await add(database, simple("r1", "held", error=RULE, waiting_for="campaign"))
    answer = (await client.post(f"{E}/retry", json=ALL)).json()
    assert (answer["queued"], answer["waiting_for"]) == (1, waiting_for)


async def test_retry_is_in_the_audit_log_and_a_dry_run_is_not(
    client: httpx.AsyncClient, database: Database, vault: Vault
) -> None:
    await set_stage(database, vault)
    await add(database, simple("r1", "failed", error=RULE))
    await client.post(f"{E}/retry", json={"filter": {"group_id": "g_rule"}, "dry_run": True})
    await client.post(f"{E}/retry", json={"filter": {"group_id": "g_rule"}})
    await client.post(f"{E}/registrations/r1/retry")
    async with database.tenant("host_a") as session:
        entries = (await session.scalars(select(AuditEntry).order_by(AuditEntry.seq))).all()
    assert [(each.actor, each.action, each.details) for each in entries] == [
        ("user_17", "salesforce.retry",
         {"event_id": EVENT_ID, "filter": "group_id", "value": "g_rule", "matched": 1, "queued": 1}),
        ("user_17", "salesforce.retry",
         {"event_id": EVENT_ID, "registration_id": "r1", "matched": 1, "queued": 0}),
    ]  # fmt: skip


async def test_same_key_gives_the_first_answer_again(
    client: httpx.AsyncClient, database: Database, vault: Vault
) -> None:
    await set_stage(database, vault)
    await add(database, simple("r1", "failed", error=RULE))
    key = {"Idempotency-Key": "otter-1"}
    first = await client.post(f"{E}/registrations/r1/retry", headers=key)
    again = await client.post(f"{E}/registrations/r1/retry", headers=key)
    assert (again.status_code, again.content) == (202, first.content)
    assert (again.headers["idempotent-replayed"], again.headers["cache-control"]) == ("true", "no-store")
    assert again.headers["content-type"] == first.headers["content-type"]
    assert (await jobs(database))["r1"].wanted_version == 2


async def test_same_key_at_once_is_carried_out_once(
    client: httpx.AsyncClient, database: Database, vault: Vault
) -> None:
    await set_stage(database, vault)
    await add(database, simple("r1", "synced"))
    key = {"Idempotency-Key": "otter-1"}
    answers = await asyncio.gather(
        *(client.post(f"{E}/registrations/r1/retry", headers=key) for _ in range(5))
    )
    assert len({(each.status_code, each.content) for each in answers}) == 1
    assert (await jobs(database))["r1"].wanted_version == 2


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("retry", ALL | {"dry_run": True}, id="other-body"),
        pytest.param("pause", ALL, id="other-path"),
        pytest.param("retry?a=b", ALL, id="other-query"),
    ],
)
async def test_key_of_another_request_is_refused(
    client: httpx.AsyncClient, database: Database, vault: Vault, path: str, body: dict[str, Any]
) -> None:
    await set_stage(database, vault)
    key = {"Idempotency-Key": "otter-1"}
    assert (await client.post(f"{E}/retry", json=ALL, headers=key)).status_code == 202
    answer = await client.post(f"{E}/{path}", json=body, headers=key)
    assert (answer.status_code, answer.json()["code"]) == (409, "KeyReused")


async def test_key_belongs_to_one_user_and_one_host(
    app: FastAPI, client: httpx.AsyncClient, database: Database, vault: Vault, mint: TokenMint
) -> None:
    await set_stage(database, vault)
    await set_stage(database, vault, "host_b")
    key = {"Idempotency-Key": "otter-1"}
    await client.post(f"{E}/pause", headers=key)
    async with caller(app, mint.headers(hosts={"host_a": "owner"}, sub="user_18")) as other_user:
        assert (await other_user.post(f"{E}/pause", headers=key)).status_code == 409
    async with caller(app, mint.headers(hosts={"host_b": "owner"})) as other_host:
        assert (await other_host.post(f"{E}/pause", headers=key)).status_code == 404
        answer = await other_host.post(E.replace("host_a", "host_b") + "/pause", headers=key)
        assert (answer.status_code, "idempotent-replayed" in answer.headers) == (200, False)


async def test_kept_answer_is_given_to_nobody_without_a_right_to_it(
    app: FastAPI, client: httpx.AsyncClient, database: Database, vault: Vault, mint: TokenMint
) -> None:
    await set_stage(database, vault)
    key = {"Idempotency-Key": "otter-1"}
    await client.post(f"{E}/pause", headers=key)
    async with caller(app) as nobody, caller(app, mint.headers(hosts={"host_a": "member"})) as member:
        assert (await nobody.post(f"{E}/pause", headers=key)).status_code == 401
        assert (await member.post(f"{E}/pause", headers=key)).status_code == 403


async def test_kept_answer_is_sealed(client: httpx.AsyncClient, database: Database, vault: Vault) -> None:
    await set_stage(database, vault)
    await add(database, simple("r1", "failed", error=RULE))
    await client.post(f"{E}/registrations/r1/retry", headers={"Idempotency-Key": "otter-1"})
    async with database.system() as session:
        stored = await session.scalar(text("SELECT body::text FROM idempotent_answers"))
    assert "Otter" not in stored
    assert b"r1@otter.example".hex() not in stored


@pytest.mark.parametrize("key", ["with space", "ü", "x" * 256], ids=["space", "not-ascii", "too-long"])
async def test_key_out_of_shape_is_refused(client: httpx.AsyncClient, key: str) -> None:
    answer = await client.post(f"{E}/pause", headers={b"Idempotency-Key": key.encode("latin-1")})
    assert (answer.status_code, answer.json()["code"]) == (422, "PayloadInvalid")


async def test_huge_body_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post(f"{E}/retry", content=b" " * 1_048_577, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["code"]) == (413, "BodyTooLarge")


async def test_refusal_is_an_answer_too(client: httpx.AsyncClient, database: Database, vault: Vault) -> None:
    key = {"Idempotency-Key": "otter-1"}
    first = await client.post(f"{E}/pause", headers=key)
    await set_stage(database, vault)
    again = await client.post(f"{E}/pause", headers=key)
    assert (first.status_code, again.content) == (404, first.content)


async def test_key_is_free_again_after_a_fault_of_ours(
    client: httpx.AsyncClient, database: Database, vault: Vault
) -> None:
    await set_stage(database, vault)
    await add(database, simple("r1", "synced"), simple("broken", "failed"))
    async with database.system() as session:
        await session.execute(
            update(SyncJob).where(SyncJob.registration_id == "broken").values(warnings=["not one"])
        )
    key = {"Idempotency-Key": "otter-1"}
    assert (await client.post(f"{E}/registrations/broken/retry", headers=key)).status_code == 500
    assert (await client.post(f"{E}/registrations/r1/retry", headers=key)).status_code == 202


async def test_request_that_is_still_under_way_is_waited_for_only_so_long(
    app: FastAPI, database: Database
) -> None:
    resources = app.state.resources
    assert isinstance(await claim_or_wait(resources, "host_a", key="k", digest=b"1"), Ticket)
    with pytest.raises(KeyReused) as refused:
        await claim_or_wait(resources, "host_a", key="k", digest=b"1", wait_seconds=-1)
    assert (refused.value.reason, refused.value.headers) == ("under_way", {"Retry-After": "5"})


async def test_key_without_a_database_is_refused_as_unavailable(settings: Settings, mint: TokenMint) -> None:
    away = settings.model_copy(update={"database_url": "postgresql+asyncpg://owner@127.0.0.1:1/postgres"})
    headers = mint.headers(hosts={"host_a": "owner"}) | {"Idempotency-Key": "k"}
    async with running(away) as app, caller(app, headers) as client:
        answer = await client.post(f"{E}/pause")
    assert (answer.status_code, answer.json()["code"]) == (503, "DatabaseUnavailable")
    assert answer.headers["retry-after"] == "5"


async def test_answer_that_depends_on_the_moment_is_not_kept(
    client: httpx.AsyncClient, database: Database, vault: Vault
) -> None:
    key = {"Idempotency-Key": "otter-1"}
    unsupported = await client.post(f"{E}/nothing-here", headers=key)
    assert unsupported.status_code == 404
    async with database.system() as session:
        assert len((await session.scalars(select(IdempotentAnswer))).all()) == 1
    assert not Captured(status=429).is_kept
    assert not Captured(status=503).is_kept
    assert not Captured(status=200, headers=((b"content-type", b"text/csv"),)).is_kept
    assert Captured(status=202).is_kept


async def test_abandoned_and_old_keys_are_taken_over_and_purged(database: Database) -> None:
    first = await claim(database, "host_a", key="k", digest=b"1")
    assert isinstance(first, Ticket)
    assert await claim(database, "host_a", key="k", digest=b"1") is None
    with pytest.raises(KeyReused):
        await claim(database, "host_a", key="k", digest=b"2")
    await _grow_older(database, "6 minutes")
    second = await claim(database, "host_a", key="k", digest=b"2")
    assert isinstance(second, Ticket)
    await keep(database, first, status=200, sealed="from the one that died")
    assert await claim(database, "host_a", key="k", digest=b"2") is None
    await keep(database, second, status=200, sealed="sealed")
    await _grow_older(database, "23 hours")
    assert await claim(database, "host_a", key="k", digest=b"2") == Stored(200, "sealed")
    assert await purge_answers(database) == 0
    await _grow_older(database, "2 hours")
    assert isinstance(await claim(database, "host_a", key="k", digest=b"3"), Ticket)
    await _grow_older(database, "25 hours")
    assert await purge_answers(database) == 1


async def _grow_older(database: Database, by: str) -> None:
    async with database.system() as session:
        await session.execute(
            update(IdempotentAnswer).values(created_at=IdempotentAnswer.created_at - text(f"interval '{by}'"))
        )
