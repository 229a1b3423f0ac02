"""Counts what a process says to Postgres, message by message: whatever driver or pool it uses."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from urllib.parse import urlsplit, urlunsplit

SSL_REQUEST = 80877103
NO_TLS = b"N"
ENDS = ("COMMIT", "ROLLBACK")


@dataclass
class Counts:
    """Whole transactions, the statements in them, and how often an answer was waited for."""

    transactions: int = 0
    statements: int = 0
    round_trips: int = 0

    def since(self, before: "Counts") -> "Counts":
        return Counts(**{name: value - getattr(before, name) for name, value in asdict(self).items()})

    def copy(self) -> "Counts":
        return Counts(**asdict(self))


@dataclass
class Conversation:
    """One connection's messages to the server, as they come; a message may come in pieces."""

    counts: Counts
    _rest: bytes = b""
    _is_in_transaction: bool = False

    def feed(self, data: bytes) -> None:
        self._rest += data
        while len(self._rest) >= 5:
            end = 1 + int.from_bytes(self._rest[1:5], "big")
            if len(self._rest) < end:
                return
            kind, body, self._rest = self._rest[:1], self._rest[5:end], self._rest[end:]
            self._note(kind, body)

    def _note(self, kind: bytes, body: bytes) -> None:
        if kind in (b"S", b"Q"):
            self.counts.round_trips += 1
        if kind == b"Q":
            text = body.rstrip(b"\0").decode().upper()
            if text.startswith("BEGIN"):
                self._is_in_transaction = True
                self.counts.transactions += 1
            elif text.startswith(ENDS):
                self._is_in_transaction = False
            else:
                self._executed()
        elif kind == b"E":
            self._executed()

    def _executed(self) -> None:
        self.counts.statements += 1
        self.counts.transactions += not self._is_in_transaction


@dataclass
class Wire:
    """A port in front of Postgres that passes everything on and counts the way there."""

    url: str
    counts: Counts = field(default_factory=Counts)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[str]:
        """The database's URL by way of this port."""
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        parts = urlsplit(self.url)
        user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        try:
            yield urlunsplit(parts._replace(netloc=f"{user}127.0.0.1:{port}"))
        finally:
            server.close()

    async def _pass_on(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        parts = urlsplit(self.url)
        answers, server = await asyncio.open_connection(parts.hostname, parts.port)
        conversation = Conversation(self.counts)
        returning = asyncio.create_task(_copy(answers, back))
        with suppress(ConnectionError, asyncio.CancelledError):
            server.write(await _startup(client, back))
            while data := await client.read(65_536):
                conversation.feed(data)
                server.write(data)
        server.close()
        await returning


async def _startup(client: asyncio.StreamReader, back: asyncio.StreamWriter) -> bytes:
    """The first message of a client, which has no type; what asks for TLS before it is refused."""
    while True:
        head = await client.readexactly(4)
        body = await client.readexactly(int.from_bytes(head, "big") - 4)
        if int.from_bytes(body[:4], "big") != SSL_REQUEST:
            return head + body
        back.write(NO_TLS)


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(65_536):
            target.write(data)
    target.close()
