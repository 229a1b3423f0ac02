"""Everything a measurement needs on this machine: engines, simulated orgs and our own processes."""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self

import asyncpg
import httpx

from app.api.dependencies import Resources
from app.config.settings import Settings
from app.connections.service import open_client
from app.main import BATCH_GC_THRESHOLD, open_resources, reduced_gc
from app.models import Base
from app.sync.engine.org_drain import DrainContext
from devtools.local_stack.environment import service_environment, simulator_environment
from devtools.local_stack.local_services import LocalServices, free_port
from devtools.local_stack.processes import Child
from devtools.local_stack.secrets import LocalSecrets

READY_SECONDS = 60.0
STOP_SECONDS = 35.0
RIGHTS_FOR_ALL = 0o755
"""Postgres may run as `nobody` and has to walk to its directory."""


class NotReady(Exception):
    """A process did not answer in time; the message ends with the tail of its log."""


@dataclass
class Rig:
    """A context manager; `empty()` before each part."""

    home: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="eventship-bench-")))
    env: dict[str, str] = field(default_factory=dict)
    orgs: list["Org"] = field(default_factory=list)
    _children: list[Child] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.home.chmod(RIGHTS_FOR_ALL)
        self.engines = LocalServices(self.home.resolve())
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        while self._children:
            self._children.pop().stop(STOP_SECONDS)
        self.engines.discard()

    @property
    def secrets(self) -> LocalSecrets:
        return LocalSecrets.of(self.home)

    @property
    def webhook_secret(self) -> str:
        return self.secrets.webhook_secret

    @property
    def org(self) -> "Org":
        return self.orgs[0]

    @property
    def org_cpu_seconds(self) -> float:
        """Processor time of the first simulated org."""
        return Service(self._children[0], "").cpu_seconds

    def simulator(self, *, is_polite: bool = False) -> "Org":
        """One more simulated org as a process of its own; a polite one leaves the processors to others."""
        port = free_port()
        command = [sys.executable, "-m", "salesforce_simulator", "--port", str(port), "--quiet"]
        if is_polite:
            command = ["nice", "-n", "15", *command]
        name = f"simulator-{len(self.orgs)}"
        self._children.append(Child.start(name, command, env=dict(os.environ), logs=self.home / "logs"))
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/_simulator/session", self._children[-1])
        org = Org(url)
        self.orgs.append(org)
        return org

    def api(self, **env: str) -> "Service":
        """An API process."""
        port = free_port()
        arguments = ["-m", "app.cli.main", "api", "--port", str(port)]
        return self._service("api", arguments, f"http://127.0.0.1:{port}", "/readyz", env)

    def floor(self, **env: str) -> "Service":
        """The bare route as a process that is started as the API is."""
        port = free_port()
        arguments = ["-m", "bench.floor", str(port)]
        return self._service("floor", arguments, f"http://127.0.0.1:{port}", "/ready", env)

    def worker(self, **env: str) -> "Service":
        """A worker process that may talk to all simulated orgs of this rig."""
        orgs = {"BENCH_ORGS": ",".join(org.url for org in self.orgs)}
        child = self._child("worker", ["-m", "bench.worker"], orgs | env)
        return Service(child, "")

    def process(self, name: str, arguments: list[str], env: Mapping[str, str]) -> "Service":
        """Another program on the same engines."""
        return Service(self._child(name, arguments, env), "")

    def stop(self, service: "Service") -> None:
        self._children.remove(service.child)
        service.child.stop(STOP_SECONDS)

    def stop_services(self) -> None:
        """Stop all but the first simulated org, whatever a part left behind."""
        while len(self._children) > 1:
            self._children.pop().stop(STOP_SECONDS)
        del self.orgs[1:]

    def settings(self, **changes: Any) -> Settings:
        """The service's settings, read from this rig's environment and from nothing else."""
        values = {name.lower(): value for name, value in self.env.items()}
        return Settings.model_validate(values | changes)

    async def sql(self) -> "asyncpg.Connection[Any]":
        """A superuser's connection, to put rows in and to look behind the walls."""
        return await asyncpg.connect(self.dsn, timeout=10)

    @property
    def dsn(self) -> str:
        return self.engines.database_url.replace("+asyncpg", "")

    def url_of(self, name: str) -> str:
        """Another database of the same server, as the service's settings have it."""
        return self.engines.database_url.rpartition("/")[0] + "/" + name

    def dsn_of(self, name: str) -> str:
        return self.url_of(name).replace("+asyncpg", "")

    async def copy_database(self, name: str) -> None:
        """A copy of the current database; no other session may be connected to it."""
        connection = await asyncpg.connect(self.dsn_of("template1"), timeout=10)
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE postgres')
        await connection.close()

    async def drop_database(self, name: str) -> None:
        connection = await self.sql()
        await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await connection.close()

    async def empty(self) -> None:
        """No rows and no records, as after a fresh start."""
        tables = ", ".join(table.name for table in Base.metadata.sorted_tables)
        connection = await self.sql()
        await connection.execute(f"SET session_replication_role = replica; TRUNCATE {tables}")
        await connection.close()
        for org in self.orgs:
            org.reset()

    @asynccontextmanager
    async def engine(self, **changes: Any) -> AsyncIterator[tuple[DrainContext, Resources]]:
        """The engine inside this process, so that only it and the org are measured."""
        async with open_resources(self.settings(**changes)) as resources:
            opener = partial(open_client, resources)
            settings = resources.settings
            drained = DrainContext(resources.database, settings, opener, "bench", settings.hash_pepper)
            with reduced_gc(BATCH_GC_THRESHOLD):
                yield drained, resources

    def _start(self) -> None:
        self.engines.start()
        self.env = service_environment(
            {},
            url="http://127.0.0.1:8000",
            database_url=self.engines.database_url,
            redis_url=self.engines.redis_url,
            secrets=self.secrets,
        )
        org = self.simulator()
        self.env |= simulator_environment(org.url, org.session)
        migration = self._child("migrate", ["-m", "app.cli.main", "migrate"], {})
        self._children.remove(migration)
        if migration.process.wait():
            raise NotReady(f"the migration failed:\n{migration.tail()}")

    def _service(
        self, name: str, arguments: list[str], url: str, ready: str, env: Mapping[str, str]
    ) -> "Service":
        service = Service(self._child(name, arguments, env), url)
        wait_for(url + ready, service.child)
        return service

    def _child(self, name: str, arguments: list[str], env: Mapping[str, str]) -> Child:
        whole = {**os.environ, **self.env, "LOG_LEVEL": "ERROR", **env}
        child = Child.start(name, [sys.executable, *arguments], env=whole, logs=self.home / "logs")
        self._children.append(child)
        return child


@dataclass(frozen=True)
class Service:
    """One of our processes, and what the kernel says of it."""

    child: Child
    url: str

    @property
    def cpu_seconds(self) -> float:
        """Processor time so far, user and system."""
        fields = Path(f"/proc/{self.child.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def peak_mebibytes(self) -> float:
        """The most memory that was resident."""
        status = Path(f"/proc/{self.child.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024


@dataclass(frozen=True)
class Org:
    """A simulated org through the control API; nothing here counts as an API call."""

    url: str

    @property
    def session(self) -> dict[str, Any]:
        return self._call("GET", "session")

    def configure(self, **switches: Any) -> None:
        self._call("PUT", "config", switches)

    def reset(self) -> None:
        self._call("POST", "reset", {})
        # Budgets are not what is measured here.
        self.configure(api_limit={"max": 10_000_000, "used": 0})

    def arm(self, **fault: Any) -> None:
        self._call("POST", "faults", fault)

    def has_fired(self) -> bool:
        """Whether an armed fault has met a request."""
        return any(fault["fired"] for fault in self._call("GET", "faults")["faults"])

    def calls(self) -> int:
        """API calls so far, as Salesforce counts them."""
        return int(self._call("GET", "calls")["total"])

    def closed_statuses(self) -> list[str]:
        """The statuses that close a Task there."""
        return [each["value"] for each in self._call("GET", "config")["task_statuses"] if each["is_closed"]]

    def insert(self, sobject: str, rows: list[dict[str, Any]]) -> list[str]:
        """Put rows in past every rule; their ids."""
        ids: list[str] = []
        for start in range(0, len(rows), 2_000):
            ids += self._call("POST", f"records/{sobject}", rows[start : start + 2_000])["ids"]
        return ids

    def rows(self, sobject: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._call("GET", f"records/{sobject}")["records"]
        return rows

    def count(self, sobject: str) -> int:
        return int(self._call("GET", f"records/{sobject}")["totalSize"])

    def _call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        with httpx.Client(trust_env=False, timeout=120) as http:
            answer = http.request(method, f"{self.url}/_simulator/{path}", json=body)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


def wait_for(url: str, child: Child) -> None:
    """Until the address answers. Raises NotReady, ChildDied."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        child.check()
        try:
            if httpx.get(url, trust_env=False, timeout=2).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise NotReady(f"{url} did not answer:\n{child.tail()}")


UNFINISHED = """
    SELECT EXISTS (
        SELECT FROM sync_jobs WHERE state IN ('pending', 'running', 'ambiguous') AND host_id LIKE $1
    )
"""


async def until_drained(rig: Rig, *, within: float, every: float = 0.1, hosts: str = "%") -> None:
    """Until no job of these hosts (a LIKE pattern) waits or runs. Raises TimeoutError."""
    connection = await rig.sql()
    try:
        await until_none_left(connection, within=within, every=every, hosts=hosts)
    finally:
        await connection.close()


async def until_none_left(
    connection: "asyncpg.Connection[Any]", *, within: float, every: float, hosts: str = "%"
) -> None:
    """The same, over a connection that stands: one that is made takes processor from whatever is measured."""
    async with asyncio.timeout(within):
        while await connection.fetchval(UNFINISHED, hosts):  # noqa: ASYNC110 -- there is no event
            await asyncio.sleep(every)
