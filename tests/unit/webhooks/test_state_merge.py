"""Merging deliveries into state: rule by rule, whatever their order and repetition."""

import functools
import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.webhooks.row_mapping import has_relevant_change, merge_into_event_row, merge_into_registration_row
from app.webhooks.state_merge import CHECK_INS_MAX, EMAILS_MAX, merge_registrations
from tests.deliveries import delivery, event, registration, webhook

Row = dict[str, Any]

START = datetime(2026, 11, 10, 12, tzinfo=UTC)


def at(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def delivered(type_: str, minutes: int, *, omit: Sequence[str] = (), **changes: Any) -> dict[str, Any]:
    """A `registration.*` payload of that minute; times may be given as minutes."""
    times = {name: at(value).isoformat() for name, value in changes.items() if name.endswith("_at") and value}
    snapshot = registration(registered_at=at(0).isoformat()) | {"version": minutes} | changes | times
    blocks: dict[str, Any] = {}
    if type_ == "replay.watched":
        blocks["replay"] = {"watched_at": at(minutes).isoformat(), "seconds": minutes}
    if type_ == "registration.rescheduled":
        before = snapshot.pop("previous", None)
        blocks["previous"] = {"starts_at": before and at(before).isoformat(), "ends_at": None}
    if email := snapshot.pop("email", None):
        blocks["email"] = email
    if reason := snapshot.pop("reason", None):
        blocks["reason"] = reason
    snapshot = {name: value for name, value in snapshot.items() if name not in omit}
    return webhook(type_, at(minutes).isoformat(), registration=snapshot, **blocks)


def confirmed(minutes: int = 1, **changes: Any) -> dict[str, Any]:
    return delivered("registration.confirmed", minutes, **changes)


def updated(minutes: int, **changes: Any) -> dict[str, Any]:
    return delivered("registration.updated", minutes, **changes)


def cancelled(minutes: int, **changes: Any) -> dict[str, Any]:
    return delivered(
        "registration.cancelled", minutes, status="cancelled", **({"cancelled_at": minutes} | changes)
    )


def checked_in(minutes: int, **changes: Any) -> dict[str, Any]:
    return delivered("registration.checked_in", minutes, **({"checked_in_at": minutes} | changes))


def reverted(minutes: int, **changes: Any) -> dict[str, Any]:
    return delivered("registration.check_in_reverted", minutes, **changes, checked_in_at=None)


def no_show(minutes: int, **changes: Any) -> dict[str, Any]:
    return delivered("registration.no_show", minutes, **changes)


def completed(minutes: int, **changes: Any) -> dict[str, Any]:
    return delivered("registration.completed", minutes, **changes)


def rescheduled(minutes: int, **changes: Any) -> dict[str, Any]:
    return delivered("registration.rescheduled", minutes, **changes)


def emailed(fact: str, minutes: int, id_: str = "em_1", **of_email: Any) -> dict[str, Any]:
    email = {"id": id_, "at": at(minutes).isoformat()} | of_email
    return delivered(f"email.{fact}", minutes, email=email)


def sent(minutes: int, id_: str = "em_1", subject: str = "See you", **of_email: Any) -> dict[str, Any]:
    return emailed("sent", minutes, id_, subject=subject, **of_email)


def row_of(*payloads: dict[str, Any]) -> Row:
    """The registration's row after these deliveries, one by one, each time read back from the row."""
    row: Row | None = None
    for payload in payloads:
        snapshot = delivery(payload).registration
        assert snapshot is not None
        row = {**(row or {}), "erased_at": None, **(merge_into_registration_row(row, snapshot) or {})}
    assert row is not None
    return row


def in_any_order(*payloads: dict[str, Any]) -> Row:
    """The row, after asserting that the order of the deliveries does not matter."""
    rows = [row_of(*order) for order in itertools.permutations(payloads)]
    assert all(row == rows[0] for row in rows)
    return rows[0]


def event_of(*payloads: dict[str, Any]) -> Row:
    row: Row | None = None
    for payload in payloads:
        snapshot = delivery(payload).event
        assert snapshot is not None
        row = {**(row or {}), **(merge_into_event_row(row, snapshot) or {})}
    assert row is not None
    return row


def test_confirmed_at_is_when_it_was_registered() -> None:
    assert row_of(confirmed(5, registered_at=3))["confirmed_at"] == at(3)


def test_newer_version_wins_over_newer_time() -> None:
    row = in_any_order(
        updated(9, version=1, attendee={"email": "old@otter.example"}),
        updated(3, version=2, attendee={"email": "new@otter.example"}),
    )
    assert (row["email_key"], row["version"], row["snapshot_at"]) == ("new@otter.example", 2, at(3))


def test_newer_time_wins_where_a_version_is_missing() -> None:
    row = in_any_order(
        updated(9, version=None, attendee={"email": "new@otter.example"}),
        updated(3, version=2, attendee={"email": "old@otter.example"}),
    )
    assert row["email_key"] == "new@otter.example"


def test_stored_one_stays_on_a_tie() -> None:
    row = row_of(updated(3, version=1, salesforce_id="first"), updated(9, version=1, salesforce_id="second"))
    assert row["salesforce_id"] == "first"


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        pytest.param({"email": None}, "Otter GmbH", id="absent-leaves"),
        pytest.param({"email": None, "company": None}, None, id="null-clears"),
        pytest.param({"email": None, "company": "Badger AG"}, "Badger AG", id="value-sets"),
    ],
)
def test_absent_null_and_value_are_three_things(later: dict[str, Any], expected: str | None) -> None:
    row = in_any_order(updated(1), updated(2, attendee=later))
    assert row["attendee"]["company"] == expected
    assert row["email_key"] is None


def test_field_belongs_to_the_delivery_that_sent_it_last() -> None:
    row = in_any_order(
        updated(1, ticket={"name": "Early"}),
        updated(2, ticket={"name": "Standard"}),
        updated(3, omit=["ticket"]),
    )
    assert (row["ticket"], row["version"]) == ({"name": "Standard"}, 3)


def test_cleared_answers_are_an_empty_list() -> None:
    assert in_any_order(updated(1), updated(2, answers=None))["answers"] == []


def test_registered_at_defaults_to_the_first_delivery() -> None:
    row = in_any_order(confirmed(7, omit=["registered_at"]), updated(9, omit=["registered_at"]))
    assert (row["registered_at"], row["confirmed_at"]) == (at(7), at(7))


def test_check_in_before_its_registration_leaves_the_date_to_the_late_one() -> None:
    early = checked_in(20, status="pending", omit=["registered_at"])
    row = row_of(early)
    assert (row["status"], row["confirmed_at"], row["checked_in_at"]) == ("confirmed", None, at(20))
    row = in_any_order(early, confirmed(1, registered_at=1))
    assert (row["status"], row["confirmed_at"], row["checked_in_at"]) == ("confirmed", at(1), at(20))


def test_late_registration_never_undoes_a_check_in() -> None:
    row = in_any_order(checked_in(20), confirmed(30, version=1))
    assert row["checked_in_at"] == at(20)


def test_first_of_two_check_ins_counts() -> None:
    assert in_any_order(confirmed(), checked_in(20), checked_in(25))["checked_in_at"] == at(20)


def test_other_types_neither_set_nor_clear_a_check_in() -> None:
    row = in_any_order(checked_in(20), updated(25, checked_in_at=None), updated(26, checked_in_at=22))
    assert row["checked_in_at"] == at(20)
    assert in_any_order(confirmed(), updated(25, checked_in_at=22))["checked_in_at"] is None


def test_undone_check_in_counts_no_more() -> None:
    row = in_any_order(confirmed(), checked_in(20), reverted(25))
    assert (row["checked_in_at"], row["check_in_reverted_at"]) == (None, at(25))


def test_check_in_after_an_undone_one_counts() -> None:
    assert in_any_order(checked_in(20), reverted(25), checked_in(30), checked_in(40))["checked_in_at"] == at(
        30
    )


def test_undone_check_in_of_somebody_in_the_queue_is_no_confirmation() -> None:
    row = in_any_order(
        checked_in(20, status="waitlisted"),
        delivered("registration.check_in_reverted", 25, status="waitlisted", checked_in_at=None),
    )
    assert row["status"] == "waitlisted"


def test_late_undoing_of_a_check_in_shows_the_queue_again() -> None:
    row = in_any_order(
        checked_in(25, status="waitlisted", checked_in_at=20),
        delivered("registration.check_in_reverted", 22, status="waitlisted", checked_in_at=None, version=1),
    )
    assert (row["status"], row["checked_in_at"]) == ("waitlisted", None)


def test_cancellation_is_kept_with_its_time_and_reason() -> None:
    payload = cancelled(9)
    payload["data"]["reason"] = "Ill"
    row = in_any_order(confirmed(), payload)
    assert (row["status"], row["cancelled_at"], row["cancel_reason"]) == ("cancelled", at(9), "Ill")


def test_check_in_survives_a_cancellation() -> None:
    row = in_any_order(confirmed(), checked_in(20), cancelled(25))
    assert (row["status"], row["checked_in_at"]) == ("cancelled", at(20))


def test_registering_again_undoes_the_cancellation() -> None:
    row = in_any_order(confirmed(1), cancelled(5), confirmed(9))
    assert (row["status"], row["cancelled_at"]) == ("confirmed", None)


def test_older_delivery_adds_a_cancellation_that_is_newer_than_the_snapshot() -> None:
    row = in_any_order(updated(5, version=3), cancelled(9, version=2))
    assert (row["status"], row["cancelled_at"]) == ("cancelled", at(9))


@pytest.mark.parametrize("status", ["cancelled", "declined", "pending", "waitlisted"])
def test_change_away_from_confirmed_counts_as_cancelled(status: str) -> None:
    row = in_any_order(confirmed(1), updated(5, status=status))
    assert row["status"] == ("declined" if status == "declined" else "cancelled")
    assert row["cancelled_at"] == at(5)


def test_change_to_confirmed_counts_as_confirmed() -> None:
    assert row_of(updated(1, status="waitlisted"))["confirmed_at"] is None
    row = in_any_order(updated(1, status="waitlisted"), updated(5))
    assert (row["status"], row["confirmed_at"]) == ("confirmed", at(0))


def test_last_no_show_completion_and_replay_count() -> None:
    row = in_any_order(no_show(9), no_show(4), completed(8), completed(6), replayed(7))
    assert (row["no_show_at"], row["completed_at"]) == (at(9), at(8))
    row = in_any_order(no_show(9), replayed(3), replayed(7))
    assert (row["replay"]["seconds"], row["confirmed_at"]) == (7, at(0))


def test_last_check_in_is_kept_beside_the_first() -> None:
    row = in_any_order(checked_in(20), no_show(30), checked_in(40))
    assert (row["checked_in_at"], row["no_show_at"], row["last_checked_in_at"]) == (at(20), at(30), at(40))
    row = in_any_order(checked_in(20), checked_in(40), reverted(45))
    assert (row["checked_in_at"], row["last_checked_in_at"]) == (None, None)


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        pytest.param({"omit": ["starts_at", "ends_at"]}, (90, 120), id="absent-leaves"),
        pytest.param({"starts_at": None, "ends_at": None}, (None, None), id="null-clears"),
        pytest.param({"starts_at": 150, "ends_at": None}, (150, None), id="value-sets"),
    ],
)
def test_slot_of_a_registration_is_absent_null_or_a_value(
    later: dict[str, Any], expected: tuple[int | None, int | None]
) -> None:
    row = in_any_order(confirmed(1, starts_at=90, ends_at=120), updated(2, **later))
    assert (row["starts_at"], row["ends_at"]) == tuple(each and at(each) for each in expected)


def test_slot_that_nobody_sent_is_that_of_the_event() -> None:
    row = row_of(confirmed(1))
    assert (row["starts_at"], row["ends_at"], row["rescheduled_at"]) == (None, None, None)


def test_latest_move_counts_with_its_reason_and_the_times_before() -> None:
    row = in_any_order(
        confirmed(1, starts_at=90),
        rescheduled(5, starts_at=95, previous=90, reason="Clash"),
        rescheduled(9, starts_at=99, previous=95, reason="Train is late"),
    )
    assert (row["starts_at"], row["rescheduled_at"], row["reschedule_reason"]) == (
        at(99),
        at(9),
        "Train is late",
    )
    before = row["rescheduled_from"]
    assert (datetime.fromisoformat(before["starts_at"]), before["ends_at"]) == (at(95), None)


def test_move_is_judged_by_its_time_and_its_slot_by_the_version() -> None:
    row = in_any_order(
        updated(9, version=3, starts_at=99), rescheduled(5, version=2, starts_at=95, reason="Clash")
    )
    assert (row["starts_at"], row["rescheduled_at"]) == (at(99), at(5))


def test_cancellation_and_move_keep_a_reason_each() -> None:
    row = in_any_order(rescheduled(5, reason="Clash"), cancelled(9, reason="Ill"), rescheduled(3))
    assert (row["cancel_reason"], row["reschedule_reason"]) == ("Ill", "Clash")


def test_version_alone_is_no_news() -> None:
    before = row_of(confirmed(1))
    assert not has_relevant_change(before, row_of(confirmed(1), updated(2)))
    assert has_relevant_change(before, row_of(confirmed(1), updated(2, salesforce_id="00Q")))
    assert has_relevant_change(None, before)


def test_emails_are_kept_by_id_whatever_came_first() -> None:
    sender: dict[str, Any] = {"from": {"email": "olga@otter.example"}, "kind": "reminder"}
    row = in_any_order(
        emailed("opened", 9),
        sent(5, url="https://otter.example/m/1", **sender),
        emailed("replied", 12, subject="Re: See you", snippet="A colleague?"),
        sent(7, "em_2"),
    )
    assert {id_: set(email) for id_, email in row["emails"].items()} == {
        "em_1": {"sent", "opened", "replied"},
        "em_2": {"sent"},
    }
    first = row["emails"]["em_1"]
    assert first["sent"] | {"at": None} == {
        "at": None,
        "subject": "See you",
        "kind": "reminder",
        "url": "https://otter.example/m/1",
        "from": {"email": "olga@otter.example"},
    }
    assert datetime.fromisoformat(first["opened"]["at"]) == at(9)
    assert (first["replied"]["subject"], first["replied"]["snippet"]) == ("Re: See you", "A colleague?")


def test_first_opening_and_sending_of_an_email_count() -> None:
    row = in_any_order(
        emailed("opened", 9), emailed("opened", 7), sent(6, subject="Late"), sent(5, subject="Early")
    )
    email = row["emails"]["em_1"]
    assert (datetime.fromisoformat(email["opened"]["at"]), email["sent"]["subject"]) == (at(7), "Early")


def test_emails_are_bounded_and_keep_the_latest() -> None:
    row = row_of(*(sent(minute, f"em_{minute}") for minute in range(1, EMAILS_MAX + 3)))
    assert len(row["emails"]) == EMAILS_MAX
    assert {"em_1", "em_2"}.isdisjoint(row["emails"])


def test_long_subjects_are_cut() -> None:
    row = row_of(sent(5, subject="otter" * 1000))
    assert row["emails"]["em_1"]["sent"]["subject"] == "otter" * 200


@pytest.mark.parametrize(
    ("payloads", "later", "is_news"),
    [
        pytest.param([], no_show(5), True, id="a no-show"),
        pytest.param([no_show(5)], no_show(9), False, id="another no-show"),
        pytest.param([], completed(5), False, id="a completion"),
        pytest.param([], rescheduled(5, reason="Clash"), False, id="a move without new times"),
        pytest.param([], rescheduled(5, starts_at=99), True, id="a move: rules may read the times"),
        pytest.param([], sent(5), False, id="an e-mail"),
        pytest.param([sent(5)], emailed("opened", 9), False, id="an e-mail was opened"),
        pytest.param([checked_in(5)], checked_in(9), False, id="another check-in"),
        pytest.param([cancelled(5)], cancelled(5, version=9, reason="Ill"), False, id="a reason"),
    ],
)
def test_facts_that_nothing_written_depends_on_are_no_news(
    payloads: list[dict[str, Any]], later: dict[str, Any], is_news: bool
) -> None:
    before, after = row_of(confirmed(1), *payloads), row_of(confirmed(1), *payloads, later)
    assert {name for name in after if before[name] != after[name]} - {"snapshot_at", "version", "merge_state"}
    assert has_relevant_change(before, after) is is_news


def test_delivery_that_adds_nothing_changes_nothing() -> None:
    snapshot = delivery(confirmed(1)).registration
    assert snapshot is not None
    assert merge_into_registration_row(row_of(confirmed(1)), snapshot) is None


def test_erased_registration_is_left_alone() -> None:
    snapshot = delivery(updated(9)).registration
    assert snapshot is not None
    assert merge_into_registration_row(row_of(confirmed(1)) | {"erased_at": at(5)}, snapshot) is None


def test_check_ins_are_bounded_and_keep_the_first() -> None:
    row = row_of(*(checked_in(minutes) for minutes in range(100, 100 + 2 * CHECK_INS_MAX)))
    assert len(row["merge_state"]["facts"]["check_ins"]) == CHECK_INS_MAX
    assert row["checked_in_at"] == at(100)


def test_merge_state_holds_no_personal_data() -> None:
    row = row_of(
        updated(1),
        updated(2, attendee={"email": None}),
        cancelled(3, reason="Otter bite"),
        rescheduled(4, reason="Otters"),
        sent(5, subject="Otters"),
    )
    assert "tter" not in str(row["merge_state"])


def test_event_known_from_a_newer_delivery_stays() -> None:
    newer, older = event(version=5, title="Otter Gala"), event(version=4, location="Pond 9")
    for payloads in itertools.permutations([webhook(event=newer), webhook("event.updated", event=older)]):
        row = event_of(*payloads)
        assert (row["title"], row["location"], row["version"]) == ("Otter Gala", "Pond 4", 5)


def test_event_fields_that_nobody_sent_have_defaults() -> None:
    row = event_of(webhook(event={"id": "evt_otters", "title": "Otters"}))
    assert (row["kind"], row["timezone"], row["starts_at"]) == ("in_person", "UTC", None)
    assert event_of(webhook(event={"id": "e", "title": "O"}), webhook())["kind"] == "in_person"


def test_cancelled_event_is_back_when_published_again() -> None:
    payloads = [
        webhook("event.published", at(1).isoformat(), event=event(version=1)),
        webhook("event.cancelled", at(5).isoformat(), event=event(version=2)),
    ]
    for order in itertools.permutations(payloads):
        assert event_of(*order)["is_cancelled"] is True
    payloads.append(webhook("event.published", at(9).isoformat(), event=event(version=3)))
    for order in itertools.permutations(payloads):
        assert event_of(*order)["is_cancelled"] is False


def test_changed_event_takes_place_after_all() -> None:
    payloads = [
        webhook("event.cancelled", at(5).isoformat(), event=event(version=2)),
        webhook("event.updated", at(9).isoformat(), event=event(version=3)),
    ]
    for order in itertools.permutations(payloads):
        assert (event_of(*order)["is_cancelled"], event_of(*order)["cancelled_at"]) == (False, None)
    late = webhook("event.updated", at(3).isoformat(), event=event(version=1))
    assert event_of(payloads[0], late)["cancelled_at"] == at(5)


def test_cancellation_of_an_event_is_kept_with_its_time_and_reason() -> None:
    payloads = [
        webhook("event.cancelled", at(5).isoformat(), event=event(version=2), reason="Storm"),
        webhook("event.cancelled", at(7).isoformat(), event=event(version=3), reason="Flood"),
        webhook("registration.updated", at(9).isoformat(), event=event(version=4)),
    ]
    for order in itertools.permutations(payloads):
        row = event_of(*order)
        assert (row["cancelled_at"], row["cancel_reason"]) == (at(7), "Flood")


def replayed(minutes: int, **changes: Any) -> dict[str, Any]:
    return delivered("replay.watched", minutes, **changes)


TYPES: dict[str, Callable[..., dict[str, Any]]] = {
    "registration.confirmed": confirmed,
    "registration.updated": updated,
    "registration.cancelled": cancelled,
    "registration.checked_in": checked_in,
    "registration.check_in_reverted": reverted,
    "registration.no_show": no_show,
    "registration.completed": completed,
    "registration.rescheduled": rescheduled,
    "replay.watched": replayed,
    **{
        type_: functools.partial(delivered, type_)
        for type_ in ("email.sent", "email.opened", "email.replied")
    },
}
REASONS = st.sampled_from([None, "Clash", "Ill"])
OPTIONAL = ["ticket", "buyer", "answers", "utm", "salesforce_id", "registered_at"]


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[int]]:
    """Up to six deliveries, all with a version or none, and an order with repetitions that has them all."""
    minutes = draw(st.lists(st.integers(1, 60), min_size=1, max_size=6, unique=True))
    versions = draw(st.one_of(st.none(), st.permutations(range(len(minutes)))))
    payloads = [
        draw(deliveries(minute, versions[place] if versions else None))
        for place, minute in enumerate(minutes)
    ]
    again = draw(st.lists(st.sampled_from(range(len(payloads))), max_size=3))
    return payloads, draw(st.permutations([*range(len(payloads)), *again]))


@st.composite
def deliveries(draw: st.DrawFn, minute: int, version: int | None) -> dict[str, Any]:
    type_ = draw(st.sampled_from(sorted(TYPES)))
    changes: dict[str, Any] = {
        "version": version,
        "omit": draw(st.lists(st.sampled_from(OPTIONAL), unique=True)),
    }
    if type_ == "registration.updated":
        changes["status"] = draw(
            st.sampled_from(["pending", "waitlisted", "confirmed", "cancelled", "declined"])
        )
    if type_ == "registration.cancelled":
        changes |= {"cancelled_at": draw(st.integers(1, 60)), "reason": draw(REASONS)}
    if type_ == "registration.rescheduled":
        changes |= {"previous": draw(st.sampled_from([None, 90, 95])), "reason": draw(REASONS)}
    times = st.sampled_from([None, 90, 95, 99])
    changes |= draw(st.fixed_dictionaries({}, optional={"starts_at": times, "ends_at": times}))
    if type_ == "registration.checked_in":
        changes["checked_in_at"] = draw(st.integers(1, 60))
    attendee = draw(
        st.fixed_dictionaries({"email": st.none()}, optional={"company": st.sampled_from([None, "A", "B"])})
    )
    payload: dict[str, Any] = TYPES[type_](minute, **changes)
    payload["data"]["registration"]["attendee"] = attendee
    if type_.startswith("email."):
        moment = at(draw(st.integers(1, 60))).isoformat()
        subject = draw(st.sampled_from(["See you", "Bye"]))
        payload["data"]["email"] = {"id": draw(st.sampled_from("ab")), "at": moment, "subject": subject}
    return payload


@settings(max_examples=100)
@given(histories())
def test_any_order_and_repetition_ends_in_the_same_state(
    history: tuple[list[dict[str, Any]], list[int]],
) -> None:
    payloads, order = history
    assert row_of(*payloads) == row_of(*(payloads[place] for place in order))


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["event.published", "event.updated", "event.cancelled", "registration.updated"]),
            st.sampled_from([None, "Storm", "Flood"]),
        ),
        min_size=1,
        max_size=6,
    ).flatmap(lambda happened: st.tuples(st.just(happened), st.permutations([*range(len(happened)), 0])))
)
def test_any_order_and_repetition_ends_in_the_same_event(
    history: tuple[list[tuple[str, str | None]], list[int]],
) -> None:
    happened, order = history
    payloads = [
        webhook(type_, at(minute).isoformat(), event=event(version=minute), reason=reason)
        for minute, (type_, reason) in enumerate(happened)
    ]
    assert event_of(*payloads) == event_of(*(payloads[place] for place in order))


@settings(max_examples=100)
@given(histories(), st.data())
def test_deliveries_join_the_same_in_whatever_groups(
    history: tuple[list[dict[str, Any]], list[int]], data: st.DataObject
) -> None:
    payloads, order = history
    states = [delivery(payloads[place]).registration for place in order]
    known = [state for state in states if state is not None]
    cut = data.draw(st.integers(0, len(known) - 1))
    one_by_one = functools.reduce(merge_registrations, known)
    if cut:
        halves = (
            functools.reduce(merge_registrations, known[:cut]),
            functools.reduce(merge_registrations, known[cut:]),
        )
        assert merge_registrations(*halves) == one_by_one
    assert merge_registrations(one_by_one, one_by_one) == one_by_one
