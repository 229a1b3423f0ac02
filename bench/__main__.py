"""`make bench`: measure every part (or `ONLY=` some), write the results, draw them, and judge the aims."""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from bench import backlog, calls, fairness, intake, latency, past, report, results, weight
from bench.rig import Rig
from bench.sizes import SIZES, Size

Part = Callable[[Rig, Size], Coroutine[Any, Any, dict[str, Any]]]

PARTS: Mapping[str, Part] = {
    "calls": calls.measure,
    "drain": backlog.measure,
    "intake": intake.measure,
    "latency": latency.measure,
    "past": past.measure,
    "fairness": fairness.measure,
    "weight": weight.measure,
}


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    only = options.only.split(",") if options.only else list(PARTS)
    size = SIZES[options.size]
    # A short run is for a change under way: it leaves the published figures alone.
    is_published = size.name == "default"
    parts = results.read() if is_published else {}
    with Rig() as rig:
        for name in only:
            print(f"bench: {name} …", flush=True)
            started = time.perf_counter()
            figures = asyncio.run(PARTS[name](rig, size))
            parts[name] = results.part(figures, size=size.name, seconds=time.perf_counter() - started)
            print(json.dumps(parts[name], indent=1), flush=True)
    if is_published:
        results.keep(parts)
        report.write(parts)
    print("\n".join(report.aim_lines(parts)))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", default="", help=f"parts, separated by commas: {', '.join(PARTS)}")
    parser.add_argument("--size", default="default", choices=sorted(SIZES), help="(default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
