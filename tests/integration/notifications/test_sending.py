"""Sending: what the receiver gets, when it gets it again, and what a slow, gone or hostile one cannot do."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, text

from app.api.dependencies import Resources
from app.config.settings import Settings
from app.config.webhook_secret import WebhookSecret
from app.infrastructure.database import Database
from app.main import open_resources
from app.models import Notification
from app.notifications import delivery
from app.notifications.outbox import notify
from app.states import NotificationType
from app.webhooks.signature import InvalidSignature, verify
from tests.notified import keep_notifications
from workers import notifier
from workers.notifier import send_notifications

NEW, OLD = b"an-otter-signs-notifications-now", b"an-otter-signed-them-until-today"
URL = "https://platform.example/hooks?tenant=otter"


def whsec(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


class Receiver:
    """The platform's endpoint, in the place of the network."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.answer: Callable[[httpx.Request], Awaitable[httpx.Response]] = self._accept

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return await self.answer(request)

    async def _accept(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(204)

    def answers(self, status: int, **more: Any) -> None:
        async def answer(request: httpx.Request) -> httpx.Response:
            return httpx.Response(status, **more)

        self.answer = answer

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.requests]


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def notifying(settings: Settings) -> Settings:
    keys = (f"{whsec(NEW)}", f"{whsec(OLD)}@2036-01-01T00:00:00Z", f"{whsec(OLD)}@2016-01-01T00:00:00Z")
    return Settings(**{**settings.model_dump(), "notify_url": URL, "notify_secrets": ",".join(keys)})


@asynccontextmanager
async def opened(settings: Settings, receiver: Receiver | None) -> AsyncIterator[Resources]:
    transport = httpx.MockTransport(receiver) if receiver else None
    async with open_resources(settings, transport=transport) as resources:
        yield resources


@pytest.fixture
async def resources(
    database: Database, notifying: Settings, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Resources]:
    keep_notifications(database, monkeypatch)
    async with opened(notifying, receiver) as resources:
        yield resources


async def fact(database: Database, name: str = "b1", host_id: str = "host_a") -> None:
    async with database.tenant(host_id) as session:
        kind = NotificationType.BACKFILL_FINISHED
        await notify(session, host_id, kind, {"backfill_id": name, "done": 3}, event_id="evt_1")


async def rows(database: Database) -> list[Notification]:
    async with database.system() as session:
        return list(await session.scalars(select(Notification).order_by(Notification.position)))


async def row(database: Database) -> Notification:
    [only] = await rows(database)
    return only


async def make_due(database: Database) -> None:
    async with database.system() as session:
        await session.execute(text("UPDATE notifications SET due_at = clock_timestamp()"))


def verified(request: httpx.Request, key: bytes) -> str:
    """The webhook id, as the platform's own code for Standard Webhooks finds it."""
    now = datetime.now(UTC)
    return verify(request.headers.raw, request.content, secrets=[WebhookSecret(key)], now=now)


async def test_a_fact_is_posted_once_with_its_number_and_signed_by_each_live_secret(
    resources: Resources, database: Database, receiver: Receiver
) -> None:
    await fact(database)
    for _ in range(2):
        await send_notifications(resources)
    [request], kept = receiver.requests, await row(database)
    assert (request.method, str(request.url)) == ("POST", URL)
    assert verified(request, NEW) == verified(request, OLD) == kept.notification_id
    assert len(request.headers["webhook-signature"].split(" ")) == 2
    with pytest.raises(InvalidSignature):
        verified(request, b"a-badger-forges-notifications-x!")
    assert receiver.bodies == [
        {
            "type": "backfill.finished",
            "timestamp": kept.created_at.isoformat().replace("+00:00", "Z"),
            "data": {
                "host": {"id": "host_a"},
                "sequence": 1,
                "event": {"id": "evt_1"},
                "backfill_id": "b1",
                "done": 3,
            },
        }
    ]
    assert (kept.state, kept.attempts, kept.last_status) == ("delivered", 1, 204)
    assert kept.finished_at is not None


async def test_repeats_follow_the_schedule_with_the_same_id_and_body_and_end_after_the_tenth(
    resources: Resources, database: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery.random, "uniform", lambda low, high: (low, high))  # type: ignore[attr-defined]
    waits: list[timedelta] = []

    class Jittered(timedelta):
        def __mul__(self, between: Any) -> timedelta:
            assert between == pytest.approx((0.8, 1.2))
            waits.append(timedelta(seconds=self.total_seconds()))
            return waits[-1]

    repeats = tuple(Jittered(seconds=each.total_seconds()) for each in delivery.REPEATS)
    monkeypatch.setattr(delivery, "REPEATS", repeats)
    receiver.answers(500)
    await fact(database)
    for attempt in range(1, 11):
        await make_due(database)
        await send_notifications(resources)
        assert (await row(database)).attempts == attempt
    hour = 3600
    assert [each.total_seconds() for each in waits] == [
        5, 300, 1800, 2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour
    ]  # fmt: skip
    assert len({(each.headers["webhook-id"], each.content) for each in receiver.requests}) == 1
    assert ((await row(database)).state, (await row(database)).last_status) == ("failed", 500)
    await make_due(database)
    await send_notifications(resources)
    assert len(receiver.requests) == 10


async def test_a_repeat_is_not_due_at_once(
    resources: Resources, database: Database, receiver: Receiver
) -> None:
    receiver.answers(503)
    await fact(database)
    for _ in range(3):
        await send_notifications(resources)
    async with database.system() as session:
        wait = await session.scalar(select(Notification.due_at - func.clock_timestamp()))
    assert len(receiver.requests) == 1
    assert wait is not None
    assert timedelta(0) < wait <= timedelta(seconds=6)


@pytest.mark.parametrize(
    ("status", "headers"),
    [(301, {"location": "https://elsewhere.example/"}), (307, {"location": URL}), (400, {}), (503, {})],
)
async def test_what_is_no_2xx_is_repeated_and_no_redirect_followed(
    resources: Resources, database: Database, receiver: Receiver, status: int, headers: dict[str, str]
) -> None:
    receiver.answers(status, headers=headers)
    await fact(database)
    await send_notifications(resources)
    kept = await row(database)
    assert (kept.state, kept.attempts, kept.last_status) == ("pending", 1, status)
    assert [str(each.url) for each in receiver.requests] == [URL]


async def test_410_stops_everything_and_loses_nothing(
    resources: Resources, database: Database, receiver: Receiver
) -> None:
    receiver.answers(410)
    await fact(database, "b1")
    await send_notifications(resources)
    receiver.answers(204)
    await fact(database, "b2", "host_b")
    await make_due(database)
    await send_notifications(resources)
    assert [each["data"]["backfill_id"] for each in receiver.bodies] == ["b1"]
    assert [(each.state, each.sequence) for each in await rows(database)] == [("pending", 1), ("pending", 1)]
    async with database.system() as session:
        assert await delivery.enable_receiver(session)
        assert not await delivery.enable_receiver(session)
    await send_notifications(resources)
    assert sorted(each["data"]["backfill_id"] for each in receiver.bodies) == ["b1", "b1", "b2"]
    assert [(each.state, each.attempts) for each in await rows(database)] == [("delivered", 1)] * 2


async def test_a_receiver_that_never_answers_ends_with_the_time_and_leaves_no_connection_to_the_database(
    resources: Resources, database: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier, "ANSWER_SECONDS", 0.2)

    async def hang(request: httpx.Request) -> httpx.Response:
        assert resources.database.engines[1].pool.checkedout() == 0  # type: ignore[attr-defined]
        await asyncio.sleep(30)
        raise AssertionError

    receiver.answer = hang
    await fact(database)
    async with asyncio.timeout(10):
        await send_notifications(resources)
    kept = await row(database)
    assert (kept.state, kept.attempts, kept.last_status, kept.last_error) == ("pending", 1, None, "timeout")


async def test_of_an_answer_no_more_is_read_than_a_little(
    resources: Resources, database: Database, receiver: Receiver
) -> None:
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 4096
            yield b"x" * 4096

    receiver.answers(200, content=endless())
    await fact(database)
    async with asyncio.timeout(10):
        await send_notifications(resources)
    assert (await row(database)).state == "delivered"
    assert given <= notifier.BODY_BYTES + 8192


async def test_a_2xx_whose_body_does_not_end_is_delivered(
    resources: Resources, database: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier, "BODY_SECONDS", 0.1)

    async def silent() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(30)

    receiver.answers(200, content=silent())
    await fact(database)
    async with asyncio.timeout(10):
        await send_notifications(resources)
    assert (await row(database)).state == "delivered"


async def test_workers_share_what_is_due(
    resources: Resources, notifying: Settings, database: Database, receiver: Receiver
) -> None:
    for number in range(20):
        await fact(database, f"b{number}", f"host_{number % 3}")
    async with opened(notifying, receiver) as other:
        await asyncio.gather(send_notifications(resources), send_notifications(other))
        await send_notifications(resources)
    ids = [each.headers["webhook-id"] for each in receiver.requests]
    assert len(ids) == len(set(ids)) == 20
    assert {each.state for each in await rows(database)} == {"delivered"}


async def test_what_a_worker_took_with_it_goes_out_again(
    resources: Resources, database: Database, receiver: Receiver
) -> None:
    reached = asyncio.Event()

    async def hang(request: httpx.Request) -> httpx.Response:
        reached.set()
        await asyncio.sleep(30)
        raise AssertionError

    receiver.answer = hang
    await fact(database)
    dying = asyncio.create_task(send_notifications(resources))
    await reached.wait()
    dying.cancel()
    await asyncio.wait([dying])
    receiver.answers(204)
    await send_notifications(resources)
    assert len(receiver.requests) == 1
    await make_due(database)
    await send_notifications(resources)
    assert len({each.headers["webhook-id"] for each in receiver.requests}) == 1
    assert ((await row(database)).state, len(receiver.requests)) == ("delivered", 2)


async def test_a_failure_that_comes_late_undoes_no_delivery(resources: Resources, database: Database) -> None:
    await fact(database)
    await delivery.number_notifications(database)
    [slow] = await delivery.claim_notifications(database, 5)
    await make_due(database)
    [quick] = await delivery.claim_notifications(database, 5)
    await delivery.settle_notification(database, quick, delivery.Answer(status=200))
    await delivery.settle_notification(database, slow, delivery.Answer(error="timeout"))
    assert ((await row(database)).state, (await row(database)).last_status) == ("delivered", 200)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "10.0.0.8", "169.254.169.254", "[::1]"])
async def test_without_the_setting_no_private_address_is_called(
    database: Database, notifying: Settings, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    keep_notifications(database, monkeypatch)
    await fact(database)
    async with opened(notifying.model_copy(update={"notify_url": f"https://{name}:9/"}), None) as resources:
        await send_notifications(resources)
    assert ((await row(database)).attempts, (await row(database)).last_error) == (1, "address_refused")


async def test_with_the_setting_a_receiver_of_ones_own_network_is(
    database: Database, notifying: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_notifications(database, monkeypatch)
    await fact(database)
    heard = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.readuntil(b"}}"))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    changes = {"notify_url": f"http://127.0.0.1:{port}/hooks", "notify_private": True}
    async with server, opened(notifying.model_copy(update=changes), None) as resources:
        await send_notifications(resources)
    assert heard.startswith(b"POST /hooks HTTP/1.1\r\n")
    assert (await row(database)).state == "delivered"


async def test_without_a_receiver_nothing_is_numbered_or_sent(
    database: Database, settings: Settings, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_notifications(database, monkeypatch)
    await fact(database)
    async with opened(settings, receiver) as resources:
        await send_notifications(resources)
    assert (receiver.requests, (await row(database)).sequence) == ([], None)


async def test_no_address_and_no_secret_is_logged(
    resources: Resources, database: Database, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers(410)
    await fact(database)
    await send_notifications(resources)
    assert [each.message for each in caplog.records if each.name == "workers.notifier"] == [
        "notifications_disabled"
    ]
    told = " ".join(str(vars(each)) for each in caplog.records)
    assert "tenant=otter" not in told
    assert "whsec_" not in told
