"""Checks the token before the body, and bounds the body before it is parsed.

FastAPI reads and parses a body before any dependency runs. Without this, anybody who reaches the port decides
how much memory the process takes and how long its loop is blocked.
"""

from typing import Final

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.auth import current_principal
from app.api.edge.rate_limits import BEHIND_TOKENS
from app.api.error_handlers import send_problem
from app.api.errors import BodyTooLarge, Problem
from app.api.request_bodies import BODY_MAX, LargeBodies, check_parts, read_body, replayed

BODILESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""No route reads a body with them."""
STREAMED: Final = frozenset({"/v1/imports/registrations", "/webhooks/eventship/test"})
"""Read their bodies themselves, with bounds of their own."""


class TokenFirstMiddleware:
    """ASGI middleware around the API; webhooks never come here, they have their own bounds."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._large = LargeBodies()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in BODILESS:
            await self._app(scope, receive, send)
            return
        try:
            if scope["path"].startswith(BEHIND_TOKENS):
                await current_principal(Request(scope))
            if scope["path"] not in STREAMED:
                receive = await self._bounded(scope, receive)
        except Problem as problem:
            await send_problem(problem, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        if declared_length(scope) > BODY_MAX:
            raise BodyTooLarge
        body = await read_body(receive, bytes_max=BODY_MAX)
        self._large.count(len(body))
        check_parts(body)
        return replayed(body, receive)


def declared_length(scope: Scope) -> int:
    """What `Content-Length` says; 0 without one."""
    text = dict(scope["headers"]).get(b"content-length", b"0")
    return int(text[:20]) if text.isdigit() else 0
