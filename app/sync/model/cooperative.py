"""Iterate over a batch and yield to the event loop every `YIELD_EVERY` items."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Final, TypeVar

Each = TypeVar("Each")

YIELD_EVERY: Final = 25
"""Rows that are worked on before the loop is handed back: a few milliseconds at most."""


async def yielding(some: Iterable[Each]) -> AsyncIterator[Each]:
    """Yield each item, and the event loop's turn after every `YIELD_EVERY` of them.

    What `some` computes lazily is computed in the same turns.
    """
    for number, each in enumerate(some, 1):
        yield each
        if number % YIELD_EVERY == 0:
            await asyncio.sleep(0)
