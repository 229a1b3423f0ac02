"""Warnings on a row: something was left out or cut."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RowWarning:
    """Something left out or cut, told on the row; never a failed attendee."""

    code: str
    sobject: str
    field: str | None
    text: str

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, "object": self.sobject, "field": self.field, "text": self.text}
