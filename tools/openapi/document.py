"""The OpenAPI document made whole: examples, problems, the way in, and a section for our webhooks."""

import copy
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Final

from app.api.edge.rate_limits import BEHIND_TOKENS
from app.api.error_handlers import PROBLEM_JSON, problem_response
from app.api.errors import FieldError, KeyReused, PayloadInvalid, Problem
from tools.openapi.error_responses import refusals_of
from tools.openapi.operation_examples import EXAMPLES, WEBHOOK_TEXTS, WEBHOOKS
from tools.openapi.operation_names import operation_id, webhook_id

Node = dict[str, Any]

ABOUT: Final = """\
Event registrations and check-ins, in Salesforce once and for certain.

Errors are problems (RFC 9457) with a `code` to act on and an `advice` to show. Times are UTC. A field that is
listed is always there; absent is null. Enumerations are open: take a value that you do not know for "other".
"""
TAGS: Final = {
    "connection": "One Salesforce connection per host: its card, connecting, own app, preflight.",
    "campaigns": "The campaign that an event is linked to, and the backfill of those who registered before.",
    "mapping": "Which fields are filled, and how; a host's rules, and an event's own.",
    "monitor": "What stands in Salesforce, what failed and why, retry, and the live streams.",
    "host": "A host's settings, log, and registrations that are left out.",
    "attendees": "Forgetting somebody.",
    "imports": "Registrations in bulk.",
    "operations": "The same across hosts, for those who run the service.",
    "webhooks": "What the platform posts to us.",
    "console": "The lists of the console.",
    "health": "For the platform that runs the service.",
}
LICENCE: Final = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
SERVER: Final = {
    "url": "https://{address}",
    "description": "Where the service runs: its `PUBLIC_URL`",
    "variables": {"address": {"default": "salesforce.eventship.example"}},
}
BEARER: Final = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "Of the platform: `hosts` has the caller's roles, `scope` ops, import or platform",
}
SIGNATURE: Final = {
    "type": "apiKey",
    "in": "header",
    "name": "webhook-signature",
    "description": "Standard Webhooks: `v1,` and the base64 of HMAC-SHA256 over `<id>.<timestamp>.<body>`",
}
OPEN: Final[Mapping[str, list[Node]]] = {"/webhooks/eventship": [{"signature": []}]}
"""What needs no token, but something else; the rest needs nothing."""
IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key and body within 24 hours gets the first answer again",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x21-\x7e]+$"},
}
RETRY_AFTER: Final = {"Retry-After": {"description": "seconds", "schema": {"type": "string"}}}
EXAMPLE_OF: Final = "#/components/examples/"
PROBLEM: Final = {"$ref": "#/components/schemas/ProblemBody"}
WEBHOOK: Final = {"$ref": "#/components/schemas/Webhook"}
WEBHOOK_DOOR: Final = "/webhooks/eventship"
FRAMEWORKS_OWN: Final = ("HTTPValidationError", "ValidationError")
OPTIONAL: Final = {"ProblemBody": {"errors"}, "WebhookAnswer": {"nearest_type"}}
BASE_URL: Final = "https://eventship.example"


def completed(generated: Mapping[str, Any]) -> Node:
    """The framework's document with what it cannot know; the given one stays as it is."""
    document: Node = copy.deepcopy(dict(generated))
    document["info"] |= {"description": ABOUT, "license": LICENCE}
    document["servers"] = [SERVER]
    refused: set[type[Problem]] = set()
    for path, method, operation in operations(document):
        _order_parameters(path, operation)
        refused |= _complete(path, method, operation)
    components = document["components"]
    for name in FRAMEWORKS_OWN:
        components["schemas"].pop(name, None)
    components["examples"] = {kind.__name__: {"value": problem_example(kind)} for kind in refused}
    components["securitySchemes"] = {"bearer": BEARER, "signature": SIGNATURE}
    _name_the_webhook(document)
    _name_the_lines(document)
    _require_what_is_answered(document)
    used = {tag for _, _, operation in operations(document) for tag in operation.get("tags", ())}
    document["tags"] = [{"name": name, "description": TAGS[name]} for name in sorted(used & TAGS.keys())]
    return document


def _order_parameters(path: str, operation: Node) -> None:
    """Parameters in the order of the path, then all others; whichever dependency asks for them."""
    order = {name: place for place, name in enumerate(re.findall(r"{(\w+)}", path))}
    if "parameters" in operation:
        operation["parameters"].sort(key=lambda each: order.get(each["name"], len(order)))


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Node]]:
    """Path, method in capitals, and operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def _complete(path: str, method: str, operation: Node) -> set[type[Problem]]:
    """Fill in one operation; the answer says which problems it names."""
    kinds = refusals_of(method, path, operation)
    operation["operationId"] = operation_id(operation.get("operationId", ""))
    operation["security"] = [{"bearer": []}] if path.startswith(BEHIND_TOKENS) else OPEN.get(path, [])
    if KeyReused in kinds:
        operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
    examples = EXAMPLES.get(f"{method} {path}", {})
    _show(operation.get("requestBody", {}), WEBHOOKS if path == WEBHOOK_DOOR else examples.get("request"))
    for status, of_status in examples.get("responses", {}).items():
        _show(operation["responses"][status], of_status)
    _refuse(operation["responses"], kinds)
    return set(kinds)


def _show(content_of: Node, examples: Mapping[str, Any] | None) -> None:
    for media in content_of.get("content", {}).values():
        if examples:
            media["examples"] = {name: {"value": value} for name, value in examples.items()}


def _refuse(responses: Node, kinds: Iterable[type[Problem]]) -> None:
    """Each status with its codes, in the place of what the framework believes."""
    responses.pop("422", None)
    for status, of_status in groupby(kinds, key=lambda kind: kind.status):
        listed = list(of_status)
        told = responses.get(str(status), {}).get("description")
        codes = ", ".join(f"`{kind.__name__}`" for kind in listed)
        responses[str(status)] = {
            "description": f"{told}: {codes}" if told else codes,
            "content": {
                PROBLEM_JSON: {
                    "schema": PROBLEM,
                    "examples": {kind.__name__: {"$ref": EXAMPLE_OF + kind.__name__} for kind in listed},
                }
            },
        }
        if status in (429, 503):
            responses[str(status)]["headers"] = RETRY_AFTER


def problem_example(kind: type[Problem]) -> Node:
    """The problem as it is answered."""
    wrong = [FieldError(path="body.filter", message="Field required")]
    problem = kind(errors=wrong if kind is PayloadInvalid else None)
    answer = problem_response(problem, base_url=BASE_URL, request_id="req_01JD3Q8Z5T")
    body: Node = json.loads(bytes(answer.body))
    return body


def _name_the_webhook(document: Node) -> None:
    """The webhook's shape once, for the door and for the section that has an entry of every type."""
    door = document["paths"][WEBHOOK_DOOR]["post"]
    media = door["requestBody"]["content"]["application/json"]
    document["components"]["schemas"]["Webhook"] = media["schema"]
    media["schema"] = WEBHOOK
    document["webhooks"] = {type_: {"post": _posted(type_, door)} for type_ in WEBHOOKS}


def _name_the_lines(document: Node) -> None:
    """What a line of a text is, as a schema of its own that a client can be made of."""
    for _, _, operation in operations(document):
        for part in (operation.get("requestBody", {}), *operation["responses"].values()):
            for media in part.get("content", {}).values():
                line = media.get("schema", {}).get("contentSchema")
                if line is not None:
                    document["components"]["schemas"][line["title"]] = line
                    media["schema"]["contentSchema"] = {"$ref": f"#/components/schemas/{line['title']}"}


def _posted(type_: str, door: Mapping[str, Any]) -> Node:
    summary, description = WEBHOOK_TEXTS[type_]
    example = {"schema": WEBHOOK, "examples": {type_: {"value": WEBHOOKS[type_]}}}
    return {
        "operationId": webhook_id(type_),
        "security": OPEN[WEBHOOK_DOOR],
        "tags": ["webhooks"],
        "summary": summary,
        "description": f"{description} Posted to `{WEBHOOK_DOOR}`.",
        "parameters": door["parameters"],
        "requestBody": {"required": True, "content": {"application/json": example}},
        "responses": {"202": door["responses"]["202"]},
    }


def _require_what_is_answered(document: Node) -> None:
    """Every member of an answer is always there, with or without a default in the code."""
    schemas = document["components"]["schemas"]
    sent = _reachable(schemas, (operation.get("requestBody") for _, _, operation in operations(document)))
    for name in _reachable(schemas, (operation["responses"] for _, _, operation in operations(document))):
        if name not in sent and "properties" in schemas[name]:
            schemas[name]["required"] = sorted(schemas[name]["properties"].keys() - OPTIONAL.get(name, set()))


def _reachable(schemas: Mapping[str, Any], roots: Iterable[Any]) -> set[str]:
    found: set[str] = set()
    open_nodes = list(roots)
    while open_nodes:
        node = open_nodes.pop()
        if isinstance(node, list):
            open_nodes += node
        elif isinstance(node, dict):
            open_nodes += node.values()
            name = str(node.get("$ref", "")).rpartition("/")[2]
            if name in schemas.keys() - found:
                found.add(name)
                open_nodes.append(schemas[name])
    return found
