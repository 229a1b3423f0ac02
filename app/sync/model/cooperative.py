"""Long work over a batch's rows, in turns: what else runs in the process gets its own between them."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Final, TypeVar

Each = TypeVar("Each")

YIELD_EVERY: Final = 25
"""Rows that are worked on before the loop is handed back: a few milliseconds at most."""


async def yielding(some: Iterable[Each]) -> AsyncIterator[Each]:
    """Each of them; whatever else waits for the loop goes on after every `TURN` of them.

    What `some` computes lazily is computed in turns as well.
    """
    for number, each in enumerate(some, 1):
        yield each
        if number % YIELD_EVERY == 0:
            await asyncio.sleep(0)
