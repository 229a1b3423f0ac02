"""Releases and tables: who can work on what, and migrations that stay as they landed."""

import pytest

from app.infrastructure.schema_revision import newest_revision, oldest_code, schema_fault
from tools.landed_migrations import landed_faults, migrations_there, read_landed, with_landed

HEAD = newest_revision()


@pytest.mark.parametrize(
    ("revision", "min_code", "said"),
    [
        pytest.param(HEAD, HEAD, None, id="same"),
        pytest.param(HEAD, None, None, id="same-without-the-column"),
        pytest.param("0000", "0000", "this release needs", id="older"),
        pytest.param("9999", HEAD, None, id="newer-that-only-adds"),
        pytest.param("9999", "9999", "which needs a release of 9999 or newer", id="newer-that-breaks"),
        pytest.param("9999", None, "which needs a newer release", id="newer-that-does-not-say"),
    ],
)
def test_release_works_on_its_tables_and_on_newer_ones_that_let_it(
    revision: str, min_code: str | None, said: str | None
) -> None:
    fault = schema_fault({"version_num": revision, "min_code": min_code})
    assert fault == said if said is None else said in str(fault)


def test_oldest_release_is_one_of_ours() -> None:
    assert "0001" <= oldest_code() <= HEAD


def test_every_landed_migration_is_as_it_was() -> None:
    assert landed_faults(read_landed(), migrations_there()) == []


def test_changed_removed_and_unlisted_migrations_are_named() -> None:
    landed = {"1.py": "a", "2.py": "b"}
    assert landed_faults(landed, {"1.py": "a", "2.py": "b", "3.py": "c"}) == []
    assert landed_faults(landed, {"1.py": "x", "3.py": "c", "4.py": "d"}) == [
        "1.py has landed and was changed: write a new migration",
        "2.py has landed and was removed: write a new migration",
        "3.py is not in landed.txt: run `python -m tools.check --write`",
    ]
    assert with_landed(landed, {"1.py": "x", "2.py": "b", "3.py": "c", "4.py": "d"}) == landed | {"3.py": "c"}
