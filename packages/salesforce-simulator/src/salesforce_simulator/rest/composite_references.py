"""`@{ref.field}` inside a composite: found in earlier answers, put into URLs and bodies."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

_REFERENCE = re.compile(r"@\{([^}]*)\}")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


class Unresolvable(Exception):
    """No earlier answer has such a value; the message is Salesforce's."""

    def __init__(self, path: str, reference: str) -> None:
        super().__init__(
            f"Invalid reference specified. No value for {path} found in {reference}. Provided referenceId "
            f"('{reference}') must start with a letter or a number, and it can contain only letters, numbers "
            "and underscores ('_')."
        )


def may_be_in(raw: str) -> bool:
    """Whether the text of a request may hold a reference, plain or with one of its characters escaped."""
    return "@{" in raw or "\\u" in raw


def referenced_ids(value: Any) -> set[str]:
    """The ids of the parts that a structure refers to."""
    if isinstance(value, dict):
        return {name for inner in value.values() for name in referenced_ids(inner)}
    if isinstance(value, list):
        return {name for inner in value for name in referenced_ids(inner)}
    paths = _REFERENCE.findall(value) if isinstance(value, str) else []
    return {re.split(r"[.\[]", path, maxsplit=1)[0] for path in paths}


def resolve_in_url(url: str, answers: Mapping[str, Any]) -> str:
    return _REFERENCE.sub(lambda match: quote(str(_value(match[1], answers)), safe=""), url)


def resolve_in_body(value: Any, answers: Mapping[str, Any]) -> Any:
    """The structure with every reference replaced; a text that is only a reference keeps the type."""
    if isinstance(value, dict):
        return {name: resolve_in_body(inner, answers) for name, inner in value.items()}
    if isinstance(value, list):
        return [resolve_in_body(inner, answers) for inner in value]
    if not isinstance(value, str) or "@{" not in value:
        return value
    whole = _REFERENCE.fullmatch(value)
    return _value(whole[1], answers) if whole else _REFERENCE.sub(_printed(answers), value)


def _printed(answers: Mapping[str, Any]) -> Callable[[re.Match[str]], str]:
    return lambda match: str(_value(match[1], answers))


def _value(path: str, answers: Mapping[str, Any]) -> Any:
    steps = _STEP.findall(path)
    reference = steps[0][0] if steps else path
    found: Any = answers.get(reference)
    for name, index in steps[1:]:
        try:
            found = found[int(index)] if index else found[name]
        except (KeyError, IndexError, TypeError) as error:
            raise Unresolvable(path, reference) from error
    if len(steps) < 2 or found is None:
        raise Unresolvable(path, reference)
    return found
