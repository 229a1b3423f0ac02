"""What one part of a registration failed with, or lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.salesforce.errors import DuplicateMatch
from app.user_messages.phrases import as_phrase, kept_text

NO_TIMES, EVENT_CANCELLED = "no_times", "event_cancelled"
LEFT_OUT_BY_EVENT: Final = frozenset({NO_TIMES, EVENT_CANCELLED})
"""The codes of warnings that a record was left out because of what its event was, until that ends."""

LEFT_OUT, DELETED_THERE, CHANGED_THERE = "record_left_out", "deleted_in_salesforce", "changed_in_salesforce"
TOLD_BY_EACH_RUN: Final = LEFT_OUT_BY_EVENT | {LEFT_OUT, DELETED_THERE, CHANGED_THERE}
"""The codes of warnings about how a record is: a later run without them says that it is so no more."""


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
        text = kept_text(stored, "text")
        return cls(stored["code"], stored["object"], stored["field"], text)

    def as_json(self) -> dict[str, Any]:
        kept = {"code": self.code, "object": self.sobject, "field": self.field, "text": str(self.text)}
        return kept | as_phrase(self.text)


@dataclass(frozen=True)
class ItemError:
    """One failed part of a registration. `milestone` is the part of it that failed.

    `advice_code` names the message for people.
    """

    error_class: str
    error_code: str
    message: str
    milestone: str
    sobject: str | None
    fields: tuple[str, ...] = ()
    value: str | None = None
    http_status: int | None = None
    group_id: str = ""
    advice_code: str = ""
    field_label: str | None = None
    matches: tuple[DuplicateMatch, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "class": self.error_class,
            "kind": self.milestone,
            "object": self.sobject,
            "error_code": self.error_code,
            "message": str(self.message),
            **as_phrase(self.message),
            "fields": list(self.fields),
            "field_label": self.field_label,
            "value": self.value,
            "http_status": self.http_status,
            "matches": [{"object": each.sobject, "id": each.id} for each in self.matches],
            "advice_code": self.advice_code,
        }
