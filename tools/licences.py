"""`python -m tools.licences`: the licence of each package of the service; 1 unless all are permissive."""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata
from pathlib import Path
from typing import Final

from tools.locks import pins_of

LOCK: Final = Path(__file__).parents[1] / "requirements.lock"
PERMISSIVE: Final = re.compile(
    r"\b(MIT|BSD|Apache|ISC|PSF|Python Software Foundation|Unlicense|Zlib|0BSD|HPND)\b", re.IGNORECASE
)
OTHERWISE: Final = {"certifi": ("MPL-2.0", "Mozilla Public License 2.0 (MPL 2.0)")}
"""Looked at one by one: MPL-2.0 covers the files of the package itself, which we do not change."""
CLASSIFIER: Final = "License :: "


def main() -> int:
    """Print the list; 1 when a package is not permissive, and was not looked at."""
    there = dict(licences())
    for name, licence in there.items():
        sys.stdout.write(f"{name}\t{licence}\n")
    unknown = [name for name, licence in there.items() if not is_fine(name, licence)]
    sys.stderr.writelines(f"licences: {name} is {there[name]}: look at it\n" for name in unknown)
    return 1 if unknown else 0


def licences() -> Iterator[tuple[str, str]]:
    """Name and licence of each package that the lock names, as far as it is installed on this system."""
    for name, version in sorted(pins_of(LOCK.read_text()).items()):
        try:
            about = metadata(name)
        except PackageNotFoundError:
            continue
        yield f"{name} {version}", licence_of(about)


def licence_of(about: PackageMetadata) -> str:
    """By its expression, else its classifiers, else the first line of what it says."""
    if "License-Expression" in about:
        return about["License-Expression"]
    named = [
        each.rpartition(" :: ")[2] for each in about.get_all("Classifier", []) if each.startswith(CLASSIFIER)
    ]
    return ", ".join(named) or str(about["License"] or "").split("\n")[0]


def is_fine(name: str, licence: str) -> bool:
    """Permissive, or one that was looked at."""
    return bool(PERMISSIVE.search(licence)) or licence in OTHERWISE.get(name.partition(" ")[0], ())


if __name__ == "__main__":
    sys.exit(main())
