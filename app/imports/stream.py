"""An import as it runs: lines in, chunks committed, answers out, with bounded memory in between.

Reading, recording and answering go on side by side. What is read waits in a short queue; what is answered
waits too, so that a client that sends everything before it reads does not stand still, up to a bound beyond
which we stop reading until it reads.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.exc import DBAPIError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.imports.lines import ParsedLine, not_storable, parse_line, split_lines
from app.infrastructure.database import Database
from app.infrastructure.database_errors import is_of_the_data
from app.infrastructure.job_queue import DrainQueue
from app.webhooks.ingest import ingest_import
from app.webhooks.parse import ParsedDelivery

log = logging.getLogger(__name__)

CHUNK_LINES: Final = 500
LINES_WAITING: Final = 1000
ANSWERS_WAITING_BYTES: Final = 16 * 1024 * 1024
READ_SECONDS: Final = 60.0
SEND_BYTES: Final = 32 * 1024


@dataclass(frozen=True)
class Importer:
    """What an import needs; `pepper` keys the tombstones of erased attendees."""

    database: Database
    wakeups: DrainQueue
    pepper: bytes
    line_bytes: int

    async def record(self, lines: Sequence[ParsedLine]) -> list[bytes]:
        """Commit one chunk; returns the answers, one for each line."""
        deliveries = [line.delivery for line in lines if line.delivery is not None]
        changed: set[tuple[str, str]] = set()
        if deliveries:
            try:
                changed = await self._commit(deliveries)
            except DBAPIError as error:
                if is_of_the_data(error):
                    return await self._one_by_one(lines)
                changed = await self._commit(deliveries)  # a deadlock or a connection that broke: once more
        return [line.answer(is_changed=_key(line) in changed) for line in lines]

    async def _one_by_one(self, lines: Sequence[ParsedLine]) -> list[bytes]:
        """Only the line with values that cannot be stored is rejected."""
        if len(lines) == 1:
            return [not_storable(lines[0]).answer(is_changed=False)]
        return [answer for line in lines for answer in await self.record([line])]

    async def _commit(self, deliveries: Sequence[ParsedDelivery]) -> set[tuple[str, str]]:
        async with self.database.system() as session:
            imported = await ingest_import(session, deliveries, pepper=self.pepper)
        await self.wakeups.announce(imported.org_ids)
        return imported.changed


@dataclass
class ResponseBuffer:
    """Answers on their way out; `put` waits while too many bytes are not yet taken."""

    bytes_max: int = ANSWERS_WAITING_BYTES
    _waiting: list[bytes] = field(default_factory=list)
    _bytes: int = 0
    _is_closed: bool = False
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def put(self, answers: Sequence[bytes]) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._bytes < self.bytes_max)
            self._waiting += answers
            self._bytes += sum(map(len, answers))
            self._changed.notify_all()

    async def close(self) -> None:
        async with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    async def get(self) -> bytes:
        """The next answers, about SEND_BYTES of them; empty at the end."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._waiting or self._is_closed)
            count = size = 0
            while count < len(self._waiting) and size < SEND_BYTES:
                size += len(self._waiting[count])
                count += 1
            taken, self._waiting = b"".join(self._waiting[:count]), self._waiting[count:]
            self._bytes -= size
            self._changed.notify_all()
        return taken


class NdjsonImportResponse(Response):
    """Answers while it reads. A client that goes away ends it; what was committed stays."""

    media_type = "application/x-ndjson"

    def __init__(self, importer: Importer, request: Request) -> None:
        super().__init__()
        del self.headers["content-length"]
        self.headers["cache-control"] = "no-store"
        self._importer, self._request = importer, request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises TimeoutError when the client stops sending: the answer then breaks off, unfinished."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            await self._run(send)
        except* ClientDisconnect:
            log.info("import_broken_off")

    async def _run(self, send: Send) -> None:
        lines: asyncio.Queue[ParsedLine | None] = asyncio.Queue(LINES_WAITING)
        answers = ResponseBuffer()
        async with asyncio.TaskGroup() as group:
            group.create_task(_read(self._request, lines, bytes_max=self._importer.line_bytes))
            group.create_task(_record(self._importer, lines, answers))
            group.create_task(_send(answers, send))


async def _read(request: Request, lines: "asyncio.Queue[ParsedLine | None]", *, bytes_max: int) -> None:
    number = 0
    async for raw in split_lines(_in_time(request), bytes_max=bytes_max):
        number += 1
        line = parse_line(number, raw)
        if line is not None:
            await lines.put(line)
    await lines.put(None)


async def _in_time(request: Request) -> AsyncIterator[bytes]:
    chunks = aiter(request.stream())
    while True:
        async with asyncio.timeout(READ_SECONDS):
            try:
                chunk = await anext(chunks)
            except StopAsyncIteration:
                return
        yield chunk


async def _record(
    importer: Importer, lines: "asyncio.Queue[ParsedLine | None]", answers: ResponseBuffer
) -> None:
    is_ended = False
    while not is_ended:
        chunk: list[ParsedLine] = []
        line = await lines.get()
        while line is not None and len(chunk) < CHUNK_LINES - 1 and not lines.empty():
            chunk.append(line)
            line = lines.get_nowait()
        is_ended = line is None
        chunk += [line] if line is not None else []
        await answers.put(await importer.record(chunk))
    await answers.close()


async def _send(answers: ResponseBuffer, send: Send) -> None:
    while taken := await answers.get():
        await send({"type": "http.response.body", "body": taken, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _key(line: ParsedLine) -> tuple[str, str]:
    return (line.delivery.host_id, line.registration_id or "") if line.delivery else ("", "")
