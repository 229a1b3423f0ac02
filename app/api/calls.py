"""One call of a user about a host, or about one of its events: what nearly every endpoint takes."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends

from app.api.auth import EventIdPath, HostAdminDep, HostIdPath, HostMemberDep, Principal
from app.api.dependencies import Resources, ResourcesDep


@dataclass(frozen=True)
class HostCall:
    """Who calls about which host, and the resources to answer with."""

    host_id: str
    principal: Principal
    resources: Resources

    @property
    def user_id(self) -> str:
        return self.principal.user_id


@dataclass(frozen=True)
class EventCall(HostCall):
    """The same about one event."""

    event_id: str


async def _member(host_id: HostIdPath, principal: HostMemberDep, resources: ResourcesDep) -> HostCall:
    return HostCall(host_id, principal, resources)


async def _admin(host_id: HostIdPath, principal: HostAdminDep, resources: ResourcesDep) -> HostCall:
    return HostCall(host_id, principal, resources)


async def _event_member(
    host_id: HostIdPath, event_id: EventIdPath, principal: HostMemberDep, resources: ResourcesDep
) -> EventCall:
    return EventCall(host_id, principal, resources, event_id)


async def _event_admin(
    host_id: HostIdPath, event_id: EventIdPath, principal: HostAdminDep, resources: ResourcesDep
) -> EventCall:
    return EventCall(host_id, principal, resources, event_id)


MemberCall = Annotated[HostCall, Depends(_member)]
AdminCall = Annotated[HostCall, Depends(_admin)]
EventMemberCall = Annotated[EventCall, Depends(_event_member)]
EventAdminCall = Annotated[EventCall, Depends(_event_admin)]
