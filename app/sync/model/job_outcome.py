"""The next state of a job."""

from dataclasses import dataclass
from datetime import datetime

from app.states import JobState, SkipReason, WaitReason
from app.sync.model.row_error import ItemError


@dataclass(frozen=True)
class JobOutcome:
    """The job's next state. `counts_as_attempt` says whether this run counts as an attempt."""

    state: JobState
    due_at: datetime
    waiting_for: WaitReason | None = None
    skipped_because: SkipReason | None = None
    error: ItemError | None = None
    counts_as_attempt: bool = False

    @property
    def is_open(self) -> bool:
        """Whether nothing was decided: the row is still to be written, or to be looked for."""
        return self.state == JobState.AMBIGUOUS or (
            self.state == JobState.PENDING and self.waiting_for in (None, WaitReason.CERTAINTY)
        )
