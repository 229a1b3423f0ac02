"""What one poll of a host's streams sends, decided without a database."""

import pytest

from app.api.auth import Role
from app.live.changes import Changed, ChangeMarkers, ChangeSet, SentRows, SnapshotPlan, detect, snapshots_for
from app.live.subscriber import Subscriber

BEFORE = ChangeMarkers(
    {
        ("rows", ""): "7",
        ("card", ""): "|80|connected|1",
        ("link", "evt_a"): "linked|1|701",
        ("backfill", "evt_a"): "1|running|5",
        ("pause", "evt_b"): "2026-11-24",
    }
)
HOST = Subscriber(Role.OWNER)
EVENT_A = Subscriber(Role.OWNER, "evt_a")
EVENT_B = Subscriber(Role.MEMBER, "evt_b")
NOTHING: frozenset[str] = frozenset()
A = frozenset({"evt_a"})
B = frozenset({"evt_b"})


def row(event_id: str, number: int = 8, registration_id: str = "r1") -> Changed:
    return Changed(event_id, registration_id, number)


@pytest.mark.parametrize(
    ("changed", "rows", "expected"),
    [
        pytest.param({}, [], ChangeSet(NOTHING, NOTHING, NOTHING, is_card_new=False), id="nothing"),
        pytest.param({}, [row("evt_a")], ChangeSet(A, NOTHING, A, is_card_new=False), id="row"),
        pytest.param(
            {("link", "evt_b"): "linked|1|702"}, [],
            ChangeSet(NOTHING, B, B, is_card_new=False), id="link-came",
        ),
        pytest.param(
            {("link", "evt_a"): None}, [], ChangeSet(NOTHING, A, A, is_card_new=False), id="link-went"
        ),
        pytest.param(
            {("backfill", "evt_a"): "1|running|6"}, [],
            ChangeSet(NOTHING, NOTHING, A, is_card_new=False), id="backfill-moved",
        ),
        pytest.param(
            {("pause", "evt_b"): None}, [row("evt_a")],
            ChangeSet(A, NOTHING, A | B, is_card_new=False), id="event-resumed-and-row",
        ),
        pytest.param(
            {("card", ""): "|80|disconnected|2"}, [],
            ChangeSet(NOTHING, NOTHING, NOTHING, is_card_new=True), id="card",
        ),
    ],
)  # fmt: skip
def test_what_changed_between_two_polls(
    changed: dict[tuple[str, str], str | None], rows: list[Changed], expected: ChangeSet
) -> None:
    after = {key: mark for key, mark in ({**BEFORE, **changed}).items() if mark is not None}
    assert detect(BEFORE, ChangeMarkers(after), rows) == expected


MOVED = ChangeSet(rows=A, linked=B, moved=A | B, is_card_new=False)


@pytest.mark.parametrize(
    ("changes", "subscribers", "aged", "expected"),
    [
        pytest.param(MOVED, [], NOTHING, SnapshotPlan((), (), NOTHING), id="nobody-listens"),
        pytest.param(MOVED, [HOST], NOTHING, SnapshotPlan((), (), A | B), id="host-gets-stats-alone"),
        pytest.param(MOVED, [EVENT_A], NOTHING, SnapshotPlan(("evt_a",), (), A), id="event-gets-its-rows"),
        pytest.param(MOVED, [EVENT_B], NOTHING, SnapshotPlan((), ("evt_b",), B), id="event-gets-its-link"),
        pytest.param(
            MOVED, [EVENT_A, HOST], NOTHING, SnapshotPlan(("evt_a",), (), A | B), id="event-and-host"
        ),
        pytest.param(
            ChangeSet(NOTHING, NOTHING, NOTHING, is_card_new=True), [EVENT_B, HOST], NOTHING,
            SnapshotPlan((), (), B), id="new-card-renews-watched-stats",
        ),
        pytest.param(
            ChangeSet(NOTHING, NOTHING, NOTHING, is_card_new=False), [EVENT_A], A | B,
            SnapshotPlan((), (), A), id="time-renews-stats-that-age-and-are-watched",
        ),
        pytest.param(
            ChangeSet(NOTHING, NOTHING, NOTHING, is_card_new=False), [EVENT_A], B,
            SnapshotPlan((), (), NOTHING), id="time-renews-no-others",
        ),
    ],
)  # fmt: skip
def test_snapshots_that_the_subscribers_need(
    changes: ChangeSet, subscribers: list[Subscriber], aged: frozenset[str], expected: SnapshotPlan
) -> None:
    assert snapshots_for(changes, subscribers, aged=aged) == expected


def test_rows_are_read_again_for_ten_seconds_and_sent_once() -> None:
    sent = SentRows()
    sent.start(5, now=100.0, floor=5, sent=())
    first, late = row("evt_a", 8, "r1"), row("evt_a", 7, "r2")
    sent.remember([first], safe=5, is_crowded=False, now=101.0)
    assert (sent.position, sent.safe_position(110.9)) == (8, 5)
    assert sent.unsent([late, first]) == [late]
    assert sent.safe_position(111.0) == 8


def test_what_was_remembered_can_be_taken_back() -> None:
    sent = SentRows()
    sent.start(5, now=100.0, floor=5, sent=())
    before = sent.copy()
    sent.remember([row("evt_a", 8)], safe=5, is_crowded=True, now=101.0)
    assert (before.position, before.safe_position(200.0)) == (5, 5)
    assert before.unsent([row("evt_a", 8)]) == [row("evt_a", 8)]


def test_a_row_that_changed_again_is_sent_again() -> None:
    sent = SentRows()
    sent.start(5, now=100.0, floor=5, sent=())
    sent.remember([row("evt_a", 8)], safe=5, is_crowded=False, now=101.0)
    assert sent.unsent([row("evt_a", 9)]) == [row("evt_a", 9)]


def test_a_crowd_of_rows_gives_up_the_overlap() -> None:
    sent = SentRows()
    sent.start(5, now=100.0, floor=5, sent=())
    sent.remember([row("evt_a", 8)], safe=5, is_crowded=True, now=101.0)
    assert sent.safe_position(101.0) == 8
