"""The pool that every process is given, on real sockets: our own network is out of its reach."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.infrastructure.database import Database
from app.main import open_resources
from app.salesforce.egress import resolve_name
from app.salesforce.errors import NotSent
from app.salesforce.transport import build_request, send_once
from devtools.local_stack.local_services import LocalServices
from tests.factories import settings_for
from tests.tokens import TokenMint

LOGINS = ("salesforce_simulator_url", "salesforce_login_url", "salesforce_sandbox_login_url")


@asynccontextmanager
async def server(answer: bytes) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A port on this machine, and what was said to it."""
    heard: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(hear, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1], heard


async def test_names_resolve_and_the_older_family_comes_first() -> None:
    assert (await resolve_name("localhost", 443))[0] == "127.0.0.1"


async def test_names_of_a_simulator_at_localhost_need_no_resolver(
    engines: LocalServices, mint: TokenMint, database: Database
) -> None:
    async with server(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n") as (port, heard):
        logins = dict.fromkeys(LOGINS, f"http://localhost:{port}")
        settings = settings_for(engines, jwks_file=mint.jwks_file, **logins)
        async with open_resources(settings) as resources:
            url = f"http://northwind.my.localhost:{port}/services/data"
            response = await send_once(resources.http, build_request("GET", url, headers={}))
    assert response.status_code == 200
    assert [f"host: northwind.my.localhost:{port}".encode() in each.lower() for each in heard] == [True]


async def test_own_network_is_out_of_reach_and_a_redirect_into_it_stays_unread(
    engines: LocalServices, mint: TokenMint, database: Database
) -> None:
    async with server(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n") as (inner_port, inner_heard):
        elsewhere = f"http://localhost:{inner_port}/latest/meta-data/"
        answer = f"HTTP/1.1 302 Found\r\nlocation: {elsewhere}\r\ncontent-length: 0\r\n\r\n"
        async with server(answer.encode()) as (good_port, good_heard):
            good = f"http://127.0.0.1:{good_port}"
            logins = dict.fromkeys(LOGINS, good)
            settings = settings_for(engines, jwks_file=mint.jwks_file, **logins)
            async with open_resources(settings) as resources:
                with pytest.raises(NotSent, match="public addresses"):
                    await send_once(resources.http, build_request("GET", elsewhere, headers={}))
                response = await send_once(resources.http, build_request("GET", good, headers={}))
    assert response.status_code == 302
    assert (len(good_heard), inner_heard) == (1, [])
