"""The next state of a job, and what an item waits for."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Final

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
    def is_unfinished(self) -> bool:
        """Whether nothing was decided: the row is still to be written, or to be looked for."""
        return self.state == JobState.AMBIGUOUS or (
            self.state == JobState.PENDING and self.waiting_for in (None, WaitReason.CERTAINTY)
        )
