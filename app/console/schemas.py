"""What the console's lists show: the caller's hosts, and one host's events."""

from datetime import datetime

from pydantic import BaseModel

from app.api.auth import Role


class HostListed(BaseModel):
    """A host that the caller has a role on; `name` is null before anything came in for it."""

    id: str
    name: str | None
    role: Role
    connection_state: str


class HostList(BaseModel):
    """Every host of the caller's token, by id; `is_operations`: whether the token opens `/ops`."""

    items: list[HostListed]
    is_operations: bool


class EventListed(BaseModel):
    """An event in short; `campaign_name` is null where none is linked."""

    id: str
    title: str
    starts_at: datetime | None
    is_cancelled: bool
    is_paused: bool
    campaign_name: str | None


class EventList(BaseModel):
    """One page of a host's events, the latest start first."""

    items: list[EventListed]
    next_cursor: str | None
