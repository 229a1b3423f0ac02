"""Record types, and accounts that are persons."""

from typing import Any

import pytest

from support.client import OrgClient

BUSINESS, TRAP, PERSON = "0125g0000000001AAA", "0125g0000000002AAA", "0125g0000000003AAA"
JANE = {"RecordTypeId": PERSON, "FirstName": "Jane", "LastName": "Doe", "PersonEmail": "jane@example.com"}


@pytest.fixture
async def people(org: OrgClient) -> OrgClient:
    await org.configure(has_person_accounts=True)
    return org


async def contact_of(org: OrgClient, account_id: str) -> dict[str, Any]:
    account = await org.get("Account", account_id)
    return await org.get("Contact", account["PersonContactId"])


async def code_of(org: OrgClient, method: str, path: str, body: Any = None) -> str:
    answer = await org.data(method, path, body)
    assert answer.status_code == 400, answer.text
    return str(answer.json()[0]["errorCode"])


async def test_a_person_account_has_a_contact_behind_it(people: OrgClient) -> None:
    account_id = await people.create("Account", **JANE, PersonMailingCity="Berlin")
    account = await people.get("Account", account_id)
    contact = await contact_of(people, account_id)
    assert (account["Name"], account["IsPersonAccount"]) == ("Jane Doe", True)
    assert (contact["Name"], contact["Email"], contact["MailingCity"]) == (
        "Jane Doe",
        "jane@example.com",
        "Berlin",
    )
    found = await people.rows(
        "SELECT Id FROM Contact WHERE Email = 'JANE@example.com' AND IsPersonAccount = true"
    )
    assert [row["Id"] for row in found] == [contact["Id"]]
    assert await people.create("Task", WhoId=contact["Id"], Subject="Registered")


async def test_the_contact_and_the_account_follow_each_other(people: OrgClient) -> None:
    account_id = await people.create("Account", **JANE)
    await people.data("PATCH", f"/sobjects/Account/{account_id}", {"LastName": "Roe", "PersonTitle": "CTO"})
    contact = await contact_of(people, account_id)
    assert (contact["Name"], contact["Title"]) == ("Jane Roe", "CTO")
    await people.data("PATCH", f"/sobjects/Contact/{contact['Id']}", {"Title": "CEO"})
    assert (await people.get("Account", account_id))["PersonTitle"] == "CEO"


async def test_the_contact_cannot_be_touched_by_itself(people: OrgClient) -> None:
    account_id = await people.create("Account", **JANE)
    contact = await contact_of(people, account_id)
    path = f"/sobjects/Contact/{contact['Id']}"
    codes = [
        await code_of(people, "PATCH", path, {"LastName": "Roe"}),
        await code_of(people, "DELETE", path),
        await code_of(people, "POST", "/sobjects/Contact", {"LastName": "X", "AccountId": account_id}),
    ]
    assert codes == ["INVALID_PERSON_ACCOUNT_OPERATION"] * 3
    assert (await people.data("DELETE", f"/sobjects/Account/{account_id}")).status_code == 204
    assert (await people.data("GET", path)).status_code == 404


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"LastName": "Doe"}, "Account: bad field names on insert/update call: LastName"),
        ({**JANE, "Name": "Doe"}, "Account: bad field names on insert/update call: Name"),
        ({"RecordTypeId": PERSON}, "Required fields are missing: [LastName]"),
        ({"RecordTypeId": TRAP}, "Required fields are missing: [Name]"),
    ],
    ids=["person's fields on a business", "name of a person", "no last name", "the other type of that name"],
)
async def test_the_record_type_decides_which_fields_fit(
    people: OrgClient, body: dict[str, Any], message: str
) -> None:
    answer = await people.data("POST", "/sobjects/Account", body)
    assert (answer.status_code, answer.json()[0]["message"]) == (400, message)


async def test_a_person_account_keeps_its_compound_name(people: OrgClient) -> None:
    account_id = await people.create("Account", **JANE)
    path = f"/sobjects/Account/{account_id}"
    assert await code_of(people, "PATCH", path, {"Name": "X"}) == "INVALID_FIELD_FOR_INSERT_UPDATE"
    acme = await people.create("Account", Name="Acme")
    assert await code_of(people, "PATCH", f"/sobjects/Account/{acme}", {"PersonEmail": "a@example.com"}) == (
        "INVALID_FIELD_FOR_INSERT_UPDATE"
    )


async def test_two_record_types_share_a_developer_name(people: OrgClient) -> None:
    soql = "SELECT Id, IsPersonType FROM RecordType WHERE DeveloperName = 'PersonAccount' AND IsActive = true"
    assert {row["Id"]: row["IsPersonType"] for row in await people.rows(soql)} == {TRAP: False, PERSON: True}
    infos = (await people.data("GET", "/sobjects/Account/describe")).json()["recordTypeInfos"]
    names = [(one["developerName"], one["defaultRecordTypeMapping"], one["master"]) for one in infos]
    assert names == [
        ("Organization", True, False),
        ("PersonAccount", False, False),
        ("PersonAccount", False, False),
        ("Master", False, True),
    ]
    fields = (await people.data("GET", "/sobjects/Account/describe")).json()["fields"]
    assert next(f for f in fields if f["name"] == "Name")["nillable"] is True


async def test_rows_get_the_default_record_type_of_their_object(org: OrgClient) -> None:
    kinds = [
        {"sobject": "Lead", "developer_name": "Guest"},
        {"sobject": "Lead", "developer_name": "Visitor", "name": "A visitor", "is_default": True},
    ]
    await org.configure(record_types=kinds)
    lead = await org.get("Lead", await org.lead())
    assert lead["RecordTypeId"] == "0125g0000000002AAA"
    soql = "SELECT RecordType.Name FROM Lead"
    assert [row["RecordType"]["Name"] for row in await org.rows(soql)] == ["A visitor"]
    await org.configure(record_types=kinds[:1])
    active = await org.rows("SELECT DeveloperName FROM RecordType WHERE IsActive = true")
    assert [row["DeveloperName"] for row in active] == ["Guest"]
