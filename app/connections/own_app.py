"""A host's own Salesforce app: saved, rotated and cleared; its credentials never leave again."""

from contextlib import suppress
from typing import Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.dependencies import Resources
from app.api.errors import FieldError, PayloadInvalid
from app.connections.grants.revocation import Revocation, revoke_all
from app.connections.grants.superseded import revoke_previous
from app.connections.model.app_credentials import is_own, own_ref
from app.connections.model.encrypted_columns import CONSUMER_KEY, CONSUMER_SECRET
from app.connections.model.messages import explain
from app.connections.model.schemas import OwnCredentials
from app.connections.tokens.connection_state import CREDENTIALS_REJECTED, disconnect_by_salesforce, reopen
from app.connections.tokens.provider import ConnectionTokens
from app.hosts.rows import lock_host
from app.infrastructure import audit_log
from app.infrastructure.encryption import Encryptor, fingerprint
from app.models import Connection, OwnApp
from app.salesforce.errors import SalesforceError
from app.states import ConnectionState

CLEARED: Final = "credentials_cleared"


async def choose_own_app(resources: Resources, host_id: str, *, user_id: str) -> None:
    """Connect through an app of the host's own from now on; its credentials may follow later."""
    async with resources.database.tenant(host_id) as session:
        host = await lock_host(session, host_id)
        mode_before = host.app_mode
        host.app_mode = "own"
        await _touch(session, host_id)
        if mode_before != "own":
            await _record_mode(session, host_id, "own", user_id=user_id)


async def save_credentials(
    resources: Resources, host_id: str, *, user_id: str, given: OwnCredentials
) -> None:
    """Encrypt and store the pair.

    The same Key with another Secret is used at once; with another Key the active connection keeps the old
    pair until the host reconnects.
    """
    ref = own_ref(given.key)
    async with resources.database.tenant(host_id) as session:
        host = await lock_host(session, host_id)
        connection = await session.get(Connection, host_id)
        in_use = (
            connection.client_id if connection and connection.state != ConnectionState.DISCONNECTED else None
        )
        host.app_mode = "own"
        await _retire(session, host_id, keep=ref, in_use=in_use)
        await session.execute(_upsert(resources.vault, host_id, user_id=user_id, given=given))
        await _touch(session, host_id)
        is_same_app = in_use == ref
        # A connection that ended over the old Secret gets another chance with the new one.
        ended_over_secret = Connection.reason_code == CREDENTIALS_REJECTED
        is_reopened = is_same_app and await reopen(session, host_id, ended_over_secret) is not None
        details = {"fingerprint": fingerprint(given.key), "is_same_app": is_same_app}
        await audit_log.append_entry(
            session, host_id, actor=user_id, action="salesforce.byo_credentials_set", details=details
        )
    if is_same_app:
        await _try_out(resources, host_id, is_reopened=is_reopened)


async def clear_credentials(
    resources: Resources, host_id: str, *, user_id: str, is_confirmed: bool, mode: str = "own"
) -> None:
    """Forget the pair; a connection made with it ends as `credentials_cleared`, which must be confirmed.

    Raises PayloadInvalid without the confirmation. `mode` is the app that the host connects through next.
    """
    async with resources.database.tenant(host_id) as session:
        host = await lock_host(session, host_id)
        connection = await session.get(Connection, host_id)
        revocations: list[Revocation] = []
        if connection is not None and is_own(connection.client_id):
            if connection.state == ConnectionState.CONNECTED and not is_confirmed:
                _refuse_unconfirmed(resources)
            revocations = await _end(session, resources.vault, connection)
        gone = await session.scalars(
            delete(OwnApp).where(OwnApp.host_id == host_id).returning(OwnApp.fingerprint)
        )
        fingerprints = sorted(gone)
        mode_before = host.app_mode
        host.app_mode = mode
        await _touch(session, host_id)
        if fingerprints:
            about = {"fingerprints": fingerprints}
            await audit_log.append_entry(
                session, host_id, actor=user_id, action="salesforce.byo_credentials_cleared", details=about
            )
        elif mode != mode_before:
            await _record_mode(session, host_id, mode, user_id=user_id)
    await revoke_all(resources, revocations)


def _upsert(vault: Encryptor, host_id: str, *, user_id: str, given: OwnCredentials) -> Insert:
    values = {
        "consumer_key": vault.seal(given.key, host_id=host_id, column=CONSUMER_KEY),
        "consumer_secret": vault.seal(given.secret, host_id=host_id, column=CONSUMER_SECRET),
        "consumer_key_last4": given.key[-4:],
        "consumer_secret_last4": given.secret[-4:],
        "fingerprint": fingerprint(f"{given.key}:{given.secret}"),
        "saved_at": func.clock_timestamp(),
        "saved_by": user_id,
        "retired_at": None,
    }
    row = insert(OwnApp).values(host_id=host_id, app_ref=own_ref(given.key), **values)
    return row.on_conflict_do_update(index_elements=["host_id", "app_ref"], set_=values)


async def _retire(session: AsyncSession, host_id: str, *, keep: str, in_use: str | None) -> None:
    others = (OwnApp.host_id == host_id, OwnApp.app_ref != keep)
    await session.execute(delete(OwnApp).where(*others, OwnApp.app_ref != (in_use or "")))
    await session.execute(update(OwnApp).where(*others).values(retired_at=func.clock_timestamp()))


async def _try_out(resources: Resources, host_id: str, *, is_reopened: bool) -> None:
    """Refresh at once, so that a wrong Secret shows now and not at the next registration."""
    with suppress(SalesforceError):
        await ConnectionTokens(resources, host_id).keep_alive()
    if is_reopened:
        async with resources.database.tenant(host_id) as session:
            living = (Connection.host_id == host_id, Connection.state == ConnectionState.CONNECTED)
            org_ids = set(await session.scalars(select(Connection.org_id).where(*living)))
        await resources.wakeups.announce(org_ids)


async def _end(session: AsyncSession, vault: Encryptor, connection: Connection) -> list[Revocation]:
    """Disconnect and delete the tokens: nobody can use them without the app's credentials."""
    host_id = connection.host_id
    if connection.state == ConnectionState.DISCONNECTED:
        return []
    revocations = await revoke_previous(session, vault, connection)
    await disconnect_by_salesforce(session, host_id, reason_code=CLEARED)
    await session.execute(
        update(Connection)
        .where(Connection.host_id == host_id)
        .values(access_token=None, refresh_token=None, reason_code=CLEARED)
        .values(token_version=Connection.token_version + 1, refresh_started_at=None)
    )
    return revocations


def _refuse_unconfirmed(resources: Resources) -> None:
    advice = explain(resources.settings, "clear_needs_confirmation")
    where = FieldError(path="confirm", message=advice.title)
    raise PayloadInvalid(advice.title, advice=advice, errors=[where])


async def _record_mode(session: AsyncSession, host_id: str, mode: str, *, user_id: str) -> None:
    await audit_log.append_entry(
        session, host_id, actor=user_id, action="salesforce.app_mode_set", details={"mode": mode}
    )


async def _touch(session: AsyncSession, host_id: str) -> None:
    changed = update(Connection).where(Connection.host_id == host_id)
    await session.execute(changed.values(version=Connection.version + 1))
