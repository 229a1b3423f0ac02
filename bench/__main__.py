"""`make bench`: measure every part (or `ONLY=` some), write the results, draw them, and judge the aims."""

import argparse
import asyncio
import json
import sys
import time
import traceback
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NamedTuple

from bench import (
    backlog,
    calls,
    difficult,
    fairness,
    intake,
    kinds,
    large,
    latency,
    lone,
    package,
    past,
    postgres,
    primary,
    queueing,
    report,
    results,
    simulator_growth,
    weight,
)
from bench.rig import Rig
from bench.sizes import SIZES, Size

Measure = Callable[[Rig, Size], Coroutine[Any, Any, dict[str, Any]]]


class Part(NamedTuple):
    """How to measure it, and after how many seconds it is given up."""

    measure: Measure
    seconds: float


PARTS: Mapping[str, Part] = {
    "calls": Part(calls.measure, 300),
    "kinds": Part(kinds.measure, 300),
    "difficult": Part(difficult.measure, 120),
    "package": Part(package.measure, 300),
    "drain": Part(backlog.measure, 270),
    "intake": Part(intake.measure, 180),
    "latency": Part(latency.measure, 120),
    "lone": Part(lone.measure, 300),
    "weight": Part(weight.measure, 180),
    "fairness": Part(fairness.measure, 360),
    "past": Part(past.measure, 600),
    "postgres": Part(postgres.measure, 300),
    "simulator": Part(simulator_growth.measure, 180),
    **{name: Part(*part) for name, part in large.PARTS.items()},
}
RUN_SECONDS = 60 * 60
"""A whole run ends by itself: what did not come to its end in this time is not measured."""


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    only = _chosen(options.only)
    size = SIZES[options.size]
    # A short run is for a change under way: it leaves the published figures alone.
    is_published = size.name == "default"
    parts = results.read() if is_published else {}
    with Rig() as rig:
        begun = time.perf_counter()
        for name in only:
            spent = time.perf_counter() - begun
            parts.pop(name, None)  # a figure of another run does not stand in for one that failed
            found = _measured(rig, size, name, within=RUN_SECONDS - spent)
            if found is not None:
                parts[name] = found
            if is_published:
                results.keep(parts)
    print(f"bench: {len(only)} parts in {time.perf_counter() - begun:.0f} s", flush=True)
    if is_published:
        report.write(parts)
        queueing.write(parts)
        primary.write(parts)
        large.write(parts)
    print("\n".join(report.aim_lines(parts)))
    return int(any(name not in parts for name in only))


def _chosen(only: str) -> list[str]:
    """The parts that are named; `large` names all whose names begin with it."""
    if not only:
        return list(PARTS)
    names = only.split(",")
    return [part for name in names for part in PARTS if part == name or part.startswith(f"{name}_")]


def _measured(rig: Rig, size: Size, name: str, *, within: float) -> dict[str, Any] | None:
    """The part's figures; None, and why, when it failed or did not come to its end."""
    part, started = PARTS[name], time.perf_counter()
    limit = min(part.seconds, within)
    print(f"bench: {name} (at most {max(limit, 0):.0f} s) …", flush=True)
    try:
        figures = asyncio.run(_bounded(part.measure(rig, size), limit))
    except Exception:  # the other parts are still worth measuring
        traceback.print_exc()
        print(f"bench: {name} failed after {time.perf_counter() - started:.0f} s", flush=True)
        return None
    finally:
        rig.stop_services()
    found = results.part(figures, size=size.name, seconds=time.perf_counter() - started)
    print(json.dumps(found, indent=1))
    print(f"bench: {name} took {found['seconds']:.0f} s", flush=True)
    return found


async def _bounded(work: Coroutine[Any, Any, dict[str, Any]], seconds: float) -> dict[str, Any]:
    async with asyncio.timeout(seconds):
        return await work


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", default="", help=f"parts, separated by commas: {', '.join(PARTS)}")
    parser.add_argument("--size", default="default", choices=sorted(SIZES), help="(default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
