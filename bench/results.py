"""What was measured, part by part, in bench/results.json: measuring a part again replaces its result."""

import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PATH = Path(__file__).parent / "results.json"


def read(path: Path = PATH) -> dict[str, Any]:
    """The parts measured so far; empty without a file."""
    found: dict[str, Any] = json.loads(path.read_text())["parts"] if path.exists() else {}
    return found


def keep(parts: Mapping[str, Any], path: Path = PATH) -> None:
    """By name; within a part in the order of its measurement, in which it is shown."""
    machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
    path.write_text(json.dumps({"machine": machine, "parts": dict(sorted(parts.items()))}, indent=1) + "\n")


def part(figures: Mapping[str, Any], *, size: str, seconds: float) -> dict[str, Any]:
    """One part with what is needed to judge it: when, how large, and how busy the machine was."""
    return {
        "size": size,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "load_average": round(os.getloadavg()[0], 1),
        "figures": dict(figures),
    }
