"""What a process is given where it is deployed, held against what the code reads, serves and needs."""

import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final
from unittest.mock import patch

from app.config.secret_files import NAMES, SUFFIX
from app.config.settings import ApiSettings, DatabaseSettings, Settings, SettingsInvalid, Times, read_settings

ROOT: Final = Path(__file__).parents[2]
ROLES: Final[Mapping[str, type[DatabaseSettings]]] = {
    "api": ApiSettings, "worker": Settings, "migrate": DatabaseSettings,
}  # fmt: skip
PROCESS_NAMES: Final = {"BIND", "PORT"}
"""Read by a process, and no setting of ours."""
PROCESS_PREFIXES: Final = ("OTEL_",)
HEALTH_PATHS: Final = {"/livez", "/readyz", "/metrics"}
REQUEST_SECONDS: Final = 10.0
"""What the API gives requests that are on their way, after TIMES_DRAIN."""
MARGIN_SECONDS: Final = 5.0
MEASURED_MEBIBYTES: Final = {"api": 128, "worker": 128, "migrate": 64}
PLAUSIBLE: Final = {
    "DATABASE_URL": "postgresql://es_owner:x@postgres/sync",
    "DATABASE_APP_URL": "postgresql://es_app:x@postgres/sync",
    "DATABASE_SYSTEM_URL": "postgresql://es_system:x@postgres/sync",
    "REDIS_URL": "rediss://:x@valkey:6379/0",
    "WEBHOOK_SECRETS": "whsec_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=",
    "NOTIFY_URL": "https://platform.example/notifications",
    "NOTIFY_SECRETS": "whsec_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=",
    "ENCRYPTION_KEYS": "k1:QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=",
    "PEPPER": "0" * 64,
    "SALESFORCE_CLIENT_ID": "x",
    "SALESFORCE_CLIENT_SECRET": "x",
}


@dataclass(frozen=True)
class Image:
    """What the Dockerfile says of the service: its user, and variables that are ours."""

    user: int
    env: Mapping[str, str]

    @classmethod
    def of(cls, dockerfile: str) -> "Image":
        """Of the stage `service`."""
        stage = re.split(r"(?m)^FROM ", dockerfile.partition(" AS service\n")[2])[0]
        found = re.search(r"(?m)^USER (\d+)$", stage)
        assert found is not None
        words = re.findall(r"(?m)^ENV (.*)$", stage)
        pairs = (pair.partition("=") for line in words for pair in line.split())
        return cls(int(found[1]), {name: value for name, _, value in pairs if name in known_names()})


@dataclass(frozen=True)
class Process:
    """One process, as a file of deploy/ describes it."""

    where: str
    role: str
    env: Mapping[str, str]
    grace: float
    files: Collection[str] = field(default_factory=set)
    """The secret files that it is given, by path."""

    @cached_property
    def health_port(self) -> str | None:
        return self.env.get("HEALTH_PORT")

    def faults(self) -> Iterator[str]:
        """What is wrong with it, a line for each."""
        if self.role not in ROLES:
            yield f"{self.where}: {self.role} is no role of the image"
            return
        yield from (f"{self.where}: {fault}" for fault in (*self._names(), *self._files(), *self._settings()))
        if self.role != "migrate" and self.health_port is None:
            yield f"{self.where}: no HEALTH_PORT, so nobody can look at it"

    def _names(self) -> Iterator[str]:
        for name in sorted(set(self.env) - known_names()):
            if not name.startswith(PROCESS_PREFIXES):
                yield f"{name} is no setting"
        for name in sorted(set(self.env) & set(NAMES)):
            yield f"{name} is a secret: give it as {name}{SUFFIX}"

    def _files(self) -> Iterator[str]:
        named = {
            self.env[name + SUFFIX]: name + SUFFIX for name in (*NAMES, "JWKS") if name + SUFFIX in self.env
        }
        yield from (
            f"{name} names {path}, which is not given"
            for path, name in named.items()
            if path not in self.files
        )
        yield from (f"{path} is given and not read" for path in sorted(set(self.files) - set(named)))

    def _settings(self) -> Iterator[str]:
        given = {name: value for name, value in self.env.items() if name.removesuffix(SUFFIX) not in NAMES}
        secret = {name: PLAUSIBLE[name] for name in NAMES if name + SUFFIX in self.env}
        with patch.dict(os.environ, given | secret, clear=True):
            try:
                read_settings(ROLES[self.role])
            except SettingsInvalid as fault:
                yield from str(fault).splitlines()
                return
            needed = grace_of(self.role, Times())
        if self.grace < needed:
            yield f"{self.grace:g} s to stop, it takes up to {needed:g}"


def grace_of(role: str, times: Times) -> float:
    """How long a process may take after SIGTERM, and some seconds."""
    took = {"api": times.drain + REQUEST_SECONDS, "worker": times.stop, "migrate": 0}
    return took[role] + MARGIN_SECONDS


def known_names() -> set[str]:
    """Every variable that a process of ours reads."""
    settings = {name.upper() for name in ApiSettings.model_fields if name != "times"}
    times = {f"TIMES_{name.upper()}" for name in Times.model_fields}
    return settings | times | {name + SUFFIX for name in NAMES} | PROCESS_NAMES


def seconds(text: object) -> float:
    """`40s`, `1m`, `1h` or a plain number."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h|)", str(text))
    return float(found[1]) * {"m": 60, "h": 3600}.get(found[2], 1) if found else 0.0


def mebibytes(text: object) -> float:
    """`384Mi`, `384m`, `384M` or `1g`."""
    found = re.fullmatch(r"(\d+)([mMgG])i?", str(text))
    return int(found[1]) * (1024 if found[2] in "gG" else 1) if found else 0.0
