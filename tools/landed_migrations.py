"""A migration that has landed never changes: databases that ran it would lack what was added to it later."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from alembic.script import ScriptDirectory

from app.infrastructure.schema_revision import MIGRATIONS

LANDED: Final = MIGRATIONS / "landed.txt"
REVISION: Final = re.compile(r"\d{4}")

Hashes = Mapping[str, str]


def migrations_there() -> dict[str, str]:
    """The hash of each migration's file, the oldest first. Raises ValueError for numbers that do not rise."""
    revisions = list(ScriptDirectory(str(MIGRATIONS)).walk_revisions())[::-1]
    numbers = [found.revision for found in revisions]
    if numbers != sorted(numbers) or not all(REVISION.fullmatch(number) for number in numbers):
        raise ValueError(f"revisions are numbers of four digits that rise: {', '.join(numbers)}")
    paths = [Path(found.path) for found in revisions]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def landed_faults(landed: Hashes, there: Hashes) -> list[str]:
    """What is not as it landed, and what should be listed: all but the newest, which may still be written."""
    differing = [name for name, known in landed.items() if there.get(name) != known]
    changed = {name: "changed" if name in there else "removed" for name in differing}
    unlisted = [name for name in list(there)[:-1] if name not in landed]
    return [
        *(f"{name} has landed and was {how}: write a new migration" for name, how in changed.items()),
        *(f"{name} is not in landed.txt: run `python -m tools.check --write`" for name in unlisted),
    ]


def with_landed(landed: Hashes, there: Hashes) -> dict[str, str]:
    """The list with all that a newer one follows; what stands in it is not touched."""
    return dict(landed) | {name: there[name] for name in list(there)[:-1] if name not in landed}


def read_landed() -> dict[str, str]:
    """The list as it is committed."""
    pairs = (line.split("  ") for line in LANDED.read_text().splitlines())
    return {name: known for known, name in pairs}


def write_landed(hashes: Hashes) -> None:
    """As `sha256sum` writes and checks it."""
    LANDED.write_text("".join(f"{known}  {name}\n" for name, known in hashes.items()))
