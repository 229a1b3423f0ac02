"""Paths of relationships in `fields=`, keys in place of lookups, and conditional requests."""

from typing import Any

import pytest

from support.client import OrgClient


async def test_fields_may_follow_relationships(org: OrgClient) -> None:
    account_id = await org.create("Account", Name="Acme")
    contact_id = await org.create("Contact", LastName="Doe", AccountId=account_id)
    path = f"/sobjects/Contact/{contact_id}?fields=LastName,Account.Name,ReportsTo.Name,Account.Owner.Alias"
    row = (await org.data("GET", path)).json()
    assert (row["LastName"], row["Account"]["Name"], row["ReportsTo"]) == ("Doe", "Acme", None)
    assert row["Account"]["attributes"]["url"] == f"/services/data/v62.0/sobjects/Account/{account_id}"
    assert row["Account"]["Owner"]["Alias"] == "aadmin"
    refused = await org.data("GET", f"/sobjects/Contact/{contact_id}?fields=Nobody.Name")
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "INVALID_FIELD")


async def test_a_key_stands_in_for_a_lookup(org: OrgClient) -> None:
    user = org.app.simulator.default_org.store.get("User", org.app.simulator.default_org.admin_id)
    assert user is not None
    contact_id = await org.create("Contact", LastName="Doe", Owner={"Username": user["Username"].upper()})
    assert (await org.get("Contact", contact_id))["OwnerId"] == user["Id"]
    await org.lead(External_Id__c="A")
    who = {"attributes": {"type": "Lead"}, "External_Id__c": "A"}
    task = await org.get("Task", await org.create("Task", Who=who))
    assert task["WhoId"].startswith("00Q")
    by_type = {"type": "Lead", "External_Id__c": "A"}
    assert (await org.data("PATCH", f"/sobjects/Task/{task['Id']}", {"Who": by_type})).status_code == 204


@pytest.mark.parametrize(
    ("who", "code"),
    [
        ({"External_Id__c": "A"}, "INVALID_FIELD"),
        ({"attributes": {"type": "Account"}, "External_Id__c": "A"}, "INVALID_FIELD"),
        ({"attributes": {"type": "Lead"}, "Company": "Acme"}, "INVALID_FIELD"),
        ({"attributes": {"type": "Lead"}}, "INVALID_FIELD"),
        ({"attributes": {"type": "Lead"}, "Email": "twin@example.com"}, "DUPLICATE_EXTERNAL_ID"),
    ],
    ids=["no object named", "object that does not fit", "no key field", "no field", "several rows"],
)
async def test_a_key_that_names_no_one_row_is_refused(org: OrgClient, who: dict[str, Any], code: str) -> None:
    await org.lead(External_Id__c="A", Email="twin@example.com")
    await org.lead(Email="twin@example.com")
    answer = await org.data("POST", "/sobjects/Task", {"Who": who})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


async def conditional(org: OrgClient, method: str, path: str, **headers: str) -> tuple[int, bytes]:
    body = {"Site": "x"} if method == "PATCH" else None
    answer = await org.data(method, path, body, **headers)
    return answer.status_code, answer.content[:1]


async def test_a_row_that_did_not_change_is_not_sent_again(org: OrgClient) -> None:
    path = f"/sobjects/Lead/{await org.lead()}"
    stamp = (await org.data("GET", path)).headers["last-modified"]
    assert stamp == "Sat, 21 Nov 2026 10:00:00 GMT"
    assert await conditional(org, "GET", path, If_Modified_Since=stamp) == (304, b"")
    assert await conditional(org, "GET", path, If_Modified_Since="no date") == (200, b"{")
    org.clock.advance(seconds=1)
    await org.data("PATCH", path, {"Title": "CTO"})
    assert await conditional(org, "GET", path, If_Modified_Since=stamp) == (200, b"{")
    assert await conditional(org, "PATCH", path, If_Unmodified_Since=stamp) == (412, b"")


async def test_entity_tags_are_for_accounts_only(org: OrgClient) -> None:
    path = f"/sobjects/Account/{await org.create('Account', Name='Acme')}"
    tag = (await org.data("GET", path)).headers["etag"]
    assert await conditional(org, "GET", path, If_None_Match=tag) == (304, b"")
    assert (await conditional(org, "PATCH", path, If_Match=tag))[0] == 204
    assert (await conditional(org, "PATCH", path, If_Match=tag))[0] == 412
    lead = await org.data("GET", f"/sobjects/Lead/{await org.lead()}")
    assert "etag" not in lead.headers
