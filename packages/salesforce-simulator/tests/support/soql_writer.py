"""Queries made up by a seed: well-formed ones, and ones with a single slip."""

from random import Random
from typing import TypeVar

T = TypeVar("T")

_FIELDS = ("Id", "Name", "Email", "Company", "Owner.Name", "CreatedBy.Profile.Name", "External_Id__c")
_OBJECTS = ("Lead", "Contact", "CampaignMember", "Invoice__c")
_OPERATORS = ("=", "!=", "<", "<=", ">", ">=")
_LITERALS = (
    *("'x'", "''", r"'O\'Brien'", r"'a\\b'", r"'\u00e9'", "'東京'", r"'\n\t'"),
    *("1", "-1.5", "+2", "true", "FALSE", "null"),
    *("2026-11-21", "2026-11-21T10:00:00Z", "2026-11-21T10:00:00.000+02:00"),
    *("TODAY", "LAST_N_DAYS:7", "THIS_YEAR"),
)
_PATTERNS = ("'x%'", "'_a%'", r"'50\%'")
_FUNCTIONS = ("COUNT(Id)", "MAX(CreatedDate)", "COUNT_DISTINCT(Email)")
_SLIPS = ("AND", "OR", "NOT", "(", ")", ",", "'", "WHERE", "LIMIT", "FROM", "IN", "=", "1", "x")


class Writer:
    """Writes queries; the same seed writes the same ones."""

    def __init__(self, seed: int) -> None:
        # Reproducible choice, not secrecy.
        self._random = Random(seed)

    def query(self, depth: int = 0) -> str:
        """A well-formed query as tokens with spaces between them."""
        if depth == 0 and self._perhaps(0.1):
            return f"SELECT COUNT() FROM {self._one(_OBJECTS)}{self._where(1)}"
        if depth == 0 and self._perhaps(0.15):
            return self._grouped()
        columns = self._several(_FIELDS, 3)
        if depth == 0 and self._perhaps(0.2):
            columns.append(f"( SELECT Id FROM Tasks{self._where(1)}{self._tail()} )")
        source = "Tasks" if depth else self._one(_OBJECTS)
        return f"SELECT {' , '.join(columns)} FROM {source}{self._where(depth)}{self._tail()}"

    def slipped(self) -> str:
        """A well-formed query with one token left out, doubled, or put in."""
        tokens = self.query().split(" ")
        place = self._random.randrange(len(tokens))
        kind = self._one(("drop", "double", "insert"))
        if kind == "drop":
            del tokens[place]
        else:
            tokens.insert(place, tokens[place] if kind == "double" else self._one(_SLIPS))
        return " ".join(tokens)

    def _grouped(self) -> str:
        having = f" HAVING {self._one(_FUNCTIONS)} > 1" if self._perhaps(0.4) else ""
        columns = f"Company , {self._one(_FUNCTIONS)}{' total' if self._perhaps(0.5) else ''}"
        return f"SELECT {columns} FROM {self._one(_OBJECTS)}{self._where(1)} GROUP BY Company{having}"

    def _where(self, depth: int) -> str:
        return f" WHERE {self._condition(depth)}" if self._perhaps(0.8) else ""

    def _condition(self, depth: int) -> str:
        joint = self._one(("AND", "OR"))
        parts = [self._simple(depth) for _ in range(self._one((1, 1, 2, 3)))]
        return f" {joint} ".join(parts)

    def _simple(self, depth: int) -> str:
        field = self._one(_FIELDS)
        kind = self._one(("compare", "compare", "like", "in", "not in", "nested", "not", "semi"))
        if kind == "nested" and depth < 3:
            return f"( {self._condition(depth + 1)} )"
        if kind == "not" and depth < 3:
            return f"( NOT {field} LIKE 'x%' )"
        if kind == "like":
            return f"{field} LIKE {self._one(_PATTERNS)}"
        if kind == "semi" and depth == 0:
            return f"Id IN ( SELECT LeadId FROM CampaignMember{self._where(2)} )"
        if kind in {"in", "not in"}:
            listed = " , ".join(self._several(("'a'", "'b'", "1", "null", "'c'"), 3))
            return f"{field} {kind.upper()} ( {listed} )"
        return f"{field} {self._one(_OPERATORS)} {self._one(_LITERALS)}"

    def _tail(self) -> str:
        order = " ORDER BY " + " , ".join(self._several(_FIELDS, 2)) if self._perhaps(0.3) else ""
        order += self._one(("", " ASC", " DESC", " DESC NULLS LAST", " NULLS FIRST")) if order else ""
        limit = f" LIMIT {self._one(('1', '200'))}" if self._perhaps(0.3) else ""
        return order + limit + (" OFFSET 5" if limit and self._perhaps(0.3) else "")

    def _several(self, choices: tuple[str, ...], most: int) -> list[str]:
        return self._random.sample(choices, self._random.randint(1, most))

    def _one(self, choices: tuple[T, ...]) -> T:
        return self._random.choice(choices)

    def _perhaps(self, chance: float) -> bool:
        return self._random.random() < chance
