"""The dashboard's doors to a host's connection."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Request, Response, status
from pydantic import ValidationError

from app.api.auth import OPAQUE_ID, WRITE_ROLES, HostIdPath, Principal, PrincipalDep, host_changer
from app.api.calls import AdminCall, MemberCall
from app.api.dependencies import Resources, ResourcesDep
from app.connections.card import load_card
from app.connections.grants.disconnect import disconnect_host
from app.connections.model.schemas import (
    Attempt,
    Card,
    CompleteConnect,
    ConfirmDisconnect,
    OwnCredentials,
    StartAttempt,
    StartConnect,
)
from app.connections.oauth.attempt_view import load_attempt
from app.connections.oauth.attempts import find_attempt
from app.connections.oauth.confirmation import complete_attempt, end_if_strange
from app.connections.oauth.flow import start_attempt
from app.connections.oauth.unconfirmed import cancel_attempts_without_role
from app.connections.own_app import choose_own_app, clear_credentials, save_credentials
from app.hosts.pause import set_host_pause
from app.states import SignInPurpose

AttemptIdPath = Annotated[str, Path(pattern=OPAQUE_ID, description="the attempt to connect")]
OriginHeader = Annotated[str | None, Header(include_in_schema=False)]


async def confirmer(
    request: Request,
    host_id: HostIdPath,
    attempt_id: AttemptIdPath,
    principal: PrincipalDep,
    resources: ResourcesDep,
) -> Principal:
    """Owner or admin, as for every change; of a sign-in for oneself any role. Who is neither may hold the
    code all the same, and then the attempt must end. Raises HostNotFound, RoleInsufficient.
    """
    if principal.roles.get(host_id) not in WRITE_ROLES:
        async with resources.database.system() as session:
            attempt = await find_attempt(session, host_id, attempt_id)
        if attempt is not None and attempt.purpose == SignInPurpose.USER and host_id in principal.roles:
            return principal
        with suppress(ValidationError):
            code = CompleteConnect.model_validate_json(await request.body()).code
            await end_if_strange(resources, attempt_id, user_id=principal.user_id, code=code)
    return await host_changer(host_id, principal)


ConfirmerDep = Annotated[Principal, Depends(confirmer)]

router = APIRouter(
    prefix="/v1/hosts/{host_id}/salesforce",
    tags=["connection"],
    dependencies=[Depends(cancel_attempts_without_role)],
)


@router.get("")
async def get_card(call: MemberCall) -> Card:
    """Everything about the host's connection."""
    return await load_card(call.resources, call.host_id, call.principal)


@router.post("/connect", status_code=status.HTTP_201_CREATED)
async def connect(call: AdminCall, wish: StartConnect, origin: OriginHeader = None) -> StartAttempt:
    """A link that starts the sign-in at Salesforce, once, in one browser."""
    return await start_attempt(
        call.resources, call.host_id, principal=call.principal, wish=wish, origin=origin
    )


@router.get("/connect/{attempt_id}")
async def get_attempt(call: MemberCall, attempt_id: AttemptIdPath, response: Response) -> Attempt:
    """How an attempt to connect went, or may have gone."""
    return await _attempt(call.resources, call.host_id, attempt_id, response, user_id=call.user_id)


@router.post("/connect/{attempt_id}/complete")
async def complete(
    host_id: HostIdPath,
    attempt_id: AttemptIdPath,
    given: CompleteConnect,
    principal: ConfirmerDep,
    resources: ResourcesDep,
    response: Response,
) -> Attempt:
    """Confirm what the sign-in brought: only now the host is connected, or the caller's own Salesforce user
    kept. By the user who began the attempt, with the code that the browser brought back; the same again gives
    the same answer.
    """
    await complete_attempt(resources, host_id, attempt_id, principal=principal, given=given)
    return await _attempt(resources, host_id, attempt_id, response, user_id=principal.user_id)


@router.put("/app-credentials")
async def put_credentials(call: AdminCall, given: OwnCredentials) -> Card:
    """Save the credentials of an own app, or choose which app to connect through."""
    if given.mode == "shared":
        await clear_credentials(
            call.resources, call.host_id, user_id=call.user_id, is_confirmed=given.confirm, mode="shared"
        )
    elif given.has_pair:
        await save_credentials(call.resources, call.host_id, user_id=call.user_id, given=given)
    else:
        await choose_own_app(call.resources, call.host_id, user_id=call.user_id)
    return await load_card(call.resources, call.host_id, call.principal)


@router.delete("/app-credentials")
async def delete_credentials(call: AdminCall, confirm: bool = False) -> Card:
    """Forget the own app's credentials; `confirm` allows it while a connection lives by them."""
    await clear_credentials(call.resources, call.host_id, user_id=call.user_id, is_confirmed=confirm)
    return await load_card(call.resources, call.host_id, call.principal)


@router.post("/disconnect")
async def disconnect(call: AdminCall, _: ConfirmDisconnect) -> Card:
    """Revoke and forget the grant; what was synced stays in Salesforce."""
    await disconnect_host(call.resources, call.host_id, user_id=call.user_id)
    return await load_card(call.resources, call.host_id, call.principal)


@router.post("/pause")
async def pause(call: AdminCall) -> Card:
    """Let all work of the host wait."""
    async with call.resources.database.tenant(call.host_id) as session:
        await set_host_pause(session, call.host_id, is_paused=True, by=call.user_id)
    return await load_card(call.resources, call.host_id, call.principal)


@router.post("/resume")
async def resume(call: AdminCall) -> Card:
    """Let the work go on where it stopped."""
    async with call.resources.database.tenant(call.host_id) as session:
        org_ids = await set_host_pause(session, call.host_id, is_paused=False, by=call.user_id)
    await call.resources.wakeups.announce(org_ids)
    return await load_card(call.resources, call.host_id, call.principal)


async def _attempt(
    resources: Resources, host_id: str, attempt_id: str, response: Response, *, user_id: str
) -> Attempt:
    response.headers["Cache-Control"] = "no-store"
    async with resources.database.system() as session:
        return await load_attempt(
            session, resources.settings, host_id, attempt_id, user_id=user_id, now=datetime.now(UTC)
        )
