"""docs/security.md: every test that it calls as a witness is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)`", (ROOT / "docs" / "security.md").read_text())))


def test_guide_calls_its_witnesses() -> None:
    assert len(NAMED) > 20


@pytest.mark.parametrize("name", NAMED)
def test_witness_is_there(name: str) -> None:
    assert (ROOT / "tests" / name).is_file()


def test_readme_leads_to_the_guide() -> None:
    assert "(docs/security.md)" in (ROOT / "README.md").read_text()
