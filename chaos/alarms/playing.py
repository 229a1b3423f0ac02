"""A run in which Prometheus looks on."""

import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from chaos.alarms.platform import Platform
from chaos.alarms.prometheus import News, Prometheus, Watch
from chaos.environment import Site
from chaos.history import History
from chaos.machine import Machine
from chaos.sender import Sender
from chaos.stage import Stage
from chaos.workload import HostPlan, registrants_for

SEED: Final = 1
END_SECONDS: Final = 400.0
"""A rise within an hour, and the longest of the short windows, take 150 s here."""


@contextmanager
def playing(
    site: Site,
    hosts: Sequence[HostPlan],
    home: Path,
    *,
    tell: News,
    people: int,
    rate: float,
    platform: Platform | None = None,
    given: Mapping[str, str] | None = None,
    ports: Mapping[str, int] | None = None,
) -> Iterator[tuple[Stage, Watch]]:
    """A machine with processes that Prometheus scrapes; `people` have not registered yet, nothing rings."""
    chance = random.Random(SEED)  # noqa: S311 -- reproducible, not secret
    history = History(home / "history.jsonl")
    environment = dict(given or {})
    if platform is not None:
        site.background.do(platform.serve())
        environment |= platform.environment(site.secrets.webhook_secret)
    with Machine(site, "alarms", environment, is_watched=True, ports=dict(ports or {})) as machine:
        machine.connect(list(hosts), settings={})
        sender = Sender([], site.secrets.webhook_secret, history, rate=rate)
        crowd = registrants_for(hosts, people, chance, shared=0.0)
        stage = Stage(site, machine, history, sender, chance, list(hosts), crowd, 0)
        machine.start_all()
        targets = {
            job: [port for name, port in machine.health_ports.items() if name.startswith(job)]
            for job in ("api", "worker")
        }
        with Prometheus(home / "prometheus", targets) as prometheus, Watch(prometheus, tell) as watch:
            yield stage, watch


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
