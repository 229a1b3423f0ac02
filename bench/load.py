"""A sender that costs little: signed webhooks over many connections, each waiting for its answer."""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from app.config.webhook_secret import WebhookSecret
from bench.stage import EVENT, HOST
from devtools.local_stack.webhook_sender import signed_headers

PATH = "/webhooks/eventship"
AT = "2026-11-10T14:03:00Z"
HEAD_END = b"\r\n\r\n"


@dataclass
class Answers:
    """What came back: how often each status, and how long each took in seconds."""

    statuses: dict[int, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    took: float = 0.0

    @property
    def per_second(self) -> float:
        return len(self.seconds) / self.took

    def percentile(self, share: float) -> float:
        """Milliseconds within which this share was answered."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


def registration(number: int, *, host_id: str = HOST, event_id: str = EVENT) -> dict[str, Any]:
    """The webhook of a new registration, with all that a form usually asks for."""
    attendee = {
        "id": f"per_{number}",
        "email": f"guest{number}@bench.example",
        "first_name": "Guest",
        "last_name": f"No{number}",
        "company": f"Company {number}",
        "consent": {"marketing": False},
    }
    return {
        "type": "registration.confirmed",
        "timestamp": AT,
        "data": {
            "host": {"id": host_id, "name": "Bench"},
            "event": {
                "id": event_id,
                "title": "Autumn Summit",
                "kind": "in_person",
                "starts_at": "2026-11-24T08:00:00Z",
                "ends_at": "2026-11-25T16:00:00Z",
                "timezone": "Europe/Berlin",
                "version": 4,
            },
            "registration": {
                "id": f"reg_{number}",
                "status": "confirmed",
                "registered_at": AT,
                "attendee": attendee,
                "ticket": {"id": "tkt_std", "name": "Standard", "kind": "attendee"},
                "answers": [{"key": "team_size", "label": "Team size", "value": 12}],
                "utm": {"source": "newsletter"},
                "version": 1,
            },
        },
    }


def request_bytes(url: str, secret: str, webhook_id: str, payload: dict[str, Any]) -> bytes:
    """One signed HTTP request as it goes over the wire."""
    body = json.dumps(payload).encode()
    headers = signed_headers(WebhookSecret.parse(secret).key, webhook_id, int(time.time()), body)
    headers |= {"host": urlsplit(url).netloc, "content-length": str(len(body))}
    lines = [f"POST {PATH} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + HEAD_END + body


def requests(url: str, secret: str, first: int, count: int) -> list[bytes]:
    """The requests of `count` new registrations, made before the clock starts."""
    return [
        request_bytes(url, secret, f"msg_{number}", registration(number))
        for number in range(first, first + count)
    ]


class Sender(asyncio.Protocol):
    """One connection: sends the next request when the last one is answered."""

    def __init__(self, waiting: Iterator[bytes], answers: Answers) -> None:
        self._waiting, self._answers, self._received = waiting, answers, b""
        self._sent_at = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(HEAD_END)
        if not separator or len(body) < _content_length(head):
            return
        status = int(head[9:12])
        self._answers.statuses[status] = self._answers.statuses.get(status, 0) + 1
        self._answers.seconds.append(time.perf_counter() - self._sent_at)
        self._received = b""
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))

    def _next(self) -> None:
        request = next(self._waiting, None)
        if request is None:
            self.done.set_result(None)
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)


async def send(url: str, wire: list[bytes], *, connections: int = 64) -> Answers:
    """Send them all; raises ConnectionError when the server hangs up."""
    parts, answers, waiting = urlsplit(url), Answers(), iter(wire)
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    made = [
        await loop.create_connection(
            lambda: Sender(waiting, answers), str(parts.hostname), int(parts.port or 80)
        )
        for _ in range(connections)
    ]
    await asyncio.gather(*(sender.done for _, sender in made))
    answers.took = time.perf_counter() - started
    return answers


def _content_length(head: bytes) -> int:
    name = b"content-length: "
    start = head.lower().index(name) + len(name)
    return int(head[start:].split(b"\r\n", 1)[0])
