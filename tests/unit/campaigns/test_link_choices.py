"""Pasted ids and chosen labels."""

import pytest

from app.api.errors import CampaignIdInvalid, StatusesIncomplete, StatusUnknown
from app.campaigns.link_validation import parse_campaign_id, require_known_statuses, require_statuses
from app.campaigns.schemas import Statuses, StatusesChosen
from tests.unit.campaigns.builders import campaign_for

ID15, ID18 = "7015g000000KqRs", "7015g000000KqRsAAK"


@pytest.mark.parametrize(
    "pasted",
    [
        pytest.param(ID15, id="15"),
        pytest.param(ID18, id="18"),
        pytest.param(f"  {ID18}\n", id="spaces"),
        pytest.param(f"https://acme.lightning.force.com/lightning/r/Campaign/{ID18}/view", id="lightning"),
        pytest.param(f"https://acme.my.salesforce.com/{ID15}", id="classic"),
        pytest.param(f"https://acme.my.salesforce.com/apex/x?id={ID15}&retURL=%2F001", id="query"),
    ],
)
def test_campaign_id_is_found(pasted: str) -> None:
    assert parse_campaign_id(pasted) == ID18


@pytest.mark.parametrize(
    ("pasted", "reason"),
    [
        pytest.param("", "format", id="nothing"),
        pytest.param("7015g", "format", id="short"),
        pytest.param("00Q5g000000KqRs", "format", id="a-lead"),
        pytest.param("7015g000000KqRsAAA", "checksum", id="wrong-suffix"),
    ],
)
def test_campaign_id_is_refused(pasted: str, reason: str) -> None:
    with pytest.raises(CampaignIdInvalid) as caught:
        parse_campaign_id(pasted)
    assert caught.value.reason == reason


def test_empty_label_is_no_choice() -> None:
    assert require_statuses(StatusesChosen(registered="A", attended="B", no_show="")).no_show is None


@pytest.mark.parametrize(
    ("chosen", "paths"),
    [
        pytest.param({}, ["statuses.registered", "statuses.attended"], id="none"),
        pytest.param({"registered": "A"}, ["statuses.attended"], id="no-attended"),
        pytest.param({"registered": "", "attended": "B"}, ["statuses.registered"], id="empty-registered"),
    ],
)
def test_incomplete_choice_is_refused(chosen: dict[str, str], paths: list[str]) -> None:
    with pytest.raises(StatusesIncomplete) as caught:
        require_statuses(StatusesChosen(**chosen))
    assert [error.path for error in caught.value.errors or ()] == paths


def test_unknown_status_is_named_with_the_campaigns_own() -> None:
    statuses = Statuses(registered="Registered", attended="Atended", cancelled="no show")
    with pytest.raises(StatusUnknown) as caught:
        require_known_statuses(statuses, campaign_for())
    assert caught.value.detail == (
        'The campaign Otter Summit has no status "Atended", "no show". '
        'Its statuses are "Registered", "Attended", "No Show".'
    )
    assert [error.path for error in caught.value.errors or ()] == ["statuses.attended", "statuses.cancelled"]


def test_own_statuses_are_accepted() -> None:
    require_known_statuses(
        Statuses(registered="Registered", attended="Attended", no_show="No Show"), campaign_for()
    )
