"""Kept connections: whose they are used for, when they are given up, and what is never sent."""

import asyncio
import gc
import ssl
import weakref
from collections.abc import AsyncIterator

import httpx
import pytest

from app.salesforce.errors import NotSent, ResponseLost
from app.salesforce.http_connection import BUFFERED_MAX, HEAD_MAX, HttpConnection, IncomingAnswer
from app.salesforce.transport import build_request, send_once
from tests.unit.salesforce.scripted_network import ScriptedLine, ScriptedNetwork
from tests.waiting import until

URL = "https://acme.my.salesforce.com/services/data"
OTHER_URL = "https://other.my.salesforce.com/services/data"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def get(url: str = URL, **headers: str) -> httpx.Request:
    return build_request("GET", url, headers=headers)


async def test_connection_is_used_again_for_the_same_origin_alone() -> None:
    network = ScriptedNetwork([[OK], [OK], [OK]])
    async with network.client() as http:
        for url in (URL, URL, OTHER_URL):
            assert (await send_once(http, get(url))).content == b"{}"
        assert [line.sent.count(b"GET ") for line in network.lines] == [2, 1]
    assert all(line.is_closed for line in network.lines)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", id="said so"),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", id="old server"),
        pytest.param(OK + OK, id="two answers"),
        pytest.param(OK + b"x", id="a byte more"),
    ],
)
async def test_connection_is_closed_after_such_an_answer(answer: bytes) -> None:
    network = ScriptedNetwork([[answer], [OK]])
    async with network.client() as http:
        for _ in range(2):
            assert (await send_once(http, get())).content == b"{}"
    assert len(network.lines) == 2


async def test_connection_that_speaks_unasked_or_hung_up_is_not_used_again() -> None:
    network = ScriptedNetwork([[OK], [OK]])
    async with network.client() as http:
        await send_once(http, get())
        network.lines[0]._connection.data_received(OK)
        await send_once(http, get())
        network.lines[1].close()
        await send_once(http, get())
    assert [line.sent.count(b"GET ") for line in network.lines] == [1, 1, 1]


async def test_oldest_idle_connection_is_closed_where_there_are_too_many() -> None:
    network = ScriptedNetwork([[OK], [OK]], hangs=True)
    async with network.client(limits=httpx.Limits(max_connections=4, max_keepalive_connections=1)) as http:
        await send_once(http, get(URL))
        await send_once(http, get(OTHER_URL))
        assert [line.is_closed for line in network.lines] == [True, False]


async def test_idle_connection_is_closed_in_time() -> None:
    network = ScriptedNetwork([[OK]], hangs=True)
    async with network.client(limits=httpx.Limits(keepalive_expiry=0.01)) as http:
        await send_once(http, get(URL))
        [line] = network.lines
        await until(lambda: line.is_closed)


async def test_idle_connection_makes_room_for_one_to_another_origin() -> None:
    network = ScriptedNetwork([[OK], [OK]], hangs=True)
    async with network.client(limits=httpx.Limits(max_connections=1, max_keepalive_connections=1)) as http:
        await send_once(http, get(URL))
        await send_once(http, get(OTHER_URL))
    assert len(network.lines) == 2


class SlowNetwork(ScriptedNetwork):
    async def open(
        self, address: str, port: int, tls: ssl.SSLContext | None, server_name: str | None
    ) -> HttpConnection:
        await asyncio.sleep(0)
        return await super().open(address, port, tls, server_name)


async def test_connections_that_are_being_dialled_count_as_well() -> None:
    network = SlowNetwork([[OK]], hangs=True)
    async with network.client(limits=httpx.Limits(max_connections=2, max_keepalive_connections=3)) as http:
        await send_once(http, get("https://first.my.salesforce.com/"))
        await asyncio.gather(send_once(http, get(URL)), send_once(http, get(OTHER_URL)))
        assert [line.is_closed for line in network.lines] == [True, False, False]


async def test_connection_whose_answer_nobody_read_is_not_used_again() -> None:
    network = ScriptedNetwork([[OK], [OK]], hangs=True)
    async with network.client() as http:
        for _ in range(2):
            answer = await http.send(get(), stream=True)
            await answer.aclose()
    assert len(network.lines) == 2


async def test_answer_under_way_is_lost_when_we_hang_up_ourselves() -> None:
    network = ScriptedNetwork([[b"HTTP/1.1 200 OK\r\n\r\n{}"]], hangs=True)
    http = network.client()
    asking = asyncio.create_task(send_once(http, get()))
    await until(lambda: network.has_heard)
    await http.aclose()
    with pytest.raises(ResponseLost, match="closed from this end"):
        await asking


async def test_no_free_connection_in_time_is_nothing_sent() -> None:
    network = ScriptedNetwork([[]], hangs=True)
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
    async with network.client(limits=limits) as http:
        waiting = asyncio.create_task(send_once(http, get()))
        await until(lambda: network.has_heard)
        with pytest.raises(NotSent, match="no connection became free"):
            await send_once(
                http, build_request("GET", URL, headers={}, extensions={"timeout": {"pool": 0.01}})
            )
        assert not waiting.done()
    with pytest.raises(ResponseLost):
        await waiting
    assert len(network.lines) == 1


async def test_answer_that_does_not_come_in_time_closes_its_connection() -> None:
    network = ScriptedNetwork([[]], hangs=True)
    async with network.client(timeout=0.01) as http:
        with pytest.raises(ResponseLost, match="ReadTimeout"):
            await send_once(http, get())
        assert [line.is_closed for line in network.lines] == [True]


async def test_slot_is_free_again_after_every_end() -> None:
    network = ScriptedNetwork([[b"nonsense\r\n"]])
    async with network.client(limits=httpx.Limits(max_connections=1, max_keepalive_connections=1)) as http:
        for _ in range(3):
            with pytest.raises(ResponseLost):
                await send_once(http, get())


async def test_request_is_sent_as_http_says() -> None:
    network = ScriptedNetwork([[OK]])
    async with network.client() as http:
        await send_once(http, build_request("POST", f"{URL}?q=a%20b", headers={"X-Y": "z"}, json={"a": "ß"}))
    head, _, body = network.lines[0].sent.partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[:2] == [
        b"POST /services/data?q=a%20b HTTP/1.1",
        b"Host: acme.my.salesforce.com",
    ]
    assert b"x-y: z" in head.lower()
    assert b"content-length: 10" in head.lower()
    assert body == '{"a":"ß"}'.encode()


@pytest.mark.parametrize("value", ["a\r\nX-Other: b", "a\nb", "a\rb", "a\0b"])
async def test_header_that_ends_its_line_is_never_sent(value: str) -> None:
    network = ScriptedNetwork([[OK]])
    async with network.client() as http:
        with pytest.raises(ResponseLost, match="end of a line"):
            await send_once(http, get(authorization=value))
    assert network.lines == []


async def test_body_without_a_length_is_never_sent() -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"{}"

    network = ScriptedNetwork([[OK]])
    async with network.client() as http:
        with pytest.raises(NotSent, match="not in chunks"):
            await send_once(http, httpx.Request("POST", URL, content=parts()))
    assert network.lines == []


async def test_space_around_the_value_of_a_header_is_none_of_it() -> None:
    answer = b"HTTP/1.1 204 No Content\r\nRetry-After: \t7 \t\r\n\r\n"
    async with ScriptedNetwork([[answer]]).client() as http:
        assert (await send_once(http, get())).headers["Retry-After"] == "7"


async def test_body_that_ends_with_its_connection_is_whole() -> None:
    async with ScriptedNetwork([[b"HTTP/1.1 200 OK\r\n\r\n{", b"}"]]).client() as http:
        assert (await send_once(http, get())).content == b"{}"


async def test_head_before_the_answer_proper_is_passed_over() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n"
    async with ScriptedNetwork([[early, OK]]).client() as http:
        answer = await send_once(http, get())
    assert (answer.status_code, "X-Early" in answer.headers) == (200, False)


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([b"HTTP/1.1 200 OK\r\n", *[b"X-A: " + b"x" * 9_999 + b"\r\n"] * 20], id="head"),
        pytest.param([b"HTTP/1.1 200 OK\r\nX-A: ", *[b"x" * 10_000] * 20], id="one header"),
        pytest.param([b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000], id="heads without end"),
        pytest.param(
            [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-A: ", *[b"x" * 10_000] * 20],
            id="trailers",
        ),
        pytest.param([b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"], id="upgrade"),
        pytest.param(
            [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}"],
            id="two lengths",
        ),
        pytest.param([b"HTTP/1.1 104 x\r\nContent-Length: 2\r\n\r\n[]" + OK], id="body before the answer"),
        pytest.param([b"HTTP/1.1 099 x\r\nContent-Length: 0\r\n\r\n" + OK], id="status below 100"),
    ],
)
async def test_such_an_answer_is_lost(parts: list[bytes]) -> None:
    assert sum(map(len, parts)) > HEAD_MAX or len(parts) == 1
    async with ScriptedNetwork([parts], hangs=True).client() as http:
        with pytest.raises(ResponseLost, match="RemoteProtocolError"):
            await send_once(http, get())


async def test_server_waits_while_nobody_takes_what_it_sent() -> None:
    connection = HttpConnection()
    line = ScriptedLine(connection, [], hangs=True)
    await connection.send(b"GET / HTTP/1.1\r\n\r\n", within=1)
    size = 2 * BUFFERED_MAX
    connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
    for _ in range(size // 65_536):
        connection.data_received(b"x" * 65_536)
    assert line.is_reading_paused
    taken = 0
    while (part := await connection.part(within=1)) is not None:
        taken += len(part)
    assert (taken, line.is_reading_paused) == (size, False)


async def test_request_that_the_server_does_not_take_ends_in_time_unless_it_answers() -> None:
    connection = HttpConnection()
    ScriptedLine(connection, [], hangs=True)
    connection.pause_writing()
    with pytest.raises(httpx.WriteTimeout):
        await connection.send(b"POST / HTTP/1.1\r\n\r\n", within=0.01)
    sending = asyncio.create_task(connection.send(b"POST / HTTP/1.1\r\n\r\n", within=1))
    await asyncio.sleep(0)
    connection.data_received(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
    await sending
    assert (await connection.head(within=1))[0] == 413
    assert not connection.finish()


async def test_answer_that_was_read_is_freed_without_the_collector() -> None:
    gc.disable()
    try:
        answer = IncomingAnswer()
        answer.feed(OK)
        gone = weakref.ref(answer)
        del answer
        assert gone() is None
    finally:
        gc.enable()
