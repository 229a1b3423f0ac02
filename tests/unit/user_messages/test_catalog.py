"""The catalog of messages: every code that is used has a row, and a typo in a file is refused by name."""

import ast
import importlib
import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.user_messages.catalog import ADVICE, FINDINGS, MESSAGES
from app.user_messages.rows import FOLDER, CatalogInvalid, load_messages

ROOT = Path(__file__).parents[3]
TAKES_A_CODE = {"advise": (0, ADVICE), "ConnectFailed": (0, ADVICE), "explain": (1, ADVICE)} | {
    "make_finding": (0, FINDINGS)
}


def codes_in_calls() -> Iterator[tuple[str, str]]:
    """Each function that takes a code, with each code that it is called with by literal or constant."""
    for path in sorted((ROOT / "app").rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
                continue
            place, _ = TAKES_A_CODE.get(call.func.id, (len(call.args), None))
            match call.args[place : place + 1]:
                case [ast.Constant(value=str() as code)]:
                    yield call.func.id, code
                case [ast.Name(id=name)] if name.isupper():
                    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                    yield call.func.id, getattr(importlib.import_module(module), name)


CALLS = sorted(set(codes_in_calls()))


def test_calls_of_every_kind_are_seen() -> None:
    assert {function for function, _ in CALLS} == TAKES_A_CODE.keys()


@pytest.mark.parametrize(("function", "code"), CALLS)
def test_every_code_that_the_code_names_has_a_row(function: str, code: str) -> None:
    assert code in TAKES_A_CODE[function][1]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        pytest.param("explanation =", "explenation =", "reason.access_revoked: .*explenation", id="key"),
        pytest.param("[reason.access_revoked]", "[raeson.access_revoked]", ": raeson", id="group"),
        pytest.param("[reason.access_revoked]", "[reason.access_revoked", "line", id="no TOML"),
        pytest.param("[reason.access_revoked]", "[reason.user_inactive]", "line", id="twice in a group"),
        pytest.param("[reason.access_revoked]", "[reason.lead_converted]", "stands in data, too", id="twice"),
        pytest.param('"/docs/connecting#revoked"', '"docs/connecting"', "link: ", id="link"),
        pytest.param("{redirect_uri}", "{redirect_uri", "explanation: ", id="place left open"),
        pytest.param("{redirect_uri}", "{redirect uri}", "a place is not", id="place with a space"),
        pytest.param("steps = [", "steps = [3, ", r"steps\.0: ", id="step that is no text"),
        pytest.param(
            "[reason.access_revoked]", 'title = "x"\n[reason.access_revoked]', "title: ", id="loose key"
        ),
    ],
)
def test_a_typo_is_refused_with_its_place(tmp_path: Path, old: str, new: str, fault: str) -> None:
    folder = Path(shutil.copytree(FOLDER, tmp_path / "catalog"))
    file = folder / "connections.toml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(CatalogInvalid, match=rf"(?s)connections\.toml.*{fault}"):
        load_messages(folder)


def test_a_finding_needs_its_severity_and_consequence(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(FOLDER, tmp_path / "catalog"))
    file = folder / "preflight.toml"
    file.write_text(file.read_text().replace("severity =", "severty =", 1))
    with pytest.raises(CatalogInvalid, match=r"edition_without_api: .*severity"):
        load_messages(folder)


def test_a_finding_has_the_words_of_its_reason_where_it_has_none() -> None:
    finding, reason = FINDINGS["edition_without_api"], ADVICE["edition_without_api"]
    assert (finding.title, finding.explanation, finding.link) == (
        reason.title,
        reason.explanation,
        reason.link,
    )
    assert finding.steps == reason.steps[:1]


def test_a_row_explains_its_own_problem_and_replaces_a_row_that_exists() -> None:
    problems = [row.problem for row in MESSAGES if row.problem]
    replaced = [row.instead_of for row in MESSAGES if row.instead_of]
    assert len(problems) == len(set(problems))
    assert len(replaced) == len(set(replaced))
    assert set(replaced) <= ADVICE.keys()


def test_catalog_comes_with_the_wheel_and_the_image() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    globs = project["tool"]["setuptools"]["package-data"]["app"]
    packed = {path for each in globs for path in (ROOT / "app").glob(each)}
    assert set((ROOT / "app").rglob("*.toml")) == packed - {ROOT / "app" / "py.typed"}
    assert re.search(r"(?m)^COPY app app$", (ROOT / "Dockerfile").read_text())
    assert "!app" in (ROOT / ".dockerignore").read_text().splitlines()
