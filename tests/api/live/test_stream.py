"""Live streams over real sockets: the endpoint, two processes, hints, and a stop that waits for nobody."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import httpx
import pytest
from sqlalchemy import update

from app.cli.serve import GRACE_SECONDS, DrainingServer, config_of
from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.infrastructure.job_queue import DrainQueue
from app.main import create_app
from app.models import SyncJob
from devtools.local_stack.processes import listening_socket
from tests.factories import ORG_ID
from tests.integration.live.streams import SOON, StreamEvent, read_event
from tests.integration.registrations.sample_event import EVENT_ID, add, add_connected_host, simple
from tests.tokens import TokenMint

STREAM = f"/v1/hosts/host_a/events/{EVENT_ID}/salesforce/stream"


@contextmanager
def serving(settings: Settings) -> Iterator[tuple[str, DrainingServer]]:
    """An API process as far as sockets and its own loop are concerned; its address."""
    app = create_app(settings)
    server = DrainingServer(config_of(app, settings), app)
    listener = listening_socket("127.0.0.1", 0)
    listener.listen()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", server
    finally:
        server.should_exit = True
        thread.join(SOON)
    assert not thread.is_alive()


@asynccontextmanager
async def reading(
    url: str, headers: dict[str, str], path: str = STREAM
) -> AsyncIterator[tuple[httpx.Response, AsyncIterator[StreamEvent]]]:
    async with (
        httpx.AsyncClient(base_url=url, headers=headers, timeout=SOON, trust_env=False) as client,
        client.stream("GET", path) as answer,
    ):
        yield answer, _events(answer)


async def _events(answer: httpx.Response) -> AsyncIterator[StreamEvent]:
    text = ""
    async for part in answer.aiter_text():
        *blocks, text = (text + part).split("\n\n")
        for block in blocks:
            if (event := read_event(block)) is not None:
                yield event


async def until(events: AsyncIterator[StreamEvent], kind: str) -> StreamEvent:
    async with asyncio.timeout(SOON):
        async for event in events:
            if event.kind == kind:
                return event
    raise AssertionError(f"no {kind} came")


@pytest.fixture
async def staged(database: Database, vault: Encryptor) -> Database:
    await add_connected_host(database, vault)
    await add(database, simple("r1", "synced"), simple("r2", "pending"))
    return database


async def write(database: Database, state: str) -> None:
    async with database.system() as session:
        await session.execute(update(SyncJob).where(SyncJob.registration_id == "r2").values(state=state))


async def test_two_processes_tell_both_browsers_and_stop_at_once(
    settings: Settings, staged: Database, mint: TokenMint
) -> None:
    headers = mint.headers(hosts={"host_a": "member"})
    with serving(settings) as (one, server), serving(settings) as (other, _):
        async with (
            reading(one, headers) as (answer, here),
            reading(other, headers) as (_, there),
        ):
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert answer.headers["cache-control"] == "no-store"
            for events in (here, there):
                await until(events, "stats")
            await write(staged, "synced")
            event = [await until(events, "stats") for events in (here, there)]
            assert [each.data["counts"]["synced"] for each in event] == [2, 2]
            started = time.monotonic()
            server.should_exit = True
            async with asyncio.timeout(SOON):
                assert [each async for each in here if each.kind == "nothing"] == []
            assert time.monotonic() - started < GRACE_SECONDS / 2


async def test_last_event_id_resumes_over_the_wire(
    settings: Settings, staged: Database, mint: TokenMint
) -> None:
    headers = mint.headers(hosts={"host_a": "member"})
    with serving(settings) as (url, _):
        async with reading(url, headers) as (_, events):
            number = (await until(events, "stats")).number
        await write(staged, "failed")
        async with reading(url, headers | {"Last-Event-ID": str(number)}) as (_, events):
            row = await until(events, "row")
    assert (row.data["registration_id"], row.number > 0) in {("r1", True), ("r2", True)}


async def test_hint_is_faster_than_the_next_look(
    settings: Settings, staged: Database, mint: TokenMint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.live.host_feed.POLL_SECONDS", 60.0)
    wakeups = DrainQueue(settings.redis_url)
    with serving(settings) as (url, _):
        async with reading(url, mint.headers(hosts={"host_a": "member"})) as (_, events):
            await until(events, "stats")
            await write(staged, "synced")
            wakeups.tell_changed(ORG_ID)
            assert (await until(events, "row")).data["registration_id"] == "r2"
    await wakeups.close()


@pytest.mark.parametrize(
    ("path", "hosts", "status"),
    [
        pytest.param(STREAM, {"host_b": "owner"}, 404, id="another-host"),
        pytest.param("/v1/hosts/host_a/salesforce/stream", {"host_b": "owner"}, 404, id="another-hosts-card"),
        pytest.param(STREAM.replace(EVENT_ID, "evt_nobody"), {"host_a": "member"}, 404, id="no-such-event"),
    ],
)
async def test_stream_of_others_is_refused_before_it_begins(
    settings: Settings, staged: Database, mint: TokenMint, path: str, hosts: dict[str, str], status: int
) -> None:
    with serving(settings) as (url, _):
        async with reading(url, mint.headers(hosts=hosts), path) as (answer, _):
            assert answer.status_code == status


async def test_stream_ends_with_its_token(
    settings: Settings, database: Database, vault: Encryptor, mint: TokenMint
) -> None:
    await add_connected_host(database, vault)
    with serving(settings) as (url, _):
        short = mint.headers(hosts={"host_a": "member"}, exp=int(time.time()) + 4)
        async with reading(url, short) as (answer, events):
            assert answer.status_code == 200
            async with asyncio.timeout(SOON):
                seen = [(event.kind, event.data) async for event in events]
    assert "card" in {kind for kind, _ in seen}
    assert seen[-1] == ("end", {"reason": "time"})
