"""The guides in docs/: tables made of the advice that the API gives, and a place for every link to them."""

import re
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from app.console.documents import GUIDES, guide_path
from app.field_mapping.source_catalog import SOURCES
from app.sync.errors.message_codes import BY_CAUSE, BY_CODE
from app.user_messages.catalog import ADVICE, codes_of
from app.user_messages.rows import Advice, Group
from tools.generated_docs.connecting import TABLES as CONNECTING_TABLES
from tools.generated_docs.markdown import plain, table
from tools.generated_docs.metrics import metrics_table

APP: Final = Path(__file__).parents[2] / "app"
MARKED: Final = re.compile(r"(?s)(<!-- table: (?P<name>[\w /#]+) -->\n).*?(<!-- end of table -->)")
LINK: Final = re.compile(r"(?<![\w.])/docs/(\w+)(?:#([\w-]+))?(?=[\"'])")
FOR_OPERATORS: Final = ("operations",)
ERROR_GROUPS: Final[tuple[Group, ...]] = ("data", "configuration", "access", "time")


def with_tables(text: str) -> str:
    """The document with every table between its two marks made anew. Raises KeyError for an unknown one."""
    return MARKED.sub(lambda found: f"{found[1]}{_made(found['name'])}{found[3]}", text)


def texts() -> dict[str, str]:
    """Every guide as it is."""
    return _texts(GUIDES)


def all_texts() -> dict[str, str]:
    """The guides, and what is for who runs the service."""
    return _texts((*GUIDES, *FOR_OPERATORS))


def _texts(names: Iterable[str]) -> dict[str, str]:
    return {name: guide_path(name).read_text() for name in names}


def write() -> None:
    """Bring every document up to date."""
    for name, text in all_texts().items():
        guide_path(name).write_text(with_tables(text))


def lost_links() -> list[str]:
    """Links of the advice, and of other code, that lead to no guide or to no place in it."""
    places = {name: {"", *anchors_in(text)} for name, text in texts().items()}
    return sorted(f"/docs/{name}#{anchor}" for name, anchor in _links() if anchor not in places.get(name, ()))


def anchors_in(text: str) -> set[str]:
    """The places that a document has."""
    return set(re.findall(r'<a id="([\w-]+)"></a>', text))


def error_codes_for(advice: str) -> list[str]:
    """The error codes of Salesforce, and our own, that lead to this advice."""
    by_cause = (code for (code, _, _), led_to in BY_CAUSE.items() if led_to == advice)
    return sorted({*(code for code, led_to in BY_CODE.items() if led_to == advice), *by_cause})


def _links() -> Iterator[tuple[str, str]]:
    for row in ADVICE.values():
        name, _, anchor = (row.link or "").removeprefix("/docs/").partition("#")
        if name:
            yield name, anchor
    for path in sorted((*APP.rglob("*.py"), *APP.rglob("*.toml"))):
        yield from LINK.findall(path.read_text())


def _made(name: str) -> str:
    if name.startswith("advice at "):
        return _advice_at(name.removeprefix("advice at "))
    errors = {f"errors of {group}": partial(_errors, group) for group in ERROR_GROUPS}
    return (CONNECTING_TABLES | {"sources": _sources, "metrics": metrics_table} | errors)[name]()


def _errors(group: Group) -> str:
    """A section for each advice of a group that has its place in the guide to errors."""
    rows = (ADVICE[code] for code in codes_of(group))
    return "\n" + "\n".join(_section(row) for row in rows if (row.link or "").startswith("/docs/errors#"))


def _section(advice: Advice) -> str:
    steps = "".join(f"{number}. {plain(step)}\n" for number, step in enumerate(advice.steps, 1))
    codes = ", ".join(f"`{code}`" for code in error_codes_for(advice.code))
    said = f"\nReason: {codes}.\n" if codes else ""
    head = f'<a id="{advice.code}"></a>\n### {plain(advice.title)}\n\n{plain(advice.explanation)}\n\n'
    return f"{head}{steps}{said}"


def _sources() -> str:
    return table(
        ("source", "what", "for example"), ((f"`{path}`", what, like) for path, what, like in SOURCES)
    )


def _advice_at(link: str) -> str:
    rows: Iterable[Advice] = (row for row in ADVICE.values() if row.link == f"/docs/{link}")
    lines = ((row.title, row.explanation, " ".join(row.steps)) for row in rows)
    return table(("what you see", "which means", "what to do"), lines)
