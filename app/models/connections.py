"""A host's grant on a Salesforce org, and the attempts to get one."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, CreatedAt, Digest, HostId, Json, JsonList, Sealed, one_of
from app.states import STORED_CONNECTION_STATES, AttemptState, SignInPurpose


class Connection(Base):
    """One per host. Kept after a disconnect (without credentials), so that work can wait for the next one.

    `fault_code`: why the host's own turn broke off; its work waits until `fault_until`, by `fault_count`.

    `state`: connected, needs_reconnect, disconnected. `refresh_started_at` marks a token request in flight.
    `problems` is what the connected user lacks while the connection itself works (`app.sync.lookup.access`).
    """

    __tablename__ = "connections"
    __table_args__ = (
        CheckConstraint(one_of("state", STORED_CONNECTION_STATES), name="state"),
        CheckConstraint("(state = 'connected') <= (refresh_token IS NOT NULL)", name="connected_has_token"),
        Index("ix_connections_org_id", "org_id"),
    )

    host_id: Mapped[HostId]
    state: Mapped[str]
    state_since: Mapped[CreatedAt]
    reason_code: Mapped[str | None]
    environment: Mapped[str]
    login_url: Mapped[str]
    client_id: Mapped[str]
    org_id: Mapped[str]
    org_name: Mapped[str | None]
    org_edition: Mapped[str | None]
    org_is_sandbox: Mapped[bool | None] = mapped_column(Boolean)
    instance_url: Mapped[str]
    user_id: Mapped[str | None]
    username: Mapped[str | None]
    user_name: Mapped[str | None]
    identity_url: Mapped[str | None]
    scope: Mapped[str | None]
    api_version: Mapped[str]
    access_token: Mapped[bytes | None] = mapped_column(Sealed)
    refresh_token: Mapped[bytes | None] = mapped_column(Sealed)
    token_version: Mapped[int] = mapped_column(BigInteger, server_default="1")
    is_rotating: Mapped[bool] = mapped_column(Boolean, server_default="false")
    refresh_started_at: Mapped[datetime | None]
    refreshed_at: Mapped[datetime | None]
    connected_at: Mapped[datetime]
    connected_by: Mapped[str]
    last_used_at: Mapped[datetime | None]
    last_written_at: Mapped[datetime | None]
    api_used: Mapped[int | None] = mapped_column(Integer)
    api_limit: Mapped[int | None] = mapped_column(Integer)
    api_measured_at: Mapped[datetime | None]
    api_closed_until: Mapped[datetime | None]
    problems: Mapped[JsonList] = mapped_column(server_default=text("'[]'"))
    calls_today: Mapped[int] = mapped_column(Integer, server_default="0")
    calls_day: Mapped[datetime | None]
    fault_code: Mapped[str | None]
    fault_count: Mapped[int] = mapped_column(Integer, server_default="0")
    fault_until: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(BigInteger, server_default="1")


class OwnApp(Base):
    """A host's own Salesforce app. Key and Secret are sealed; `app_ref` is what connections name it by.

    `retired_at`: another Key took its place, and the connection still lives by this one.
    """

    __tablename__ = "app_credentials"

    host_id: Mapped[HostId]
    app_ref: Mapped[str] = mapped_column(Text, primary_key=True)
    consumer_key: Mapped[bytes] = mapped_column(Sealed)
    consumer_secret: Mapped[bytes] = mapped_column(Sealed)
    consumer_key_last4: Mapped[str]
    consumer_secret_last4: Mapped[str]
    fingerprint: Mapped[str]
    saved_at: Mapped[CreatedAt]
    saved_by: Mapped[str]
    retired_at: Mapped[datetime | None]


class Preflight(Base):
    """The last look at a host's org. `requested_at` asks for another, `started_at` says that one runs."""

    __tablename__ = "preflights"
    __table_args__ = (
        Index(
            "ix_preflights_requested_at", "requested_at", postgresql_where=text("requested_at IS NOT NULL")
        ),
    )

    host_id: Mapped[HostId]
    org_id: Mapped[str | None]
    result: Mapped[Json | None]
    checked_at: Mapped[datetime | None]
    requested_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]


class PendingRevocation(Base):
    """A token that must still be revoked at Salesforce because it was away when the host let go of it."""

    __tablename__ = "pending_revocations"

    host_id: Mapped[HostId]
    revocation_id: Mapped[str] = mapped_column(Text, primary_key=True)
    login_url: Mapped[str]
    token: Mapped[bytes] = mapped_column(Sealed)
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    due_at: Mapped[CreatedAt]


class SupersededGrant(Base):
    """A grant that a newer one of the same user and app replaced; Salesforce still has and counts it."""

    __tablename__ = "superseded_grants"
    __table_args__ = (Index("ix_superseded_grants_org_id", "org_id", "user_id", "client_id"),)

    host_id: Mapped[HostId]
    grant_id: Mapped[str] = mapped_column(Text, primary_key=True)
    org_id: Mapped[str]
    user_id: Mapped[str]
    client_id: Mapped[str]
    login_url: Mapped[str]
    token: Mapped[bytes] = mapped_column(Sealed)
    granted_at: Mapped[datetime]


class UnconfirmedGrant(Base):
    """What Salesforce gave and nobody has confirmed yet: kept apart from the connections, used for nothing.

    `is_sixth`: by giving it Salesforce ended the oldest grant of the same user and app.
    """

    __tablename__ = "unconfirmed_grants"
    __table_args__ = (Index("ix_unconfirmed_grants_org_id", "org_id", "user_id", "client_id"),)

    host_id: Mapped[HostId]
    attempt_id: Mapped[str] = mapped_column(Text, primary_key=True)
    login_url: Mapped[str]
    client_id: Mapped[str]
    org_id: Mapped[str]
    org_name: Mapped[str | None]
    org_edition: Mapped[str | None]
    org_is_sandbox: Mapped[bool | None] = mapped_column(Boolean)
    instance_url: Mapped[str]
    user_id: Mapped[str]
    username: Mapped[str | None]
    user_name: Mapped[str | None]
    identity_url: Mapped[str]
    scope: Mapped[str]
    api_version: Mapped[str]
    access_token: Mapped[bytes] = mapped_column(Sealed)
    refresh_token: Mapped[bytes] = mapped_column(Sealed)
    is_sixth: Mapped[bool] = mapped_column(Boolean)
    granted_at: Mapped[CreatedAt]


class SalesforceUser(Base):
    """Who a platform user is in Salesforce: signed in there once, and no token kept.

    `email_key`: the platform user's address as it is compared; organizers are found by it. `user_email`:
    Salesforce's.
    """

    __tablename__ = "salesforce_users"
    __table_args__ = (Index("ix_salesforce_users_email_key", "host_id", "email_key"),)

    host_id: Mapped[HostId]
    platform_user_id: Mapped[str] = mapped_column(Text, primary_key=True)
    email_key: Mapped[str | None]
    org_id: Mapped[str]
    user_id: Mapped[str]
    username: Mapped[str | None]
    user_name: Mapped[str | None]
    user_email: Mapped[str | None]
    connected_at: Mapped[CreatedAt]


class UnconfirmedUser(Base):
    """Whom a platform user signed in as and has not confirmed yet: used for nothing."""

    __tablename__ = "unconfirmed_users"

    host_id: Mapped[HostId]
    attempt_id: Mapped[str] = mapped_column(Text, primary_key=True)
    client_id: Mapped[str]
    org_id: Mapped[str]
    user_id: Mapped[str]
    username: Mapped[str | None]
    user_name: Mapped[str | None]
    user_email: Mapped[str | None]
    is_sixth: Mapped[bool] = mapped_column(Boolean)
    granted_at: Mapped[CreatedAt]


class OAuthAttempt(Base):
    """One try to connect: found by the hash of its ticket or state before any tenant is known.

    `state`: waiting, confirming, connected, failed, expired. `origin` is the dashboard that began it, and
    `begun_by` the person, as the page before the sign-in names them; `arrived_at`: the browser came back.
    `public_url` is the address of ours at which it was begun, and the only one at which it can end.
    """

    __tablename__ = "oauth_attempts"
    __table_args__ = (
        Index("uq_oauth_attempts_ticket_hash", "ticket_hash", unique=True),
        Index("uq_oauth_attempts_state_hash", "state_hash", unique=True),
        Index("ix_oauth_attempts_host_id", "host_id"),
    )

    attempt_id: Mapped[str] = mapped_column(Text, primary_key=True)
    host_id: Mapped[str]
    user_id: Mapped[str]
    environment: Mapped[str]
    login_url: Mapped[str]
    client_id: Mapped[str]
    purpose: Mapped[str] = mapped_column(server_default=SignInPurpose.HOST)
    display: Mapped[str]
    return_to: Mapped[str]
    origin: Mapped[str | None]
    public_url: Mapped[str | None]
    begun_by: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default=AttemptState.WAITING)
    ticket_hash: Mapped[bytes | None] = mapped_column(Digest)
    state_hash: Mapped[bytes | None] = mapped_column(Digest)
    browser_hash: Mapped[bytes | None] = mapped_column(Digest)
    code_verifier: Mapped[bytes | None] = mapped_column(Sealed)
    code_hash: Mapped[bytes | None] = mapped_column(Digest)
    wrong_codes: Mapped[int] = mapped_column(Integer, server_default="0")
    problem_code: Mapped[str | None]
    salesforce_error: Mapped[Json | None]
    details: Mapped[Json] = mapped_column(server_default=text("'{}'"))
    started_at: Mapped[CreatedAt]
    arrived_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
