"""Checks that each lock pins what pyproject.toml asks for, by hash, and names no address."""

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# The extras that a lock has beside the dependencies; the bench adds its client to a dev environment.
LOCKS: Mapping[str, Sequence[str]] = {"requirements.lock": (), "requirements-dev.lock": ("dev",)}
BENCH_LOCK, BENCH_EXTRA = "requirements-bench.lock", "bench"
PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^ ;]+)", re.MULTILINE)
ADDRESS = re.compile(r"https?://|file:|--(?:extra-)?index-url|--find-links")


def check_locks() -> int:
    """1 when a lock and pyproject.toml disagree: `make lock` brings the locks up to date."""
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    texts = {name: Path(name).read_text() for name in (*LOCKS, BENCH_LOCK)}
    faults = list(lock_faults(project, texts))
    for fault in faults:
        sys.stderr.write(f"{fault}: run `make lock`\n")
    return 1 if faults else 0


def lock_faults(project: Mapping[str, object], texts: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with the locks, one line each; `project` is the table of pyproject.toml."""
    extras: dict[str, list[str]] = project["optional-dependencies"]  # type: ignore[assignment]
    dependencies: list[str] = project["dependencies"]  # type: ignore[assignment]
    asked = {name: dependencies + [one for extra in LOCKS[name] for one in extras[extra]] for name in LOCKS}
    asked[BENCH_LOCK] = extras[BENCH_EXTRA]
    pins = {name: pins_of(text) for name, text in texts.items()}
    for name, text in texts.items():
        yield from (f"{name} {fault}" for fault in _faults_of(asked[name], text, pins[name]))
    dev = pins["requirements-dev.lock"]
    for name in ("requirements.lock", BENCH_LOCK):
        for package, version in pins[name].items():
            if dev.get(package, version) != version or (name != BENCH_LOCK and package not in dev):
                yield f"{name} has {package} {version}, requirements-dev.lock {dev.get(package)}"


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
