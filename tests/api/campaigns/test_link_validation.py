"""Validating a campaign through the app, the simulated org and the real database; who may do what."""

from typing import Any

import pytest
from sqlalchemy import update

from app.models import Connection
from tests.api.answers import problem
from tests.api.campaigns.dashboard import PATH, STATUSES, CampaignDashboard, link_for
from tests.factories import NOW
from tests.factories_events import event_for, registration_for
from tests.tokens import TokenMint


async def test_validate_shows_the_campaign_and_proposes_statuses(
    dashboard: CampaignDashboard, campaign_id: str
) -> None:
    await dashboard.save(registration_for(1), registration_for(2, checked_in_at=NOW))
    answer = await dashboard.validate(f"  {campaign_id[:15]} ")
    assert answer.status_code == 200
    assert answer.json() == {
        "campaign": {
            "object": "Campaign",
            "id": campaign_id,
            "url": f"http://127.0.0.1:8100/{campaign_id}",
            "name": "Otter Summit",
            "type": "Conference",
            "status": "In Progress",
            "is_active": True,
            "start_date": None,
            "end_date": "2036-11-25",
            "members": 0,
        },
        "statuses": [
            {"label": "Sent", "is_default": True, "has_responded": False, "sort_order": 1},
            {"label": "Responded", "is_default": False, "has_responded": True, "sort_order": 2},
            {"label": "Registered", "is_default": False, "has_responded": False, "sort_order": 3},
            {"label": "Attended", "is_default": False, "has_responded": True, "sort_order": 4},
            {"label": "No Show", "is_default": False, "has_responded": False, "sort_order": 5},
        ],
        "proposed": {
            "registered": "Registered",
            "attended": "Attended",
            "cancelled": None,
            "no_show": "No Show",
            "replay_watched": None,
        },
        "proposed_because": {
            "registered": "label",
            "attended": "label",
            "cancelled": "none",
            "no_show": "label",
            "replay_watched": "none",
        },
        "backfill": {"registrations": 2, "checked_in": 1, "estimated_api_calls": 5},
        "warnings": [],
    }


async def test_validate_offers_no_label_that_a_member_cannot_hold(dashboard: CampaignDashboard) -> None:
    campaign_id = await dashboard.org.campaign(
        labels=["Registered for one of the rooms of the summit", "Attended*"]
    )
    view = (await dashboard.validate(campaign_id)).json()
    assert [each["label"] for each in view["statuses"]] == ["Sent", "Responded", "Attended"]
    assert view["proposed"]["registered"] == "Sent"


async def test_validate_takes_a_lightning_address(dashboard: CampaignDashboard, campaign_id: str) -> None:
    pasted = f"https://otter.lightning.force.com/lightning/r/Campaign/{campaign_id}/view"
    assert (await dashboard.validate(pasted)).json()["campaign"]["id"] == campaign_id


async def test_validate_asks_salesforce_once_and_outside_of_transactions(
    dashboard: CampaignDashboard, campaign_id: str
) -> None:
    await dashboard.validate(campaign_id)
    assert (await dashboard.org.calls())["by_endpoint"] == {"POST /composite": 1}
    assert (dashboard.probe.sent, dashboard.probe.open_transactions) == (1, [])


async def test_validate_warns(dashboard: CampaignDashboard) -> None:
    campaign_id = await dashboard.org.campaign(IsActive=False, EndDate="2020-01-01")
    await dashboard.save(event_for(event_id="evt_second"))
    await dashboard.save(link_for("evt_second", campaign_id, dashboard.org.org_id))
    codes = [each["code"] for each in (await dashboard.validate(campaign_id)).json()["warnings"]]
    assert codes == ["campaign_used_by_other_event", "campaign_inactive", "campaign_ended"]


async def test_events_own_link_is_no_reason_to_warn(dashboard: CampaignDashboard, campaign_id: str) -> None:
    await dashboard.link(campaign_id)
    assert (await dashboard.validate(campaign_id)).json()["warnings"] == []


@pytest.mark.parametrize(
    ("pasted", "reason", "explained"),
    [
        pytest.param("00Q5g0000000001", "format", "the Id of a Lead", id="a-lead"),
        pytest.param("https://o.lightning.force.com/lightning/r/Contact/0035g0000000001AAA/view", "format",
                     "the Id of a Contact", id="a-contact's-address"),
        pytest.param("https://o.lightning.force.com/lightning/o/Campaign/list?filterName=Recent", "format",
                     "the address of a list", id="a-list"),
        pytest.param("Otter Summit", "format", "Nothing like that", id="a-name"),
        pytest.param("7015g0000000001AAB", "checksum", "a character of it is wrong", id="wrong-suffix"),
        pytest.param("7015g0000000999", "not_found", "doesn't exist in the Salesforce org", id="unknown"),
    ],
)  # fmt: skip
async def test_invalid_campaign_id_is_explained(
    dashboard: CampaignDashboard, pasted: str, reason: str, explained: str
) -> None:
    answer = await dashboard.validate(pasted)
    assert problem(answer) == (400, "CampaignIdInvalid")
    body = answer.json()
    assert (body["title"], body["reason"]) == ("Invalid Campaign Id", reason)
    assert explained in body["advice"]["explanation"]
    assert (await dashboard.org.calls())["total"] == (1 if reason == "not_found" else 0)
    assert body["advice"]["steps"]


async def test_unknown_campaign_names_the_org(dashboard: CampaignDashboard) -> None:
    detail = (await dashboard.validate("7015g0000000999")).json()["detail"]
    assert detail == f"No Campaign with this Id was found in Otter Events ({dashboard.org.org_id})."


async def test_malformed_id_is_refused_without_asking_salesforce(dashboard: CampaignDashboard) -> None:
    await dashboard.validate("nonsense")
    assert dashboard.probe.sent == 0


@pytest.mark.parametrize("hidden", ["Campaign", "CampaignMemberStatus"])
async def test_hidden_campaigns_are_not_readable(
    dashboard: CampaignDashboard, campaign_id: str, hidden: str
) -> None:
    await dashboard.org.configure(hidden_objects=[hidden])
    answer = await dashboard.validate(campaign_id)
    assert problem(answer) == (409, "CampaignsNotReadable")
    assert answer.json()["salesforce"]["error_code"] == "INVALID_TYPE"


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param({"kind": "error", "status": 503}, id="503"),
        pytest.param({"kind": "html", "status": 502}, id="gateway"),
        pytest.param({"kind": "truncate"}, id="truncated"),
        pytest.param(
            {"kind": "error", "status": 404, "error_code": "HTTP_404", "count": 4},
            id="odd-404-after-a-refresh-too",
        ),
    ],
)
async def test_failed_lookup_is_never_not_found(
    dashboard: CampaignDashboard, campaign_id: str, trouble: dict[str, Any]
) -> None:
    await dashboard.org.fault(**trouble)
    answer = await dashboard.validate(campaign_id)
    assert answer.status_code in (502, 503)
    assert answer.json()["code"] in ("SalesforceUnavailable", "SalesforceRefused")
    assert int(answer.headers["Retry-After"]) > 0


async def test_revoked_connection_asks_to_reconnect(dashboard: CampaignDashboard, campaign_id: str) -> None:
    await dashboard.org.control.post("/revoke")
    assert problem(await dashboard.validate(campaign_id)) == (409, "ConnectionNeedsReconnect")
    assert problem(await dashboard.link(campaign_id)) == (409, "ConnectionNeedsReconnect")


async def test_without_a_connection_nothing_is_validated(
    dashboard: CampaignDashboard, campaign_id: str
) -> None:
    async with dashboard.database.system() as session:
        await session.execute(
            update(Connection).values(state="disconnected", access_token=None, refresh_token=None)
        )
    assert problem(await dashboard.validate(campaign_id)) == (409, "NotConnected")
    assert problem(await dashboard.link(campaign_id)) == (409, "NotConnected")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_unknown_event_is_not_found(
    dashboard: CampaignDashboard, campaign_id: str, method: str
) -> None:
    path = PATH.replace("evt_otters", "evt_none") + ("/validate" if method == "POST" else "")
    body = {"campaign_id": campaign_id} | ({"statuses": STATUSES} if method == "PUT" else {})
    answer = await dashboard.http.request(method, path, json=None if method in ("GET", "DELETE") else body)
    assert problem(answer) == (404, "EventNotFound")


async def test_member_may_read_but_not_change(
    dashboard: CampaignDashboard, campaign_id: str, mint: TokenMint
) -> None:
    await dashboard.link(campaign_id)
    dashboard.http.headers.update(mint.headers(hosts={"host_a": "member"}))
    assert (await dashboard.http.get(PATH)).status_code == 200
    for answer in (
        await dashboard.validate(campaign_id),
        await dashboard.link(campaign_id),
        await dashboard.http.delete(PATH),
    ):
        assert problem(answer) == (403, "RoleInsufficient")


async def test_foreign_host_does_not_exist(dashboard: CampaignDashboard, mint: TokenMint) -> None:
    dashboard.http.headers.update(mint.headers(hosts={"host_b": "owner"}))
    assert problem(await dashboard.http.get(PATH)) == (404, "HostNotFound")


MINOR = ("Type", "Status", "IsActive", "StartDate", "EndDate", "NumberOfLeads", "NumberOfContacts")


@pytest.mark.parametrize(
    "hidden", [[each] for each in MINOR] + [list(MINOR)], ids=lambda names: "+".join(names)
)
async def test_a_hidden_field_of_campaigns_keeps_nobody_from_finding_and_linking_one(
    dashboard: CampaignDashboard, campaign_id: str, hidden: list[str]
) -> None:
    await dashboard.org.configure(hidden_fields={"Campaign": hidden})
    found = (await dashboard.http.get(f"{PATH}s", params={"q": "otter"})).json()["items"]
    view = (await dashboard.validate(campaign_id)).json()
    assert (await dashboard.link(campaign_id)).status_code == 201
    assert [view["campaign"]] == found
    campaign = view["campaign"]
    assert (campaign["id"], campaign["name"], campaign["is_active"]) == (campaign_id, "Otter Summit", True)
    assert campaign["end_date"] == (None if "EndDate" in hidden else "2036-11-25")
