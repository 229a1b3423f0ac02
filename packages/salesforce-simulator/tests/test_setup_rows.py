"""What administrators set up, as rows that anybody may ask for; private objects; who may see which record."""

from typing import Any

import pytest

from support.client import OrgClient

ACCESS = "SELECT RecordId, HasReadAccess, HasEditAccess, MaxAccessLevel FROM UserRecordAccess WHERE "


async def users(org: OrgClient) -> list[str]:
    return [row["Id"] for row in await org.rows("SELECT Id FROM User ORDER BY Id")]


async def named(org: OrgClient, soql: str) -> list[Any]:
    return [tuple(row.values())[1:] for row in await org.rows(soql)]


async def test_rules_and_permission_sets_can_be_asked_for(org: OrgClient) -> None:
    ada, sam, _ = await users(org)
    await org.configure(
        duplicate_rules=[{"sobject": "Lead", "name": "Leads_DR"}, {"sobject": "Contact", "is_active": False}],
        assignment_rules=[{"sobject": "Lead", "owner_id": sam}],
        permission_sets=[{"name": "See_Leads", "users": [ada[:15]], "view_all": ["Lead"]}],
    )
    soql = "SELECT SobjectType, DeveloperName FROM DuplicateRule WHERE IsActive = true"
    assert await named(org, soql) == [("Lead", "Leads_DR")]
    assert await named(org, "SELECT SobjectType FROM AssignmentRule WHERE Active = true") == [("Lead",)]
    soql = f"SELECT PermissionSet.Name FROM PermissionSetAssignment WHERE AssigneeId = '{ada}'"
    assert [row["PermissionSet"]["Name"] for row in await org.rows(soql)] == ["See_Leads"]

    await org.configure(duplicate_rules=[], assignment_rules=[], permission_sets=[])
    for name in ("DuplicateRule", "AssignmentRule", "PermissionSet", "PermissionSetAssignment"):
        assert await org.rows(f"SELECT Id FROM {name}") == []


async def test_a_permission_set_of_no_user_is_refused(org: OrgClient) -> None:
    sent = {"permission_sets": [{"name": "X", "users": ["nobody"]}]}
    assert (await org.http.put("/_simulator/config", json=sent)).status_code == 400


async def test_an_assignment_takes_a_private_lead_out_of_sight(org: OrgClient) -> None:
    ada, sam, _ = await users(org)
    assignment = [{"sobject": "Lead", "owner_id": sam}]
    await org.configure(private_objects=["Lead"], assignment_rules=assignment)
    assert await named(org, "SELECT DefaultLeadAccess FROM Organization") == [("None",)]
    kept = await org.data(
        "POST", "/sobjects/Lead", {"LastName": "K", "Company": "C"}, Sforce_Auto_Assign="FALSE"
    )

    given_away = await org.lead()

    assert await named(org, "SELECT Id FROM Lead") == [(kept.json()["id"],)]
    assert (await org.data("GET", f"/sobjects/Lead/{given_away}")).status_code == 404
    answer = await org.data("POST", "/sobjects/Task", {"WhoId": given_away})
    assert answer.json()[0]["errorCode"] == "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
    view_all = [{"name": "See_Leads", "users": [ada], "view_all": ["Lead"]}]
    await org.configure(permission_sets=view_all)
    assert len(await org.rows("SELECT Id FROM Lead")) == 2
    await org.configure(private_objects=[])
    assert await named(org, "SELECT DefaultLeadAccess FROM Organization") == [("ReadEditTransfer",)]


async def test_record_access_is_answered_for_each_user_and_record(org: OrgClient) -> None:
    ada, sam, _ = await users(org)
    own, account = await org.lead(), await org.create("Account", Name="Acme")
    await org.configure(private_objects=["Lead"], read_only_objects=["Account"])
    ids = f"('{own}', '{account}', '00Q5g0000099999EAA')"

    mine = await named(org, f"{ACCESS}UserId = '{ada}' AND RecordId IN {ids}")
    his = await named(org, f"{ACCESS}UserId = '{sam}' AND RecordId = '{own}'")

    absent = "00Q5g0000099999EAA"
    assert mine == [(own, True, True, "All"), (account, True, False, "Read"), (absent, False, False, "None")]
    assert his == [(own, False, False, "None")]
    soql = f"SELECT RecordId FROM UserRecordAccess WHERE UserId = '{ada}' AND RecordId IN {ids}"
    soql += " AND HasEditAccess = true"
    assert await named(org, soql) == [(own,)]


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("UserId = '0055g000000002tAAA'", "MALFORMED_QUERY"),
        ("RecordId = '00Q5g0000000001EAA'", "MALFORMED_QUERY"),
        ("UserId = '0055g000000002tAAA' OR RecordId = '00Q5g0000000001EAA'", "MALFORMED_QUERY"),
        ("UserId = '0055g000000002tAAA' AND RecordId = 'x'", "INVALID_QUERY_FILTER_OPERATOR"),
    ],
)
async def test_record_access_wants_one_user_and_records(org: OrgClient, condition: str, code: str) -> None:
    answer = await org.query(f"{ACCESS}{condition}")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


class TestPresets:
    async def test_a_difficult_org_answers_in_german_and_takes_a_lead(self, org: OrgClient) -> None:
        await org.configure(preset="difficult", latency_ms=0, query_latency_ms=0)
        lead_id = await org.lead(Phone="+49 30 4000")
        await org.create("Task", WhoId=lead_id, Status="Erledigt")
        assert await named(org, "SELECT IsClosed FROM Task") == [(True,)]
        twin = {"LastName": "Other", "Company": "Other", "Phone": "+49 30 4000"}
        (error,) = (await org.data("POST", "/sobjects/Lead", twin)).json()
        assert (error["errorCode"], error["message"]) == (
            "DUPLICATES_DETECTED",
            "Jemand hat diese Nummer schon.",
        )
        (user, *_) = await org.rows("SELECT LanguageLocaleKey FROM User")
        assert user["LanguageLocaleKey"] == "de"
        assert (await org.data("GET", "/sobjects/Case/describe")).status_code == 404

    @pytest.mark.parametrize(
        ("method", "path", "body", "said"),
        [
            ("POST", "/sobjects/Lead", {"State": "Bavaria", "Country": "Deutschland"}, "State"),
            ("POST", "/sobjects/Lead", {"Country": "Germany"}, "Country"),
            ("POST", "/sobjects/Account", {"Name": "Neu"}, None),
            ("POST", "/sobjects/Contact", {"LastName": "Neu"}, None),
            ("POST", "/sobjects/Campaign", {"Name": "Neu"}, None),
            ("POST", "/sobjects/Lead", {"Rating": "Hot"}, None),
        ],
    )
    async def test_a_difficult_org_refuses(
        self, org: OrgClient, method: str, path: str, body: dict[str, str], said: str | None
    ) -> None:
        await org.configure(preset="difficult", latency_ms=0, query_latency_ms=0)
        lead = {"LastName": "Neu", "Company": "Neu"} if path.endswith("Lead") else {}
        (error,) = (await org.data(method, path, lead | body)).json()
        assert error["errorCode"] in {
            "FIELD_INTEGRITY_EXCEPTION",
            "INVALID_FIELD",
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
            "INSUFFICIENT_ACCESS_OR_READONLY",
        }
        assert said is None or error["fields"] == [said]

    async def test_a_difficult_orgs_trigger_takes_fifty_rows(self, org: OrgClient) -> None:
        await org.configure(preset="difficult", latency_ms=0, query_latency_ms=0)
        for count, successes in ((51, 0), (50, 50)):
            rows = [
                {"attributes": {"type": "Lead"}, "LastName": f"L{count}-{n}", "Company": "K"}
                for n in range(count)
            ]
            results = (await org.data("POST", "/composite/sobjects", {"records": rows})).json()
            assert sum(result["success"] for result in results) == successes

    async def test_a_difficult_org_has_an_answer_for_everything_that_is_needed(self, org: OrgClient) -> None:
        """The least that suffices: what the service is said to need, and nothing more."""
        await org.configure(preset="difficult", latency_ms=0, query_latency_ms=0)
        powers = {}
        for name in ("Lead", "Contact", "Task", "Campaign", "CampaignMember", "EmailMessage"):
            found = (await org.data("GET", f"/sobjects/{name}/describe")).json()
            powers[name] = (found["queryable"], found["createable"])
        assert powers == dict.fromkeys(("Lead", "Task", "CampaignMember", "EmailMessage"), (True, True)) | {
            "Contact": (True, False),
            "Campaign": (True, False),
        }
        assert await named(
            org, "SELECT ApiName FROM TaskStatus WHERE IsClosed = true ORDER BY SortOrder"
        ) == [
            ("Erledigt",),
            ("Abgesagt",),
        ]
        for name in (
            "AssignmentRule",
            "DuplicateRule",
            "ObjectPermissions",
            "PermissionSet",
            "Case",
            "Event",
        ):
            assert (await org.query(f"SELECT Id FROM {name}")).json()[0]["errorCode"] == "INVALID_TYPE"

    async def test_a_blocked_orgs_leads_go_to_somebody_who_shows_them_to_nobody(self, org: OrgClient) -> None:
        campaign = await org.create("Campaign", Name="C", IsActive=True)
        await org.configure(preset="blocked", hidden_fields={"Lead": []})
        lead = await org.lead()
        assert await org.rows("SELECT Id FROM Lead") == []
        task = await org.data("POST", "/sobjects/Task", {"WhoId": lead, "Subject": "S"})
        assert task.json()[0]["errorCode"] == "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
        await org.configure(private_objects=[])
        member = await org.data("POST", "/sobjects/CampaignMember", {"CampaignId": campaign, "LeadId": lead})
        assert member.json()[0]["errorCode"] == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
        await org.configure(is_marketing_user=True)
        await org.create("CampaignMember", CampaignId=campaign, LeadId=lead)

    async def test_a_blocked_org_hides_what_it_takes(self, org: OrgClient) -> None:
        config = await org.configure(preset="blocked", is_marketing_user=True)
        assert config["is_marketing_user"] is True
        await org.lead()
        assert (await org.query("SELECT Email FROM Lead")).json()[0]["errorCode"] == "INVALID_FIELD"
        assert await org.rows("SELECT Id FROM Lead") == []
        await org.configure(hidden_fields={"Lead": []}, private_objects=[])
        assert len(await org.rows("SELECT Email FROM Lead")) == 1

    async def test_what_a_preset_says_of_an_object_does_not_keep_it_from_being_hidden(
        self, org: OrgClient
    ) -> None:
        await org.configure(preset="difficult", hidden_objects=["Lead", "Campaign"])
        for name in ("Lead", "Campaign"):
            assert (await org.data("GET", f"/sobjects/{name}/describe")).status_code == 404

    async def test_there_are_no_others(self, org: OrgClient) -> None:
        answer = await org.http.put("/_simulator/config", json={"preset": "easy"})
        assert answer.status_code == 400
        assert answer.json() == {"error": "preset: easy is none of difficult, blocked, packaged"}
