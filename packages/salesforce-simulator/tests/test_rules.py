"""Duplicate, validation, required and assignment rules, permissions and visibility."""

from typing import Any

import pytest

from support.client import OrgClient

LEAD = {"LastName": "Doe", "Company": "Acme"}
TEXT = "You're creating a duplicate record."


async def duplicate(org: OrgClient, **headers: str) -> Any:
    body = {**LEAD, "Email": "JANE@example.com"}
    return (await org.data("POST", "/sobjects/Lead", body, **headers)).json()


class TestDuplicates:
    async def test_a_block_rule_shows_every_match(self, org: OrgClient) -> None:
        contact_id = await org.create("Contact", LastName="Doe", Email="jane@example.com")
        lead_id = await org.lead(Email="jane@example.com")
        rule = {"sobject": "Lead", "name": "Leads_DR", "against": ["Contact", "Lead"], "message": TEXT}
        await org.configure(duplicate_rules=[rule])

        (error,) = await duplicate(org)

        def match(name: str, record_id: str) -> dict[str, Any]:
            url = f"/services/data/v62.0/sobjects/{name}/{record_id}"
            record = {"attributes": {"type": name, "url": url}, "Id": record_id}
            found = {
                "additionalInformation": [],
                "fieldDiffs": [],
                "matchConfidence": 100.0,
                "record": record,
            }
            return {
                "entityType": name,
                "errors": [],
                "matchEngine": "ExactMatchEngine",
                "matchRecords": [found],
                "rule": f"{name}_MR",
                "size": 1,
                "success": True,
            }

        result = {
            "allowSave": False,
            "duplicateRule": "Leads_DR",
            "duplicateRuleEntityType": "Lead",
            "errorMessage": TEXT,
            "matchResults": [match("Contact", contact_id), match("Lead", lead_id)],
        }
        assert error == {"duplicateResult": result, "errorCode": "DUPLICATES_DETECTED", "message": TEXT}

    @pytest.mark.parametrize(
        ("version", "key"),
        [("50.0", "duplicateResut"), ("56.0", "duplicateResut"), ("60.0", "duplicateResult")],
    )
    async def test_old_versions_misspell_the_result(self, org: OrgClient, version: str, key: str) -> None:
        await org.lead(Email="jane@example.com")
        await org.configure(duplicate_rules=[{"sobject": "Lead"}])
        org.version = version
        (error,) = await duplicate(org)
        assert key in error

    @pytest.mark.parametrize(
        ("action", "header", "code"),
        [
            pytest.param("alert", "allowSave=true", None, id="alert bypassed"),
            pytest.param("alert", "allowSave=false", "DUPLICATES_DETECTED", id="alert"),
            pytest.param("block", "allowSave=true", "DUPLICATES_DETECTED", id="block cannot be bypassed"),
        ],
    )
    async def test_the_header_passes_alerts_only(
        self, org: OrgClient, action: str, header: str, code: str | None
    ) -> None:
        await org.lead(Email="jane@example.com")
        await org.configure(duplicate_rules=[{"sobject": "Lead", "action": action}])
        answer = await duplicate(org, Sforce_Duplicate_Rule_Header=header)
        assert (answer[0]["errorCode"] if code else answer["success"]) == (code or True)
        if code:
            assert answer[0]["duplicateResult"]["allowSave"] is (action == "alert")

    async def test_details_are_added_when_asked(self, org: OrgClient) -> None:
        await org.lead(Email="jane@example.com")
        await org.configure(duplicate_rules=[{"sobject": "Lead"}])
        (error,) = await duplicate(
            org, Sforce_Duplicate_Rule_Header="allowSave=false; includeRecordDetails=true"
        )
        record = error["duplicateResult"]["matchResults"][0]["matchRecords"][0]["record"]
        assert record["Email"] == "jane@example.com"

    async def test_a_collection_hides_the_match(self, org: OrgClient) -> None:
        await org.lead(Email="jane@example.com")
        await org.configure(duplicate_rules=[{"sobject": "Lead"}])
        rows = [{"attributes": {"type": "Lead"}, **LEAD, "Email": "jane@example.com"}]
        answer = await org.data("POST", "/composite/sobjects", {"records": rows})
        error = {"statusCode": "DUPLICATES_DETECTED", "message": "Use one of these records?", "fields": []}
        assert answer.json() == [{"success": False, "errors": [error]}]

    async def test_an_update_can_collide_too(self, org: OrgClient) -> None:
        await org.lead(Email="jane@example.com")
        other = await org.lead(Email="john@example.com")
        await org.configure(duplicate_rules=[{"sobject": "Lead"}])
        answer = await org.data("PATCH", f"/sobjects/Lead/{other}", {"Email": "jane@example.com"})
        assert answer.json()[0]["errorCode"] == "DUPLICATES_DETECTED"
        assert (await org.data("PATCH", f"/sobjects/Lead/{other}", {"Title": "CTO"})).status_code == 204
        await org.configure(duplicate_rules=[{"sobject": "Lead", "on": ["insert"]}])
        answer = await org.data("PATCH", f"/sobjects/Lead/{other}", {"Email": "jane@example.com"})
        assert answer.status_code == 204

    async def test_converted_and_invisible_records_do_not_show(self, org: OrgClient) -> None:
        lead_id = await org.lead(Email="jane@example.com")
        await org.configure(duplicate_rules=[{"sobject": "Lead", "is_match_visible": False}])
        (error,) = await duplicate(org)
        assert error["duplicateResult"]["matchResults"] == []
        await org.door("POST", "convert", {"leadId": lead_id})
        assert (await duplicate(org))["success"] is True

    async def test_a_hidden_record_matches_without_its_id(self, org: OrgClient) -> None:
        lead_id = await org.lead(Email="jane@example.com")
        await org.configure(duplicate_rules=[{"sobject": "Lead"}], hidden_records=[lead_id])
        (error,) = await duplicate(org)
        (result,) = error["duplicateResult"]["matchResults"]
        assert (result["size"], result["matchRecords"]) == (0, [])

    @pytest.mark.parametrize(
        ("fields", "is_refused"),
        [
            pytest.param({"FirstName": "Jane", "LastName": "doe", "Company": "ACME, Inc"}, True, id="alike"),
            pytest.param(
                {"FirstName": "Jim", "LastName": "Doe", "Company": "Acme Inc"}, True, id="same initial"
            ),
            pytest.param(
                {"FirstName": "Kim", "LastName": "Doe", "Company": "Acme Inc"}, False, id="another name"
            ),
            pytest.param(
                {"FirstName": "Jane", "LastName": "Doe", "Company": "Byte"}, False, id="another company"
            ),
        ],
    )
    async def test_a_fuzzy_rule_takes_likeness(
        self, org: OrgClient, fields: dict[str, str], *, is_refused: bool
    ) -> None:
        account_id = await org.create("Account", Name="Acme Inc")
        await org.create("Contact", FirstName="Jane", LastName="Doe", AccountId=account_id)
        rule = {"sobject": "Lead", "against": ["Lead", "Contact"], "matching": "fuzzy"}
        await org.configure(duplicate_rules=[rule])
        answer = await org.data("POST", "/sobjects/Lead", fields)
        assert (answer.status_code == 400) is is_refused
        if is_refused:
            (result,) = answer.json()[0]["duplicateResult"]["matchResults"]
            assert (result["matchEngine"], result["rule"]) == (
                "FuzzyMatchEngine",
                "Standard_Contact_Match_Rule_v1_1",
            )

    async def test_rules_of_accounts_and_other_fields_work_the_same(self, org: OrgClient) -> None:
        await org.create("Account", Name="Acme", Phone="1")
        rule = {"sobject": "Account", "fields": ["Phone"], "matching": "fuzzy"}
        await org.configure(duplicate_rules=[rule, {"sobject": "Lead", "is_active": False}])
        answer = await org.data("POST", "/sobjects/Account", {"Name": "Byte", "Phone": "1"})
        assert answer.json()[0]["errorCode"] == "DUPLICATES_DETECTED"
        assert (
            await org.data("POST", "/sobjects/Account", {"Name": "Byte", "Phone": "2"})
        ).status_code == 201


class TestValidation:
    async def test_all_rules_that_fire_are_reported(self, org: OrgClient) -> None:
        rules = [
            {
                "sobject": "Lead",
                "when": "Company = 'Forbidden Ltd'",
                "message": "Not them.",
                "field": "Company",
            },
            {
                "sobject": "Lead",
                "when": "Title = null AND Owner.Name LIKE 'Ada%'",
                "message": "Title, please.",
            },
            {"sobject": "Contact", "when": "LastName != null", "message": "Never."},
            {"sobject": "Lead", "when": "LastName != null", "is_active": False},
        ]
        await org.configure(validation_rules=rules)

        answer = await org.data("POST", "/sobjects/Lead", {"LastName": "Doe", "Company": "forbidden ltd"})

        code = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
        assert answer.json() == [
            {"message": "Not them.", "errorCode": code, "fields": ["Company"]},
            {"message": "Title, please.", "errorCode": code, "fields": []},
        ]
        assert (await org.data("POST", "/sobjects/Lead", {**LEAD, "Title": "CTO"})).status_code == 201

    @pytest.mark.parametrize(
        "rule",
        [
            {"sobject": "Unicorn", "when": "Id = null"},
            {"sobject": "Lead", "when": "Nickname = 'x'"},
            {"sobject": "Lead", "when": "Company = "},
            {"sobject": "Lead", "when": "Id IN (SELECT LeadId FROM CampaignMember)"},
        ],
        ids=["object", "field", "condition", "semi-join"],
    )
    async def test_an_impossible_rule_is_refused_when_configured(
        self, org: OrgClient, rule: dict[str, str]
    ) -> None:
        answer = await org.http.put("/_simulator/config", json={"validation_rules": [rule]})
        assert answer.status_code == 400
        assert answer.json()["error"].startswith("validation_rules: ")
        assert (await org.door("GET", "config"))["validation_rules"] == []
        assert (await org.data("POST", "/sobjects/Lead", LEAD)).status_code == 201


async def test_required_fields_are_demanded_on_create_and_update(org: OrgClient) -> None:
    lead_id = await org.lead()
    await org.configure(required_fields={"Lead": ["Phone"]})
    error = {
        "message": "Required fields are missing: [Phone]",
        "errorCode": "REQUIRED_FIELD_MISSING",
        "fields": ["Phone"],
    }
    assert (await org.data("POST", "/sobjects/Lead", LEAD)).json() == [error]
    assert (await org.data("PATCH", f"/sobjects/Lead/{lead_id}", {"Title": "x"})).json() == [error]
    assert (await org.data("POST", "/sobjects/Lead", {**LEAD, "Phone": "1"})).status_code == 201


@pytest.mark.parametrize(
    ("header", "owner"),
    [({}, "Queue"), ({"Sforce_Auto_Assign": "FALSE"}, "User")],
    ids=["default", "switched off"],
)
async def test_assignment_rules_change_the_owner(org: OrgClient, header: dict[str, str], owner: str) -> None:
    (queue,) = await org.rows("SELECT Id FROM Group")
    await org.configure(
        assignment_rules=[{"sobject": "Lead", "owner_id": queue["Id"], "on": ["insert", "update"]}]
    )
    answer = await org.data("POST", "/sobjects/Lead", LEAD, **header)
    (row,) = await org.rows("SELECT Owner.Name, Owner.Type FROM Lead")
    assert row["Owner"]["Type"] == ("Group" if owner == "Queue" else "User")
    path = f"/sobjects/Lead/{answer.json()['id']}"
    assert (await org.data("PATCH", path, {"Title": "x"})).status_code == 204
    (row,) = await org.rows("SELECT OwnerId FROM Lead")
    assert row["OwnerId"] == queue["Id"]


class TestPermissions:
    @pytest.mark.parametrize(
        "switches",
        [
            {"unfilterable_fields": {"Lead": ["Email"]}},
            {"encrypted_fields": {"Lead.Email": "probabilistic"}},
        ],
        ids=["not filterable", "encrypted"],
    )
    async def test_what_cannot_be_filtered_says_so_and_is_shown(
        self, org: OrgClient, switches: dict[str, Any]
    ) -> None:
        await org.lead(Email="Jane@example.com")
        await org.configure(**switches)
        refused = await org.query("SELECT Id FROM Lead WHERE Email = 'jane@example.com'")
        assert refused.json()[0]["errorCode"] == "INVALID_FIELD"
        shown = await org.query("SELECT Email FROM Lead")
        assert [each["Email"] for each in shown.json()["records"]] == ["Jane@example.com"]
        described = (await org.data("GET", "/sobjects/Lead/describe")).json()
        assert [each["filterable"] for each in described["fields"] if each["name"] == "Email"] == [False]

    @pytest.mark.parametrize(
        ("scheme", "found"),
        [("case_sensitive", ["Jane@example.com"]), ("case_insensitive", ["Jane@example.com"] * 2)],
    )
    async def test_an_encrypted_field_may_be_compared_letter_by_letter(
        self, org: OrgClient, scheme: str, found: list[str]
    ) -> None:
        await org.lead(Email="Jane@example.com")
        await org.configure(encrypted_fields={"Lead.Email": scheme})
        asked = [
            (await org.query(f"SELECT Email FROM Lead WHERE Email = '{each}'")).json()["records"]
            for each in ("Jane@example.com", "jane@example.com")
        ]
        assert [row["Email"] for rows in asked for row in rows] == found

    async def test_hidden_fields_and_objects_do_not_exist(self, org: OrgClient) -> None:
        await org.lead(Email="a@example.com")
        await org.configure(hidden_fields={"Lead": ["Phone"]}, hidden_objects=["Case"])
        fields = (await org.data("GET", "/sobjects/Lead/describe")).json()["fields"]
        assert "Phone" not in {field["name"] for field in fields}
        assert (await org.query("SELECT Phone FROM Lead")).json()[0]["errorCode"] == "INVALID_FIELD"
        assert (await org.query("SELECT Id FROM Case")).json()[0]["errorCode"] == "INVALID_TYPE"
        answer = await org.data("POST", "/sobjects/Lead", {**LEAD, "Phone": "1"})
        assert answer.json()[0]["errorCode"] == "INVALID_FIELD"
        assert len(await org.rows("SELECT Id FROM Lead WHERE Email = 'a@example.com'")) == 1
        await org.configure(hidden_fields={"Lead": []}, hidden_objects=[])
        assert len(await org.rows("SELECT Id, Phone FROM Lead")) == 1

    async def test_read_only_fields_and_objects_refuse_writes(self, org: OrgClient) -> None:
        await org.configure(
            read_only_fields={"Lead": ["Title"]}, read_only_objects=["Contact"], access_status=403
        )
        answer = await org.data("POST", "/sobjects/Lead", {**LEAD, "Title": "x"})
        assert answer.json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
        refused = await org.data("POST", "/sobjects/Contact", {"LastName": "C"})
        expected = {
            "message": "insufficient access rights on object id",
            "errorCode": "INSUFFICIENT_ACCESS_OR_READONLY",
            "fields": [],
        }
        assert (refused.status_code, refused.json()) == (403, [expected])
        fields = (await org.data("GET", "/sobjects/Lead/describe")).json()["fields"]
        (title,) = [field for field in fields if field["name"] == "Title"]
        assert (title["createable"], title["updateable"]) == (False, False)

    async def test_campaigns_need_a_marketing_user(self, org: OrgClient) -> None:
        await org.configure(is_marketing_user=False)
        answer = await org.data("POST", "/sobjects/Campaign", {"Name": "Fair"})
        error = {
            "message": "entity type cannot be inserted: Campaign",
            "errorCode": "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
            "fields": [],
        }
        assert answer.json() == [error]

    async def test_sharing_hides_a_record_everywhere(self, org: OrgClient) -> None:
        lead_id = await org.lead(External_Id__c="e-1")
        await org.configure(hidden_records=[lead_id])
        assert await org.rows("SELECT Id FROM Lead", "queryAll") == []
        assert (await org.data("GET", f"/sobjects/Lead/{lead_id}")).status_code == 404
        assert (await org.data("GET", "/sobjects/Lead/External_Id__c/e-1")).status_code == 404
        answer = await org.data("POST", "/sobjects/Task", {"WhoId": lead_id})
        assert answer.json()[0]["errorCode"] == "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"

    async def test_added_fields_are_real(self, org: OrgClient) -> None:
        await org.configure(
            extra_fields={"Lead": ["HasOptedOutOfEmail | boolean | CUD | Email Opt Out"]},
            restricted_picklists={"Lead.LeadSource": ["Web"]},
        )
        row = await org.get("Lead", await org.lead(HasOptedOutOfEmail=True, LeadSource="Web"))
        assert row["HasOptedOutOfEmail"] is True
        answer = await org.data("POST", "/sobjects/Lead", {**LEAD, "LeadSource": "Eventship"})
        text = "Lead Source: bad value for restricted picklist field: Eventship"
        assert answer.json()[0]["message"] == text

    @pytest.mark.parametrize(
        "switches",
        [
            {"extra_fields": {"Unicorn": ["A | string(3)"]}},
            {"extra_fields": {"Lead": ["nonsense"]}},
            {"restricted_picklists": {"Lead.Nickname": ["x"]}},
        ],
        ids=["object", "line", "field"],
    )
    async def test_an_impossible_schema_changes_nothing(
        self, org: OrgClient, switches: dict[str, Any]
    ) -> None:
        answer = await org.http.put("/_simulator/config", json=switches)
        assert answer.status_code == 400
        assert (await org.door("GET", "config"))["extra_fields"] == {}
        assert (await org.data("POST", "/sobjects/Lead", LEAD)).status_code == 201


class TestLanguage:
    async def test_messages_are_in_the_users_language_and_codes_are_not(self, org: OrgClient) -> None:
        await org.configure(
            user_language="de",
            extra_fields={"Lead": ["Badge__c | string(10) | CUNQ"]},
            validation_rules=[{"sobject": "Lead", "when": "Company = 'X'", "message": "Required: no X"}],
        )
        known = await org.lead(Badge__c="b-1")
        missing = await org.data("POST", "/sobjects/Lead", {"LastName": "Doe"})
        expected = {"message": "Erforderliche Felder fehlen: [Company]", "fields": ["Company"]}
        assert missing.json() == [{**expected, "errorCode": "REQUIRED_FIELD_MISSING"}]
        rows = [
            {"attributes": {"type": "Lead"}, **LEAD, "Badge__c": "B-1"},
            {"attributes": {"type": "Lead"}, **LEAD, "Company": "X"},
            {"attributes": {"type": "Lead"}, **LEAD, "Email": "no address"},
        ]
        results = (await org.data("POST", "/composite/sobjects", {"records": rows})).json()
        said = [(error["statusCode"], error["message"]) for each in results for error in each["errors"]]
        twin = "Doppelter Wert gefunden: Badge__c enthält denselben Wert wie der Datensatz mit der ID: "
        assert said == [
            ("DUPLICATE_VALUE", twin + known[:15]),
            ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Required: no X"),
            ("INVALID_EMAIL_ADDRESS", "Email: Ungültige E-Mail-Adresse: no address"),
        ]
        (user, *_) = await org.rows("SELECT LanguageLocaleKey FROM User")
        assert user["LanguageLocaleKey"] == "de"
