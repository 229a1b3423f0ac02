"""HTTP/1.1 by hand: what a client library would not send, and times that no library hides."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

HEAD_END = b"\r\n\r\n"
ANSWER_SECONDS = 15.0
LOST = 0
"""Instead of a status: the connection was refused, cut off or silent."""


@dataclass(frozen=True)
class Target:
    """The service, and what an attacker has: tokens of their own host, and a platform that signs for them."""

    url: str
    owner: str
    member: str
    webhook_secret: str

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        return str(parts.hostname), int(parts.port or 80)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(*self.address)


def head(method: str, path: str, *, token: str = "", **headers: str) -> bytes:
    """Request line and headers; underscores in names become hyphens."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + HEAD_END


def request(method: str, path: str, body: Any = None, *, token: str = "", **headers: str) -> bytes:
    """A whole request; `body` as JSON, or as bytes."""
    if body is None:
        return head(method, path, token=token, **headers)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    whole = {"Content_Type": "application/json", "Content_Length": str(len(raw))} | headers
    return head(method, path, token=token, **whole) + raw


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """The status, and whether the connection goes on. The body is thrown away."""
    top = (await reader.readuntil(HEAD_END)).lower()
    status = int(top[9:12])
    if b"transfer-encoding: chunked" in top:
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readexactly(2)
    else:
        length = top.partition(b"content-length:")[2].partition(b"\r\n")[0].strip()
        await reader.readexactly(int(length or 0))
    return status, b"connection: close" not in top


class Asker:
    """One connection that sends requests one after another and reconnects when it is lost."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, wire: bytes) -> tuple[int, float]:
        """The status (LOST without an answer), and the seconds it took."""
        begun = time.perf_counter()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                status, goes_on = await self._once(wire)
        except (OSError, EOFError, ValueError, TimeoutError, asyncio.LimitOverrunError):
            status, goes_on = LOST, False
        if not goes_on:
            self.close()
        return status, time.perf_counter() - begun

    async def _once(self, wire: bytes) -> tuple[int, bool]:
        if self._streams is None:
            self._streams = await self._target.connect()
        reader, writer = self._streams
        writer.write(wire)
        await writer.drain()
        return await read_answer(reader)

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def every(seconds: float, first: float) -> AsyncIterator[None]:
    """At even times, from `first` seconds on; late turns are not made up for."""
    due = time.perf_counter() + first
    while True:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        yield
        due = max(due + seconds, time.perf_counter())
