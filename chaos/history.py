"""What happened, line by line: each try of each webhook with its end, and each deed of the nemesis."""

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class History:
    """A JSON-lines file with seconds since its beginning; `ended` counts the ends of tries by answer."""

    path: Path
    acked: dict[str, float] = field(default_factory=dict)
    ended: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    begun: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def tell(self, kind: str, **details: Any) -> None:
        """One line: `kind` is invoke, ok, fail, info (unknown) or nemesis."""
        line = {"at": round(time.monotonic() - self.begun, 3), "kind": kind, **details}
        with self._lock, self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def end(self, webhook_id: str, answer: str, took: float) -> None:
        """A try of a webhook came to its end: an HTTP status, or the kind of error."""
        kind = "ok" if answer == "202" else "fail" if answer.isdigit() else "info"
        self.ended[answer] += 1
        self.slowest = max(self.slowest, took)
        if kind == "ok":
            self.acked.setdefault(webhook_id, time.time())
        self.tell(kind, id=webhook_id, answer=answer, took=round(took, 3))
