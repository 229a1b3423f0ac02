"""The raw body: bounded in size and time, plain JSON only."""

import asyncio

import pytest
from starlette.types import Message, Receive

from app.api.errors import BodyIncomplete, BodyTooLarge, MediaTypeUnsupported, Problem
from app.api.request_bodies import read_body
from app.webhooks.endpoints import check_headers

JSON = (b"content-type", b"application/json")


def chunked(*chunks: bytes) -> Receive:
    """An ASGI `receive` of a body in these pieces."""
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages[-1]["more_body"] = False
    waiting = iter(messages)

    async def receive() -> Message:
        return next(waiting)

    return receive


def broken_off(*, then: Receive) -> Receive:
    """One piece of a body, and then what `then` gives."""
    pieces = iter([{"type": "http.request", "body": b"{", "more_body": True}])

    async def receive() -> Message:
        return next(pieces, None) or await then()

    return receive


async def nothing() -> Message:
    await asyncio.Event().wait()
    raise AssertionError("nothing ever comes")


async def gone() -> Message:
    return {"type": "http.disconnect"}


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([JSON], id="plain"),
        pytest.param([(b"content-type", b"Application/JSON; charset=utf-8")], id="with-charset"),
        pytest.param([JSON, (b"content-encoding", b"identity")], id="identity"),
        pytest.param([JSON, (b"content-length", b"100")], id="just-fits"),
    ],
)
def test_plain_json_may_be_read(headers: list[tuple[bytes, bytes]]) -> None:
    check_headers(headers, bytes_max=100)


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        pytest.param([], MediaTypeUnsupported, id="no-type"),
        pytest.param([JSON, JSON], MediaTypeUnsupported, id="two-types"),
        pytest.param([(b"content-type", b"text/json")], MediaTypeUnsupported, id="other-type"),
        pytest.param([(b"content-type", b"\xff")], MediaTypeUnsupported, id="garbage-type"),
        pytest.param([JSON, (b"content-encoding", b"gzip")], MediaTypeUnsupported, id="gzip"),
        pytest.param(
            [JSON, (b"content-encoding", b"identity, br")], MediaTypeUnsupported, id="two-encodings"
        ),
        pytest.param([JSON, (b"content-length", b"101")], BodyTooLarge, id="declared-too-large"),
        pytest.param([JSON, (b"content-length", b"9" * 5000)], BodyTooLarge, id="declared-absurd"),
    ],
)
def test_other_bodies_are_refused_unread(headers: list[tuple[bytes, bytes]], problem: type[Problem]) -> None:
    with pytest.raises(problem):
        check_headers(headers, bytes_max=100)


async def test_chunks_are_joined_up_to_the_cap() -> None:
    assert await read_body(chunked(b"1" * 60, b"", b"2" * 40), bytes_max=100) == b"1" * 60 + b"2" * 40


async def test_undeclared_body_is_refused_at_the_cap() -> None:
    with pytest.raises(BodyTooLarge):
        await read_body(chunked(*[b"1" * 60] * 2), bytes_max=100)


async def test_body_that_does_not_come_is_given_up() -> None:
    with pytest.raises(BodyIncomplete):
        await read_body(broken_off(then=nothing), bytes_max=100, seconds=0.01)


async def test_sender_that_hangs_up_is_no_fault_of_ours() -> None:
    with pytest.raises(BodyIncomplete):
        await read_body(broken_off(then=gone), bytes_max=100)
