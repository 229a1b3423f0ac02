"""Many rows in one request."""

from typing import Any

import pytest

from support.client import OrgClient

ROLLED_BACK = {
    "statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "message": "Record rolled back because not all records were valid and the request was using "
    "AllOrNone header",
    "fields": [],
}


def lead(**fields: Any) -> dict[str, Any]:
    return {"attributes": {"type": "Lead"}, "LastName": "Doe", "Company": "Acme", **fields}


def failed(code: str, message: str, *fields: str) -> dict[str, Any]:
    return {"success": False, "errors": [{"statusCode": code, "message": message, "fields": list(fields)}]}


async def test_each_row_has_its_own_result_in_order(org: OrgClient) -> None:
    records = [
        lead(),
        lead(Company=None),
        lead(Nick="x"),
        {"attributes": {"type": "Contact"}, "LastName": "C"},
    ]

    answer = await org.data("POST", "/composite/sobjects", {"allOrNone": False, "records": records})

    first, second, third, fourth = answer.json()
    assert answer.status_code == 200
    assert first == {"id": first["id"], "success": True, "errors": []}
    assert second == failed("REQUIRED_FIELD_MISSING", "Required fields are missing: [Company]", "Company")
    assert third == failed("INVALID_FIELD", "No such column 'Nick' on sobject of type Lead")
    assert fourth["id"].startswith("003")
    assert (await org.door("GET", "calls"))["total"] == 1


async def test_all_or_none_keeps_nothing(org: OrgClient) -> None:
    body = {"allOrNone": True, "records": [lead(), lead(LastName=None)]}

    answer = await org.data("POST", "/composite/sobjects", body)

    missing = failed("REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", "LastName")
    assert answer.json() == [{"success": False, "errors": [ROLLED_BACK]}, missing]
    assert await org.rows("SELECT Id FROM Lead WHERE Email = null") == []


async def test_updates_name_their_rows(org: OrgClient) -> None:
    lead_id = await org.lead()
    contact_id = await org.create("Contact", LastName="C")
    rows = [
        {"attributes": {"type": "Lead"}, "id": lead_id, "Title": "CTO"},
        {"attributes": {"type": "Lead"}, "Title": "CTO"},
        {"attributes": {"type": "Lead"}, "Id": contact_id, "Title": "CTO"},
        {"attributes": {"type": "Lead"}, "id": "00Q5g00000000zzEAA", "Title": "CTO"},
    ]

    answer = await org.data("PATCH", "/composite/sobjects", {"records": rows})

    wrong = f"Lead ID: id value of incorrect type: {contact_id}"
    assert answer.json() == [
        {"id": lead_id, "success": True, "errors": []},
        failed("MISSING_ARGUMENT", "Id not specified in an update call", "Id"),
        {"id": contact_id, **failed("MALFORMED_ID", wrong, "Id")},
        {"id": "00Q5g00000000zzEAA", **failed("NOT_FOUND", "The requested resource does not exist")},
    ]


async def test_upserts_say_whether_they_created(org: OrgClient) -> None:
    known = await org.lead(External_Id__c="e-1")
    twice = [await org.lead(Email="t@example.com"), await org.lead(Email="t@example.com")]
    path = "/composite/sobjects/Lead/External_Id__c"
    rows = [lead(External_Id__c="e-1", Title="CTO"), lead(External_Id__c="e-2")]

    updated, created = (await org.data("PATCH", path, {"records": rows})).json()
    (ambiguous,) = (
        await org.data("PATCH", "/composite/sobjects/Lead/Email", {"records": [lead(Email="t@example.com")]})
    ).json()

    assert updated == {"id": known, "success": True, "errors": [], "created": False}
    assert created["created"] is True
    assert ambiguous["errors"][0]["statusCode"] == "DUPLICATE_EXTERNAL_ID"
    assert len(twice) == len(await org.rows("SELECT Id FROM Lead WHERE Email = 't@example.com'"))


async def test_upsert_by_id_inserts_for_null_and_refuses_the_unknown(org: OrgClient) -> None:
    rows = [lead(Id=None), lead(Id="00Q5g00000000zzEAA")]
    created, unknown = (await org.data("PATCH", "/composite/sobjects/Lead/Id", {"records": rows})).json()
    assert created["created"] is True
    assert unknown["errors"][0]["statusCode"] == "INVALID_CROSS_REFERENCE_KEY"


async def test_deletes_take_ids_of_any_object(org: OrgClient) -> None:
    ids = [await org.lead(), await org.create("Contact", LastName="C")]
    path = f"/composite/sobjects?ids={','.join([*ids, 'xyz'])}&allOrNone=false"
    results = (await org.data("DELETE", path)).json()
    assert [(r["id"], r["success"]) for r in results] == [(ids[0], True), (ids[1], True), ("xyz", False)]
    assert await org.rows("SELECT Id FROM Lead") == []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_retrieve_answers_null_for_what_is_not_there(org: OrgClient, method: str) -> None:
    lead_id = await org.lead(Email="a@example.com")
    ids, fields = [lead_id, "00Q5g00000000zzEAA"], ["Id", "Email"]
    path = "/composite/sobjects/Lead"
    if method == "GET":
        answer = await org.data("GET", f"{path}?ids={','.join(ids)}&fields={','.join(fields)}")
    else:
        answer = await org.data("POST", path, {"ids": ids, "fields": fields})
    url = f"/services/data/v62.0/sobjects/Lead/{lead_id}"
    row = {"attributes": {"type": "Lead", "url": url}, "Id": lead_id, "Email": "a@example.com"}
    assert answer.json() == [row, None]


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        pytest.param("POST", "", {"records": []}, "REQUIRED_FIELD_MISSING", id="no rows"),
        pytest.param("POST", "", {}, "REQUIRED_FIELD_MISSING", id="no list"),
        pytest.param("POST", "", {"records": [lead()] * 201}, "LIMIT_EXCEEDED", id="201 rows"),
        pytest.param(
            "POST",
            "",
            {"records": [lead(), {"attributes": {"type": "Contact"}, "LastName": "C"}] * 6},
            "LIMIT_EXCEEDED",
            id="twelve type chunks",
        ),
        pytest.param("POST", "/Lead", {"ids": ["x"]}, "MISSING_ARGUMENT", id="retrieve without fields"),
        pytest.param("DELETE", "?ids=", None, "REQUIRED_FIELD_MISSING", id="delete nothing"),
    ],
)
async def test_a_broken_envelope_is_400(org: OrgClient, method: str, path: str, body: Any, code: str) -> None:
    answer = await org.data(method, f"/composite/sobjects{path}", body)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


async def test_a_row_without_a_known_type_fails_alone(org: OrgClient) -> None:
    rows = [{"LastName": "x"}, {"attributes": {"type": "Unicorn"}}, lead()]
    results = (await org.data("POST", "/composite/sobjects", {"records": rows})).json()
    codes = [r["errors"][0]["statusCode"] if r["errors"] else None for r in results]
    assert codes == ["INVALID_TYPE", "INVALID_TYPE", None]


class TestTriggersWithLimits:
    @pytest.mark.parametrize(("rows", "saved"), [(3, 3), (4, 0)])
    async def test_one_row_too_many_fails_all_of_the_call(
        self, org: OrgClient, rows: int, saved: int
    ) -> None:
        await org.configure(automations=[{"sobject": "Lead", "max_rows": 3}])
        contact = {"attributes": {"type": "Contact"}, "LastName": "C"}
        records = [*(lead(LastName=f"Doe {n}") for n in range(rows)), contact]

        results = (await org.data("POST", "/composite/sobjects", {"records": records})).json()

        text = "LeadTrigger: System.LimitException: Too many SOQL queries: 101"
        refused = failed("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", text)
        assert [result for result in results[:-1] if result == refused] == [refused] * (rows - saved)
        assert results[-1]["success"]
        assert len(await org.rows("SELECT Id FROM Lead")) == saved

    async def test_updates_and_trees_count_too_and_a_single_row_passes(self, org: OrgClient) -> None:
        ids = [await org.lead(LastName=f"Doe {n}") for n in range(2)]
        await org.configure(automations=[{"sobject": "Lead", "max_rows": 1}])
        rows = [{"attributes": {"type": "Lead"}, "Id": one, "Title": "CTO"} for one in ids]
        updated = (await org.data("PATCH", "/composite/sobjects", {"records": rows})).json()
        assert not any(result["success"] for result in updated)
        tree = [lead(attributes={"type": "Lead", "referenceId": f"r{n}"}) for n in range(2)]
        answer = await org.data("POST", "/composite/tree/Lead", {"records": tree})
        assert answer.status_code == 400
        assert await org.lead(LastName="Alone")


@pytest.mark.parametrize(("is_compared", "saved"), [(False, 2), (True, 1)])
async def test_a_switch_lets_duplicate_rules_compare_rows_of_one_call(
    org: OrgClient, *, is_compared: bool, saved: int
) -> None:
    rule = {"sobject": "Lead", "fields": ["Email"]}
    await org.configure(duplicate_rules=[rule], duplicate_rules_compare_one_call=is_compared)
    records = [lead(LastName=name, Email="same@example.com") for name in ("A", "B")]
    results = (await org.data("POST", "/composite/sobjects", {"records": records})).json()
    assert sum(result["success"] for result in results) == saved
    again = (await org.data("POST", "/composite/sobjects", {"records": records[:1]})).json()
    assert again[0]["errors"][0]["statusCode"] == "DUPLICATES_DETECTED"
