"""Rows one at a time."""

import pytest

from support.client import OrgClient

MASKED = "00Q5g0000009999EAA"


async def test_a_created_row_answers_with_its_id_and_location(org: OrgClient) -> None:
    answer = await org.data("POST", "/sobjects/Lead", {"LastName": "Doe", "Company": "Acme"})

    record_id = answer.json()["id"]
    assert answer.status_code == 201
    assert answer.json() == {"id": record_id, "success": True, "errors": []}
    assert answer.headers["location"] == f"/services/data/v62.0/sobjects/Lead/{record_id}"
    assert answer.headers["content-type"] == "application/json;charset=UTF-8"
    assert record_id.startswith("00Q")
    assert len(record_id) == 18


async def test_a_new_lead_has_salesforce_defaults(org: OrgClient) -> None:
    row = await org.get("Lead", await org.lead(FirstName="Jane", Email=" Jane@Example.com ", Title=""))

    assert row["Name"] == "Jane Doe"
    assert row["Email"] == "Jane@Example.com"
    assert row["Title"] is None
    assert row["Status"] == "Open - Not Contacted"
    assert row["IsConverted"] is False
    assert row["OwnerId"] == row["CreatedById"]
    assert row["CreatedDate"] == "2026-11-21T10:00:00.000+0000"


async def test_objects_and_fields_are_named_in_any_case(org: OrgClient) -> None:
    answer = await org.data("POST", "/sobjects/lead", {"lastname": "Doe", "COMPANY": "Acme"})

    row = (await org.data("GET", f"/sobjects/LEAD/{answer.json()['id']}?fields=lastName,company")).json()
    assert {name: row[name] for name in ("LastName", "Company")} == {"LastName": "Doe", "Company": "Acme"}
    assert row["attributes"]["type"] == "Lead"


async def test_get_shows_only_the_fields_asked_for(org: OrgClient) -> None:
    record_id = await org.lead(Email="jane@example.com")

    answer = await org.data("GET", f"/sobjects/Lead/{record_id}?fields=Id,Email")

    assert answer.json() == {
        "attributes": {"type": "Lead", "url": f"/services/data/v62.0/sobjects/Lead/{record_id}"},
        "Id": record_id,
        "Email": "jane@example.com",
    }


async def test_head_answers_without_a_body(org: OrgClient) -> None:
    answer = await org.data("HEAD", f"/sobjects/Lead/{await org.lead()}")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_an_update_is_204_and_moves_the_modified_date(org: OrgClient) -> None:
    record_id = await org.lead()
    org.clock.advance(minutes=5)

    answer = await org.data("PATCH", f"/sobjects/Lead/{record_id[:15]}", {"FirstName": "Jane"})

    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in answer.headers
    row = await org.get("Lead", record_id)
    assert row["Name"] == "Jane Doe"
    assert (row["CreatedDate"], row["LastModifiedDate"]) == (
        "2026-11-21T10:00:00.000+0000",
        "2026-11-21T10:05:00.000+0000",
    )


async def test_patch_can_travel_as_post(org: OrgClient) -> None:
    record_id = await org.lead()
    answer = await org.data("POST", f"/sobjects/Lead/{record_id}?_HttpMethod=PATCH", {"Title": "CTO"})
    assert answer.status_code == 204
    assert (await org.get("Lead", record_id))["Title"] == "CTO"


async def test_a_deleted_row_is_gone_but_kept_in_the_bin(org: OrgClient) -> None:
    record_id = await org.lead()
    task_id = await org.create("Task", WhoId=record_id)

    assert (await org.data("DELETE", f"/sobjects/Lead/{record_id}")).status_code == 204

    again = await org.data("GET", f"/sobjects/Lead/{record_id}")
    expected = [{"message": "entity is deleted", "errorCode": "ENTITY_IS_DELETED", "fields": []}]
    assert (again.status_code, again.json()) == (404, expected)
    assert await org.rows("SELECT Id FROM Lead") == []
    assert [r["IsDeleted"] for r in await org.rows("SELECT IsDeleted FROM Lead", "queryAll")] == [True]
    assert [r["Id"] for r in await org.rows("SELECT Id FROM Task WHERE IsDeleted = true", "queryAll")] == [
        task_id
    ]


class TestUpsert:
    async def test_an_unknown_key_creates(self, org: OrgClient) -> None:
        answer = await org.data(
            "PATCH", "/sobjects/Lead/External_Id__c/e-1", {"LastName": "D", "Company": "A"}
        )
        assert answer.status_code == 201
        assert answer.json() == {"id": answer.json()["id"], "success": True, "errors": [], "created": True}
        assert (await org.get("Lead", answer.json()["id"]))["External_Id__c"] == "e-1"

    async def test_a_known_key_updates(self, org: OrgClient) -> None:
        record_id = await org.lead(External_Id__c="e-1")
        answer = await org.data("PATCH", "/sobjects/Lead/External_Id__c/E-1", {"Title": "CTO"})
        expected = {"id": record_id, "success": True, "errors": [], "created": False}
        assert (answer.status_code, answer.json()) == (200, expected)

    async def test_old_versions_answer_an_update_without_a_body(self, org: OrgClient) -> None:
        await org.lead(External_Id__c="e-1")
        org.version = "45.0"
        answer = await org.data("PATCH", "/sobjects/Lead/External_Id__c/e-1", {"Title": "CTO"})
        assert (answer.status_code, answer.content) == (204, b"")

    async def test_several_matches_are_listed_with_300(self, org: OrgClient) -> None:
        found = [await org.lead(Email="j@example.com"), await org.lead(Email="J@example.com")]
        answer = await org.data("PATCH", "/sobjects/Lead/Email/j@example.com", {"Title": "CTO"})
        urls = [f"/services/data/v62.0/sobjects/Lead/{record_id}" for record_id in found]
        assert (answer.status_code, answer.json()) == (300, urls)
        assert (await org.data("GET", "/sobjects/Lead/Email/j@example.com")).status_code == 300
        assert (await org.data("DELETE", "/sobjects/Lead/Email/j@example.com")).status_code == 300

    async def test_update_only_never_creates(self, org: OrgClient) -> None:
        path = "/sobjects/Lead/External_Id__c/e-1?updateOnly=true"
        answer = await org.data("PATCH", path, {"LastName": "D", "Company": "A"})
        assert answer.status_code == 404

    async def test_a_row_is_read_and_deleted_by_its_key(self, org: OrgClient) -> None:
        record_id = await org.lead(External_Id__c="e-1")
        assert (await org.data("GET", "/sobjects/Lead/External_Id__c/e-1")).json()["Id"] == record_id
        assert (await org.data("GET", f"/sobjects/Lead/Id/{record_id}")).json()["Id"] == record_id
        assert (await org.data("GET", "/sobjects/Lead/Id/nonsense")).status_code == 404
        assert (await org.data("DELETE", "/sobjects/Lead/External_Id__c/e-1")).status_code == 204
        assert (await org.data("GET", "/sobjects/Lead/External_Id__c/e-1")).status_code == 404

    @pytest.mark.parametrize(
        ("path", "body", "status", "code", "message"),
        [
            pytest.param(
                "Phone/1",
                {},
                404,
                "NOT_FOUND",
                "Provided external ID field does not exist or is not accessible: Phone",
                id="not an external id",
            ),
            pytest.param(
                "External_Id__c/e-1",
                {"External_Id__c": "e-1"},
                400,
                "INVALID_FIELD",
                "The External_Id__c field should not be specified in the sobject data.",
                id="key repeated in the body",
            ),
        ],
    )
    async def test_a_wrong_upsert_is_refused(
        self, org: OrgClient, path: str, body: dict[str, str], status: int, code: str, message: str
    ) -> None:
        answer = await org.data("PATCH", f"/sobjects/Lead/{path}", body)
        assert (answer.status_code, answer.json()) == (status, [{"message": message, "errorCode": code}])


async def test_a_field_of_another_row_makes_an_external_id_taken(org: OrgClient) -> None:
    taken = await org.lead(External_Id__c="e-1")
    body = {"LastName": "D", "Company": "A", "External_Id__c": "E-1"}

    answer = await org.data("POST", "/sobjects/Lead", body)

    text = f"duplicate value found: External_Id__c duplicates value on record with id: {taken[:15]}"
    assert answer.json() == [{"message": text, "errorCode": "DUPLICATE_VALUE", "fields": []}]
    assert (await org.data("PATCH", f"/sobjects/Lead/{taken}", {"External_Id__c": "e-1"})).status_code == 204
