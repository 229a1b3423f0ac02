"""At which revision the tables are, and whether this release can work on them."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB

MIGRATIONS: Final = Path(__file__).parents[2] / "migrations"
STAMP: Final = text("SELECT to_jsonb(stamp) AS stamp FROM alembic_version AS stamp").columns(stamp=JSONB)
"""As JSON, because alembic makes the table, and the column `min_code` is ours."""

Stamp = Mapping[str, str | None]

NOTHING: Final[Stamp] = {"version_num": "0000"}
"""The stamp of a database without any revision."""
UNRELEASED: Final = (
    "from before the first release, and nothing upgrades it: "
    "start with an empty database (after `make run`: delete `.local`)"
)


class SchemaMissing(Exception):
    """The database has no tables of ours yet."""


class SchemaUnfit(Exception):
    """The tables are of a release that this one cannot work with."""


def schema_fault(stamp: Stamp) -> str | None:
    """Why this release cannot work on tables with this stamp; newer ones say themselves who can."""
    revision, min_code, head = str(stamp["version_num"]), stamp.get("min_code"), newest_revision()
    if NOTHING["version_num"] != revision < oldest_revision():
        return f"at {revision}, {UNRELEASED}"
    if revision < head:
        return f"at {revision}, this release needs {head}: run `eventship-salesforce migrate`"
    if revision > head and (min_code is None or min_code > head):
        needs = "a newer release" if min_code is None else f"a release of {min_code} or newer"
        return f"at {revision}, which needs {needs}: this one is of {head}"
    return None


def can_upgrade(stamp: Stamp) -> bool:
    """Whether the migrations of this release start from it: not from a later one, nor an unreleased one."""
    revision = str(stamp["version_num"])
    return stamp == NOTHING or oldest_revision() <= revision <= newest_revision()


@cache
def newest_revision() -> str:
    """The newest revision of this release; revisions are numbers of four digits and compare as text."""
    head = _scripts().get_current_head()
    assert head is not None
    return head


@cache
def oldest_revision() -> str:
    """The first revision that a release had."""
    base = _scripts().get_base()
    assert base is not None
    return base


@cache
def oldest_code() -> str:
    """The oldest release, by its newest revision, that can work on the tables of this one.

    A migration that earlier code cannot live with says so by `needs_code = True`; all others only add.
    """
    revisions = list(_scripts().walk_revisions())
    breaking = [found.revision for found in revisions if getattr(found.module, "needs_code", False)]
    return max(breaking, default=revisions[-1].revision)


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(MIGRATIONS))
