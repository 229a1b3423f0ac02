"""Begin the sign-in by which a platform user says who they are in the host's org."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.api.auth import Principal
from app.api.dependencies import Resources
from app.api.errors import NotConnected
from app.connections.grants.approval_limit import GrantKey
from app.connections.model.schemas import StartAttempt, StartSignIn
from app.connections.oauth.flow import open_sign_in
from app.models import Connection, OAuthAttempt, SalesforceUser
from app.states import ConnectionState, SignInPurpose


async def start_user_attempt(
    resources: Resources, host_id: str, *, principal: Principal, wish: StartSignIn, origin: str | None
) -> StartAttempt:
    """Create an attempt at the app and the login host of the host's connection.

    Raises NotConnected, ReturnToInvalid, TooManyRequests.
    """
    async with resources.database.system() as session:
        connection = await session.get(Connection, host_id)
        if connection is None or connection.state == ConnectionState.DISCONNECTED:
            raise NotConnected
        attempt = OAuthAttempt(
            host_id=host_id,
            purpose=SignInPurpose.USER,
            environment=connection.environment,
            login_url=connection.login_url,
            client_id=connection.client_id,
        )
        key = await _likely_key(session, connection, principal.user_id)
        return await open_sign_in(
            session, resources.settings, attempt, principal=principal, wish=wish, origin=origin, key=key
        )


async def _likely_key(
    session: AsyncSession, connection: Connection, platform_user_id: str
) -> GrantKey | None:
    """Guess who will sign in: whom the platform user was before, else the user whom they connected here."""
    known = await session.get(SalesforceUser, (connection.host_id, platform_user_id))
    is_theirs = connection.connected_by == platform_user_id
    user_id = known.user_id if known else connection.user_id if is_theirs else None
    return (connection.org_id, user_id, connection.client_id) if user_id else None
