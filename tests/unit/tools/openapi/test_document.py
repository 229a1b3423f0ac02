"""The OpenAPI document tells everything of every operation, and its examples are what it says they are."""

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from app.api.errors import Problem
from app.webhooks.schemas import TYPES
from tests.openapi_check import PROBLEM_JSON, errors_of
from tools.openapi.command import describe_api
from tools.openapi.document import completed, operations
from tools.openapi.error_responses import BY_NAME
from tools.openapi.operation_examples import EXAMPLES
from tools.openapi.operation_names import NAMES

DOCUMENT = describe_api()
NAME = re.compile(r"[a-z]+([A-Z][a-z]+)+")
Place = tuple[str, ...]


def media() -> Iterator[Place]:
    """Where a body is described: of each request, each answer, each webhook."""
    for section in ("paths", "webhooks"):
        for path, methods in DOCUMENT[section].items():
            for method, operation in methods.items():
                place = (section, path, method)
                for kind in operation.get("requestBody", {}).get("content", {}):
                    yield (*place, "requestBody", "content", kind)
                for status, answer in operation["responses"].items():
                    for kind in answer.get("content", {}):
                        yield (*place, "responses", status, "content", kind)


def at(place: Place) -> Any:
    node: Any = DOCUMENT
    for part in place:
        node = node[part]
    return node


def examples_at(place: Place) -> dict[str, Any]:
    examples = at(place).get("examples", {})
    named = DOCUMENT["components"]["examples"]
    return {name: named.get(name, each)["value"] for name, each in examples.items()}


def named(place: Place) -> str:
    return " ".join((place[2].upper(), place[1], *place[3:5]))


def everything() -> list[tuple[str, str, dict[str, Any]]]:
    """Operations and webhooks."""
    return [*operations(DOCUMENT), *operations({"paths": DOCUMENT["webhooks"]})]


MEDIA = list(media())
KEYS = {f"{method} {path}" for path, method, _ in operations(DOCUMENT)}


@pytest.mark.parametrize("word", ["summary", "description", "tags"])
def test_every_operation_says_what_it_does(word: str) -> None:
    assert [(path, method) for path, method, operation in everything() if not operation.get(word)] == []


def test_every_body_has_an_example() -> None:
    bare = [named(place) for place in MEDIA if not examples_at(place)]
    assert bare == ["GET /readyz responses 503"]


@pytest.mark.parametrize("place", MEDIA, ids=named)
def test_examples_fit_their_schema(place: Place) -> None:
    wrong = {
        name: errors
        for name, value in examples_at(place).items()
        if (errors := errors_of((*place, "schema"), value))
    }
    assert wrong == {}


def test_lines_of_an_import_fit_the_schema_of_a_line() -> None:
    door = ("paths", "/v1/imports/registrations", "post")
    for place in ((*door, "requestBody"), (*door, "responses", "200")):
        media = (*place, "content", "application/x-ndjson")
        named_schema = at(media)["schema"]["contentSchema"]["$ref"].rpartition("/")[2]
        lines = [json.loads(line) for text in examples_at(media).values() for line in text.splitlines()]
        assert lines
        assert [errors_of(("components", "schemas", named_schema), line) for line in lines] == [[]] * len(
            lines
        )


def test_no_example_is_of_an_operation_that_is_gone() -> None:
    assert EXAMPLES.keys() - KEYS == set()
    assert BY_NAME.keys() - KEYS == set()


def test_every_problem_is_documented_somewhere() -> None:
    before_any_route = {"MethodNotAllowed", "HeadersTooLarge", "ServiceBusy"}
    reported = {name for place in MEDIA if place[-1] == PROBLEM_JSON for name in examples_at(place)}
    assert {kind.__name__ for kind in Problem.__subclasses__()} - reported == before_any_route


def test_problems_are_listed_under_their_status() -> None:
    for place in MEDIA:
        if place[-1] == PROBLEM_JSON:
            assert {each["status"] for each in examples_at(place).values()} == {int(place[4])}


def test_every_operation_says_what_lets_it_in() -> None:
    way_in = {(path, method): operation["security"] for path, method, operation in everything()}
    without = {path for (path, _), ways in way_in.items() if not ways}
    assert without == {"/livez", "/readyz", "/webhooks/eventship/test"}
    signed = {path for (path, _), ways in way_in.items() if ways == [{"signature": []}]}
    assert signed == {"/webhooks/eventship", *TYPES}
    tokens = {path for (path, _), ways in way_in.items() if ways == [{"bearer": []}]}
    assert all(path.startswith(("/v1/", "/ops/", "/platform/")) for path in tokens)
    assert len(tokens) + len(signed) + len(without) == len({path for path, _ in way_in})


def test_operations_are_called_by_a_verb_and_what_it_is_about() -> None:
    called = [operation["operationId"] for _, _, operation in everything()]
    assert [each for each in called if not NAME.fullmatch(each) or len(each) > 32] == []
    assert len(set(called)) == len(called)
    assert set(NAMES.values()) - set(called) == set()
    assert {"pauseHost", "getCard", "discardJobs", "sendRegistrationCheckedIn"} <= set(called)


def test_there_is_one_complete_webhook_of_every_type() -> None:
    assert list(DOCUMENT["webhooks"]) == list(TYPES)
    for type_ in TYPES:
        place = ("webhooks", type_, "post", "requestBody", "content", "application/json")
        assert [each["type"] for each in examples_at(place).values()] == [type_]


def test_answers_promise_every_member_and_requests_do_not() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert set(schemas["Stats"]["required"]) == set(schemas["Stats"]["properties"])
    assert {"steps", "link"} <= set(schemas["Advice"]["required"])
    assert "errors" not in schemas["ProblemBody"]["required"]
    assert "required" not in schemas["StartConnect"]


def test_frameworks_own_errors_are_not_shown() -> None:
    assert "HTTPValidationError" not in str(DOCUMENT)


def test_completing_leaves_the_given_document_alone() -> None:
    bare = {
        "info": {},
        "components": {"schemas": {"HTTPValidationError": {}}},
        "paths": {
            "/webhooks/eventship": {
                "post": {
                    "parameters": [],
                    "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
                    "responses": {"202": {"content": {"application/json": {}}}},
                }
            }
        },
    }
    before = copy.deepcopy(bare)
    assert completed(bare)["components"]["schemas"] == {"Webhook": {"type": "object"}}
    assert bare == before
