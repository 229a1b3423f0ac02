"""What a run of `chaos.notifications` found: facts against what the platform received."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Self

Payload = Mapping[str, Any]


@dataclass(frozen=True)
class Size:
    """How many facts, of how many hosts; `kills` of senders at least, and restarts of Postgres."""

    facts: int = 600
    hosts: int = 8
    senders: int = 3
    kills: int = 12
    restarts: int = 2
    seed: int = 1
    settle_seconds: float = 60.0


SHORT = Size(facts=120, hosts=4, senders=2, kills=4, restarts=1, settle_seconds=30.0)


@dataclass
class Figures:
    """The counts. `missing` facts reached nobody, `invented` notifications are of no fact, `doubled` facts
    have several; `gaps` are hosts whose numbers are not 1, 2, 3 …
    """

    facts: int
    received: int
    missing: int
    invented: int
    doubled: int
    gaps: int
    forged: int = 0
    changed: int = 0
    repeats: int = 0
    kills: int = 0
    restarts: int = 0
    gone: int = 0
    seconds: float = 0.0

    @classmethod
    def of(cls, facts: Collection[str], payloads: Collection[Payload]) -> Self:
        """`facts` are their ids; of the payloads there is one for each webhook id."""
        named = Counter(str(each["data"]["backfill_id"]) for each in payloads)
        numbers: dict[str, list[int]] = {}
        for each in payloads:
            numbers.setdefault(each["data"]["host"]["id"], []).append(each["data"]["sequence"])
        return cls(
            facts=len(facts),
            received=len(payloads),
            missing=len(set(facts) - named.keys()),
            invented=len(named.keys() - set(facts)),
            doubled=sum(count - 1 for count in named.values()),
            gaps=sum(sorted(found) != list(range(1, len(found) + 1)) for found in numbers.values()),
        )

    @property
    def has_damage(self) -> bool:
        return any((self.missing, self.invented, self.doubled, self.gaps, self.forged, self.changed))

    @property
    def is_good(self) -> bool:
        """Whether something was tried at all, and nothing was found."""
        return self.facts > 0 and self.kills > 0 and not self.has_damage
