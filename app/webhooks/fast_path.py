"""The webhook's short way in: past routing, dependencies and middleware that this one request never needs.

The framework's way to the same function costs more than verifying, reading and recording together; see
docs/performance.md. What the function raises is answered by the application's own handlers.
"""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from app.api.edge.refusal_rate import Pace
from app.api.security_headers import with_headers, with_security_headers
from app.webhooks.endpoints import ANSWERS, PATH, receive
from app.webhooks.parse import Outcome

Handler = Callable[[Request, Exception], Awaitable[Response]]
"""All of ours are asynchronous."""

JSON = (b"content-type", b"application/json")


def _messages(body: bytes) -> tuple[Message, Message]:
    headers = [JSON, (b"content-length", str(len(body)).encode())]
    start = with_security_headers({"type": "http.response.start", "status": 202, "headers": headers})
    return start, {"type": "http.response.body", "body": body}


ASGI_RESPONSES = {outcome: _messages(ANSWERS[outcome]) for outcome in Outcome}


class FastPathApp(FastAPI):
    """The application, with the short way before everything else."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._pace = Pace()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        send = self._pace.paced(with_headers(send))
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "POST":
            await self._answer(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def _answer(self, scope: Scope, receive_body: Receive, send: Send) -> None:
        try:
            outcome = await receive(self.state, scope["headers"], receive_body)
        except Exception as error:
            kind = next(kind for kind in type(error).__mro__ if kind in self.exception_handlers)
            handle = cast(Handler, self.exception_handlers[kind])
            response = await handle(Request(scope, receive_body), error)
            await response(scope, receive_body, send)
            if kind is Exception:
                raise  # as for every other route: the server logs what nobody expected
            return
        for message in ASGI_RESPONSES[outcome]:
            await send(message)
