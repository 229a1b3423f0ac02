"""The systemd units of deploy/systemd, held against the code."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tools.deployment.processes import MEASURED_MEBIBYTES, Process, mebibytes, seconds

PROGRAM: Final = "/opt/eventship-salesforce/bin/eventship-salesforce "
ENVIRONMENT: Final = "environment.example"
HARDENED: Final = {
    "User": "eventship",
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "CapabilityBoundingSet": "",
    "MemoryDenyWriteExecute": "yes",
    "SystemCallArchitectures": "native",
}
INSTANCES: Final = {"api": "8000", "worker": "9101"}
"""Names of instances, as the comments in the units give them."""


@dataclass(frozen=True)
class Units:
    """The files of deploy/systemd, by name."""

    files: Mapping[str, str]

    def faults(self) -> Iterator[str]:
        """What is wrong, a line for each."""
        shared = dict(_pairs(self.files[ENVIRONMENT]))
        roles = set()
        for name, text in self.files.items():
            if not name.endswith(".service"):
                continue
            process = _process(name, text, shared)
            roles.add(process.role)
            yield from process.faults()
            yield from (f"{name}: {fault}" for fault in _unit_faults(text, process.role))
        yield from (f"no unit for {role}" for role in sorted({"api", "worker", "migrate"} - roles))


def _process(name: str, text: str, shared: Mapping[str, str]) -> Process:
    options = _options(text)
    role = options.get("ExecStart", [""])[-1].removeprefix(PROGRAM)
    given = " ".join(options.get("Environment", [])).replace("%i", INSTANCES.get(role, "")).split()
    env = dict(_pairs("\n".join(given)))
    files = {f"%d/{each.partition(':')[0]}" for each in options.get("LoadCredential", [])}
    settings = {} if role == "migrate" else dict(shared)
    return Process(name, role, settings | env, seconds(options.get("TimeoutStopSec", ["0"])[-1]), files)


def _unit_faults(text: str, role: str) -> Iterator[str]:
    options = _options(text)
    for name, value in HARDENED.items():
        if options.get(name) != [value]:
            yield f"{name} is {options.get(name)}, not {value}"
    for each in options.get("LoadCredential", []):
        credential, _, path = each.partition(":")
        if path != f"/etc/eventship-salesforce/{credential}":
            yield f"credential {credential} is read from {path}"
    if mebibytes(options.get("MemoryMax", ["0"])[-1]) < 1.5 * MEASURED_MEBIBYTES.get(role, 0):
        yield f"MemoryMax is {options.get('MemoryMax')}"


def _options(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"(?m)^([A-Za-z]+)=(.*)$", text):
        found.setdefault(name, []).append(value)
    return found


def _pairs(text: str) -> list[tuple[str, str]]:
    return re.findall(r"(?m)^([A-Z_]+)=(.*)$", text)
