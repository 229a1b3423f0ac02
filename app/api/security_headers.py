"""Security and caching headers of every response, whichever layer it comes from."""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

ALWAYS: Final = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
OF_DATA: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""Of JSON: it names people and hosts, and is no page."""


def with_headers(send: Send) -> Send:
    """A `send` that adds what an answer does not say for itself."""

    async def completed(message: Message) -> None:
        if message["type"] == "http.response.start":
            with_security_headers(message)
        await send(message)

    return completed


def with_security_headers(start: Message) -> Message:
    """The start of an answer, with the headers that it lacked."""
    start.setdefault("headers", [])
    headers = MutableHeaders(scope=start)
    of_data = OF_DATA if "json" in headers.get("content-type", "") else {}
    for name, value in (ALWAYS | of_data).items():
        headers.setdefault(name, value)
    return start
