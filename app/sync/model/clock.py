"""The time that the planner reasons with."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.sync.model.batch import Written
from app.sync.model.retry_policy import ENDED_QUIET, is_quiet_over, next_look


@dataclass(frozen=True)
class Clock:
    """The database's time and the quiet time after which a lost write cannot land any more."""

    now: datetime
    quiet: timedelta

    def next_look(self, slot: Written) -> datetime:
        if slot.has_ended:
            return max((slot.attempt_started_at or self.now) + self._quiet_of(slot), self.now)
        return next_look(slot.attempt_started_at or self.now, self.quiet, self.now)

    def is_settled(self, slot: Written) -> bool:
        return is_quiet_over(slot.attempt_started_at or self.now, self._quiet_of(slot), self.now)

    def _quiet_of(self, slot: Written) -> timedelta:
        """A call that is over writes nothing any more; what it wrote shows at once, or soon."""
        return min(ENDED_QUIET, self.quiet) if slot.has_ended else self.quiet
