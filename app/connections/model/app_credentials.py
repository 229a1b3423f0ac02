"""Which Salesforce app a host connects through, and its credentials."""

import hashlib
from dataclasses import dataclass, field
from typing import Final, Literal

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.dependencies import Resources
from app.api.errors import CredentialsMissing, NotConfigured
from app.config.settings import Settings
from app.connections.model.encrypted_columns import CONSUMER_KEY, CONSUMER_SECRET
from app.connections.model.messages import explain
from app.infrastructure.encryption import DecryptionFailed, Encryptor, KeyMissing
from app.models import Host, OwnApp

OWN: Final = "own_"
Mode = Literal["shared", "own"]


class AppNotConfigured(Exception):
    """This process was not given the credentials of the app that a connection was made with."""


class AppUnreadable(AppNotConfigured):
    """The stored credentials of a host's own app were altered, or sealed with a key that is not here."""


@dataclass(frozen=True)
class AppCredentials:
    """Consumer Key and Consumer Secret; a public client has no secret."""

    client_id: str = field(repr=False)
    client_secret: str | None = field(repr=False)


@dataclass(frozen=True)
class AppChoice:
    """What a host chose; `saved` are the credentials of its own app, once there are any."""

    mode: Mode = "shared"
    saved: OwnApp | None = None


def own_ref(consumer_key: str) -> str:
    """Return the reference of an own app in connections and attempts, which does not contain its Key."""
    return OWN + hashlib.sha256(consumer_key.encode()).hexdigest()[:32]


def is_own(app_ref: str) -> bool:
    """Whether a connection was made through a host's own app."""
    return app_ref.startswith(OWN)


async def chosen_app(session: AsyncSession, host_id: str) -> AppChoice:
    """The host's choice; a host that never chose takes the shared app."""
    host = await session.get(Host, host_id)
    current = select(OwnApp).where(OwnApp.host_id == host_id, OwnApp.retired_at.is_(None))
    saved = await session.scalar(current)
    return AppChoice("own" if host is not None and host.app_mode == "own" else "shared", saved)


def app_to_connect(settings: Settings, choice: AppChoice) -> str:
    """The reference of the app that a new attempt goes through. Raises NotConfigured, CredentialsMissing."""
    if choice.mode == "own":
        if choice.saved is None:
            raise CredentialsMissing
        return choice.saved.app_ref
    if settings.salesforce_client_id is None:
        raise NotConfigured(advice=explain(settings, "environment_not_configured"))
    return settings.salesforce_client_id


def shared_app(settings: Settings) -> AppCredentials:
    """The platform's own app. Raises AppNotConfigured."""
    if settings.salesforce_client_id is None:
        raise AppNotConfigured("SALESFORCE_CLIENT_ID is not set")
    secret = settings.salesforce_client_secret
    return AppCredentials(settings.salesforce_client_id, secret.get_secret_value() if secret else None)


async def credentials_for(resources: Resources, host_id: str, app_ref: str) -> AppCredentials:
    """The credentials behind a stored reference. Raises AppNotConfigured when they are not here any more."""
    if is_own(app_ref):
        async with resources.database.tenant(host_id) as session:
            saved = await session.get(OwnApp, (host_id, app_ref))
        if saved is None:
            raise AppNotConfigured("the credentials of the host's own app are not saved any more")
        return open_own_app(resources.vault, saved)
    app = shared_app(resources.settings)
    if app.client_id != app_ref:
        raise AppNotConfigured("SALESFORCE_CLIENT_ID is not the app that the connection was made with")
    return app


def open_own_app(vault: Encryptor, saved: OwnApp) -> AppCredentials:
    """Key and Secret of a host's own app, in clear. Raises AppUnreadable."""
    try:
        return AppCredentials(
            vault.open(saved.consumer_key, host_id=saved.host_id, column=CONSUMER_KEY),
            vault.open(saved.consumer_secret, host_id=saved.host_id, column=CONSUMER_SECRET),
        )
    except (KeyMissing, DecryptionFailed) as error:
        raise AppUnreadable("the credentials of the host's own app cannot be opened") from error


async def delete_retired(session: AsyncSession, host_id: str) -> None:
    """Forget the pairs that no connection lives by any more, in the transaction that stores a new grant."""
    await session.execute(delete(OwnApp).where(OwnApp.host_id == host_id, OwnApp.retired_at.is_not(None)))
