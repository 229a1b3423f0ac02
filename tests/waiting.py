"""Waiting in tests for what happens, never for a time in which it should have happened."""

import asyncio
from collections.abc import Awaitable, Callable

SOON = 20.0
LOOK_SECONDS = 0.01


async def until(is_so: Callable[[], bool | Awaitable[bool]]) -> None:
    """Raises TimeoutError where it is not so within SOON."""
    async with asyncio.timeout(SOON):
        while True:
            found = is_so()
            if await found if isinstance(found, Awaitable) else found:
                return
            await asyncio.sleep(LOOK_SECONDS)
