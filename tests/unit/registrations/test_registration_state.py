"""The state of a registration: a table from stored state and gates to the dashboard's state."""

import itertools

import pytest

from app.registrations.registration_state import (
    DisplayState,
    Gates,
    StoredState,
    can_retry,
    display_state,
    retry_refusal,
)
from app.states import PendingReason, SkipReason, SyncState

OPEN = Gates()
LATER = {"is_due": False}

PLACES: dict[str, tuple[StoredState, Gates, DisplayState]] = {
    "no-job": (StoredState(None), OPEN, DisplayState(SyncState.SKIPPED, "before_connection")),
    "no-job-erased": (StoredState(None, is_erased=True), OPEN, DisplayState(SyncState.SKIPPED, "erased")),
    "synced": (StoredState("synced"), OPEN, DisplayState(SyncState.SYNCED)),
    "synced-behind-a-gate": (
        StoredState("synced"),
        Gates(is_connected=False),
        DisplayState(SyncState.SYNCED),
    ),
    "synced-then-erased": (StoredState("synced", is_erased=True), OPEN, DisplayState(SyncState.SYNCED)),
    "failed": (StoredState("failed"), Gates(is_paused=True), DisplayState(SyncState.FAILED)),
    "failed-then-erased": (
        StoredState("failed", is_erased=True),
        OPEN,
        DisplayState(SyncState.SKIPPED, "erased"),
    ),
    "pending-then-erased": (
        StoredState("pending", is_erased=True),
        OPEN,
        DisplayState(SyncState.SKIPPED, "erased"),
    ),
    "ambiguous-then-erased": (
        StoredState("ambiguous", is_erased=True),
        OPEN,
        DisplayState(SyncState.PENDING, "ambiguous"),
    ),
    "skipped": (
        StoredState("skipped", skipped_because="excluded"),
        OPEN,
        DisplayState(SyncState.SKIPPED, "excluded"),
    ),
    "skipped-without-a-reason": (
        StoredState("skipped"),
        OPEN,
        DisplayState(SyncState.SKIPPED, "nothing_wanted"),
    ),
    "queued": (StoredState("pending"), OPEN, DisplayState(SyncState.PENDING, "queued")),
    "back-off": (
        StoredState("pending", "retry", False),
        OPEN,
        DisplayState(SyncState.PENDING, "retry_later"),
    ),
    "back-off-over": (StoredState("pending", "retry", True), OPEN, DisplayState(SyncState.PENDING, "queued")),
    "met-a-fence": (
        StoredState("pending", "certainty", False),
        OPEN,
        DisplayState(SyncState.PENDING, "ambiguous"),
    ),
    "ambiguous": (StoredState("ambiguous", "certainty"), OPEN, DisplayState(SyncState.PENDING, "ambiguous")),
    "held": (StoredState("held", "campaign"), OPEN, DisplayState(SyncState.PENDING, "campaign")),
    "held-behind-a-gate": (
        StoredState("held"),
        Gates(is_connected=False),
        DisplayState(SyncState.PENDING, "campaign"),
    ),
    "running": (StoredState("running"), Gates(is_paused=True), DisplayState(SyncState.PENDING, "running")),
    "no-connection": (
        StoredState("pending", "retry", False),
        Gates(False),
        DisplayState(SyncState.PENDING, "connection"),
    ),
    "ambiguous-without-connection": (
        StoredState("ambiguous"),
        Gates(False),
        DisplayState(SyncState.PENDING, "connection"),
    ),
    "paused": (StoredState("pending"), Gates(is_paused=True), DisplayState(SyncState.PENDING, "paused")),
    "budget": (
        StoredState("pending"),
        Gates(is_over_budget=True),
        DisplayState(SyncState.PENDING, "api_budget"),
    ),
    "access-missing": (
        StoredState("pending", "salesforce_access", is_due=False),
        Gates(),
        DisplayState(SyncState.PENDING, "salesforce_access"),
    ),
    "access-missing-behind-a-gate": (
        StoredState("pending", "salesforce_access"),
        Gates(is_connected=False),
        DisplayState(SyncState.PENDING, "connection"),
    ),
    "members-lack-access": (
        StoredState("held", "salesforce_access"),
        Gates(),
        DisplayState(SyncState.PENDING, "salesforce_access"),
    ),
    "org-backs-off": (
        StoredState("pending"),
        Gates(is_backing_off=True),
        DisplayState(SyncState.PENDING, "org_backoff"),
    ),
    "pause-before-budget": (
        StoredState("pending"),
        Gates(True, True, True, True),
        DisplayState(SyncState.PENDING, "paused"),
    ),
}


@pytest.mark.parametrize(("standing", "gates", "expected"), PLACES.values(), ids=PLACES.keys())
def test_place_of_a_standing(standing: StoredState, gates: Gates, expected: DisplayState) -> None:
    assert display_state(standing, gates) == expected


@pytest.mark.parametrize(
    ("placed", "waiting_for", "skipped_because"),
    [
        (DisplayState(SyncState.PENDING, "queued"), "queue", None),
        (DisplayState(SyncState.PENDING, "running"), None, None),
        (DisplayState(SyncState.PENDING, "retry_later"), "retry", None),
        (DisplayState(SyncState.PENDING, "ambiguous"), "certainty", None),
        (DisplayState(SyncState.PENDING, "paused"), "pause", None),
        (DisplayState(SyncState.SKIPPED, "no_email"), None, "no_email"),
        (DisplayState(SyncState.SYNCED), None, None),
    ],
    ids=str,
)
def test_rows_words_for_a_place(
    placed: DisplayState, waiting_for: str | None, skipped_because: str | None
) -> None:
    assert (placed.waiting_for, placed.skipped_because) == (waiting_for, skipped_because)


ALL_STANDINGS = [
    StoredState(*parts)
    for parts in itertools.product(
        (None, "pending", "running", "synced", "failed", "held", "ambiguous", "skipped"),
        (None, "retry", "certainty", "campaign"),
        (True, False),
        (None, "no_match", "excluded"),
        (True, False),
    )
]
ALL_GATES = [Gates(*bits) for bits in itertools.product((True, False), repeat=4)]


def test_every_standing_has_one_known_place_whatever_the_gates() -> None:
    reasons = {SyncState.PENDING: tuple(PendingReason), SyncState.SKIPPED: tuple(SkipReason)}
    for standing, gates in itertools.product(ALL_STANDINGS, ALL_GATES):
        placed = display_state(standing, gates)
        assert placed.state in tuple(SyncState)
        assert placed.because in reasons.get(placed.state, (None,))


def test_what_the_button_offers_the_call_takes() -> None:
    for standing in ALL_STANDINGS:
        if can_retry(standing) and standing.waiting_for != "certainty":
            assert retry_refusal(standing, is_single=True) is None


def test_nothing_that_may_be_on_its_way_is_queued() -> None:
    for standing, is_single in itertools.product(ALL_STANDINGS, (True, False)):
        if standing.job_state in (None, "running", "ambiguous") or standing.is_erased:
            assert retry_refusal(standing, is_single=is_single) is not None


@pytest.mark.parametrize(
    ("standing", "offered"),
    [
        (StoredState("failed"), True),
        (StoredState("failed", is_erased=True), False),
        (StoredState("pending", "retry", False), True),
        (StoredState("pending"), False),
        (StoredState("held", "campaign"), False),
        (StoredState("ambiguous", "certainty"), False),
        (StoredState("skipped", skipped_because="no_match"), True),
        (StoredState("skipped", skipped_because="excluded"), False),
        (StoredState("synced"), False),
        (StoredState(None), False),
        (StoredState(None, can_be_enqueued=True), True),
        (StoredState(None, is_erased=True, can_be_enqueued=True), False),
    ],
    ids=str,
)
def test_retry_is_offered_where_it_helps(standing: StoredState, offered: bool) -> None:
    assert can_retry(standing) is offered


@pytest.mark.parametrize(
    ("standing", "why"),
    [
        (StoredState("skipped", skipped_because="no_match"), "skipped"),
        (StoredState("synced"), "already_synced"),
        (StoredState("pending"), "already_pending"),
        (StoredState("pending", "campaign"), None),
        (StoredState("failed"), None),
        (StoredState(None, can_be_enqueued=True), "skipped"),
    ],
    ids=str,
)
def test_retry_of_many_takes_less_than_that_of_one(standing: StoredState, why: str | None) -> None:
    assert retry_refusal(standing, is_single=False) == why
