"""HTTP as values, and an ASGI connection that can also be cut."""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

import httpx

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

JSON = "application/json;charset=UTF-8"
HTML = "text/html;charset=UTF-8"
TEXT = "text/plain;charset=UTF-8"

_written = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

# SO_LINGER on with zero seconds: closing sends RST instead of FIN.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class ConnectionCut(httpx.ReadError):
    """The connection ended without a response; in-process clients see it as their own transport's error."""


@dataclass(frozen=True)
class Request:
    """One request; header names are lower-case, `base_url` is how the client reached us."""

    method: str
    path: str
    query_text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    base_url: str = ""

    @cached_property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.query_text, keep_blank_values=True))

    @cached_property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass(frozen=True)
class Response:
    """One response; a body that is neither bytes nor text is sent as JSON, None as nothing."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON

    def encoded(self) -> bytes:
        if self.body is None and self.content_type == JSON:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str) and self.content_type != JSON:
            return self.body.encode()
        return _written(self.body).encode("utf-8", "replace")


def redirect(url: str) -> Response:
    return Response(302, "", {"location": url}, TEXT)


@dataclass
class Connection:
    """The client's connection: it can be cut, and its end can be waited for."""

    receive: Receive
    send: Send

    @property
    def _transport(self) -> Any:
        # uvicorn's request cycle owns `send`; an in-process transport has no socket behind it.
        return getattr(getattr(self.send, "__self__", None), "transport", None)

    async def closed(self, seconds: float) -> None:
        """Wait until the client goes away, at most so long."""
        try:
            async with asyncio.timeout(seconds):
                while (await self.receive())["type"] != "http.disconnect":
                    continue
        except TimeoutError:
            return

    async def cut(self) -> None:
        """Reset the socket; raises ConnectionCut where there is none."""
        transport = self._transport
        if transport is None:
            raise ConnectionCut("connection reset by the simulator")
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()
        await self.closed(1.0)


async def read_request(
    scope: Scope, receive: Receive, base_url: str | None, *, is_named: Callable[[str], bool]
) -> Request:
    """The whole request of an ASGI scope; `base_url` is not for who came by a name of its own."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    chunks: list[bytes] = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            break
    host = headers.get("host", "localhost")
    raw_path = scope.get("raw_path") or scope["path"].encode()
    return Request(
        method=scope["method"],
        path=raw_path.decode("latin-1").partition("?")[0],
        query_text=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=b"".join(chunks),
        base_url=(not is_named(host) and base_url) or f"{scope['scheme']}://{host}",
    )


async def send_slowly(response: Response, send: Send, *, seconds: float, pieces: int = 20) -> None:
    """Send a response in pieces that together take so long."""
    body = response.encoded()
    size = max(1, -(-len(body) // pieces))
    await send(_start(response, body))
    for offset in range(0, len(body), size):
        await asyncio.sleep(seconds / pieces)
        await send({"type": "http.response.body", "body": body[offset : offset + size], "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def send_response(response: Response, send: Send) -> None:
    """Send a response."""
    body = response.encoded()
    await send(_start(response, body))
    await send({"type": "http.response.body", "body": body})


def _start(response: Response, body: bytes) -> MutableMapping[str, Any]:
    headers = {**response.headers, "content-length": str(len(body))}
    if body or response.content_type != JSON:
        headers["content-type"] = response.content_type
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http.response.start", "status": response.status, "headers": raw}
