"""API calls as Salesforce counts them, and the last requests for a person to read."""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Calls:
    """`by_endpoint` counts what costs a call, `uncounted` what does not (OAuth, the version list)."""

    by_endpoint: Counter[str] = field(default_factory=Counter)
    uncounted: Counter[str] = field(default_factory=Counter)
    recent: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=50))

    def summary(self) -> dict[str, Any]:
        return {
            "total": self.by_endpoint.total(),
            "by_endpoint": dict(sorted(self.by_endpoint.items())),
            "uncounted": dict(sorted(self.uncounted.items())),
        }

    def reset(self) -> None:
        self.by_endpoint.clear()
        self.uncounted.clear()
        self.recent.clear()

    def dump(self) -> dict[str, Any]:
        """What the state file keeps."""
        return {"by_endpoint": dict(self.by_endpoint), "uncounted": dict(self.uncounted)}

    @classmethod
    def load(cls, body: dict[str, Any]) -> "Calls":
        return cls(Counter(body.get("by_endpoint", {})), Counter(body.get("uncounted", {})))
