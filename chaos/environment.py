"""What all runs share: real Postgres and Valkey, the simulator, the fork server, and proxies between them."""

import os
import random
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx
from alembic import command

from app.infrastructure.database_roles import APP_ROLE, SYSTEM_ROLE
from app.infrastructure.migration_runner import alembic_config
from chaos.background import Background
from chaos.fork_client import ForkClient
from chaos.proxy import Proxy
from chaos.service_database import run_sql
from chaos.simulator_client import SimulatorClient
from chaos.volume import NoVolume, Volume
from devtools.local_stack.local_services import LocalServices, free_port
from devtools.local_stack.processes import Child
from devtools.local_stack.secrets import LocalSecrets

API_COUNT, WORKER_COUNT = 2, 4
TEMPLATE = "chaos_template"
SMALL = "small_volume"
LOGIN = "chaos_service"
"""Whom the service logs in as: no superuser, so that it gets no connection that is kept for one."""
READY_SECONDS = 60.0


class NotReady(Exception):
    """A part did not answer in time."""


@dataclass
class Site:
    """A context manager; `home` holds data, logs and histories."""

    home: Path
    orgs: int
    seed: int
    parts: ExitStack = field(default_factory=ExitStack)
    lacks_volume: str = ""

    def __enter__(self) -> Self:
        with ExitStack() as parts:
            self.volume = self._mount(parts)
            self.background = parts.enter_context(Background())
            self.postgres = LocalServices((self.home / "engines" / "postgres").resolve())
            parts.callback(self.postgres.discard)
            self.postgres.start_postgres()
            self.valkey = LocalServices((self.home / "engines" / "valkey").resolve())
            parts.callback(self.valkey.discard)
            self.valkey.start_valkey()
            self.secrets = LocalSecrets.of(self.home)
            self.nest = parts.enter_context(ForkClient(self.home / "logs"))
            self._start_proxies(simulator_port := free_port())
            self._start_simulator(parts, simulator_port)
            self._make_template()
            self.parts = parts.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.parts.close()

    @property
    def proxies(self) -> list[Proxy]:
        return [*self.databases.values(), self.wakeups, self.salesforce]

    def database_url(self, name: str) -> str:
        """The address of a database for the harness, past every proxy."""
        return f"postgresql+asyncpg://owner@127.0.0.1:{self.postgres.postgres_port}/{name}"

    def service_url(self, name: str, port: int) -> str:
        """The same for a process of the service, by the proxy on `port`."""
        return f"postgresql+asyncpg://{LOGIN}@127.0.0.1:{port}/{name}"

    def run_sql(self, *statements: str, database: str = "postgres") -> None:
        """Statements outside any transaction, as the superuser."""
        self.background.do(run_sql(self.database_url(database), *statements))

    def stop_postgres(self, number: signal.Signals = signal.SIGQUIT) -> None:
        """SIGQUIT is an immediate stop: no checkpoint, recovery at the next start."""
        pid = int((self.postgres.data_directory / "postmaster.pid").read_text().split("\n")[0])
        os.kill(pid, number)
        self.postgres.stop()

    def kill_valkey(self) -> None:
        """kill -9; it keeps its port for the next start."""
        os.kill(_valkey_pid(self.valkey.valkey_port), signal.SIGKILL)
        self.valkey.stop()

    def flush_valkey(self) -> None:
        _ask_valkey(self.valkey.valkey_port, "FLUSHALL")

    def _mount(self, parts: ExitStack) -> Volume | None:
        try:
            volume = Volume(self.home / "volume")
        except NoVolume as error:
            self.lacks_volume = str(error)
            return None
        parts.callback(volume.close)
        return volume

    def _start_proxies(self, simulator_port: int) -> None:
        names = [f"api-{n}" for n in range(1, API_COUNT + 1)] + [
            f"worker-{n}" for n in range(1, WORKER_COUNT + 1)
        ]
        self.databases = {name: self._proxy(name, self.postgres.postgres_port) for name in names}
        self.wakeups = self._proxy("valkey", self.valkey.valkey_port)
        self.salesforce = self._proxy("salesforce", simulator_port)

    def _proxy(self, name: str, target: int) -> Proxy:
        async def started() -> Proxy:
            proxy = Proxy(name, target, chance=random.Random(f"{self.seed} {name}"))  # noqa: S311 -- a seed
            await proxy.start()
            return proxy

        return self.background.do(started())

    def _start_simulator(self, parts: ExitStack, port: int) -> None:
        self.salesforce_url = f"http://127.0.0.1:{self.salesforce.port}"
        options = ["--port", str(port), "--base-url", self.salesforce_url, "--orgs", str(self.orgs)]
        simulator = [sys.executable, "-m", "salesforce_simulator", "--quiet", *options]
        child = Child.start("simulator", simulator, env=os.environ, logs=self.home / "logs")
        parts.callback(child.stop, 5)
        self.control = SimulatorClient(port)
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/_simulator/session"), "the simulator")

    def _make_template(self) -> None:
        self.run_sql(f"CREATE DATABASE {TEMPLATE}")
        command.upgrade(alembic_config(self.database_url(TEMPLATE)), "head")
        self.run_sql(f"CREATE ROLE {LOGIN} LOGIN IN ROLE {APP_ROLE}, {SYSTEM_ROLE}")
        if self.volume is not None:
            self.run_sql(f"CREATE TABLESPACE {SMALL} LOCATION '{self.volume.path}'")


def wait_for(is_there: Callable[[], bool], what: str, within: float = READY_SECONDS) -> None:
    """Poll until it is there. Raises NotReady."""
    deadline = time.monotonic() + within
    while not is_there():
        if time.monotonic() > deadline:
            raise NotReady(f"{what} was not ready within {within:.0f} s")
        time.sleep(0.05)


def answers(url: str, within: float = 2) -> bool:
    """Whether a GET succeeds."""
    try:
        return httpx.get(url, trust_env=False, timeout=within).is_success
    except httpx.TransportError:
        return False


def _valkey_pid(port: int) -> int:
    info = _ask_valkey(port, "INFO server")
    return next(int(line.partition(":")[2]) for line in info.splitlines() if line.startswith("process_id:"))


def _ask_valkey(port: int, command: str) -> str:
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(f"{command}\r\n".encode())
        return connection.recv(65_536).decode(errors="replace")
