"""Requests for a campaign: stored with the link, carried out by a worker."""

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, Self
from uuid import uuid4
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import func, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.calls import EventCall
from app.api.errors import CampaignIsLocked, EventIsOver
from app.campaigns.links import link_view
from app.campaigns.schemas import CampaignProposal, CampaignToCreate, LinkShown
from app.campaigns.status_mapping import MemberStatus
from app.connections.service import usable_connection
from app.hosts.rows import require_event
from app.infrastructure import audit_log
from app.infrastructure.database import Database
from app.models import CampaignLink, Connection, Event
from app.states import LinkState, StatusMeaning
from app.sync.field_values.text import normalize_text, shortened
from app.user_messages.catalog import say

NAME_MAX: Final = 80
WEBINARS: Final = ("webinar", "on_demand")
AUTOMATIC: Final = "automatic"
CANDIDATES: Final = text("""
    SELECT event.host_id, event.event_id, connection.org_id
    FROM hosts AS host
    JOIN connections AS connection ON connection.host_id = host.host_id AND connection.state = 'connected'
    JOIN events AS event ON event.host_id = host.host_id
    WHERE host.settings ->> 'automatic_campaigns_since' IS NOT NULL AND host.paused_at IS NULL
      AND event.created_at >= CAST(host.settings ->> 'automatic_campaigns_since' AS timestamptz)
      AND NOT event.has_had_link AND NOT event.is_cancelled AND event.is_enabled IS NOT FALSE
      AND (event.kind = 'on_demand' OR coalesce(event.ends_at, event.starts_at) > clock_timestamp())
      AND NOT EXISTS (
        SELECT 1 FROM campaign_links AS link
        WHERE link.host_id = event.host_id AND link.event_id = event.event_id
      )
    ORDER BY event.created_at LIMIT :most
""")

OWN_STATUSES: Final = {
    StatusMeaning.REGISTERED: MemberStatus("Registered", is_default=True, has_responded=False, sort_order=3),
    StatusMeaning.ATTENDED: MemberStatus("Attended", is_default=False, has_responded=True, sort_order=4),
    StatusMeaning.NO_SHOW: MemberStatus("No-show", is_default=False, has_responded=False, sort_order=5),
    StatusMeaning.CANCELLED: MemberStatus("Cancelled", is_default=False, has_responded=False, sort_order=6),
    StatusMeaning.REPLAY_WATCHED: MemberStatus(
        "Watched replay", is_default=False, has_responded=True, sort_order=7
    ),
}
"""What a campaign of ours gets, by meaning; behind Sent and Responded, with which every campaign begins."""


@dataclass(frozen=True)
class CreationRequest:
    """A campaign to create; dates are days in the event's zone, as ISO texts.

    They follow the event unless a user chose them.
    """

    id: str
    name: str
    type: str | None
    start_date: str | None
    end_date: str | None
    dates_as_of: str
    follows_event: bool = True
    dropped: tuple[str, ...] = ()

    @classmethod
    def of(cls, event: Event, chosen: CampaignToCreate) -> Self:
        """Combine what the user chose with the event's data."""
        start, end = event_days(event)
        return cls(
            id=uuid4().hex,
            name=_name(chosen.name) or _name(event.title) or _name_by_day(start),
            type=chosen.type or ("Webinar" if event.kind in WEBINARS else None),
            start_date=iso_day(chosen.start_date or start),
            end_date=iso_day(chosen.end_date or end),
            dates_as_of=event.snapshot_at.isoformat(),
            follows_event=chosen.start_date is None and chosen.end_date is None,
        )

    @classmethod
    def stored(cls, creation: dict[str, Any]) -> Self:
        kept = {name: creation[name] for name in cls.__dataclass_fields__ if name in creation}
        return cls(**(kept | {"dropped": tuple(kept.get("dropped", ()))}))

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"dropped": list(self.dropped)}


def is_upcoming(event: Event, now: datetime) -> bool:
    """Whether a campaign makes sense: on demand, not over yet, and not called off."""
    ends_at = event.ends_at or event.starts_at
    return not event.is_cancelled and (event.kind == "on_demand" or (ends_at is not None and ends_at > now))


def event_days(event: Event) -> tuple[date | None, date | None]:
    """The first and last day of the event where it takes place; a zone that does not exist is UTC."""
    try:
        zone = ZoneInfo(event.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = ZoneInfo("UTC")
    days = [at.astimezone(zone).date() if at else None for at in (event.starts_at, event.ends_at)]
    start, end = days
    return start, max(start, end) if start and end else end


async def request_campaign(call: EventCall, chosen: CampaignToCreate) -> LinkShown:
    """A link in state `creating`; a worker creates the campaign and its statuses, and links it.

    Raises EventNotFound, EventIsOver, CampaignIsLocked, NotConnected, ConnectionNeedsReconnect.
    """
    key = call.host_id, call.event_id
    async with call.resources.database.tenant(call.host_id) as session:
        event = await require_event(session, *key)
        if not is_upcoming(event, datetime.now(UTC)):
            raise EventIsOver
        await session.get(Connection, call.host_id, with_for_update={"key_share": True})
        connection = await usable_connection(session, call.host_id, settings=call.resources.settings)
        link = await session.get(CampaignLink, key)
        if link is not None and link.state != LinkState.CREATE_FAILED:
            raise CampaignIsLocked(say("detail.linked_to", campaign=link.campaign_name))
        await store_request(session, event, chosen, org_id=connection.org_id, by=call.user_id)
        shown = await link_view(session, *key)
    assert shown is not None
    return shown


async def proposed_campaign(call: EventCall) -> CampaignProposal:
    """What `request_campaign` creates when nothing is chosen. Raises EventNotFound, NotConnected,
    ConnectionNeedsReconnect.
    """
    async with call.resources.database.tenant(call.host_id) as session:
        event = await require_event(session, call.host_id, call.event_id)
        connection = await usable_connection(session, call.host_id, settings=call.resources.settings)
    wish = CreationRequest.of(event, CampaignToCreate())
    return CampaignProposal.model_validate(
        {name: getattr(wish, name) for name in ("name", "type", "start_date", "end_date")}
        | {"is_active": True, "statuses": [each.label for each in OWN_STATUSES.values()]}
        | {"org": connection.org_name or connection.org_id, "is_sandbox": connection.org_is_sandbox}
        | {"can_create": is_upcoming(event, datetime.now(UTC))}
    )


async def request_missing_campaigns(database: Database, *, limit: int = 50) -> int:
    """Request campaigns for new events of hosts that chose so; returns how many.

    Each is requested in its own transaction.
    """
    async with database.system() as session:
        candidates = (await session.execute(CANDIDATES, {"most": limit})).all()
    requested = 0
    for host_id, event_id, org_id in candidates:
        requested += await _request_missing(database, host_id, event_id, org_id=org_id)
    return requested


async def _request_missing(database: Database, host_id: str, event_id: str, *, org_id: str) -> int:
    async with database.tenant(host_id) as session:
        event = await session.get_one(Event, (host_id, event_id), with_for_update=True)
        link = await session.get(CampaignLink, (host_id, event_id))
        if link is not None or event.has_had_link:
            return 0
        await store_request(session, event, CampaignToCreate(), org_id=org_id, by=AUTOMATIC)
    return 1


async def store_request(
    session: AsyncSession, event: Event, chosen: CampaignToCreate, *, org_id: str, by: str
) -> None:
    """Make or renew the event's link in state `creating`, due at once."""
    wish = CreationRequest.of(event, chosen)
    event.has_had_link = True
    link = CampaignLink(
        host_id=event.host_id,
        event_id=event.event_id,
        state=LinkState.CREATING,
        problem_code=None,
        org_id=org_id,
        campaign_id=None,
        campaign_name=wish.name,
        is_active=True,
        statuses={meaning: OWN_STATUSES[meaning].label for meaning in StatusMeaning},
        available_statuses=[],
        creation=wish.as_json(),
        creation_started_at=None,
        creation_due_at=func.clock_timestamp(),
        creation_attempts=0,
        linked_by=by,
    )
    await session.merge(link)
    await session.flush()
    details = {"event_id": event.event_id, "org_id": org_id, "name": wish.name}
    await audit_log.append_entry(
        session, event.host_id, actor=by, action="salesforce.campaign_asked_for", details=details
    )


def _name(given: str | None) -> str | None:
    return shortened(normalize_text(given) or "", NAME_MAX) or None


def _name_by_day(start: date | None) -> str:
    return f"Event on {start.isoformat()}" if start else "Event on demand"


def iso_day(day: date | None) -> str | None:
    return day.isoformat() if day else None
