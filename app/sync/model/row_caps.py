"""Row caps: how many rows an org takes in one look-up or in one writing call, as observed.

Triggers and flows of an org share their limits among the rows of one call, and queries have a time limit:
only trying shows how many rows pass.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

LOOK_UP: Final = "look_up"
"""The kind of a cap for look-ups; all others are objects that are written."""

CLEAN_CALLS: Final = 10
NO_CAP: Final = 1000


@dataclass(frozen=True)
class Cap:
    """So many rows at most; `clean` calls in a row have passed with it."""

    rows: int
    clean: int = 0


@dataclass
class Caps:
    """The caps of one org by kind; a kind without a cap takes as many rows as a call may hold.

    `has_met_locks`: a record was locked by somebody, so that one call is out at a time until this drain ends.
    """

    known: dict[str, Cap] = field(default_factory=dict)
    is_changed: bool = False
    has_met_locks: bool = False

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Caps":
        return cls({kind: Cap(**cap) for kind, cap in stored.items()})

    def as_json(self) -> dict[str, dict[str, int]]:
        return {kind: {"rows": cap.rows, "clean": cap.clean} for kind, cap in self.known.items()}

    def rows_of(self, kind: str, most: int) -> int:
        known = self.known.get(kind)
        return min(most, known.rows) if known else most

    def halve(self, kind: str, tried: int) -> None:
        """So many were too many."""
        self.known[kind] = Cap(self.rows_of(kind, max(1, tried // 2)))
        self.is_changed = True

    def note_clean(self, kind: str, tried: int) -> None:
        """A call with as many rows as the cap allows has passed: after ten in a row it doubles."""
        known = self.known.get(kind)
        if known is None or tried < known.rows:
            return
        self.is_changed = True
        if known.clean + 1 < CLEAN_CALLS:
            self.known[kind] = Cap(known.rows, known.clean + 1)
        elif known.rows * 2 < NO_CAP:
            self.known[kind] = Cap(known.rows * 2)
        else:
            del self.known[kind]
