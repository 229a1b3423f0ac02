"""Which cautions are given, row by row."""

from collections.abc import Mapping
from datetime import date

import pytest

from app.campaigns.link_validation import warnings_for
from app.campaigns.lookup import Campaign
from tests.unit.campaigns.builders import campaign_for

LABELS = {"registered": "Registered", "attended": "Attended"}
TODAY = date(2026, 11, 25)
YESTERDAY = date(2026, 11, 24)

CASES: dict[str, tuple[Campaign, Mapping[str, str], bool, list[str]]] = {
    "nothing": (campaign_for(), LABELS, False, []),
    "used-elsewhere": (campaign_for(), LABELS, True, ["campaign_used_by_other_event"]),
    "inactive": (campaign_for(is_active=False), LABELS, False, ["campaign_inactive"]),
    "ended-yesterday": (campaign_for(end_date=YESTERDAY), LABELS, False, ["campaign_ended"]),
    "ends-today": (campaign_for(end_date=TODAY), LABELS, False, []),
    "without-end": (campaign_for(end_date=None), LABELS, False, []),
    "one-status-for-both": (
        campaign_for(),
        LABELS | {"registered": "Attended"},
        False,
        ["same_status_for_both"],
    ),
    "attended-is-no-response": (
        campaign_for(),
        LABELS | {"attended": "No Show"},
        False,
        ["attended_not_responded"],
    ),
}


def codes_of(campaign: Campaign, labels: Mapping[str, str], is_used: bool) -> list[str]:
    return [each.code for each in warnings_for(campaign, labels, is_used_by_other_event=is_used, today=TODAY)]


@pytest.mark.parametrize(
    ("campaign", "labels", "is_used", "codes"), [pytest.param(*case, id=name) for name, case in CASES.items()]
)
def test_caution_is_given(
    campaign: Campaign, labels: Mapping[str, str], is_used: bool, codes: list[str]
) -> None:
    assert codes_of(campaign, labels, is_used) == codes


def test_every_row_has_a_case() -> None:
    worst = campaign_for(is_active=False, end_date=YESTERDAY)
    every = codes_of(worst, dict.fromkeys(LABELS, "No Show"), True)
    assert {code for *_, codes in CASES.values() for code in codes} == set(every)
