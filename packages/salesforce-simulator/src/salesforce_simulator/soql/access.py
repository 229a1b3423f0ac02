"""UserRecordAccess: no table, but an answer about the user and the records that a query names."""

from collections.abc import Iterator

from salesforce_simulator.org import Org
from salesforce_simulator.soql import ast, errors, literals
from salesforce_simulator.store import Row

NAME = "UserRecordAccess"
MAX_RECORDS = 200


def rows(org: Org, query: ast.Query) -> list[Row]:
    """One row for each record; raises MALFORMED_QUERY unless the query names one user and some records."""
    named: dict[str, dict[str, None]] = {"UserId": {}, "RecordId": {}}
    for name, literal in _named(query.condition):
        field = org.schema.objects[NAME].find(name)
        if field is not None and field.name in named:
            named[field.name] |= dict.fromkeys(literals.parse_values(field, literal, query.text))
    users, records = named["UserId"], named["RecordId"]
    if len(users) != 1 or not 0 < len(records) <= MAX_RECORDS:
        text = f"{NAME} can only be filtered by one UserId and at most {MAX_RECORDS} values of RecordId"
        raise errors.malformed(query.text, query.source.position, text)
    (user_id,) = users
    return [_row(org, user_id, record_id) for record_id in records]


def _named(condition: ast.Condition | None) -> Iterator[tuple[str, ast.Literal]]:
    """The fields that must equal something, and what."""
    match condition:
        case ast.Junction(is_all=True, conditions=parts):
            for part in parts:
                yield from _named(part)
        case ast.Comparison(operand=ast.Name(text=name), operator="=", literal=literal):
            yield name, literal
        case ast.Membership(operand=ast.Name(text=name), literals=given, is_negated=False):
            for literal in given:
                yield name, literal


def _row(org: Org, user_id: str, record_id: str) -> Row:
    rights = org.rights_of(user_id)
    name = rights.schema.of_id(record_id)
    row = org.store.get(name, record_id) if name else None
    can_read = row is not None and not row["IsDeleted"] and org.sees(user_id, row)
    can_edit = row is not None and can_read and org.edits(user_id, row)
    can_edit = can_edit and name not in rights.config.read_only_objects
    return {
        "Id": record_id,
        "IsDeleted": False,
        "UserId": user_id,
        "RecordId": record_id,
        "HasReadAccess": can_read,
        **dict.fromkeys(("HasEditAccess", "HasDeleteAccess", "HasTransferAccess", "HasAllAccess"), can_edit),
        "MaxAccessLevel": "All" if can_edit else "Read" if can_read else "None",
    }
