"""Every setting of the service: read once from the environment, checked together, handed in from there."""

import hashlib
import os
import re
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AliasChoices,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.config.encryption_key import check_keys
from app.config.origins import (
    BrowserOrigin,
    Origin,
    OriginOrNone,
    PathPrefix,
    SalesforceOrigin,
    callback_at,
    check_simulator_url,
    is_private_name,
    receiver_url,
)
from app.config.postgres_url import checked_postgres_url
from app.config.redis_url import checked_redis_url
from app.config.secret_files import NAMES, read_secret_files
from app.config.webhook_secret import WebhookSecret
from app.salesforce.allowed_hosts import PARTITIONS, HostNotAllowed, check_login_host, names_here

S = TypeVar("S", bound=BaseSettings)

LISTS = (
    "webhook_secrets", "notify_secrets", "encryption_keys", "jwt_algorithms", "salesforce_partitions",
    "guards_off", "dashboard_origins", "return_to_prefixes", "public_urls",
)  # fmt: skip
Guard = Literal["quiet", "reconcile", "fence", "send_window", "open_creates"]
"""What keeps the engine from losing or doubling; each can be left out to show what it is worth."""

Partition = Literal["mil", "cn"]

ONE_KEY_SET = "set exactly one of JWKS_URL and JWKS_FILE"

SALESFORCE_CALL_CAP = timedelta(seconds=600)
"""Salesforce may run a REST call for ten minutes after the client gave up (API limits cheat sheet)."""


class SettingsInvalid(Exception):
    """The environment cannot be used; the message says which variables to set, one line each."""


PostgresUrl = Annotated[str, AfterValidator(checked_postgres_url)]
RedisUrl = Annotated[str, AfterValidator(checked_redis_url)]


class Times(BaseSettings):
    """How long things may take, in seconds; relations between them are refused at boot when impossible."""

    model_config = SettingsConfigDict(env_prefix="TIMES_", frozen=True, populate_by_name=True)

    http_total: float = Field(120, gt=0, description="one call to Salesforce, in all")
    interactive: float = Field(10, gt=0, description="one call to Salesforce that a person waits for")
    lease: float = Field(20, gt=0, description="life of an org's lease")
    heartbeat: float = Field(5, gt=0, description="how often a lease and a worker's row are renewed")
    drain_budget: float = Field(20, gt=0, description="a drain starts no new call after this")
    stop: float = Field(30, gt=0, description="SIGTERM to exit")
    drain: float = Field(
        5, ge=0, description="after SIGTERM the API serves on, not ready, until balancers have seen it"
    )
    in_doubt: float = Field(
        780,
        ge=0,
        validation_alias=AliasChoices("TIMES_IN_DOUBT", "TIMES_QUIET"),
        description="until a lost write cannot land any more; `TIMES_QUIET` before",
    )
    send_window: float = Field(5, gt=0, description="longest age of an intent or heartbeat at the send")
    sweep: float = Field(2, gt=0, description="how often the sweeper looks")
    refresh_total: float = Field(20, gt=0, description="one token request, in all")
    refresh_stale: float = Field(40, gt=0, description="age at which a refresh marker means a lost answer")
    keep_alive: int = Field(75, gt=0, description="an idle HTTP connection; longer than a balancer's own")
    keep_alive_days: float = Field(6, gt=0, le=7, description="an unused grant is refreshed this often")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.heartbeat * 3 > self.lease:
            raise ValueError("TIMES_HEARTBEAT times three must not exceed TIMES_LEASE")
        if self.drain_budget >= self.stop:
            raise ValueError("TIMES_DRAIN_BUDGET must be shorter than TIMES_STOP")
        if self.refresh_total >= self.refresh_stale:
            raise ValueError("TIMES_REFRESH_STALE must be longer than TIMES_REFRESH_TOTAL")
        return self


class DatabaseSettings(BaseSettings):
    """Where Postgres is: one login for all, or one for each of the two working roles."""

    model_config = SettingsConfigDict(env_file=None, frozen=True, extra="ignore", hide_input_in_errors=True)

    database_app_url: PostgresUrl | None = Field(None, description="own login of the tenant-bound role")
    database_system_url: PostgresUrl | None = Field(None, description="own login of the system role")
    database_url: str = Field(
        "",
        description="Postgres, with TLS as libpq names it (`?sslmode=verify-full&sslrootcert=…`); "
        "not needed by api and worker with both of the logins below",
    )
    database_pool: int = Field(10, ge=2, le=100, description="connections per process and role")
    erasure_journal: Path | None = Field(None, description="file that outlives the database: who was erased")

    @field_validator("database_url")
    @classmethod
    def _needed_or_not(cls, value: str, others: ValidationInfo) -> str:
        if value:
            return checked_postgres_url(value)
        # One that could not be read is missing from `data`, and has a line of its own.
        if all(others.data.get(name, "bad") for name in ("database_app_url", "database_system_url")):
            return value
        raise ValueError("is not set: postgresql://user:password@host:5432/database")


class Settings(DatabaseSettings):
    """The service's settings, by their variables' names; what the API alone needs may be missing."""

    redis_url: RedisUrl = Field(description="Valkey or Redis for wake-ups; rediss:// for TLS")

    public_url: OriginOrNone = Field(
        "", description="our own address, as browsers see it; not needed beside `PUBLIC_URLS`"
    )
    public_urls: Annotated[tuple[Origin, ...], NoDecode] = Field(
        (), description="several addresses of ours, comma separated; the first is the default"
    )
    dashboard_url: OriginOrNone = Field(
        "", description="the dashboard's origin: return addresses and popups go there"
    )
    dashboard_origins: Annotated[tuple[BrowserOrigin, ...], NoDecode] = Field(
        (), description="further origins of the dashboard, comma separated, without wildcards"
    )
    return_to_prefixes: Annotated[tuple[PathPrefix, ...], NoDecode] = Field(
        ("/integrations", "/console"),
        description="paths to return to after connecting, comma separated: pages without scripts of hosts",
    )
    console_enabled: bool = Field(False, description="serve the console page at /console")
    support_email: str = Field("help@eventship.example", description="where people are sent for help")
    problem_base_url: Origin = Field("https://eventship.example", description="base of problem `type` URLs")

    webhook_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="whsec_… secrets, comma separated, newest first; `@<time>` behind one ends it"
    )
    notify_url: Annotated[str, AfterValidator(receiver_url)] | None = Field(
        None, description="where the platform is notified (docs/notifications.md); for api and worker alike"
    )
    notify_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="whsec_… secrets that sign notifications, as WEBHOOK_SECRETS; each live one signs"
    )
    notify_private: bool = Field(
        False, description="NOTIFY_URL may be on a private network, and by http on a private name"
    )
    encryption_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        description="kid:base64 of 32 bytes, comma separated, newest first"
    )
    pepper: SecretStr | None = Field(
        None,
        description="64 hex digits that key hashes; set it to `keys pepper` before the oldest key is removed",
    )
    jwks_url: Origin | None = Field(None, description="the platform's public keys for bearer tokens, by URL")
    jwks_file: Path | None = Field(None, description="the same from a file; exactly one of the two is set")
    jwt_audience: str = Field("eventship-salesforce", description="`aud` of a bearer token for us")
    jwt_issuer: str | None = Field(None, description="`iss` of a bearer token, when it must have one")
    jwt_algorithms: Annotated[tuple[str, ...], NoDecode] = Field(
        ("RS256", "ES256", "EdDSA"), description="signature algorithms that are accepted"
    )

    salesforce_login_url: SalesforceOrigin = Field(
        "https://login.salesforce.com", description="production login host"
    )
    salesforce_sandbox_login_url: SalesforceOrigin = Field(
        "https://test.salesforce.com", description="sandbox login host"
    )
    salesforce_client_id: str | None = Field(None, description="Consumer Key of the shared app")
    salesforce_client_secret: SecretStr | None = Field(None, description="its Consumer Secret")
    salesforce_api_version: str = Field("62.0", pattern=r"^\d{2,3}\.0$", description="REST API version")
    salesforce_package_url: str | None = Field(None, description="install link of the package")
    salesforce_package_url_sandbox: str | None = Field(None, description="the same for sandboxes")
    salesforce_package_namespace: str | None = Field(
        None,
        max_length=15,
        pattern=r"^([A-Za-z](_?[A-Za-z0-9])*)?$",
        description="namespace of the package; empty: its fields are found under any prefix",
    )
    salesforce_simulator_url: SalesforceOrigin | None = Field(
        None, description="allowed beside Salesforce's own hosts; at localhost its *.localhost names too"
    )
    salesforce_simulator_http: bool = Field(
        False, description="to the simulator by http on a private name too: http://simulator:8100"
    )
    salesforce_partitions: Annotated[tuple[Partition, ...], NoDecode] = Field(
        (), description="partitions of Salesforce besides the common one, comma separated: mil, cn"
    )
    salesforce_packs_duplicates: bool = Field(
        False, description="refused rows are re-sent in one composite; off: one by one, as is proven"
    )

    times: Times = Field(default_factory=Times)
    keep_deliveries_days: int = Field(
        30, ge=9, le=3650, description="webhooks as received, for replays; senders repeat for eight days"
    )
    keep_history_days: int = Field(90, ge=1, le=3650, description="what was sent and answered for each row")
    worker_drains: int = Field(20, ge=1, le=64, description="orgs drained at once by one worker")
    health_port: int | None = Field(
        None, ge=1, le=65_535, description="the process answers /livez, /readyz and /metrics there"
    )
    http_connections: int = Field(
        2000, ge=10, le=100_000, description="open connections of one API process; beyond them 503"
    )
    webhook_max_bytes: int = Field(262_144, ge=1024, description="largest body of a webhook")
    batch_size_max: int = Field(1000, ge=1, le=1000, description="registrations in one batch at most")
    guards_off: Annotated[frozenset[Guard], NoDecode] = Field(
        frozenset(), description="control runs only: quiet, reconcile, fence, send_window, open_creates"
    )
    access_log: bool = Field(
        True, description="log a line for each request to the API; webhooks are summed up once a second"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="of our own loggers")

    @model_validator(mode="before")
    @classmethod
    def _split_lists(cls, values: dict[str, object]) -> dict[str, object]:
        for name in LISTS:
            value = values.get(name)
            if isinstance(value, str):
                values[name] = tuple(part.strip() for part in re.split(r"[,\n]", value) if part.strip())
        addresses = values.get("public_urls")
        if isinstance(addresses, tuple) and addresses and not values.get("public_url"):
            values["public_url"] = addresses[0]
        return values

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.public_urls and self.public_url != self.public_urls[0]:
            raise ValueError("PUBLIC_URL must be the first of PUBLIC_URLS, or left out")
        if not self.return_to_prefixes:
            raise ValueError("RETURN_TO_PREFIXES needs at least one path")
        check_keys([key.get_secret_value() for key in self.encryption_keys])
        if self.pepper is not None and not re.fullmatch(r"[0-9a-f]{64}", self.pepper.get_secret_value()):
            raise ValueError("PEPPER must be 64 hex digits: `eventship-salesforce keys pepper`")
        if self.jwks_url is not None and self.jwks_file is not None:
            raise ValueError(ONE_KEY_SET)
        for secret in (*self.webhook_secrets, *self.notify_secrets):
            WebhookSecret.parse(secret.get_secret_value())
        self._check_receiver()
        check_simulator_url(self.salesforce_simulator_url, may_be_http=self.salesforce_simulator_http)
        self._check_login_host("SALESFORCE_LOGIN_URL", self.salesforce_login_url)
        self._check_login_host("SALESFORCE_SANDBOX_LOGIN_URL", self.salesforce_sandbox_login_url)
        self._check_simulator_only_settings()
        return self

    def _check_receiver(self) -> None:
        if self.notify_url is None:
            return
        parts = urlsplit(self.notify_url)
        may_be_read = parts.scheme == "http" and not is_private_name(parts.hostname or "")
        if may_be_read or (parts.scheme == "http" and not self.notify_private):
            raise ValueError("NOTIFY_URL must be https, or on a private name with NOTIFY_PRIVATE=true")
        if all(secret.expires_at is not None for secret in self.live_notify_secrets):
            raise ValueError("NOTIFY_SECRETS needs at least one whsec_… secret without an end")

    def _check_login_host(self, name: str, url: str) -> None:
        try:
            check_login_host(url, extra=self.extra_hosts)
        except HostNotAllowed as error:
            raise ValueError(f"{name}: {error}") from None

    def _check_simulator_only_settings(self) -> None:
        if self.salesforce_simulator_url is not None:
            return
        if self.guards_off:
            raise ValueError("GUARDS_OFF is only for the simulator: set SALESFORCE_SIMULATOR_URL or clear it")
        if self.times.in_doubt < SALESFORCE_CALL_CAP.total_seconds() + self.times.http_total:
            raise ValueError("TIMES_IN_DOUBT must be at least 600 plus TIMES_HTTP_TOTAL against Salesforce")

    @cached_property
    def extra_hosts(self) -> frozenset[str]:
        """Hosts beside the common ones: the simulator's origins, and partitions as `*.<place>`."""
        url = self.salesforce_simulator_url
        simulators = names_here(url) if url else frozenset()
        return frozenset(simulators | {f"*.{PARTITIONS[each][0]}" for each in self.salesforce_partitions})

    @cached_property
    def live_webhook_secrets(self) -> tuple[WebhookSecret, ...]:
        return tuple(WebhookSecret.parse(secret.get_secret_value()) for secret in self.webhook_secrets)

    @cached_property
    def live_notify_secrets(self) -> tuple[WebhookSecret, ...]:
        return tuple(WebhookSecret.parse(secret.get_secret_value()) for secret in self.notify_secrets)

    @property
    def hash_pepper(self) -> bytes:
        """The key of keyed hashes: PEPPER, else of the oldest encryption key, which must not go before."""
        if self.pepper is not None:
            return bytes.fromhex(self.pepper.get_secret_value())
        oldest = self.encryption_keys[-1].get_secret_value()
        return hashlib.blake2b(oldest.encode(), digest_size=32, person=b"evs-pepper").digest()

    @property
    def browser_origins(self) -> tuple[str, ...]:
        """The origins of the dashboard: they may call us, and browsers are sent back there."""
        console = self.addresses if self.console_enabled else ()
        return tuple(dict.fromkeys(filter(None, (self.dashboard_url, *self.dashboard_origins, *console))))

    @property
    def addresses(self) -> tuple[str, ...]:
        """Our own addresses, the default first."""
        return self.public_urls or (self.public_url,)

    def address_of(self, bound: str | None) -> str:
        """The address that serves a host bound to `bound`; the default where that is none of ours."""
        return bound if bound in self.addresses else self.public_url

    @property
    def redirect_uri(self) -> str:
        """The default's callback address; it never follows the request's Host header."""
        return callback_at(self.public_url)

    @property
    def has_shared_app(self) -> bool:
        return self.salesforce_client_id is not None


class ApiSettings(Settings):
    """The same for the API, which talks to browsers and to the platform."""

    public_url: Origin
    dashboard_url: Origin
    webhook_secrets: Annotated[tuple[SecretStr, ...], NoDecode]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.webhook_secrets:
            raise ValueError("WEBHOOK_SECRETS needs at least one whsec_… secret")
        if self.jwks_url is None and self.jwks_file is None:
            raise ValueError(ONE_KEY_SET)
        return self


def load_settings() -> Settings:
    """What every process needs, from the environment and from the files that it names.

    Raises SettingsInvalid with one clear line per fault.
    """
    return read_settings(Settings)


def read_settings(kind: type[S]) -> S:
    """The same for any part of the settings."""
    files = read_secret_files(os.environ, {name.upper() for name in kind.model_fields} & set(NAMES))
    faults = list(files.faults.values())
    given: dict[str, Any] = {name.lower(): value for name, value in files.values.items()}
    try:
        settings = kind(**given)
    except ValidationError as error:
        faults += [line for line in fault_lines(error) if line.partition(" ")[0] not in files.faults]
    else:
        if not faults:
            return settings
    raise SettingsInvalid("\n".join(faults))


def environment_with_files(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with every secret file's text in the place of its name, to be handed to our processes.

    Raises SettingsInvalid.
    """
    files = read_secret_files(environment)
    if files.faults:
        raise SettingsInvalid("\n".join(files.faults.values()))
    kept = {name: value for name, value in environment.items() if name.removesuffix("_FILE") not in NAMES}
    given = {name: value for name, value in environment.items() if name in NAMES}
    return kept | given | files.values


def fault_lines(error: ValidationError) -> list[str]:
    """One line per fault, each beginning with the variable to set."""
    lines = []
    for fault in error.errors():
        name = "_".join(str(part) for part in fault["loc"]).upper()
        reason = "is not set" if fault["type"] == "missing" else fault["msg"].removeprefix("Value error, ")
        lines.append(f"{name} {reason}" if name else reason)
    return lines
