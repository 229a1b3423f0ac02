"""The bench's worker reaches every simulated org that it is given, and nothing else on this machine."""

import asyncio
from contextlib import nullcontext
from pathlib import Path

import httpx
import pytest

from bench.worker import reaching
from devtools.local_stack.local_services import LocalServices
from tests.factories import settings_for

ANSWER = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(ANSWER)
    writer.close()


@pytest.mark.parametrize("is_given", [True, False])
async def test_a_second_simulated_org_is_reached_where_it_is_given(
    engines: LocalServices, *, is_given: bool
) -> None:
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        settings = settings_for(engines, jwks_file=Path("keys.json"))
        transport = reaching(settings, [url] if is_given else [])
        async with httpx.AsyncClient(transport=transport) as http:
            with nullcontext() if is_given else pytest.raises(httpx.ConnectError, match="public"):
                assert (await http.get(url)).status_code == 204
    assert (url in settings.extra_hosts) is is_given
