"""What other parts may ask of a host's connection: an open client, and notes on its use."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.dependencies import Resources
from app.api.errors import ConnectionNeedsReconnect, NotConnected
from app.config.settings import Settings
from app.connections.model.messages import explain
from app.connections.tokens.provider import ConnectionTokens, open_token
from app.models import Connection
from app.models.client_connection import ClientConnection
from app.salesforce.allowed_hosts import HostNotAllowed, check_instance_url
from app.salesforce.auth import ConnectionUnusable, SessionAuth
from app.salesforce.client import SalesforceClient
from app.states import ConnectionState

Stored = TypeVar("Stored", Connection, ClientConnection)


async def open_client(
    resources: Resources,
    host_id: str,
    *,
    before_send: Callable[[], None] | None = None,
    is_for_person: bool = False,
    connection: ClientConnection | None = None,
) -> SalesforceClient:
    """A client of the host's org. Raises NotConnected, ConnectionNeedsReconnect, ConnectionUnusable.

    `before_send` may veto every send (see SalesforceClient); `is_for_person`: somebody waits for the answer;
    `connection` was read just now.
    Its calls raise, besides the wire's own errors, `ConnectionEnded` once the connection was found dead and
    `RefreshUnavailable` while no token can be had.
    """
    if connection is None:
        async with resources.database.tenant(host_id) as session:
            connection = await ClientConnection.read(session, host_id)
    usable, settings = _usable(connection, resources.settings), resources.settings
    token = open_token(resources.vault, usable)
    try:
        instance_url = check_instance_url(usable.instance_url, extra=settings.extra_hosts)
    except HostNotAllowed as error:
        raise ConnectionUnusable("instance_not_allowed") from error
    return SalesforceClient(
        resources.http,
        SessionAuth(ConnectionTokens(resources, host_id, token)),
        instance_url=instance_url,
        api_version=usable.api_version,
        before_send=before_send,
        answer_within=_patience(settings, is_for_person=is_for_person),
    )


def _patience(settings: Settings, *, is_for_person: bool) -> float:
    """The seconds that one call may take, in all."""
    total = settings.times.http_total
    return min(settings.times.interactive, total) if is_for_person else total


async def usable_connection(session: AsyncSession, host_id: str, *, settings: Settings) -> Connection:
    """The host's row in state `connected`. Raises NotConnected, ConnectionNeedsReconnect."""
    return _usable(await session.get(Connection, host_id), settings)


def _usable(connection: Stored | None, settings: Settings) -> Stored:
    """The connection, where it is in state `connected`. Raises NotConnected, ConnectionNeedsReconnect."""
    if connection is None or connection.state == ConnectionState.DISCONNECTED:
        raise NotConnected
    if connection.state != ConnectionState.CONNECTED:
        reason = connection.reason_code or "access_revoked"
        raise ConnectionNeedsReconnect(reason=reason, advice=explain(settings, reason))
    return connection


async def mark_used(session: AsyncSession, host_id: str, *, has_written: bool = False) -> None:
    """Note that the connection was used, and whether something was written, in the caller's transaction."""
    now = func.clock_timestamp()
    values = {"last_used_at": now} | ({"last_written_at": now} if has_written else {})
    await session.execute(update(Connection).where(Connection.host_id == host_id).values(values))
