"""Examples of what operations and webhooks take and answer, read from `examples/*.json`.

Each file has its operations (request and responses, by status, then by the example's name) and values that
several examples share. In any place may stand:
`{"$like": "file.value.member", …}`, the shared value with the members beside it in place of its own;
`{"$advice": "code", …}`, the advice of the catalog, its places filled by the members beside it;
`{"$events": [{"id", "event", "data"}, …]}`, the text of a stream of events;
`{"$lines": [value, …]}`, the text with a line of JSON for each.
"""

import json
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import Any, Final

from app.user_messages.catalog import advise

FILES: Final[Mapping[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent / "examples").glob("*.json"))
}


def expanded(node: Any) -> Any:
    """The node with what its `$` names in the place of each. Raises KeyError for a name that is nowhere."""
    if isinstance(node, list):
        return [expanded(each) for each in node]
    if not isinstance(node, dict):
        return node
    members = {name: expanded(value) for name, value in node.items() if not name.startswith("$")}
    if "$advice" in node:
        return advise(node["$advice"], **members).model_dump(mode="json")
    if "$events" in node:
        return "".join(_event(**each) for each in expanded(node["$events"]))
    if "$lines" in node:
        return "".join(json.dumps(line) + "\n" for line in expanded(node["$lines"]))
    return {**_shared(node["$like"]), **members} if "$like" in node else members


def _shared(place: str) -> Any:
    file, name, *members = place.split(".")
    return reduce(lambda value, member: value[member], members, expanded(FILES[file]["values"][name]))


def _event(*, id: int, event: str, data: Any) -> str:  # noqa: A002 - the names of the file
    return f"id: {id}\nevent: {event}\ndata: {json.dumps(data)}\n\n"


EXAMPLES: Final[Mapping[str, Any]] = {
    operation: expanded(sides) for file in FILES.values() for operation, sides in file["operations"].items()
}
WEBHOOK_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    type_: (each["summary"], each["description"]) for type_, each in FILES["webhooks"]["webhooks"].items()
}
"""Of each type: what happened, and what we do."""
WEBHOOKS: Final[Mapping[str, Any]] = {
    type_: expanded(each["example"]) for type_, each in FILES["webhooks"]["webhooks"].items()
}
