"""Reading live streams in tests: events by kind, each wait bounded."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import update

from app.api.auth import Role
from app.infrastructure.database import Database
from app.live.registry import Feeds
from app.live.sse import stream
from app.live.subscriber import Subscriber
from app.models import SyncJob

SOON = 8.0


@dataclass(frozen=True)
class StreamEvent:
    """One event as it came; what is no snapshot has no number, here 0."""

    kind: str
    number: int
    data: Any


def read_event(block: str) -> StreamEvent | None:
    """None for a heartbeat or the opening."""
    fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
    if "event" not in fields:
        return None
    return StreamEvent(fields["event"], int(fields.get("id", 0)), json.loads(fields["data"]))


@dataclass
class Reader:
    """One reader of a stream."""

    chunks: AsyncIterator[bytes]
    seen: list[StreamEvent] = field(default_factory=list)

    async def next(self, kind: str, **expected: Any) -> StreamEvent:
        """The next event of this kind whose data holds what is expected."""
        async with asyncio.timeout(SOON):
            async for chunk in self.chunks:
                event = read_event(chunk.decode())
                if event is None:
                    continue
                self.seen.append(event)
                if event.kind == kind and all(event.data[name] == value for name, value in expected.items()):
                    return event
        raise AssertionError(f"the stream ended before {kind} {expected}")

    async def present(self) -> None:
        """Read what a stream begins with."""
        await self.next("stats")

    async def rest(self) -> list[StreamEvent]:
        """Everything until the stream ends."""
        async with asyncio.timeout(SOON):
            async for chunk in self.chunks:
                if (event := read_event(chunk.decode())) is not None:
                    self.seen.append(event)
        return self.seen


@asynccontextmanager
async def reading(
    feeds: Feeds,
    event_id: str | None,
    *,
    host_id: str = "host_a",
    role: Role = Role.MEMBER,
    after: int | None = None,
    hosts: frozenset[str] = frozenset(),
) -> AsyncIterator[Reader]:
    """A reader of an event's stream, or of the host's."""
    chunks = stream(feeds, host_id, Subscriber(role, event_id, hosts), after=after)
    try:
        yield Reader(chunks)
    finally:
        await chunks.aclose()  # type: ignore[attr-defined]


async def set_state(database: Database, registration_id: str, state: str) -> None:
    async with database.system() as session:
        changed = update(SyncJob).where(SyncJob.registration_id == registration_id).values(state=state)
        await session.execute(changed)
