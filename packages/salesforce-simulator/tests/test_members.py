"""Campaigns, their statuses and members."""

from typing import Any

import pytest

from support.client import OrgClient

STATUSES = "SELECT Label, SortOrder, IsDefault, HasResponded FROM CampaignMemberStatus ORDER BY SortOrder"


@pytest.fixture
async def campaign_id(org: OrgClient) -> str:
    return await org.create("Campaign", Name="Fair")


async def statuses(org: OrgClient) -> list[tuple[str, int, bool, bool]]:
    rows = await org.rows(STATUSES)
    return [(r["Label"], r["SortOrder"], r["IsDefault"], r["HasResponded"]) for r in rows]


async def add_status(org: OrgClient, campaign_id: str, **fields: Any) -> Any:
    body = {"CampaignId": campaign_id, **fields}
    return await org.data("POST", "/sobjects/CampaignMemberStatus", body)


@pytest.mark.usefixtures("campaign_id")
async def test_a_new_campaign_has_sent_and_responded(org: OrgClient) -> None:
    assert await statuses(org) == [("Sent", 1, True, False), ("Responded", 2, False, True)]
    (campaign,) = await org.rows("SELECT IsActive, Status FROM Campaign")
    assert (campaign["IsActive"], campaign["Status"]) == (False, "Planned")


@pytest.mark.parametrize(
    ("given", "status", "has_responded"),
    [
        pytest.param({}, "Sent", False, id="none given"),
        pytest.param({"Status": "responded"}, "Responded", True, id="any case"),
        pytest.param({"Status": "Attended"}, "Sent", False, id="unknown silently replaced"),
    ],
)
async def test_a_member_takes_a_status_of_its_campaign(
    org: OrgClient, campaign_id: str, given: dict[str, str], status: str, *, has_responded: bool
) -> None:
    member_id = await org.create("CampaignMember", CampaignId=campaign_id, LeadId=await org.lead(), **given)
    row = await org.get("CampaignMember", member_id)
    assert (row["Status"], row["HasResponded"]) == (status, has_responded)
    assert row["FirstRespondedDate"] == ("2026-11-21" if has_responded else None)


async def test_without_a_default_an_unknown_status_is_stored(org: OrgClient, campaign_id: str) -> None:
    for row in await org.rows("SELECT Id FROM CampaignMemberStatus"):
        org.app.simulator.default_org.store.update("CampaignMemberStatus", row["Id"], {"IsDefault": False})
    member_id = await org.create(
        "CampaignMember", CampaignId=campaign_id, LeadId=await org.lead(), Status="Attended"
    )
    row = await org.get("CampaignMember", member_id)
    assert (row["Status"], row["HasResponded"]) == ("Attended", False)


async def test_a_person_is_a_member_once(org: OrgClient, campaign_id: str) -> None:
    lead_id = await org.lead()
    await org.create("CampaignMember", CampaignId=campaign_id, LeadId=lead_id)

    answer = await org.data(
        "POST", "/sobjects/CampaignMember", {"CampaignId": campaign_id, "LeadId": lead_id}
    )

    error = {"message": "Already a campaign member.", "errorCode": "DUPLICATE_VALUE", "fields": []}
    assert (answer.status_code, answer.json()) == (400, [error])
    other = await org.create("Campaign", Name="Talk")
    assert await org.create("CampaignMember", CampaignId=other, LeadId=lead_id)


async def test_the_second_of_a_pair_in_one_batch_is_refused(org: OrgClient, campaign_id: str) -> None:
    row = {"attributes": {"type": "CampaignMember"}, "CampaignId": campaign_id, "LeadId": await org.lead()}
    results = (await org.data("POST", "/composite/sobjects", {"records": [row, row]})).json()
    assert [r["success"] for r in results] == [True, False]
    assert results[1]["errors"][0]["statusCode"] == "DUPLICATE_VALUE"


async def test_a_removed_member_can_come_back(org: OrgClient, campaign_id: str) -> None:
    body = {"CampaignId": campaign_id, "LeadId": await org.lead()}
    member_id = await org.create("CampaignMember", **body)
    await org.data("DELETE", f"/sobjects/CampaignMember/{member_id}")
    assert await org.create("CampaignMember", **body) != member_id


async def test_both_ids_keep_only_the_contact(org: OrgClient, campaign_id: str) -> None:
    contact_id = await org.create("Contact", LastName="C")
    member_id = await org.create(
        "CampaignMember", CampaignId=campaign_id, LeadId=await org.lead(), ContactId=contact_id
    )
    row = await org.get("CampaignMember", member_id)
    assert (row["LeadId"], row["ContactId"], row["LeadOrContactId"]) == (None, contact_id, contact_id)


@pytest.mark.parametrize(
    ("names", "missing"),
    [(["LeadId"], "[CampaignId]"), (["CampaignId"], "[LeadId, ContactId]")],
    ids=["no campaign", "no person"],
)
async def test_a_member_needs_both_ends(
    org: OrgClient, campaign_id: str, names: list[str], missing: str
) -> None:
    whole = {"CampaignId": campaign_id, "LeadId": await org.lead()}
    answer = await org.data("POST", "/sobjects/CampaignMember", {name: whole[name] for name in names})
    assert answer.json()[0]["message"] == f"Required fields are missing: {missing}"


async def test_a_member_keeps_its_ends(org: OrgClient, campaign_id: str) -> None:
    lead_id = await org.lead()
    member_id = await org.create("CampaignMember", CampaignId=campaign_id, LeadId=lead_id)
    path = f"/sobjects/CampaignMember/{member_id}"
    answer = await org.data("PATCH", path, {"LeadId": lead_id})
    assert answer.json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert (await org.data("PATCH", path, {"Status": "Responded"})).status_code == 204
    org.clock.advance(days=1)
    await org.data("PATCH", path, {"Status": "Sent"})
    row = await org.get("CampaignMember", member_id)
    assert (row["HasResponded"], row["FirstRespondedDate"]) == (False, "2026-11-21")


class TestStatuses:
    async def test_a_new_default_ends_the_old_one(self, org: OrgClient, campaign_id: str) -> None:
        answer = await add_status(org, campaign_id, Label="Registered", IsDefault=True)
        assert answer.status_code == 201
        assert await statuses(org) == [
            ("Sent", 1, False, False),
            ("Responded", 2, False, True),
            ("Registered", 3, True, False),
        ]

    @pytest.mark.parametrize(
        ("fields", "name"),
        [({"Label": "SENT"}, "Label"), ({"Label": "New", "SortOrder": 2}, "SortOrder")],
        ids=["label", "sort order"],
    )
    async def test_labels_and_orders_are_unique(
        self, org: OrgClient, campaign_id: str, fields: dict[str, Any], name: str
    ) -> None:
        answer = await add_status(org, campaign_id, **fields)
        assert answer.json()[0]["errorCode"] == "DUPLICATE_VALUE"
        assert answer.json()[0]["message"].startswith(f"duplicate value found: {name}")

    async def test_one_default_and_one_responded_must_stay(self, org: OrgClient, campaign_id: str) -> None:
        rows = {r["Label"]: r["Id"] for r in await org.rows("SELECT Id, Label FROM CampaignMemberStatus")}
        path = "/sobjects/CampaignMemberStatus/"
        for label, field in (("Sent", "IsDefault"), ("Responded", "HasResponded")):
            answer = await org.data("PATCH", path + rows[label], {field: False})
            assert answer.json()[0]["errorCode"] == "FIELD_INTEGRITY_EXCEPTION"

    async def test_members_follow_a_renamed_status(self, org: OrgClient, campaign_id: str) -> None:
        member_id = await org.create(
            "CampaignMember", CampaignId=campaign_id, LeadId=await org.lead(), Status="Responded"
        )
        (row,) = await org.rows("SELECT Id FROM CampaignMemberStatus WHERE Label = 'Responded'")
        answer = await org.data("PATCH", f"/sobjects/CampaignMemberStatus/{row['Id']}", {"Label": "Attended"})
        assert answer.status_code == 204
        assert (await org.get("CampaignMember", member_id))["Status"] == "Attended"

    async def test_the_default_and_used_ones_cannot_be_deleted(
        self, org: OrgClient, campaign_id: str
    ) -> None:
        await add_status(org, campaign_id, Label="Spare")
        await org.create(
            "CampaignMember", CampaignId=campaign_id, LeadId=await org.lead(), Status="Responded"
        )
        outcome = {}
        for row in await org.rows("SELECT Id, Label FROM CampaignMemberStatus"):
            answer = await org.data("DELETE", f"/sobjects/CampaignMemberStatus/{row['Id']}")
            outcome[row["Label"]] = answer.status_code
        assert outcome == {"Sent": 400, "Responded": 400, "Spare": 204}

    async def test_a_switch_closes_their_creation(self, org: OrgClient, campaign_id: str) -> None:
        await org.configure(is_member_status_createable=False)
        answer = await add_status(org, campaign_id, Label="Registered")
        assert answer.json()[0]["errorCode"] == "INSUFFICIENT_ACCESS_OR_READONLY"
        described = (await org.data("GET", "/sobjects/CampaignMemberStatus/describe")).json()
        assert described["createable"] is False

    async def test_one_needs_its_campaign(self, org: OrgClient) -> None:
        answer = await org.data("POST", "/sobjects/CampaignMemberStatus", {"Label": "x"})
        assert answer.json()[0]["message"] == "Required fields are missing: [CampaignId]"
