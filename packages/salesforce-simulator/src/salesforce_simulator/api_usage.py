"""API calls as Salesforce counts them, and the last requests for a person to read."""

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from salesforce_simulator.clock import format_datetime


@dataclass(slots=True)
class SeenRequest:
    """A request that was answered; printed only for whoever asks."""

    at: datetime
    method: str
    host: str
    path: str
    status: int
    body: bytes

    def shown(self) -> dict[str, Any]:
        return {
            "at": format_datetime(self.at),
            "method": self.method,
            "host": self.host,
            "path": self.path,
            "status": self.status,
            "body": self.body.decode("utf-8", "replace"),
        }


@dataclass
class ApiUsage:
    """`by_endpoint` counts what costs a call, `uncounted` what does not (OAuth, the version list).

    `by_app` counts the same by client id, `in_flight` those that are being answered now.
    """

    by_endpoint: Counter[str] = field(default_factory=Counter)
    uncounted: Counter[str] = field(default_factory=Counter)
    by_app: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    recent: deque[SeenRequest] = field(default_factory=lambda: deque(maxlen=50))

    def summary(self) -> dict[str, Any]:
        return {
            "total": self.by_endpoint.total(),
            "by_endpoint": dict(sorted(self.by_endpoint.items())),
            "uncounted": dict(sorted(self.uncounted.items())),
        }

    def reset(self) -> None:
        self.by_endpoint.clear()
        self.uncounted.clear()
        self.by_app.clear()
        self.recent.clear()

    def dump(self) -> dict[str, Any]:
        """What the state file keeps."""
        counted = {"by_endpoint": self.by_endpoint, "uncounted": self.uncounted, "by_app": self.by_app}
        return {name: dict(counter) for name, counter in counted.items()}

    @classmethod
    def load(cls, body: dict[str, Any]) -> "ApiUsage":
        by_endpoint, uncounted, by_app = (
            Counter(body.get(name, {})) for name in ("by_endpoint", "uncounted", "by_app")
        )
        return cls(by_endpoint, uncounted, by_app)
