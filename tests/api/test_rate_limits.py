"""Rate limits: Retry-After for callers that ask too often, and no effect on other callers."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from functools import partial

import httpx
import pytest
from fastapi import FastAPI

from app import main
from app.api import error_handlers
from app.api.edge import rate_limits
from app.api.edge.rate_limits import ALLOWANCES, Allowances
from app.api.edge.refusal_rate import A_SECOND, AT_ONCE, Pace
from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.infrastructure.log_limit import LogLimit
from app.metrics import REGISTRY
from app.registrations import export
from app.registrations.export import export_rows
from app.registrations.listing import RowQuery
from tests.api.service import caller, running
from tests.integration.registrations.sample_event import EVENT_ID, add, add_connected_host, simple
from tests.tokens import TokenMint

E = f"/v1/hosts/host_a/events/{EVENT_ID}/salesforce"
EXPORT = next(each for each in ALLOWANCES if each.kind == "export")


@pytest.fixture
async def app(
    settings: Settings, database: Database, vault: Encryptor, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[FastAPI]:
    timeless = partial(Allowances, clock=lambda: 1000.0)
    middleware = tuple(timeless if each is Allowances else each for each in main.MIDDLEWARE)
    monkeypatch.setattr(main, "MIDDLEWARE", middleware)
    await add_connected_host(database, vault)
    await add(database, simple("r1", "synced"))
    async with running(settings) as app:
        yield app


def by(mint: TokenMint, user: str, **hosts: str) -> dict[str, str]:
    return mint.headers(sub=user, hosts=hosts or {"host_a": "member"})


async def statuses(client: httpx.AsyncClient, path: str, times: int) -> list[int]:
    return [(await client.get(path)).status_code for _ in range(times)]


async def test_user_beyond_the_rate_limit_receives_retry_after(app: FastAPI, mint: TokenMint) -> None:
    async with caller(app, by(mint, "one")) as one, caller(app, by(mint, "two")) as two:
        assert await statuses(one, f"{E}/registrations.csv", EXPORT.of_user) == [200] * EXPORT.of_user
        answer = await one.get(f"{E}/registrations.csv")
        assert (answer.status_code, answer.json()["code"]) == (429, "TooManyRequests")
        assert (answer.json()["reason"], answer.headers["retry-after"]) == ("export", "10")
        assert await statuses(two, f"{E}/registrations.csv", 1) == [200]
        assert await statuses(one, f"{E}/stats", 2) == [200, 200]


async def test_host_has_an_allowance_beside_its_users(app: FastAPI, mint: TokenMint) -> None:
    for number in range(EXPORT.of_host // EXPORT.of_user):
        async with caller(app, by(mint, f"user_{number}")) as client:
            assert set(await statuses(client, f"{E}/registrations.csv", EXPORT.of_user)) == {200}
    async with caller(app, by(mint, "another")) as client:
        assert await statuses(client, f"{E}/registrations.csv", 1) == [429]


async def test_stranger_uses_nothing_of_a_hosts_allowance(app: FastAPI, mint: TokenMint) -> None:
    async with caller(app, by(mint, "stranger", host_b="owner")) as stranger, caller(app) as nobody:
        assert set(await statuses(stranger, f"{E}/registrations.csv", 20)) == {404}
        assert set(await statuses(nobody, f"{E}/registrations.csv", 20)) == {401}
    async with caller(app, by(mint, "one")) as one:
        assert await statuses(one, f"{E}/registrations.csv", 1) == [200]


async def test_one_export_of_a_host_at_a_time(app: FastAPI, mint: TokenMint) -> None:
    async with caller(app, by(mint, "one")) as one, caller(app, by(mint, "two")) as two:
        answers = await asyncio.gather(*(each.get(f"{E}/registrations.csv") for each in (one, two)))
        assert sorted(each.status_code for each in answers) == [200, 429]
        refused = next(each for each in answers if each.status_code == 429)
        assert refused.headers["retry-after"] == "2"
        assert await statuses(two, f"{E}/registrations.csv", 1) == [200]


async def test_requests_of_one_user_at_once_are_bounded(
    app: FastAPI, mint: TokenMint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limits, "UNDER_WAY_MAX", 3)
    async with caller(app, by(mint, "one")) as one:
        answers = await asyncio.gather(*(one.get(f"{E}/stats") for _ in range(8)))
        assert sorted(each.status_code for each in answers) == [200] * 3 + [429] * 5
        assert await statuses(one, f"{E}/stats", 1) == [200]


async def test_whoever_is_kept_out_is_counted_and_logged_once_a_minute(
    app: FastAPI, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(error_handlers, "limit", LogLimit(error_handlers.log))
    before = REGISTRY.get_sample_value("access_refusals_total", {"code": "TokenInvalid"}) or 0
    with caplog.at_level(logging.WARNING, logger="app.api.error_handlers"):
        async with caller(app, {"Authorization": "Bearer a.b.c"}) as client:
            assert set(await statuses(client, f"{E}/stats", 50)) == {401}
    counted = REGISTRY.get_sample_value("access_refusals_total", {"code": "TokenInvalid"})
    assert counted == before + 50
    assert len([each for each in caplog.records if each.getMessage() == "access_refused"]) == 1


async def test_bodies_that_one_user_is_still_sending_count(
    app: FastAPI, mint: TokenMint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limits, "UNDER_WAY_MAX", 3)
    begun, rest = asyncio.Semaphore(0), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        begun.release()
        await rest.wait()
        yield b"}"

    async with caller(app, by(mint, "one", host_a="owner")) as one:
        sending = [asyncio.create_task(one.put(f"{E}/mapping", content=slow())) for _ in range(3)]
        async with asyncio.timeout(10):
            for _ in sending:
                await begun.acquire()
            assert await statuses(one, f"{E}/stats", 1) == [429]
            rest.set()
            assert 429 not in [answer.status_code for answer in await asyncio.gather(*sending)]
        assert await statuses(one, f"{E}/stats", 1) == [200]


async def test_slow_reader_of_an_export_holds_up_no_other_hosts(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "PAGE", 1)
    resources, query = app.state.resources, RowQuery()
    first, second = (
        export_rows(resources.database, "host_a", EVENT_ID, query, resources.export_turn) for _ in range(2)
    )
    async with asyncio.timeout(5):
        assert b"r1" in await anext(first)
        assert b"r1" in b"".join([chunk async for chunk in second])
    assert not resources.export_turn.locked()


async def test_exports_take_turns(app: FastAPI) -> None:
    resources = app.state.resources
    await resources.export_turn.acquire()
    chunks = export_rows(resources.database, "host_a", EVENT_ID, RowQuery(), resources.export_turn)
    waiting = asyncio.ensure_future(anext(chunks))
    done, _ = await asyncio.wait([waiting], timeout=0.3)
    assert not done
    resources.export_turn.release()
    assert b"r1" in await waiting


async def test_webhook_with_a_bad_signature_is_counted(app: FastAPI) -> None:
    before = REGISTRY.get_sample_value("access_refusals_total", {"code": "SignatureInvalid"}) or 0
    async with caller(app) as client:
        assert (await client.post("/webhooks/eventship", json={})).status_code == 401
    assert REGISTRY.get_sample_value("access_refusals_total", {"code": "SignatureInvalid"}) == before + 1


async def test_refusals_beyond_a_rate_wait_and_others_do_not(app: FastAPI, mint: TokenMint) -> None:
    app._pace = pace = Pace(lambda: 1000.0)  # type: ignore[attr-defined]
    wait = max(pace.wait() for _ in range(AT_ONCE + 10 * A_SECOND))
    async with caller(app) as stranger, caller(app, by(mint, "one")) as one:
        begun = time.monotonic()
        refused = asyncio.create_task(stranger.get(f"{E}/stats"))
        assert (await one.get(f"{E}/stats")).status_code == 200
        assert not refused.done()
        assert (await refused).status_code == 401
        assert time.monotonic() - begun >= wait
