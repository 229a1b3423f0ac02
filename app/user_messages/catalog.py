"""What people are told: one catalog from a code to plain words and next steps, used wherever advice stands.

Its rows are the TOML files beside this module, written for people who organise events, not for engineers:
`[group.code]`. `{name}` places are filled by the caller. A code has one row; a preflight's finding may have
words of its own beside it. A row that cannot be used ends the process at start.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Final, Literal, TypeVar

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


GROUPS: Final = TypeAdapter(dict[Group, dict[str, dict[str, Any]]])
MESSAGE: Final = TypeAdapter(Message)
FINDING: Final = TypeAdapter(FindingMessage)


def load_messages(folder: Path = FOLDER) -> tuple[Message, ...]:
    """Every row of the catalog. Raises CatalogInvalid for one that cannot be used, or that stands twice."""
    files = [folder / f"{name}.toml" for name in FILES]
    rows = [(path, *row) for path in files for row in _read(path)]
    reasons = {code: values for _, group, code, values in rows if group == "reason"}
    messages: dict[tuple[str, bool], Message] = {}
    for path, group, code, values in rows:
        is_finding = group == "finding"
        if (code, is_finding) in messages:
            raise CatalogInvalid(f"{path}: {group}.{code} stands in {messages[code, is_finding].group}, too")
        shared = reasons.get(code, {}) if is_finding else {}
        row = {**shared, **values, "code": code, "group": group}
        where = f"{path}: {group}.{code}"
        messages[code, is_finding] = (
            _validated(FINDING, row, where) if is_finding else _validated(MESSAGE, row, where)
        )
    return tuple(messages.values())


def _read(path: Path) -> Iterator[tuple[Group, str, dict[str, Any]]]:
    try:
        parsed = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CatalogInvalid(f"{path}: {error}") from error
    for group, rows in _validated(GROUPS, parsed, str(path)).items():
        for code, values in rows.items():
            yield group, code, values


def _validated(adapter: TypeAdapter[T], values: object, where: str) -> T:
    try:
        return adapter.validate_python(values)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise CatalogInvalid(f"{where}: {'; '.join(faults)}") from error


MESSAGES: Final = load_messages()
FINDINGS: Final = {row.code: row for row in MESSAGES if isinstance(row, FindingMessage)}
ADVICE: Final = {
    row.code: row.advice for row in (*FINDINGS.values(), *(row for row in MESSAGES if row.group != "finding"))
}
"""A code that has a row beside its finding keeps the words of the row."""
ADVICE_BY_PROBLEM: Final = {row.problem: ADVICE[row.code] for row in MESSAGES if row.problem}
"""What to tell a person whom the API refused with this problem code, if there is anything to do."""
GROUP_TITLES: Final = {row.code: row.group_title for row in MESSAGES if row.group_title}
OWN_APP_ADVICE: Final = {row.instead_of: row.code for row in MESSAGES if row.instead_of}
"""Where an own app needs another next step than the shared one."""


def codes_of(*groups: Group) -> tuple[str, ...]:
    """The codes of these groups, in the order of their rows."""
    return tuple(row.code for group in groups for row in MESSAGES if row.group == group)


def advise(code: str, **values: object) -> Advice:
    """The advice for `code` with its places filled. Raises KeyError for a code that has no row."""
    row = ADVICE[code]
    return row.model_copy(
        update={
            "title": row.title.format(**values),
            "explanation": row.explanation.format(**values),
            "steps": tuple(step.format(**values) for step in row.steps),
        }
    )
