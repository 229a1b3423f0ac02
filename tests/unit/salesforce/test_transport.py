"""How requests end: every end of httpx's is sorted, over a scripted network without sockets."""

import asyncio
import gzip
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import httpx
import pytest

from app.salesforce.client import SENT_HEADERS
from app.salesforce.errors import NotSent, ResponseLost, ResponseTooLarge, SendGuardTripped
from app.salesforce.transport import (
    ERROR_BY_HTTPX_ERROR,
    PlainClient,
    build_request,
    map_httpx_error,
    send_once,
)
from tests.unit.salesforce.scripted_network import ScriptedNetwork

URL = "https://acme.my.salesforce.com/services/data/v62.0/composite"


def kinds_below(kind: type[httpx.TransportError]) -> Iterable[type[httpx.TransportError]]:
    for below in kind.__subclasses__():
        yield below
        yield from kinds_below(below)


def leaves_below(kind: type[httpx.TransportError]) -> list[type[httpx.TransportError]]:
    """httpx's own: others, such as a simulator's, may have derived theirs from them."""
    own = [below for below in kinds_below(kind) if is_of_httpx(below)]
    return [each for each in own if not any(map(is_of_httpx, each.__subclasses__()))]


def is_of_httpx(kind: type[httpx.TransportError]) -> bool:
    return getattr(httpx, kind.__name__, None) is kind


def raising(error: Exception) -> httpx.MockTransport:
    def handler(request: httpx.Request) -> httpx.Response:
        raise error

    return httpx.MockTransport(handler)


def answering(response: httpx.Response) -> httpx.MockTransport:
    return httpx.MockTransport(lambda request: response)


def get(**changes: Any) -> httpx.Request:
    return build_request("GET", URL, headers={}, **changes)


def over(*parts: bytes) -> httpx.AsyncClient:
    """A client whose every connection answers with these bytes, then closes."""
    return ScriptedNetwork([parts]).client()


NEVER_LEFT = {
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
}


def test_every_transport_error_of_httpx_has_an_ending() -> None:
    assert set(leaves_below(httpx.TransportError)) == set(ERROR_BY_HTTPX_ERROR)


def test_only_errors_before_the_first_byte_are_not_sent() -> None:
    assert {
        kind for kind, ending in ERROR_BY_HTTPX_ERROR.items() if issubclass(ending, NotSent)
    } == NEVER_LEFT


@pytest.mark.parametrize("kind", leaves_below(httpx.TransportError), ids=lambda kind: kind.__name__)
async def test_each_transport_error_ends_as_the_table_says(kind: type[httpx.TransportError]) -> None:
    async with httpx.AsyncClient(transport=raising(kind("x"))) as http:
        with pytest.raises(ERROR_BY_HTTPX_ERROR[kind]) as ended:
            await send_once(http, get())
    assert str(ended.value) == f"{kind.__name__}: x"
    assert isinstance(ended.value.__cause__, kind)


@pytest.mark.parametrize(
    "error",
    [
        httpx.TransportError("x"),
        httpx.NetworkError("x"),
        httpx.DecodingError("x"),
        httpx.TimeoutException("x"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_outside_the_table_is_a_lost_answer(error: httpx.RequestError) -> None:
    assert type(map_httpx_error(error)) is ResponseLost


@pytest.mark.parametrize(
    "url", ["https://acme\x00.my.salesforce.com", "https://xn--/", "https://xn--zz.my.salesforce.com/"]
)
def test_an_unusable_url_is_not_sent(url: str) -> None:
    with pytest.raises(NotSent, match="unusable URL"):
        build_request("GET", url, headers={})


async def test_an_answer_is_decoded_and_whole() -> None:
    response = httpx.Response(
        200, content=gzip.compress(b'{"a":1}'), headers={"Content-Encoding": "gzip", "Sforce-Limit-Info": "x"}
    )
    async with httpx.AsyncClient(transport=answering(response)) as http:
        answer = await send_once(http, get())
    assert answer.json() == {"a": 1}
    assert answer.headers["Sforce-Limit-Info"] == "x"
    assert "Content-Encoding" not in answer.headers


async def test_a_broken_encoding_is_a_lost_answer() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n"
    async with over(head, b"nope") as http:
        with pytest.raises(ResponseLost):
            await send_once(http, get())


@pytest.mark.parametrize(
    "encoding", ["gzip, gzip", "gzip,gzip,gzip", "deflate", "br", "zstd", "gzip, identity"]
)
async def test_no_other_encoding_is_unpacked(encoding: str) -> None:
    packed = gzip.compress(gzip.compress(b"{}"))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(packed)}\r\n\r\n"
    async with over(head.encode(), packed) as http:
        with pytest.raises(ResponseLost, match="encoded as"):
            await send_once(http, get())


async def test_bomb_never_takes_more_memory_than_the_cap() -> None:
    packed = gzip.compress(b" " * 60_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    async with over(head.encode(), packed) as http:
        tracemalloc.start()
        try:
            with pytest.raises(ResponseTooLarge):
                await send_once(http, get(), max_bytes=1_000_000)
            assert tracemalloc.get_traced_memory()[1] < 5_000_000
        finally:
            tracemalloc.stop()


async def test_packed_answer_that_breaks_off_is_lost() -> None:
    packed = gzip.compress(b"{}" * 1000)[:-12]
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    async with over(head.encode(), packed) as http:
        with pytest.raises(ResponseLost, match="breaks off"):
            await send_once(http, get())


async def test_an_answer_beyond_the_cap_is_cut_off() -> None:
    packed = gzip.compress(b"x" * 100_000)
    response = httpx.Response(200, content=packed, headers={"Content-Encoding": "gzip"})
    assert len(packed) < 1000
    async with httpx.AsyncClient(transport=answering(response)) as http:
        with pytest.raises(ResponseTooLarge):
            await send_once(http, get(), max_bytes=1000)


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([], id="closed-without-an-answer"),
        pytest.param([b"HTTP/1.1 200 OK\r\nContent-Le"], id="cut-in-the-head"),
        pytest.param([b'HTTP/1.1 201 Created\r\nContent-Length: 50\r\n\r\n{"id":"00Q'], id="cut-in-the-body"),
        pytest.param([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"], id="cut-in-a-chunk"),
        pytest.param([b"not http\r\n\r\n"], id="not-http"),
    ],
)
async def test_an_answer_that_breaks_off_is_lost(parts: list[bytes]) -> None:
    async with over(*parts) as http:
        with pytest.raises(ResponseLost):
            await send_once(http, get())


async def test_a_complete_answer_over_the_wire_arrives() -> None:
    async with over(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as http:
        assert (await send_once(http, get())).content == b"{}"


async def test_a_guard_that_trips_on_the_open_connection_stops_the_first_byte() -> None:
    async def guard(event: str, info: dict[str, Any]) -> None:
        if event == "http11.send_request_headers.started":
            raise SendGuardTripped("late")

    async with over(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as http:
        with pytest.raises(SendGuardTripped):
            await send_once(http, get(extensions={"trace": guard}))


async def test_redirects_are_not_followed() -> None:
    response = httpx.Response(302, headers={"Location": "https://evil.example/"})
    async with httpx.AsyncClient(transport=answering(response), follow_redirects=True) as http:
        assert (await send_once(http, get())).status_code == 302


async def test_no_cookie_or_default_of_the_shared_client_is_sent() -> None:
    seen: list[httpx.Headers] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers)
        return httpx.Response(200, headers={"Set-Cookie": "BrowserId=of-another-org"}, content=b"{}")

    async with httpx.AsyncClient(
        transport=httpx.MockTransport(handler), headers={"X-Default": "1"}, auth=("user", "password")
    ) as http:
        for _ in range(2):
            await send_once(http, get())
    assert all(not {"cookie", "x-default", "authorization"} & set(headers) for headers in seen)


def test_what_is_added_to_one_request_is_in_no_other() -> None:
    first = build_request("GET", URL, headers=SENT_HEADERS)
    first.headers["Authorization"] = "Bearer of-one-org"
    assert "Authorization" not in SENT_HEADERS
    assert "Authorization" not in build_request("GET", URL, headers=SENT_HEADERS).headers


def plain(transport: httpx.AsyncBaseTransport) -> PlainClient:
    return PlainClient(transport=transport, timeout=httpx.Timeout(7.0))


async def test_a_plain_client_calls_its_hooks_and_keeps_no_cookie() -> None:
    heard: list[object] = []

    async def note(about: httpx.Request | httpx.Response) -> None:
        heard.append(about)

    async with plain(answering(httpx.Response(200, headers={"Set-Cookie": "a=b"}, content=b"{}"))) as http:
        http.event_hooks = {"request": [note], "response": [note]}
        asked = get()
        answer = await send_once(http, asked)
        assert not http.cookies
    assert answer.content == b"{}"
    request, response = heard
    assert request is asked
    assert isinstance(response, httpx.Response)
    assert response.request is asked


async def test_a_plain_client_lets_go_of_an_answer_that_a_hook_refuses() -> None:
    async def refuse(_: httpx.Response) -> None:
        raise ValueError("no")

    body = Endless(lambda: None)
    async with plain(answering(httpx.Response(200, stream=body))) as http:
        http.event_hooks = {"response": [refuse]}
        with pytest.raises(ValueError, match="no"):
            await send_once(http, get())
    assert body.is_closed


async def test_a_plain_client_that_is_closed_sends_nothing() -> None:
    http = plain(answering(httpx.Response(200)))
    await http.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await send_once(http, get())


async def test_a_plain_client_takes_what_is_not_plain_as_httpx_does() -> None:
    asked = httpx.Request("GET", URL)
    async with plain(
        httpx.MockTransport(lambda request: httpx.Response(200, json=dict(request.headers)))
    ) as http:
        answer = await http.send(asked, auth=("user", "password"))
    assert answer.json()["authorization"].startswith("Basic ")


async def test_timeouts_are_those_of_the_client() -> None:
    seen: list[Any] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.extensions["timeout"])
        return httpx.Response(200)

    async with httpx.AsyncClient(transport=httpx.MockTransport(handler), timeout=httpx.Timeout(7.0)) as http:
        await send_once(http, get())
    assert seen == [{"connect": 7.0, "read": 7.0, "write": 7.0, "pool": 7.0}]


class Endless(httpx.AsyncByteStream):
    """A body that never goes on after its first part."""

    def __init__(self, started: Callable[[], None]) -> None:
        self.started = started
        self.is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"{"
        self.started()
        await asyncio.Event().wait()

    async def aclose(self) -> None:
        self.is_closed = True


async def test_an_answer_that_drips_for_too_long_is_lost_and_closed() -> None:
    body = Endless(lambda: None)
    async with httpx.AsyncClient(transport=answering(httpx.Response(200, stream=body))) as http:
        with pytest.raises(ResponseLost):
            await send_once(http, get(), within=0.01)
    assert body.is_closed


async def test_cancellation_passes_through_and_closes_the_answer() -> None:
    started = asyncio.Event()
    body = Endless(started.set)
    async with httpx.AsyncClient(transport=answering(httpx.Response(200, stream=body))) as http:
        task = asyncio.create_task(send_once(http, get()))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert body.is_closed
