"""Composite and batch: several calls in one request."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from salesforce_simulator.errors import ErrorItem, json_parser_error, refusal
from salesforce_simulator.org import Org
from salesforce_simulator.rest import composite_references
from salesforce_simulator.rest.request import RestRequest, RestResponse, split_path, split_url

MAX_CALLS = 25
MAX_HEAVY_CALLS = 5

_REFERENCE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")
# A part has these from the request around it and may not name them itself; it has nothing else from there.
_HANDED_DOWN = frozenset({"accept", "authorization", "content-type"})
_ROLLED_BACK = "The transaction was rolled back since another operation in the same transaction failed."

Dispatch = Callable[[Org, RestRequest], RestResponse]


class _RolledBack(Exception):
    """A part failed and nothing may stay."""


def resources(org: Org, call: RestRequest, dispatch: Dispatch) -> RestResponse:
    names = ("tree", "batch", "sobjects", "graph")
    return RestResponse(200, {name: f"{call.root}/composite/{name}" for name in names})


def run(org: Org, call: RestRequest, dispatch: Dispatch) -> RestResponse:
    """Always 200, whatever became of the parts; 400 only for a broken envelope."""
    body = call.object()
    parts = body.get("compositeRequest")
    if not isinstance(parts, list) or not parts:
        raise json_parser_error("Required field missing: compositeRequest")
    check_envelope(org, parts)
    answers = run_parts(org, call, parts, dispatch, all_or_none=body.get("allOrNone") is True)
    return RestResponse(200, {"compositeResponse": answers})


def check_envelope(org: Org, parts: list[dict[str, Any]]) -> None:
    """Raise for what makes Salesforce refuse a composite as a whole."""
    if len(parts) > MAX_CALLS:
        message = f"Composite request limit exceeded. Maximum number of subrequests is {MAX_CALLS}."
        raise refusal(org.config.too_many_parts_code, message)
    heavy = [part for part in parts if _is_heavy(str(part.get("url", "")))]
    if len(heavy) > MAX_HEAVY_CALLS:
        message = f"Limit of {MAX_HEAVY_CALLS} query and sObject Collections subrequests exceeded."
        raise refusal(org.config.too_many_parts_code, message)
    seen: set[str] = set()
    for part in parts:
        reference = str(part.get("referenceId", ""))
        if not _REFERENCE_ID.fullmatch(reference) or reference in seen:
            message = (
                f"Provided referenceId ('{reference}') must be unique, start with a letter or a number, and "
            )
            message += "it can contain only letters, numbers and underscores ('_')."
            raise refusal("INVALID_INPUT", message)
        seen.add(reference)
        headers = {name.lower() for name in part.get("httpHeaders") or {}}
        if headers & _HANDED_DOWN:
            raise refusal("INVALID_INPUT", f"Header not allowed: {', '.join(sorted(headers & _HANDED_DOWN))}")


def _is_heavy(url: str) -> bool:
    found = split_path(url.partition("?")[0])
    segments = found[1] if found else ()
    return segments[:1] in {("query",), ("queryAll",)} or segments[:2] == ("composite", "sobjects")


def run_parts(
    org: Org, call: RestRequest, parts: list[dict[str, Any]], dispatch: Dispatch, *, all_or_none: bool
) -> list[dict[str, Any]]:
    """Each part's answer in order; with `all_or_none` one failure undoes and halts the others."""
    answers: list[dict[str, Any]] = []
    try:
        with org.store.savepoint():
            known: dict[str, Any] = {}
            has_references = composite_references.may_be_in(call.raw)
            for part in parts:
                answer = _run_part(org, call, part, known if has_references else None, dispatch)
                known[part["referenceId"]] = _referable(org, part, answer)
                answers.append(answer)
            if all_or_none and any(_has_failed(answer) for answer in answers):
                raise _RolledBack
    except _RolledBack:
        return [_rolled_back(part, answer) for part, answer in zip(parts, answers, strict=True)]
    return answers


def _referable(org: Org, part: dict[str, Any], answer: dict[str, Any]) -> Any:
    """What later parts may refer to; whether a collection's rows are among it is undocumented."""
    is_collection = "/composite/sobjects" in str(part.get("url", ""))
    is_open = answer["httpStatusCode"] < 300 and (not is_collection or org.config.collection_references)
    return answer["body"] if is_open else None


def _run_part(
    org: Org, call: RestRequest, part: dict[str, Any], known: dict[str, Any] | None, dispatch: Dispatch
) -> dict[str, Any]:
    """`known` is what it may refer to, None when nothing refers to anything."""
    url, body = str(part.get("url", "")), part.get("body")
    if known is not None:
        try:
            url = composite_references.resolve_in_url(url, known)
            body = composite_references.resolve_in_body(body, known)
        except composite_references.Unresolvable as error:
            return _part_response(part, RestResponse(400, [halted(str(error))]))
    headers = {name: value for name, value in call.headers.items() if name in _HANDED_DOWN}
    return _part_response(part, dispatch(org, _part_request(call, part, url, body, headers)))


def _part_request(
    call: RestRequest, part: dict[str, Any], url: str, body: Any, inherited: Mapping[str, str]
) -> RestRequest:
    version, segments, query = split_url(url) or (call.version, ("unknown",), {})
    headers = {str(name).lower(): str(value) for name, value in (part.get("httpHeaders") or {}).items()}
    return RestRequest(
        method=str(part.get("method", "GET")).upper(),
        version=version,
        segments=segments,
        user_id=call.user_id,
        client_id=call.client_id,
        query=query,
        headers={**inherited, **headers},
        raw=call.raw,
        packed_body=body,
        is_packed=True,
        base_url=call.base_url,
    )


def _part_response(part: dict[str, Any], reply: RestResponse) -> dict[str, Any]:
    return {
        "body": reply.body,
        "httpHeaders": dict(reply.headers),
        "httpStatusCode": reply.status,
        "referenceId": part["referenceId"],
    }


def _has_failed(answer: dict[str, Any]) -> bool:
    return bool(answer["httpStatusCode"] >= 400)


def _rolled_back(part: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """A collection that did not ask for all-or-none itself still prints its success, although it is gone."""
    body = part.get("body")
    is_collection = "/composite/sobjects" in str(part.get("url", ""))
    keeps = is_collection and not (isinstance(body, dict) and body.get("allOrNone") is True)
    if _has_failed(answer) or keeps:
        return answer
    return _part_response(part, RestResponse(400, [halted(_ROLLED_BACK)]))


def halted(message: str) -> dict[str, Any]:
    return ErrorItem("PROCESSING_HALTED", message, is_code_first=True).as_rest()


def batch(org: Org, call: RestRequest, dispatch: Dispatch) -> RestResponse:
    """Independent calls; each counts, and `haltOnError` stops after the first failure."""
    body = call.object()
    parts = body.get("batchRequests")
    if not isinstance(parts, list) or not parts or len(parts) > MAX_CALLS:
        raise refusal(org.config.too_many_parts_code, f"A batch holds 1 to {MAX_CALLS} subrequests.")
    results: list[dict[str, Any]] = []
    for part in parts:
        has_failed = any(result["statusCode"] >= 400 for result in results)
        if has_failed and body.get("haltOnError") is True:
            halted = {
                "errorCode": "BATCH_PROCESSING_HALTED",
                "message": "Batch processing halted per request",
            }
            results.append({"statusCode": 412, "result": [halted]})
            continue
        url = f"/services/data/{str(part.get('url', '')).lstrip('/')}"
        reply = dispatch(org, _part_request(call, part, url, part.get("richInput"), call.headers))
        results.append({"statusCode": reply.status, "result": reply.body})
    has_errors = any(result["statusCode"] >= 400 for result in results)
    return RestResponse(200, {"hasErrors": has_errors, "results": results})
