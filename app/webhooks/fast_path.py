"""The webhook's short way in: past routing, dependencies and middleware that this one request never needs.

The framework's way to the same function costs more than verifying, reading and recording together; see
docs/performance.md. What the function raises is answered by the application's own handlers.
"""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from fastapi import FastAPI
from starlette.datastructures import State
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from app import tracing
from app.api.edge.refusal_rate import Pace
from app.api.request_log import PROBES, AccessLog, ObservedRequest, named
from app.api.request_metrics import count_request
from app.api.security_headers import with_headers, with_security_headers
from app.webhooks.endpoints import ANSWERS, PATH, Headers, Taken, receive

Handler = Callable[[Request, Exception], Awaitable[Response]]
"""All of ours are asynchronous."""
Taking = Callable[[State, Headers, Receive], Awaitable[Taken]]
"""What becomes of a webhook. Raises Problem."""

ACCEPTED = 202
JSON = (b"content-type", b"application/json")


def _messages(body: bytes) -> tuple[Message, Message]:
    headers = [JSON, (b"content-length", str(len(body)).encode())]
    start = with_security_headers({"type": "http.response.start", "status": ACCEPTED, "headers": headers})
    return start, {"type": "http.response.body", "body": body}


ASGI_RESPONSES = {body: _messages(body) for body in ANSWERS.values()}


class FastPathApp(FastAPI):
    """The application, with the short way before everything else; `access_log` is told of every request."""

    def __init__(self, *, access_log: AccessLog | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._pace, self._access_log = Pace(), access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        await self.respond(ObservedRequest(scope, is_one_of_many=is_webhook(scope)), receive, send)

    async def respond(
        self, request: ObservedRequest, receive_body: Receive, send: Send, taking: Taking = receive
    ) -> None:
        """Answer a request; what becomes of a webhook is asked from `taking`."""
        with request:
            try:
                if request.is_one_of_many:
                    await self._answer(request, receive_body, send, taking)
                else:
                    await self._routed(request.scope, receive_body, self._wrapped(send, request), request)
            finally:
                self.note(request)

    def note(self, request: ObservedRequest) -> None:
        """Count a request that ended, and tell the access log."""
        count_request(request)
        if self._access_log is not None:
            self._access_log.note(request)

    async def _routed(self, scope: Scope, receive: Receive, send: Send, request: ObservedRequest) -> None:
        if not tracing.is_on() or scope["path"] in PROBES:
            await super().__call__(scope, receive, send)
            return
        with tracing.span("request", kind=tracing.SERVER) as span:
            await super().__call__(scope, receive, send)
            span.rename(f"{scope['method']} {request.route}")
            span.set(**{"http.response.status_code": request.status})

    def _wrapped(self, send: Send, request: ObservedRequest) -> Send:
        return request.noting(self._pace.paced(with_headers(send)))

    async def _answer(
        self, request: ObservedRequest, receive_body: Receive, send: Send, taking: Taking
    ) -> None:
        scope = request.scope
        try:
            taken = await taking(self.state, scope["headers"], receive_body)
        except Exception as error:
            kind = next(kind for kind in type(error).__mro__ if kind in self.exception_handlers)
            handle = cast(Handler, self.exception_handlers[kind])
            response = await handle(Request(scope, receive_body), error)
            await response(scope, receive_body, self._wrapped(send, request))
            if kind is Exception:
                raise  # as for every other route: the server logs what nobody expected
            return
        request.status = ACCEPTED
        answer = taken.answer()
        start, body = ASGI_RESPONSES.get(answer) or _messages(answer)
        await send(named(start, request.request_id))
        await send(body)


def is_webhook(scope: Scope) -> bool:
    """Whether the request is for the webhooks' own route."""
    return bool(scope["path"] == PATH and scope["method"] == "POST")
