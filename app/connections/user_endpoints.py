"""The endpoints of platform users' own Salesforce users."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response, status

from app.api.calls import AdminCall, MemberCall
from app.connections.endpoints import OriginHeader
from app.connections.model.salesforce_users import forget_user, list_users, load_user
from app.connections.model.schemas import ConnectedUsers, OwnUserView, StartAttempt, StartSignIn
from app.connections.oauth.unconfirmed import cancel_attempts_without_role
from app.connections.oauth.user_sign_in import start_user_attempt

router = APIRouter(
    prefix="/v1/hosts/{host_id}/salesforce",
    tags=["connection"],
    dependencies=[Depends(cancel_attempts_without_role)],
)


@router.post("/me/connect", status_code=status.HTTP_201_CREATED)
async def connect_me(call: MemberCall, wish: StartSignIn, origin: OriginHeader = None) -> StartAttempt:
    """A link that starts the caller's own sign-in at Salesforce, once, in one browser. It asks for nothing
    but who signs in, and is confirmed as a connection is.
    """
    return await start_user_attempt(
        call.resources, call.host_id, principal=call.principal, wish=wish, origin=origin
    )


@router.get("/me")
async def get_me(call: MemberCall, response: Response) -> OwnUserView:
    """Who the caller is in Salesforce."""
    response.headers["Cache-Control"] = "no-store"
    async with call.resources.database.tenant(call.host_id) as session:
        return await load_user(session, call.host_id, call.user_id)


@router.delete("/me")
async def delete_me(call: MemberCall, response: Response) -> OwnUserView:
    """Forget who the caller is in Salesforce; what belongs to that user there stays."""
    response.headers["Cache-Control"] = "no-store"
    async with call.resources.database.tenant(call.host_id) as session:
        await forget_user(session, call.host_id, call.user_id)
        return await load_user(session, call.host_id, call.user_id)


@router.get("/users")
async def get_users(
    call: AdminCall,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=4096)] = None,
) -> ConnectedUsers:
    """Platform users with their Salesforce users."""
    response.headers["Cache-Control"] = "no-store"
    async with call.resources.database.tenant(call.host_id) as session:
        return await list_users(session, call.host_id, limit=limit, cursor=cursor)
