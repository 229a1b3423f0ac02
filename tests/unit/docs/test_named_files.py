"""The files that the documents name exist; tests are named from their folder, modules without `.py`."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *(ROOT / "docs").glob("*.md"),
]
NAMED = re.compile(
    r"`((?:app|workers|devtools|tools|tests|unit|integration|api|chaos|bench|abuse|migrations|packages|web|deploy)"
    r"/[\w./-]+)`"
)
TO_BE_MADE = {"app/sync/planning/opportunities.py"}
"""What "Add a kind of record" would make."""
SECRETS = "deploy/secrets/"
"""Made by `make secrets`, and kept by nobody else."""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_named_files_exist(document: Path) -> None:
    named = set(NAMED.findall(document.read_text())) - TO_BE_MADE
    missing = [each for each in sorted(named) if not exists(each)]
    assert [each for each in missing if not each.startswith(SECRETS)] == []


def exists(named: str) -> bool:
    folders = (ROOT, ROOT / "tests")
    return any((folder / f"{named}{end}").exists() for folder in folders for end in ("", ".py"))


def test_a_file_to_be_made_is_not_there_yet() -> None:
    assert [each for each in TO_BE_MADE if (ROOT / each).exists()] == []
