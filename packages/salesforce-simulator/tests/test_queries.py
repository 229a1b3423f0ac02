"""What queries answer."""

from dataclasses import replace
from typing import Any

import pytest

from support.client import OrgClient


@pytest.fixture
async def people(org: OrgClient) -> dict[str, str]:
    """Four Leads, by last name, created a day apart from 18 November."""
    rows: list[dict[str, Any]] = [
        {"LastName": "Alpha", "FirstName": "Ann", "Company": "Acme", "Email": "ann@example.com"},
        {"LastName": "Beta", "Company": "Byte", "Email": "O'Brien@example.com", "Rating": "Hot"},
        {"LastName": "Gamma", "Company": "acme", "AnnualRevenue": 10.5, "NumberOfEmployees": 7},
        {"LastName": "Del_ta", "Company": "100% Co", "Email": "d\\e@example.com", "IsUnreadByOwner": True},
    ]
    for day, row in enumerate(rows, start=18):
        row["CreatedDate"] = f"2026-11-{day}T09:30:00.000+0000"
    ids = await org.seed("Lead", *rows)
    return dict(zip(("Alpha", "Beta", "Gamma", "Del_ta"), ids, strict=True))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("Email = 'ANN@example.com'", ["Alpha"]),
        (r"Email = 'o\'brien@example.com'", ["Beta"]),
        (r"Email = 'd\\e@example.com'", ["Del_ta"]),
        ("Email IN ('ann@example.com', 'nobody@example.com')", ["Alpha"]),
        ("Email IN ('ann@example.com') OR LastName = 'beta'", ["Alpha", "Beta"]),
        ("Email = null", ["Gamma"]),
        ("Email = ''", ["Gamma"]),
        ("Email != null AND Company = 'ACME'", ["Alpha"]),
        ("Email IN ('ann@example.com', null)", ["Alpha", "Gamma"]),
        ("Email NOT IN ('ann@example.com', 'o\\'brien@example.com')", ["Gamma", "Del_ta"]),
        ("Rating != 'Hot'", ["Alpha", "Gamma", "Del_ta"]),
        ("NOT (Company = 'acme' OR Company = 'byte')", ["Del_ta"]),
        ("LastName = 'Alpha' AND (NOT Company LIKE 'B%')", ["Alpha"]),
        ("Company LIKE 'a_m%'", ["Alpha", "Gamma"]),
        ("Company LIKE '100\\%%'", ["Del_ta"]),
        ("LastName LIKE '%\\_%'", ["Del_ta"]),
        ("AnnualRevenue > 10", ["Gamma"]),
        ("AnnualRevenue >= 10.5 AND NumberOfEmployees <= 7", ["Gamma"]),
        ("AnnualRevenue < 10.5", []),
        ("AnnualRevenue > null", []),
        ("AnnualRevenue IN (10.5, 7)", ["Gamma"]),
        ("IsUnreadByOwner = TRUE", ["Del_ta"]),
        ("IsConverted = false AND LastName >= 'Gamma'", ["Gamma"]),
        ("CreatedDate = TODAY", ["Del_ta"]),
        ("CreatedDate != TODAY", ["Alpha", "Beta", "Gamma"]),
        ("CreatedDate = YESTERDAY", ["Gamma"]),
        ("CreatedDate = LAST_N_DAYS:2", ["Beta", "Gamma", "Del_ta"]),
        ("CreatedDate < LAST_N_DAYS:2", ["Alpha"]),
        ("CreatedDate >= YESTERDAY", ["Gamma", "Del_ta"]),
        ("CreatedDate > YESTERDAY", ["Del_ta"]),
        ("CreatedDate <= YESTERDAY", ["Alpha", "Beta", "Gamma"]),
        ("CreatedDate = THIS_WEEK", ["Alpha", "Beta", "Gamma", "Del_ta"]),
        ("CreatedDate = LAST_MONTH", []),
        ("CreatedDate = THIS_YEAR", ["Alpha", "Beta", "Gamma", "Del_ta"]),
        ("CreatedDate = NEXT_N_DAYS:3", []),
        ("CreatedDate = N_DAYS_AGO:1", ["Gamma"]),
        ("CreatedDate > 2026-11-20T00:00:00Z", ["Gamma", "Del_ta"]),
        ("CreatedDate = 2026-11-18T10:30:00+01:00", ["Alpha"]),
        ("Owner.Name = 'ada admin' AND Lead.LastName = 'Beta'", ["Beta"]),
        ("Owner.Type = 'User' AND LastName = 'Beta'", ["Beta"]),
        ("ConvertedContact.Email = null AND LastName = 'Beta'", ["Beta"]),
        ("ConvertedContact.IsEmailBounced = false AND LastName = 'Beta'", ["Beta"]),
    ],
)
@pytest.mark.usefixtures("people")
async def test_a_condition_finds_its_rows(org: OrgClient, condition: str, expected: list[str]) -> None:
    org.clock.moment = org.clock.moment.replace(day=21, hour=23)
    rows = await org.rows(f"SELECT LastName FROM Lead WHERE {condition}")
    assert [row["LastName"] for row in rows] == expected


async def test_ids_are_found_in_either_length(org: OrgClient, people: dict[str, str]) -> None:
    record_id = people["Beta"]
    for given in (record_id, record_id[:15]):
        assert [r["Id"] for r in await org.rows(f"SELECT Id FROM Lead WHERE Id = '{given}'")] == [record_id]
    assert await org.rows("SELECT Id FROM Lead WHERE Id = '0035g0000000001AAA'") == []
    assert await org.rows("SELECT Id FROM Lead WHERE Id = ''") == []


@pytest.mark.parametrize(
    ("clauses", "expected"),
    [
        ("ORDER BY LastName", ["Alpha", "Beta", "Del_ta", "Gamma"]),
        ("ORDER BY LastName DESC LIMIT 2", ["Gamma", "Del_ta"]),
        ("ORDER BY Email", ["Gamma", "Alpha", "Del_ta", "Beta"]),
        ("ORDER BY Email DESC NULLS LAST", ["Beta", "Del_ta", "Alpha", "Gamma"]),
        ("ORDER BY Company, LastName DESC", ["Del_ta", "Gamma", "Alpha", "Beta"]),
        ("ORDER BY Owner.Name, CreatedDate DESC LIMIT 1 OFFSET 1", ["Gamma"]),
    ],
)
@pytest.mark.usefixtures("people")
async def test_rows_come_in_the_order_asked(org: OrgClient, clauses: str, expected: list[str]) -> None:
    rows = await org.rows(f"SELECT LastName FROM Lead {clauses}")
    assert [row["LastName"] for row in rows] == expected


async def test_a_record_shows_what_was_selected(org: OrgClient, people: dict[str, str]) -> None:
    session = await org.sign_in()
    soql = "SELECT l.email, Owner.Name, Owner.Type, ConvertedContact.Name FROM Lead l "
    soql += f"WHERE Id = '{people['Beta']}'"

    (row,) = await org.rows(soql)

    owner_url = f"/services/data/v62.0/sobjects/User/{session['user_id']}"
    assert row == {
        "attributes": {"type": "Lead", "url": f"/services/data/v62.0/sobjects/Lead/{people['Beta']}"},
        "Email": "O'Brien@example.com",
        "Owner": {"attributes": {"type": "Name", "url": owner_url}, "Name": "Ada Admin", "Type": "User"},
        "ConvertedContact": None,
    }


async def test_children_are_nested_or_null(org: OrgClient) -> None:
    campaign_id = await org.create("Campaign", Name="Fair")
    soql = "SELECT Id, (SELECT Label FROM CampaignMemberStatuses ORDER BY Label LIMIT 1), "
    soql += "(SELECT Id FROM CampaignMembers WHERE HasResponded = true) FROM Campaign"

    (row,) = await org.rows(soql)

    assert row["Id"] == campaign_id
    assert row["CampaignMembers"] is None
    nested = row["CampaignMemberStatuses"]
    assert (nested["totalSize"], nested["done"]) == (1, True)
    assert [child["Label"] for child in nested["records"]] == ["Responded"]


async def test_members_are_found_by_their_person(org: OrgClient) -> None:
    campaign_id = await org.create("Campaign", Name="Fair")
    lead_id = await org.lead(Email="a@example.com")
    account_id = await org.create("Account", Name="Acme")
    contact_id = await org.create("Contact", LastName="C", Email="c@example.com", AccountId=account_id)
    await org.create("CampaignMember", CampaignId=campaign_id, LeadId=lead_id)
    await org.create("CampaignMember", CampaignId=campaign_id, ContactId=contact_id)

    soql = (
        "SELECT LeadId, ContactId, Email, CompanyOrAccount, Type, LeadOrContactId FROM CampaignMember WHERE "
    )
    by_lead = await org.rows(
        soql + f"CampaignId IN ('{campaign_id}') AND Lead.Email IN ('A@example.com', 'x')"
    )
    by_contact = await org.rows(soql + "Contact.Account.Name = 'acme' OR Contact.Id = '0035g00000000zzAAA'")

    assert [(r["LeadId"], r["Email"], r["CompanyOrAccount"], r["Type"]) for r in by_lead] == [
        (lead_id, "a@example.com", "Acme", "Lead")
    ]
    assert [(r["LeadOrContactId"], r["Email"], r["CompanyOrAccount"], r["Type"]) for r in by_contact] == [
        (contact_id, "c@example.com", "Acme", "Contact")
    ]
    (campaign,) = await org.rows(
        "SELECT NumberOfLeads, NumberOfContacts, NumberOfResponses, NumberOfConvertedLeads FROM Campaign"
    )
    assert [campaign[name] for name in campaign if name != "attributes"] == [1, 1, 0, 0]


@pytest.mark.usefixtures("people")
class TestAggregates:
    async def test_count_is_a_size_without_records(self, org: OrgClient) -> None:
        answer = await org.query("SELECT COUNT() FROM Lead WHERE Company = 'acme'")
        assert answer.json() == {"totalSize": 2, "done": True, "records": []}

    async def test_functions_are_named_by_their_place(self, org: OrgClient) -> None:
        (row,) = await org.rows(
            "SELECT COUNT(Id), COUNT(Email) mails, COUNT_DISTINCT(Company), SUM(AnnualRevenue), "
            "AVG(NumberOfEmployees), MIN(LastName), MAX(CreatedDate) FROM Lead"
        )
        assert row == {
            "attributes": {"type": "AggregateResult"},
            "expr0": 4,
            "mails": 3,
            "expr1": 4,
            "expr2": 10.5,
            "expr3": 7,
            "expr4": "Alpha",
            "expr5": "2026-11-21T09:30:00.000+0000",
        }

    async def test_groups_are_counted_and_filtered(self, org: OrgClient) -> None:
        await org.lead(Company="Byte")
        rows = await org.rows(
            "SELECT Company, COUNT(Id) FROM Lead GROUP BY Company "
            "HAVING COUNT(Id) > 1 OR (Company = '100% Co') ORDER BY COUNT(Id) DESC, Company LIMIT 5"
        )
        assert [(r["Company"], r["expr0"]) for r in rows] == [("Byte", 2), ("100% Co", 1)]

    async def test_nothing_has_no_sum(self, org: OrgClient) -> None:
        (row,) = await org.rows(
            "SELECT SUM(AnnualRevenue) s, AVG(AnnualRevenue) a FROM Lead WHERE Name = 'x'"
        )
        assert (row["s"], row["a"]) == (None, None)

    async def test_an_ungrouped_field_is_refused(self, org: OrgClient) -> None:
        answer = await org.query("SELECT Company, COUNT(Id) FROM Lead")
        assert answer.json()[0]["message"].endswith("Field must be grouped or aggregated: Company")


async def test_an_offset_is_limited(org: OrgClient) -> None:
    answer = await org.query("SELECT Id FROM Lead OFFSET 2001")
    assert answer.json()[0]["errorCode"] == "NUMBER_OUTSIDE_VALID_RANGE"


async def test_a_query_must_be_given(org: OrgClient) -> None:
    answer = await org.data("GET", "/query")
    expected = [{"message": "A query string has to be specified", "errorCode": "MALFORMED_QUERY"}]
    assert answer.json() == expected


async def test_fields_functions_select_all_of_a_kind(org: OrgClient) -> None:
    await org.lead(External_Id__c="e-1")
    (custom,) = await org.rows("SELECT FIELDS(CUSTOM) FROM Lead LIMIT 1")
    (standard,) = await org.rows("SELECT FIELDS(STANDARD) FROM Lead")
    assert custom["External_Id__c"] == "e-1"
    assert "External_Id__c" not in standard
    assert standard["LastName"] == "Doe"


async def test_a_semi_join_takes_ids_of_another_query(org: OrgClient) -> None:
    campaign_id = await org.create("Campaign", Name="Fair")
    member, other = await org.lead(LastName="In"), await org.lead(LastName="Out")
    await org.create("CampaignMember", CampaignId=campaign_id, LeadId=member)
    inner = "(SELECT LeadId FROM CampaignMember WHERE Status = 'Sent')"

    inside = await org.rows(f"SELECT Id FROM Lead WHERE Id IN {inner}")
    outside = await org.rows(f"SELECT Id FROM Lead WHERE Id NOT IN {inner}")

    assert ([r["Id"] for r in inside], [r["Id"] for r in outside]) == ([member], [other])


async def test_who_and_what_show_what_they_point_to(org: OrgClient) -> None:
    account_id = await org.create("Account", Name="Acme")
    contact_id = await org.create("Contact", LastName="C", Email="c@example.com")
    await org.create("Task", WhoId=contact_id, WhatId=account_id, Subject="Call")

    (row,) = await org.rows(
        "SELECT Who.Name, Who.Type, What.Name FROM Task WHERE Who.Email = 'C@example.com'"
    )

    assert (row["Who"]["Name"], row["Who"]["Type"], row["What"]["Name"]) == ("C", "Contact", "Acme")


async def test_the_same_query_is_shown_as_each_version_and_each_resource_has_it(org: OrgClient) -> None:
    account_id = await org.create("Account", Name="Acme")
    contact_id = await org.create("Contact", LastName="Doe", AccountId=account_id)
    await org.data("DELETE", f"/sobjects/Contact/{contact_id}")
    soql = "SELECT Id, (SELECT Id FROM Contacts) FROM Account"

    async def shown(of: OrgClient, resource: str) -> tuple[str, int]:
        [row] = await of.rows(soql, resource)
        return row["attributes"]["url"], len((row["Contacts"] or {"records": []})["records"])

    found = [await shown(org, "query"), await shown(org, "queryAll")]
    older = await shown(replace(org, version="61.0"), "query")

    url = f"/services/data/v62.0/sobjects/Account/{account_id}"
    assert found == [(url, 0), (url, 1)]
    assert older == (url.replace("62", "61"), 0)
