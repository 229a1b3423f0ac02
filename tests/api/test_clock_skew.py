"""A process whose clock differs from the database's reports it and is not ready; nothing else changes."""

import logging
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from app.config.settings import Settings
from app.infrastructure.clock_skew import SKEW_SECONDS_MAX, Skew
from app.infrastructure.database import Database
from app.infrastructure.log_limit import LogLimit
from tests.api.service import caller, running
from tests.scraped import scraped
from workers.periodic_tasks import PERIODIC_TASKS


@pytest.fixture(autouse=True)
def unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    """No line is held back for one of another test."""
    monkeypatch.setattr(
        "app.infrastructure.clock_skew.limit", LogLimit(logging.getLogger("app.infrastructure.clock_skew"))
    )


def skew(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr("app.infrastructure.clock_skew.own_time", lambda: time.time() + seconds)


@pytest.fixture
async def client(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with running(settings) as app, caller(app) as client:
        yield client


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(600, "600 s ahead of the database's"), (-75, "75 s behind the database's")],
    ids=["ahead", "behind"],
)
async def test_a_clock_beyond_a_minute_is_not_ready_and_in_the_log(
    client: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    seconds: float,
    expected: str,
) -> None:
    skew(monkeypatch, seconds)
    answers = [await client.get("/readyz") for _ in range(3)]
    assert {(answer.status_code, answer.json()["checks"]["clock"]) for answer in answers} == {(503, expected)}
    assert (await client.get("/livez")).status_code == 200
    [line] = [record for record in caplog.records if record.message == "clock_skewed"]
    assert vars(line)["fault"] == expected


async def test_a_clock_within_a_minute_is_ready(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    skew(monkeypatch, 55)
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["clock"]) == (200, "ok")


@pytest.mark.parametrize("seconds", [0, 42, -600])
async def test_the_gauge_says_how_far(
    database: Database, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    skew(monkeypatch, seconds)
    found = await scraped(database)
    assert found["clock_skew_seconds"] == pytest.approx(seconds, abs=3)


async def test_a_worker_says_it_too(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    skew(monkeypatch, -600)
    [chore] = [chore for chore in PERIODIC_TASKS if chore.name == "clock"]
    async with running(settings) as app:
        await chore.run(app.state.resources)
    [line] = [record for record in caplog.records if record.message == "clock_skewed"]
    assert vars(line)["fault"] == "600 s behind the database's"


def test_a_slow_answer_is_no_skew() -> None:
    assert Skew(SKEW_SECONDS_MAX + 1, uncertain=1.5).fault is None
    assert Skew(-SKEW_SECONDS_MAX - 2, uncertain=1.5).fault is not None
