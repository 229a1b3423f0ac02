"""All checks of deploy/ and .github/, and what programs that are installed say to it."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from tools.deployment.compose import FILE, Compose, secret_file_names
from tools.deployment.kubernetes import Manifests
from tools.deployment.processes import ROOT, Image
from tools.deployment.units import PROGRAM, Units
from tools.deployment.workflows import Workflows

TIMEOUT_SECONDS: Final = 60


def check_deployment() -> int:
    """1 when something in deploy/ does not fit; says which programs were not here to look too."""
    faults = [*deployment_faults(ROOT)]
    for program, look in PROGRAMS.items():
        found = shutil.which(program)
        if found is None:
            sys.stdout.write(f"left out: deploy/ was not looked at by {program}, which is not installed\n")
        else:
            faults += [f"{program}: {line}" for line in look(found)]
    sys.stderr.writelines(f"deploy/{fault}\n" for fault in faults)
    return 1 if faults else 0


def check_workflows() -> int:
    """1 when something in .github/ does not fit."""
    faults = [*Workflows(texts_of(ROOT / ".github"), (ROOT / "Makefile").read_text(), ROOT).faults()]
    sys.stderr.writelines(f".github/{fault}\n" for fault in faults)
    return 1 if faults else 0


def deployment_faults(root: Path) -> Iterator[str]:
    """What is wrong by the stored schemas and the code, a line for each."""
    image = Image.of((root / "Dockerfile").read_text())
    api = frozenset(json.loads((root / "openapi/openapi.json").read_text())["paths"])
    kubernetes = Manifests(texts_of(root / "deploy/kubernetes"), image, api)
    yield from (f"kubernetes/{fault}" for fault in kubernetes.faults())
    yield from Compose(texts_of(root / "deploy"), image, secret_file_names()).faults()
    yield from (f"systemd/{fault}" for fault in Units(texts_of(root / "deploy/systemd")).faults())


def texts_of(directory: Path) -> dict[str, str]:
    """The files below a directory by their path in it, without the secrets of this machine."""
    paths = [path for path in directory.rglob("*") if path.is_file() and "secrets" not in path.parts]
    return {str(path.relative_to(directory)): path.read_text() for path in sorted(paths)}


def by_docker_compose(program: str) -> list[str]:
    """Reads the file and fills in what is left to the environment; needs no daemon."""
    return _complaints([program, "--file", str(ROOT / "deploy" / FILE), "config", "--quiet"])


def by_systemd(program: str) -> list[str]:
    """Verifies the units; a program that is on every machine stands for ours."""
    with tempfile.TemporaryDirectory() as scratch:
        units = [Path(scratch, path.name) for path in (ROOT / "deploy/systemd").glob("*.service")]
        for unit in units:
            text = (ROOT / "deploy/systemd" / unit.name).read_text()
            unit.write_text(text.replace(PROGRAM.strip(), "/bin/true"))
        return _complaints([program, "verify", *map(str, units)])


def by_kubectl(program: str) -> list[str]:
    """Puts the manifests together; needs no cluster."""
    return _complaints([program, "kustomize", str(ROOT / "deploy/kubernetes")], says_nothing=False)


def _complaints(command: list[str], *, says_nothing: bool = True) -> list[str]:
    done = subprocess.run(  # noqa: S603 -- our own words
        command, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS
    )
    said = [line for line in done.stderr.splitlines() if line.strip()]
    if done.returncode:
        return said or [f"ended with {done.returncode}"]
    return said if says_nothing else []


PROGRAMS: Final[Mapping[str, Callable[[str], list[str]]]] = {
    "docker-compose": by_docker_compose,
    "systemd-analyze": by_systemd,
    "kubectl": by_kubectl,
}
