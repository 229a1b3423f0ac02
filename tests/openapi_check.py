"""Checks every answer of the service against the OpenAPI document: status, shape, and problem code."""

import re
from functools import cache
from typing import Any
from urllib.parse import quote

import httpx
import jsonschema_rs

from tools.openapi.command import describe_api

PROBLEM_JSON = "application/problem+json"
ADDRESS = "https://eventship.example/openapi.json"
JSON_TYPES = ("application/json", PROBLEM_JSON)


@cache
def document() -> dict[str, Any]:
    return describe_api()


@cache
def documented_paths() -> list[tuple[re.Pattern[str], str]]:
    """Patterns of the paths, those without names in them first, and the paths themselves."""
    paths = sorted(document()["paths"], key=lambda path: path.count("{"))
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), path) for path in paths]


@cache
def validator_of(place: tuple[str, ...]) -> jsonschema_rs.Draft202012Validator:
    """The validator of the schema at this place of the document, made of what that schema names alone."""
    pointer = "".join(f"/{each.replace('~', '~0').replace('/', '~1')}" for each in place)
    schema = {"$ref": f"{ADDRESS}#{quote(pointer)}"}
    return jsonschema_rs.Draft202012Validator(schema, registry=_registry(), validate_formats=True)


@cache
def _registry() -> jsonschema_rs.Registry:
    return jsonschema_rs.Registry([(ADDRESS, document())], draft=jsonschema_rs.Draft202012)


def errors_of(place: tuple[str, ...], value: Any) -> list[str]:
    """Where a value does not fit the schema at this place of the document."""
    found = validator_of(place).iter_errors(value)
    return [f"{list(error.instance_path)}: {error.message}" for error in found]


async def check_response(answer: httpx.Response) -> None:
    """For httpx's event hooks: fails the test if the document does not describe the answer."""
    if _kind(answer) in JSON_TYPES:
        await answer.aread()
    wrong = mismatch(answer)
    assert wrong is None, f"{answer.request.method} {answer.request.url.path}: {wrong}"


def mismatch(answer: httpx.Response) -> str | None:
    """What of an answer that was read is not in the document; None for a path that is not in it."""
    path = _path_of(answer.request)
    if path is None:
        return None
    status, kind = str(answer.status_code), _kind(answer)
    place = ("paths", path, answer.request.method.lower(), "responses")
    documented = _at(place).get(status)
    if documented is None:
        return f"{status} is not documented"
    if kind not in documented.get("content", {}):
        return f"{status} with {kind or 'no type'} is not documented"
    return _wrong_body((*place, status, "content", kind), answer) if kind in JSON_TYPES else None


def _wrong_body(place: tuple[str, ...], answer: httpx.Response) -> str | None:
    body = answer.json()
    wrong = errors_of((*place, "schema"), body)
    if wrong:
        return "; ".join(wrong)
    if place[-1] == PROBLEM_JSON and body["code"] not in _at(place)["examples"]:
        return f"the problem {body['code']} is not documented"
    return None


def _path_of(request: httpx.Request) -> str | None:
    """The document's path of a request that it knows."""
    method = request.method.lower()
    found = (path for pattern, path in documented_paths() if pattern.fullmatch(request.url.path))
    return next((path for path in found if method in document()["paths"][path]), None)


def _kind(answer: httpx.Response) -> str:
    return str(answer.headers.get("content-type", "")).partition(";")[0]


def _at(place: tuple[str, ...]) -> Any:
    node: Any = document()
    for part in place:
        node = node[part]
    return node
