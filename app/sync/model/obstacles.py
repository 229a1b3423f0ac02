"""What an item may wait for."""

from enum import Enum, auto
from typing import Final


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
