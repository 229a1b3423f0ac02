"""Member statuses: never lowered, never over a salesperson's change, unless a newer fact requires it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.states import StatusMeaning
from app.sync.model.batch import RegistrationFacts, WrittenSlot
from app.sync.model.records import MemberRow
from app.sync.planning.member_status import (
    RANK,
    CreateMember,
    KeepMember,
    MemberDecision,
    NoMember,
    UpdateMember,
    decide_member,
    highest_meaning,
    meaning_of,
)

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
LATER = datetime(2026, 11, 21, 11, tzinfo=UTC)
LABELS = {
    "registered": "Registered",
    "attended": "Attended",
    "cancelled": "Cancelled",
    "no_show": "No Show",
    "replay_watched": "Watched",
}
TWO = {"registered": "Sent", "attended": "Responded"}


def member(status: str, *, has_responded: bool = False) -> MemberRow:
    return MemberRow("00v1", status, has_responded)


def ours(meaning: str, label: str | None = None) -> WrittenSlot:
    return WrittenSlot(
        "written", "create", "CampaignMember", "00v1", meaning=meaning, label=label or LABELS[meaning]
    )


def facts(**changes: object) -> RegistrationFacts:
    values: dict[str, object] = {"status": "confirmed", "registered_at": NOW, "confirmed_at": NOW}
    return RegistrationFacts(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given_facts", "meaning"),
    [
        pytest.param(facts(), "registered", id="confirmed"),
        pytest.param(facts(status="pending", confirmed_at=None), None, id="never confirmed"),
        pytest.param(facts(checked_in_at=NOW), "attended", id="checked in"),
        pytest.param(facts(status="cancelled"), "cancelled", id="cancelled"),
        pytest.param(facts(status="cancelled", checked_in_at=NOW), "attended", id="cancelled after check-in"),
        pytest.param(facts(no_show_at=NOW), "no_show", id="no-show"),
        pytest.param(facts(no_show_at=NOW, checked_in_at=NOW), "attended", id="check-in after no-show"),
        pytest.param(facts(no_show_at=LATER, checked_in_at=NOW), "attended", id="no-show after check-in"),
        pytest.param(facts(no_show_at=LATER, completed_at=NOW), "no_show", id="completed says nothing"),
        pytest.param(facts(completed_at=NOW), "registered", id="completed is not attended"),
        pytest.param(facts(no_show_at=LATER, status="cancelled"), "cancelled", id="cancelled no-show"),
        pytest.param(facts(rescheduled_at=NOW), "registered", id="moved"),
        pytest.param(
            facts(no_show_at=NOW, replay_watched_at=NOW), "replay_watched", id="replay raises no-show"
        ),
        pytest.param(
            facts(status="pending", confirmed_at=None, checked_in_at=NOW), "attended", id="check-in implies"
        ),
    ],
)
def test_facts_mean_one_status(given_facts: RegistrationFacts, meaning: str | None) -> None:
    assert meaning_of(given_facts) == meaning


def test_person_with_two_tickets_has_the_higher_status() -> None:
    assert highest_meaning([facts(status="cancelled"), facts(checked_in_at=NOW), facts()]) == "attended"


@pytest.mark.parametrize(
    ("meaning", "current", "written", "labels", "reason", "decision"),
    [
        pytest.param("registered", None, None, TWO, "live", CreateMember("registered", "Sent"), id="new"),
        pytest.param("cancelled", None, None, LABELS, "live", NoMember(), id="cancelled before written"),
        pytest.param(
            "no_show", None, None, TWO, "live", CreateMember("registered", "Sent"), id="no-show not chosen"
        ),
        pytest.param(
            "registered",
            member("Invited"),
            None,
            TWO,
            "live",
            UpdateMember("00v1", "registered", "Sent"),
            id="pre-invited is promoted",
        ),
        pytest.param(
            "registered",
            member("Responded", has_responded=True),
            None,
            TWO,
            "live",
            KeepMember("00v1", "attended", "Responded", is_manual=True),
            id="attended by hand is kept",
        ),
        pytest.param(
            "registered",
            member("Met at booth", has_responded=True),
            None,
            TWO,
            "live",
            KeepMember("00v1", "attended", "Met at booth", is_manual=True),
            id="responded label outside the mapping is left",
        ),
        pytest.param(
            "attended",
            member("Registered"),
            ours("registered"),
            LABELS,
            "live",
            UpdateMember("00v1", "attended", "Attended"),
            id="check-in promotes",
        ),
        pytest.param(
            "registered",
            member("Attended", has_responded=True),
            ours("attended"),
            LABELS,
            "live",
            UpdateMember("00v1", "registered", "Registered"),
            id="check-in undone, ours and unchanged",
        ),
        pytest.param(
            "registered",
            member("Attended", has_responded=True),
            ours("registered"),
            LABELS,
            "live",
            KeepMember("00v1", "attended", "Attended", is_manual=True),
            id="attended by hand after us is kept",
        ),
        pytest.param(
            "cancelled",
            member("Registered"),
            ours("registered"),
            LABELS,
            "live",
            UpdateMember("00v1", "cancelled", "Cancelled"),
            id="cancelled after written",
        ),
        pytest.param(
            "cancelled",
            member("Sent"),
            ours("registered", "Sent"),
            TWO,
            "live",
            KeepMember("00v1", "registered", "Sent"),
            id="cancelled status not chosen",
        ),
        pytest.param(
            "registered",
            member("Cancelled"),
            ours("cancelled"),
            LABELS,
            "live",
            UpdateMember("00v1", "registered", "Registered"),
            id="re-registered",
        ),
        pytest.param(
            "registered",
            member("Sales called"),
            ours("registered"),
            LABELS,
            "live",
            KeepMember("00v1", "registered", "Sales called", is_manual=True),
            id="label set by hand is left",
        ),
        pytest.param(
            "attended",
            member("Sales called"),
            ours("registered"),
            LABELS,
            "live",
            UpdateMember("00v1", "attended", "Attended"),
            id="check-in over a label set by hand",
        ),
        pytest.param(
            "attended",
            member("Bought", has_responded=True),
            ours("registered"),
            LABELS,
            "live",
            KeepMember("00v1", "attended", "Bought", is_manual=True),
            id="check-in leaves a responded label",
        ),
        pytest.param(
            "registered",
            None,
            ours("registered"),
            LABELS,
            "live",
            NoMember(),
            id="removed by hand",
        ),
        pytest.param(
            "registered",
            None,
            ours("registered"),
            LABELS,
            "retry",
            CreateMember("registered", "Registered"),
            id="removed, re-added on retry",
        ),
        pytest.param(
            "attended",
            None,
            ours("registered"),
            LABELS,
            "live",
            CreateMember("attended", "Attended"),
            id="removed, re-added on check-in",
        ),
        pytest.param(
            "registered",
            member("Sent"),
            ours("registered", "Sent"),
            LABELS,
            "live",
            KeepMember("00v1", "registered", "Sent"),
            id="statuses edited, from now on",
        ),
        pytest.param(
            "registered",
            member("Sent"),
            ours("registered", "Sent"),
            LABELS,
            "reapply",
            UpdateMember("00v1", "registered", "Registered"),
            id="statuses edited, re-applied",
        ),
    ],
)
def test_decision(
    meaning: str,
    current: MemberRow | None,
    written: WrittenSlot | None,
    labels: dict[str, str],
    reason: str,
    decision: MemberDecision,
) -> None:
    assert decide_member(meaning, current, written=written, labels=labels, reason=reason) == decision


@given(meaning=st.sampled_from(StatusMeaning), now_at=st.sampled_from(StatusMeaning))
def test_what_a_person_set_by_hand_is_never_lowered(meaning: str, now_at: str) -> None:
    decision = decide_member(meaning, member(LABELS[now_at]), written=None, labels=LABELS)
    if isinstance(decision, UpdateMember):
        assert RANK[decision.meaning] > RANK[now_at]
