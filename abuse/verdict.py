"""What is too much, and the table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LIVES_MS = 100.0
"""Of /livez at p99. Fifty are asked a second, so a loop that is blocked for 0.2 s shows."""
SLOWER = {"reading": 250.0}
"""What does not meet that yet, and must not become worse: lists and figures are made beside webhooks."""
WEBHOOKS_MS = 1_000.0
"""Of other hosts' webhooks at p99, as promised (P21)."""
SYNCED_SECONDS = 10.0
"""From a webhook of another host, on another org, to Salesforce (P11)."""
API_MIB, WORKER_MIB = 384.0, 384.0
CALM = "calm"
IDLE = 0.5
"""Of the processors' time before anybody asks anything; with less, others are measured."""


@dataclass(frozen=True)
class Row:
    """One attack, and what was felt meanwhile."""

    attack: str
    lives_p99: float
    lives_max: float
    webhooks_p99: float
    webhooks_max: float
    webhooks: Mapping[int, int]
    synced_max: float
    api_mib: float
    worker_mib: float
    answers: Mapping[str, int]
    idle: float

    @property
    def faults(self) -> list[str]:
        """What is beyond its bound."""
        judged = (
            ("/livez", self.lives_p99, SLOWER.get(self.attack, LIVES_MS), "ms"),
            ("other hosts' webhooks", self.webhooks_p99, WEBHOOKS_MS, "ms"),
            ("other orgs' slowest row", self.synced_max, SYNCED_SECONDS, "s"),
            ("memory of the API", self.api_mib, API_MIB, "MiB"),
            ("memory of the worker", self.worker_mib, WORKER_MIB, "MiB"),
        )
        found = [
            f"{what}: {value:.0f} {unit}, not {bound:.0f}"
            for what, value, bound, unit in judged
            if value > bound
        ]
        refused = {status: count for status, count in self.webhooks.items() if status != 202}
        return found + [
            f"other hosts' webhooks answered {status}: {count}" for status, count in refused.items()
        ]


HEAD = (
    f"{'attack':<14}{'/livez p99':>11}{'max':>7}{'webhooks p99':>14}{'max':>7}{'synced max':>12}"
    f"{'API':>9}{'worker':>9}{'idle':>6}  verdict"
)
BOUNDS = (
    f"{'bound':<14}{LIVES_MS:>8.0f} ms{'':>7}{WEBHOOKS_MS:>11.0f} ms{'':>7}{SYNCED_SECONDS:>10.1f} s"
    f"{API_MIB:>5.0f} MiB{WORKER_MIB:>5.0f} MiB"
)


def line(row: Row) -> str:
    """The row as the table has it, with its faults below."""
    figures = (
        f"{row.attack:<14}{row.lives_p99:>8.1f} ms{row.lives_max:>7.0f}{row.webhooks_p99:>11.1f} ms"
        f"{row.webhooks_max:>7.0f}{row.synced_max:>10.1f} s"
        f"{row.api_mib:>5.0f} MiB{row.worker_mib:>5.0f} MiB{row.idle:>6.0%}"
    )
    verdict = "TOO MUCH" if row.faults else "held"
    return "\n".join([f"{figures}  {verdict}", *(f"  {fault}" for fault in row.faults)])


def answers(row: Row) -> str:
    """How often what was answered, for those who look closer."""
    said = ", ".join(f"{what}: {count}" for what, count in sorted(row.answers.items()))
    return f"  {row.attack}: {said or 'nothing was asked'}"


def code(rows: Sequence[Row]) -> int:
    """0 when all held, 1 when one did not, 2 when this machine is too slow even without an attack."""
    if any(row.faults or row.idle < IDLE for row in rows if row.attack == CALM):
        return 2
    return int(any(row.faults or not row.answers for row in rows if row.attack != CALM))
