"""What the dashboard sends and reads about a host's connection."""

from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StrictBool, field_validator, model_validator

from app.api.api_budget import Budget
from app.api.auth import Role
from app.connections.model.package_schemas import PackageInOrg
from app.hosts.settings import NewEvents
from app.models import Connection, UnconfirmedGrant, UnconfirmedUser
from app.salesforce.allowed_hosts import lightning_url
from app.user_messages.rows import Advice

ConnectionStateName = Literal[
    "not_configured", "not_connected", "connected", "needs_reconnect", "disconnected"
]
Environment = Literal["production", "sandbox", "my_domain"]
AttemptStateName = Literal["waiting", "confirming", "connected", "failed", "expired"]
SCOPES = ("api", "refresh_token", "id")
SCOPES_WITHOUT_ID = SCOPES[:2]
USER_SCOPES = ("id",)
USER_SCOPES_WITHOUT_ID = ("openid",)
"""Who signs in is all that is asked for, so no token of theirs can read or write."""


class StartSignIn(BaseModel):
    """A wish to sign in. `return_to` is a path on the dashboard's origin, under one of `RETURN_TO_PREFIXES`
    (without it, the first of them).
    """

    model_config = ConfigDict(extra="forbid")

    display: Literal["redirect", "popup"] = "redirect"
    return_to: str | None = Field(None, max_length=2000)


class StartConnect(StartSignIn):
    """A wish to connect the host. `return_to` is a path on the dashboard's origin, under one of
    `RETURN_TO_PREFIXES` (without it, the first of them). `confirm_approval` is taken by the completion.
    """

    environment: Environment = "production"
    my_domain: str | None = Field(None, max_length=255)
    confirm_approval: StrictBool = False


class CompleteConnect(BaseModel):
    """The code that the browser brought back; a fifth approval of one Salesforce user must be confirmed."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    code: str = Field(min_length=1, max_length=200)
    confirm_approval: StrictBool = False


class OwnCredentials(BaseModel):
    """Which app to connect through, and the Consumer Key and Secret of an own one. They are never answered.

    `mode` own without a pair chooses the own app before its credentials are at hand; shared goes back to the
    platform's app and clears the pair, which `confirm` must allow while it is in use.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    mode: Literal["own", "shared"] = "own"
    consumer_key: SecretStr | None = Field(None, min_length=8, max_length=512)
    consumer_secret: SecretStr | None = Field(None, min_length=8, max_length=512)
    confirm: StrictBool = False

    @field_validator("consumer_key", "consumer_secret", mode="after")
    @classmethod
    def _printable(cls, value: SecretStr | None) -> SecretStr | None:
        text = value.get_secret_value().strip() if value else ""
        if value and not (text.isascii() and text.isprintable() and " " not in text and len(text) >= 8):
            raise ValueError("copy it from Salesforce as it is: printable characters without spaces")
        return SecretStr(text) if value else None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.consumer_key is None) != (self.consumer_secret is None):
            raise ValueError("consumer_key and consumer_secret belong together")
        if self.mode == "shared" and self.has_pair:
            raise ValueError("the shared app takes no credentials")
        return self

    @property
    def has_pair(self) -> bool:
        return self.consumer_key is not None

    @property
    def key(self) -> str:
        """The Consumer Key in clear; empty without a pair."""
        return self.consumer_key.get_secret_value() if self.consumer_key else ""

    @property
    def secret(self) -> str:
        """The Consumer Secret in clear; empty without a pair."""
        return self.consumer_secret.get_secret_value() if self.consumer_secret else ""


class ConfirmDisconnect(BaseModel):
    """Disconnecting must be meant."""

    model_config = ConfigDict(extra="forbid")

    confirm: Literal[True]


class StartAttempt(BaseModel):
    """Where the browser goes next; the address works once, in one browser, until `expires_at`."""

    attempt_id: str
    start_url: str
    expires_at: datetime
    warnings: list[Advice]


class SalesforceWords(BaseModel):
    """Salesforce's own error, as it was given."""

    error_code: str
    message: str
    fields: list[str]
    http_status: int | None


class Action(BaseModel):
    """Whether this caller may do it now; `why_not` is a problem code."""

    is_allowed: bool
    why_not: str | None


class Actions(BaseModel):
    connect: Action
    disconnect: Action
    edit_credentials: Action
    pause: Action


class Credentials(BaseModel):
    """What may be shown of an own app's credentials."""

    consumer_key_last4: str
    consumer_secret_last4: str
    fingerprint: str
    saved_at: datetime
    saved_by: str
    is_in_use: bool


class App(BaseModel):
    """The Salesforce app that the host connects through. `package_in`: while the host is not connected, orgs
    to which other hosts of the caller's token are connected through the shared app: its package is there.
    """

    mode: Literal["shared", "own"]
    is_package_required: bool
    package_install_url: str | None
    package_install_url_sandbox: str | None
    package_in: list[str] = Field(default_factory=list)
    redirect_uri: str
    scopes: list[str]
    credentials: Credentials | None


class Org(BaseModel):
    """The connected org; `lightning_url` is null where the instance is no My Domain."""

    id: str
    name: str | None
    edition: str | None
    is_sandbox: bool | None
    instance_url: str
    lightning_url: str | None


class User(BaseModel):
    """The Salesforce user that we act as."""

    id: str
    username: str | None
    name: str | None


class OwnUser(User):
    """A Salesforce user with the e-mail that Salesforce has of them."""

    email: str | None


class OwnUserView(BaseModel):
    """Who a platform user is in Salesforce; null until they connected. `is_same_org`: in the host's org, and
    only then it is used.
    """

    user: OwnUser | None
    is_same_org: bool
    connected_at: datetime | None


class ConnectedUser(OwnUserView):
    """A platform user (`user_id`, and the e-mail that organizers are found by) with their Salesforce user."""

    user_id: str
    email: str | None


class ConnectedUsers(BaseModel):
    """One page of the platform users who connected their Salesforce user."""

    items: list[ConnectedUser]
    next_cursor: str | None


class Approvals(BaseModel):
    """How many of the five approvals of this user and app are in use here."""

    count: int
    limit: int
    is_warning: bool


class Attempt(BaseModel):
    """How one attempt to connect went; `hints` are for errors that Salesforce shows and never sends back.
    `purpose` is to connect the host, or to say who one is there (`user`).

    While it is `confirming`: whose grant waits to be confirmed, what it means for the user's approvals, and
    until when; else these are null.
    """

    attempt_id: str
    purpose: Literal["host", "user"]
    state: AttemptStateName
    environment: Environment
    problem: Advice | None
    salesforce: SalesforceWords | None
    hints: list[Advice]
    org: Org | None
    user: User | None
    approvals: Approvals | None
    warnings: list[Advice]
    expires_at: datetime | None
    started_at: datetime
    finished_at: datetime | None


class ConnectionView(BaseModel):
    """The grant, without its tokens; `user` is null after a disconnect."""

    environment: Environment
    login_host: str
    org: Org
    user: User | None
    api_version: str
    connected_at: datetime
    connected_by: str
    last_used_at: datetime | None
    last_written_at: datetime | None
    approvals: Approvals
    other_hosts_on_org: bool


class PreflightSummary(BaseModel):
    """The last preflight in short."""

    verdict: str
    blockers: int
    warnings: int
    checked_at: datetime
    package: PackageInOrg | None = None


class Work(BaseModel):
    """Registrations on their way; `waiting` is the part that a closed gate, or what the connected user
    lacks, holds back.
    """

    model_config = ConfigDict(frozen=True)

    pending: int
    waiting: int
    failed: int
    oldest_pending_at: datetime | None


class Pause(BaseModel):
    is_paused: bool
    paused_at: datetime | None
    paused_by: str | None


class Fault(BaseModel):
    """Why this host's work rests although it is connected, and when it is tried again.

    Its code: `credentials_unreadable`, `instance_not_allowed`, `session_refused`, `grant_doubted`,
    `instance_moved`, `internal_fault`.
    """

    advice: Advice
    until: datetime | None


class Backoff(BaseModel):
    """The org asked to be left alone, or does not answer: it is asked again at `until`.

    `code`: `api_limit`, `concurrency`, `unavailable`, or Salesforce's own.
    """

    code: str
    until: datetime


class Policy(BaseModel):
    """What happens by itself: new events are synced, unless the host's settings say `off`; what was there
    before the first connection waits.
    """

    new_events: NewEvents = "sync"
    before_first_connection: Literal["on_request"] = "on_request"


class ProblemShown(BaseModel):
    """Something that the connected user lacks while the connection itself works."""

    code: str
    object: str | None
    field: str | None
    since: datetime
    advice: Advice


class BeforeConnection(BaseModel):
    """Registrations from before the host was connected that nobody asked to write yet, over all events."""

    model_config = ConfigDict(frozen=True)

    registrations: int
    events: int
    estimated_api_calls: int


class Card(BaseModel):
    """Everything the dashboard shows about one host's connection."""

    host_id: str
    state: ConnectionStateName
    state_since: datetime | None
    reason: Advice | None
    fault: Fault | None
    backoff: Backoff | None
    role: Role
    actions: Actions
    app: App
    connection: ConnectionView | None
    preflight: PreflightSummary | None
    work: Work
    problems: list[ProblemShown] = Field(
        default_factory=list, description="what the connected user lacks, while `connected`"
    )
    before_connection: BeforeConnection
    budget: Budget
    pause: Pause
    policy: Policy
    support_email: str
    version: int


def org_view(row: Connection | UnconfirmedGrant) -> Org:
    """The org that a grant is for, confirmed or not."""
    return Org(
        id=row.org_id,
        name=row.org_name,
        edition=row.org_edition,
        is_sandbox=row.org_is_sandbox,
        instance_url=row.instance_url,
        lightning_url=lightning_url(row.instance_url),
    )


def user_view(row: Connection | UnconfirmedGrant | UnconfirmedUser) -> User | None:
    """The user that a grant acts as, or who signed in; None after a disconnect."""
    return User(id=row.user_id, username=row.username, name=row.user_name) if row.user_id else None
