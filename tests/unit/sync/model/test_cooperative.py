"""Long work yields to the event loop between the rows of a batch."""

import asyncio
from collections.abc import Iterator

from app.sync.model.cooperative import YIELD_EVERY, yielding


async def test_others_go_on_after_each_turn() -> None:
    seen: list[int] = []

    async def other() -> None:
        while True:
            seen.append(len(done))
            await asyncio.sleep(0)

    done: list[int] = []
    task = asyncio.create_task(other())
    async for number in yielding(range(3 * YIELD_EVERY)):
        done.append(number)
    task.cancel()
    assert (seen, done) == ([YIELD_EVERY, 2 * YIELD_EVERY, 3 * YIELD_EVERY], list(range(3 * YIELD_EVERY)))


async def test_what_is_computed_lazily_is_computed_in_turns() -> None:
    computed = 0

    def compute() -> Iterator[int]:
        nonlocal computed
        while True:
            computed += 1
            yield computed

    async for number in yielding(compute()):
        assert computed == number
        if number == 2 * YIELD_EVERY:
            break
