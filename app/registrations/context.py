"""An event with everything that decides the display state of its registrations."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from app.api.api_budget import DEFAULT_CAP, Budget, api_budget_of
from app.api.errors import EventNotFound, RegistrationNotFound
from app.models import CampaignLink, Connection, Event, Host, OrgLease, Registration
from app.registrations.registration_state import Gates
from app.states import ConnectionState
from app.sync.model.batch import WriteToggles


@dataclass(frozen=True)
class EventContext:
    """As of `now` (database clock). `connection`, `lease` and `link` may not exist."""

    event: Event
    host: Host | None
    connection: Connection | None
    lease: OrgLease | None
    link: CampaignLink | None
    now: datetime

    @property
    def host_id(self) -> str:
        return self.event.host_id

    @property
    def event_id(self) -> str:
        return self.event.event_id

    @property
    def org_id(self) -> str | None:
        """The connected org: jobs armed for another one do not count."""
        return self.connection.org_id if self.connection else None

    @property
    def instance_url(self) -> str | None:
        return self.connection.instance_url if self.connection else None

    @property
    def writes(self) -> WriteToggles:
        """The kinds that are on for the event."""
        chosen = (self.host.settings or {}) if self.host else {}
        return WriteToggles.of(chosen, self.event.writes or {}, event_kind=self.event.kind)

    @property
    def budget(self) -> Budget | None:
        cap = self.host.api_cap_percent if self.host else DEFAULT_CAP
        return api_budget_of(self.connection, cap, self.now) if self.connection else None

    @property
    def gates(self) -> Gates:
        budget = self.budget
        return Gates(
            is_connected=self._is_connected,
            is_paused=self._is_paused,
            is_over_budget=budget is not None and budget.is_stopped,
            is_backing_off=self._is_backing_off,
        )

    @property
    def _is_connected(self) -> bool:
        connection = self.connection
        return (
            connection is not None
            and connection.state == ConnectionState.CONNECTED
            and connection.fault_code is None
        )

    @property
    def _is_paused(self) -> bool:
        pausable = (self.event, self.host, self.lease)
        return any(each is not None and each.paused_at is not None for each in pausable)

    @property
    def _is_backing_off(self) -> bool:
        not_before = self.lease.not_before if self.lease else None
        return not_before is not None and not_before > self.now


async def load_context(session: AsyncSession, host_id: str, event_id: str) -> EventContext:
    """One query. Raises EventNotFound."""
    query = (
        select(Event, Host, Connection, OrgLease, CampaignLink, func.clock_timestamp())
        .outerjoin(Host, Host.host_id == Event.host_id)
        .outerjoin(Connection, Connection.host_id == Event.host_id)
        .outerjoin(OrgLease, OrgLease.org_id == Connection.org_id)
        .outerjoin(
            CampaignLink,
            and_(CampaignLink.host_id == Event.host_id, CampaignLink.event_id == Event.event_id),
        )
        .where(Event.host_id == host_id, Event.event_id == event_id)
        .options(defer(Connection.access_token), defer(Connection.refresh_token))
    )
    row = (await session.execute(query)).first()
    if row is None:
        raise EventNotFound
    return EventContext(*row)


async def require_registration(
    session: AsyncSession, host_id: str, event_id: str, registration_id: str, *, is_locked: bool = False
) -> Registration:
    """The registration of this event. Raises RegistrationNotFound."""
    registration = await session.get(Registration, (host_id, registration_id), with_for_update=is_locked)
    if registration is None or registration.event_id != event_id:
        raise RegistrationNotFound
    return registration
