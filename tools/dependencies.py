"""What we are made of: a CycloneDX list of it, and whether advisories name any of it.

`python -m tools.dependencies sbom` prints the list, `audit [ADVISORIES]` looks. Advisories are records
of https://ossf.github.io/osv-schema/, one file or a directory of them, so that a CI without a network can be
given them; without any, pip-audit looks where it is installed.
"""

import base64
import json
import re
import shutil
import subprocess
import sys
import tomllib
import uuid
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any, Final

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from app.version import VERSION
from tools.locks import pins_of

LOCK: Final = Path("requirements.lock")
WEB_LOCK: Final = Path("web/package-lock.json")
CLEAN, FOUND, NOT_LOOKED = 0, 1, 3
MARKER: Final = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==\S+ ; (?P<marker>[^\\\n]+)", re.MULTILINE)

Json = dict[str, Any]


def main(arguments: list[str]) -> int:
    """0: nothing is known. 1: an advisory names something. 3: nobody looked."""
    if arguments[:1] == ["sbom"]:
        sys.stdout.write(json.dumps(sbom(), indent=1) + "\n")
        return CLEAN
    if arguments[:1] == ["audit"] and len(arguments) <= 2:
        return audit(*filter(None, arguments[1:]))
    sys.stderr.write("python -m tools.dependencies sbom | audit [ADVISORIES]\n")
    return 2


def sbom() -> Json:
    """CycloneDX 1.6 of what the locks name; the same locks make the same text."""
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    components = [*python_components(LOCK.read_text()), *web_components(json.loads(WEB_LOCK.read_text()))]
    told = json.dumps([VERSION, components])
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, told).urn,
        "version": 1,
        "metadata": {"component": {"type": "application", "name": project["name"], "version": VERSION}},
        "components": components,
    }


def python_components(lock: str) -> Iterator[Json]:
    """One component for each pin. Digests are the lock's: it names several files for each."""
    markers: dict[str, str] = {
        canonicalize_name(each["name"]): each["marker"].strip() for each in MARKER.finditer(lock)
    }
    for name, version in pins_of(lock).items():
        component = _component(name, version, f"pkg:pypi/{name}@{version}")
        if expression := _licence_of(name, version):
            component["licenses"] = [{"expression": expression}]
        if name in markers:
            component["properties"] = [{"name": "marker", "value": markers[name]}]
        yield component


def web_components(lock: Json) -> Iterator[Json]:
    """One component for each package that the console is built with."""
    seen = set()
    for path, package in sorted(lock["packages"].items()):
        name = path.rpartition("node_modules/")[2]
        if not path or package.get("dev") or (name, package["version"]) in seen:
            continue
        seen.add((name, package["version"]))
        reference = f"pkg:npm/{name.replace('@', '%40')}@{package['version']}"
        component = _component(name, package["version"], reference)
        algorithm, _, digest = package.get("integrity", "").partition("-")
        if algorithm == "sha512":
            component["hashes"] = [{"alg": "SHA-512", "content": base64.b64decode(digest).hex()}]
        yield component


def audit(advisories: str | None = None) -> int:
    """Look, and say what was found."""
    if advisories is None:
        return _ask_pip_audit()
    pins = pins_of(LOCK.read_text())
    records = list(read_advisories(Path(advisories)))
    found = sorted(known_holes(pins, records))
    for name, version, identifier in found:
        sys.stdout.write(f"{name} {version}: {identifier}\n")
    sys.stdout.write(f"{len(pins)} packages, {len(records)} advisories, {len(found)} hits\n")
    return FOUND if found else CLEAN if records else NOT_LOOKED


def read_advisories(path: Path) -> Iterator[Json]:
    """The records of a file (one, a list, or one a line), or of all `.json` files of a directory."""
    for file in sorted(path.rglob("*.json")) if path.is_dir() else [path]:
        text = file.read_text(encoding="utf-8")
        try:
            told = json.loads(text)
        except json.JSONDecodeError:
            told = [json.loads(line) for line in text.splitlines() if line.strip()]
        yield from told if isinstance(told, list) else [told]


def known_holes(pins: Mapping[str, str], advisories: Iterable[Json]) -> Iterator[tuple[str, str, str]]:
    """Package, version and advisory of each pin that is affected."""
    for advisory in advisories:
        if advisory.get("withdrawn"):
            continue
        for affected in advisory.get("affected", ()):
            package = affected.get("package", {})
            name = canonicalize_name(package.get("name", ""))
            is_ours = package.get("ecosystem") == "PyPI" and name in pins
            if is_ours and _is_affected(pins[name], affected):
                yield name, pins[name], advisory["id"]


def _is_affected(version: str, affected: Json) -> bool:
    if version in affected.get("versions", ()):
        return True
    spans = [each["events"] for each in affected.get("ranges", ()) if each.get("type") == "ECOSYSTEM"]
    return any(_is_within(Version(version), events) for events in spans)


def _is_within(version: Version, events: Iterable[Mapping[str, str]]) -> bool:
    """The last event at or before the version decides; what cannot be read counts as affected."""
    is_within = False
    try:
        for kind, at in sorted((_event(each) for each in events), key=lambda event: event[1]):
            if kind == "introduced" and version >= at:
                is_within = True
            elif (kind == "fixed" and version >= at) or (kind == "last_affected" and version > at):
                is_within = False
    except InvalidVersion:
        return True
    return is_within


def _event(event: Mapping[str, str]) -> tuple[str, Version]:
    [(kind, at)] = event.items()
    return kind, Version(at)


def _ask_pip_audit() -> int:
    program = shutil.which("pip-audit")
    if program is None:
        sys.stderr.write("nobody looked: set ADVISORIES to a file of OSV records, or install pip-audit\n")
        return NOT_LOOKED
    asked = [program, "--strict", "--disable-pip", "--require-hashes", "--requirement", str(LOCK)]
    return FOUND if subprocess.run(asked, check=False).returncode else CLEAN  # noqa: S603 -- our own words


def _component(name: str, version: str, purl: str) -> Json:
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def _licence_of(name: str, version: str) -> str | None:
    """As the installed package says it, where the very version is installed."""
    try:
        about = metadata(name)
    except PackageNotFoundError:
        return None
    if about["Version"] != version or "License-Expression" not in about:
        return None
    return about["License-Expression"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
