"""The platform's endpoint of `chaos.notifications`: it keeps what is genuine, and answers as it pleases."""

import asyncio
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from app.config.webhook_secret import WebhookSecret
from app.webhooks.signature import InvalidSignature, StaleSignature, verify

ANSWERS: Final = {"200": 0.55, "500": 0.2, "301": 0.05, "slow": 0.1, "closed": 0.1}
"""What is answered, and how often; what is slow or closed was kept before."""
SLOW_SECONDS: Final = 1.0


@dataclass
class Receiver:
    """What came, by webhook id. While `is_gone` everything is answered 410 and nothing is kept."""

    secret: WebhookSecret
    chance: random.Random
    bodies: dict[str, bytes] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    forged: int = 0
    changed: int = 0
    is_gone: bool = False

    async def serve(self) -> asyncio.Server:
        return await asyncio.start_server(self._take, "127.0.0.1", 0)

    def payloads(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.bodies.values()]

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[1:-2]
            headers = [
                (name.lower(), value.strip()) for name, _, value in (line.partition(b":") for line in head)
            ]
            body = await reader.readexactly(int(dict(headers)[b"content-length"]))
            await self._answer(headers, body, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # a sender that was killed, or the end of the run
        finally:
            writer.close()

    async def _answer(
        self, headers: list[tuple[bytes, bytes]], body: bytes, writer: asyncio.StreamWriter
    ) -> None:
        [answer] = self.chance.choices([*ANSWERS], [*ANSWERS.values()])
        answer = "410" if self.is_gone else answer
        self.answers[answer] += 1
        if answer in ("200", "slow", "closed"):
            self._keep(headers, body)
        if answer == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        if answer != "closed":
            status = "200" if answer == "slow" else answer
            more = "location: /elsewhere\r\n" if status == "301" else ""
            writer.write(
                f"HTTP/1.1 {status} x\r\n{more}content-length: 0\r\nconnection: close\r\n\r\n".encode()
            )
            await writer.drain()

    def _keep(self, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        try:
            webhook_id = verify(headers, body, secrets=[self.secret], now=datetime.now(UTC))
        except (InvalidSignature, StaleSignature):
            self.forged += 1
            return
        self.changed += self.bodies.setdefault(webhook_id, body) != body
