"""The stored layers of a mapping, and the failed rows that a change of it sets going again."""

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.hosts.rows import require_event
from app.models import BACKFILL, Host, Mapping
from app.states import GeneralLinks
from app.sync.model.mapping_rules import MappingRules
from app.sync.model.write_settings import WriteSettings

HOST_LEVEL: Final = ""

# Rows are locked in the order of their keys, as everywhere. What failed in another org stays as it is.
BROKEN: Final = """
    FROM sync_jobs AS job
    JOIN connections USING (host_id)
    WHERE job.host_id = :host_id AND job.org_id = connections.org_id
      AND coalesce(job.settled_state, job.state) = 'failed' AND job.state IN ('pending', 'failed')
      AND job.error_class = 'configuration'
      AND (CAST(:event_id AS text) = '' OR job.event_id = :event_id)
"""
REARM: Final = text(f"""
    WITH broken AS (
        SELECT job.host_id, job.registration_id {BROKEN}
        ORDER BY job.host_id, job.registration_id
        FOR UPDATE OF job
    )
    UPDATE sync_jobs AS job
    SET state = 'pending', requested_version = job.requested_version + 1, due_at = clock_timestamp(),
        priority = :priority, reason = 'retry', requested_by = :requested_by, attempts = 0,
        worker_crashes = 0, waiting_for = NULL, skipped_because = NULL, settled_state = NULL
    FROM broken
    WHERE job.host_id = broken.host_id AND job.registration_id = broken.registration_id
    RETURNING job.org_id
""")  # noqa: S608 -- put together from constants
COUNT_BROKEN: Final = text(f"SELECT count(*) {BROKEN}")


@dataclass(frozen=True)
class Stored:
    """One stored level of a mapping; version 0 if it was never saved."""

    layer: MappingOf[str, Any] = field(default_factory=dict)
    version: int = 0
    updated_at: datetime | None = None
    updated_by: str | None = None


@dataclass(frozen=True)
class Layers:
    """The host's mapping, and one event's over it (None: the host's own is meant).

    `general_links` is what the host's registrations without a Salesforce id create.
    """

    host: Stored
    event: Stored | None = None
    general_links: GeneralLinks = "as_mapping"

    @property
    def rules(self) -> MappingRules:
        """What holds: the event's choices over the host's over the defaults."""
        return MappingRules.of(self.host.layer, self.event.layer if self.event else None)

    @property
    def rules_of_all_links(self) -> MappingRules:
        """The same, together with what general links create."""
        return self.rules.with_general_links(self.general_links)

    @property
    def own(self) -> Stored:
        return self.event or self.host


async def read_layers(session: AsyncSession, host_id: str, event_id: str | None) -> Layers:
    """What is stored. Raises EventNotFound."""
    if event_id is not None:
        await require_event(session, host_id, event_id)
    levels = [HOST_LEVEL, *([event_id] if event_id is not None else [])]
    query = select(Mapping).where(Mapping.host_id == host_id, Mapping.event_id.in_(levels))
    found = {
        row.event_id: Stored(row.layer, row.version, row.updated_at, row.updated_by)
        for row in await session.scalars(query.execution_options(populate_existing=True))
    }
    event = None if event_id is None else found.get(event_id, Stored())
    settings = await session.scalar(select(Host.settings).where(Host.host_id == host_id)) or {}
    return Layers(found.get(HOST_LEVEL, Stored()), event, WriteSettings.of(settings).general_links)


async def layers_by_event(session: AsyncSession, host_id: str) -> dict[str, MappingOf[str, Any]]:
    """What each event of the host chose over the host's own."""
    query = select(Mapping.event_id, Mapping.layer).where(
        Mapping.host_id == host_id, Mapping.event_id != HOST_LEVEL
    )
    return {row.event_id: row.layer for row in await session.execute(query)}


async def write_layer(
    session: AsyncSession, host_id: str, event_id: str | None, *, layer: MappingOf[str, Any], by: str
) -> None:
    """Replace the stored layer; the caller holds the host's lock."""
    row = insert(Mapping).values(
        host_id=host_id, event_id=event_id or HOST_LEVEL, layer=dict(layer), updated_by=by
    )
    changed = {
        "layer": row.excluded.layer,
        "updated_by": row.excluded.updated_by,
        "updated_at": func.clock_timestamp(),
        "version": Mapping.version + 1,
    }
    await session.execute(
        row.on_conflict_do_update(index_elements=[Mapping.host_id, Mapping.event_id], set_=changed)
    )


async def requeue_failed(session: AsyncSession, host_id: str, event_id: str | None, *, by: str) -> list[str]:
    """Queue the rows again that failed for how things are set up, below live work: one statement.

    Returns the org of each.
    """
    values = {
        "host_id": host_id,
        "event_id": event_id or HOST_LEVEL,
        "priority": BACKFILL,
        "requested_by": by,
    }
    return list(await session.scalars(REARM, values))


async def count_failed(session: AsyncSession, host_id: str, event_id: str | None) -> int:
    """How many rows `requeue_failed` would queue."""
    values = {"host_id": host_id, "event_id": event_id or HOST_LEVEL}
    return int(await session.scalar(COUNT_BROKEN, values) or 0)
