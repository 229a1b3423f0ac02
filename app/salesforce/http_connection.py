"""One HTTP/1.1 connection for one exchange at a time, on asyncio's transports and httptools' parser.

httpx's own looks at every connection of its pool for each request, with locks, scopes and a parser in Python
around each step: together a third of what a lone registration cost a worker. See docs/performance.md.
"""

import asyncio
import select
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import httptools
import httpx

HEAD_MAX: Final = 128 * 1024
"""The most bytes that may come in a row without any of the body: a head, or the trailers of a body."""
BUFFERED_MAX: Final = 256 * 1024
"""The bytes of a body that may wait for their reader before the other end has to wait."""


class IncomingAnswer:
    """What has come of an answer so far; `status` is None until its head is complete.

    `is_kept`: the connection may be used again, once `is_complete`. `error`: nothing more will come.
    """

    def __init__(self) -> None:
        self.status: int | None = None
        self.headers: list[tuple[bytes, bytes]] = []
        self.parts: deque[bytes] = deque()
        self.buffered = 0
        self.is_complete = False
        self.is_kept = False
        self.error: httpx.TransportError | None = None
        self._bytes_without_body = 0
        self._parser: Any = httptools.HttpResponseParser(self)

    @property
    def has_head(self) -> bool:
        return self.status is not None or self.error is not None

    @property
    def has_part(self) -> bool:
        return bool(self.parts) or self.is_complete or self.error is not None

    def feed(self, data: bytes) -> None:
        """What the server sent next."""
        if self.is_complete or self._parser is None:
            self.is_kept = False
            return
        before = self.buffered
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.is_kept = False
            self._fail(httpx.RemoteProtocolError(f"no valid answer: {error}"))
        self._bytes_without_body = 0 if self.buffered > before else self._bytes_without_body + len(data)
        if self._bytes_without_body > HEAD_MAX:
            self._fail(httpx.RemoteProtocolError("the head of the answer is too long"))
        if self.is_complete:
            self._parser = None  # it refers to this answer

    def end(self, error: Exception | None = None) -> None:
        """The server sends no more: a body without a length is complete, any other answer breaks off."""
        self.is_kept = False
        names = {name.lower() for name, _ in self.headers}
        if error is not None:
            self._fail(httpx.ReadError(str(error) or type(error).__name__))
        elif self.status is None or names & {b"content-length", b"transfer-encoding"}:
            self._fail(httpx.RemoteProtocolError("the server hung up before its answer was complete"))
        elif self.error is None:
            self.is_complete, self._parser = True, None

    def take(self) -> bytes:
        """The next part of the body."""
        part = self.parts.popleft()
        self.buffered -= len(part)
        return part

    def _fail(self, error: httpx.TransportError) -> None:
        if not self.is_complete and self.error is None:
            self.error, self._parser = error, None

    # What httptools calls:

    def on_message_begin(self) -> None:
        if self.is_complete:
            self.is_kept = False  # more than one answer to one request

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.status is None:
            self.headers.append((name, value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        if self.is_complete:
            return
        status = self._parser.get_status_code()
        if status < httpx.codes.CONTINUE:
            raise ValueError("no status of HTTP")
        if status >= httpx.codes.OK:
            self.status = status
        else:
            self.headers.clear()  # of a head before the answer proper

    def on_body(self, part: bytes) -> None:
        if self.is_complete:
            return
        if self.status is None:
            raise ValueError("a head before the answer proper has no body")
        self.parts.append(part)
        self.buffered += len(part)

    def on_message_complete(self) -> None:
        if self.status is not None and not self.is_complete:
            self.is_complete, self.is_kept = True, self._parser.should_keep_alive()


class HttpConnection(asyncio.Protocol):
    """Sends a request and hands on the answer as it comes. Raises what httpx's own transport raises."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._answer: IncomingAnswer | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._is_full = False
        self._is_reading = True
        self.is_lost = False

    # What the event loop calls:

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._answer is None:
            self.abort()  # nobody asked
            return
        self._answer.feed(data)
        if self._answer.buffered > BUFFERED_MAX and self._is_reading:
            self._is_reading = False
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc)

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        self._wake()

    # What the pool calls:

    @property
    def is_usable(self) -> bool:
        """Whether the server has neither hung up nor spoken, also as far as the loop did not read yet."""
        return not self.is_lost and not self._transport.is_closing() and not _is_readable(self._transport)

    async def send(self, request: bytes, *, within: float | None) -> None:
        """Send a request, or what the server takes before it answers. Raises WriteTimeout, WriteError."""
        if self.is_lost:
            raise httpx.WriteError("the connection is closed")
        answer = self._answer = IncomingAnswer()
        self._transport.write(request)
        await self._until(lambda: not self._is_full or answer.has_head, within, httpx.WriteTimeout)

    async def head(self, *, within: float | None) -> tuple[int, list[tuple[bytes, bytes]]]:
        """Status and headers. Raises ReadTimeout, ReadError, RemoteProtocolError."""
        answer = self._answer
        assert answer is not None
        await self._until(lambda: answer.has_head, within, httpx.ReadTimeout)
        if answer.status is None:
            raise answer.error or httpx.ReadError("no answer")
        return answer.status, answer.headers

    async def part(self, *, within: float | None) -> bytes | None:
        """The next part of the body, None at its end. Raises ReadTimeout, ReadError, RemoteProtocolError."""
        answer = self._answer
        assert answer is not None
        if not answer.has_part:
            await self._until(lambda: answer.has_part, within, httpx.ReadTimeout)
        if answer.parts:
            part = answer.take()
            if not self._is_reading and answer.buffered <= BUFFERED_MAX:
                self._is_reading = True
                self._transport.resume_reading()
            return part
        if answer.error is not None:
            raise answer.error
        return None

    def finish(self) -> bool:
        """The exchange is over; returns whether the connection may be used for another."""
        answer, self._answer = self._answer, None
        is_kept = answer is not None and answer.is_complete and answer.is_kept and not answer.parts
        if not is_kept or self._is_full or self.is_lost:
            self.abort()
            return False
        return True

    def abort(self) -> None:
        """End it at once, whatever is under way."""
        self._end(ConnectionAbortedError("closed from this end"))
        self._transport.abort()

    def close(self) -> None:
        """End it with a farewell."""
        self._end(ConnectionAbortedError("closed from this end"))
        self._transport.close()

    def _end(self, error: Exception | None) -> None:
        self.is_lost = True
        if self._answer is not None:
            self._answer.end(error)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _until(
        self, is_so: Callable[[], bool], within: float | None, late: type[httpx.TimeoutException]
    ) -> None:
        if is_so():
            return
        try:
            async with asyncio.timeout(within):
                while not is_so():
                    self._waiter = asyncio.get_running_loop().create_future()
                    await self._waiter
        except TimeoutError as error:
            raise late(f"nothing happened for {within} s") from error


def _is_readable(transport: asyncio.BaseTransport) -> bool:
    """Whether bytes wait, or the other end is gone; where a system cannot say, the loop would know."""
    found = transport.get_extra_info("socket")
    if found is None or not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(found.fileno(), select.POLLIN)
    return bool(poll.poll(0))
