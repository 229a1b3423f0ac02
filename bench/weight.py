"""Processor time and memory of the API and of a worker for a thousand registrations."""

from typing import Any

from bench.load import requests, send
from bench.rig import Rig, Service, until_drained
from bench.sizes import Size
from bench.stage import connect_host

CONNECTIONS = 16
DRAIN_SECONDS = 120


async def measure(rig: Rig, size: Size) -> dict[str, Any]:
    """Seconds of processor per 1,000 registrations, and the most memory in MiB, of each process."""
    await rig.empty()
    await connect_host(rig, rig.org)
    api, worker = rig.api(), rig.worker()
    await send(api.url, requests(api.url, rig.webhook_secret, 0, 50), connections=CONNECTIONS)
    await until_drained(rig, within=DRAIN_SECONDS)
    before = {"api": api.cpu_seconds, "worker": worker.cpu_seconds}
    await send(api.url, requests(api.url, rig.webhook_secret, 50, size.weighed), connections=CONNECTIONS)
    await until_drained(rig, within=DRAIN_SECONDS)
    found = {
        name: _weight(service, before[name], size.weighed)
        for name, service in (("api", api), ("worker", worker))
    }
    rig.stop(worker)
    rig.stop(api)
    return found | {"registrations": size.weighed}


def _weight(service: Service, cpu_before: float, count: int) -> dict[str, float]:
    return {
        "cpu_seconds_per_1000": (service.cpu_seconds - cpu_before) / count * 1000,
        "peak_mebibytes": service.peak_mebibytes,
    }
