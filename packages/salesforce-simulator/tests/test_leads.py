"""Converted and merged people."""

import pytest

from support.client import OrgClient

REFUSED = [
    {"message": "cannot reference converted lead", "errorCode": "CANNOT_UPDATE_CONVERTED_LEAD", "fields": []}
]


async def test_a_converted_lead_becomes_a_contact_with_its_timeline(org: OrgClient) -> None:
    campaign_id = await org.create("Campaign", Name="Fair")
    lead_id = await org.lead(FirstName="Jane", Email="jane@example.com")
    task_id = await org.create("Task", WhoId=lead_id, Subject="Call")
    await org.create("CampaignMember", CampaignId=campaign_id, LeadId=lead_id)

    made = await org.door("POST", "convert", {"leadId": lead_id})

    lead = await org.get("Lead", lead_id)
    assert (lead["IsConverted"], lead["ConvertedContactId"], lead["ConvertedAccountId"]) == (
        True,
        made["contactId"],
        made["accountId"],
    )
    assert (lead["Status"], lead["ConvertedDate"]) == ("Closed - Converted", "2026-11-21")
    contact = await org.get("Contact", made["contactId"])
    assert (contact["Name"], contact["Email"], contact["AccountId"]) == (
        "Jane Doe",
        "jane@example.com",
        made["accountId"],
    )
    assert (await org.get("Account", made["accountId"]))["Name"] == "Acme"
    assert (await org.get("Task", task_id))["WhoId"] == made["contactId"]
    (member,) = await org.rows("SELECT LeadId, ContactId FROM CampaignMember")
    assert (member["LeadId"], member["ContactId"]) == (lead_id, made["contactId"])


async def test_conversion_joins_an_existing_contact_and_one_membership(org: OrgClient) -> None:
    campaign_id = await org.create("Campaign", Name="Fair")
    account_id = await org.create("Account", Name="Acme")
    contact_id = await org.create("Contact", LastName="Doe")
    lead_id = await org.lead()
    other_id = await org.lead(LastName="Other")
    await org.create("CampaignMember", CampaignId=campaign_id, ContactId=contact_id, Status="Responded")
    await org.create("CampaignMember", CampaignId=campaign_id, LeadId=lead_id)

    made = await org.door("POST", "convert", {"leadId": lead_id, "contactId": contact_id})
    other = await org.door("POST", "convert", {"leadId": other_id})

    assert made["contactId"] == contact_id
    assert other["accountId"] == account_id
    members = await org.rows("SELECT ContactId, Status FROM CampaignMember")
    assert [(m["ContactId"], m["Status"]) for m in members] == [(contact_id, "Responded")]


@pytest.mark.parametrize(
    ("survivor", "statuses"),
    [
        pytest.param("contact", ["Responded"], id="the Contact's stays"),
        pytest.param("lead", ["Sent"], id="the Lead's stays"),
        pytest.param("both", ["Responded", "Sent"], id="both stay"),
    ],
)
async def test_which_of_two_memberships_survives_a_conversion_is_a_switch(
    org: OrgClient, survivor: str, statuses: list[str]
) -> None:
    await org.door("PUT", "config", {"double_member_survivor": survivor})
    campaign_id = await org.create("Campaign", Name="Fair")
    contact_id = await org.create("Contact", LastName="Doe")
    lead_id = await org.lead()
    await org.create("CampaignMember", CampaignId=campaign_id, ContactId=contact_id, Status="Responded")
    await org.create("CampaignMember", CampaignId=campaign_id, LeadId=lead_id)
    await org.door("POST", "convert", {"leadId": lead_id, "contactId": contact_id})
    members = await org.rows("SELECT Status FROM CampaignMember ORDER BY Status")
    assert [member["Status"] for member in members] == statuses


async def test_a_converted_lead_refuses_everything(org: OrgClient) -> None:
    campaign_id = await org.create("Campaign", Name="Fair")
    lead_id = await org.lead()
    await org.door("POST", "convert", {"leadId": lead_id})

    answers = [
        await org.data("PATCH", f"/sobjects/Lead/{lead_id}", {"Title": "CTO"}),
        await org.data("POST", "/sobjects/Task", {"WhoId": lead_id}),
        await org.data("POST", "/sobjects/CampaignMember", {"CampaignId": campaign_id, "LeadId": lead_id}),
    ]

    assert [(answer.status_code, answer.json()) for answer in answers] == [(400, REFUSED)] * 3
    assert (await org.http.post("/_simulator/convert", json={"leadId": lead_id})).status_code == 400
    await org.configure(view_and_edit_converted_leads=True)
    assert (await org.data("PATCH", f"/sobjects/Lead/{lead_id}", {"Title": "CTO"})).status_code == 204


async def test_some_orgs_convert_a_lead_the_moment_it_arrives(org: OrgClient) -> None:
    contact_id = await org.create("Contact", LastName="Doe", Email="jane@example.com")
    await org.configure(convert_leads_on_insert=True)
    lead = await org.get("Lead", await org.lead(Email="Jane@example.com"))
    assert (lead["IsConverted"], lead["ConvertedContactId"]) == (True, contact_id)
    for email in ("new@example.com", None):
        assert (await org.get("Lead", await org.lead(Email=email)))["IsConverted"] is False


@pytest.mark.parametrize("sobject", ["Lead", "Contact"])
async def test_a_merged_record_points_to_the_winner(org: OrgClient, sobject: str) -> None:
    fields = {"Company": "Acme"} if sobject == "Lead" else {}
    campaigns = [await org.create("Campaign", Name=name) for name in ("Fair", "Talk")]
    winner, loser = [await org.create(sobject, LastName=name, **fields) for name in ("Win", "Lose")]
    task_id = await org.create("Task", WhoId=loser)
    key = f"{sobject}Id"
    await org.create("CampaignMember", CampaignId=campaigns[0], **{key: winner})
    for campaign_id in campaigns:
        await org.create("CampaignMember", CampaignId=campaign_id, **{key: loser})

    await org.door("POST", "merge", {"masterId": winner, "mergedIds": [loser]})

    (row,) = await org.rows(f"SELECT Id, MasterRecordId FROM {sobject} WHERE IsDeleted = true", "queryAll")
    assert (row["Id"], row["MasterRecordId"]) == (loser, winner)
    assert (await org.data("GET", f"/sobjects/{sobject}/{loser}")).json()[0][
        "errorCode"
    ] == "ENTITY_IS_DELETED"
    assert (await org.get("Task", task_id))["WhoId"] == winner
    members = await org.rows(f"SELECT CampaignId, {key} FROM CampaignMember ORDER BY CampaignId")
    assert [(m["CampaignId"], m[key]) for m in members] == [(c, winner) for c in campaigns]


async def test_accounts_merge_too_and_others_do_not(org: OrgClient) -> None:
    accounts = [await org.create("Account", Name=name) for name in ("A", "B")]
    await org.door("POST", "merge", {"masterId": accounts[0], "mergedIds": [accounts[1]]})
    for asked in (
        {"masterId": accounts[0], "mergedIds": [accounts[0]]},
        {"masterId": accounts[0], "mergedIds": [accounts[1]]},
        {"masterId": await org.create("Campaign", Name="x"), "mergedIds": []},
        {"masterId": "nonsense"},
        {"masterId": accounts[0], "mergedIds": ["nonsense"]},
    ):
        assert (await org.http.post("/_simulator/merge", json=asked)).status_code == 400
