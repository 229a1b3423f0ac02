"""Which cautions are given, row by row."""

from datetime import date
from typing import Any

import pytest

from app.campaigns.link_validation import WARNINGS, LinkCandidate, warnings_for
from tests.unit.campaigns.builders import campaign_for

LABELS = {"registered": "Registered", "attended": "Attended"}
TODAY = date(2026, 11, 25)

CASES: dict[str, tuple[LinkCandidate, list[str]]] = {
    "nothing": (LinkCandidate(campaign_for(), LABELS, False, TODAY), []),
    "used-elsewhere": (LinkCandidate(campaign_for(), LABELS, True, TODAY), ["campaign_used_by_other_event"]),
    "inactive": (LinkCandidate(campaign_for(is_active=False), LABELS, False, TODAY), ["campaign_inactive"]),
    "ended-yesterday": (
        LinkCandidate(campaign_for(end_date=date(2026, 11, 24)), LABELS, False, TODAY),
        ["campaign_ended"],
    ),
    "ends-today": (LinkCandidate(campaign_for(end_date=TODAY), LABELS, False, TODAY), []),
    "without-end": (LinkCandidate(campaign_for(end_date=None), LABELS, False, TODAY), []),
    "one-status-for-both": (
        LinkCandidate(campaign_for(), {"registered": "Attended", "attended": "Attended"}, False, TODAY),
        ["same_status_for_both"],
    ),
    "attended-is-no-response": (
        LinkCandidate(campaign_for(), {"registered": "Registered", "attended": "No Show"}, False, TODAY),
        ["attended_not_responded"],
    ),
}


@pytest.mark.parametrize(
    ("prospect", "codes"), [pytest.param(*case, id=name) for name, case in CASES.items()]
)
def test_caution_is_given(prospect: LinkCandidate, codes: list[str]) -> None:
    assert [advice.code for advice in warnings_for(prospect)] == codes


def test_every_row_has_a_case() -> None:
    given: list[Any] = [codes for _, codes in CASES.values()]
    assert {code for codes in given for code in codes} == {code for code, _ in WARNINGS}
