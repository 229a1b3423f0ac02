"""One request, one answer: sends over httpx and sorts how it ended. httpx's exceptions stop here."""

import asyncio
import zlib
from collections.abc import Mapping
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

GZIP: Final = 16
"""Added to zlib's window: a gzip header and nothing else."""

# The body is decoded and whole when it is handed on.
_TRANSFER_HEADERS: Final = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})


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
        return httpx.Request(
            method, url, json=json, data=form, headers=headers, extensions=dict(extensions or {})
        )
    except (httpx.InvalidURL, UnicodeError) as error:  # UnicodeError: a label that is no Punycode
        raise NotSent(f"unusable URL: {error}") from error


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
    response = await http.send(request, stream=True, auth=None, follow_redirects=False)
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
