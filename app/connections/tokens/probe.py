"""Probe connections that Salesforce closed: hourly for 30 days, and reopen them when it accepts the token.

Not one with a rotating token whose refresh got no response: another refresh may end what is left.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import func, or_, select

from app.api.dependencies import Resources
from app.connections.tokens.connection_state import SYSTEM_ACTOR, reopen
from app.connections.tokens.provider import open_token
from app.connections.tokens.refresh import claim_refresh, is_answer_lost, perform_probe
from app.infrastructure import audit_log
from app.models import Connection
from app.salesforce.allowed_hosts import HostNotAllowed, check_instance_url
from app.salesforce.auth import AccessToken, ConnectionEnded, SessionAuth
from app.salesforce.client import SalesforceClient
from app.salesforce.errors import SalesforceError
from app.states import ConnectionState

log = logging.getLogger(__name__)

REOPENABLE: Final = ("api_disabled", "ip_restricted")
"""Reasons that an admin or the network cures without anybody connecting anew: a preflight asks again, too."""

KEPT_CLOSED: Final = ("credentials_cleared",)
"""The host's own act, which only the host takes back."""

ASKED_FOR: Final = timedelta(days=30)
QUESTION: Final = "SELECT Id FROM Organization"
MANY: Final = 200


class ProbingTokens:
    """The TokenSource of a closed connection: its stored token, renewed once without opening it."""

    def __init__(self, resources: Resources, connection: Connection) -> None:
        self._resources = resources
        self._host_id = connection.host_id
        self._token = open_token(resources.vault, connection)

    async def current(self) -> AccessToken:
        return self._token

    async def renew(self, used: AccessToken) -> AccessToken:
        """Raises ConnectionEnded if Salesforce refuses, or another process probes."""
        resources, state = self._resources, ConnectionState.NEEDS_RECONNECT
        is_free = or_(Connection.refresh_started_at.is_(None), is_answer_lost(resources.settings))
        async with resources.database.tenant(self._host_id) as session:
            claim = await claim_refresh(session, resources.vault, self._host_id, where=is_free, state=state)
        renewed = await perform_probe(resources, claim) if claim else None
        if renewed is None:
            raise ConnectionEnded("access_revoked")
        return renewed


async def probe_closed(resources: Resources) -> int:
    """Probe every closed connection that may work again (a periodic task, hourly); returns how many do."""
    opened = 0
    for host_id in await _closed(resources):
        opened += await probe(resources, host_id)
    return opened


async def probe(resources: Resources, host_id: str) -> bool:
    """One small question with the stored grant; an answer opens the connection, and its work goes on."""
    async with resources.database.tenant(host_id) as session:
        connection = await session.get(Connection, host_id)
    is_closed = connection is not None and connection.state == ConnectionState.NEEDS_RECONNECT
    if connection is None or not is_closed or connection.access_token is None:
        return False
    try:
        await _client(resources, connection).query(QUESTION)
    except (SalesforceError, HostNotAllowed) as error:
        log.info("probe_refused", extra={"host_id": host_id, "error": type(error).__name__})
        return False
    return await _open(resources, connection)


def _client(resources: Resources, connection: Connection) -> SalesforceClient:
    settings = resources.settings
    return SalesforceClient(
        resources.http,
        SessionAuth(ProbingTokens(resources, connection)),
        instance_url=check_instance_url(connection.instance_url, extra=settings.extra_hosts),
        api_version=connection.api_version,
        answer_within=settings.times.refresh_total,
    )


async def _open(resources: Resources, connection: Connection) -> bool:
    host_id = connection.host_id
    async with resources.database.tenant(host_id) as session:
        org_id = await reopen(session, host_id, Connection.reason_code.not_in(KEPT_CLOSED))
        if org_id is None:
            return False
        about = {"org_id": org_id, "reason_code": connection.reason_code}
        await audit_log.append_entry(
            session, host_id, actor=SYSTEM_ACTOR, action="salesforce.connection_reopened", details=about
        )
    await resources.wakeups.announce({org_id})
    return True


async def _closed(resources: Resources) -> Sequence[str]:
    async with resources.database.system() as session:
        found = await session.scalars(
            select(Connection.host_id)
            .where(
                Connection.state == ConnectionState.NEEDS_RECONNECT,
                Connection.reason_code.not_in(KEPT_CLOSED),
            )
            .where(Connection.refresh_token.is_not(None))
            .where(Connection.state_since > func.clock_timestamp() - ASKED_FOR)
            .where(or_(Connection.refresh_started_at.is_(None), ~Connection.is_rotating))
            .order_by(func.random())
            .limit(MANY)
        )
        return list(found)
