"""Query errors with the line, the caret, the row and the column."""

from salesforce_simulator.errors import SalesforceError, refusal

_WINDOW = 120
_ADVICE = "Please reference your WSDL or the describe call for the appropriate names."


def located(code: str, text: str, position: int, message: str) -> SalesforceError:
    """An error at an offset of the query; a long line is shown in part around it."""
    start = text.rfind("\n", 0, position) + 1
    row = text.count("\n", 0, position) + 1
    column = position - start + 1
    line = text[start:].split("\n", 1)[0]
    left = max(0, column - 1 - _WINDOW // 2) if len(line) > _WINDOW else 0
    shown = line[left : left + _WINDOW]
    caret = " " * (column - 1 - left) + "^"
    return refusal(code, f"\n{shown}\n{caret}\nERROR at Row:{row}:Column:{column}\n{message}")


def unexpected_token(text: str, position: int, token: str) -> SalesforceError:
    """Salesforce gives no position when the very first token is wrong."""
    message = f"unexpected token: '{token}'"
    if not text[:position].strip():
        return refusal("MALFORMED_QUERY", message)
    return located("MALFORMED_QUERY", text, position, message)


def no_such_column(text: str, position: int, name: str, *, entity: str) -> SalesforceError:
    message = (
        f"No such column '{name}' on entity '{entity}'. If you are attempting to use a custom field, "
        f"be sure to append the '__c' after the custom field name. {_ADVICE}"
    )
    return located("INVALID_FIELD", text, position, message)


def no_such_relationship(text: str, position: int, name: str) -> SalesforceError:
    message = (
        f"Didn't understand relationship '{name}' in field path. If you are attempting to use a custom "
        f"relationship, be sure to append the '__r' after the custom relationship name. {_ADVICE}"
    )
    return located("INVALID_FIELD", text, position, message)


def no_such_child(text: str, position: int, name: str) -> SalesforceError:
    message = (
        f"Didn't understand relationship '{name}' in FROM part of query call. If you are attempting to use a "
        f"custom relationship, be sure to append the '__r' after the custom relationship name. {_ADVICE}"
    )
    return located("INVALID_TYPE", text, position, message)


def no_such_object(text: str, position: int, name: str) -> SalesforceError:
    message = (
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure "
        f"to append the '__c' after the entity name. {_ADVICE}"
    )
    return located("INVALID_TYPE", text, position, message)


def malformed(text: str, position: int, message: str) -> SalesforceError:
    return located("MALFORMED_QUERY", text, position, message)


def invalid_field(text: str, position: int, message: str) -> SalesforceError:
    return located("INVALID_FIELD", text, position, message)
