"""Metadata as Salesforce's command line writes it: four spaces, members in alphabetical order."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape

Value = str | bool | int | Mapping[str, "Value"] | Sequence["Value"]

NAMESPACE: Final = "http://soap.sforce.com/2006/04/metadata"


def document(kind: str, members: Mapping[str, Value]) -> str:
    """The file of one component; a member that is a list is repeated."""
    return "\n".join(
        (
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<{kind} xmlns="{NAMESPACE}">',
            *_members(members, "    "),
            f"</{kind}>",
            "",
        )
    )


def _members(members: Mapping[str, Value], indent: str) -> Iterator[str]:
    # A component's name comes first, as Salesforce writes it.
    for name in sorted(members, key=lambda each: (each != "fullName", each)):
        value = members[name]
        for each in [value] if isinstance(value, str | bool | int | Mapping) else value:
            yield from _element(name, each, indent)


def _element(name: str, value: Value, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield f"{indent}<{name}>"
        yield from _members(value, indent + "    ")
        yield f"{indent}</{name}>"
    else:
        text = str(value).lower() if isinstance(value, bool) else escape(str(value))
        yield f"{indent}<{name}>{text}</{name}>"
