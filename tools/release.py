"""`python -m tools.release`: that all versions are one, that the changelog is in order, what a wheel holds.

check [TAG]   the versions in the tree agree and the changelog is in order; with a tag: it is ready for it
notes TAG     what the changelog says of it
wheels DIR    each wheel there holds all modules and migrations of its tree
"""

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from app.version import VERSION

ROOT: Final = Path(__file__).parents[1]
UNRELEASED: Final = "Unreleased"
HEAD: Final = re.compile(r"(?m)^## (.*)$")
RELEASED: Final = re.compile(r"(\d+)\.(\d+)\.(\d+) - (\d{4}-\d{2}-\d{2})")
SECTIONS: Final = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
WHEELS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "eventship_salesforce": ("", ("app", "workers", "devtools", "tools", "migrations")),
    "salesforce_simulator": ("packages/salesforce-simulator/src/", ("salesforce_simulator",)),
}
"""Of each wheel: where its tree begins, and the folders in it."""


@dataclass(frozen=True)
class Entry:
    """One version of the changelog."""

    head: str
    text: str

    @property
    def version(self) -> tuple[int, ...]:
        found = RELEASED.fullmatch(self.head)
        return tuple(map(int, found.groups()[:3])) if found else ()


def main(arguments: Sequence[str]) -> int:
    """1 when something is wrong, a line for each; 2 when it is not known what to do."""
    match arguments:
        case ["check", *tag]:
            faults = [*version_faults(ROOT), *changelog_faults(_changelog()), *tag_faults(_changelog(), *tag)]
        case ["notes", tag]:
            sys.stdout.write(notes(_changelog(), tag))
            return 0
        case ["wheels", directory]:
            faults = [fault for path in sorted(Path(directory).glob("*.whl")) for fault in wheel_faults(path)]
            faults += [] if len(list(Path(directory).glob("*.whl"))) == len(WHEELS) else ["not two wheels"]
        case _:
            sys.stderr.write(f"{__doc__}\n")
            return 2
    sys.stderr.writelines(f"release: {fault}\n" for fault in faults)
    return 1 if faults else 0


def entries_of(changelog: str) -> list[Entry]:
    """The versions of a changelog, the newest first."""
    _, *parts = HEAD.split(changelog)
    return [Entry(head.strip(), text.strip()) for head, text in zip(parts[::2], parts[1::2], strict=True)]


def changelog_faults(changelog: str) -> Iterator[str]:
    """Headings that are no version, do not fall, or name no day that there is; sections that nobody knows."""
    entries = entries_of(changelog)
    released = entries[1:] if entries and entries[0].head == UNRELEASED else entries
    for entry in released:
        if not entry.version:
            yield f"CHANGELOG.md: {entry.head!r} is not `1.2.3 - 2026-11-29`"
        elif not _is_day(entry.head[-10:]):
            yield f"CHANGELOG.md: {entry.head} is of no day that there is"
    versions = [entry.version for entry in released]
    if versions != sorted(set(versions), reverse=True):
        yield "CHANGELOG.md: versions do not fall from the newest to the oldest"
    for entry in entries:
        unknown = sorted(set(re.findall(r"(?m)^### (.*)$", entry.text)) - SECTIONS)
        yield from (f"CHANGELOG.md: {entry.head} has a section {name}" for name in unknown)
    if not released or released[0].version != tuple(map(int, VERSION.split("."))):
        yield f"CHANGELOG.md: the newest version is not {VERSION}"


def tag_faults(changelog: str, tag: str | None = None) -> Iterator[str]:
    """What a tag lacks to be released: it names the version, and nothing is left unreleased."""
    if tag is None:
        return
    if tag != f"v{VERSION}":
        yield f"the tag is {tag}, app/version.py has {VERSION}"
    newest = entries_of(changelog)[0]
    if newest.head == UNRELEASED and newest.text:
        yield f"CHANGELOG.md: {UNRELEASED} is not empty: give it the version and the day"


def version_faults(root: Path) -> Iterator[str]:
    """Copies of the version that cannot read the one in app/version.py."""
    lock = json.loads((root / "web/package-lock.json").read_text())
    there = {
        "web/package.json": json.loads((root / "web/package.json").read_text())["version"],
        "web/package-lock.json": lock["version"],
        "openapi/openapi.json": json.loads((root / "openapi/openapi.json").read_text())["info"]["version"],
        "deploy/kubernetes/kustomization.yaml": _tag_of(root / "deploy/kubernetes/kustomization.yaml"),
    }
    yield from (
        f"{name} has {found}, app/version.py has {VERSION}"
        for name, found in there.items()
        if found != VERSION
    )


def notes(changelog: str, tag: str) -> str:
    """What the changelog says of a version, as a text of its own."""
    wanted = tuple(map(int, tag.removeprefix("v").split(".")))
    return next((f"{entry.text}\n" for entry in entries_of(changelog) if entry.version == wanted), "")


def wheel_faults(path: Path, root: Path = ROOT) -> Iterator[str]:
    """Files of the tree that are not in it: what is missing is noticed only where it runs."""
    start, folders = WHEELS[path.name.partition("-")[0]]
    listed = subprocess.run(  # noqa: S603 -- our own words
        ["git", "ls-files", *(f"{start}{folder}/*.py" for folder in folders)],  # noqa: S607
        cwd=root, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    with zipfile.ZipFile(path) as wheel:
        held = set(wheel.namelist())
    missing = [file for file in listed if file.removeprefix(start) not in held]
    yield from (f"{path.name} lacks {file}" for file in missing)
    if not listed:
        yield f"{path.name}: git lists no files to compare with"


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _tag_of(kustomization: Path) -> str | None:
    """Without the v: an image is published under the name of the tag, `v1.2.3`."""
    found = re.search(r"newTag: v([\w.-]+)", kustomization.read_text())
    return found[1] if found else None


def _changelog() -> str:
    return (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
