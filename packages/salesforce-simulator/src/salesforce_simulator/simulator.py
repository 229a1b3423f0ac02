"""The whole simulator: its orgs, its OAuth clients, its faults and its address."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from salesforce_simulator.clock import Clock, system_clock
from salesforce_simulator.config_parts import ConnectedApp
from salesforce_simulator.faults import Faults
from salesforce_simulator.grants import Grant
from salesforce_simulator.hosts import logs_in
from salesforce_simulator.org import Org
from salesforce_simulator.persistence import Journal
from salesforce_simulator.store import Row

# The app that every org knows from the start. A simulated org guards nothing: these are no secrets.
DEFAULT_CLIENT_ID = "3MVG9simulatedConsumerKey"
DEFAULT_CLIENT_SECRET = "simulated-consumer-secret"  # noqa: S105

# Number, name, My Domain, whether it is a sandbox.
_ORGS = (
    (1, "Northwind Events", "northwind", False),
    (2, "Southwind Trading", "southwind", False),
    (3, "Northwind Sandbox", "northwind--dev", True),
)


@dataclass
class Simulator:
    """Everything behind one port; the first org is the default one."""

    clock: Clock
    base_url: str | None
    orgs: dict[str, Org]
    faults: Faults
    journal: Journal
    apps: tuple[ConnectedApp, ...]
    late: "dict[asyncio.TimerHandle, Callable[[], object]]" = field(default_factory=dict)

    @property
    def default_org(self) -> Org:
        return next(iter(self.orgs.values()))

    def org_of(self, record_id: str | None) -> Org | None:
        """The org with this id, 15 or 18 characters; the default one for None."""
        if record_id is None:
            return self.default_org
        return next((org for org in self.orgs.values() if org.id[:15] == record_id[:15]), None)

    def login_orgs(self, host: str) -> list[Org]:
        """The orgs that log in at a host: at `login.` production ones, at `test.` sandboxes, at its own name
        one, anywhere else all."""
        return [org for org in self.orgs.values() if logs_in(org, host)]

    def user(self, username: str, host: str = "") -> tuple[Org, Row] | None:
        """The active user of that name and the org, as far as it logs in at that host."""
        for org in self.login_orgs(host):
            for user in org.store.find("User", "Username", username):
                if user["IsActive"]:
                    return org, user
        return None

    def app(self, client_id: str) -> ConnectedApp | None:
        """A connected app known to any org."""
        added = (app for org in self.orgs.values() for app in org.config.apps)
        return next((app for app in (*added, *self.apps) if app.client_id == client_id), None)

    def grants(self) -> Iterator[tuple[Org, Grant]]:
        return ((org, grant) for org in self.orgs.values() for grant in org.grants)

    def by_access_token(self, token: str) -> tuple[Org, Grant] | None:
        """The org and grant of a living access token."""
        for org in self.orgs.values():
            grant = org.grants.of_access_token(token)
            if grant is not None:
                return org, grant
        return None

    def schedule_late_write(self, seconds: float, write: Callable[[], object], *, held: str = "") -> None:
        """Do a write later, as a Salesforce that lost its client may; `held` is the text whose unique values
        nobody else may have meanwhile.
        """

        def land() -> None:
            self.late.pop(handle, None)
            apply()

        def apply() -> None:
            for org in self.orgs.values() if held else ():
                org.store.held_texts.remove(held.lower())
            write()

        for org in self.orgs.values() if held else ():
            org.store.held_texts.append(held.lower())
        handle = asyncio.get_running_loop().call_later(seconds, land)
        self.late[handle] = apply

    def apply_late_writes(self) -> int:
        """Do every postponed write now and say how many."""
        pending = list(self.late.items())
        self.late.clear()
        for handle, write in pending:
            handle.cancel()
            write()
        return len(pending)

    def reset(self) -> None:
        """Every org back to its first day, no faults, nothing pending."""
        for handle in self.late:
            handle.cancel()
        self.late.clear()
        self.faults.clear()
        for org in self.orgs.values():
            org.reset()


def open_simulator(
    state_path: Path | None, *, base_url: str | None, clock: Clock = system_clock, orgs_at_least: int = 0
) -> Simulator:
    """A simulator whose orgs are read from the state file, or new in memory; more than three get numbers."""
    journal = Journal(state_path)
    faults = Faults()
    orgs = [
        Org(
            number,
            name,
            my_domain,
            clock=clock,
            journal=journal,
            is_sandbox=is_sandbox,
            on_row_write=faults.raise_row_error,
        )
        for number, name, my_domain, is_sandbox in (*_ORGS, *_more_orgs(orgs_at_least))
    ]
    default = ConnectedApp(
        client_id=DEFAULT_CLIENT_ID, client_secret=DEFAULT_CLIENT_SECRET, name="Event Registrations"
    )
    by_id = {org.id: org for org in orgs}
    return Simulator(clock, base_url, by_id, faults, journal, (default,))


def _more_orgs(at_least: int) -> Iterator[tuple[int, str, str, bool]]:
    return (
        (number, f"Org {number}", f"org{number}", False) for number in range(len(_ORGS) + 1, at_least + 1)
    )
