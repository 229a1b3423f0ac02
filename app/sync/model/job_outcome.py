"""The next state of a job."""

from dataclasses import dataclass
from datetime import datetime

from app.sync.model.row_error import RowError


@dataclass(frozen=True)
class JobOutcome:
    """The job's next state. `burns` says whether this run counts as an attempt."""

    state: str
    due_at: datetime
    waiting_for: str | None = None
    skipped_because: str | None = None
    error: RowError | None = None
    burns: bool = False

    @property
    def is_open(self) -> bool:
        """Whether nothing was decided: the row is still to be written, or to be looked for."""
        return self.state == "ambiguous" or (
            self.state == "pending" and self.waiting_for in (None, "certainty")
        )
