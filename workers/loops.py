"""Supervised loops: log a failure, back off exponentially, go on; no turn takes longer than it may."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable

from app.infrastructure.log_limit import LogLimit
from workers.liveness import Liveness

log = logging.getLogger(__name__)
limit = LogLimit(log)

JITTER = 0.2
Run = Callable[[], Awaitable[object]]

FIRST_SECONDS, LONGEST_SECONDS = 0.25, 10.0
WELL_SECONDS = 10.0
"""What ran for so long before it failed is not the same trouble as the failure before it."""
SLACK_SECONDS = 30.0
"""For a process that was held up: what it owes is late, and it is not dead."""


async def run_forever(
    name: str,
    run: Run,
    *,
    stop: asyncio.Event,
    first: float = FIRST_SECONDS,
    longest: float = LONGEST_SECONDS,
) -> None:
    """Call `run` until `stop`; after an exception wait a little, twice as long each time in a row."""
    wait = first
    while not stop.is_set():
        began = time.monotonic()
        try:
            await run()
            wait = first
        except Exception as error:
            if time.monotonic() - began >= WELL_SECONDS:
                wait = first
            limit.log(
                logging.WARNING,
                "loop_failed",
                key=name,
                loop=name,
                error=summarize_error(error),
                next_in=wait,
            )
            await sleep_unless_stopped(stop, wait)
            wait = min(wait * 2, longest)


async def run_periodically(
    name: str,
    run: Run,
    *,
    every: float,
    stop: asyncio.Event,
    within: float,
    first: float = FIRST_SECONDS,
    longest: float = LONGEST_SECONDS,
    liveness: Liveness | None = None,
) -> None:
    """Call `run` about every `every` seconds until `stop`.

    A turn is cancelled after `within` seconds. A failure costs one turn; the next one waits for `first`
    seconds at least, twice as long each time in a row, up to `longest`. `liveness` hears of each turn.
    """
    failures = 0
    turned = _watched(liveness, name, every=every, within=within, longest=longest)
    while not stop.is_set():
        turned()
        try:
            async with asyncio.timeout(within):
                await run()
        except Exception as error:
            wait = max(every, min(first * 2**failures, longest))
            failures += 1
            said = {"loop": name, "error": summarize_error(error), "next_in": wait}
            limit.log(logging.WARNING, "turn_failed", key=name, **said)
            await sleep_unless_stopped(stop, jittered(wait))
            continue
        if failures:
            said = {"loop": name, "failures": failures}
            limit.log(logging.INFO, "loop_recovered", key=f"{name} again", **said)
            failures = 0
        await sleep_unless_stopped(stop, jittered(every))


def _watched(
    liveness: Liveness | None, name: str, *, every: float, within: float, longest: float
) -> Callable[[], None]:
    if liveness is None:
        return lambda: None
    pause = max(every, longest) * (1 + JITTER)
    return liveness.watch(name, within=within + pause + SLACK_SECONDS)


async def sleep_unless_stopped(stop: asyncio.Event, seconds: float) -> None:
    """Wait, but not beyond `stop`."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


def jittered(seconds: float) -> float:
    """The time, a fifth more or less, so that many workers do not march in step."""
    return seconds * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 -- spreads load, keeps no secret


def summarize_error(error: Exception) -> str:
    """The error's kind and first line; telemetry masks what looks like a secret."""
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
