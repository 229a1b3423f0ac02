"""From when on something is trouble: the limits of the alert rules, which a test holds against them."""

from typing import Final

from app.states import BacklogReason

WAITS_SECONDS: Final = {
    "WorkIsStuck": (BacklogReason.READY, 300),
    "DoubtRemains": (BacklogReason.AMBIGUOUS, 1_800),
    "WaitsForReconnect": (BacklogReason.RECONNECT, 600),
    "WaitsForBudget": (BacklogReason.BUDGET, 21_600),
}
"""By alert: what keeps the work, and for how long the oldest of it may wait."""

LOST_CONNECTIONS: Final = 2
"""`ConnectionsLost`: more than these within half an hour."""
FAILED_JOBS: Final = 50
"""`JobsFail`: more than these within an hour."""
NOTIFICATION_SECONDS: Final = 3_600
"""`PlatformNotNotified`."""
CHORE_SECONDS: Final = 10_800
"""`ChoreOverdue`."""
ALIVE_SECONDS: Final = 30
"""`NoWorkers`: a worker whose heartbeat is older does not count."""

FORGOTTEN_SECONDS: Final = 3_600
"""A worker that has been silent for longer is no news: others do its work."""
STUCK_SECONDS: Final = 60
"""After its lease ended, running work of an org is taken over within seconds; this is too long."""
