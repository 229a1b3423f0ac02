"""Checks that each lock pins what pyproject.toml asks for, by hash, and names no address."""

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

Project = Mapping[str, object]

SERVICE: Final = "pyproject.toml"
SIMULATOR: Final = "packages/salesforce-simulator/pyproject.toml"
DEV_LOCK: Final = "requirements-dev.lock"
# What each lock pins: dependencies of which projects, and which of their extras.
LOCKS: Final[Mapping[str, Mapping[str, Sequence[str]]]] = {
    "requirements.lock": {SERVICE: ()},
    DEV_LOCK: {SERVICE: ("dev", "local", "simulator"), SIMULATOR: ()},
    "packages/salesforce-simulator/requirements.lock": {SIMULATOR: ()},
}
# The bench adds its client to a dev environment: an extra alone, which may need what that has not.
BENCH_LOCK, BENCH_EXTRA = "requirements-bench.lock", "bench"
PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^ ;]+)", re.MULTILINE)
ADDRESS = re.compile(r"https?://|file:|--(?:extra-)?index-url|--find-links")


def check_locks() -> int:
    """1 when a lock and a pyproject.toml disagree: `make lock` brings the locks up to date."""
    projects = {name: tomllib.loads(Path(name).read_text())["project"] for name in (SERVICE, SIMULATOR)}
    texts = {name: Path(name).read_text() for name in (*LOCKS, BENCH_LOCK)}
    faults = list(lock_faults(projects, texts))
    for fault in faults:
        sys.stderr.write(f"{fault}: run `make lock`\n")
    return 1 if faults else 0


def lock_faults(projects: Mapping[str, Project], texts: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with the locks, one line each; `projects` has the table of each pyproject.toml."""
    asked = {
        name: [one for project, extras in parts.items() for one in _requirements(projects[project], extras)]
        for name, parts in LOCKS.items()
    }
    asked[BENCH_LOCK] = _extras(projects[SERVICE])[BENCH_EXTRA]
    pins = {name: pins_of(text) for name, text in texts.items()}
    for name, text in texts.items():
        yield from (f"{name} {fault}" for fault in _faults_of(asked[name], text, pins[name]))
    dev = pins[DEV_LOCK]
    for name in texts:
        for package, version in pins[name].items():
            if dev.get(package, version) != version or (name != BENCH_LOCK and package not in dev):
                yield f"{name} has {package} {version}, {DEV_LOCK} {dev.get(package)}"


def _requirements(project: Project, extras: Sequence[str]) -> list[str]:
    dependencies: list[str] = project["dependencies"]  # type: ignore[assignment]
    return dependencies + [one for extra in extras for one in _extras(project)[extra]]


def _extras(project: Project) -> dict[str, list[str]]:
    extras: dict[str, list[str]] = project["optional-dependencies"]  # type: ignore[assignment]
    return extras


def _faults_of(requirements: Sequence[str], text: str, pins: Mapping[str, str]) -> Iterator[str]:
    if found := ADDRESS.search(text):
        yield f"names an address ({found.group()})"
    for entry in re.split(r"\n(?=\S)", text.strip()):
        if "--hash=sha256:" not in entry:
            yield f"has an entry without a hash ({entry[:80]})"
    for requirement in map(Requirement, requirements):
        version = pins.get(canonicalize_name(requirement.name))
        if version is None:
            yield f"lacks {requirement.name}"
        elif version not in requirement.specifier:
            yield f"pins {requirement.name} {version}, pyproject.toml asks for {requirement.specifier}"


def pins_of(text: str) -> dict[str, str]:
    """Name and version of each pin."""
    return {canonicalize_name(name): version for name, version in PIN.findall(text)}
