"""Two users of one org: each has rights of his own, and neither sees what the other may."""

from typing import Any

import pytest

from support.client import OrgClient

SAM = "sam.sales@northwind.example"
INES = "ines.integration@northwind.example"
LEAD = {"LastName": "Doe", "Company": "Acme"}


async def sam_with(org: OrgClient, **permissions: Any) -> OrgClient:
    """Sam, who has these permissions; all others have what the org says."""
    await org.configure(users=[{"username": SAM, "permissions": permissions}])
    return await org.other(SAM)


async def user_id(org: OrgClient, username: str) -> str:
    return str((await org.rows(f"SELECT Id FROM User WHERE Username = '{username}'"))[0]["Id"])


async def code(org: OrgClient, soql: str) -> str | None:
    answer = await org.query(soql)
    return None if answer.status_code == 200 else str(answer.json()[0]["errorCode"])


async def sent(org: OrgClient, method: str, path: str, body: dict[str, Any]) -> tuple[int, str | None]:
    answer = await org.data(method, path, body)
    return answer.status_code, answer.json()[0]["errorCode"] if answer.status_code >= 400 else None


async def test_a_session_is_of_the_user_who_is_named(org: OrgClient) -> None:
    sam = await org.other(SAM.upper())
    lead = await sam.lead()
    (row,) = await org.rows(f"SELECT CreatedBy.Username, Owner.Name FROM Lead WHERE Id = '{lead}'")
    assert (row["CreatedBy"]["Username"], row["Owner"]["Name"]) == (SAM, "Sam Sales")
    assert (await org.http.get("/_simulator/session?user=nobody")).status_code == 400


class TestObjects:
    async def test_an_object_is_hidden_from_one(self, org: OrgClient) -> None:
        lead = await org.lead()
        contact = await org.create("Contact", LastName="Roe")
        sam = await sam_with(org, hidden_objects=["Lead"])
        for client, seen, status in ((org, True, 200), (sam, False, 404)):
            names = {one["name"] for one in (await client.data("GET", "/sobjects")).json()["sobjects"]}
            assert ("Lead" in names) is seen
            assert (await client.data("GET", "/sobjects/Lead/describe")).status_code == status
            assert (await client.data("GET", f"/sobjects/Lead/{lead}")).status_code == status
            assert await code(client, "SELECT Id FROM Lead") == (None if seen else "INVALID_TYPE")
            assert await code(client, "SELECT Lead.Name FROM CampaignMember") == (
                None if seen else "INVALID_FIELD"
            )
            assert [row["Id"] for row in await client.rows("SELECT Id FROM Contact")] == [contact]
        assert await sent(sam, "POST", "/sobjects/Lead", LEAD) == (404, "NOT_FOUND")

    async def test_who_has_a_list_of_his_own_has_nothing_of_the_orgs(self, org: OrgClient) -> None:
        await org.lead()
        await org.configure(hidden_objects=["Lead"], hidden_fields={"Contact": ["Email"]})
        sam = await sam_with(org, hidden_objects=[])
        assert await code(org, "SELECT Id FROM Lead") == "INVALID_TYPE"
        assert len(await sam.rows("SELECT Id FROM Lead")) == 1
        assert await code(sam, "SELECT Email FROM Contact") == "INVALID_FIELD"

    async def test_what_one_may_not_see_a_trigger_may(self, org: OrgClient) -> None:
        await org.create("Contact", LastName="Doe", Email="doe@acme.example")
        await org.configure(convert_leads_on_insert=True)
        sam = await sam_with(org, hidden_objects=["Contact", "Account"])
        lead = await sam.lead(Email="doe@acme.example")
        assert (await sam.get("Lead", lead))["IsConverted"] is True

    async def test_a_rule_reads_a_field_that_one_does_not_see(self, org: OrgClient) -> None:
        rule = {"sobject": "Lead", "when": "Rating = null", "message": "No."}
        await org.configure(validation_rules=[rule])
        sam = await sam_with(org, hidden_fields={"Lead": ["Rating"]})
        refused = (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION")
        assert await sent(sam, "POST", "/sobjects/Lead", LEAD) == refused
        assert await sent(org, "POST", "/sobjects/Lead", LEAD | {"Rating": "Hot"}) == (201, None)

    async def test_an_object_is_read_only_for_one(self, org: OrgClient) -> None:
        lead = await org.lead()
        sam = await sam_with(org, read_only_objects=["Lead"])
        refused = (400, "INSUFFICIENT_ACCESS_OR_READONLY")
        assert await sent(sam, "POST", "/sobjects/Lead", LEAD) == refused
        assert await sent(sam, "PATCH", f"/sobjects/Lead/{lead}", {"Title": "Dr."}) == refused
        assert (await sam.data("DELETE", f"/sobjects/Lead/{lead}")).json()[0]["errorCode"] == refused[1]
        assert await sent(org, "PATCH", f"/sobjects/Lead/{lead}", {"Title": "Dr."}) == (204, None)
        for client, may in ((org, True), (sam, False)):
            listed = (await client.data("GET", "/sobjects")).json()["sobjects"]
            brief = next(one for one in listed if one["name"] == "Lead")
            full = (await client.data("GET", "/sobjects/Lead/describe")).json()
            for found in (brief, full):
                powers = [found[power] for power in ("createable", "updateable", "deletable", "queryable")]
                assert powers == [may, may, may, True]


class TestFields:
    async def test_a_field_is_hidden_from_one(self, org: OrgClient) -> None:
        lead = await org.lead(Email="doe@acme.example")
        sam = await sam_with(org, hidden_fields={"Lead": ["Email"]})
        for client, seen in ((org, True), (sam, False)):
            described = (await client.data("GET", "/sobjects/Lead/describe")).json()["fields"]
            assert ("Email" in {field["name"] for field in described}) is seen
            assert ("Email" in await client.get("Lead", lead)) is seen
            refusal = None if seen else "INVALID_FIELD"
            assert await code(client, "SELECT Email FROM Lead") == refusal
            assert await code(client, "SELECT Id FROM Lead WHERE Email = 'doe@acme.example'") == refusal
            status = 201 if seen else 400
            body = LEAD | {"Email": "roe@acme.example"}
            assert await sent(client, "POST", "/sobjects/Lead", body) == (status, refusal)
            search = {"q": "doe@acme.example", "in": "EMAIL", "sobjects": [{"name": "Lead"}]}
            found = (await client.data("POST", "/parameterizedSearch", search)).json()["searchRecords"]
            assert [row["Id"] for row in found] == ([lead] if seen else [])

    async def test_a_row_of_one_who_does_not_see_a_field_has_it_all_the_same(self, org: OrgClient) -> None:
        sam = await sam_with(org, hidden_fields={"Lead": ["Status", "Email"]})
        lead = await org.get("Lead", await sam.lead())
        assert (lead["Status"], lead["Email"]) == ("Open - Not Contacted", None)

    async def test_a_field_is_read_only_for_one(self, org: OrgClient) -> None:
        lead = await org.lead()
        sam = await sam_with(org, read_only_fields={"Lead": ["Phone"]})
        for client, may in ((org, True), (sam, False)):
            described = (await client.data("GET", "/sobjects/Lead/describe")).json()["fields"]
            (phone,) = [field for field in described if field["name"] == "Phone"]
            assert (phone["createable"], phone["updateable"]) == (may, may)
            answer = await sent(client, "PATCH", f"/sobjects/Lead/{lead}", {"Phone": "1"})
            assert answer == ((204, None) if may else (400, "INVALID_FIELD_FOR_INSERT_UPDATE"))

    async def test_a_duplicate_is_shown_to_each_as_far_as_he_sees_it(self, org: OrgClient) -> None:
        lead = await org.lead(Email="doe@acme.example", Phone="1")
        await org.configure(duplicate_rules=[{"sobject": "Lead", "fields": ["Phone"]}])
        sam = await sam_with(org, hidden_fields={"Lead": ["Email"]})
        for client, email in ((org, "doe@acme.example"), (sam, None)):
            header = {"Sforce_Duplicate_Rule_Header": "includeRecordDetails=true"}
            answer = await client.data("POST", "/sobjects/Lead", LEAD | {"Phone": "1"}, **header)
            result = answer.json()[0]["duplicateResult"]["matchResults"][0]["matchRecords"][0]["record"]
            assert (result["Id"], result.get("Email")) == (lead, email)


class TestPowers:
    async def test_users_without_a_username_have_what_all_have(self, org: OrgClient) -> None:
        await org.seed("User", {"LastName": "Nameless"})
        await sam_with(org, is_marketing_user=False)
        soql = "SELECT Name FROM User WHERE UserPermissionsMarketingUser = false"
        assert [row["Name"] for row in await org.rows(soql)] == ["Sam Sales"]
        await org.configure(users=[], is_marketing_user=False)
        assert len(await org.rows(soql)) == 4

    async def test_one_is_no_marketing_user(self, org: OrgClient) -> None:
        campaign, lead = await org.create("Campaign", Name="C"), await org.lead()
        sam = await sam_with(org, is_marketing_user=False)
        body = {"CampaignId": campaign, "LeadId": lead}
        refused = (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY")
        assert await sent(sam, "POST", "/sobjects/CampaignMember", body) == refused
        assert await sent(org, "POST", "/sobjects/CampaignMember", body) == (201, None)
        soql = "SELECT Username FROM User WHERE UserPermissionsMarketingUser = false"
        assert [row["Username"] for row in await org.rows(soql)] == [SAM]
        await org.configure(users=[])
        assert await org.rows(soql) == []

    async def test_one_is_a_marketing_user_alone(self, org: OrgClient) -> None:
        await org.configure(is_marketing_user=False)
        sam = await sam_with(org, is_marketing_user=True)
        refused = (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY")
        assert await sent(org, "POST", "/sobjects/Campaign", {"Name": "C"}) == refused
        assert await sent(sam, "POST", "/sobjects/Campaign", {"Name": "C"}) == (201, None)

    async def test_one_has_no_api(self, org: OrgClient) -> None:
        sam = await sam_with(org, is_api_enabled=False)
        assert (await sent(sam, "GET", "/limits", {})) == (403, "API_CURRENTLY_DISABLED")
        assert (await org.data("GET", "/limits")).status_code == 200

    async def test_one_has_it_though_the_org_lists_him_among_those_who_have_not(self, org: OrgClient) -> None:
        await org.configure(api_disabled_users=[await user_id(org, SAM)])
        assert (await (await org.other(SAM)).data("GET", "/limits")).status_code == 403
        sam = await sam_with(org, is_api_enabled=True)
        assert (await sam.data("GET", "/limits")).status_code == 200

    async def test_one_may_edit_converted_leads(self, org: OrgClient) -> None:
        lead = await org.lead()
        await org.door("POST", "convert", {"leadId": lead})
        sam = await sam_with(org, view_and_edit_converted_leads=True)
        refused = (400, "CANNOT_UPDATE_CONVERTED_LEAD")
        assert await sent(org, "PATCH", f"/sobjects/Lead/{lead}", {"Title": "Dr."}) == refused
        assert await sent(sam, "PATCH", f"/sobjects/Lead/{lead}", {"Title": "Dr."}) == (204, None)


class TestSharing:
    async def test_each_sees_his_own_private_rows_and_who_may_view_all_sees_all(self, org: OrgClient) -> None:
        await org.configure(private_objects=["Lead"])
        sam = await sam_with(org, view_all=["Lead"])
        ines = await org.other(INES)
        of_ada, of_sam, of_ines = await org.lead(), await sam.lead(), await ines.lead()
        seen = [[row["Id"] for row in await each.rows("SELECT Id FROM Lead")] for each in (org, sam, ines)]
        assert seen == [[of_ada], [of_ada, of_sam, of_ines], [of_ines]]
        task = {"WhoId": of_ines}
        refused = (400, "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY")
        assert await sent(org, "POST", "/sobjects/Task", task) == refused
        assert await sent(sam, "POST", "/sobjects/Task", task) == (201, None)
        assert (await org.data("GET", f"/sobjects/Lead/{of_sam}")).status_code == 404

    async def test_who_may_view_all_may_not_change_all(self, org: OrgClient) -> None:
        await org.configure(private_objects=["Lead"])
        sam = await sam_with(org, view_all=["Lead"])
        own, lead = await sam.lead(), await org.lead()
        refused = (400, "INSUFFICIENT_ACCESS_OR_READONLY")
        assert await sent(sam, "PATCH", f"/sobjects/Lead/{lead}", {"Title": "Dr."}) == refused
        assert (await sam.data("DELETE", f"/sobjects/Lead/{lead}")).json()[0]["errorCode"] == refused[1]
        for client, record_id in ((sam, own), (org, lead)):
            assert await sent(client, "PATCH", f"/sobjects/Lead/{record_id}", {"Title": "Dr."}) == (204, None)

    async def test_a_record_is_hidden_from_one(self, org: OrgClient) -> None:
        lead = await org.lead()
        sam = await sam_with(org, hidden_records=[lead])
        assert [len(await each.rows("SELECT Id FROM Lead")) for each in (org, sam)] == [1, 0]

    async def test_record_access_is_that_of_the_user_who_is_asked_about(self, org: OrgClient) -> None:
        lead, account = await org.lead(), await org.create("Account", Name="Acme")
        campaign = await org.create("Campaign", Name="C")
        await org.configure(private_objects=["Lead"])
        sam = await sam_with(
            org, view_all=["Lead"], read_only_objects=["Account"], hidden_objects=["Campaign"]
        )
        ids = {"Lead": lead, "Account": account, "Campaign": campaign}
        listed = "', '".join(ids.values())
        levels = {}
        for username in (SAM, INES):
            asked = await user_id(org, username)
            soql = "SELECT RecordId, MaxAccessLevel FROM UserRecordAccess "
            soql += f"WHERE UserId = '{asked}' AND RecordId IN ('{listed}')"
            for client in (org, sam):
                rows = {row["RecordId"]: row["MaxAccessLevel"] for row in await client.rows(soql)}
                levels[username] = {name: rows[record_id] for name, record_id in ids.items()}
                assert len(rows) == 3
        assert levels == {
            SAM: {"Lead": "Read", "Account": "Read", "Campaign": "None"},
            INES: {"Lead": "None", "Account": "All", "Campaign": "All"},
        }

    async def test_pages_of_a_query_are_of_who_asked(self, org: OrgClient) -> None:
        await org.seed("Lead", *({"LastName": f"L{n}"} for n in range(201)))
        first = (await org.query("SELECT Id FROM Lead", Sforce_Query_Options="batchSize=200")).json()
        path = first["nextRecordsUrl"].removeprefix(org.root)
        sam = await org.other(SAM)
        assert (await sam.data("GET", path)).json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"
        assert len((await org.data("GET", path)).json()["records"]) == 1


class TestRows:
    async def test_the_profile_of_one_is_a_permission_set(self, org: OrgClient) -> None:
        ada, sam_id = await user_id(org, "ada.admin@northwind.example"), await user_id(org, SAM)
        await org.configure(permission_sets=[{"name": "See_Leads", "users": [ada], "view_all": ["Lead"]}])
        sam = await sam_with(
            org, view_all=["Contact"], read_only_objects=["Account"], hidden_objects=["Case"]
        )
        soql = "SELECT PermissionSet.Name, PermissionSet.IsOwnedByProfile FROM PermissionSetAssignment "
        for assignee, expected in ((ada, ("See_Leads", False)), (sam_id, ("Profile_sam_sales", True))):
            (row,) = await sam.rows(f"{soql}WHERE AssigneeId = '{assignee}'")
            found = row["PermissionSet"]
            assert (found["Name"], found["IsOwnedByProfile"]) == expected
        soql = "SELECT SobjectType FROM ObjectPermissions WHERE PermissionsViewAllRecords = true AND ParentId"
        soql += " IN (SELECT PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId = '{}')"
        assert [row["SobjectType"] for row in await sam.rows(soql.format(sam_id))] == ["Contact"]
        assert [row["SobjectType"] for row in await sam.rows(soql.format(ada))] == ["Lead"]
        soql = "SELECT SobjectType, PermissionsRead, PermissionsEdit FROM ObjectPermissions "
        soql += "WHERE Parent.IsOwnedByProfile = true AND SobjectType IN ('Account', 'Case', 'Lead')"
        rows = [tuple(row.values())[1:] for row in await org.rows(soql)]
        assert rows == [("Account", True, False), ("Lead", True, True)]
        await org.configure(users=[], permission_sets=[])
        assert await org.rows("SELECT Id FROM PermissionSet") == []
        assert await org.rows("SELECT Id FROM ObjectPermissions") == []


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ({"username": "nobody@northwind.example"}, "users: no such username: nobody@northwind.example"),
        ({"username": SAM, "permissions": {"hidden_fields": {"Nothing": ["X"]}}}, "no such object"),
        ({"username": SAM, "permissions": {"is_admin": True}}, "is_admin"),
    ],
)
async def test_what_is_said_of_nobody_or_nothing_is_refused_and_changes_nothing(
    org: OrgClient, user: dict[str, Any], said: str
) -> None:
    before = await org.door("GET", "config")
    answer = await org.http.put("/_simulator/config", json={"users": [user]})
    assert answer.status_code == 400
    assert said in answer.json()["error"]
    assert await org.door("GET", "config") == before
