"""Warnings on a row: something was left out or cut."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ItemWarning:
    """A value that was left out or truncated; the row shows it, and the attendee does not fail."""

    code: str
    sobject: str
    field: str | None
    text: str

    @classmethod
    def parse(cls, stored: Mapping[str, Any]) -> "ItemWarning":
        """The warning that `as_json` stored."""
        return cls(stored["code"], stored["object"], stored["field"], stored["text"])

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, "object": self.sobject, "field": self.field, "text": self.text}
