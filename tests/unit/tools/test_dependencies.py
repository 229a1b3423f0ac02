"""What we are made of: nothing locked is left out of the list, and an advisory about a pin is a hit."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tools.dependencies import CLEAN, FOUND, NOT_LOOKED, audit, known_holes, main, sbom

ROOT = Path(__file__).parents[3]
PINS = {"alpha": "2.1", "beta-two": "1.0"}


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def advisory(name: str = "alpha", identifier: str = "OTTER-1", **reported: Any) -> dict[str, Any]:
    affected = {"package": {"ecosystem": "PyPI", "name": name}} | reported
    return {"id": identifier, "affected": [affected]}


def span(*events: tuple[str, str], kind: str = "ECOSYSTEM") -> dict[str, Any]:
    return {"ranges": [{"type": kind, "events": [{name: at} for name, at in events]}]}


HITS = {
    "introduced": advisory(**span(("introduced", "0"))),
    "fixed-later": advisory(**span(("introduced", "0"), ("fixed", "2.2"))),
    "last-affected": advisory(**span(("introduced", "2"), ("last_affected", "2.1"))),
    "second-span": advisory(**span(("introduced", "0"), ("fixed", "1"), ("introduced", "2.1"))),
    "listed": advisory(versions=["2.0", "2.1"]),
    "name-in-other-letters": advisory("Alpha", **span(("introduced", "0"))),
    "unreadable": advisory(**span(("introduced", "otter"))),
}
MISSES = {
    "fixed": advisory(**span(("introduced", "0"), ("fixed", "2.1"))),
    "later": advisory(**span(("introduced", "2.10"))),
    "no-more": advisory(**span(("introduced", "0"), ("last_affected", "2.0"))),
    "listed-others": advisory(versions=["2.0", "2.10"]),
    "other-package": advisory("gamma", **span(("introduced", "0"))),
    "other-ecosystem": advisory(package={"ecosystem": "npm", "name": "alpha"}, versions=["2.1"]),
    "withdrawn": advisory(versions=["2.1"]) | {"withdrawn": "2026-01-01T00:00:00Z"},
    "commits": advisory(**span(("introduced", "0"), kind="GIT")),
}  # fmt: skip


@pytest.mark.parametrize("record", HITS.values(), ids=HITS)
def test_pin_that_an_advisory_names_is_a_hit(record: dict[str, Any]) -> None:
    assert list(known_holes(PINS, [record])) == [("alpha", "2.1", "OTTER-1")]


@pytest.mark.parametrize("record", MISSES.values(), ids=MISSES)
def test_pin_that_none_names_is_no_hit(record: dict[str, Any]) -> None:
    assert list(known_holes(PINS, [record])) == []


@pytest.mark.parametrize("form", ["one", "list", "lines", "directory"])
def test_advisories_are_read_as_they_are_handed_out(
    tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    record = advisory("sqlalchemy", **span(("introduced", "0")))
    file = tmp_path / "osv.json"
    texts = {"list": json.dumps([record]), "lines": f"{json.dumps(record)}\n" * 2}
    file.write_text(texts.get(form, json.dumps(record)))
    assert main(["audit", str(tmp_path if form == "directory" else file)]) == FOUND
    assert re.search(r"^sqlalchemy \S+: OTTER-1$", capsys.readouterr().out, re.MULTILINE)


def test_nobody_looked_is_not_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.dependencies.shutil.which", lambda name: None)
    assert main(["audit", ""]) == NOT_LOOKED
    (tmp_path / "none.json").write_text("[]")
    assert audit(str(tmp_path)) == NOT_LOOKED
    (tmp_path / "one.json").write_text(json.dumps(advisory("gamma", **span(("introduced", "0")))))
    assert audit(str(tmp_path)) == CLEAN


def test_list_names_every_pin_once_and_is_the_same_again() -> None:
    reported = sbom()
    lock = (ROOT / "requirements.lock").read_text()
    locked = {line.split("==")[0] for line in lock.splitlines() if "==" in line}
    python = [each["name"] for each in reported["components"] if each["purl"].startswith("pkg:pypi/")]
    references = [each["bom-ref"] for each in reported["components"]]
    assert sorted(python) == sorted(locked)
    assert len(references) == len(set(references))
    assert {"pkg:npm/lit"} <= {reference.rpartition("@")[0] for reference in references}
    assert (reported["bomFormat"], reported["specVersion"], sbom()) == ("CycloneDX", "1.6", reported)


def test_list_has_only_digests_that_a_lock_has() -> None:
    integrities = (ROOT / "web/package-lock.json").read_text()
    for component in sbom()["components"]:
        for digest in component.get("hashes", ()):
            assert component["purl"].startswith("pkg:npm/")
            encoded = base64.b64encode(bytes.fromhex(digest["content"])).decode()
            assert f'"sha512-{encoded}"' in integrities


def test_bases_of_the_image_are_arguments() -> None:
    text = (ROOT / "Dockerfile").read_text()
    stages = re.findall(r"^FROM (\S+)(?: AS (\S+))?", text, re.MULTILINE)
    named = {name for _, name in stages}
    assert {base for base, _ in stages} - named == {"${PYTHON_IMAGE}", "${NODE_IMAGE}"}
    assert "sha256:" not in "".join(base for base, _ in stages)
    last = text[text.rindex("\nFROM ") :]
    assert "simulator" not in last
