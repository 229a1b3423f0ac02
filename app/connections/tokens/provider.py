"""The tokens of one connection: read from Postgres, refreshed by one process at a time.

The refreshing process commits a marker on the row before the request; the others wait for the version to
rise. A marker older than every possible request means a lost response, and one process takes over. The marker
is compared and set, never locked: no transaction is open during a request.
"""

import asyncio
import time
from collections.abc import Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from sqlalchemy import and_, or_

from app.api.dependencies import Resources
from app.connections.model.encrypted_columns import ACCESS_TOKEN, open_secret
from app.connections.tokens.refresh import RefreshClaim, claim_refresh, is_answer_lost, perform_refresh
from app.infrastructure.encryption import Encryptor
from app.models import Connection
from app.models.client_connection import ClientConnection
from app.salesforce.auth import AccessToken, ConnectionEnded, RefreshUnavailable, ends_at
from app.states import ConnectionState

T = TypeVar("T")

FIRST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 0.5
BEFORE_ITS_END: Final = timedelta(seconds=60)


class ConnectionTokens:
    """The TokenSource of one host. Raises ConnectionEnded, ConnectionUnusable, RefreshUnavailable."""

    def __init__(self, resources: Resources, host_id: str, token: AccessToken | None = None) -> None:
        self._resources = resources
        self._host_id = host_id
        self._token = token
        self._was_ending = False

    async def current(self) -> AccessToken:
        """Return the stored token until it is refreshed; a JWT is refreshed shortly before it expires."""
        if self._token is None:
            async with self._resources.database.tenant(self._host_id) as session:
                connection = require_connected(await session.get(Connection, self._host_id))
                self._token = open_token(self._resources.vault, connection)
        if not self._was_ending and _is_ending(self._token):
            self._was_ending = True
            with suppress(RefreshUnavailable):  # it still lives for a while
                await self.renew(self._token)
        return self._token

    async def renew(self, used: AccessToken) -> AccessToken:
        """Return a newer token than `used`, whichever process gets it. A cancelled caller does not lose it.

        All callers of one process share one refresh: many of them polling would load the database just when
        the new token must be stored.
        """
        renewals, key = self._resources.renewals, (self._host_id, used.version)
        renewal = renewals.get(key)
        if renewal is None:
            renewal = asyncio.create_task(self._newer_than(used.version))
            renewals[key] = renewal
            renewal.add_done_callback(lambda done: _forget(renewals, key, done))
        self._token = await asyncio.shield(renewal)
        # By a clock that is wrong each new token ends, too: it is used until Salesforce refuses it.
        self._was_ending = _is_ending(self._token)
        return self._token

    async def keep_alive(self) -> bool:
        """Refresh now, unless a refresh is running or its response was lost; returns whether it did."""
        async with self._resources.database.tenant(self._host_id) as session:
            claim = await claim_refresh(
                session, self._resources.vault, self._host_id, where=Connection.refresh_started_at.is_(None)
            )
        if claim is None:
            return False
        return await _shielded(perform_refresh(self._resources, claim)) is not None

    async def _newer_than(self, version: int) -> AccessToken:
        until = time.monotonic() + self._resources.settings.times.refresh_total + LONGEST_PAUSE
        pause = FIRST_PAUSE
        while True:
            found = await self._newer_or_claim(version)
            if isinstance(found, RefreshClaim):
                found = await perform_refresh(self._resources, found)
            if found is not None:
                return found
            if time.monotonic() > until:
                raise RefreshUnavailable("another process asks for a token and has no answer yet")
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _newer_or_claim(self, version: int) -> AccessToken | RefreshClaim | None:
        """Return a token newer than `version`, or the claim to refresh; None while another process has it."""
        vault = self._resources.vault
        async with self._resources.database.tenant(self._host_id) as session:
            connection = require_connected(await session.get(Connection, self._host_id))
            if connection.token_version > version:
                return open_token(vault, connection)
            is_lost = is_answer_lost(self._resources.settings)
            is_free = or_(Connection.refresh_started_at.is_(None), is_lost)
            where = and_(Connection.token_version == version, is_free)
            return await claim_refresh(session, vault, self._host_id, where=where)


def _is_ending(token: AccessToken) -> bool:
    end = ends_at(token.value)
    return end is not None and end - datetime.now(UTC) < BEFORE_ITS_END


def require_connected(connection: Connection | None) -> Connection:
    """The connection, if it can still be used. Raises ConnectionEnded with the reason on the row."""
    if connection is None:
        raise ConnectionEnded(ConnectionState.NOT_CONNECTED)
    if connection.state != ConnectionState.CONNECTED:
        raise ConnectionEnded(connection.reason_code or "disconnected_by_host")
    return connection


def open_token(vault: Encryptor, connection: Connection | ClientConnection) -> AccessToken:
    """Decrypt the access token of an active connection. Raises ConnectionUnusable."""
    assert connection.access_token is not None
    value = open_secret(vault, connection.access_token, host_id=connection.host_id, column=ACCESS_TOKEN)
    return AccessToken(value, connection.token_version, connection.instance_url)


async def _shielded(work: Coroutine[Any, Any, T]) -> T:
    """Await `work`, and let it finish by itself when the one who waits is cancelled."""
    task = asyncio.ensure_future(work)
    task.add_done_callback(_consume_exception)
    return await asyncio.shield(task)


def _forget(
    renewals: dict[tuple[str, int], "asyncio.Task[AccessToken]"],
    key: tuple[str, int],
    done: "asyncio.Task[AccessToken]",
) -> None:
    del renewals[key]
    _consume_exception(done)


def _consume_exception(task: "asyncio.Future[Any]") -> None:
    if not task.cancelled():
        task.exception()
