"""Each way in which the proxy misbehaves, on real sockets."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from chaos.proxy import LOOPBACK, Proxy, Trap

PATIENCE = 0.1


@dataclass
class Line:
    """One connection through the proxy to a server that answers each message in capitals."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, text: bytes, *, within: float = 2.0) -> bytes:
        self.writer.write(text)
        async with asyncio.timeout(within):
            return await self.reader.readexactly(len(text))


async def answer_in_capitals(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionResetError):
        while data := await reader.read(1000):
            writer.write(data.upper())
    writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    server = await asyncio.start_server(answer_in_capitals, LOOPBACK, 0)
    proxy = Proxy("capitals", server.sockets[0].getsockname()[1], chance=random.Random(1))
    await proxy.start()
    yield proxy
    proxy.close()
    server.close()


@pytest.fixture
async def line(proxy: Proxy) -> AsyncIterator[Line]:
    line = Line(*await asyncio.open_connection(LOOPBACK, proxy.port))
    yield line
    line.writer.close()


async def test_plain_proxy_passes_everything_on(line: Line) -> None:
    assert [await line.ask(b"otter"), await line.ask(b"pond")] == [b"OTTER", b"POND"]


async def test_swallowed_connection_stays_and_a_new_one_works(proxy: Proxy, line: Line) -> None:
    await line.ask(b"otter")
    proxy.swallow()
    with pytest.raises(TimeoutError):
        await line.ask(b"otter", within=PATIENCE)
    assert not line.reader.at_eof()
    fresh = Line(*await asyncio.open_connection(LOOPBACK, proxy.port))
    assert await fresh.ask(b"pond") == b"POND"
    fresh.writer.close()


async def test_paused_proxy_keeps_what_it_got_until_it_goes_on(proxy: Proxy, line: Line) -> None:
    await line.ask(b"otter")
    proxy.pause()
    with pytest.raises(TimeoutError):
        await line.ask(b"pond", within=PATIENCE)
    proxy.resume()
    assert await line.reader.readexactly(4) == b"POND"


async def test_reset_ends_standing_connections(proxy: Proxy, line: Line) -> None:
    await line.ask(b"otter")
    proxy.reset()
    with pytest.raises(ConnectionResetError):
        await line.ask(b"pond")


async def test_answer_is_cut_short(proxy: Proxy, line: Line) -> None:
    proxy.cut_probability = 1.0
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await line.ask(b"otter")


async def test_slices_add_up_to_the_answer(proxy: Proxy, line: Line) -> None:
    proxy.slice_bytes = 2
    assert await line.ask(b"otter") == b"OTTER"


async def test_trap_resets_the_answer_to_what_it_waits_for_and_only_so_often(
    proxy: Proxy, line: Line
) -> None:
    trap = Trap("commit", first="insert")
    proxy.traps = [trap]
    await line.ask(b"commit")
    await line.ask(b"insert")
    with pytest.raises(ConnectionResetError):
        await line.ask(b"commit")
    assert (trap.fired.is_set(), trap.count) == (True, 0)


async def test_trap_may_hold_the_answer_instead(proxy: Proxy, line: Line) -> None:
    proxy.traps = [Trap("commit", does="hold")]
    with pytest.raises(TimeoutError):
        await line.ask(b"commit", within=PATIENCE)
    proxy.heal()
    assert await line.reader.readexactly(6) == b"COMMIT"


async def test_nobody_behind_the_proxy_ends_the_connection() -> None:
    proxy = Proxy("nobody", 1, chance=random.Random(1))
    await proxy.start()
    reader, writer = await asyncio.open_connection(LOOPBACK, proxy.port)
    assert await reader.read() == b""
    writer.close()
    proxy.close()
