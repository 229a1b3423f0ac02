"""Change what holds for events, many at once in a few statements; rows follow in the same transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from sqlalchemy import ColumnElement, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.backfill import start_for_switched_on
from app.event_settings.schemas import EventSettingsShown, EventSettingsToSet
from app.hosts.kind_settings import EventWrites, Switch
from app.hosts.rows import connected_orgs
from app.models import Event, Host
from app.sync.model.batch import WriteToggles

# What the platform told stays in the registration; ambiguous and running rows come to rest by themselves.
SKIP_ROWS: Final = text("""
    WITH off AS (
        SELECT job.host_id, job.registration_id FROM sync_jobs AS job
        JOIN connections ON connections.host_id = job.host_id AND connections.org_id = job.org_id
        WHERE job.host_id = :host_id AND job.event_id = ANY(:event_ids)
          AND job.state IN ('pending', 'held', 'failed')
        ORDER BY job.host_id, job.registration_id
        FOR UPDATE OF job
    )
    UPDATE sync_jobs AS job
    SET state = CASE WHEN job.settled_state = 'synced' THEN 'synced' ELSE 'skipped' END,
        skipped_because = CASE WHEN job.settled_state = 'synced' THEN job.skipped_because
                               ELSE 'switched_off' END,
        settled_state = NULL, waiting_for = NULL,
        written_version = job.requested_version, error_class = NULL, error_code = NULL, group_id = NULL,
        error = NULL, first_error_at = NULL, last_error_at = NULL
    FROM off
    WHERE job.host_id = off.host_id AND job.registration_id = off.registration_id
""")


@dataclass(frozen=True)
class EventSwitches:
    """An event's own choices; what it did not choose is the host's, for events of its kind."""

    event_id: str
    kind: str
    is_enabled: bool | None
    writes: Mapping[str, bool]
    version: int

    @classmethod
    def of(cls, event: Event) -> Self:
        return cls(
            event.event_id, event.kind, event.is_enabled, event.writes or {}, event.settings_version or 0
        )

    @property
    def is_on(self) -> bool:
        return self.is_enabled is not False

    def after(self, wanted: EventSettingsToSet) -> "EventSwitches":
        """The choices after a change: the same value where nothing changes."""
        is_enabled = wanted.enabled if wanted.sets_enabled else self.is_enabled
        chosen = {**self.writes, **wanted.kinds}
        writes = {kind: is_on for kind, is_on in chosen.items() if is_on is not None}
        if (is_enabled, writes) == (self.is_enabled, self.writes):
            return self
        return replace(self, is_enabled=is_enabled, writes=writes, version=self.version + 1)

    def shown(self, host_settings: Mapping[str, Any]) -> EventSettingsShown:
        """What holds, with whose choice it is."""
        effective = vars(WriteToggles.of(host_settings, self.writes, event_kind=self.kind))
        writes = {kind: switch(value, is_own=kind in self.writes) for kind, value in effective.items()}
        return EventSettingsShown(
            enabled=switch(self.is_on, is_own=self.is_enabled is not None),
            writes=EventWrites(**writes),
            version=self.version,
        )


@dataclass(frozen=True)
class SwitchChanges:
    """The choices of events before and after a change, newest start first."""

    before: Sequence[EventSwitches]
    after: Sequence[EventSwitches]

    @property
    def changed(self) -> list[EventSwitches]:
        return [now for was, now in zip(self.before, self.after, strict=True) if now is not was]

    def turned(self, *, on: bool) -> list[str]:
        """The events that are on now and were not, or the other way round."""
        pairs = zip(self.before, self.after, strict=True)
        return [now.event_id for was, now in pairs if now.is_on is on and was.is_on is not on]


def switch(value: bool, *, is_own: bool) -> Switch:
    return Switch(value=value, from_="event" if is_own else "host")


async def host_settings(session: AsyncSession, host_id: str) -> dict[str, Any]:
    """The host's settings as they are stored."""
    host = await session.get(Host, host_id)
    return (host.settings if host else None) or {}


async def plan_changes(
    session: AsyncSession,
    host_id: str,
    wanted: EventSettingsToSet,
    *where: ColumnElement[bool],
    is_locked: bool,
) -> SwitchChanges:
    """What the change would make of the events, locked in the order of their keys where it is to be made."""
    query = select(Event).where(Event.host_id == host_id, *where).order_by(Event.event_id)
    if is_locked:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    events = sorted(await session.scalars(query), key=_newest_first)
    before = [EventSwitches.of(event) for event in events]
    return SwitchChanges(before, [each.after(wanted) for each in before])


async def apply_changes(session: AsyncSession, host_id: str, changes: SwitchChanges, *, by: str) -> set[str]:
    """Store the choices of locked events and let their rows follow; returns the orgs to wake."""
    by_choice: dict[tuple[bool | None, tuple[tuple[str, bool], ...]], list[str]] = {}
    for each in changes.changed:
        by_choice.setdefault((each.is_enabled, tuple(sorted(each.writes.items()))), []).append(each.event_id)
    for (is_enabled, writes), event_ids in by_choice.items():
        values: dict[str, Any] = {"is_enabled": is_enabled, "writes": dict(writes)}
        await session.execute(
            update(Event)
            .where(Event.host_id == host_id, Event.event_id.in_(event_ids))
            .values(values | {"settings_version": Event.settings_version + 1})
            .execution_options(synchronize_session=False)
        )
    if off := changes.turned(on=False):
        await session.execute(SKIP_ROWS, {"host_id": host_id, "event_ids": off})
    on = changes.turned(on=True)
    if not on:
        return set()
    await start_for_switched_on(session, host_id, on, requested_by=by)
    return await connected_orgs(session, host_id)


def _newest_first(event: Event) -> tuple[float, str]:
    return (-event.starts_at.timestamp() if event.starts_at else float("inf"), event.event_id)
