"""An upgrade while webhooks come in: `make upgrade`.

On the database and the orgs that the release before left: its API and worker take registrations, `migrate` of
this release runs meanwhile, our API and worker start beside them, theirs stop. In the end everybody is in the
org once. Where git has no tag of that release, ours alone go on from what it left, and that is said.
"""

import asyncio
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncpg
import httpx

from devtools.demo.compare import OrgState
from devtools.demo.dashboard import Dashboard
from devtools.demo.deliveries import Delivery, check_in, deliveries, registration
from devtools.demo.scenario import HOST_ID, REGISTRANTS, Registrant, wave
from devtools.demo.simulator_client import SimulatorClient
from devtools.demo.smoke import SCALED_TIMES
from devtools.demo.steps import wait_until_drained
from devtools.local_stack.environment import service_environment, simulator_environment
from devtools.local_stack.local_services import LocalServices, free_port
from devtools.local_stack.processes import Child
from devtools.local_stack.secrets import LocalSecrets
from devtools.local_stack.webhook_sender import post_webhook
from tests.upgrade.earlier import ROOT, SIMULATOR, VERSION, Left, earlier_tree, environment_of, load

READY_SECONDS: Final = 60.0
DRAIN_SECONDS: Final = 120.0
STOP_SECONDS: Final = 40.0
SIZE: Final = 12
ROLES: Final = "".join(
    f"CREATE ROLE {name} NOLOGIN NOSUPERUSER NOBYPASSRLS;"
    for name in ("eventship_owner", "eventship_app", "eventship_system")
)

MOVED: Final = "UPDATE connections SET login_url = $1, instance_url = $1"


class UpgradeFailed(Exception):
    """The message says what was not as it must be."""


@dataclass
class Fleet:
    """Processes of one tree on the shared engines."""

    name: str
    tree: Path
    env: Mapping[str, str]
    logs: Path
    port: int = field(default_factory=free_port)
    running: list[Child] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """An API, until it is ready, and a worker."""
        self.running = [
            self._child("api", "app.cli.main", "api", "--port", str(self.port)),
            self._child("worker", "workers.main"),
        ]
        until = time.monotonic() + READY_SECONDS
        while self.ready() != httpx.codes.OK:
            self.running[0].check()
            if time.monotonic() > until:
                raise UpgradeFailed(f"the API of {self.name} is not ready: {self.running[0].tail()}")
            time.sleep(0.1)

    def ready(self) -> int:
        """What its API answers at /readyz; 0 when it does not."""
        try:
            return httpx.get(f"{self.url}/readyz", trust_env=False).status_code
        except httpx.TransportError:
            return 0

    def stop(self) -> None:
        while self.running:
            child = self.running.pop()
            child.check()
            if child.stop(STOP_SECONDS) not in (0, -signal.SIGTERM):
                raise UpgradeFailed(f"{child.name} did not end well: {child.tail()}")

    def migrate(self) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "app.cli.main", "migrate"], cwd=self.tree, env=dict(self.env),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise UpgradeFailed(f"migrate: {done.stderr}")

    def _child(self, role: str, module: str, *words: str) -> Child:
        # Not from the directory that we stand in: it would be imported first.
        command = [sys.executable, "-P", "-m", module, *words]
        return Child.start(f"{self.name}-{role}", command, env=self.env, logs=self.logs)


@dataclass
class Sender:
    """The platform: sends each webhook to one of the APIs, and counts what it was answered."""

    secret: str
    statuses: Counter[int] = field(default_factory=Counter)

    def send(self, those: Iterable[Delivery], *fleets: Fleet) -> None:
        with httpx.Client(trust_env=False, timeout=30) as http:
            for number, one in enumerate(those):
                url = fleets[number % len(fleets)].url
                answer = post_webhook(http, url, secret=self.secret, webhook_id=one.webhook_id, body=one.body)
                self.statuses[answer.status_code] += 1


@dataclass
class Story:
    """The engines, the orgs and both releases."""

    home: Path
    earlier: Path | None

    def play(self) -> str:
        """Returns what to print. Raises UpgradeFailed."""
        Left.unpacked(self.home)
        engines = LocalServices(self.home, is_durable=False).start()
        simulator: Child | None = None
        fleets: list[Fleet] = []
        try:
            simulator, url = self._simulator()
            asyncio.run(_loaded(engines, url))
            env = self._environment(engines, url)
            ours = Fleet("ours", ROOT, env | environment_of(ROOT), self.home / "logs")
            theirs = self._theirs(env)
            fleets = [ours, *theirs]
            with SimulatorClient(url) as org:
                return self._upgraded(org, ours, theirs, env["WEBHOOK_SECRETS"])
        finally:
            for child in [
                *(child for fleet in fleets for child in fleet.running),
                *([simulator] if simulator else []),
            ]:
                child.kill()
            engines.stop()

    def _upgraded(self, org: SimulatorClient, ours: Fleet, theirs: list[Fleet], secret: str) -> str:
        before, sender = OrgState.of(org), Sender(secret)
        waves = [wave(len(REGISTRANTS) + 1 + SIZE * number, SIZE) for number in range(4)]
        for fleet in theirs:
            fleet.start()
            sender.send(_coming(waves[0]), fleet)
        self._migrate_under_load(ours, theirs, sender, waves[1])
        ours.start()
        sender.send(_coming(waves[2]), ours, *theirs)
        for fleet in theirs:
            fleet.stop()
        sender.send([*_coming(waves[3]), *deliveries(REGISTRANTS)], ours)
        if not theirs:
            sender.send([*_coming(waves[0]), *_coming(waves[1])], ours)
        newcomers = [one for each in waves for one in each]
        self._wait(ours, len(REGISTRANTS) + len(newcomers))
        faults = list(_faults(newcomers, before, OrgState.of(org)))
        if set(sender.statuses) != {httpx.codes.ACCEPTED}:
            faults.append(f"webhooks were answered {dict(sender.statuses)}")
        if faults:
            raise UpgradeFailed("\n".join(faults))
        ours.stop()
        with_theirs = (
            "its processes beside ours" if theirs else f"without its processes: git has no v{VERSION}"
        )
        return (
            f"upgrade: from {VERSION}, {with_theirs}; {sender.statuses.total()} webhooks, 0 refused; "
            f"{len(newcomers)} newcomers, 0 lost, 0 doubled; {len(before.tasks)} Tasks from before untouched"
        )

    def _migrate_under_load(
        self, ours: Fleet, theirs: list[Fleet], sender: Sender, coming: Sequence[Registrant]
    ) -> None:
        sending = threading.Thread(target=sender.send, args=(_coming(coming) if theirs else (), *theirs))
        sending.start()
        ours.migrate()
        sending.join()
        unready = [fleet.name for fleet in theirs if fleet.ready() != httpx.codes.OK]
        if unready:
            raise UpgradeFailed(
                f"after `migrate` the API of {unready} is out of rotation, with nobody to follow"
            )

    def _wait(self, fleet: Fleet, total: int) -> None:
        token = LocalSecrets.of(self.home).token({HOST_ID: "owner"})
        with Dashboard(fleet.url, token) as dashboard:
            wait_until_drained(dashboard, total, within=DRAIN_SECONDS)

    def _simulator(self) -> tuple[Child, str]:
        port = free_port()
        command = [sys.executable, "-m", "salesforce_simulator", "--quiet", "--port", str(port)]
        env = environment_of(ROOT)
        child = Child.start(
            "simulator", [*command, "--state", str(self.home / SIMULATOR)], env=env, logs=self.home / "logs"
        )
        return child, f"http://127.0.0.1:{port}"

    def _environment(self, engines: LocalServices, url: str) -> dict[str, str]:
        secrets = LocalSecrets.of(self.home)
        env = service_environment(
            SCALED_TIMES, url="http://127.0.0.1:1", database_url=engines.database_url,
            redis_url=engines.redis_url, secrets=secrets,
        )  # fmt: skip
        return env | simulator_environment(url, _session(url))

    def _theirs(self, env: Mapping[str, str]) -> list[Fleet]:
        if self.earlier is None:
            return []
        return [
            Fleet(f"v{VERSION}", self.earlier, {**env, **environment_of(self.earlier)}, self.home / "logs")
        ]


def main() -> int:
    """0 when the upgrade went as it must."""
    with earlier_tree() as tree, tempfile.TemporaryDirectory(prefix="upgrade-") as scratch:
        home = Path(scratch)
        home.chmod(0o755)
        try:
            sys.stdout.write(f"{Story(home, tree).play()}\n")
        except UpgradeFailed as fault:
            sys.stderr.write(f"upgrade from {VERSION}: {fault}\n")
            return 1
    return 0


async def _loaded(engines: LocalServices, simulator_url: str) -> None:
    """The database that was kept, with the simulator at the address that it has now."""
    url = engines.database_url.replace("+asyncpg", "")
    connection = await asyncpg.connect(url)
    await connection.execute(ROLES)
    await load(url)
    await connection.execute(MOVED, simulator_url)
    await connection.close()


def _session(url: str) -> Mapping[str, str]:
    until = time.monotonic() + READY_SECONDS
    while True:
        try:
            session: Mapping[str, str] = httpx.get(f"{url}/_simulator/session", trust_env=False).json()
            return session
        except httpx.TransportError:
            if time.monotonic() > until:
                raise UpgradeFailed("the simulator does not start on what was kept of it") from None
            time.sleep(0.1)


def _coming(those: Sequence[Registrant]) -> list[Delivery]:
    return [*map(registration, those), *(check_in(one) for one in those if one.checks_in)]


def _faults(newcomers: Sequence[Registrant], before: OrgState, after: OrgState) -> Iterable[str]:
    """Each newcomer is one Lead with its Tasks and one member; whoever was there has what they had."""
    leads = Counter(str(row["Email"]).lower() for row in after.leads)
    tasks, members = (
        Counter(row[key] for row in rows) for key, rows in (("WhoId", after.tasks), ("LeadId", after.members))
    )
    ids = {str(row["Email"]).lower(): row["Id"] for row in after.leads}
    for one in newcomers:
        email = str(one.attendee["email"]).lower()
        found = (leads[email], tasks[ids.get(email)], members[ids.get(email)])
        if found != (1, 1 + one.checks_in, 1):
            yield f"{email}: {found} Leads, Tasks and members"
    new = {ids.get(str(one.attendee["email"]).lower()) for one in newcomers}
    had = Counter(row["WhoId"] for row in before.tasks)
    has = Counter({who: count for who, count in tasks.items() if who not in new})
    if had != has:
        yield f"Tasks of people from before: {had - has} lost, {has - had} more"


if __name__ == "__main__":
    sys.exit(main())
