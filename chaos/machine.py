"""The service under test in one run: two APIs and four workers on a fresh database, and what revives them."""

import random
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.infrastructure.database_roles import BACKUP_ROLE, OWNER_ROLE
from app.infrastructure.encryption import Encryptor
from chaos.environment import API_COUNT, READY_SECONDS, SMALL, TEMPLATE, WORKER_COUNT, Site, answers, wait_for
from chaos.fork_client import ForkedProcess
from chaos.service_database import Grant, ServiceDatabase
from chaos.workload import HostPlan
from devtools.local_stack.environment import service_environment, simulator_environment
from devtools.local_stack.extras import local_package
from devtools.local_stack.local_services import POSTGRES_PACKAGE, free_port

SCALED_TIMES = {
    # As against Salesforce: the quiet time is the longest lateness (5 s here) and one whole call.
    "TIMES_IN_DOUBT": "8",
    "TIMES_HTTP_TOTAL": "3",
    "TIMES_LEASE": "3",
    "TIMES_HEARTBEAT": "0.5",
    "TIMES_SEND_WINDOW": "2",
    "TIMES_DRAIN_BUDGET": "5",
    "TIMES_STOP": "10",
    "TIMES_SWEEP": "1",
}
CALM_TIMES = {"BATCH_SIZE_MAX": "12", "LOG_LEVEL": "INFO", "DATABASE_POOL": "5", "PYTHONUNBUFFERED": "1"}
LATENCY_MS = 40
READY_WITHIN = 10.0
"""For machines with other work; the service itself gives its database 3 s."""
MAX_CONNECTIONS = 200


@dataclass
class Machine:
    """A context manager around the processes of one run."""

    site: Site
    name: str
    given: Mapping[str, str]
    is_small: bool = False
    is_watched: bool = False
    """Whether every process has a port for probes and metrics."""
    processes: dict[str, ForkedProcess] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    health_ports: dict[str, int] = field(default_factory=dict)
    kills: int = 0
    is_valkey_down: bool = False
    is_postgres_down: bool = False
    journal_name: str = ""

    def __enter__(self) -> "Machine":
        site = self.site
        where = f"TABLESPACE {SMALL}" if self.is_small else ""
        site.run_sql(f"CREATE DATABASE {self.name} TEMPLATE {TEMPLATE} {where}")
        site.flush_valkey()
        site.control.reset()
        self.ledger = ServiceDatabase(site.database_url(self.name))
        self.org_ids = site.control.org_ids()
        self.grants = [self._grant(org_id) for org_id in self.org_ids]
        self.journal_name = self.name
        self.env = self._environment()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes.values():
            process.signal(signal.SIGKILL)
        self.site.background.do(self.ledger.close())
        self.site.run_sql(f"DROP DATABASE {self.name} WITH (FORCE)")

    @property
    def api_urls(self) -> list[str]:
        return [f"http://127.0.0.1:{self.ports[f'api-{n}']}" for n in range(1, API_COUNT + 1)]

    @property
    def workers(self) -> list[str]:
        return [f"worker-{n}" for n in range(1, WORKER_COUNT + 1)]

    @property
    def apis(self) -> list[str]:
        return [f"api-{n}" for n in range(1, API_COUNT + 1)]

    def connect(self, hosts: list[HostPlan], *, settings: Mapping[str, Any]) -> None:
        """Rows for the hosts; straight into the database, since connecting is not what is tried here."""
        vault = Encryptor.from_texts([self.site.secrets.encryption_key])
        self.site.background.do(self.ledger.connect_hosts(hosts, self.grants, vault, settings))

    def start_all(self) -> None:
        """Every process that does not run; then wait until the APIs are ready."""
        for name in (*self.apis, *self.workers):
            if name not in self.processes or not self.processes[name].is_alive:
                self.start(name)
        for name in self.apis:
            self.await_api(name)

    def start(self, name: str, *, ahead: float = 0) -> ForkedProcess:
        """One process by name, its clock so many seconds ahead; it keeps its ports."""
        what = name.partition("-")[0]
        url = self.site.service_url(self.name, self.site.databases[name].port)
        port = self.ports.setdefault(name, free_port()) if what == "api" else 0
        env = self.env | {"DATABASE_URL": url}
        if self.is_watched:
            env["HEALTH_PORT"] = str(self.health_ports.setdefault(name, free_port()))
        process = self.site.nest.fork(name, what, env=env, port=port, ahead=ahead)
        self.processes[name] = process
        return process

    def await_api(self, name: str) -> None:
        wait_for(lambda: answers(f"http://127.0.0.1:{self.ports[name]}/livez"), name, READY_SECONDS)

    def kill(self, name: str) -> None:
        """kill -9, and wait for the end."""
        process = self.processes[name]
        if process.is_alive:
            process.signal(signal.SIGKILL)
            process.ended_within(5)
            self.kills += 1

    def log(self, name: str) -> Path:
        """Where a process writes; later runs write behind earlier ones."""
        return self.site.nest.logs / f"{name}.log"

    def is_ready(self, name: str) -> bool:
        """Whether an API says that it may be sent requests."""
        return answers(f"http://127.0.0.1:{self.ports[name]}/readyz", within=READY_WITHIN)

    def any_worker(self, chance: random.Random) -> str:
        return chance.choice(self.workers)

    def by_pid(self, pid: int) -> str:
        """The name of the process that runs under this pid. Raises StopIteration."""
        return next(
            name for name, process in self.processes.items() if process.pid == pid and process.is_alive
        )

    def heal(self) -> None:
        """End all trouble: faults off, engines up, proxies plain, every process alive and running."""
        self.site.control.disarm()
        if self.is_postgres_down:
            self.start_postgres()
        if self.site.postgres.max_connections != MAX_CONNECTIONS:
            self.allow_connections(MAX_CONNECTIONS)
        if self.is_valkey_down:
            self.start_valkey()
        for proxy in self.site.proxies:
            proxy.heal()
        for process in self.processes.values():
            process.signal(signal.SIGCONT)
        self.start_all()

    def stop_postgres(self) -> None:
        """An immediate stop, as if the machine had lost its server."""
        self.site.stop_postgres()
        self.is_postgres_down = True

    def start_postgres(self) -> None:
        self.site.postgres.start_postgres()
        self.is_postgres_down = False

    def allow_connections(self, count: int) -> None:
        """Restart Postgres with this `max_connections`."""
        self.site.stop_postgres()
        self.site.postgres.max_connections = count
        self.start_postgres()

    def kill_valkey(self) -> None:
        self.site.kill_valkey()
        self.is_valkey_down = True
        self.kills += 1

    def start_valkey(self) -> None:
        self.site.valkey.start_valkey()
        self.is_valkey_down = False

    @property
    def journal(self) -> Path:
        """Where erasures are kept outside of the database."""
        return self.site.home / f"{self.journal_name}.erasures"

    def dump(self) -> Path:
        """The database as it is now, as a backup takes it."""
        path = self.site.home / f"{self.name}.dump"
        url = self.site.database_url(self.name).replace("+asyncpg", "")
        run_tool("pg_dump", "-Fc", "--enable-row-security", f"--role={BACKUP_ROLE}", "-f", str(path), url)
        return path

    def restore(self, dump: Path) -> int:
        """End all processes, and go on with the dump in a database of its own; returns how many records in
        Salesforce it does not know.
        """
        count = "SELECT count(*) FROM written_records WHERE state = 'written'"
        known = self.site.background.do(self.ledger.ask(count))
        for name in self.processes:
            self.kill(name)
        self.site.background.do(self.ledger.close())
        before, self.name = self.name, f"{self.name}_restored"
        self.site.run_sql(f"DROP DATABASE {before} WITH (FORCE)", f"CREATE DATABASE {self.name}")
        self.site.run_sql(f"GRANT CREATE, USAGE ON SCHEMA public TO {OWNER_ROLE}", database=self.name)
        url = self.site.database_url(self.name).replace("+asyncpg", "")
        run_tool("pg_restore", "--no-owner", f"--role={OWNER_ROLE}", "-d", url, str(dump))
        self.ledger = ServiceDatabase(self.site.database_url(self.name))
        return int(known - self.site.background.do(self.ledger.ask(count)))

    def _grant(self, org_id: str) -> Grant:
        control = self.site.control
        control.configure(org_id, latency_ms=LATENCY_MS)
        [campaign_id] = control.seed("Campaign", org_id, [{"Name": "Otter Summit", "IsActive": True}])
        return Grant(control.session(org_id), campaign_id)

    def _environment(self) -> dict[str, str]:
        local = service_environment(
            {**SCALED_TIMES, **CALM_TIMES, "ERASURE_JOURNAL": str(self.journal), **self.given},
            url="http://127.0.0.1:8000",
            database_url=self.site.database_url(self.name),
            redis_url=f"redis://127.0.0.1:{self.site.wakeups.port}/0",
            secrets=self.site.secrets,
        )
        return local | simulator_environment(self.site.salesforce_url, self.grants[0].session)


def run_tool(name: str, *arguments: str) -> None:
    """One of Postgres' own programs, of the server's release. Raises CalledProcessError."""
    program = local_package(POSTGRES_PACKAGE) / "pginstall" / "bin" / name
    subprocess.run([program, *arguments], check=True, capture_output=True)  # noqa: S603 -- our own words
