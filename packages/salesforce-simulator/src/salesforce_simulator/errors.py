"""Refusals in Salesforce's words.

SalesforceError            an HTTP status and a list of error items
  one constructor per fact below; `fields` is present on save errors and absent elsewhere
  (REST API Developer Guide, "Status Codes and Error Responses")
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ErrorItem:
    """One error: `fields` is None where Salesforce sends no such key, `extra` goes before the rest."""

    code: str
    message: str
    fields: tuple[str, ...] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    is_code_first: bool = False

    def as_rest(self) -> dict[str, Any]:
        """The form of a plain REST answer, with `errorCode`."""
        body: dict[str, Any] = dict(self.extra)
        if self.is_code_first or self.extra:
            body |= {"errorCode": self.code, "message": self.message}
        else:
            body |= {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            body["fields"] = list(self.fields)
        return body

    def as_row(self) -> dict[str, Any]:
        """The form inside a row of a collection or tree, with `statusCode`."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields or ())}


class SalesforceError(Exception):
    """A refusal: an HTTP status and one or more error items."""

    def __init__(self, status: int, *items: ErrorItem) -> None:
        super().__init__(items[0].code if items else str(status))
        self.status = status
        self.items = items


def refusal(code: str, message: str, *, status: int = 400) -> SalesforceError:
    """An error that is not about saving a row: no `fields` key."""
    return SalesforceError(status, ErrorItem(code, message))


def save_refusal(code: str, message: str, *fields: str, status: int = 400) -> SalesforceError:
    """An error about saving a row: `fields` is present, and may be empty."""
    return SalesforceError(status, ErrorItem(code, message, fields))


def not_found() -> SalesforceError:
    item = ErrorItem("NOT_FOUND", "The requested resource does not exist", is_code_first=True)
    return SalesforceError(404, item)


def entity_is_deleted() -> SalesforceError:
    return save_refusal("ENTITY_IS_DELETED", "entity is deleted", status=404)


def no_such_column(name: str, sobject: str) -> SalesforceError:
    return refusal("INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject}")


def malformed_id(text: str) -> SalesforceError:
    return save_refusal("MALFORMED_ID", f"malformed id {text}", "Id")


def method_not_allowed(method: str, allowed: tuple[str, ...]) -> SalesforceError:
    message = f"HTTP Method '{method}' not allowed. Allowed are {','.join(allowed)}"
    return refusal("METHOD_NOT_ALLOWED", message, status=405)


def json_parser_error(message: str) -> SalesforceError:
    return refusal("JSON_PARSER_ERROR", message)


def field_not_writable(names: list[str]) -> SalesforceError:
    message = (
        f"Unable to create/update fields: {', '.join(names)}. Please check the security settings of this "
        "field and verify that it is read/write for your profile or permission set."
    )
    return save_refusal("INVALID_FIELD_FOR_INSERT_UPDATE", message, *names)
