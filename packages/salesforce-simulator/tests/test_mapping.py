"""What a mapping of people and fields meets in an org: headers, look-ups, picklists, numbers."""

from typing import Any

import pytest

from support.client import OrgClient

ALERT = {"sobject": "Lead", "action": "alert"}
SAVE = {"Sforce_Duplicate_Rule_Header": "allowSave=true"}
TWIN = {"LastName": "Doe", "Company": "Acme", "Email": "jane@example.com"}
PERSON = "0125g0000000003AAA"


@pytest.fixture
async def alerted(org: OrgClient) -> OrgClient:
    await org.lead(Email="jane@example.com")
    await org.configure(duplicate_rules=[ALERT])
    return org


async def single(org: OrgClient, **headers: str) -> bool:
    return (await org.data("POST", "/sobjects/Lead", TWIN, **headers)).status_code == 201


async def collection(org: OrgClient, **headers: str) -> bool:
    body = {"allOrNone": False, "records": [{"attributes": {"type": "Lead"}, **TWIN}]}
    answer = await org.data("POST", "/composite/sobjects", body, **headers)
    return bool(answer.json()[0]["success"])


async def packed(org: OrgClient, part: dict[str, Any], **headers: str) -> Any:
    body = {"compositeRequest": [{"method": "POST", "referenceId": "one", **part}]}
    answer = (await org.data("POST", "/composite", body, **headers)).json()
    return answer["compositeResponse"][0]


async def subrequest(org: OrgClient, **headers: str) -> bool:
    """The header stands on the part of the composite, not on the composite."""
    own = {name.replace("_", "-"): value for name, value in headers.items()}
    part = {"url": f"{org.root}/sobjects/Lead", "body": TWIN, "httpHeaders": own}
    return bool((await packed(org, part))["httpStatusCode"] == 201)


async def whole_composite(org: OrgClient, **headers: str) -> bool:
    part = {"url": f"{org.root}/sobjects/Lead", "body": TWIN}
    return bool((await packed(org, part, **headers))["httpStatusCode"] == 201)


async def collection_in_composite(org: OrgClient, **headers: str) -> bool:
    own = {name.replace("_", "-"): value for name, value in headers.items()}
    records = [{"attributes": {"type": "Lead"}, **TWIN}]
    part = {
        "url": f"{org.root}/composite/sobjects",
        "body": {"allOrNone": False, "records": records},
        "httpHeaders": own,
    }
    return bool((await packed(org, part))["body"][0]["success"])


WAYS = [single, collection, subrequest, collection_in_composite]


@pytest.mark.parametrize("create", WAYS, ids=lambda way: way.__name__)
async def test_an_alert_rule_lets_pass_what_asks_for_it(alerted: OrgClient, create: Any) -> None:
    assert not await create(alerted)
    assert await create(alerted, **SAVE)


async def test_what_a_composite_asks_for_does_not_reach_its_parts(alerted: OrgClient) -> None:
    assert not await whole_composite(alerted, **SAVE)


@pytest.mark.parametrize("create", WAYS, ids=lambda way: way.__name__)
async def test_a_block_rule_lets_nothing_pass(alerted: OrgClient, create: Any) -> None:
    await alerted.configure(duplicate_rules=[{**ALERT, "action": "block"}])
    assert not await create(alerted, **SAVE)


async def test_the_header_is_off_when_it_says_so(alerted: OrgClient) -> None:
    assert not await single(alerted, Sforce_Duplicate_Rule_Header="allowSave=false")


class TestLookups:
    async def test_record_types_by_object_and_name(self, org: OrgClient) -> None:
        await org.configure(
            has_person_accounts=True,
            record_types=[
                {"sobject": "Lead", "developer_name": "Guest"},
                {"sobject": "Contact", "developer_name": "Guest"},
                {"sobject": "Account", "developer_name": "Firm"},
                {"sobject": "Account", "developer_name": "Person", "is_person_type": True},
            ],
        )
        of_people = (
            "SELECT Id, DeveloperName FROM RecordType WHERE SobjectType = 'Account' AND IsPersonType = true"
        )
        named = (
            "SELECT SobjectType FROM RecordType WHERE SobjectType IN ('Lead', 'Contact')"
            " AND DeveloperName IN ('Guest') AND IsActive = true ORDER BY SobjectType"
        )
        assert [row["DeveloperName"] for row in await org.rows(of_people)] == ["Person"]
        assert [row["SobjectType"] for row in await org.rows(named)] == ["Contact", "Lead"]

    async def test_users_by_email(self, org: OrgClient) -> None:
        [user] = await org.rows("SELECT Email FROM User WHERE IsActive = true LIMIT 1")
        found = await org.rows(
            f"SELECT Email FROM User WHERE IsActive = true AND Email IN ('{user['Email'].upper()}', 'x@y.z')"
        )
        assert [row["Email"] for row in found] == [user["Email"]]

    async def test_users_say_whether_they_may_make_campaigns(self, org: OrgClient) -> None:
        soql = "SELECT UserPermissionsMarketingUser FROM User LIMIT 1"
        seen = []
        for is_one in (False, True):
            await org.configure(is_marketing_user=is_one)
            seen += [row["UserPermissionsMarketingUser"] for row in await org.rows(soql)]
        assert seen == [False, True]

    async def test_accounts_by_name(self, org: OrgClient) -> None:
        for name in ("River Ltd", "RIVER LTD", "River Bank"):
            await org.create("Account", Name=name)
        exact = await org.rows(
            "SELECT Name FROM Account WHERE Name IN ('river ltd') ORDER BY CreatedDate, Id"
        )
        alike = await org.rows("SELECT Name FROM Account WHERE Name LIKE 'river%'")
        assert [row["Name"] for row in exact] == ["River Ltd", "RIVER LTD"]
        assert len(alike) == 3

    @pytest.mark.parametrize("sobject", ["Lead", "Contact"])
    async def test_people_by_an_external_id_of_the_org(self, org: OrgClient, sobject: str) -> None:
        lines = ["Legacy__c | string(20) | CUNLX | Legacy id"]
        await org.configure(extra_fields={"Lead": lines, "Contact": lines})
        own = {"Company": "Acme"} if sobject == "Lead" else {}
        record_id = await org.create(sobject, LastName="Doe", Legacy__c="p-1", **own)
        for resource in ("query", "queryAll"):
            soql = f"SELECT Id, Legacy__c FROM {sobject} WHERE Legacy__c IN ('P-1', 'p-2')"
            assert [row["Id"] for row in await org.rows(soql, resource)] == [record_id]
        described = (await org.data("GET", f"/sobjects/{sobject}/describe")).json()["fields"]
        assert next(f["externalId"] for f in described if f["name"] == "Legacy__c") is True

    async def test_person_contact_of_an_account(self, org: OrgClient) -> None:
        await org.configure(has_person_accounts=True)
        account_id = await org.create(
            "Account", RecordTypeId=PERSON, LastName="Doe", PersonEmail="jane@example.com"
        )
        [account] = await org.rows(f"SELECT PersonContactId FROM Account WHERE Id IN ('{account_id}')")
        [contact] = await org.rows("SELECT Id, IsPersonAccount FROM Contact WHERE Email = 'jane@example.com'")
        assert (contact["Id"], contact["IsPersonAccount"]) == (account["PersonContactId"], True)


class TestPersonFields:
    @pytest.fixture
    async def people(self, org: OrgClient) -> OrgClient:
        lines = ["Diet__c | string(20) | CUN", "HasOptedOutOfEmail | boolean | CUD"]
        await org.configure(has_person_accounts=True, extra_fields={"Contact": lines})
        return org

    async def test_custom_fields_of_contacts_are_fields_of_person_accounts(self, people: OrgClient) -> None:
        fields = {"Diet__pc": "vegan", "PersonHasOptedOutOfEmail": True}
        account_id = await people.create("Account", RecordTypeId=PERSON, LastName="Doe", **fields)
        account = await people.get("Account", account_id)
        contact = await people.get("Contact", account["PersonContactId"])
        assert (contact["Diet__c"], contact["HasOptedOutOfEmail"]) == ("vegan", True)
        await people.data("PATCH", f"/sobjects/Contact/{contact['Id']}", {"Diet__c": "none"})
        assert (await people.get("Account", account_id))["Diet__pc"] == "none"

    async def test_a_business_has_none_of_them(self, people: OrgClient) -> None:
        answer = await people.data("POST", "/sobjects/Account", {"Name": "Acme", "Diet__pc": "vegan"})
        assert answer.json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"

    async def test_they_are_described_as_custom(self, people: OrgClient) -> None:
        fields = (await people.data("GET", "/sobjects/Account/describe")).json()["fields"]
        assert [each["custom"] for each in fields if each["name"] == "Diet__pc"] == [True]


FIELDS = [
    "Shirt__c | picklist(40) | CUNR | Shirt | S; M; L",
    "Diets__c | multipicklist(40) | CUNR | Diets | vegan; no nuts",
    "Loose__c | picklist(40) | CUN | Loose | S",
    "Amount__c | double | CUN | Amount",
    "Note__c | string(4) | CUN | Note",
]


class TestValues:
    @pytest.fixture
    async def mapped(self, org: OrgClient) -> OrgClient:
        kinds = [
            {"sobject": "Lead", "developer_name": "Guest", "picklists": {"Shirt__c": ["S"], "Loose__c": []}},
            {"sobject": "Lead", "developer_name": "Crew", "is_default": True},
        ]
        await org.configure(extra_fields={"Lead": FIELDS}, record_types=kinds)
        return org

    @pytest.mark.parametrize(
        ("fields", "code"),
        [
            pytest.param({"Shirt__c": "M"}, None, id="restricted, listed"),
            pytest.param({"Shirt__c": "XL"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", id="not listed"),
            pytest.param({"Shirt__c": None}, None, id="nothing"),
            pytest.param({"Diets__c": "vegan;no nuts"}, None, id="several, listed"),
            pytest.param(
                {"Diets__c": "vegan;meat"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", id="one of several"
            ),
            pytest.param({"Loose__c": "anything"}, None, id="not restricted"),
            pytest.param({"Amount__c": 1e20}, "NUMBER_OUTSIDE_VALID_RANGE", id="number too large"),
            pytest.param({"Amount__c": 10**400}, "NUMBER_OUTSIDE_VALID_RANGE", id="number beyond all"),
            pytest.param({"NumberOfEmployees": 10**8}, "NUMBER_OUTSIDE_VALID_RANGE", id="nine digits"),
            pytest.param({"NumberOfEmployees": 10**400}, "NUMBER_OUTSIDE_VALID_RANGE", id="int beyond all"),
            pytest.param({"NumberOfEmployees": 99_999_999}, None, id="eight digits"),
            pytest.param({"NumberOfEmployees": 1.5}, "JSON_PARSER_ERROR", id="no whole number"),
            pytest.param({"Note__c": "\N{GRINNING FACE}" * 2}, None, id="two characters of two units"),
            pytest.param({"Note__c": "\N{GRINNING FACE}" * 3}, "STRING_TOO_LONG", id="six units"),
        ],
    )
    async def test_what_fields_take(
        self, mapped: OrgClient, fields: dict[str, Any], code: str | None
    ) -> None:
        answer = await mapped.data("POST", "/sobjects/Lead", {"LastName": "Doe", "Company": "Acme", **fields})
        assert (answer.json()[0]["errorCode"] if answer.status_code != 201 else None) == code

    async def test_a_record_type_has_some_values_of_a_restricted_picklist(self, mapped: OrgClient) -> None:
        guest = (await mapped.rows("SELECT Id FROM RecordType WHERE DeveloperName = 'Guest'"))[0]["Id"]
        lead_id = await mapped.lead(RecordTypeId=guest, Shirt__c="S", Loose__c="anything")
        path = f"/sobjects/Lead/{lead_id}"
        refused = await mapped.data("PATCH", path, {"Shirt__c": "M"})
        assert refused.json() == [
            {
                "errorCode": "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                "fields": ["Shirt__c"],
                "message": "Shirt: bad value for restricted picklist field: M",
            }
        ]
        assert (await mapped.data("PATCH", path, {"Company": "River"})).status_code == 204
        assert await mapped.lead(Shirt__c="M")
