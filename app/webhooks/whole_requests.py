"""Webhooks that arrived whole are read and answered by their connection, without a task for each.

A task, its messages and its future cost more than verifying and reading a webhook does; see
docs/performance.md. All that is not a delivery to be recorded and answered at once goes to the application as
every other request does: bodies that are still coming, refusals, failures, a connection that is to be closed.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any, Final, cast

from starlette.datastructures import State
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from app.api.edge.connection_limits import LimitedProtocol
from app.api.errors import Problem
from app.api.request_log import HEADER, ObservedRequest
from app.webhooks.batch_writer import GroupCommitWriter
from app.webhooks.endpoints import ANSWERS, Headers, Taken, count_webhook, read_whole, receive
from app.webhooks.fast_path import ACCEPTED, ASGI_RESPONSES, FastPathApp, Taking, is_webhook
from app.webhooks.parse import Outcome, ParsedDelivery

log = logging.getLogger(__name__)

CONNECTION: Final = b"connection"


def _lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join(b"%s: %s\r\n" % header for header in headers)


HEADS: Final = {
    outcome: _lines(ASGI_RESPONSES[body][0]["headers"]) + HEADER + b": " for outcome, body in ANSWERS.items()
}
"""Of each outcome the headers that its answer always has, and the beginning of the last one."""


class WebhookProtocol(LimitedProtocol):
    """A connection that begins with a webhook when the bytes that it was read from are read."""

    _held: tuple[RequestResponseCycle, FastPathApp] | None = None
    _is_reading = False

    def data_received(self, data: bytes) -> None:
        self._is_reading = True
        super().data_received(data)
        self._is_reading = False
        if self._held is not None:
            (cycle, app), self._held = self._held, None
            if not self._is_taken(cycle, app):
                self.start(cycle, app)

    def start(self, cycle: RequestResponseCycle, app: ASGIApp) -> None:
        """Let the application answer, in a task."""
        super()._start_asgi_task(cycle, cast(Any, app))

    def can_answer(self, cycle: RequestResponseCycle) -> bool:
        """Whether nothing is to be said or waited for but the answer."""
        is_plain = cycle.keep_alive and not self.flow.write_paused and not self.transport.is_closing()
        return is_plain and all(name != CONNECTION for name, _ in self.server_state.default_headers)

    def answer(self, cycle: RequestResponseCycle, outcome: Outcome, request_id: str) -> None:
        """Write the whole answer; the same bytes as the application's."""
        defaults = _lines(self.server_state.default_headers)
        head = b"".join((STATUS_LINE[ACCEPTED], defaults, HEADS[outcome], request_id.encode(), b"\r\n\r\n"))
        self.transport.write(head + ANSWERS[outcome])
        cycle.response_started = cycle.response_complete = True
        cycle.on_response()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if self._is_reading and isinstance(app, FastPathApp) and is_webhook(cast(Scope, cycle.scope)):
            self._held = cycle, app
        else:
            self.start(cycle, app)

    def _is_taken(self, cycle: RequestResponseCycle, app: FastPathApp) -> bool:
        if cycle.more_body or cycle.waiting_for_100_continue or self.transport.is_closing():
            return False
        request = ObservedRequest(cast(Scope, cycle.scope), is_one_of_many=True)
        delivery = read_whole(app.state, cycle.scope["headers"], bytes(cycle.body))
        if delivery is None:
            return False
        PendingAnswer(self, cycle, app, request).enqueue(delivery)
        return True


class PendingAnswer:
    """What a connection owes for a delivery that is being recorded, as the writer knows it."""

    __slots__ = ("_app", "_cycle", "_is_done", "_protocol", "_request", "_timer")

    def __init__(
        self,
        protocol: WebhookProtocol,
        cycle: RequestResponseCycle,
        app: FastPathApp,
        request: ObservedRequest,
    ) -> None:
        self._protocol, self._cycle, self._app, self._request = protocol, cycle, app, request
        self._is_done = False
        self._timer: asyncio.TimerHandle

    def enqueue(self, delivery: ParsedDelivery) -> None:
        """Hand the delivery to the writer; where too many wait, the application says so."""
        writer: GroupCommitWriter = self._app.state.intake
        try:
            self._timer = writer.enqueue(delivery, self)
        except Problem as problem:
            self._refuse(problem)

    def done(self) -> bool:
        return self._is_done

    def set_result(self, outcome: Outcome, /) -> None:
        """Answer at once where that is all there is to do; the writer goes on whatever happens here."""
        self._end()
        try:
            if self._cycle.disconnected or self._protocol.can_answer(self._cycle):
                self._answer(outcome)
            else:
                self._count(outcome)
                self._respond(_telling(outcome))
        except Exception:
            log.exception("webhook_not_answered")
            self._protocol.transport.abort()

    def set_exception(self, error: Exception, /) -> None:
        """A problem is answered; of anything else the application takes the delivery again, and explains."""
        self._end()
        if isinstance(error, Problem):
            self._refuse(error)
        else:
            self._respond(receive)

    def _end(self) -> None:
        self._is_done = True
        self._timer.cancel()

    def _answer(self, outcome: Outcome) -> None:
        self._request.status = ACCEPTED
        self._count(outcome)
        if not self._cycle.disconnected:
            self._protocol.answer(self._cycle, outcome, self._request.request_id)
        self._app.note(self._request)

    def _refuse(self, problem: Problem) -> None:
        self._count(type(problem).__name__)
        self._respond(_refusing(problem))

    def _respond(self, taking: Taking) -> None:
        """Let the application answer with what becomes of the webhook."""

        async def respond(scope: Scope, receive_body: Receive, send: Send) -> None:
            await self._app.respond(self._request, receive_body, send, taking)

        self._protocol.start(self._cycle, respond)

    def _count(self, label: str) -> None:
        count_webhook(label, self._request.started_at)


def _telling(outcome: Outcome) -> Taking:
    async def tell(state: State, headers: Headers, receive_body: Receive) -> Taken:
        return Taken(outcome, "")

    return tell


def _refusing(problem: Problem) -> Taking:
    async def refuse(state: State, headers: Headers, receive_body: Receive) -> Taken:
        raise problem

    return refuse
