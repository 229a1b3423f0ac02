"""The way to Salesforce: kept connections by origin, each dialled to a public address, none by a proxy."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final, NamedTuple

import httpx

from app.salesforce.egress import DEFAULT_PORTS, PublicDialer
from app.salesforce.http_connection import HttpConnection

SENDING: Final = "http11.send_request_headers.started"
"""What httpx's own transport calls the moment before the first byte: whoever traces a request hears of it."""


class Origin(NamedTuple):
    """Whose connections may be used for one another."""

    scheme: str
    host: str
    port: int


class PublicTransport(httpx.AsyncBaseTransport):
    """A transport of httpx over HTTP/1.1 connections that `dialer` opens.

    `limits` bounds all connections and those that are idle; which of them are older than `keepalive_expiry`
    are closed. Time limits are those of httpx; "read" bounds the wait for the head and for each further part.
    """

    def __init__(self, *, limits: httpx.Limits, dialer: PublicDialer) -> None:
        self._tls = httpx.create_ssl_context(trust_env=False)
        self._tls.set_alpn_protocols(["http/1.1"])
        self._dialer = dialer
        self._limits = limits
        self._slots = asyncio.Semaphore(limits.max_connections or 1)
        self._open: set[HttpConnection] = set()
        self._dialling = 0
        self._idle: dict[HttpConnection, tuple[Origin, asyncio.TimerHandle]] = {}
        """Those that were used last come last."""
        self._idle_by_origin: dict[Origin, list[HttpConnection]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        timeouts = request.extensions.get("timeout", {})
        origin, sent = _origin(request.url), _in_bytes(request, await request.aread())
        await self._take_slot(timeouts.get("pool"))
        connection: HttpConnection | None = None
        try:
            connection = self._kept(origin) or await self._dialled(origin, timeouts.get("connect"))
            if trace := request.extensions.get("trace"):
                await trace(SENDING, {"request": request})
            await connection.send(sent, within=timeouts.get("write"))
            status, headers = await connection.head(within=timeouts.get("read"))
        except BaseException:
            self._give_up(connection)
            raise
        body = _Body(self, origin, connection, timeouts.get("read"))
        return httpx.Response(status, headers=headers, stream=body)

    async def aclose(self) -> None:
        """Close all connections, also those that are in use."""
        self._limits = httpx.Limits(max_connections=self._limits.max_connections, max_keepalive_connections=0)
        for connection in list(self._idle):
            self._forget_idle(connection)
        for connection in list(self._open):
            connection.close()
        self._open.clear()

    def finish(self, origin: Origin, connection: HttpConnection) -> None:
        """An exchange is over: keep its connection, where there is room and both ends want that."""
        self._slots.release()
        most = self._limits.max_keepalive_connections
        if not connection.finish() or most == 0:
            self._close(connection)
            return
        expiry = self._limits.keepalive_expiry
        loop = asyncio.get_running_loop()
        handle = loop.call_later(expiry if expiry is not None else 86_400, self._expire, connection)
        self._idle[connection] = (origin, handle)
        self._idle_by_origin.setdefault(origin, []).append(connection)
        if most is not None and len(self._idle) > most:
            self._expire(next(iter(self._idle)))

    async def _take_slot(self, within: float | None) -> None:
        if not self._slots.locked():
            await self._slots.acquire()
            return
        try:
            async with asyncio.timeout(within):
                await self._slots.acquire()
        except TimeoutError as error:
            raise httpx.PoolTimeout("no connection became free in time") from error

    def _kept(self, origin: Origin) -> HttpConnection | None:
        """The connection that was used last and still stands."""
        while kept := self._idle_by_origin.get(origin):
            connection = kept[-1]
            self._forget_idle(connection)
            if connection.is_usable:
                return connection
            self._close(connection)
        return None

    async def _dialled(self, origin: Origin, within: float | None) -> HttpConnection:
        most = self._limits.max_connections
        if most is not None and len(self._open) + self._dialling >= most and self._idle:
            self._expire(next(iter(self._idle)))
        tls = self._tls if origin.scheme == "https" else None
        self._dialling += 1
        try:
            connection = await self._dialer.dial(origin.host, origin.port, tls=tls, within=within)
        finally:
            self._dialling -= 1
        self._open.add(connection)
        return connection

    def _give_up(self, connection: HttpConnection | None) -> None:
        self._slots.release()
        if connection is not None:
            connection.abort()
            self._open.discard(connection)

    def _expire(self, connection: HttpConnection) -> None:
        self._forget_idle(connection)
        self._close(connection)

    def _forget_idle(self, connection: HttpConnection) -> None:
        origin, handle = self._idle.pop(connection)
        handle.cancel()
        kept = self._idle_by_origin[origin]
        kept.remove(connection)
        if not kept:
            del self._idle_by_origin[origin]

    def _close(self, connection: HttpConnection) -> None:
        connection.close()
        self._open.discard(connection)


class _Body(httpx.AsyncByteStream):
    """The body of an answer; closing it ends the exchange."""

    def __init__(
        self, pool: PublicTransport, origin: Origin, connection: HttpConnection, within: float | None
    ) -> None:
        self._pool, self._origin, self._connection, self._within = pool, origin, connection, within
        self._is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (part := await self._connection.part(within=self._within)) is not None:
            yield part

    async def aclose(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._pool.finish(self._origin, self._connection)


def _origin(url: httpx.URL) -> Origin:
    if url.scheme not in DEFAULT_PORTS or not url.host:
        raise httpx.UnsupportedProtocol("the URL is none of a web server")
    return Origin(url.scheme, url.raw_host.decode("ascii"), url.port or DEFAULT_PORTS[url.scheme])


def _in_bytes(request: httpx.Request, body: bytes) -> bytes:
    """The request as it is sent. Raises LocalProtocolError for what would be read as something else."""
    if request.method == "HEAD":
        raise httpx.UnsupportedProtocol("an answer without the body that it tells of is not read here")
    if "transfer-encoding" in request.headers:
        raise httpx.UnsupportedProtocol("a body is sent with its length and not in chunks")
    lines = [b"%b %b HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path)]
    lines += [b"%b: %b" % pair for pair in request.headers.raw]
    head = b"\r\n".join(lines)
    if head.count(b"\r") != len(lines) - 1 or head.count(b"\n") != len(lines) - 1 or b"\0" in head:
        raise httpx.LocalProtocolError("a header holds the end of a line")
    return head + b"\r\n\r\n" + body
