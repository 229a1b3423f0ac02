"""A TCP proxy that misbehaves on demand: hangs, resets, cuts answers short, slices them, springs traps."""

import asyncio
import random
import re
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

LOOPBACK = "127.0.0.1"
CHUNK = 65_536
SLICE_PAUSE = 0.001
# SO_LINGER on with zero seconds: closing sends RST instead of FIN.
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass
class Trap:
    """Springs on the answer to the request that matches `then`, on a connection where `first` was seen.

    `does`: reset (the answer never arrives) or hold (nothing passes this proxy any more until it is opened).
    """

    then: str
    first: str | None = None
    does: str = "reset"
    count: int = 1
    probability: float = 1.0
    fired: threading.Event = field(default_factory=threading.Event)

    def takes(self, data: bytes, link: "Link", chance: random.Random) -> bool:
        if self.first is not None and re.search(self.first.encode(), data):
            link.seen.add(id(self))
        is_ready = self.first is None or id(self) in link.seen
        if self.count <= 0 or not is_ready or not re.search(self.then.encode(), data):
            return False
        if chance.random() >= self.probability:
            return False
        self.count -= 1
        return True


@dataclass(eq=False)
class Link:
    """One connection through the proxy."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    seen: set[int] = field(default_factory=set)
    trap: Trap | None = None
    is_dead: bool = False

    def cut(self) -> None:
        """Reset both ends."""
        for writer in (self.client, self.server):
            raw = writer.get_extra_info("socket")
            if raw is not None and raw.fileno() != -1:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            writer.transport.abort()


class Proxy:
    """One port in front of `target`; switches may be set from any thread and hold from the next chunk on."""

    def __init__(self, name: str, target: int, *, chance: random.Random) -> None:
        self.name, self.target, self.port = name, target, 0
        self.cut_probability = 0.0
        self.slice_bytes = 0
        self.refused = 0
        self.traps: list[Trap] = []
        self._chance = chance
        self._links: set[Link] = set()
        self._open = asyncio.Event()
        self._open.set()
        self._loop = asyncio.get_running_loop()
        self._server: asyncio.Server

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Take no more connections, and end those that stand."""
        self._server.close()
        self._cut_all()

    def pause(self) -> None:
        """Let nothing pass; what comes in waits."""
        self._loop.call_soon_threadsafe(self._open.clear)

    def heal(self) -> None:
        """Be a plain proxy again."""
        self.cut_probability, self.slice_bytes = 0.0, 0
        self.traps = []
        self._loop.call_soon_threadsafe(self._open.set)

    def resume(self) -> None:
        """Let pass what waits; other switches stay."""
        self._loop.call_soon_threadsafe(self._open.set)

    def swallow(self) -> None:
        """Keep every open connection and drop whatever comes on it, as when a node is lost silently."""
        self._loop.call_soon_threadsafe(self._swallow_all)

    def _swallow_all(self) -> None:
        for link in self._links:
            link.is_dead = True

    def reset(self) -> None:
        """Reset every open connection."""
        self._loop.call_soon_threadsafe(self._cut_all)

    def _cut_all(self) -> None:
        for link in list(self._links):
            link.cut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answers, server = await asyncio.open_connection(LOOPBACK, self.target)
        except OSError:
            self.refused += 1
            writer.transport.abort()
            return
        link = Link(writer, server)
        self._links.add(link)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._requests(reader, link))
                both.create_task(self._answers(answers, link))
        except* OSError:
            link.cut()
        finally:
            self._links.discard(link)
            writer.close()
            server.close()

    async def _requests(self, reader: asyncio.StreamReader, link: Link) -> None:
        while data := await reader.read(CHUNK):
            await self._open.wait()
            taken = [trap for trap in self.traps if trap.takes(data, link, self._chance)]
            link.trap = link.trap or next(iter(taken), None)
            if not link.is_dead:
                await _send(link.server, data)
        link.server.close()

    async def _answers(self, reader: asyncio.StreamReader, link: Link) -> None:
        while data := await reader.read(CHUNK):
            if link.trap is not None:
                self._spring(link)
            await self._open.wait()
            if self.cut_probability and self._chance.random() < self.cut_probability:
                await _send(link.client, data[: self._chance.randrange(len(data))])
                raise ConnectionResetError
            for part in () if link.is_dead else self._sliced(data):
                await _send(link.client, part)
                if self.slice_bytes:
                    await asyncio.sleep(SLICE_PAUSE)
        link.client.close()

    def _spring(self, link: Link) -> None:
        trap, link.trap = link.trap, None
        assert trap is not None
        if trap.does == "hold":
            self._open.clear()
        trap.fired.set()
        if trap.does == "reset":
            raise ConnectionResetError

    def _sliced(self, data: bytes) -> Iterator[bytes]:
        size = self.slice_bytes or len(data)
        return (data[start : start + size] for start in range(0, len(data), size))


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    if writer.is_closing():
        raise ConnectionResetError
    writer.write(data)
    await writer.drain()
