"""Limits of connections without a token: over real sockets, with shortened waits."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Protocol

import pytest
from uvicorn.server import ServerState

from app.api.edge import connection_limits
from app.api.edge.connection_limits import HEAD_BYTES, HEADERS_MAX, LimitedProtocol
from app.cli.serve import config_of
from app.config.settings import Settings
from app.main import create_app
from tests.api.live.test_stream import serving
from tests.waiting import until

SOON = 10.0
SHORT = 0.3
GET = b"GET /livez HTTP/1.1\r\nhost: a\r\n"


@pytest.fixture
def few(settings: Settings) -> Settings:
    return settings.model_copy(update={"http_connections": 3})


@pytest.fixture
async def port(few: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    monkeypatch.setattr(connection_limits, "SPARE", 2)
    with serving(few) as (url, server):
        await until(lambda: server.started)
        yield int(url.rpartition(":")[2])


@pytest.fixture
def heads_are_late_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_limits, "HEAD_SECONDS", SHORT)


@pytest.fixture
def refused_bodies_are_late_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_limits, "LINGER_SECONDS", 3 * SHORT)


class Peer:
    """A client that sends what it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer

    async def rest(self) -> bytes:
        """What comes until the server closes."""
        return await asyncio.wait_for(self._reader.read(), SOON)

    async def answer(self) -> tuple[int, bytes]:
        """One answer that says its length; its status and its body."""
        head = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), SOON)
        fields = [line.split(b": ", 1) for line in head.split(b"\r\n")[1:-2]]
        length = int({name.lower(): value for name, value in fields}[b"content-length"])
        return int(head.split()[1]), await asyncio.wait_for(self._reader.readexactly(length), SOON)


class Caller(Protocol):
    async def __call__(self, port: int, first: bytes = b"") -> Peer: ...


@pytest.fixture
async def call() -> AsyncIterator[Caller]:
    """Opens connections, and closes them at the end."""
    peers: list[Peer] = []

    async def new(port: int, first: bytes = b"") -> Peer:
        peers.append(Peer(*await asyncio.open_connection("127.0.0.1", port)))
        peers[-1].writer.write(first)
        return peers[-1]

    yield new
    for peer in peers:
        peer.writer.close()
        with suppress(OSError):
            await peer.writer.wait_closed()


@pytest.mark.usefixtures("heads_are_late_soon")
async def test_connection_that_says_nothing_is_closed(call: Caller, port: int) -> None:
    assert await (await call(port)).rest() == b""


@pytest.mark.usefixtures("heads_are_late_soon")
@pytest.mark.parametrize("first", [b"GET /li", GET + b"x: "], ids=["line", "header"])
async def test_head_that_does_not_end_is_given_up(call: Caller, port: int, first: bytes) -> None:
    assert (await (await call(port, first)).rest()).startswith(b"HTTP/1.1 408 ")


@pytest.mark.usefixtures("heads_are_late_soon")
async def test_head_that_drips_is_given_up(call: Caller, port: int) -> None:
    peer = await call(port, GET)

    async def drip() -> None:
        while True:
            await asyncio.sleep(SHORT / 5)
            peer.writer.write(b"x: y\r\n")

    dripping = asyncio.create_task(drip())
    try:
        # What drips into the closed connection resets it, also before its answer was read.
        with suppress(ConnectionResetError):
            assert (await peer.rest()).startswith(b"HTTP/1.1 408 ")
    finally:
        dripping.cancel()


async def test_line_ends_between_requests_keep_no_connection(call: Caller, port: int, few: Settings) -> None:
    short = few.model_copy(update={"times": few.times.model_copy(update={"keep_alive": SHORT})})
    with serving(short) as (url, server):
        await until(lambda: server.started)
        peer = await call(int(url.rpartition(":")[2]), GET + b"\r\n")
        assert (await peer.answer())[0] == 200
        peer.writer.write(b"\r\n")
        assert await peer.rest() == b""


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(b"x: y\r\n" * HEADERS_MAX, id="many"),
        pytest.param(b"x: " + b"y" * HEAD_BYTES + b"\r\n", id="large"),
    ],
)
async def test_head_beyond_the_bounds_is_refused_in_words(call: Caller, port: int, headers: bytes) -> None:
    peer = await call(port, GET + headers + b"\r\n")
    status, body = await peer.answer()
    assert (status, json.loads(body)["code"]) == (431, "HeadersTooLarge")
    assert await peer.rest() == b""


async def test_header_without_end_is_cut_off_early(call: Caller, port: int) -> None:
    peer = await call(port, GET + b"x: ")
    sent = 0
    try:
        while sent < 64 * 1_048_576:
            peer.writer.write(b"y" * 65_536)
            await peer.writer.drain()
            sent += 65_536
    except ConnectionError:
        pass
    assert sent < 16 * 1_048_576


async def test_beyond_the_bound_all_but_probes_are_refused(call: Caller, port: int) -> None:
    idle = [await call(port, GET + b"\r\n") for _ in range(3)]
    for peer in idle:
        assert (await peer.answer())[0] == 200
    one_more = await call(port, GET + b"\r\n")
    assert (await one_more.answer())[0] == 200
    one_more.writer.write(GET.replace(b"/livez", b"/v1/hosts") + b"\r\n")
    status, body = await one_more.answer()
    assert (status, json.loads(body)["code"]) == (503, "ServiceBusy")


async def test_far_beyond_the_bound_connections_are_cut_off(call: Caller, port: int) -> None:
    peers = [await call(port, GET + b"\r\n") for _ in range(5)]
    for peer in peers:
        assert (await peer.answer())[0] == 200
    last = await call(port, GET + b"\r\n")
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await last.answer()


@pytest.mark.usefixtures("refused_bodies_are_late_soon")
async def test_refusal_of_a_body_is_read_and_then_the_connection_ends(call: Caller, port: int) -> None:
    head = b"POST /v1/hosts/h/salesforce/connect HTTP/1.1\r\nhost: a\r\ncontent-length: 900000\r\n\r\n"
    peer = await call(port, head)
    assert (await peer.answer())[0] == 401
    peer.writer.write(b"x" * 500_000)
    assert await peer.rest() == b""


@pytest.mark.usefixtures("refused_bodies_are_late_soon")
async def test_refused_body_that_ends_leaves_a_usable_connection(call: Caller, port: int) -> None:
    head = b"POST /v1/hosts/h/salesforce/connect HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n"
    peer = await call(port, head)
    assert (await peer.answer())[0] == 401
    peer.writer.write(b"x" * 9)
    await asyncio.sleep(4 * SHORT)
    peer.writer.write(GET + b"\r\n")
    assert (await peer.answer())[0] == 200


class Pipe(asyncio.Transport):
    """A transport that only remembers how it ended."""

    def __init__(self) -> None:
        super().__init__()
        self.is_aborted = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def abort(self) -> None:
        self.is_aborted = True


@pytest.mark.parametrize("takes_in_time", [True, False])
async def test_reader_that_takes_nothing_is_cut_off(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, takes_in_time: bool
) -> None:
    monkeypatch.setattr(connection_limits, "STALLED_SECONDS", 0.02)
    peer = LimitedProtocol(config_of(create_app(settings), settings), ServerState(), {})
    pipe = Pipe()
    peer.connection_made(pipe)
    peer.pause_writing()
    if takes_in_time:
        peer.resume_writing()
    await asyncio.sleep(0.1)
    peer.connection_lost(ConnectionResetError())
    assert pipe.is_aborted is not takes_in_time


def test_idle_connections_outlive_a_balancers(settings: Settings) -> None:
    assert config_of(create_app(settings), settings).timeout_keep_alive > 60
