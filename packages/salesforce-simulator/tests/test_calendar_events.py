"""Calendar Events through their life."""

from typing import Any

import pytest

from support.client import OrgClient

NINE_TO_FIVE = {"StartDateTime": "2026-11-24T09:00:00Z", "EndDateTime": "2026-11-24T17:00:00Z"}
THREE_DAYS = {"StartDateTime": "2026-11-24T09:00:00Z", "EndDateTime": "2026-11-26T17:00:00Z"}
FIFTEEN_DAYS = {"StartDateTime": "2026-11-01T09:00:00Z", "EndDateTime": "2026-11-16T09:00:00Z"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(
            {"StartDateTime": "2026-11-21T10:00:00Z", "DurationInMinutes": 90},
            {"EndDateTime": "2026-11-21T11:30:00.000+0000", "ActivityDate": "2026-11-21"},
            id="start and duration",
        ),
        pytest.param(
            {"ActivityDateTime": "2026-11-21T23:00:00Z", "EndDateTime": "2026-11-22T01:00:00Z"},
            {"DurationInMinutes": 120, "EndDate": "2026-11-22", "ShowAs": "Busy"},
            id="start and end",
        ),
        pytest.param(
            {"IsAllDayEvent": True, "ActivityDate": "2026-11-21"},
            {"StartDateTime": "2026-11-21T00:00:00.000+0000", "DurationInMinutes": 1440},
            id="all day",
        ),
        pytest.param(
            {"IsAllDayEvent": True, "ActivityDate": "2026-11-21", "EndDateTime": "2026-11-23T00:00:00Z"},
            {
                "EndDateTime": "2026-11-23T00:00:00.000+0000",
                "EndDate": "2026-11-23",
                "DurationInMinutes": 4320,
            },
            id="all of three days",
        ),
        pytest.param(
            {"IsAllDayEvent": True, "StartDateTime": "2026-11-21T00:00:00Z", "DurationInMinutes": 2880},
            {"ActivityDate": "2026-11-21", "EndDate": "2026-11-22"},
            id="all of two days, by duration",
        ),
    ],
)
async def test_an_event_completes_its_times(
    org: OrgClient, given: dict[str, Any], expected: dict[str, Any]
) -> None:
    row = await org.get("Event", await org.create("Event", **given))
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("given", "code", "text"),
    [
        ({}, "REQUIRED_FIELD_MISSING", "[ActivityDateTime]"),
        ({"StartDateTime": "2026-11-21T10:00:00Z"}, "REQUIRED_FIELD_MISSING", "[DurationInMinutes]"),
        ({"IsAllDayEvent": True}, "REQUIRED_FIELD_MISSING", "[ActivityDate]"),
        (
            {
                "StartDateTime": "2026-11-21T10:00:00Z",
                "EndDateTime": "2026-11-21T11:00:00Z",
                "DurationInMinutes": 5,
            },
            "FIELD_INTEGRITY_EXCEPTION",
            "do not agree",
        ),
    ],
    ids=["no start", "no length", "no day", "contradiction"],
)
async def test_an_event_without_sense_is_refused(
    org: OrgClient, given: dict[str, Any], code: str, text: str
) -> None:
    (error,) = (await org.data("POST", "/sobjects/Event", given)).json()
    assert error["errorCode"] == code
    assert text in error["message"]


async def test_a_moved_event_keeps_its_length(org: OrgClient) -> None:
    times = {"StartDateTime": "2026-11-21T10:00:00Z", "DurationInMinutes": 30}
    event_id = await org.create("Event", **times)
    await org.data("PATCH", f"/sobjects/Event/{event_id}", {"StartDateTime": "2026-11-21T12:00:00Z"})
    assert (await org.get("Event", event_id))["EndDateTime"] == "2026-11-21T12:30:00.000+0000"


async def error_of(
    org: OrgClient, method: str, path: str, body: dict[str, Any]
) -> tuple[int, str, list[str]]:
    answer = await org.data(method, f"/sobjects/{path}", body)
    (error,) = answer.json()
    return answer.status_code, error["errorCode"], error["fields"]


async def test_an_event_is_made_with_what_salesforce_documents(org: OrgClient) -> None:
    lead_id = await org.lead()
    event_id = await org.create(
        "Event",
        **NINE_TO_FIVE,
        Subject="Autumn Summit",
        WhoId=lead_id,
        Location="Berlin",
        ShowAs="Free",
        IsReminderSet=False,
        Description="Ref: EVS-1",
    )
    row = await org.get("Event", event_id)
    names = ("DurationInMinutes", "ActivityDateTime", "ShowAs", "EventSubtype", "IsAllDayEvent", "EndDate")
    assert tuple(row[name] for name in names) == (
        480,
        "2026-11-24T09:00:00.000+0000",
        "Free",
        "Event",
        False,
        "2026-11-24",
    )
    found = await org.rows(f"SELECT Id, Owner.Name FROM Event WHERE WhoId IN ('{lead_id}')")
    assert [(each["Id"], each["Owner"]["Name"]) for each in found] == [(event_id, "Ada Admin")]


async def test_an_event_is_described_as_recorded(org: OrgClient) -> None:
    fields = {f["name"]: f for f in (await org.data("GET", "/sobjects/Event/describe")).json()["fields"]}
    powers = {
        name: (fields[name]["type"], fields[name]["createable"], fields[name]["updateable"])
        for name in ("Subject", "StartDateTime", "EventSubtype", "EndDate", "IsArchived", "Type")
    }
    assert powers == {
        "Subject": ("combobox", True, True),
        "StartDateTime": ("datetime", True, True),
        "EventSubtype": ("picklist", True, False),
        "EndDate": ("date", False, False),
        "IsArchived": ("boolean", False, False),
        "Type": ("picklist", True, True),
    }
    assert [fields[name]["restrictedPicklist"] for name in ("ShowAs", "EventSubtype", "Type")] == [
        True,
        True,
        False,
    ]
    assert (fields["Description"]["filterable"], fields["OwnerId"]["referenceTo"]) == (
        False,
        ["Calendar", "User"],
    )


@pytest.mark.parametrize(
    ("moved", "expected"),
    [
        pytest.param(
            {"StartDateTime": "2026-11-25T10:00:00Z", "EndDateTime": "2026-11-25T11:00:00Z"},
            ("2026-11-25T10:00:00.000+0000", "2026-11-25T11:00:00.000+0000", 60),
            id="both",
        ),
        pytest.param(
            {"StartDateTime": "2026-11-24T10:00:00Z", "EndDateTime": "2026-11-24T17:00:00Z"},
            ("2026-11-24T10:00:00.000+0000", "2026-11-24T17:00:00.000+0000", 420),
            id="a later start and the same end",
        ),
        pytest.param(
            {"EndDateTime": "2026-11-24T12:00:00Z"},
            ("2026-11-24T09:00:00.000+0000", "2026-11-24T12:00:00.000+0000", 180),
            id="an end",
        ),
        pytest.param(
            {"DurationInMinutes": 30},
            ("2026-11-24T09:00:00.000+0000", "2026-11-24T09:30:00.000+0000", 30),
            id="a duration",
        ),
        pytest.param(
            {"IsAllDayEvent": True},
            ("2026-11-24T00:00:00.000+0000", "2026-11-24T00:00:00.000+0000", 1440),
            id="the whole day",
        ),
    ],
)
async def test_an_event_is_moved(org: OrgClient, moved: dict[str, Any], expected: tuple[Any, ...]) -> None:
    event_id = await org.create("Event", **NINE_TO_FIVE)
    assert (await org.data("PATCH", f"/sobjects/Event/{event_id}", moved)).status_code == 204
    row = await org.get("Event", event_id)
    assert (row["StartDateTime"], row["EndDateTime"], row["DurationInMinutes"]) == expected


NO_SENSE = {
    "an end before the start": ({"EndDateTime": "2026-11-24T08:00:00Z"}, ["EndDateTime"]),
    "another duration": ({"DurationInMinutes": 5}, ["DurationInMinutes"]),
    "another due time": ({"ActivityDateTime": "2026-11-24T10:00:00Z"}, ["ActivityDateTime"]),
    "another due date": ({"ActivityDate": "2026-11-25"}, ["ActivityDateTime"]),
    "more than 14 days": (FIFTEEN_DAYS, ["EndDateTime"]),
    "more than 14 days by duration": (
        {"EndDateTime": None, "DurationInMinutes": 14 * 1440 + 1},
        ["DurationInMinutes"],
    ),
    "a negative duration": ({"EndDateTime": None, "DurationInMinutes": -1}, ["DurationInMinutes"]),
    "days that differ": ({"IsAllDayEvent": True, "ActivityDate": "2026-11-25"}, ["ActivityDate"]),
}


@pytest.mark.parametrize(("given", "fields"), NO_SENSE.values(), ids=NO_SENSE)
async def test_times_at_odds_are_refused(org: OrgClient, given: dict[str, Any], fields: list[str]) -> None:
    refusal = await error_of(org, "POST", "Event", {**NINE_TO_FIVE, **given})
    assert refusal == (400, "FIELD_INTEGRITY_EXCEPTION", fields)
    assert await org.rows("SELECT Id FROM Event") == []
    await org.configure(event_times_code="REQUIRED_FIELD_MISSING")
    assert (await error_of(org, "POST", "Event", {**NINE_TO_FIVE, **given}))[1] == "REQUIRED_FIELD_MISSING"


@pytest.mark.parametrize(
    "given",
    [THREE_DAYS, {"IsAllDayEvent": True, "ActivityDate": "2026-11-24", "DurationInMinutes": 4320}],
    ids=["timed", "all day"],
)
async def test_several_days_need_the_setting(org: OrgClient, given: dict[str, Any]) -> None:
    long_id = await org.create("Event", **given)
    await org.configure(has_multiday_events=False, event_times_message="Nein: {}")
    answer = await org.data("POST", "/sobjects/Event", given)
    assert answer.json()[0]["message"] == "Nein: Event duration cannot be more than 24 hours"
    assert answer.json()[0]["errorCode"] == "FIELD_INTEGRITY_EXCEPTION"
    one_day = {**NINE_TO_FIVE, "EndDateTime": "2026-11-25T09:00:00Z"}
    await org.create("Event", **one_day)
    await org.create("Event", IsAllDayEvent=True, ActivityDate="2026-11-24")
    assert (await error_of(org, "PATCH", f"Event/{long_id}", THREE_DAYS))[1] == "FIELD_INTEGRITY_EXCEPTION"


async def test_a_private_event_has_no_person(org: OrgClient) -> None:
    lead_id = await org.lead()
    body = {**NINE_TO_FIVE, "IsPrivate": True}
    event_id = await org.create("Event", **body)
    for method, path, given in (
        ("POST", "Event", {**body, "WhoId": lead_id}),
        ("PATCH", f"Event/{event_id}", {"WhoId": lead_id}),
    ):
        assert await error_of(org, method, path, given) == (400, "FIELD_INTEGRITY_EXCEPTION", ["IsPrivate"])


async def test_restricted_picklists_of_an_event_are_kept_to(org: OrgClient) -> None:
    code = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    for name in ("ShowAs", "EventSubtype"):
        assert await error_of(org, "POST", "Event", {**NINE_TO_FIVE, name: "Maybe"}) == (400, code, [name])
    event_id = await org.create("Event", **NINE_TO_FIVE, Type="Webinar")
    refused = await error_of(org, "PATCH", f"Event/{event_id}", {"EventSubtype": "Event"})
    assert refused == (400, "INVALID_FIELD_FOR_INSERT_UPDATE", ["EventSubtype"])


async def test_a_calendar_can_own_an_event(org: OrgClient) -> None:
    (calendar_id,) = await org.seed("Calendar", {"Name": "Trade fairs", "Type": "Public", "IsActive": True})
    event_id = await org.create("Event", **NINE_TO_FIVE, OwnerId=calendar_id)
    (row,) = await org.rows(f"SELECT Owner.Name, Owner.Type FROM Event WHERE Id = '{event_id}'")
    assert (row["Owner"]["Name"], row["Owner"]["Type"]) == ("Trade fairs", "Calendar")


async def test_events_of_a_collection_fail_alone(org: OrgClient) -> None:
    records = [{"attributes": {"type": "Event"}, **times} for times in (NINE_TO_FIVE, FIFTEEN_DAYS)]
    made = (await org.data("POST", "/composite/sobjects", {"records": records})).json()
    assert [(each["success"], [e["statusCode"] for e in each["errors"]]) for each in made] == [
        (True, []),
        (False, ["FIELD_INTEGRITY_EXCEPTION"]),
    ]
    changed = [{"attributes": {"type": "Event"}, "id": made[0]["id"], **THREE_DAYS}]
    (answer,) = (await org.data("PATCH", "/composite/sobjects", {"records": changed})).json()
    assert answer["success"] is True
    assert (await org.get("Event", made[0]["id"]))["DurationInMinutes"] == 3360
