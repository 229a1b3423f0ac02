"""The rows of the catalog: their form, and how they are read from TOML files.

The rows are the TOML files beside this module, written for people who organise events, not for engineers:
`[group.code]`. `{name}` places are filled by the caller. A code has one row; a preflight's finding may have
words of its own beside it. A row that cannot be used ends the process at start.
"""

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError

FOLDER: Final = Path(__file__).parent
FILES: Final = ("preflight", "sync", "problems", "connections", "own_app", "campaigns", "diagnosis")
"""In the order of the tables in docs/ that take rows of several files."""

T = TypeVar("T")
Group = Literal[
    "access", "attempt", "broken_link", "campaign", "configuration", "data", "diagnosis", "environment",
    "fault", "finding", "hint", "own_app", "problem", "reason", "time", "warning",
]  # fmt: skip


class CatalogInvalid(Exception):
    """A row of the catalog cannot be used; the message names its file."""


class Advice(BaseModel):
    """The `advice` object of the API: on cards, findings, groups, rows and problems alike."""

    model_config = ConfigDict(frozen=True)

    code: str
    title: str
    explanation: str
    steps: tuple[str, ...] = ()
    link: str | None = None

    def filled(self, **values: object) -> "Advice":
        """The advice with its places filled."""
        return self.model_copy(
            update={
                "title": self.title.format(**values),
                "explanation": self.explanation.format(**values),
                "steps": tuple(step.format(**values) for step in self.steps),
            }
        )


def _with_readable_places(text: str) -> str:
    """The text itself. Raises ValueError for a brace that belongs to no `{name}`."""
    if any(name is not None and not name.isidentifier() for _, name, _, _ in Formatter().parse(text)):
        raise ValueError("a place is not {name}")
    return text


Text = Annotated[str, StringConstraints(min_length=1), AfterValidator(_with_readable_places)]
Link = Annotated[str, StringConstraints(pattern=r"^/docs/\w+(#[\w-]+)?$")]


@dataclass(frozen=True, kw_only=True)
class Message:
    """A row: `problem` is the API's error that it explains, `instead_of` the row it replaces for own apps.

    `group_title` says what happened to a group of rows, naming the object; without it `title` does.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    code: str
    group: Group
    title: Text
    group_title: Text | None = None
    explanation: Text
    steps: tuple[Text, ...] = ()
    link: Link | None = None
    problem: str | None = None
    instead_of: str | None = None

    @property
    def advice(self) -> Advice:
        return Advice.model_validate(self, from_attributes=True)


@dataclass(frozen=True, kw_only=True)
class FindingMessage(Message):
    """A row of a preflight, which says also what will happen, and on which page of Setup it is mended."""

    severity: Literal["blocker", "warning", "note"]
    area: str
    consequence: Text
    setup_page: Text | None = None


class Row(NamedTuple):
    """A row as it stands in a file, before it is judged."""

    path: Path
    group: Group
    code: str
    values: dict[str, Any]

    @property
    def where(self) -> str:
        return f"{self.path}: {self.group}.{self.code}"


GROUPS: Final = TypeAdapter(dict[Group, dict[str, dict[str, Any]]])
MESSAGE: Final = TypeAdapter(Message)
FINDING: Final = TypeAdapter(FindingMessage)


def load_messages(folder: Path = FOLDER) -> tuple[Message, ...]:
    """Every row of the catalog. Raises CatalogInvalid for one that cannot be used, or that stands twice."""
    return judged(read_rows(folder))


def read_rows(folder: Path) -> list[Row]:
    """The rows of the English files. Raises CatalogInvalid."""
    paths = (folder / f"{name}.toml" for name in FILES)
    return [row for path in paths for row in rows_in(path, read_toml(path))]


def judged(rows: Iterable[Row]) -> tuple[Message, ...]:
    """The messages of these rows; a finding has what it lacks from the reason of its code."""
    rows = list(rows)
    reasons = {row.code: row.values for row in rows if row.group == "reason"}
    messages: dict[tuple[str, bool], Message] = {}
    for row in rows:
        is_finding = row.group == "finding"
        key = (row.code, is_finding)
        if key in messages:
            raise CatalogInvalid(f"{row.where} stands in {messages[key].group}, too")
        shared = reasons.get(row.code, {}) if is_finding else {}
        values = {**shared, **row.values, "code": row.code, "group": row.group}
        messages[key] = (
            validated(FINDING, values, row.where) if is_finding else validated(MESSAGE, values, row.where)
        )
    return tuple(messages.values())


def read_toml(path: Path) -> dict[str, Any]:
    """The file as it stands. Raises CatalogInvalid."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CatalogInvalid(f"{path}: {error}") from error


def rows_in(path: Path, parsed: dict[str, Any]) -> Iterator[Row]:
    """The rows of a parsed file. Raises CatalogInvalid."""
    for group, rows in validated(GROUPS, parsed, str(path)).items():
        for code, values in rows.items():
            yield Row(path, group, code, values)


def validated(adapter: TypeAdapter[T], values: object, where: str) -> T:
    """The values as the adapter reads them. Raises CatalogInvalid, which says where and what is wrong."""
    try:
        return adapter.validate_python(values)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise CatalogInvalid(f"{where}: {'; '.join(faults)}") from error


def places_of(text: str) -> frozenset[str]:
    """The names of the places in a text."""
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name)
