"""What must be done from time to time: every chore has its own period and fails on its own."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from app.resources import Resources
from workers.guards import repeat
from workers.retention import purge

HOUR = 3600.0


@dataclass(frozen=True)
class Chore:
    """Something to do about every `every` seconds, in each worker: doing it twice must be harmless."""

    name: str
    every: float
    run: Callable[[Resources], Awaitable[object]]


async def purge_old_rows(resources: Resources) -> None:
    await purge(resources.database)


CHORES = (Chore("purge", HOUR, purge_old_rows),)


async def keep_house(resources: Resources, chores: Sequence[Chore], *, stop: asyncio.Event) -> None:
    """Do every chore in its own rhythm until `stop`."""
    async with asyncio.TaskGroup() as group:
        for chore in chores:
            turn = partial(_once, chore, resources)
            group.create_task(repeat(chore.name, turn, every=chore.every, stop=stop))


async def _once(chore: Chore, resources: Resources) -> None:
    await chore.run(resources)
