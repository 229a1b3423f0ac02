"""Searching the org's campaigns: by a part of the name, active ones first, page by page."""

from typing import Any

import pytest
from sqlalchemy import update

from app.api.pagination import Cursor
from app.models import Connection
from tests.api.answers import problem
from tests.api.campaigns.dashboard import PATH, CampaignDashboard

SEARCH = PATH + "s"


async def names(dashboard: CampaignDashboard, **query: Any) -> list[str]:
    answer = await dashboard.http.get(SEARCH, params=query)
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.json()["items"]]


async def test_active_campaigns_come_first_then_by_name(dashboard: CampaignDashboard) -> None:
    for name, is_active in (("Beta", True), ("Alpha", False), ("Gamma", True)):
        await dashboard.org.campaign(name, IsActive=is_active)
    assert await names(dashboard) == ["Beta", "Gamma", "Alpha"]


async def test_newest_campaigns_come_first_where_that_is_asked(dashboard: CampaignDashboard) -> None:
    for name, is_active in (("Alpha", True), ("Gamma", False), ("Beta", True)):
        await dashboard.org.campaign(name, IsActive=is_active)
    assert await names(dashboard, sort="newest") == ["Beta", "Alpha", "Gamma"]


async def test_a_person_waits_for_a_silent_org_as_long_as_people_do(dashboard: CampaignDashboard) -> None:
    times = dashboard.resources.settings.times.model_copy(update={"interactive": 0.2, "http_total": 60})
    settings = dashboard.resources.settings.model_copy(update={"times": times})
    object.__setattr__(dashboard.resources, "settings", settings)
    await dashboard.org.fault("hang", seconds=20)
    answer = await dashboard.http.get(SEARCH)
    assert problem(answer) == (503, "SalesforceUnavailable")
    assert answer.json()["advice"]["steps"][0] == "Try again in a minute."


async def test_an_item_is_the_campaign_as_validation_shows_it(
    dashboard: CampaignDashboard, campaign_id: str
) -> None:
    found = (await dashboard.http.get(SEARCH, params={"q": "otter"})).json()
    validated = (await dashboard.validate(campaign_id)).json()
    assert found == {"items": [validated["campaign"]], "next_cursor": None}


@pytest.mark.parametrize(
    ("q", "found"),
    [
        pytest.param("sUmMi", ["Otter Summit"], id="a part in other letters"),
        pytest.param("100%", ["100% Otters"], id="per cent is a letter"),
        pytest.param("r_t", ["Ot_ter_ties"], id="underscore is a letter"),
        pytest.param("O'B", ["Mary O'Brien's"], id="quote"),
        pytest.param("\\", ["Back\\slash"], id="backslash"),
        pytest.param("' OR Name != '", [], id="no way out of the literal"),
        pytest.param("  ", ["100% Otters", "Back\\slash", "Mary O'Brien's", "Ot_ter_ties", "Otter Summit"],
                     id="nothing finds all"),
    ],
)  # fmt: skip
async def test_search_finds_what_is_typed(dashboard: CampaignDashboard, q: str, found: list[str]) -> None:
    for name in ("Otter Summit", "100% Otters", "Ot_ter_ties", "Mary O'Brien's", "Back\\slash"):
        await dashboard.org.campaign(name)
    assert await names(dashboard, q=q) == found


async def test_pages_follow_one_another(dashboard: CampaignDashboard) -> None:
    for number in range(5):
        await dashboard.org.campaign(f"Otters {number}")
    seen: list[str] = []
    cursor: str | None = ""
    for _ in range(3):
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await dashboard.http.get(SEARCH, params=query)).json()
        seen += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert (seen, cursor) == ([f"Otters {number}" for number in range(5)], None)


@pytest.mark.parametrize(
    "cursor",
    [
        pytest.param("x", id="no cursor at all"),
        pytest.param(Cursor("campaigns", (int,)).encode(999999999999), id="beyond what Salesforce pages"),
        pytest.param(Cursor("campaigns", (int,)).encode(-1), id="before the first"),
        pytest.param(Cursor("audit", (int,)).encode(1), id="of another list"),
    ],
)
async def test_made_up_cursors_are_refused(dashboard: CampaignDashboard, cursor: str) -> None:
    assert problem(await dashboard.http.get(SEARCH, params={"cursor": cursor})) == (400, "CursorInvalid")


async def test_search_without_a_connection_says_so(dashboard: CampaignDashboard) -> None:
    async with dashboard.database.system() as session:
        await session.execute(update(Connection).values(state="disconnected", refresh_token=None))
    assert problem(await dashboard.http.get(SEARCH)) == (409, "NotConnected")


async def test_user_who_sees_no_campaigns_is_reported(dashboard: CampaignDashboard) -> None:
    await dashboard.org.configure(hidden_objects=["Campaign"])
    assert problem(await dashboard.http.get(SEARCH)) == (409, "CampaignsNotReadable")


async def test_failed_search_is_not_an_empty_page(dashboard: CampaignDashboard) -> None:
    await dashboard.org.fault("error", status=503, count=9)
    assert problem(await dashboard.http.get(SEARCH)) == (503, "SalesforceUnavailable")
