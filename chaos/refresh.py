"""`python -m chaos.refresh`: many tasks in many processes meet an expired token, round after round.

The simulator rotates refresh tokens and ends a grant whose old token is used again, so a second refresh of
one expiry shows as a dead connection. Then processes are killed at random inside the refresh: the connection
must end alive, or as `needs_reconnect`, and never be asked for ever.
"""

import argparse
import asyncio
import random
import sys
import time
from contextlib import AsyncExitStack
from typing import Final

from chaos.process_group import ProcessGroup
from chaos.refresh_figures import Figures, Size
from chaos.refresh_stage import Stage, build

TOKEN_CALL: Final = "POST /services/oauth2/token"  # noqa: S105 - an endpoint
REUSE: Final = "reuse of a refresh token"
TURNS: Final = 8
"""How often the survivors ask on before a round counts as never ending."""
FEW: Final = 10
"""Tasks in a round with kills: there it is the moment that counts."""
SLOW_TOKENS: Final = {
    "kind": "latency",
    "count": 1_000_000,
    "seconds": 0.2,
    "match": {"path": "/services/oauth2/token"},
}
"""Time enough to be killed in the middle of a refresh."""


async def run(size: Size) -> Figures:
    """Everything, on engines and a simulator of its own."""
    figures, started_at = Figures(), time.monotonic()
    async with AsyncExitStack() as parts:
        stage, herd = await build(parts)
        await herd.grow(size.processes)
        started_at = time.monotonic()
        for _ in range(size.rounds):
            if time.monotonic() - started_at > size.seconds * 0.6:
                break
            await _round(stage, herd, size, figures)
        await herd.stop()
        hasty = ProcessGroup({**herd.env, "CHAOS_HASTY": "1"})
        parts.push_async_callback(hasty.stop)
        chance = random.Random(size.seed)  # noqa: S311 - a replayable choice
        await stage.control.post("/faults", json=SLOW_TOKENS)
        for _ in range(size.kill_rounds):
            await hasty.grow(size.processes)
            if time.monotonic() - started_at > size.seconds:
                break
            await _kill_round(stage, hasty, size, figures, chance)
    figures.seconds = time.monotonic() - started_at
    return figures


async def _round(stage: Stage, herd: ProcessGroup, size: Size, figures: Figures) -> None:
    before, reused = await stage.counted(TOKEN_CALL), await stage.counted(REUSE)
    await stage.expire()
    said = await asyncio.gather(*(await herd.go(size.tasks)))
    is_alive = await stage.state() == "connected"
    figures.count_round(
        sent=await stage.counted(TOKEN_CALL) - before,
        reused=await stage.counted(REUSE) - reused,
        failed=sum(int(line or 0) for line in said),
        is_alive=is_alive,
    )
    if not is_alive:
        await stage.connect()


async def _kill_round(
    stage: Stage, herd: ProcessGroup, size: Size, figures: Figures, chance: random.Random
) -> None:
    before = await stage.counted(TOKEN_CALL)
    await stage.expire()
    answers = await herd.go(min(size.tasks, FEW))
    await asyncio.sleep(chance.uniform(0.0, 0.5))
    while len(herd.children) > 1 and chance.random() < 0.8:
        herd.kill(chance.randrange(len(herd.children)))
        figures.kills += 1
    await asyncio.gather(*answers)
    await herd.grow(size.processes)
    await _settle(stage, herd, size)
    state, is_settled = await stage.state(), await stage.is_settled()
    sent = await stage.counted(TOKEN_CALL) - before
    figures.count_kill_round(state=state, is_settled=is_settled, sent=sent)
    if state != "connected":
        await stage.connect()


async def _settle(stage: Stage, herd: ProcessGroup, size: Size) -> None:
    """Ask on as workers do, until the connection answers or has ended."""
    for _ in range(TURNS):
        said = await asyncio.gather(*(await herd.go(1)))
        is_answered = all(line == "0" for line in said)
        if await stage.state() != "connected" or (is_answered and await stage.is_settled()):
            return


def main(arguments: list[str] | None = None) -> int:
    """Print the figures; 1 when one of them is not what it must be."""
    parser = argparse.ArgumentParser(prog="python -m chaos.refresh", description=main.__doc__)
    for name, value in vars(Size()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    figures = asyncio.run(run(Size(**vars(parser.parse_args(arguments)))))
    for name, value in vars(figures).items():
        sys.stdout.write(f"{name.replace('_', ' '):<32} {round(value, 1)}\n")
    return 0 if figures.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
