"""Cancel attempts to connect whose user no longer has the required role."""

from app.api.auth import WRITE_ROLES, HostIdPath, PrincipalDep
from app.api.dependencies import ResourcesDep
from app.connections.oauth.attempts import cancel_pending
from app.connections.oauth.unconfirmed import give_back_ended


async def cancel_attempts_without_role(
    host_id: HostIdPath, principal: PrincipalDep, resources: ResourcesDep
) -> None:
    """The callback carries no bearer token; so a token that shows a lesser role, or none, ends the attempts
    that its user began for the host.
    """
    if principal.roles.get(host_id) not in WRITE_ROLES:
        async with resources.database.system() as session:
            ended = await cancel_pending(session, host_id, principal.user_id)
        for attempt_id in ended:
            await give_back_ended(resources, host_id, attempt_id)
