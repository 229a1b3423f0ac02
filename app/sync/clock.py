"""The time that the planner reasons with."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.sync.batch import Written
from app.sync.policy import is_quiet_over, next_look


@dataclass(frozen=True)
class Clock:
    """The database's time and the quiet time after which a lost write cannot land any more."""

    now: datetime
    quiet: timedelta

    def next_look(self, slot: Written) -> datetime:
        return next_look(slot.attempt_started_at or self.now, self.quiet, self.now)

    def is_settled(self, slot: Written) -> bool:
        return is_quiet_over(slot.attempt_started_at or self.now, self.quiet, self.now)
