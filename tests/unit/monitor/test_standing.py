"""Where a registration stands: a table from stored state and gates to what the dashboard says."""

import itertools

import pytest

from app.registrations.registration_state import (
    PENDING_BECAUSE,
    SKIPPED_BECAUSE,
    STATES,
    Gates,
    Place,
    Standing,
    can_retry,
    place,
    why_not_queued,
)

OPEN = Gates()
LATER = {"is_due": False}

PLACES: dict[str, tuple[Standing, Gates, Place]] = {
    "no-job": (Standing(None), OPEN, Place("skipped", "before_connection")),
    "no-job-erased": (Standing(None, is_erased=True), OPEN, Place("skipped", "erased")),
    "synced": (Standing("synced"), OPEN, Place("synced")),
    "synced-behind-a-gate": (Standing("synced"), Gates(is_connected=False), Place("synced")),
    "synced-then-erased": (Standing("synced", is_erased=True), OPEN, Place("synced")),
    "failed": (Standing("failed"), Gates(is_paused=True), Place("failed")),
    "failed-then-erased": (Standing("failed", is_erased=True), OPEN, Place("skipped", "erased")),
    "pending-then-erased": (Standing("pending", is_erased=True), OPEN, Place("skipped", "erased")),
    "ambiguous-then-erased": (Standing("ambiguous", is_erased=True), OPEN, Place("pending", "ambiguous")),
    "skipped": (Standing("skipped", skipped_because="excluded"), OPEN, Place("skipped", "excluded")),
    "skipped-without-a-reason": (Standing("skipped"), OPEN, Place("skipped", "nothing_wanted")),
    "queued": (Standing("pending"), OPEN, Place("pending", "queued")),
    "back-off": (Standing("pending", "retry", False), OPEN, Place("pending", "retry_later")),
    "back-off-over": (Standing("pending", "retry", True), OPEN, Place("pending", "queued")),
    "met-a-fence": (Standing("pending", "certainty", False), OPEN, Place("pending", "ambiguous")),
    "ambiguous": (Standing("ambiguous", "certainty"), OPEN, Place("pending", "ambiguous")),
    "held": (Standing("held", "campaign"), OPEN, Place("pending", "campaign")),
    "held-behind-a-gate": (Standing("held"), Gates(is_connected=False), Place("pending", "campaign")),
    "running": (Standing("running"), Gates(is_paused=True), Place("pending", "running")),
    "no-connection": (Standing("pending", "retry", False), Gates(False), Place("pending", "connection")),
    "ambiguous-without-connection": (Standing("ambiguous"), Gates(False), Place("pending", "connection")),
    "paused": (Standing("pending"), Gates(is_paused=True), Place("pending", "paused")),
    "budget": (Standing("pending"), Gates(is_over_budget=True), Place("pending", "api_budget")),
    "access-missing": (
        Standing("pending", "salesforce_access", is_due=False),
        Gates(),
        Place("pending", "salesforce_access"),
    ),
    "access-missing-behind-a-gate": (
        Standing("pending", "salesforce_access"),
        Gates(is_connected=False),
        Place("pending", "connection"),
    ),
    "members-lack-access": (
        Standing("held", "salesforce_access"),
        Gates(),
        Place("pending", "salesforce_access"),
    ),
    "org-backs-off": (Standing("pending"), Gates(is_backing_off=True), Place("pending", "org_backoff")),
    "pause-before-budget": (
        Standing("pending"), Gates(True, True, True, True), Place("pending", "paused"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("standing", "gates", "expected"), PLACES.values(), ids=PLACES.keys())
def test_place_of_a_standing(standing: Standing, gates: Gates, expected: Place) -> None:
    assert place(standing, gates) == expected


@pytest.mark.parametrize(
    ("placed", "waiting_for", "skipped_because"),
    [
        (Place("pending", "queued"), "queue", None),
        (Place("pending", "running"), None, None),
        (Place("pending", "retry_later"), "retry", None),
        (Place("pending", "ambiguous"), "certainty", None),
        (Place("pending", "paused"), "pause", None),
        (Place("skipped", "no_email"), None, "no_email"),
        (Place("synced"), None, None),
    ],
    ids=str,
)
def test_rows_words_for_a_place(placed: Place, waiting_for: str | None, skipped_because: str | None) -> None:
    assert (placed.waiting_for, placed.skipped_because) == (waiting_for, skipped_because)


ALL_STANDINGS = [
    Standing(*parts)
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
    reasons = {"pending": PENDING_BECAUSE, "skipped": SKIPPED_BECAUSE}
    for standing, gates in itertools.product(ALL_STANDINGS, ALL_GATES):
        placed = place(standing, gates)
        assert placed.state in STATES
        assert placed.because in reasons.get(placed.state, (None,))


def test_what_the_button_offers_the_call_takes() -> None:
    for standing in ALL_STANDINGS:
        if can_retry(standing) and standing.waiting_for != "certainty":
            assert why_not_queued(standing, is_single=True) is None


def test_nothing_that_may_be_on_its_way_is_queued() -> None:
    for standing, is_single in itertools.product(ALL_STANDINGS, (True, False)):
        if standing.job_state in (None, "running", "ambiguous") or standing.is_erased:
            assert why_not_queued(standing, is_single=is_single) is not None


@pytest.mark.parametrize(
    ("standing", "offered"),
    [
        (Standing("failed"), True),
        (Standing("failed", is_erased=True), False),
        (Standing("pending", "retry", False), True),
        (Standing("pending"), False),
        (Standing("held", "campaign"), False),
        (Standing("ambiguous", "certainty"), False),
        (Standing("skipped", skipped_because="no_match"), True),
        (Standing("skipped", skipped_because="excluded"), False),
        (Standing("synced"), False),
        (Standing(None), False),
        (Standing(None, can_be_armed=True), True),
        (Standing(None, is_erased=True, can_be_armed=True), False),
    ],
    ids=str,
)
def test_retry_is_offered_where_it_helps(standing: Standing, offered: bool) -> None:
    assert can_retry(standing) is offered


@pytest.mark.parametrize(
    ("standing", "why"),
    [
        (Standing("skipped", skipped_because="no_match"), "skipped"),
        (Standing("synced"), "already_synced"),
        (Standing("pending"), "already_pending"),
        (Standing("pending", "campaign"), None),
        (Standing("failed"), None),
        (Standing(None, can_be_armed=True), "skipped"),
    ],
    ids=str,
)
def test_retry_of_many_takes_less_than_that_of_one(standing: Standing, why: str | None) -> None:
    assert why_not_queued(standing, is_single=False) == why
