"""Which of our addresses a host is bound to: white label, for operations alone."""

from typing import Annotated, Final

from pydantic import BaseModel, StringConstraints
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.dependencies import Resources
from app.api.errors import FieldError, HostNotFound, PayloadInvalid
from app.api.pagination import Cursor, SortOrder
from app.config.origins import callback_at
from app.config.settings import Settings
from app.infrastructure import audit_log
from app.models import Host
from app.operations.schemas import Act

BOUND: Final = SortOrder(Cursor("addresses", (str,)), (Host.host_id,), is_descending=False)


class Address(BaseModel):
    """One of our addresses; `redirect_uri` is what Salesforce's app must name. `hosts`: how many are bound
    to it; the default serves all others, too.
    """

    public_url: str
    redirect_uri: str
    is_default: bool
    hosts: int


class BoundHost(BaseModel):
    """A host that is bound; `is_offered` is false where the settings no longer name the address, and the host
    is served by the default.
    """

    host_id: str
    public_url: str
    is_offered: bool


class Addresses(BaseModel):
    """Our addresses, and one page of the hosts that are bound."""

    addresses: list[Address]
    items: list[BoundHost]
    next_cursor: str | None


class BindAddress(Act):
    """The address to bind to; null unbinds."""

    public_url: Annotated[str, StringConstraints(min_length=1, max_length=2000)] | None


class AddressBound(BaseModel):
    """What serves the host from now on, or would; `redirect_uri` is what its app must name."""

    dry_run: bool
    host_id: str
    public_url: str
    redirect_uri: str
    is_default: bool
    has_changed: bool


async def list_addresses(
    session: AsyncSession, settings: Settings, *, limit: int, cursor: str | None
) -> Addresses:
    """Raises CursorInvalid."""
    counted = select(Host.public_url, func.count()).where(Host.public_url.is_not(None))
    hosts = {row[0]: row[1] for row in await session.execute(counted.group_by(Host.public_url))}
    query = select(Host.host_id, Host.public_url).where(Host.public_url.is_not(None))
    found = (await session.execute(BOUND.page(query, limit=limit, cursor=cursor))).all()
    page, next_cursor = BOUND.cut(found, limit=limit, keys=lambda row: (row[0],))
    return Addresses(
        addresses=[
            Address(
                public_url=url,
                redirect_uri=callback_at(url),
                is_default=url == settings.public_url,
                hosts=hosts.get(url, 0),
            )
            for url in settings.addresses
        ],
        items=[
            BoundHost(host_id=host_id, public_url=url, is_offered=url in settings.addresses)
            for host_id, url in page
        ],
        next_cursor=next_cursor,
    )


async def bind_host(resources: Resources, host_id: str, request: BindAddress, *, by: str) -> AddressBound:
    """Bind a host, which may be connected: only sign-ins that begin from now on use the address.

    Raises HostNotFound, PayloadInvalid for an address that is none of ours.
    """
    settings = resources.settings
    url = _offered(settings, request.public_url)
    async with resources.database.system() as session:
        host = await session.get(Host, host_id, with_for_update=True)
        if host is None:
            raise HostNotFound
        before, has_changed = host.public_url, host.public_url != url
        if has_changed and not request.dry_run:
            host.public_url = url
            details = {"public_url": url, "before": before, **request.because}
            await audit_log.append_entry(
                session, host_id, actor=by, action="ops.host_address_set", details=details
            )
    served_by = settings.address_of(url)
    return AddressBound(
        dry_run=request.dry_run,
        host_id=host_id,
        public_url=served_by,
        redirect_uri=callback_at(served_by),
        is_default=served_by == settings.public_url,
        has_changed=has_changed,
    )


def _offered(settings: Settings, wished: str | None) -> str | None:
    url = wished.strip().rstrip("/") if wished else None
    if url is None or url in settings.addresses:
        return url
    message = f"is not among PUBLIC_URLS: {', '.join(settings.addresses)}"
    raise PayloadInvalid(errors=[FieldError(path="body.public_url", message=message)])
