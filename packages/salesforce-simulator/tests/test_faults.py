"""Trouble on demand, in process."""

import asyncio
from typing import Any

import httpx
import pytest

from support.client import OrgClient

LEAD = {"LastName": "Doe", "Company": "Acme"}


async def arm(org: OrgClient, kind: str, **rule: Any) -> None:
    await org.door("POST", "faults", {"kind": kind, "count": 1, **rule})


async def leads(org: OrgClient) -> int:
    return int((await org.door("GET", "records/Lead"))["totalSize"])


@pytest.mark.parametrize(
    ("kind", "rows"), [("reset_before_write", 0), ("reset_after_write", 1)], ids=["before", "after"]
)
async def test_a_reset_cuts_the_write_short_or_not(org: OrgClient, kind: str, rows: int) -> None:
    await arm(org, kind)
    await org.data("GET", "/limits")
    with pytest.raises(httpx.ReadError):
        await org.data("POST", "/sobjects/Lead", LEAD)
    assert await leads(org) == rows
    assert (await org.data("POST", "/sobjects/Lead", LEAD)).status_code == 201


async def test_a_late_write_lands_when_settled(org: OrgClient) -> None:
    await arm(org, "late_apply", seconds=600)
    with pytest.raises(httpx.ReadError):
        await org.data("POST", "/sobjects/Lead", LEAD)
    assert (await leads(org), (await org.door("GET", "faults"))["late"]) == (0, 1)
    assert await org.door("POST", "settle") == {"applied": 1}
    assert await leads(org) == 1


async def test_a_late_write_lands_by_itself(org: OrgClient) -> None:
    await arm(org, "late_apply", seconds=0)
    with pytest.raises(httpx.ReadError):
        await org.data("POST", "/sobjects/Lead", LEAD)
    while (await org.door("GET", "faults"))["late"]:
        await asyncio.sleep(0)
    assert await leads(org) == 1


async def test_a_reset_of_the_simulator_drops_late_writes(org: OrgClient) -> None:
    await arm(org, "late_apply", seconds=600)
    with pytest.raises(httpx.ReadError):
        await org.data("POST", "/sobjects/Lead", LEAD)
    await org.door("POST", "reset")
    assert await org.door("POST", "settle") == {"applied": 0}


async def test_a_truncated_answer_is_no_json_but_written(org: OrgClient) -> None:
    await arm(org, "truncate")
    answer = await org.data("POST", "/sobjects/Lead", LEAD)
    assert answer.status_code == 201
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        answer.json()
    assert await leads(org) == 1


@pytest.mark.parametrize("is_applied", [False, True], ids=["not applied", "applied"])
async def test_a_server_error_may_come_after_the_write(org: OrgClient, *, is_applied: bool) -> None:
    await arm(org, "html", status=502, body="<h1>Bad Gateway</h1>", is_applied=is_applied)
    await arm(org, "error", status=500, error_code="UNKNOWN_EXCEPTION", message="Oops", is_applied=is_applied)
    html = await org.data("POST", "/sobjects/Lead", LEAD)
    error = await org.data("POST", "/sobjects/Lead", LEAD)
    assert (html.status_code, html.text) == (502, "<h1>Bad Gateway</h1>")
    assert html.headers["content-type"].startswith("text/html")
    assert (error.status_code, error.json()) == (500, [{"message": "Oops", "errorCode": "UNKNOWN_EXCEPTION"}])
    assert await leads(org) == (2 if is_applied else 0)


@pytest.mark.parametrize("kept", range(3))
async def test_a_server_error_may_come_after_some_parts(org: OrgClient, kept: int) -> None:
    await arm(org, "error", status=500, error_code="UNKNOWN_EXCEPTION", is_applied=True, kept=kept)
    url = f"{org.root}/sobjects/Lead"
    parts = [{"method": "POST", "url": url, "referenceId": f"r{n}", "body": LEAD} for n in range(2)]
    answer = await org.data("POST", "/composite", {"compositeRequest": parts})
    assert (answer.status_code, await leads(org)) == (500, kept)


async def test_a_server_error_may_come_after_some_rows(org: OrgClient) -> None:
    await arm(org, "error", status=500, is_applied=True, kept=1)
    rows = [{"attributes": {"type": "Lead"}, **LEAD} for _ in range(3)]
    assert (await org.data("POST", "/composite/sobjects", {"records": rows})).status_code == 500
    assert await leads(org) == 1


@pytest.mark.parametrize("is_applied", [False, True], ids=["not applied", "applied"])
async def test_a_hanging_call_ends_in_a_cut(org: OrgClient, *, is_applied: bool) -> None:
    await arm(org, "hang", seconds=0, is_applied=is_applied)
    with pytest.raises(httpx.ReadError):
        await org.data("POST", "/sobjects/Lead", LEAD)
    assert await leads(org) == int(is_applied)


async def test_latency_only_delays(org: OrgClient) -> None:
    await arm(org, "latency", seconds=0)
    assert (await org.data("POST", "/sobjects/Lead", LEAD)).status_code == 201


async def test_a_row_error_meets_single_rows_of_a_collection(org: OrgClient) -> None:
    text = "unable to obtain exclusive access to this record"
    await arm(
        org, "row_error", error_code="UNABLE_TO_LOCK_ROW", message=text, match={"sobject": "Lead"}, skip=1
    )
    rows = [{"attributes": {"type": "Lead"}, **LEAD}] * 3
    results = (await org.data("POST", "/composite/sobjects", {"records": rows})).json()
    assert [r["success"] for r in results] == [True, False, True]
    error = {"statusCode": "UNABLE_TO_LOCK_ROW", "message": text, "fields": []}
    assert results[1]["errors"] == [error]


async def test_a_row_error_may_meet_only_rows_that_write_a_field(org: OrgClient) -> None:
    match = {"sobject": "Lead", "body": "Title"}
    await arm(org, "row_error", error_code="INVALID_FIELD_FOR_INSERT_UPDATE", match=match, count=None)
    rows = [{"attributes": {"type": "Lead"}, **LEAD, **more} for more in ({}, {"Title": "CTO"}, {})]
    results = (await org.data("POST", "/composite/sobjects", {"records": rows})).json()
    assert [r["success"] for r in results] == [True, False, True]


READ = {"compositeRequest": [{"method": "GET", "url": "/services/data/v62.0/limits", "referenceId": "a"}]}
WRITE = {
    "compositeRequest": [
        {"method": "POST", "url": "/services/data/v62.0/sobjects/Task", "referenceId": "a", "body": {}}
    ]
}


@pytest.mark.parametrize(
    ("match", "method", "path", "body", "is_hit"),
    [
        ({"method": "post"}, "POST", "/sobjects/Lead", LEAD, True),
        ({"method": "GET"}, "POST", "/sobjects/Lead", LEAD, False),
        ({"path": "sobjects/Le"}, "POST", "/sobjects/Lead", LEAD, True),
        ({"path": "composite$"}, "POST", "/sobjects/Lead", LEAD, False),
        ({"body": "Acm"}, "POST", "/sobjects/Lead", LEAD, True),
        ({"body": "Byte"}, "POST", "/sobjects/Lead", LEAD, False),
        ({"sobject": "Lead"}, "POST", "/sobjects/Lead", LEAD, True),
        ({"sobject": "Campaign"}, "POST", "/sobjects/CampaignMember", {}, False),
        ({"sobject": "Task"}, "POST", "/composite", WRITE, True),
        ({"sobject": "Lead"}, "GET", "/query?q=SELECT+Id+FROM+Lead", None, True),
        ({"sobject": "Lead"}, "GET", "/limits", None, False),
        ({"is_write": True}, "POST", "/composite", READ, False),
        ({"is_write": True}, "POST", "/composite", WRITE, True),
        ({"is_write": False}, "POST", "/composite", READ, True),
        ({"is_write": True}, "GET", "/limits", None, False),
    ],
)
async def test_a_fault_meets_what_it_matches(
    org: OrgClient, match: dict[str, Any], method: str, path: str, body: Any, *, is_hit: bool
) -> None:
    await arm(org, "error", match=match, status=503)
    assert ((await org.data(method, path, body)).status_code == 503) is is_hit
    (rule,) = (await org.door("GET", "faults"))["faults"]
    assert (rule["seen"], rule["fired"]) == (int(is_hit), int(is_hit))


async def test_chance_is_repeatable(org: OrgClient) -> None:
    outcomes = []
    for _ in range(2):
        await org.door("POST", "faults", [{"kind": "error", "probability": 0.5, "seed": 7}])
        outcomes.append([(await org.data("GET", "/limits")).status_code for _ in range(20)])
        await org.door("DELETE", "faults")
    assert outcomes[0] == outcomes[1]
    assert set(outcomes[0]) == {200, 503}


async def test_a_slow_drip_is_whole_in_the_end(org: OrgClient) -> None:
    await arm(org, "slow_drip", seconds=0)
    answer = await org.data("POST", "/sobjects/Lead", LEAD)
    assert (answer.status_code, answer.json()["success"]) == (201, True)


@pytest.mark.parametrize("is_applied", [False, True], ids=["not applied", "applied"])
async def test_an_error_may_have_no_body(org: OrgClient, *, is_applied: bool) -> None:
    await arm(org, "empty", status=502, is_applied=is_applied)
    answer = await org.data("POST", "/sobjects/Lead", LEAD)
    assert (answer.status_code, answer.content, "content-type" in answer.headers) == (502, b"", False)
    assert await leads(org) == int(is_applied)


async def test_calls_at_one_time_are_limited(org: OrgClient) -> None:
    await org.configure(latency_ms=1, api_limit={"concurrent": 1})
    answers = await asyncio.gather(*(org.data("GET", "/limits") for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 403]
    refused = next(answer for answer in answers if answer.status_code == 403)
    message = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
    assert refused.json() == [{"message": message, "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
    assert (await org.data("GET", "/limits")).status_code == 200


async def test_each_app_has_its_own_limit(org: OrgClient) -> None:
    await org.configure(api_limit={"per_app": 2})
    answers = [await org.data("GET", "/limits") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 403]
    usage = answers[1].headers["sforce-limit-info"]
    assert usage == "api-usage=2/100000; per-app-api-usage=2/2(appName=Event Registrations)"
