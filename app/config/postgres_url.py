"""Addresses of Postgres as libpq writes them, checked in one line and handed to the driver."""

import re
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

DRIVER: Final = "postgresql+asyncpg"
SCHEMES: Final = ("postgresql", "postgres", DRIVER)
LOOKS_LIKE: Final = "postgresql://user:password@host:5432/database"
HOST: Final = re.compile(r"/.+|(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(:\d{1,5})?")
SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
VERIFYING: Final = ("verify-ca", "verify-full")
WRITABLE: Final = ("any", "primary", "read-write")
SYSTEM_CAS: Final = "system"


def checked_postgres_url(value: str) -> str:
    """The address with the driver's scheme. Raises ValueError."""
    scheme, separator, rest = value.partition("://")
    if scheme not in SCHEMES or not separator:
        raise ValueError(f"must look like {LOOKS_LIKE}")
    parts = urlsplit(f"{DRIVER}://{rest}")
    options = _options(parts.query)
    if parts.netloc.count("@") > 1:
        raise ValueError("has an @ in its user or password: write it as %40")
    hosts = options.get("host") or parts.netloc.rpartition("@")[2]
    if not hosts or not parts.path.strip("/"):
        raise ValueError(f"must name a host and a database: {LOOKS_LIKE}")
    for host in hosts.split(","):
        if not HOST.fullmatch(host):
            raise ValueError("names hosts that cannot be read: several stand as host1:5432,host2:5432")
    if options.get("sslmode") in VERIFYING and "sslrootcert" not in options:
        raise ValueError(f"has {options['sslmode']} without sslrootcert: a file of certificates, or `system`")
    return f"{DRIVER}://{rest}"


def connect_arguments(url: str, *, application_name: str) -> dict[str, Any]:
    """What the driver is given to reach `url`; of several hosts it takes one that can be written to."""
    parts = urlsplit(url)
    options = _options(parts.query)
    given: dict[str, Any] = {}
    if options.get("sslrootcert") == SYSTEM_CAS:
        del options["sslrootcert"], options["sslmode"]
        given["ssl"] = ssl.create_default_context()
    if "," in (options.get("host") or parts.netloc.rpartition("@")[2]):
        given["target_session_attrs"] = options.pop("target_session_attrs", "read-write")
    settings = {
        "application_name": options.pop("application_name", application_name),
        "timezone": "UTC",
    }
    dsn = parts._replace(scheme="postgresql", query=urlencode(options)).geturl()
    return {"dsn": dsn, "server_settings": settings, **given}


def _options(query: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in OPTIONS:
            raise ValueError(f"has the option {name}, which is not known: known are {', '.join(OPTIONS)}")
        OPTIONS[name](name, value)
        options[name] = value
    return options


def _one_of(*values: str) -> Callable[[str, str], None]:
    def check(name: str, value: str) -> None:
        if value not in values:
            raise ValueError(f"{name} must be one of {', '.join(values)}")

    return check


def _file(name: str, value: str) -> None:
    if name == "sslrootcert" and value == SYSTEM_CAS:
        return
    try:
        Path(value).read_bytes()
    except OSError as error:
        raise ValueError(f"{name} cannot be read: {value}: {error.strerror}") from None


def _text(name: str, value: str) -> None:
    if not value or not value.isprintable():
        raise ValueError(f"{name} needs a value")


def _ports(name: str, value: str) -> None:
    if not all(port.isdigit() and 0 < int(port) < 65_536 for port in value.split(",")):
        raise ValueError(f"{name} must be 1 to 65535")


OPTIONS: Final[Mapping[str, Callable[[str, str], None]]] = {
    "sslmode": _one_of(*SSL_MODES),
    "sslrootcert": _file,
    "sslcert": _file,
    "sslkey": _file,
    "application_name": _text,
    "target_session_attrs": _one_of(*WRITABLE),
    "host": _text,
    "port": _ports,
}
"""libpq's names that are passed on, each with what its value must be."""
