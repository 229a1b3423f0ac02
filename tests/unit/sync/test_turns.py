"""Long work hands the loop back between the rows of a batch."""

import asyncio
from collections.abc import Iterator

from app.sync.model.cooperative import TURN, in_turns


async def test_others_go_on_after_each_turn() -> None:
    seen: list[int] = []

    async def other() -> None:
        while True:
            seen.append(len(done))
            await asyncio.sleep(0)

    done: list[int] = []
    task = asyncio.create_task(other())
    async for number in in_turns(range(3 * TURN)):
        done.append(number)
    task.cancel()
    assert (seen, done) == ([TURN, 2 * TURN, 3 * TURN], list(range(3 * TURN)))


async def test_what_is_computed_lazily_is_computed_in_turns() -> None:
    computed = 0

    def compute() -> Iterator[int]:
        nonlocal computed
        while True:
            computed += 1
            yield computed

    async for number in in_turns(compute()):
        assert computed == number
        if number == 2 * TURN:
            break
