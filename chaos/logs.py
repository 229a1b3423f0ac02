"""What processes write into their logs from some moment on."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

ACCESS_LOG: Final = "app.api.request_log"
"""It has a line for each request, or each second: what was answered, and no trouble of its own."""


@dataclass(frozen=True)
class Mark:
    """A place in a log: the end of it when the mark was made."""

    path: Path
    offset: int

    @classmethod
    def at_end(cls, path: Path) -> Self:
        return cls(path, path.stat().st_size if path.exists() else 0)

    def lines(self) -> list[str]:
        """What was written since."""
        with self.path.open() as log:
            log.seek(self.offset)
            return log.read().splitlines()

    def said(self) -> list[dict[str, Any]]:
        """The same as events; a line that is none, such as one of a traceback, as itself."""
        return [_event(line) for line in self.lines()]


def _about(event: dict[str, Any]) -> str:
    return str(event.get("loop") or event.get("cause") or event.get("error") or "")


def _event(line: str) -> dict[str, Any]:
    try:
        event: dict[str, Any] = json.loads(line)
    except ValueError:
        return {"event": line}
    return event


def repeated(events: Iterable[dict[str, Any]]) -> Counter[str]:
    """How often each event of each loop, or of each cause, was logged, where that is more than once.

    The access log does not count.
    """
    troubles = (event for event in events if event.get("logger") != ACCESS_LOG)
    counts = Counter(f"{event['event']} {_about(event)}".strip() for event in troubles)
    return Counter({what: count for what, count in counts.items() if count > 1})
