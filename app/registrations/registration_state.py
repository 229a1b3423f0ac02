"""Map job state and gates to the state shown on the dashboard. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

STATES: Final = ("synced", "pending", "failed", "skipped")
PENDING_BECAUSE: Final = (
    "queued", "running", "retry_later", "ambiguous", "connection", "api_budget", "paused", "campaign",
    "org_backoff", "salesforce_access",
)  # fmt: skip
SKIPPED_BECAUSE: Final = (
    "no_match", "excluded", "no_email", "before_connection", "nothing_wanted", "cancelled", "erased",
)  # fmt: skip

# What a row says it waits for, by the reason it is counted under; running is not waiting.
WAITING_FOR: Final[dict[str, str | None]] = {
    "queued": "queue",
    "running": None,
    "retry_later": "retry",
    "ambiguous": "certainty",
    "connection": "connection",
    "api_budget": "api_budget",
    "paused": "pause",
    "campaign": "campaign",
    "org_backoff": "org_backoff",
    "salesforce_access": "salesforce_access",
}

SETTLING: Final = ("running", "ambiguous")
"""States in which a write may be on its way, so that nothing may be said or started before it is settled."""


@dataclass(frozen=True)
class Gates:
    """Conditions of a host that stop its jobs, whatever their own state."""

    is_connected: bool = True
    is_paused: bool = False
    is_over_budget: bool = False
    is_backing_off: bool = False

    @property
    def closed_because(self) -> str | None:
        """The reason that a person should see first: the one furthest from curing itself."""
        gates = (
            ("connection", not self.is_connected),
            ("paused", self.is_paused),
            ("api_budget", self.is_over_budget),
            ("org_backoff", self.is_backing_off),
        )
        return next((reason for reason, is_closed in gates if is_closed), None)


@dataclass(frozen=True)
class StoredState:
    """What decides, as stored. `job_state` is None without a job for the connected org; `can_be_armed`: it
    could get one.
    """

    job_state: str | None
    waiting_for: str | None = None
    is_due: bool = True
    skipped_because: str | None = None
    is_erased: bool = False
    can_be_armed: bool = False


@dataclass(frozen=True)
class DisplayState:
    """One of STATES, and the reason within `pending` or `skipped`."""

    state: str
    because: str | None = None

    @property
    def waiting_for(self) -> str | None:
        return WAITING_FOR[self.because or "queued"] if self.state == "pending" else None

    @property
    def skipped_because(self) -> str | None:
        return self.because if self.state == "skipped" else None


def display_state(standing: StoredState, gates: Gates) -> DisplayState:
    """Exactly one place for every registration that counts."""
    match standing.job_state:
        case None:
            return DisplayState("skipped", "erased" if standing.is_erased else "before_connection")
        case "synced":
            return DisplayState("synced")
        case state if standing.is_erased and state not in SETTLING:
            return DisplayState("skipped", "erased")
        case "failed":
            return DisplayState("failed")
        case "skipped":
            return DisplayState("skipped", standing.skipped_because or "nothing_wanted")
        case _:
            return DisplayState("pending", pending_because(standing, gates))


def pending_because(standing: StoredState, gates: Gates) -> str:
    """Why an unfinished row has not moved. A closed gate comes before what the row itself waits for."""
    if standing.job_state == "running":
        return "running"
    if standing.job_state == "held" and standing.waiting_for == "salesforce_access":
        return "salesforce_access"
    if standing.job_state == "held" or standing.waiting_for == "campaign":
        return "campaign"
    if gates.closed_because is not None:
        return gates.closed_because
    if standing.job_state == "ambiguous" or standing.waiting_for == "certainty":
        return "ambiguous"
    if standing.waiting_for == "salesforce_access":
        return "salesforce_access"
    return "retry_later" if standing.waiting_for == "retry" and not standing.is_due else "queued"


def can_retry(standing: StoredState) -> bool:
    """Whether a Retry would make this row move earlier or at all."""
    if standing.is_erased:
        return False
    if standing.job_state is None:
        return standing.can_be_armed
    if standing.job_state == "skipped":
        return standing.skipped_because == "no_match"
    is_backing_off = standing.waiting_for == "retry" and not standing.is_due
    return standing.job_state == "failed" or (standing.job_state == "pending" and is_backing_off)


def retry_refusal(standing: StoredState, *, is_single: bool) -> str | None:
    """Why a Retry leaves this row alone; None when it takes it.

    A call for one row also takes one from before the connection, a skipped one without a match, and a synced
    one, whose member may have been removed in Salesforce. A row that still looks for a lost answer is never
    written again before it knows.
    """
    if standing.is_erased:
        return "erased"
    if standing.job_state == "ambiguous" or standing.waiting_for == "certainty":
        return "ambiguous"
    return _WHY_NOT[standing.job_state](standing, is_single)


def _pending_why_not(standing: StoredState, is_single: bool) -> str | None:
    return "already_pending" if standing.is_due and standing.waiting_for != "campaign" else None


def _skipped_why_not(standing: StoredState, is_single: bool) -> str | None:
    return None if is_single and standing.skipped_because == "no_match" else "skipped"


def _without_job_why_not(standing: StoredState, is_single: bool) -> str | None:
    return None if is_single and standing.can_be_armed else "skipped"


def _synced_why_not(standing: StoredState, is_single: bool) -> str | None:
    return None if is_single else "already_synced"


def _always(why: str | None) -> Callable[[StoredState, bool], str | None]:
    return lambda standing, is_single: why


_WHY_NOT: Final[dict[str | None, Callable[[StoredState, bool], str | None]]] = {
    None: _without_job_why_not,
    "running": _always("already_pending"),
    "pending": _pending_why_not,
    "held": _always(None),
    "failed": _always(None),
    "skipped": _skipped_why_not,
    "synced": _synced_why_not,
}
