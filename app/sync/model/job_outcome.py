"""The next state of a job, and what an item waits for."""

from datetime import datetime
from enum import Enum, auto
from typing import Final

from app.salesforce.value_class import value_class
from app.states import JobState, SkipReason, WaitReason
from app.sync.model.item_errors import ItemError


class Obstacle(Enum):
    """What an item waits for that no retry of its own can change."""

    CAMPAIGN = auto()
    """The campaign is gone, hidden, or lost a chosen status: its link has to be mended."""

    CAMPAIGN_ACCESS = auto()
    """The connected user may not work with campaigns."""

    ACCESS = auto()
    """The connected user may not look for people, or create them."""

    LEAD_ACCESS = auto()
    """The connected user lost access to the Lead that we created."""

    CREATE_LOCK = auto()
    """Another registration creates the same person or Account."""


NO_ACCESS: Final = frozenset({Obstacle.ACCESS, Obstacle.LEAD_ACCESS})
"""The obstacles of an item about which nothing can be decided."""


SETTLED: Final = (JobState.SYNCED, JobState.FAILED, JobState.HELD, JobState.SKIPPED)
"""What a job is once all is done, or a person has to act."""


@value_class(frozen=True)
class JobOutcome:
    """The job's next state. `counts_as_attempt` says whether this run counts as an attempt.

    `settled_state`: what it has become while only optional parts are left. `is_unreached`: this run found out
    nothing, so that what was settled before still is.
    """

    state: JobState
    due_at: datetime
    waiting_for: WaitReason | None = None
    skipped_because: SkipReason | None = None
    error: ItemError | None = None
    counts_as_attempt: bool = False
    settled_state: JobState | None = None
    is_unreached: bool = False

    @property
    def settled_as(self) -> JobState | None:
        """What the job has become apart from optional parts; None where that is not known yet."""
        return self.settled_state or (self.state if self.state in SETTLED else None)

    @property
    def is_unfinished(self) -> bool:
        """Whether nothing was decided: the row is still to be written, or to be looked for."""
        return self.state == JobState.AMBIGUOUS or (
            self.state == JobState.PENDING and self.waiting_for in (None, WaitReason.CERTAINTY)
        )
