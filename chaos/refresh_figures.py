"""How much a run of `chaos.refresh` does, what came of it, and whether that is good."""

from dataclasses import dataclass
from typing import Final

MOST_REQUESTS: Final = 3
"""After one expiry with kills: the one that was lost, the one that took over, and one that died with it."""


@dataclass(frozen=True)
class Size:
    """How much of it: a round is one expiry that all tasks of all processes meet."""

    processes: int = 4
    tasks: int = 50
    rounds: int = 100
    kill_rounds: int = 12
    seed: int = 1
    seconds: float = 170.0


@dataclass
class Figures:
    """What came of it. `failed_calls` are those that a busy machine kept waiting too long."""

    rounds: int = 0
    refreshes: int = 0
    extra_refreshes: int = 0
    reuses: int = 0
    dead_rounds: int = 0
    failed_calls: int = 0
    kill_rounds: int = 0
    kills: int = 0
    ended_alive: int = 0
    ended_needs_reconnect: int = 0
    ended_otherwise: int = 0
    most_requests_in_a_kill_round: int = 0
    seconds: float = 0.0

    def count_round(self, *, sent: int, reused: int, failed: int, is_alive: bool) -> None:
        """A round without a crash: `sent` token requests, `reused` dead ones among them."""
        self.rounds += 1
        self.refreshes += sent
        self.extra_refreshes += abs(sent - 1)
        self.reuses += reused
        self.failed_calls += failed
        self.dead_rounds += not is_alive

    def count_kill_round(self, *, state: str, is_settled: bool, sent: int) -> None:
        """A round with crashes: the state of the connection after the survivors continued."""
        self.kill_rounds += 1
        self.ended_needs_reconnect += state == "needs_reconnect"
        self.ended_alive += state == "connected" and is_settled
        self.ended_otherwise += state != "needs_reconnect" and not (state == "connected" and is_settled)
        self.most_requests_in_a_kill_round = max(sent, self.most_requests_in_a_kill_round)

    @property
    def is_good(self) -> bool:
        """One refresh per expiry, no reuse without a crash, and every crash came to an end, and soon."""
        faults = (self.extra_refreshes, self.reuses, self.dead_rounds, self.ended_otherwise)
        return self.rounds > 0 and not any(faults) and self.most_requests_in_a_kill_round <= MOST_REQUESTS
