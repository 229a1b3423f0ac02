"""The time that the planner reasons with."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.sync.model.batch import WrittenSlot
from app.sync.model.retry_policy import FINISHED_CALL_WINDOW, next_recheck


@dataclass(frozen=True)
class Clock:
    """The database's time and the quiet time after which a lost write cannot land any more."""

    now: datetime
    quiet: timedelta

    def next_recheck(self, slot: WrittenSlot) -> datetime:
        if slot.has_ended:
            return max((slot.attempt_started_at or self.now) + self._quiet_of(slot), self.now)
        return next_recheck(slot.attempt_started_at or self.now, self.quiet, self.now)

    def is_settled(self, slot: WrittenSlot) -> bool:
        return self.now >= (slot.attempt_started_at or self.now) + self._quiet_of(slot)

    def _quiet_of(self, slot: WrittenSlot) -> timedelta:
        """Return how long a write may still be applied; what a finished call wrote shows soon."""
        return min(FINISHED_CALL_WINDOW, self.quiet) if slot.has_ended else self.quiet
