"""Types of Postgres' own that the driver does not know by itself, as its question for them answers.

It asks each new connection for them when it meets them, by a query that takes Postgres 18 ms to plan: more
than a lone registration costs it. Their ids are the same in every database (pg_type.dat).
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

RECORD: Final = 2249
ARRAY_OF_RECORDS: Final = 2287
NOT_ASKED: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "ns": "pg_catalog",
        "kind": b"p",
        "basetype": None,
        "elemtype": 0,
        "elemdelim": None,
        "range_subtype": None,
        "attrtypoids": None,
        "attrnames": None,
        "basetype_name": None,
        "elemtype_name": "-",
        "range_subtype_name": None,
    }
)
RECORDS: Final = (
    {**NOT_ASKED, "oid": RECORD, "name": "record", "depth": 1},
    {
        **NOT_ASKED,
        "oid": ARRAY_OF_RECORDS,
        "name": "_record",
        "depth": 0,
        "elemtype": RECORD,
        "elemdelim": b",",
        "elemtype_name": "record",
    },
)
KNOWN: Final[Mapping[int, Sequence[Mapping[str, Any]]]] = MappingProxyType({ARRAY_OF_RECORDS: RECORDS})
"""A type, and what it consists of before it."""


class Asked(NamedTuple):
    """Stands for the statement that would have asked: it has a name, so it was in nobody's way."""

    name: str


def answer_for(types: Iterable[int]) -> tuple[list[Mapping[str, Any]], Asked] | None:
    """As the driver's question for these types answers; None where one of them has to be asked for."""
    wanted = set(types)
    if not wanted <= KNOWN.keys():
        return None
    return [row for each in sorted(wanted) for row in KNOWN[each]], Asked("known")
