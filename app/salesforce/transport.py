"""One request, one answer: sends over httpx and sorts how it ended. httpx's exceptions stop here."""

import asyncio
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import httpx

from app.salesforce.errors import HostUnreachable, NotSent, ResponseLost, ResponseTooLarge, SalesforceError

MAX_ANSWER_BYTES: Final = 32 * 1024 * 1024

# Only what is certain counts as not sent: what httpx may report after the first byte is a lost answer.
ERROR_BY_HTTPX_ERROR: Final[dict[type[httpx.TransportError], type[SalesforceError]]] = {
    httpx.ConnectTimeout: NotSent,
    httpx.PoolTimeout: NotSent,
    httpx.ConnectError: HostUnreachable,
    httpx.ProxyError: NotSent,
    httpx.UnsupportedProtocol: NotSent,
    httpx.ReadTimeout: ResponseLost,
    httpx.WriteTimeout: ResponseLost,
    httpx.ReadError: ResponseLost,
    httpx.WriteError: ResponseLost,
    httpx.CloseError: ResponseLost,
    httpx.LocalProtocolError: ResponseLost,
    httpx.RemoteProtocolError: ResponseLost,
}

PLAIN: Final[dict[str, Any]] = {"auth": None, "follow_redirects": False}
"""Neither authentication nor redirects, whatever the client has."""

GZIP: Final = 16
"""Added to zlib's window: a gzip header and nothing else."""

# The body is decoded and whole when it is handed on.
_TRANSFER_HEADERS: Final = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})


class PlainClient(httpx.AsyncClient):
    """A client without cookies, redirects, authentication and proxies; its event hooks are called.

    httpx's own looks for each of them on every request, keeps the cookies of every answer, measures and logs.
    """

    def __init__(self, *, transport: httpx.AsyncBaseTransport, timeout: httpx.Timeout) -> None:
        super().__init__(transport=transport, timeout=timeout, follow_redirects=False, trust_env=False)
        self._plain = transport

    async def send(self, request: httpx.Request, *, stream: bool = False, **options: Any) -> httpx.Response:
        """As httpx has it for PLAIN options, of a request that `send_once` sends; others go httpx's way."""
        if not stream or options != PLAIN or self.is_closed:
            return await super().send(request, stream=stream, **options)
        for hook in self.event_hooks["request"]:
            await hook(request)
        response = await self._plain.handle_async_request(request)
        response.request = request
        try:
            for hook in self.event_hooks["response"]:
                await hook(response)
        except BaseException:
            await response.aclose()
            raise
        return response


def build_request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    json: Mapping[str, Any] | None = None,
    form: Mapping[str, str] | None = None,
    extensions: Mapping[str, Any] | None = None,
) -> httpx.Request:
    """A request without the defaults and cookies of any client. Raises `NotSent` for an unusable URL."""
    try:
        read = httpx.URL(url) if "?" in url else _read_url(url)
        return httpx.Request(
            method, read, json=json, data=form, headers=headers, extensions=dict(extensions or {})
        )
    except (httpx.InvalidURL, UnicodeError) as error:  # UnicodeError: a label that is no Punycode
        raise NotSent(f"unusable URL: {error}") from error


@lru_cache(1024)
def _read_url(url: str) -> httpx.URL:
    """Each org has a few addresses without a query, and is asked at them again and again."""
    return httpx.URL(url)


async def send_once(
    http: httpx.AsyncClient,
    request: httpx.Request,
    *,
    max_bytes: int = MAX_ANSWER_BYTES,
    within: float | None = None,
) -> httpx.Response:
    """The complete answer to one request. No redirect is followed; no cookie or default of `http` is sent.

    `within` bounds the whole exchange in seconds. Raises `NotSent` when nothing left the socket,
    `ResponseLost` when no complete answer came back. Cancellation passes through.
    """
    request.extensions.setdefault("timeout", http.timeout.as_dict())
    try:
        async with asyncio.timeout(within):
            return await _send(http, request, max_bytes)
    except TimeoutError as error:
        raise ResponseLost(f"no complete answer within {within} s") from error
    except zlib.error as error:
        raise ResponseLost(f"the packed answer is broken: {error}") from error
    except httpx.RequestError as error:
        raise map_httpx_error(error) from error


def map_httpx_error(error: httpx.RequestError) -> SalesforceError:
    """How a request ended that httpx could not complete: lost, unless it is certain that it never left."""
    kinds = (ERROR_BY_HTTPX_ERROR[kind] for kind in type(error).__mro__ if kind in ERROR_BY_HTTPX_ERROR)
    return next(kinds, ResponseLost)(f"{type(error).__name__}: {error}".rstrip(": "))


async def _send(http: httpx.AsyncClient, request: httpx.Request, max_bytes: int) -> httpx.Response:
    response = await http.send(request, stream=True, **PLAIN)
    try:
        content = await _read(response, max_bytes)
    finally:
        await response.aclose()
    headers = [(name, value) for name, value in response.headers.raw if name.lower() not in _TRANSFER_HEADERS]
    return httpx.Response(response.status_code, headers=headers, content=content, request=request)


async def _read(response: httpx.Response, max_bytes: int) -> bytes:
    """The body, unpacked here and not by httpx: no step makes more of it than the cap allows."""
    unpack = _unpacking(response.headers.get("content-encoding", ""))
    content = bytearray()
    assert isinstance(response.stream, httpx.AsyncByteStream)
    async for part in response.stream:
        content += unpack.decompress(part, max_bytes + 1 - len(content)) if unpack else part
        if len(content) > max_bytes or (unpack and unpack.unconsumed_tail):
            raise ResponseTooLarge(f"the answer is larger than {max_bytes} bytes")
    if unpack and content and not unpack.eof:
        raise ResponseLost("the packed answer breaks off")
    return bytes(content)


def _unpacking(encoding: str) -> "zlib._Decompress | None":
    """None for a plain body. Raises `ResponseLost` for anything but one gzip: we ask for nothing else."""
    if encoding.strip().lower() in ("", "identity"):
        return None
    if encoding.strip().lower() != "gzip":
        raise ResponseLost(f"the answer is encoded as {encoding[:40]!r}")
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | GZIP)
