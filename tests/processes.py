"""API, workers and a simulator as processes, on the tests' engines."""

import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from app.config.settings import Settings
from app.infrastructure.encryption import Encryptor
from app.models import Connection
from devtools.local_stack.environment import simulator_environment
from devtools.local_stack.local_services import free_port
from devtools.local_stack.processes import Child
from tests.factories import ENCRYPTION_KEY, WEBHOOK_SECRET, connection_for

READY_SECONDS = 40.0
TIMES = {
    "TIMES_IN_DOUBT": "4",
    "TIMES_HTTP_TOTAL": "20",
    "TIMES_LEASE": "2",
    "TIMES_HEARTBEAT": "0.5",
    "TIMES_SEND_WINDOW": "1",
    "TIMES_DRAIN_BUDGET": "5",
    "TIMES_STOP": "10",
    "TIMES_DRAIN": "0",
    "TIMES_SWEEP": "0.5",
}


@dataclass
class Processes:
    """A context manager; `home` holds the logs. Every process stops with it."""

    settings: Settings
    home: Path
    env: dict[str, str] = field(default_factory=dict)
    running: dict[str, Child] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self.simulator_url, self.api_url = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        try:
            self._start(
                "simulator",
                "salesforce_simulator",
                "--quiet",
                "--port",
                self.simulator_url.rpartition(":")[2],
            )
            session = self._wait(f"{self.simulator_url}/_simulator/session").json()
            self.env = self._environment() | simulator_environment(self.simulator_url, session)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start_api(self) -> None:
        """Start the API on its port, and wait until it is ready."""
        self._start("api", "app.cli.main", "api", "--port", self.api_url.rpartition(":")[2])
        self._wait(f"{self.api_url}/readyz")

    def start_worker(self) -> None:
        self._start("worker", "workers.main")

    def kill(self, name: str) -> None:
        """SIGKILL: nothing is tidied up."""
        self.running.pop(name).kill()

    def end(self, name: str) -> None:
        """SIGTERM, as a deployment does."""
        self.running.pop(name).stop(READY_SECONDS)

    def stop(self) -> None:
        while self.running:
            _, child = self.running.popitem()
            child.stop(READY_SECONDS)

    def peak_mebibytes(self, name: str) -> float:
        """The most memory that was resident so far."""
        status = Path(f"/proc/{self.running[name].process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """A request to the simulator's control API; it does not count as an API call."""
        with httpx.Client(trust_env=False, timeout=60) as http:
            answer = http.request(method, f"{self.simulator_url}/_simulator/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def connection(self, host_id: str = "host_a") -> Connection:
        """The row of a host that is connected to the simulated org."""
        session = self.control("GET", "session")
        named = ("access_token", "refresh_token", "client_id", "org_id", "instance_url")
        vault = Encryptor.from_texts([ENCRYPTION_KEY])
        return connection_for(vault, host_id, **{name: session[name] for name in named})

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return kept | TIMES | {
            "DATABASE_URL": self.settings.database_url,
            "REDIS_URL": self.settings.redis_url,
            "PUBLIC_URL": self.api_url,
            "DASHBOARD_URL": self.api_url,
            "WEBHOOK_SECRETS": WEBHOOK_SECRET,
            "ENCRYPTION_KEYS": ENCRYPTION_KEY,
            "JWKS_FILE": str(self.settings.jwks_file),
        }  # fmt: skip

    def _start(self, name: str, module: str, *arguments: str) -> None:
        command = [sys.executable, "-m", module, *arguments]
        env = self.env or dict(os.environ)
        self.running[name] = Child.start(name, command, env=env, logs=self.home / "logs")

    def _wait(self, url: str) -> httpx.Response:
        deadline = time.monotonic() + READY_SECONDS
        with httpx.Client(trust_env=False, timeout=5) as http:
            while time.monotonic() < deadline:
                for child in self.running.values():
                    child.check()
                try:
                    answer = http.get(url)
                except httpx.TransportError:
                    time.sleep(0.05)
                    continue
                if answer.is_success:
                    return answer
        raise AssertionError(f"{url} did not answer")
