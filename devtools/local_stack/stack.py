"""The whole service on this machine: engines, simulator, API and workers, started and stopped in order."""

import fcntl
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

import httpx

from devtools.local_stack.environment import service_environment, simulator_environment
from devtools.local_stack.extras import SIMULATOR_MODULE, ExtraMissing, require_simulator
from devtools.local_stack.local_services import LocalServices, ServiceNotStarted
from devtools.local_stack.processes import Child, ChildDied, PortTaken, listening_socket
from devtools.local_stack.secrets import HomeUnusable, LocalSecrets, state_in
from devtools.local_stack.signals import signals_ignored

LOOPBACK = "127.0.0.1"
DEFAULT_PORT, DEFAULT_SIMULATOR_PORT = 8000, 8100
READY_SECONDS = 60.0
STOP_SECONDS = 35.0
POLL_SECONDS = 0.05

Say = Callable[[str], None]


class AlreadyRunning(Exception):
    """Another process runs the service on the same state."""


class NotReady(Exception):
    """A part did not answer in time, or its preparation failed."""


STACK_FAULTS = (AlreadyRunning, ExtraMissing, NotReady, PortTaken, ChildDied, ServiceNotStarted, HomeUnusable)
"""What keeps a stack from running, each with a message that says what to do."""


@dataclass(frozen=True)
class Plan:
    """Where a stack keeps its state, which ports it takes, and the environment it is given.

    DATABASE_URL, REDIS_URL and SALESFORCE_LOGIN_URL in `given` replace Postgres, Valkey and the simulator.
    SIMULATOR_NAMES=true calls that one `login.localhost`, and its orgs `northwind.my.localhost` and so on.
    """

    home: Path
    port: int
    simulator_port: int
    given: Mapping[str, str]
    is_durable: bool = True

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def has_names(self) -> bool:
        """Whether the simulator's login hosts and orgs are met under their own names."""
        return self.given.get("SIMULATOR_NAMES") == "true"

    @property
    def simulator_url(self) -> str | None:
        """The local simulator's address; None when a login host is given."""
        return None if "SALESFORCE_LOGIN_URL" in self.given else f"http://{LOOPBACK}:{self.simulator_port}"


@dataclass
class Stack:
    """One running service; a context manager that leaves nothing behind."""

    plan: Plan
    say: Say = lambda _: None
    env: dict[str, str] = field(default_factory=dict)
    workers: list[Child] = field(default_factory=list)
    exit_codes: dict[str, int] = field(default_factory=dict)
    _children: list[Child] = field(default_factory=list)
    _engines: LocalServices | None = None
    _lock: IO[str] | None = None

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def secrets(self) -> LocalSecrets:
        return LocalSecrets.of(self.plan.home)

    def start_worker(self) -> Child:
        """One more worker process."""
        worker = self._child(f"worker-{len(self.workers) + 1}", "workers.main")
        self.workers.append(worker)
        return worker

    def kill(self, child: Child) -> None:
        """SIGKILL, as a crash would: `check` does not miss it."""
        self._children.remove(child)
        child.kill()

    def check(self) -> None:
        """Raises ChildDied when a part has ended by itself."""
        for child in self._children:
            child.check()

    def stop(self) -> None:
        """Stop all parts, the last started first, and wait for each."""
        with signals_ignored():
            while self._children:
                child = self._children.pop()
                self.exit_codes[child.name] = child.stop(STOP_SECONDS)
            if self._engines is not None:
                self._engines.stop()
            if self._lock is not None:
                self._lock.close()

    def _start(self) -> None:
        with state_in(self.plan.home):
            self._lock = _locked(self.plan.home)
        listening_socket(LOOPBACK, self.plan.port, variable="PORT").close()
        self._start_engines()
        self._start_simulator()
        self.say("migrating the database")
        self._migrate()
        self.say("starting the API and a worker")
        self._child("api", "app.cli.main", "api", "--port", str(self.plan.port))
        self._wait(f"{self.plan.url}/readyz")
        self.start_worker()

    def _start_engines(self) -> None:
        given = self.plan.given
        self._engines = engines = LocalServices(self.plan.home.resolve(), is_durable=self.plan.is_durable)
        self.say("starting Postgres and Valkey")
        if "DATABASE_URL" not in given:
            engines.start_postgres()
        if "REDIS_URL" not in given:
            engines.start_valkey()
        self.env = service_environment(
            given,
            url=self.plan.url,
            database_url=engines.database_url,
            redis_url=engines.redis_url,
            secrets=self.secrets,
        )

    def _start_simulator(self) -> None:
        url = self.plan.simulator_url
        if url is None:
            return
        require_simulator()
        self.say("starting the Salesforce simulator")
        listening_socket(LOOPBACK, self.plan.simulator_port, variable="SIMULATOR_PORT").close()
        state = str(self.plan.home / "simulator.sqlite")
        port = str(self.plan.simulator_port)
        self._child("simulator", SIMULATOR_MODULE, "--port", port, "--state", state)
        session = self._wait(f"{url}/_simulator/session").json()
        self.env |= simulator_environment(url, session, has_names=self.plan.has_names)

    def _migrate(self) -> None:
        migration = self._child("migrate", "app.cli.main", "migrate")
        self._children.remove(migration)
        if migration.process.wait():
            raise NotReady(f"the migration failed: {migration.last_line()}")

    def _child(self, name: str, module: str, *arguments: str) -> Child:
        command = [sys.executable, "-m", module, *arguments]
        child = Child.start(name, command, env=self.env, logs=self.plan.home / "logs")
        self._children.append(child)
        return child

    def _wait(self, url: str) -> httpx.Response:
        deadline = time.monotonic() + READY_SECONDS
        with httpx.Client(trust_env=False, timeout=2) as http:
            while time.monotonic() < deadline:
                self.check()
                try:
                    answer = http.get(url)
                    if answer.is_success:
                        return answer
                except httpx.TransportError:
                    pass
                time.sleep(POLL_SECONDS)
        raise NotReady(f"{url} did not answer within {READY_SECONDS:.0f} seconds")


def _locked(home: Path) -> IO[str]:
    lock = (home / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise AlreadyRunning(f"something already runs on {home}: stop it first") from None
    return lock
