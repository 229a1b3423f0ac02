"""Webhooks over sockets: whole ones are answered by their connection, others by the application, alike."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import func, select

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.metrics import REGISTRY
from app.models import Delivery, Quarantined
from app.webhooks import endpoints
from app.webhooks.batch_writer import GroupCommitWriter
from app.webhooks.parse import ParsedDelivery, parse_delivery
from app.webhooks.whole_requests import WebhookProtocol
from devtools.local_stack.webhook_sender import signed_headers
from tests.api.live.test_stream import serving
from tests.api.test_connection_limits import Caller, Peer, call
from tests.deliveries import PATH, webhook
from tests.factories import WEBHOOK_KEY
from tests.waiting import until

__all__ = ["call"]
VARYING = re.compile(rb"(x-request-id|date): [^\r]*")


@pytest.fixture
async def port(settings: Settings, database: Database) -> AsyncIterator[int]:
    with serving(settings) as (url, server):
        while not server.started:
            await asyncio.sleep(0.01)
        yield int(url.rpartition(":")[2])


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the application was asked to answer, in a task of its own."""
    start, found = WebhookProtocol.start, []

    def noted(self: WebhookProtocol, cycle: Any, app: Any) -> None:
        found.append(app)
        start(self, cycle, app)

    monkeypatch.setattr(WebhookProtocol, "start", noted)
    return found


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes came at once."""
    take, found = WebhookProtocol.data_received, []

    def noted(self: WebhookProtocol, data: bytes) -> None:
        take(self, data)
        found.append(len(data))

    monkeypatch.setattr(WebhookProtocol, "data_received", noted)
    return found


def request_of(
    webhook_id: str = "msg_1",
    *,
    payload: dict[str, Any] | None = None,
    key: bytes = WEBHOOK_KEY,
    more: str = "",
) -> bytes:
    body = json.dumps(payload or webhook()).encode()
    headers = signed_headers(key, webhook_id, int(time.time()), body)
    lines = [f"POST {PATH} HTTP/1.1", "host: a", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n" + more + "\r\n").encode() + body


async def rest_of(peer: Peer) -> bytes:
    return VARYING.sub(rb"\1: ", await peer.rest())


def counted(outcome: str = "accepted", status: str = "2xx") -> list[float]:
    wanted = {
        "webhook_requests_total": {"outcome": outcome},
        "webhook_request_duration_seconds_count": {},
        "http_requests_total": {"route": PATH, "method": "POST", "status": status},
    }
    return [REGISTRY.get_sample_value(name, labels) or 0 for name, labels in wanted.items()]


async def count(database: Database, table: Any) -> int:
    async with database.system() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def test_a_whole_webhook_is_answered_without_a_task(
    call: Caller, port: int, tasks: list[Any], database: Database
) -> None:
    before = counted()
    peer = await call(port)
    for number in range(3):  # over one connection
        peer.writer.write(request_of(f"msg_{number}"))
        assert await peer.answer() == (202, b'{"outcome":"accepted"}')
    peer.writer.write(request_of("msg_0"))
    assert await peer.answer() == (202, b'{"outcome":"duplicate"}')
    assert not tasks
    assert await count(database, Delivery) == 3
    assert [after - was for after, was in zip(counted(), before, strict=True)] == [3, 4, 4]


async def test_both_ways_give_the_same_answer(
    call: Caller, port: int, tasks: list[Any], parts: list[int]
) -> None:
    whole = await call(port, request_of("msg_1"))
    assert (await whole.answer())[0] == 202
    answers = []
    for number, is_split in enumerate((False, True)):
        peer = await call(port)
        request = request_of(f"msg_b{number}", more="x-request-id: trace-of-the-sender\r\n")
        parts.clear()
        peer.writer.write(request[:-40] if is_split else request)
        if is_split:
            await until(lambda: bool(parts))
            peer.writer.write(request[-40:])
        head = await asyncio.wait_for(peer._reader.readuntil(b"\r\n\r\n"), 10)
        answers.append(re.sub(rb"date: [^\r]*", b"", head) + await peer._reader.readexactly(22))
    assert len(tasks) == 1
    assert answers[0] == answers[1]
    assert b"x-request-id: trace-of-the-sender\r\n" in answers[0]


@pytest.mark.parametrize(
    ("parts", "status", "text"),
    [
        pytest.param({"key": b"a-forged-key-of-the-right-length"}, 401, b"signature", id="forged"),
        pytest.param({"payload": {"type": "x"}}, 400, b"", id="unusable"),
        pytest.param({"payload": webhook("otter.swam")}, 202, b"unknown_type", id="unknown-type"),
        pytest.param({"more": "content-encoding: gzip\r\n"}, 415, b"", id="compressed"),
    ],
)
async def test_whatever_else_it_is_the_application_answers(
    call: Caller, port: int, tasks: list[Any], parts: dict[str, Any], status: int, text: bytes
) -> None:
    answer = await (await call(port, request_of(**parts))).answer()
    assert answer[0] == status
    assert text in answer[1]
    assert len(tasks) == 1


async def test_two_at_once_are_answered_in_their_order(call: Caller, port: int) -> None:
    peer = await call(port, request_of("msg_1") + request_of("msg_1"))
    answers = [await peer.answer() for _ in range(2)]
    assert [json.loads(body)["outcome"] for _, body in answers] == ["accepted", "duplicate"]


async def test_a_connection_that_is_to_end_is_closed_after_its_answer(call: Caller, port: int) -> None:
    answer = await rest_of(await call(port, request_of(more="connection: close\r\n")))
    assert answer.startswith(b"HTTP/1.1 202 Accepted\r\n")
    assert b"connection: close\r\n" in answer


async def test_a_sender_that_hangs_up_is_recorded_all_the_same(
    call: Caller, port: int, database: Database
) -> None:
    (await call(port, request_of("msg_1"))).writer.close()
    assert (await (await call(port, request_of("msg_2"))).answer())[0] == 202
    async with asyncio.timeout(10):
        while await count(database, Delivery) < 2:
            await asyncio.sleep(0.05)


async def test_a_database_that_is_away_is_answered_503(
    call: Caller, port: int, tasks: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any) -> None:
        raise OSError("nobody listens")

    with monkeypatch.context() as patch:
        patch.setattr(GroupCommitWriter, "_record", away)
        status, body = await (await call(port, request_of())).answer()
    assert (status, json.loads(body)["code"], len(tasks)) == (503, "DatabaseUnavailable", 1)
    assert (await (await call(port, request_of())).answer())[0] == 202


async def test_a_full_queue_is_answered_503_and_reads_a_webhook_once(
    call: Caller, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def noted(webhook_id: str, body: bytes) -> ParsedDelivery:
        read.append(webhook_id)
        return parse_delivery(webhook_id, body)

    def full(self: asyncio.Queue[Any], item: Any) -> None:
        raise asyncio.QueueFull

    before = counted("DatabaseUnavailable", "5xx")
    with monkeypatch.context() as patch:
        patch.setattr(asyncio.Queue, "put_nowait", full)
        patch.setattr(endpoints, "parse_delivery", noted)
        assert (await (await call(port, request_of())).answer())[0] == 503
    assert read == ["msg_1"]
    after = counted("DatabaseUnavailable", "5xx")
    assert [now - was for now, was in zip(after, before, strict=True)] == [1, 1, 1]
    assert (await (await call(port, request_of())).answer())[0] == 202


async def test_what_postgres_refuses_is_kept_apart_by_the_application(
    call: Caller, port: int, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any) -> None:
        raise asyncpg.exceptions.UntranslatableCharacterError("otter")

    monkeypatch.setattr(GroupCommitWriter, "_record", refuse)
    assert (await (await call(port, request_of())).answer())[0] == 400
    assert await count(database, Quarantined) == 1
