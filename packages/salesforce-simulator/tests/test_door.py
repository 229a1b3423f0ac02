"""The simulator's own door, the switches, and what every answer carries."""

from typing import Any

import pytest

from support.client import BASE_URL, OrgClient


async def test_the_session_is_ready_to_use(org: OrgClient) -> None:
    session = await org.sign_in()
    assert set(session) == {
        *("instance_url", "login_url", "access_token", "refresh_token"),
        *("client_id", "client_secret", "org_id", "user_id"),
    }
    assert session["instance_url"] == session["login_url"] == BASE_URL
    assert session == await org.sign_in()
    (row,) = await org.rows("SELECT Id, OrganizationType FROM Organization")
    assert (row["Id"], row["OrganizationType"]) == (session["org_id"], "Enterprise Edition")


async def test_records_are_shown_whole_with_deleted_ones(org: OrgClient) -> None:
    lead_id = await org.lead()
    await org.data("DELETE", f"/sobjects/Lead/{lead_id}")
    shown = await org.door("GET", "records/Lead")
    assert (shown["totalSize"], shown["records"][0]["IsDeleted"]) == (1, True)
    assert shown["records"][0]["Name"] == "Doe"
    assert (await org.door("GET", f"records/Lead?id={lead_id}"))["totalSize"] == 1
    assert (await org.door("GET", "records/Lead?id=x"))["totalSize"] == 0


async def test_seeded_rows_pass_every_rule(org: OrgClient) -> None:
    await org.configure(required_fields={"Lead": ["Phone"]}, duplicate_rules=[{"sobject": "Lead"}])
    rows = [{"LastName": "A", "Email": "same@example.com", "CreatedDate": "2020-01-02T03:04:05Z"}] * 2
    assert len(await org.seed("Lead", *rows)) == 2
    (first, _) = await org.rows("SELECT CreatedDate, LastModifiedDate, Status, Name FROM Lead")
    assert first["CreatedDate"] == first["LastModifiedDate"] == "2020-01-02T03:04:05.000+0000"
    assert (first["Status"], first["Name"]) == ("Open - Not Contacted", "A")


async def test_seeds_fill_what_salesforce_derives(org: OrgClient) -> None:
    (campaign_id,) = await org.seed("Campaign", {"Name": "Fair"})
    (lead_id,) = await org.seed("Lead", {"Id": "00Q5g00000000zzEAA", "LastName": "A", "attributes": {}})
    await org.seed("CampaignMember", {"CampaignId": campaign_id, "LeadId": lead_id, "Status": "Responded"})
    await org.seed("Task", {"WhoId": lead_id, "Status": "Completed"})
    (member,) = await org.rows("SELECT HasResponded, Lead.Name FROM CampaignMember")
    assert (member["HasResponded"], member["Lead"]["Name"]) == (True, "A")
    assert [r["IsClosed"] for r in await org.rows("SELECT IsClosed FROM Task")] == [True]
    answer = await org.http.post("/_simulator/records/Lead", json={"records": [{"LastName": "B"}]})
    (one,) = (await org.http.post("/_simulator/records/Lead", json={"LastName": "C"})).json()["ids"]
    assert answer.json()["ids"] == ["00Q5g0000000100EAA"] or one > lead_id


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("GET", "nowhere", None, 404, "no such door: GET /_simulator/nowhere"),
        ("GET", "records/Unicorn", None, 400, "no such object: Unicorn"),
        ("GET", "config?org=00D000000000000EAA", None, 404, "no such org"),
        ("POST", "records/Lead", [{"Nick": "x"}], 400, "no such field on Lead: Nick"),
        ("POST", "records/Lead", [{"CreatedDate": "soon"}], 400, "Lead.CreatedDate: soon"),
        ("POST", "records/Task", [{"WhoId": "x"}], 400, "Task.WhoId: x"),
        ("PUT", "config", {"latency": 5}, 400, "latency: Extra inputs are not permitted"),
        (
            "PUT",
            "config",
            {"latency_ms": -1},
            400,
            "latency_ms: Input should be greater than or equal to 0",
        ),
        ("PUT", "config", [], 400, "an object is expected"),
        ("POST", "faults", {"kind": "earthquake"}, 400, None),
        ("POST", "convert", {"leadId": "x"}, 400, "no id: x"),
        ("POST", "convert", {"leadId": "00Q5g00000000zzEAA"}, 400, "no Lead: 00Q5g00000000zzEAA"),
    ],
)
async def test_the_control_api_refuses_what_it_cannot_do(
    org: OrgClient, method: str, path: str, body: Any, status: int, error: str | None
) -> None:
    answer = await org.http.request(method, f"/_simulator/{path}", json=body)
    assert answer.status_code == status
    assert answer.json()["error"] == error or error is None


async def test_a_body_that_is_no_json_is_refused(org: OrgClient) -> None:
    answer = await org.http.put("/_simulator/config", content=b"{")
    assert answer.json()["error"].startswith("not JSON: ")


async def test_switches_merge_and_show_themselves(org: OrgClient) -> None:
    await org.configure(latency_ms=0, api_limit={"max": 50}, required_fields={"Lead": ["Phone"]})
    config = await org.configure(api_limit={"used": 7}, required_fields={"Contact": ["Phone"]})
    assert (config["api_limit"]["max"], config["api_limit"]["used"]) == (50, 7)
    assert config["required_fields"] == {"Lead": ["Phone"], "Contact": ["Phone"]}
    assert await org.door("GET", "config") == config


async def test_calls_are_counted_by_endpoint(org: OrgClient) -> None:
    lead_id = await org.lead()
    await org.get("Lead", lead_id)
    await org.rows("SELECT Id FROM Lead")
    await org.data("GET", "/nowhere")
    await org.http.get("/services/data")
    calls = await org.door("GET", "calls")
    assert calls == {
        "total": 4,
        "by_endpoint": {
            "GET /nowhere": 1,
            "GET /query": 1,
            "GET /sobjects/Lead/{id}": 1,
            "POST /sobjects/Lead": 1,
        },
        "uncounted": {"GET /services/data": 1},
    }
    for method, path in (("DELETE", "calls"), ("POST", "calls/reset")):
        await org.data("GET", "/limits")
        assert (await org.door(method, path))["total"] == 0


async def test_every_answer_tells_the_usage(org: OrgClient) -> None:
    await org.configure(api_limit={"max": 100, "used": 40})
    answer = await org.data("GET", "/limits")
    assert answer.headers["sforce-limit-info"] == "api-usage=41/100"
    assert (await org.data("GET", "/limits")).json()["DailyApiRequests"] == {"Max": 100, "Remaining": 59}
    assert "sforce-limit-info" not in (await org.http.get("/services/data")).headers
    token = await org.http.post("/services/oauth2/token", data={})
    assert "sforce-limit-info" not in token.headers


@pytest.mark.parametrize(
    ("switches", "status", "expected"),
    [
        pytest.param(
            {"api_limit": {"max": 5, "used": 5}},
            403,
            [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}],
            id="daily limit",
        ),
        pytest.param(
            {"is_api_enabled": False},
            403,
            [
                {
                    "message": "The REST API is not enabled for this Organization.",
                    "errorCode": "API_DISABLED_FOR_ORG",
                }
            ],
            id="edition without API",
        ),
        pytest.param({"is_maintenance": True}, 503, None, id="maintenance"),
    ],
)
async def test_an_org_can_be_closed(
    org: OrgClient, switches: dict[str, Any], status: int, expected: Any
) -> None:
    await org.configure(**switches)
    answer = await org.data("GET", "/limits")
    assert answer.status_code == status
    if expected is None:
        assert answer.headers["content-type"].startswith("text/html")
    else:
        assert answer.json() == expected
    assert (await org.door("GET", "calls"))["total"] == 0


@pytest.mark.parametrize(
    ("version", "status"),
    [("30.0", 410), ("31.0", 200), ("68.0", 200), ("69.0", 404), ("20.0", 404), ("62", 404), ("62.5", 404)],
)
async def test_only_living_versions_answer(org: OrgClient, version: str, status: int) -> None:
    org.version = version
    assert (await org.data("GET", "/limits")).status_code == status


async def test_the_version_list_names_the_releases(org: OrgClient) -> None:
    await org.configure(versions={"min": 65})
    labels = [(v["label"], v["version"], v["url"]) for v in (await org.http.get("/services/data/")).json()]
    assert labels == [
        ("Winter '26", "65.0", "/services/data/v65.0"),
        ("Spring '26", "66.0", "/services/data/v66.0"),
        ("Summer '26", "67.0", "/services/data/v67.0"),
        ("Winter '27", "68.0", "/services/data/v68.0"),
    ]


async def test_a_long_uri_is_414(org: OrgClient) -> None:
    answer = await org.query(f"SELECT Id FROM Lead WHERE Email = '{'x' * 16_384}'")
    assert (answer.status_code, "URI Too Long" in answer.text) == (414, True)


async def test_other_paths_and_methods_are_refused(org: OrgClient) -> None:
    assert (await org.http.get("/services/nowhere")).status_code == 404
    assert (await org.http.put("/services/oauth2/token")).status_code == 405


async def test_a_reset_leaves_nothing(org: OrgClient) -> None:
    await org.lead()
    await org.configure(rotation=True)
    await org.door("POST", "faults", {"kind": "html"})
    await org.door("POST", "reset")
    assert (await org.door("GET", "records/Lead"))["totalSize"] == 0
    assert (await org.door("GET", "config"))["rotation"] is False
    assert (await org.door("GET", "faults"))["faults"] == []
    assert (await org.door("GET", "calls"))["total"] == 0
    assert (await org.data("GET", "/limits")).status_code == 401


async def test_the_last_requests_are_kept_without_secrets(org: OrgClient) -> None:
    await org.lead()
    await org.http.post("/services/oauth2/token", data={"client_secret": "s3"})
    create, token = (await org.door("GET", "requests"))["requests"]
    assert (create["method"], create["status"]) == ("POST", 201)
    assert "Doe" in create["body"]
    assert (token["path"], token["body"]) == ("/services/oauth2/token", "")


async def test_latency_slows_data_calls_only(org: OrgClient) -> None:
    await org.configure(latency_ms=1)
    assert (await org.data("GET", "/limits")).status_code == 200
