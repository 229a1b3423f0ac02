"""The webhook's short way in: past routing, dependencies and middleware that this one request never needs.

The framework's way to the same function costs more than verifying, reading and recording together; see
docs/performance.md. What the function raises is answered by the application's own handlers.
"""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.intake.routes import PATH, receive_webhook


class WebhookFront:
    """ASGI middleware, to stand before all others."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "POST":
            await _answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope, receive)
    try:
        response = await receive_webhook(request)
    except Exception as error:
        handlers = scope["app"].exception_handlers
        kinds = [kind for kind in type(error).__mro__ if kind in handlers and kind is not Exception]
        if not kinds:
            raise  # the outermost handler answers and logs what nobody expected
        response = await handlers[kinds[0]](request, error)
    await response(scope, receive, send)
