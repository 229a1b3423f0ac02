"""Releases and tables: who can work on what, and migrations that stay as they landed."""

import pytest

from app.infrastructure import schema_revision
from app.infrastructure.schema_revision import (
    NOTHING,
    can_upgrade,
    newest_revision,
    oldest_code,
    oldest_revision,
    schema_fault,
)
from tools.landed_migrations import landed_faults, migrations_there, read_landed, with_landed

HEAD = newest_revision()


@pytest.mark.parametrize(
    ("revision", "min_code", "message"),
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
    revision: str, min_code: str | None, message: str | None
) -> None:
    fault = schema_fault({"version_num": revision, "min_code": min_code})
    assert fault == message if message is None else message in str(fault)


def test_tables_of_an_earlier_release_are_to_be_migrated(monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = {"version_num": HEAD, "min_code": HEAD}
    monkeypatch.setattr(schema_revision, "newest_revision", lambda: "9999")
    assert schema_fault(earlier) == f"at {HEAD}, this release needs 9999: run `eventship-salesforce migrate`"
    assert can_upgrade(earlier)


@pytest.mark.parametrize("revision", ["0001", "0009", "0017"])
def test_tables_from_before_the_first_release_are_not_upgraded(revision: str) -> None:
    """Whether or not the stamp has our column: the earliest of them did not."""
    for stamp in ({"version_num": revision}, {"version_num": revision, "min_code": "0001"}):
        assert not can_upgrade(stamp)
        assert schema_fault(stamp) == (
            f"at {revision}, from before the first release, and nothing upgrades it: "
            "start with an empty database (after `make run`: delete `.local`)"
        )


def test_migrations_start_from_nothing_and_not_from_a_later_release() -> None:
    assert can_upgrade(NOTHING)
    assert not can_upgrade({"version_num": "9999", "min_code": HEAD})


def test_oldest_release_is_one_of_ours() -> None:
    assert oldest_revision() <= oldest_code() <= HEAD


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
