"""Several calls in one request."""

import json
from typing import Any

import pytest

from support.client import OrgClient

ROOT = "/services/data/v62.0"
UNDONE = [
    {
        "errorCode": "PROCESSING_HALTED",
        "message": "The transaction was rolled back since another operation in the same transaction failed.",
    }
]


def part(reference: str, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
    made = {"method": method, "url": ROOT + path, "referenceId": reference}
    extra = (
        {"httpHeaders": {name.replace("_", "-"): value for name, value in headers.items()}} if headers else {}
    )
    return {**made, **extra, **({"body": body} if body is not None else {})}


async def run(org: OrgClient, *parts: dict[str, Any], all_or_none: bool = False) -> list[dict[str, Any]]:
    answer = await org.data("POST", "/composite", {"allOrNone": all_or_none, "compositeRequest": list(parts)})
    assert answer.status_code == 200, answer.text
    answers: list[dict[str, Any]] = answer.json()["compositeResponse"]
    return answers


LEAD = {"LastName": "Doe", "Company": "Acme"}


async def test_parts_refer_to_what_earlier_ones_created(org: OrgClient) -> None:
    created, task, read = await run(
        org,
        part("lead", "POST", "/sobjects/Lead", LEAD),
        part("task", "POST", "/sobjects/Task", {"WhoId": "@{lead.id}", "Subject": "For @{lead.id}"}),
        part("read", "GET", "/sobjects/Task/@{task.id}?fields=WhoId,Subject"),
    )

    lead_id = created["body"]["id"]
    assert created == {
        "body": {"id": lead_id, "success": True, "errors": []},
        "httpHeaders": {"Location": f"{ROOT}/sobjects/Lead/{lead_id}"},
        "httpStatusCode": 201,
        "referenceId": "lead",
    }
    assert task["httpStatusCode"] == 201
    assert (read["body"]["WhoId"], read["body"]["Subject"]) == (lead_id, f"For {lead_id}")
    assert (await org.door("GET", "calls"))["by_endpoint"] == {"POST /composite": 1}


async def test_parts_refer_into_query_results_and_lists(org: OrgClient) -> None:
    lead_id = await org.lead(Email="a+b@example.com")
    found, updated, collected, task = await run(
        org,
        part("found", "GET", "/query?q=SELECT+Id+FROM+Lead+WHERE+Email='a%2Bb@example.com'"),
        part("updated", "PATCH", "/sobjects/Lead/@{found.records[0].Id}", {"Title": "CTO"}),
        part(
            "rows",
            "POST",
            "/composite/sobjects",
            {"records": [{"attributes": {"type": "Task"}, "WhoId": "@{found.records[0].Id}"}]},
        ),
        part("task", "GET", "/sobjects/Task/@{rows[0].id}"),
    )
    assert found["body"]["records"][0]["Id"] == lead_id
    assert updated == {"body": None, "httpHeaders": {}, "httpStatusCode": 204, "referenceId": "updated"}
    assert collected["body"][0]["success"] is True
    assert task["body"]["WhoId"] == lead_id


async def test_a_reference_may_be_written_with_escapes(org: OrgClient) -> None:
    parts = [
        part("lead", "POST", "/sobjects/Lead", LEAD),
        part("task", "POST", "/sobjects/Task", {"WhoId": "@{lead.id}"}),
    ]
    text = json.dumps({"compositeRequest": parts}).replace("@", r"\u0040")
    headers = {"Authorization": f"Bearer {org.token}", "Content-Type": "application/json"}

    answer = await org.http.post(f"{ROOT}/composite", content=text, headers=headers)

    assert [each["httpStatusCode"] for each in answer.json()["compositeResponse"]] == [201, 201]


async def test_a_reference_into_nothing_halts_its_part(org: OrgClient) -> None:
    _, halted, fine = await run(
        org,
        part("who", "GET", "/query?q=SELECT+Id+FROM+Lead"),
        part("task", "POST", "/sobjects/Task", {"WhoId": "@{who.records[0].Id}"}),
        part("other", "POST", "/sobjects/Task", {"Subject": "x"}),
    )
    message = (
        "Invalid reference specified. No value for who.records[0].Id found in who. Provided referenceId "
        "('who') must start with a letter or a number, and it can contain only letters, numbers and "
        "underscores ('_')."
    )
    assert halted["body"] == [{"errorCode": "PROCESSING_HALTED", "message": message}]
    assert (halted["httpStatusCode"], fine["httpStatusCode"]) == (400, 201)


@pytest.mark.parametrize("reference", ["@{lead}", "@{lead.nothing.more}", "@{}", "@{later.id}"])
async def test_references_to_no_value_halt_too(org: OrgClient, reference: str) -> None:
    _, halted = await run(
        org,
        part("lead", "POST", "/sobjects/Lead", LEAD),
        part("task", "POST", "/sobjects/Task", {"Subject": reference}),
    )
    assert halted["body"][0]["errorCode"] == "PROCESSING_HALTED"


async def test_one_failure_undoes_all_when_asked(org: OrgClient) -> None:
    answers = await run(
        org,
        part("lead", "POST", "/sobjects/Lead", LEAD),
        part("bad", "POST", "/sobjects/Lead", {"LastName": "x"}),
        part("task", "POST", "/sobjects/Task", {}),
        all_or_none=True,
    )
    assert [a["httpStatusCode"] for a in answers] == [400, 400, 400]
    assert answers[0]["body"] == answers[2]["body"] == UNDONE
    assert answers[1]["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert await org.rows("SELECT Id FROM Lead") == []
    assert await org.rows("SELECT Id FROM Task") == []


async def test_without_it_the_others_stay(org: OrgClient) -> None:
    answers = await run(
        org, part("bad", "POST", "/sobjects/Lead", {}), part("lead", "POST", "/sobjects/Lead", LEAD)
    )
    assert [a["httpStatusCode"] for a in answers] == [400, 201]
    assert len(await org.rows("SELECT Id FROM Lead")) == 1


async def test_an_undone_collection_still_prints_success(org: OrgClient) -> None:
    rows = {"records": [{"attributes": {"type": "Lead"}, **LEAD}]}
    kept, undone, _ = await run(
        org,
        part("kept", "POST", "/composite/sobjects", rows),
        part("undone", "POST", "/composite/sobjects", {**rows, "allOrNone": True}),
        part("bad", "POST", "/sobjects/Lead", {}),
        all_or_none=True,
    )
    assert (kept["httpStatusCode"], kept["body"][0]["success"]) == (200, True)
    assert undone["body"] == UNDONE
    assert await org.rows("SELECT Id FROM Lead") == []


async def test_each_part_has_its_own_headers_and_none_of_ours(org: OrgClient) -> None:
    rule = {"sobject": "Lead", "action": "alert"}
    await org.configure(duplicate_rules=[rule])
    await org.lead(Email="a@example.com")
    body = {**LEAD, "Email": "a@example.com"}
    refused, saved = await run(
        org,
        part("refused", "POST", "/sobjects/Lead", body),
        part("saved", "POST", "/sobjects/Lead", body, Sforce_Duplicate_Rule_Header="allowSave=true"),
    )
    assert (refused["httpStatusCode"], saved["httpStatusCode"]) == (400, 201)
    outer = {"compositeRequest": [part("a", "POST", "/sobjects/Lead", body)]}
    answer = await org.data("POST", "/composite", outer, Sforce_Duplicate_Rule_Header="allowSave=true")
    (part_answer,) = answer.json()["compositeResponse"]
    assert part_answer["body"][0]["errorCode"] == "DUPLICATES_DETECTED"


@pytest.mark.parametrize(("is_packed", "keys"), [(True, 3), (False, 2)], ids=["with the match", "without it"])
async def test_a_switch_decides_whether_a_part_shows_the_match(
    org: OrgClient, *, is_packed: bool, keys: int
) -> None:
    await org.configure(duplicate_rules=[{"sobject": "Lead"}], packed_duplicate_result=is_packed)
    await org.lead(Email="a@example.com")
    (answer,) = await run(org, part("a", "POST", "/sobjects/Lead", {**LEAD, "Email": "a@example.com"}))
    assert answer["body"][0]["errorCode"] == "DUPLICATES_DETECTED"
    assert len(answer["body"][0]) == keys


QUERY = "/query?q=SELECT+Id+FROM+Lead"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param({}, "JSON_PARSER_ERROR", id="no parts"),
        pytest.param(
            {"compositeRequest": [part(f"r{n}", "GET", "/limits") for n in range(26)]},
            "LIMIT_EXCEEDED",
            id="26 parts",
        ),
        pytest.param(
            {
                "compositeRequest": [
                    *(part(f"q{n}", "GET", QUERY) for n in range(5)),
                    part("c", "POST", "/composite/sobjects", {}),
                ]
            },
            "LIMIT_EXCEEDED",
            id="six queries and collections together",
        ),
        pytest.param(
            {"compositeRequest": [part("a-b", "GET", "/limits")]}, "INVALID_INPUT", id="illegal reference id"
        ),
        pytest.param(
            {"compositeRequest": [part("a", "GET", "/limits")] * 2},
            "INVALID_INPUT",
            id="repeated reference id",
        ),
        pytest.param(
            {"compositeRequest": [part("a", "GET", "/limits", Authorization="Bearer x")]},
            "INVALID_INPUT",
            id="forbidden header",
        ),
    ],
)
async def test_a_broken_composite_is_400(org: OrgClient, body: Any, code: str) -> None:
    answer = await org.data("POST", "/composite", body)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


async def test_five_queries_fit_beside_other_parts(org: OrgClient) -> None:
    parts = [part(f"q{n}", "GET", QUERY) for n in range(5)] + [
        part(f"l{n}", "GET", "/limits") for n in range(20)
    ]
    assert {answer["httpStatusCode"] for answer in await run(org, *parts)} == {200}


async def test_parts_that_lead_nowhere_or_inside_are_404(org: OrgClient) -> None:
    nowhere = {"method": "GET", "url": "https://elsewhere.example/", "referenceId": "a"}
    answers = await run(
        org, nowhere, part("b", "POST", "/composite", {}), part("c", "POST", "/sobjects/Lead")
    )
    assert [answer["httpStatusCode"] for answer in answers] == [404, 404, 400]
    assert answers[2]["body"][0]["errorCode"] == "JSON_PARSER_ERROR"


async def test_the_resource_lists_its_siblings(org: OrgClient) -> None:
    body = (await org.data("GET", "/composite")).json()
    assert body == {n: f"{ROOT}/composite/{n}" for n in ("tree", "batch", "sobjects", "graph")}


class TestBatch:
    async def test_every_part_counts(self, org: OrgClient) -> None:
        requests = [
            {"method": "POST", "url": "v62.0/sobjects/Lead", "richInput": LEAD},
            {"method": "GET", "url": "v62.0/sobjects/Unicorn/describe"},
        ]
        body = (await org.data("POST", "/composite/batch", {"batchRequests": requests})).json()
        assert body["hasErrors"] is True
        assert [r["statusCode"] for r in body["results"]] == [201, 404]
        assert (await org.door("GET", "calls"))["total"] == 2

    async def test_it_halts_when_asked(self, org: OrgClient) -> None:
        bad = {"method": "GET", "url": "v62.0/nowhere"}
        sent = {"haltOnError": True, "batchRequests": [bad, bad]}
        body = (await org.data("POST", "/composite/batch", sent)).json()
        assert [r["statusCode"] for r in body["results"]] == [404, 412]
        assert body["results"][1]["result"][0]["errorCode"] == "BATCH_PROCESSING_HALTED"

    async def test_an_empty_one_is_refused(self, org: OrgClient) -> None:
        assert (await org.data("POST", "/composite/batch", {"batchRequests": []})).status_code == 400


class TestGraph:
    async def test_each_graph_is_all_or_none(self, org: OrgClient) -> None:
        good = [
            part("lead", "POST", "/sobjects/Lead", LEAD),
            part("task", "POST", "/sobjects/Task", {"WhoId": "@{lead.id}"}),
        ]
        bad = [part("a", "POST", "/sobjects/Lead", LEAD), part("b", "POST", "/sobjects/Lead", {})]
        graphs = [
            {"graphId": "good", "compositeRequest": good},
            {"graphId": "bad", "compositeRequest": bad},
        ]
        body = (await org.data("POST", "/composite/graph", {"graphs": graphs})).json()
        assert [(g["graphId"], g["isSuccessful"]) for g in body["graphs"]] == [("good", True), ("bad", False)]
        assert body["graphs"][1]["graphResponse"]["compositeResponse"][0]["body"] == UNDONE
        assert len(await org.rows("SELECT Id FROM Lead")) == 1

    @pytest.mark.parametrize(
        "graphs",
        [
            pytest.param([], id="none"),
            pytest.param([{"graphId": "g", "compositeRequest": []}], id="empty graph"),
            pytest.param([{"graphId": "-", "compositeRequest": [part("a", "GET", "/limits")]}], id="bad id"),
            pytest.param(
                [{"graphId": "g", "compositeRequest": [part("a", "GET", QUERY)]}], id="query inside"
            ),
            pytest.param([{"graphId": f"g{n}"} for n in range(76)], id="76 graphs"),
        ],
    )
    async def test_a_broken_one_is_refused(self, org: OrgClient, graphs: list[Any]) -> None:
        assert (await org.data("POST", "/composite/graph", {"graphs": graphs})).status_code == 400

    @pytest.mark.parametrize(("length", "status"), [(15, 200), (16, 400)])
    async def test_it_is_at_most_15_deep(self, org: OrgClient, length: int, status: int) -> None:
        first = part("n0", "POST", "/sobjects/Campaign", {"Name": "Fair"})
        rest = [
            part(f"n{n}", "POST", "/sobjects/Campaign", {"Name": "Day", "ParentId": f"@{{n{n - 1}.id}}"})
            for n in range(1, length)
        ]
        sent = {"graphs": [{"graphId": "g", "compositeRequest": [first, *rest]}]}
        assert (await org.data("POST", "/composite/graph", sent)).status_code == status

    @pytest.mark.parametrize(("versions", "status"), [(15, 200), (16, 400)])
    async def test_it_has_at_most_15_kinds_of_nodes(self, org: OrgClient, versions: int, status: int) -> None:
        nodes = [part(f"n{n}", "POST", "/sobjects/Lead", LEAD) for n in range(versions)]
        for n, node in enumerate(nodes):
            node["url"] = f"/services/data/v{50 + n}.0/sobjects/Lead"
        sent = {"graphs": [{"graphId": "g", "compositeRequest": [*nodes, {**nodes[0], "referenceId": "x"}]}]}
        assert (await org.data("POST", "/composite/graph", sent)).status_code == status

    async def test_it_halts_after_15_failed_graphs(self, org: OrgClient) -> None:
        bad = [part("a", "POST", "/sobjects/Lead", {})]
        good = [part("a", "POST", "/sobjects/Lead", LEAD)]
        graphs = [{"graphId": f"g{n}", "compositeRequest": bad if n < 15 else good} for n in range(16)]
        body = (await org.data("POST", "/composite/graph", {"graphs": graphs})).json()
        (halted,) = body["graphs"][15]["graphResponse"]["compositeResponse"]
        assert halted["body"][0]["errorCode"] == "PROCESSING_HALTED"
        assert await org.rows("SELECT Id FROM Lead") == []


class TestTree:
    async def test_children_follow_their_parent(self, org: OrgClient) -> None:
        child = {"attributes": {"type": "Contact", "referenceId": "c1"}, "LastName": "C"}
        account = {
            "attributes": {"type": "Account", "referenceId": "a1"},
            "Name": "Acme",
            "Contacts": {"records": [child]},
        }
        answer = await org.data("POST", "/composite/tree/Account", {"records": [account]})
        body = answer.json()
        assert (answer.status_code, body["hasErrors"]) == (201, False)
        assert [r["referenceId"] for r in body["results"]] == ["a1", "c1"]
        (contact,) = await org.rows("SELECT Account.Name FROM Contact")
        assert contact["Account"]["Name"] == "Acme"

    async def test_one_bad_row_undoes_the_tree_and_is_listed(self, org: OrgClient) -> None:
        rows = [
            {"attributes": {"type": "Lead", "referenceId": "r1"}, **LEAD},
            {"attributes": {"type": "Lead", "referenceId": "r2"}, **LEAD, "Email": "123"},
        ]
        answer = await org.data("POST", "/composite/tree/Lead", {"records": rows})
        error = {
            "statusCode": "INVALID_EMAIL_ADDRESS",
            "message": "Email: invalid email address: 123",
            "fields": ["Email"],
        }
        expected = {"hasErrors": True, "results": [{"referenceId": "r2", "errors": [error]}]}
        assert (answer.status_code, answer.json()) == (400, expected)
        assert await org.rows("SELECT Id FROM Lead") == []

    async def test_its_size_is_limited(self, org: OrgClient) -> None:
        rows = [{"attributes": {"type": "Lead", "referenceId": "r"}, **LEAD}] * 201
        deep: dict[str, Any] = {"attributes": {"type": "Campaign"}, "Name": "x"}
        for _ in range(5):
            deep = {"attributes": {"type": "Campaign"}, "Name": "x", "ChildCampaigns": {"records": [deep]}}
        for path, records in (("Lead", rows), ("Lead", []), ("Campaign", [deep])):
            answer = await org.data("POST", f"/composite/tree/{path}", {"records": records})
            assert answer.status_code == 400
