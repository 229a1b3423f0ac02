"""Objects and fields as values, and the compact text they are written in.

One line a field: `Name | type(length) | flags | label | rest`. Flags: C createable, U updateable,
N nillable, D defaulted on create, L idLookup, R restricted picklist, X external id, Q unique, F not
filterable (a long textarea never is), S compared letter by letter. The rest is
`-> Lead,Contact as Who children Tasks cascade` for a reference, or `*Default; Other` for values.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

_TYPE = re.compile(r"(\w+)(?:\((\d+)\))?")
_REFERENCE = re.compile(r"->\s*([\w,]+)(?:\s+as\s+(\w+))?(?:\s+children\s+(\w+))?(\s+cascade)?")
_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")

TEXT_TYPES = frozenset(
    {"string", "textarea", "email", "phone", "url", "picklist", "combobox", "multipicklist"}
)
NUMBER_TYPES = frozenset({"int", "double", "currency", "percent"})
ID_TYPES = frozenset({"id", "reference"})
# Lists of ids by type, each with the object that has a row for every id.
_JUNCTIONS = {"junctionidlist": "EmailMessageRelation"}

SYSTEM_FIELDS = """
IsDeleted        | boolean    | D | Deleted
CreatedDate      | datetime   | D | Created Date
CreatedById      | reference  | D | Created By ID       | -> User as CreatedBy
LastModifiedDate | datetime   | D | Last Modified Date
LastModifiedById | reference  | D | Last Modified By ID | -> User as LastModifiedBy
SystemModstamp   | datetime   | D | System Modstamp
"""


class MalformedFieldLine(ValueError):
    """A field line that does not follow the form of the module docstring."""


@dataclass(frozen=True)
class Field:
    """One field of an object; lengths in characters, 0 where the type has none."""

    name: str
    type: str
    length: int = 0
    label: str = ""
    flags: str = ""
    reference_to: tuple[str, ...] = ()
    relationship_name: str | None = None
    child_name: str | None = None
    is_cascade: bool = False
    values: tuple[str, ...] = ()
    default: str | None = None
    labels: tuple[tuple[str, str], ...] = ()

    def label_of(self, value: str) -> str:
        """What users see of a picklist value."""
        return dict(self.labels).get(value, value)

    def has(self, flag: str) -> bool:
        return flag in self.flags

    @cached_property
    def junction(self) -> str:
        """The object whose rows a list of ids stands for."""
        return _JUNCTIONS.get(self.type, "")

    @cached_property
    def is_required(self) -> bool:
        """Required on create: createable, not nillable, not defaulted, and not a boolean."""
        return self.has("C") and not self.has("N") and not self.has("D") and self.type != "boolean"

    @cached_property
    def is_filterable(self) -> bool:
        return not self.has("F") and not (self.type == "textarea" and self.length > 255)

    @cached_property
    def is_case_sensitive(self) -> bool:
        return self.has("S")

    @cached_property
    def is_restricted(self) -> bool:
        return self.has("R")

    @cached_property
    def is_text(self) -> bool:
        return self.type in TEXT_TYPES

    @cached_property
    def is_indexed(self) -> bool:
        """Answered from an index: keys, lookups, e-mails and names."""
        return (
            self.type in {"email", "reference"}
            or any(map(self.has, "LXQ"))
            or self.name in {"Name", "LastName"}
        )


@dataclass(frozen=True)
class SObject:
    """One object: `fields` by API name, in describe order."""

    name: str
    prefix: str
    label: str
    plural: str
    fields: dict[str, Field] = field(hash=False)
    is_createable: bool = True
    is_updateable: bool = True
    is_deletable: bool = True

    @cached_property
    def _names(self) -> dict[str, str]:
        return {name.lower(): name for name in self.fields}

    @cached_property
    def exact(self) -> dict[str, Field]:
        """The fields by their very names, each as `find` finds it."""
        return {name: self.fields[self._names[name.lower()]] for name in self.fields}

    @cached_property
    def _relationships(self) -> dict[str, Field]:
        return {f.relationship_name.lower(): f for f in self.fields.values() if f.relationship_name}

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The fields that every new row must fill."""
        return tuple(f.name for f in self.fields.values() if f.is_required)

    @cached_property
    def never_null(self) -> frozenset[str]:
        """The fields that have a default and may not be emptied."""
        return frozenset(f.name for f in self.fields.values() if f.has("D") and not f.has("N"))

    @cached_property
    def described(self) -> dict[str, Field]:
        """The fields that a describe lists: lists of ids stand at the child relationship that they fill."""
        return {name: field for name, field in self.fields.items() if not field.junction}

    @cached_property
    def unique(self) -> tuple[Field, ...]:
        return tuple(f for f in self.fields.values() if f.has("Q"))

    @cached_property
    def blank(self) -> Mapping[str, Any]:
        """A new row before anything is given."""
        return {f.name: _blank(f) for f in self.fields.values()}

    def find(self, name: str) -> Field | None:
        """A field by API name, in any case."""
        canonical = self._names.get(name.lower())
        return self.fields[canonical] if canonical else None

    def relationship(self, name: str) -> Field | None:
        """The reference field behind a relationship name such as Owner."""
        return self._relationships.get(name.lower())

    def with_fields(self, extra: Iterable[Field]) -> "SObject":
        return replace(self, fields=self.fields | {f.name: f for f in extra})

    def without_fields(self, hidden: Iterable[str]) -> "SObject":
        gone = set(hidden)
        return replace(self, fields={n: f for n, f in self.fields.items() if n not in gone})


def _blank(field: Field) -> Any:
    if field.type == "int" and not field.has("N"):
        return 0
    return False if field.type == "boolean" else field.default


def parse_field(line: str) -> Field:
    """One line of the compact form; raises MalformedFieldLine."""
    columns = [part.strip() for part in line.split("|")]
    kind = _TYPE.fullmatch(columns[1]) if len(columns) > 1 else None
    if kind is None or not columns[0].isidentifier():
        raise MalformedFieldLine(line)
    columns += [""] * (5 - len(columns))
    length = int(kind[2] or (18 if kind[1] in ID_TYPES else 0))
    plain = Field(
        name=columns[0],
        type=kind[1],
        length=length,
        label=columns[3] or _WORDS.sub(" ", columns[0]),
        flags=columns[2],
    )
    return _with_rest(plain, columns[4])


def _with_rest(plain: Field, rest: str) -> Field:
    reference = _REFERENCE.fullmatch(rest)
    if reference:
        return replace(
            plain,
            reference_to=tuple(reference[1].split(",")),
            relationship_name=reference[2],
            child_name=reference[3],
            is_cascade=bool(reference[4]),
        )
    given = [value.strip() for value in rest.split(";") if value.strip()]
    default = next((value[1:] for value in given if value.startswith("*")), None)
    return replace(plain, values=tuple(value.removeprefix("*") for value in given), default=default)


def parse_object(heading: str, lines: str) -> SObject:
    """An object from `Name prefix Label/Plural [read-only words]` and its field lines."""
    name, prefix, labels, *powers = heading.split(maxsplit=3)
    label, plural = labels.replace("_", " ").split("/")
    identity = Field("Id", "id", 18, f"{label} ID", "DL")
    body = [parse_field(line) for line in (SYSTEM_FIELDS + lines).splitlines() if line.strip()]
    denied = powers[0] if powers else ""
    return SObject(
        name=name,
        prefix=prefix,
        label=label,
        plural=plural,
        fields={f.name: f for f in (identity, *body)},
        is_createable="no-create" not in denied,
        is_updateable="no-update" not in denied,
        is_deletable="no-delete" not in denied,
    )
