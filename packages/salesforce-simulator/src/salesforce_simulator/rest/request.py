"""A call of a REST resource, whether it came alone or packed in a composite."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from salesforce_simulator.errors import json_parser_error, refusal
from salesforce_simulator.write_context import WriteContext

_SAVE_HEADER = "sforce-duplicate-rule-header"

# Python's reasons in the words of the parser that Salesforce uses.
_JACKSON = {
    "Expecting ':' delimiter": "was expecting a colon to separate field name and value",
    "Expecting ',' delimiter": "was expecting comma to separate Object entries",
    "Expecting property name enclosed in double quotes": "was expecting double-quote to start field name",
    "Expecting value": ("expected a valid value (number, String, array, object, 'true', 'false' or 'null')"),
}
# What lists of texts are full of, and what takes no part in how parameters are told apart: read at once.
_PLAIN = {f"%{ord(character):02X}": character for character in " ',()@"}


@dataclass(frozen=True)
class RestRequest:
    """`segments` follow the version in the path; `body` is parsed already when packed, else text to parse."""

    method: str
    version: str
    segments: tuple[str, ...]
    user_id: str
    client_id: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: str = ""
    packed_body: Any = None
    is_packed: bool = False
    base_url: str = ""

    @property
    def root(self) -> str:
        return f"/services/data/v{self.version}"

    def json(self) -> Any:
        """The parsed body; raises JSON_PARSER_ERROR."""
        if self.is_packed:
            if self.packed_body is None:
                raise _body_required()
            return self.packed_body
        if not self.raw.strip():
            raise _body_required()
        if "json" not in self.headers.get("content-type", "").lower():
            kind = self.headers.get("content-type", "")
            message = f"Content-Type header specified in HTTP request is not supported: {kind}"
            raise refusal("UNSUPPORTED_MEDIA_TYPE", message, status=415)
        return _parsed(self.raw)

    def object(self) -> dict[str, Any]:
        """The parsed body, which must be an object."""
        body = self.json()
        if not isinstance(body, dict):
            raise json_parser_error(
                "Cannot deserialize instance of object from START_ARRAY at [line:1, column:1]"
            )
        return body

    def write_context(self) -> WriteContext:
        """The headers that a write obeys."""
        flags = _flags(self.headers.get(_SAVE_HEADER, ""))
        return WriteContext(
            user_id=self.user_id,
            version=float(self.version),
            raw=self.raw or json.dumps(self.packed_body, ensure_ascii=False),
            allow_save="allowsave" in flags,
            include_record_details="includerecorddetails" in flags,
            auto_assign=self.headers.get("sforce-auto-assign", "true").strip().lower() != "false",
        )


@dataclass(frozen=True)
class RestResponse:
    """What a resource answers."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


def split_url(url: str) -> tuple[str, tuple[str, ...], dict[str, str]] | None:
    """Version, segments and query of `/services/data/v62.0/...`; None for any other URL."""
    path, _, query = url.partition("?")
    found = split_path(path)
    return None if found is None else (*found, parse_query(query))


def split_path(path: str) -> tuple[str, tuple[str, ...]] | None:
    """Version and segments of `/services/data/v62.0/...`; None for any other path."""
    parts = [part for part in path.split("/") if part]
    if "%" in path:
        parts = [unquote(part) for part in parts]
    if parts[:2] != ["services", "data"] or len(parts) < 3 or not parts[2].startswith("v"):
        return None
    return parts[2][1:], tuple(parts[3:])


def parse_query(text: str) -> dict[str, str]:
    """The parameters of a query string; of several with the same name the last."""
    if "%" in text:
        for escape, character in _PLAIN.items():
            text = text.replace(escape, character)
    return dict(parse_qsl(text, keep_blank_values=True))


def _flags(header: str) -> set[str]:
    pairs = (part.partition("=") for part in header.split(";"))
    return {name.strip().lower() for name, _, value in pairs if value.strip().lower() == "true"}


def _body_required() -> Exception:
    return json_parser_error("The HTTP entity body is required, but this request has no entity body.")


def _parsed(raw: str) -> Any:
    try:
        return json.loads(raw)
    except json.JSONDecodeError as error:
        where = f"[line:{error.lineno}, column:{error.colno}]"
        found = raw[error.pos : error.pos + 1]
        if not found:
            message = f"Unexpected end-of-input: expected close marker for Object at {where}"
        else:
            reason = _JACKSON.get(error.msg, error.msg.lower())
            message = f"Unexpected character ('{found}' (code {ord(found)})): {reason} at {where}"
        raise json_parser_error(message) from error
