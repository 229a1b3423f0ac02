"""Connections without sockets: whatever is sent, they answer with the bytes of their script."""

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from app.salesforce.egress import PublicDialer
from app.salesforce.http_connection import HttpConnection
from app.salesforce.http_pool import PublicTransport

PUBLIC = "136.146.0.1"


class ScriptedLine(asyncio.Transport):
    """One connection: the first bytes that are sent begin the next answer, part by part.

    Where the script ends the server hangs up; where `hangs` it falls silent.
    """

    def __init__(
        self, connection: HttpConnection, answers: Sequence[Sequence[bytes]], *, hangs: bool
    ) -> None:
        super().__init__()
        self.sent = b""
        self.is_closed = False
        self.is_reading_paused = False
        self._connection, self._answers, self._hangs = connection, list(answers), hangs
        connection.connection_made(self)

    def write(self, data: Any) -> None:
        self.sent += data
        parts = self._answers.pop(0) if self._answers else ()
        asyncio.get_running_loop().call_soon(self._answer, parts)

    def _answer(self, parts: Sequence[bytes]) -> None:
        for part in parts:
            if not self.is_closed:
                self._connection.data_received(part)
        if not self._answers and not self._hangs:
            self.close()

    def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            self._connection.connection_lost(None)

    def abort(self) -> None:
        self.close()

    def is_closing(self) -> bool:
        return self.is_closed

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def pause_reading(self) -> None:
        self.is_reading_paused = True

    def resume_reading(self) -> None:
        self.is_reading_paused = False


@dataclass
class ScriptedNetwork:
    """Every connection speaks `answers`, one for each request; `lines` are all that were opened."""

    answers: Sequence[Sequence[bytes]]
    hangs: bool = False
    lines: list[ScriptedLine] = field(default_factory=list)

    @property
    def has_heard(self) -> bool:
        """Whether a request was sent by its last connection."""
        return bool(self.lines and self.lines[-1].sent)

    async def open(
        self, address: str, port: int, tls: ssl.SSLContext | None, server_name: str | None
    ) -> HttpConnection:
        connection = HttpConnection()
        self.lines.append(ScriptedLine(connection, self.answers, hangs=self.hangs))
        return connection

    def client(self, *, limits: httpx.Limits | None = None, timeout: float = 5.0) -> httpx.AsyncClient:
        """A client of this network over our own transport."""
        dialer = PublicDialer(resolve=_public, open_connection=self.open)
        found = limits or httpx.Limits(max_connections=4, max_keepalive_connections=2)
        return httpx.AsyncClient(transport=PublicTransport(limits=found, dialer=dialer), timeout=timeout)


async def _public(host: str, port: int) -> Sequence[str]:
    return [PUBLIC]
