"""The same connections over real sockets: who hung up is known at once, and certificates are looked at."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from app.salesforce.egress import PublicDialer
from app.salesforce.errors import NotSent
from app.salesforce.http_connection import HttpConnection
from app.salesforce.http_pool import PublicTransport
from app.salesforce.transport import build_request, send_once
from tests.tls import make_certificate

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    yield ours, theirs
    ours.close()
    theirs.close()


async def test_server_that_hung_up_is_known_before_the_loop_has_read_it(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    _, connection = await asyncio.get_running_loop().create_connection(HttpConnection, sock=ours)
    assert connection.is_usable
    theirs.close()
    assert not connection.is_usable
    connection.abort()


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(asyncio.IncompleteReadError, OSError):
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(OK)
    writer.close()


@asynccontextmanager
async def tls_server(certificate: Path) -> AsyncIterator[int]:
    """The port of a server that answers everything with an empty object."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    server = await asyncio.start_server(_serve, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.mark.parametrize("is_trusted", [True, False])
@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
async def test_certificate_has_to_be_trusted_and_the_name_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, is_trusted: bool
) -> None:
    certificate = make_certificate(tmp_path, "localhost")
    trusted = ssl.create_default_context(cafile=certificate) if is_trusted else ssl.create_default_context()
    monkeypatch.setattr(httpx, "create_ssl_context", lambda **_: trusted)
    async with tls_server(certificate) as port:
        dialer = PublicDialer(exempt=frozenset({(name, port)}))
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
        async with httpx.AsyncClient(transport=PublicTransport(limits=limits, dialer=dialer)) as http:
            request = build_request("GET", f"https://{name}:{port}/", headers={})
            if is_trusted and name == "localhost":
                assert [(await send_once(http, request)).content for _ in range(2)] == [b"{}", b"{}"]
            else:
                with pytest.raises(NotSent, match="CERTIFICATE_VERIFY_FAILED"):
                    await send_once(http, request)
