"""Two browsers' live streams over real processes: what the database holds, whatever is restarted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.config.settings import Settings
from app.infrastructure.database import Database
from tests.deliveries import post, registration, webhook
from tests.integration.live.streams import read_event
from tests.processes import Processes
from tests.tokens import TokenMint

EVENT = "evt_otters"
E = f"/v1/hosts/host_a/events/{EVENT}/salesforce"
H = "/v1/hosts/host_a/salesforce"
WITHIN_SECONDS = 30.0
COUNTS = text("""
    SELECT count(*) AS total,
           count(*) FILTER (WHERE state = 'synced') AS synced,
           count(*) FILTER (WHERE state IN ('pending', 'running', 'ambiguous', 'held')) AS pending,
           count(*) FILTER (WHERE state = 'failed') AS failed,
           count(*) FILTER (WHERE state = 'skipped') AS skipped,
           count(*) FILTER (WHERE is_attended) AS attended,
           count(*) FILTER (WHERE registration.checked_in_at IS NOT NULL) AS checked_in
    FROM sync_jobs AS job JOIN registrations AS registration USING (host_id, registration_id)
    WHERE job.host_id = 'host_a' AND job.event_id = 'evt_otters'
""")


@dataclass
class Browser:
    """Reads a stream and, whenever it ends, reads it again from the last id that it saw."""

    url: str
    headers: dict[str, str]
    counts: dict[str, int] | None = None
    rows: dict[str, str] = field(default_factory=dict)
    numbers: list[int] = field(default_factory=list)
    connections: int = 0

    async def read(self) -> None:
        """Until cancelled."""
        async with httpx.AsyncClient(timeout=WITHIN_SECONDS, trust_env=False) as http:
            while True:
                with suppress(httpx.TransportError):
                    await self._read_once(http)
                await asyncio.sleep(0.05)

    async def _read_once(self, http: httpx.AsyncClient) -> None:
        resumed = {"Last-Event-ID": str(self.numbers[-1])} if self.numbers else {}
        async with http.stream("GET", self.url, headers=self.headers | resumed) as answer:
            assert answer.status_code == 200
            self.connections += 1
            seen = ""
            async for part in answer.aiter_text():
                *blocks, seen = (seen + part).split("\n\n")
                for block in blocks:
                    self._take(block)

    def _take(self, block: str) -> None:
        event = read_event(block)
        if event is None:
            return
        self.numbers.append(event.number)
        if event.kind == "stats" and event.data["event"]["id"] == EVENT:
            self.counts = event.data["counts"]
        elif event.kind == "row":
            self.rows[event.data["registration_id"]] = event.data["state"]


@dataclass
class Room:
    """The processes, and two browsers that look on."""

    processes: Processes
    database: Database
    http: httpx.AsyncClient
    of_event: Browser
    of_host: Browser

    async def post(self, first: int, last: int, *, is_check_in: bool = False) -> None:
        for number in range(first, last + 1):
            who = {"id": f"per_{number}", "email": f"otter{number}@otter.example"}
            registered = registration(id=f"reg_{number}", attendee=who)
            payload = webhook(registration=registered)
            if is_check_in:
                at = "2026-11-21T09:00:00Z"
                checked_in = registered | {"checked_in_at": at, "version": 2}
                payload = webhook("registration.checked_in", at, registration=checked_in)
            answer = await post(self.http, payload, f"msg_{number}_{is_check_in}")
            assert answer.json() == {"outcome": "accepted"}

    async def stored(self) -> dict[str, int]:
        async with self.database.system() as session:
            return dict((await session.execute(COUNTS)).mappings().one())

    async def agree(self, **expected: int) -> None:
        """Wait until the database holds what is expected and both browsers show exactly that."""
        views: tuple[Any, ...] = ()
        with suppress(TimeoutError):
            async with asyncio.timeout(WITHIN_SECONDS):
                while True:
                    views = (await self.stored(), self.of_event.counts, self.of_host.counts)
                    if views[0].items() >= expected.items() and views[0] == views[1] == views[2]:
                        return
                    await asyncio.sleep(0.1)
        raise AssertionError(f"expected {expected}; database, event's and host's stream: {views}")

    async def rows_told(self, last: int) -> None:
        """Wait until the event's browser received that every registration up to `last` is synced."""
        expected = {f"reg_{number}": "synced" for number in range(1, last + 1)}
        with suppress(TimeoutError):
            async with asyncio.timeout(WITHIN_SECONDS):
                while self.of_event.rows != expected:
                    await asyncio.sleep(0.1)
        assert self.of_event.rows == expected


@pytest.fixture
async def room(
    settings: Settings, database: Database, mint: TokenMint, tmp_path: Path
) -> AsyncIterator[Room]:
    with Processes(settings, tmp_path) as processes:
        async with database.system() as session:
            session.add(processes.connection())
        processes.start_api()
        processes.start_worker()
        headers = mint.headers(hosts={"host_a": "member"})
        browsers = [Browser(processes.api_url + path, headers) for path in (f"{E}/stream", f"{H}/stream")]
        async with httpx.AsyncClient(base_url=processes.api_url, headers=headers, trust_env=False) as http:
            yield Room(processes, database, http, *browsers)


@asynccontextmanager
async def looking_on(*browsers: Browser) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(browser.read()) for browser in browsers]
    yield
    for task in tasks:
        task.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for end in ends] == [asyncio.CancelledError] * len(tasks)


async def test_two_browsers_show_what_the_database_holds_through_restarts(room: Room) -> None:
    await room.post(1, 1)
    async with looking_on(room.of_event, room.of_host):
        await room.post(2, 6)
        await room.agree(total=6, synced=6)

        room.processes.control("PUT", "config", {"latency_ms": 300})
        await room.post(7, 12)
        room.processes.kill("api")
        room.processes.start_api()
        await room.agree(total=12, synced=12)
        await room.rows_told(12)

        room.processes.kill("worker")
        await room.post(1, 8, is_check_in=True)
        await room.post(13, 16)
        await room.agree(total=16, pending=12, checked_in=8, attended=0)
        room.processes.start_worker()
        await room.agree(total=16, synced=16, attended=8)
        await room.rows_told(16)

        room.processes.end("api")
        room.of_event.counts = room.of_host.counts = None
        room.processes.start_api()
        await room.agree(total=16, synced=16, attended=8)
        assert (room.of_event.connections, room.of_host.connections) == (3, 3)
    answer = (await room.http.get(f"{E}/stats")).json()
    assert answer["counts"] == await room.stored()
