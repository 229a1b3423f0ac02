"""Read what streams send: the same objects that the other endpoints return."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import exists, select

from app.api.auth import Principal, Role
from app.api.dependencies import Resources
from app.api.errors import EventNotFound
from app.campaigns.links import link_view
from app.connections.card import load_card
from app.live.changes import Changed
from app.live.subscriber import StreamMessage
from app.models import Event, Registration
from app.registrations.context import load_context
from app.registrations.listing import rows_of
from app.registrations.schemas import Stats
from app.registrations.stats import event_stats
from app.states import BackfillState

EVENTS_MAX = 500


@dataclass(frozen=True)
class Snapshots:
    """Reads snapshots of one host in the language that is spoken now; each read is a short transaction.

    `aging`: the events whose stats, as they were read last, time alone may change.
    """

    resources: Resources
    host_id: str
    aging: set[str] = field(default_factory=set)

    async def stats(self, event_id: str, *, number: int) -> Sequence[StreamMessage]:
        """Nothing for an event that is not there."""
        is_configured = self.resources.settings.has_shared_app
        async with self.resources.database.tenant(self.host_id) as session:
            try:
                stats = await event_stats(session, self.host_id, event_id, is_configured=is_configured)
            except EventNotFound:
                self.aging.discard(event_id)
                return ()
        (self.aging.add if may_age(stats) else self.aging.discard)(event_id)
        return (StreamMessage("stats", number, stats.model_dump_json(), event_id),)

    async def link(self, event_id: str, *, number: int) -> Sequence[StreamMessage]:
        """The link, or null."""
        async with self.resources.database.tenant(self.host_id) as session:
            link = await link_view(session, self.host_id, event_id)
        return (StreamMessage("link", number, link.model_dump_json() if link else "null", event_id),)

    async def card(self, role: Role, hosts: frozenset[str], *, number: int) -> Sequence[StreamMessage]:
        """The card as this role sees it, with a token that names these hosts."""
        nobody = Principal("", dict.fromkeys(hosts, Role.MEMBER) | {self.host_id: role}, frozenset())
        card = await load_card(self.resources, self.host_id, nobody)
        return (StreamMessage("card", number, card.model_dump_json(), role=role, hosts=hosts),)

    async def rows(self, event_id: str, changed: Iterable[Changed]) -> Sequence[StreamMessage]:
        """The rows that count, each with the number of its change."""
        numbers = {each.registration_id: each.number for each in changed if each.event_id == event_id}
        if not numbers:
            return []
        async with self.resources.database.tenant(self.host_id) as session:
            context = await load_context(session, self.host_id, event_id)
            rows = await rows_of(session, context, list(numbers))
        return [
            StreamMessage(
                "row", numbers[row.registration_id], row.model_dump_json(), event_id, row.registration_id
            )
            for row in rows
        ]

    async def event_ids(self) -> list[str]:
        """Return the host's events with registrations, the latest first, at most 500."""
        has_anybody = exists().where(
            Registration.host_id == Event.host_id, Registration.event_id == Event.event_id
        )
        query = (
            select(Event.event_id)
            .where(Event.host_id == self.host_id, has_anybody)
            .order_by(Event.starts_at.desc().nulls_last(), Event.event_id)
            .limit(EVENTS_MAX)
        )
        async with self.resources.database.tenant(self.host_id) as session:
            return list(await session.scalars(query))


def may_age(stats: Stats) -> bool:
    """Whether time alone may change them: back-offs end, budgets resume, a backfill's end comes nearer."""
    is_stopped = stats.budget is not None and stats.budget.is_stopped
    is_filling = stats.backfill is not None and stats.backfill.state == BackfillState.RUNNING
    return stats.counts.pending > 0 or is_stopped or is_filling
