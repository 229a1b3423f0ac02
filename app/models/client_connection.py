"""What a client needs of the connection of its host: a few columns, read with whatever else is read then."""

from typing import Any, NamedTuple, Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.models.kept_plan import kept_plan

CONNECTION_OF_CLIENT = kept_plan("""
    SELECT host_id, state, reason_code, access_token, token_version, instance_url, api_version
    FROM connections WHERE host_id = :host_id
""")


class ClientConnection(NamedTuple):
    """The columns of `connections` by these names; the token is sealed."""

    host_id: str
    state: str
    reason_code: str | None
    access_token: bytes | None
    token_version: int
    instance_url: str
    api_version: str

    @classmethod
    async def read(cls, session: AsyncSession, host_id: str) -> Self | None:
        """The host's; None where it was never connected."""
        row: Any = (await session.execute(CONNECTION_OF_CLIENT, {"host_id": host_id})).first()
        return None if row is None else cls(*row)
