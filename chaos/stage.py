"""What a nemesis works with: the machine, the sender, chance from the seed, and a place for its findings."""

import random
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from chaos.checker import Findings, OrgState
from chaos.environment import Site
from chaos.hazards import Hazard, hazard_of_fault, hazard_of_traps, unmet
from chaos.history import History
from chaos.machine import Machine
from chaos.proxy import Trap
from chaos.sender import Sender
from chaos.workload import HostPlan, Registrant, Webhook

T = TypeVar("T")

Judge = Callable[[frozenset[str], Sequence[OrgState], Findings], None]
"""What a scenario finds beside people, Tasks and members, by the acknowledged webhooks."""

LONGEST_SECONDS = 90.0
"""No nemesis goes on for longer than this, whatever happens."""
POSTED_SECONDS = 120.0


@dataclass
class Stage:
    """One run as its nemesis sees it; it acts in the main thread while webhooks are posted behind it."""

    site: Site
    machine: Machine
    history: History
    sender: Sender
    chance: random.Random
    hosts: list[HostPlan]
    people: list[Registrant]
    seconds: float
    posting: "Future[None] | None" = None
    measured: dict[str, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    begun: float = field(default_factory=time.monotonic)
    faults: list[Hazard] = field(default_factory=list)
    traps: list[Sequence[Trap]] = field(default_factory=list)
    judge: Judge | None = None
    erased: set[str] = field(default_factory=set)
    left_out: str | None = None

    @property
    def is_busy(self) -> bool:
        """Webhooks are still posted, or the nemesis has not had its time."""
        spent = time.monotonic() - self.begun
        return spent < LONGEST_SECONDS and (self.is_posting or spent < self.seconds)

    @property
    def is_posting(self) -> bool:
        return self.posting is not None and not self.posting.done()

    @property
    def unmet(self) -> list[str]:
        """The faults and traps that nothing met, as far as the faults are taken away."""
        return unmet([*self.faults, *map(hazard_of_traps, self.traps)])

    def post(self, webhooks: Sequence[Webhook]) -> None:
        """Begin to post these; `posting` ends with them."""
        self.sender.urls = self.machine.api_urls
        self.posting = self.site.background.begin(self.sender.post_all(webhooks))

    def await_posted(self) -> None:
        """Wait until what was begun last is posted."""
        if self.posting is not None:
            self.posting.result(POSTED_SECONDS)

    def disarm(self) -> None:
        """Take the simulator's faults away, and note how often each was met."""
        self.faults += map(hazard_of_fault, self.site.control.faults())
        self.site.control.disarm()

    def lay_traps(self, names: Iterable[str], **trap: Any) -> dict[str, Trap]:
        """The same trap on the way of each of these processes to the database; one of them must spring."""
        laid = {name: Trap(**trap) for name in names}
        for name, each in laid.items():
            self.site.databases[name].traps = [each]
        self.traps.append(list(laid.values()))
        return laid

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def until_progress(self, part: float) -> None:
        """Wait until so much is posted."""
        while self.is_busy and self.sender.progress < part:
            time.sleep(0.05)

    def tell(self, deed: str, **details: Any) -> None:
        self.history.tell("nemesis", deed=deed, **details)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for a coroutine of the background loop."""
        return self.site.background.do(work)

    def expect(self, what: str, *, holds: bool) -> None:
        """A property of the scenario beside loss and doubling."""
        if not holds:
            self.wrong.append(what)

    def expect_answers(self, *allowed: str) -> None:
        """No try of a webhook ended in any other way."""
        strange = {answer: n for answer, n in self.history.ended.items() if answer not in allowed}
        self.expect(f"a webhook meets {' or '.join(allowed)} and nothing else: {strange}", holds=not strange)

    def until(self, holds: Callable[[], bool], within: float = 20.0) -> bool:
        """Wait until it holds; whether it did in time."""
        deadline = time.monotonic() + within
        while not holds():
            if time.monotonic() > deadline:
                return False
            self.sleep(0.02)
        return True

    def await_rest(self, within: float) -> bool:
        """Whether every job came to rest in time."""
        deadline = time.monotonic() + within
        while self.do(self.machine.ledger.moving()):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.2)
        return True
