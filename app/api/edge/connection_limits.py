"""One connection, bounded before anybody is known: by number, by its head, and by how long we wait for it."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, cast

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from app.api.error_handlers import send_problem
from app.api.errors import HeadersTooLarge, Problem, ServiceBusy
from app.api.request_log import request_id_from, with_request_id
from app.infrastructure.log_context import logged_with

HEAD_BYTES: Final = 32_768
"""Of a request line and its headers together; a bearer token may take half of it."""
HEADERS_MAX: Final = 100
HEAD_SECONDS: Final = 10.0
"""Until a head is complete, counted from the connection or from its first byte."""
LINGER_SECONDS: Final = 5.0
"""What is left of a refused body is thrown away so long, so that the sender comes to read the refusal."""
STALLED_SECONDS: Final = 60.0
"""A reader that takes nothing of an answer is cut off after this."""
SPARE: Final = 200
"""Connections beyond the bound that are still told that there are too many, instead of being cut off."""
PROBED: Final = (b"/livez", b"/readyz")
"""Answered however many connections there are: a flood must not restart the process."""

LATE: Final = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
)
CLOSING: Final = {"Connection": "close"}


class LimitedProtocol(HttpToolsProtocol):
    """The server's own protocol with limits; `limit_concurrency` is the number of connections."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._connections_max, self.limit_concurrency = self.limit_concurrency, None
        self._is_in_head = False
        self._head_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast(asyncio.Transport, transport))
        if self._connections_max is not None and len(self.connections) > self._connections_max + SPARE:
            self.transport.abort()
        else:
            self._wait(HEAD_SECONDS, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._stop_stalled()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        is_continued = self._is_in_head
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._is_in_head:
            self._count_head(data if is_continued else b"")
        elif self._is_answered and self._timer is None and self.timeout_keep_alive_task is None:
            self._wait(self.timeout_keep_alive, self.transport.close)  # line ends between two requests

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        self._stop_waiting()
        app = self.app
        self.app = self._refusal() or app
        try:
            super().on_headers_complete()
        finally:
            self.app = app

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._is_answered and self._timer is not None:
            self._wait(self.timeout_keep_alive, self.transport.close)

    def on_response_complete(self) -> None:
        cycle = self.cycle
        super().on_response_complete()
        if cycle.response_complete and cycle.more_body and not self.transport.is_closing():
            self._wait(LINGER_SECONDS, self.transport.close)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled = self.loop.call_later(STALLED_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        self._stop_stalled()
        super().resume_writing()

    @property
    def _is_answered(self) -> bool:
        """Whether nothing is owed for what came so far."""
        return getattr(self.cycle, "response_complete", True)

    def _count_head(self, more: bytes) -> None:
        self._head_bytes += len(more)
        if self._head_bytes > HEAD_BYTES:
            self._end(TOO_LARGE)
        elif not more:
            self._wait(HEAD_SECONDS, self._head_is_late)

    def _refusal(self) -> ASGIApp | None:
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > HEAD_BYTES or len(self.headers) > HEADERS_MAX:
            return self._refusing(HeadersTooLarge(headers=CLOSING))
        is_full = self._connections_max is not None and len(self.connections) > self._connections_max
        if is_full and self.url not in PROBED:
            return self._refusing(ServiceBusy(headers=CLOSING | {"Retry-After": "5"}))
        return None

    def _refusing(self, problem: Problem) -> ASGIApp:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            scope["app"] = self.config.app
            request_id = request_id_from(scope)
            with logged_with(request_id=request_id):
                await send_problem(problem, scope, receive, with_request_id(request_id, send))

        return answer

    def _head_is_late(self) -> None:
        self._end(LATE)

    def _end(self, answer: bytes) -> None:
        """Say why and close, unless the answer to an earlier request is still on its way."""
        if self._is_answered:
            self.transport.write(answer)
        self.transport.close()

    def _wait(self, seconds: float, then: Callable[[], None]) -> None:
        self._stop_waiting()
        self._timer = self.loop.call_later(seconds, then)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _stop_stalled(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
