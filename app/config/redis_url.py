"""Addresses of Valkey or Redis: validated in one line, and parsed alike for both clients."""

from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from arq.connections import RedisSettings
from redis.asyncio import Redis

SCHEMES: Final = ("redis", "rediss", "unix")
TLS_OPTIONS: Final = ("ssl_ca_certs", "ssl_cert_reqs", "ssl_check_hostname")
OPTIONS: Final = ("db", *TLS_OPTIONS)
CONNECT_SECONDS: Final = 1


def checked_redis_url(value: str) -> str:
    """The address as it was given. Raises ValueError."""
    parts = urlsplit(value)
    if parts.scheme not in SCHEMES or not (parts.hostname or parts.path):
        raise ValueError("must look like redis://host:6379/0, or rediss:// for TLS")
    options = _options(parts.query)
    database = options.get("db") or (parts.path.strip("/") if parts.scheme != "unix" else "")
    if not (database or "0").isdigit():
        raise ValueError("must end with the number of a database: redis://host:6379/0")
    if parts.scheme != "rediss" and set(options) & set(TLS_OPTIONS):
        raise ValueError("has options for TLS: write rediss:// for redis://")
    if options.get("ssl_cert_reqs", "required") not in ("required", "none"):
        raise ValueError("ssl_cert_reqs must be required or none")
    if options.get("ssl_check_hostname", "true") not in ("true", "false"):
        raise ValueError("ssl_check_hostname must be true or false")
    if "ssl_ca_certs" in options:
        try:
            Path(options["ssl_ca_certs"]).read_bytes()
        except OSError as error:
            raise ValueError(
                f"ssl_ca_certs cannot be read: {options['ssl_ca_certs']}: {error.strerror}"
            ) from None
    return value


def redis_settings(url: str) -> RedisSettings:
    """For arq; with TLS, certificate and name of the server are checked unless the address says otherwise."""
    parts = urlsplit(url)
    options = _options(parts.query)
    is_socket = parts.scheme == "unix"
    certificates = options.get("ssl_cert_reqs", "required")
    return RedisSettings(
        host=parts.hostname or "localhost",
        port=parts.port or 6379,
        unix_socket_path=parts.path if is_socket else None,
        database=int(options.get("db") or ("" if is_socket else parts.path.strip("/")) or 0),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        ssl=parts.scheme == "rediss",
        ssl_ca_certs=options.get("ssl_ca_certs"),
        ssl_cert_reqs=certificates,
        ssl_check_hostname=certificates == "required" and options.get("ssl_check_hostname") != "false",
        conn_retries=0,
        conn_timeout=CONNECT_SECONDS,
    )


def redis_client(url: str) -> Redis:
    """A client of its own to the same server, answering with text."""
    read = redis_settings(url)
    return Redis(
        host=str(read.host),
        port=read.port,
        unix_socket_path=read.unix_socket_path,
        db=read.database,
        username=read.username,
        password=read.password,
        ssl=read.ssl,
        ssl_ca_certs=read.ssl_ca_certs,
        ssl_cert_reqs=read.ssl_cert_reqs,
        ssl_check_hostname=read.ssl_check_hostname,
        decode_responses=True,
    )


def _options(query: str) -> dict[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    for name in options:
        if name not in OPTIONS:
            raise ValueError(f"has the option {name}, which is not known: known are {', '.join(OPTIONS)}")
    return options
