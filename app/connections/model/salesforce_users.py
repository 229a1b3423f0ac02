"""Platform users with their own Salesforce users: what a sign-in said of them; no token is kept."""

from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.pagination import Cursor, SortOrder
from app.connections.model.schemas import ConnectedUser, ConnectedUsers, OwnUser, OwnUserView
from app.infrastructure import audit_log
from app.infrastructure.database import NOW
from app.models import Connection, SalesforceUser, UnconfirmedUser

ORDER: Final = SortOrder(
    Cursor("salesforce_users", (str,)), (SalesforceUser.platform_user_id,), is_descending=False
)
KEPT: Final = ("org_id", "user_id", "username", "user_name", "user_email")


async def store_user(
    session: AsyncSession, platform_user_id: str, signed_in: UnconfirmedUser, *, email_key: str | None
) -> None:
    """Keep who the platform user is in Salesforce, in the place of whom they were before; in the caller's
    transaction, as all here. `email_key` is the platform's e-mail of them.
    """
    values = {name: getattr(signed_in, name) for name in KEPT} | {"email_key": email_key}
    key = {"host_id": signed_in.host_id, "platform_user_id": platform_user_id}
    kept = insert(SalesforceUser).values(**key, **values)
    await session.execute(
        kept.on_conflict_do_update(index_elements=list(key), set_=values | {"connected_at": NOW})
    )
    details = {
        "org_id": signed_in.org_id,
        "salesforce_user_id": signed_in.user_id,
        "attempt_id": signed_in.attempt_id,
    }
    await audit_log.append_entry(
        session,
        signed_in.host_id,
        actor=platform_user_id,
        action="salesforce.user_connected",
        details=details,
    )


async def forget_user(session: AsyncSession, host_id: str, platform_user_id: str) -> None:
    """Forget who the platform user is in Salesforce; without one nothing happens."""
    gone = await session.execute(
        delete(SalesforceUser)
        .where(SalesforceUser.host_id == host_id, SalesforceUser.platform_user_id == platform_user_id)
        .returning(SalesforceUser.org_id, SalesforceUser.user_id)
    )
    row = gone.one_or_none()
    if row is None:
        return
    details = {"org_id": row.org_id, "salesforce_user_id": row.user_id}
    await audit_log.append_entry(
        session, host_id, actor=platform_user_id, action="salesforce.user_disconnected", details=details
    )


async def load_user(session: AsyncSession, host_id: str, platform_user_id: str) -> OwnUserView:
    """Who the platform user is in Salesforce."""
    row = await session.get(SalesforceUser, (host_id, platform_user_id))
    if row is None:
        return OwnUserView(user=None, is_same_org=False, connected_at=None)
    return _view(row, await _org_id(session, host_id))


async def list_users(
    session: AsyncSession, host_id: str, *, limit: int, cursor: str | None
) -> ConnectedUsers:
    """One page of the platform users who connected, by their id. Raises CursorInvalid."""
    query = select(SalesforceUser).where(SalesforceUser.host_id == host_id)
    found = (await session.scalars(ORDER.page(query, limit=limit, cursor=cursor))).all()
    page, next_cursor = ORDER.cut(found, limit=limit, keys=lambda row: (row.platform_user_id,))
    org_id = await _org_id(session, host_id)
    items = [
        ConnectedUser(user_id=row.platform_user_id, email=row.email_key, **_view(row, org_id).model_dump())
        for row in page
    ]
    return ConnectedUsers(items=items, next_cursor=next_cursor)


async def _org_id(session: AsyncSession, host_id: str) -> str | None:
    return await session.scalar(select(Connection.org_id).where(Connection.host_id == host_id))


def _view(row: SalesforceUser, org_id: str | None) -> OwnUserView:
    user = OwnUser(id=row.user_id, username=row.username, name=row.user_name, email=row.user_email)
    return OwnUserView(user=user, is_same_org=row.org_id == org_id, connected_at=row.connected_at)
