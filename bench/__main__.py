"""`make bench`: measure every part (or `ONLY=` some), write the results, draw them, and judge the aims."""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bench import backlog, calls
from bench.rig import Rig
from bench.sizes import SIZES, Size

Part = Callable[[Rig, Size], Awaitable[dict[str, Any]]]

PARTS: Mapping[str, Part] = {
    "calls": calls.measure,
    "drain": backlog.measure,
}


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    only = options.only.split(",") if options.only else list(PARTS)
    size = SIZES[options.size]
    with Rig() as rig:
        for name in only:
            started = time.perf_counter()
            found = asyncio.run(PARTS[name](rig, size))
            print(name, f"{time.perf_counter() - started:.1f} s", found, flush=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", default="", help=f"parts, separated by commas: {', '.join(PARTS)}")
    parser.add_argument("--size", default="default", choices=sorted(SIZES), help="(default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
