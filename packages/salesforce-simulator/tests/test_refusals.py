"""Status, code, message and keys of every refusal that a row's data can provoke."""

from typing import Any

import pytest

from support.client import OrgClient

LEAD = {"LastName": "Doe", "Company": "Acme"}
UNKNOWN_LEAD = "00Q5g00000000zzEAA"
LOCKED = (
    "Unable to create/update fields: {}. Please check the security settings of this field and verify "
    "that it is read/write for your profile or permission set."
)

CREATES = [
    pytest.param(
        "Lead",
        {"LastName": "Doe"},
        ("REQUIRED_FIELD_MISSING", "Required fields are missing: [Company]", ["Company"]),
        id="required field missing",
    ),
    pytest.param(
        "Lead",
        {"FirstName": "Jane", "LastName": " "},
        (
            "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [LastName, Company]",
            ["LastName", "Company"],
        ),
        id="blank counts as missing",
    ),
    pytest.param(
        "Lead",
        {**LEAD, "Email": "not an email"},
        ("INVALID_EMAIL_ADDRESS", "Email: invalid email address: not an email", ["Email"]),
        id="no e-mail address",
    ),
    pytest.param(
        "Lead",
        {**LEAD, "LastName": "x" * 81},
        ("STRING_TOO_LONG", f"Last Name: data value too large: {'x' * 81} (max length=80)", ["LastName"]),
        id="too long, echoing the value under the label",
    ),
    pytest.param(
        "Lead",
        {**LEAD, "Nickname": "J"},
        ("INVALID_FIELD", "No such column 'Nickname' on sobject of type Lead", None),
        id="unknown field",
    ),
    pytest.param(
        "Lead",
        {**LEAD, "Name": "J", "ConvertedDate": "2026-01-01"},
        ("INVALID_FIELD_FOR_INSERT_UPDATE", LOCKED.format("Name, ConvertedDate"), ["Name", "ConvertedDate"]),
        id="read-only fields",
    ),
    pytest.param(
        "Lead",
        {**LEAD, "Id": UNKNOWN_LEAD},
        ("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", ["Id"]),
        id="id given on insert",
    ),
    pytest.param(
        "Task",
        {"TaskSubtype": "Dance"},
        (
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "Task Subtype: bad value for restricted picklist field: Dance",
            ["TaskSubtype"],
        ),
        id="restricted picklist",
    ),
    pytest.param(
        "Task",
        {"WhoId": "0015g0000000001AAA"},
        (
            "FIELD_INTEGRITY_EXCEPTION",
            "Name ID: id value of incorrect type: 0015g0000000001AAA",
            ["WhoId"],
        ),
        id="lookup to the wrong object",
    ),
    pytest.param(
        "Task",
        {"WhoId": "nonsense"},
        ("MALFORMED_ID", "Name ID: id value of incorrect type: nonsense", ["WhoId"]),
        id="lookup that is no id",
    ),
    pytest.param(
        "Task",
        {"WhoId": UNKNOWN_LEAD},
        ("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", []),
        id="lookup to nobody",
    ),
    pytest.param(
        "Task",
        {"ActivityDate": "2026-13-45"},
        (
            "JSON_PARSER_ERROR",
            'Cannot deserialize instance of date from VALUE_STRING value "2026-13-45" at [line:1, column:18]',
            None,
        ),
        id="no such day",
    ),
    pytest.param(
        "Task",
        {"ReminderDateTime": "2026-11-21T10:00:00"},
        (
            "JSON_PARSER_ERROR",
            "Cannot deserialize instance of datetime from VALUE_STRING value "
            '"2026-11-21T10:00:00" at [line:1, column:22]',
            None,
        ),
        id="datetime without offset",
    ),
    pytest.param(
        "Task",
        {"CallDurationInSeconds": "soon"},
        (
            "JSON_PARSER_ERROR",
            'Cannot deserialize instance of int from VALUE_STRING value "soon" at [line:1, column:27]',
            None,
        ),
        id="no number",
    ),
    pytest.param(
        "Task",
        {"CallDurationInSeconds": 1.5},
        (
            "JSON_PARSER_ERROR",
            "Cannot deserialize instance of int from VALUE_NUMBER_FLOAT value 1.5 at [line:1, column:26]",
            None,
        ),
        id="no whole number",
    ),
    pytest.param(
        "Task",
        {"IsReminderSet": "maybe"},
        (
            "JSON_PARSER_ERROR",
            'Cannot deserialize instance of boolean from VALUE_STRING value "maybe" at [line:1, column:19]',
            None,
        ),
        id="no boolean",
    ),
    pytest.param(
        "Lead",
        {"LastName": 5, "Company": "A"},
        (
            "JSON_PARSER_ERROR",
            "Cannot deserialize instance of string from VALUE_NUMBER_INT value 5 at [line:1, column:13]",
            None,
        ),
        id="number for text",
    ),
    pytest.param(
        "Lead",
        {**LEAD, "AnnualRevenue": True},
        (
            "JSON_PARSER_ERROR",
            "Cannot deserialize instance of currency from VALUE_TRUE value True at [line:1, column:1]",
            None,
        ),
        id="boolean for a number",
    ),
    pytest.param(
        "Task",
        {"ActivityDate": 5},
        (
            "JSON_PARSER_ERROR",
            "Cannot deserialize instance of date from VALUE_NUMBER_INT value 5 at [line:1, column:17]",
            None,
        ),
        id="number for a date",
    ),
    pytest.param(
        "Task",
        {"ReminderDateTime": 5},
        (
            "JSON_PARSER_ERROR",
            "Cannot deserialize instance of datetime from VALUE_NUMBER_INT value 5 at [line:1, column:21]",
            None,
        ),
        id="number for a datetime",
    ),
]


@pytest.mark.parametrize(("sobject", "body", "error"), CREATES)
async def test_a_create_is_refused(
    org: OrgClient, sobject: str, body: dict[str, Any], error: tuple[str, str, list[str] | None]
) -> None:
    answer = await org.data("POST", f"/sobjects/{sobject}", body)

    code, message, fields = error
    expected: dict[str, Any] = {"message": message, "errorCode": code}
    if fields is not None:
        expected["fields"] = fields
    assert (answer.status_code, answer.json()) == (400, [expected])
    assert await org.rows(f"SELECT Id FROM {sobject}") == []


async def test_several_errors_arrive_together(org: OrgClient) -> None:
    answer = await org.data("POST", "/sobjects/Lead", {**LEAD, "Email": "x", "FirstName": "y" * 41})
    codes = [item["errorCode"] for item in answer.json()]
    assert sorted(codes) == ["INVALID_EMAIL_ADDRESS", "STRING_TOO_LONG"]


NOT_FOUND = [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]
CROSS = [{"message": "invalid cross reference id", "errorCode": "INVALID_CROSS_REFERENCE_KEY", "fields": []}]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "expected"),
    [
        pytest.param("GET", f"/sobjects/Lead/{UNKNOWN_LEAD}", None, 404, NOT_FOUND, id="read an unknown id"),
        pytest.param(
            "PATCH", f"/sobjects/Lead/{UNKNOWN_LEAD}", {}, 404, NOT_FOUND, id="update an unknown id"
        ),
        pytest.param("DELETE", f"/sobjects/Lead/{UNKNOWN_LEAD}", None, 404, CROSS, id="delete an unknown id"),
        pytest.param(
            "GET", "/sobjects/Unicorn/describe", None, 404, NOT_FOUND, id="describe an unknown object"
        ),
        pytest.param("POST", "/sobjects/Unicorn", {}, 404, NOT_FOUND, id="create in an unknown object"),
        pytest.param("GET", "/nowhere", None, 404, NOT_FOUND, id="unknown resource"),
        pytest.param("GET", "/sobjects/Lead/short", None, 404, NOT_FOUND, id="no id at all"),
        pytest.param(
            "GET",
            "/sobjects/Lead/00Q5g0000000001AAA",
            None,
            400,
            [{"message": "malformed id 00Q5g0000000001AAA", "errorCode": "MALFORMED_ID", "fields": ["Id"]}],
            id="wrong check suffix",
        ),
        pytest.param(
            "DELETE",
            "/sobjects/Lead/00Q5g0000000001AAA",
            None,
            400,
            [{"message": "malformed id 00Q5g0000000001AAA", "errorCode": "MALFORMED_ID", "fields": ["Id"]}],
            id="delete with a wrong check suffix",
        ),
        pytest.param(
            "PUT",
            "/sobjects/Lead",
            {},
            405,
            [
                {
                    "message": "HTTP Method 'PUT' not allowed. Allowed are HEAD,GET,POST",
                    "errorCode": "METHOD_NOT_ALLOWED",
                }
            ],
            id="method not allowed",
        ),
        pytest.param(
            "POST",
            "/sobjects/Lead",
            [],
            400,
            [
                {
                    "message": "Cannot deserialize instance of object from START_ARRAY at [line:1, column:1]",
                    "errorCode": "JSON_PARSER_ERROR",
                }
            ],
            id="array for an object",
        ),
    ],
)
async def test_a_wrong_address_is_refused(
    org: OrgClient, method: str, path: str, body: Any, status: int, expected: list[dict[str, Any]]
) -> None:
    answer = await org.data(method, path, body)
    assert (answer.status_code, answer.json()) == (status, expected)


@pytest.mark.parametrize(
    ("content", "content_type", "status", "code", "message"),
    [
        pytest.param(
            b"",
            "application/json",
            400,
            "JSON_PARSER_ERROR",
            "The HTTP entity body is required, but this request has no entity body.",
            id="no body",
        ),
        pytest.param(
            b'{"LastName"j',
            "application/json",
            400,
            "JSON_PARSER_ERROR",
            "Unexpected character ('j' (code 106)): was expecting a colon to separate field name and value "
            "at [line:1, column:12]",
            id="not JSON",
        ),
        pytest.param(
            b'{"LastName":',
            "application/json",
            400,
            "JSON_PARSER_ERROR",
            "Unexpected end-of-input: expected close marker for Object at [line:1, column:13]",
            id="cut JSON",
        ),
        pytest.param(
            b"{}",
            "text/plain",
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            "Content-Type header specified in HTTP request is not supported: text/plain",
            id="another media type",
        ),
    ],
)
async def test_an_unreadable_body_is_refused(
    org: OrgClient, content: bytes, content_type: str, status: int, code: str, message: str
) -> None:
    headers = {"Authorization": f"Bearer {org.token}", "Content-Type": content_type}
    answer = await org.http.post(f"{org.root}/sobjects/Lead", content=content, headers=headers)
    assert (answer.status_code, answer.json()) == (status, [{"message": message, "errorCode": code}])


async def test_the_id_cannot_be_written(org: OrgClient) -> None:
    record_id = await org.lead()
    answer = await org.data("PATCH", f"/sobjects/Lead/{record_id}", {"Id": record_id})
    message = "The Id field should not be specified in the sobject data."
    assert answer.json() == [{"message": message, "errorCode": "INVALID_FIELD"}]


@pytest.mark.parametrize("name", ["LastName", "Status"])
async def test_a_required_field_cannot_be_emptied(org: OrgClient, name: str) -> None:
    record_id = await org.lead()
    answer = await org.data("PATCH", f"/sobjects/Lead/{record_id}", {name: None})
    message = f"Required fields are missing: [{name}]"
    assert answer.json() == [{"message": message, "errorCode": "REQUIRED_FIELD_MISSING", "fields": [name]}]


async def test_an_update_checks_only_what_it_changes(org: OrgClient) -> None:
    (record_id,) = await org.seed("Lead", {"LastName": "Doe", "Email": "broken"})
    assert (await org.data("PATCH", f"/sobjects/Lead/{record_id}", {"Title": "CTO"})).status_code == 204


async def test_a_lookup_to_a_deleted_row_is_refused(org: OrgClient) -> None:
    lead_id = await org.lead()
    await org.data("DELETE", f"/sobjects/Lead/{lead_id}")
    answer = await org.data("POST", "/sobjects/Task", {"WhoId": lead_id})
    assert answer.json()[0]["errorCode"] == "ENTITY_IS_DELETED"


@pytest.mark.parametrize(
    "address",
    ["o'brien@example.com", "a+b@example.co.uk", "x_y.z-1@sub.example.com", "a@1.example.com"],
)
async def test_real_addresses_are_accepted(org: OrgClient, address: str) -> None:
    assert (await org.get("Lead", await org.lead(Email=address)))["Email"] == address


@pytest.mark.parametrize(
    "address", ["a@b", "a b@example.com", "@example.com", "a@example..com", "ä@example.com"]
)
async def test_other_texts_are_no_addresses(org: OrgClient, address: str) -> None:
    answer = await org.data("POST", "/sobjects/Lead", {**LEAD, "Email": address})
    assert answer.json()[0]["errorCode"] == "INVALID_EMAIL_ADDRESS"


async def test_values_are_kept_in_salesforce_form(org: OrgClient) -> None:
    task = await org.get(
        "Task",
        await org.create(
            "Task",
            ActivityDate="2026-11-20",
            ReminderDateTime="2026-11-21T12:30:15.250+02:00",
            CallDurationInSeconds="90",
            IsReminderSet="TRUE",
        ),
    )
    names = ("ActivityDate", "ReminderDateTime", "CallDurationInSeconds", "IsReminderSet")
    expected = ("2026-11-20", "2026-11-21T10:30:15.000+0000", 90, True)
    assert tuple(task[name] for name in names) == expected
    lead = await org.get("Lead", await org.lead(AnnualRevenue=1.5, IsUnreadByOwner=None))
    assert (lead["AnnualRevenue"], lead["IsUnreadByOwner"]) == (1.5, False)
