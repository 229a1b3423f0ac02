"""A Prometheus on loopback that scrapes the processes of a run and evaluates our rules, many times faster."""

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import httpx

from chaos.environment import answers, wait_for
from devtools.local_stack.local_services import free_port
from devtools.local_stack.processes import Child
from tools.monitoring.rules import ALERTS, rules_text

SCALE: Final = 24
"""A minute of the rules takes 2.5 s. One of a bucket's limits must be what a minute becomes."""
EVERY: Final = "1s"
LOOK_SECONDS: Final = 0.25
SEVERITIES: Final = {alert.name: alert.severity for alert in ALERTS}

News = Callable[[float, str, str], None]
"""Seconds since the beginning, the alert, and its summary; the summary is empty when it ends."""


class NotInstalled(Exception):
    """There is no `prometheus` here."""


@dataclass
class Prometheus:
    """A context manager; `targets` are ports by scrape job. Raises NotInstalled."""

    home: Path
    targets: Mapping[str, Sequence[int]]

    def __enter__(self) -> Self:
        program = shutil.which("prometheus")
        if program is None:
            raise NotInstalled("Prometheus (Debian's package prometheus) is not installed")
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "rules.yml").write_text(rules_text(SCALE))
        (self.home / "prometheus.json").write_text(json.dumps(self._config()))
        port = free_port()
        self._url = f"http://127.0.0.1:{port}"
        options = {
            "config.file": self.home / "prometheus.json",
            "storage.tsdb.path": self.home / "data",
            "web.listen-address": f"127.0.0.1:{port}",
            "log.level": "error",
        }
        command = [program, *(f"--{name}={value}" for name, value in options.items())]
        self._child = Child.start("prometheus", command, env=os.environ, logs=self.home)
        wait_for(lambda: answers(f"{self._url}/-/ready"), "Prometheus")
        return self

    def __exit__(self, *_: object) -> None:
        self._child.stop(5)

    def ringing(self) -> dict[str, str]:
        """The summaries of the alerts that ring now, by name."""
        answer = httpx.get(f"{self._url}/api/v1/alerts", trust_env=False, timeout=5)
        alerts: list[dict[str, Any]] = answer.json()["data"]["alerts"]
        return {
            alert["labels"]["alertname"]: alert["annotations"]["summary"]
            for alert in alerts
            if alert["state"] == "firing"
        }

    def _config(self) -> dict[str, Any]:
        # JSON is YAML, too.
        jobs = [
            {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}" for port in ports]}]}
            for job, ports in self.targets.items()
        ]
        times = {"scrape_interval": EVERY, "scrape_timeout": EVERY, "evaluation_interval": EVERY}
        return {
            "global": times,
            "rule_files": [str(self.home / "rules.yml")],
            "scrape_configs": jobs,
        }


@dataclass
class Watch:
    """A context manager around a thread that looks which alerts ring, and says so when that changes."""

    prometheus: Prometheus
    say: News
    begun: float = field(default_factory=time.monotonic)
    rung: dict[str, float] = field(default_factory=dict)
    ringing: set[str] = field(default_factory=set)
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._look_on, name="watch", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(5)

    @property
    def now(self) -> float:
        return time.monotonic() - self.begun

    def until(self, holds: Callable[[], bool], within: float) -> bool:
        """Whether it held in time."""
        deadline = time.monotonic() + within
        while not holds():
            if time.monotonic() > deadline:
                return False
            time.sleep(LOOK_SECONDS)
        return True

    def all_ring(self, names: Sequence[str], within: float) -> bool:
        """Whether each of these rang since the beginning, or does so in time."""
        return self.until(lambda: set(names) <= set(self.rung), within)

    def all_end(self, names: Sequence[str], within: float) -> bool:
        """Whether none of these rings any more, in time."""
        return self.until(lambda: not set(names) & self.ringing, within)

    def _look_on(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            try:
                found = self.prometheus.ringing()
            except httpx.TransportError:
                continue
            for name in sorted(set(found) - self.ringing):
                self.rung.setdefault(name, self.now)
                self.say(self.now, name, found[name])
            for name in sorted(self.ringing - set(found)):
                self.say(self.now, name, "")
            self.ringing = set(found)
