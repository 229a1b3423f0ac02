"""What must be done from time to time: every chore has its own period and fails on its own."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert

from app.api.dependencies import Resources
from app.campaigns.backfill import enqueue_backfill_chunk, finish_backfills
from app.campaigns.campaign_creation import create_campaigns
from app.campaigns.creation_requests import request_missing_campaigns
from app.campaigns.date_sync import DATES_AT_ONCE, sync_campaign_dates
from app.connections.grants.revocation import retry_revocations
from app.connections.keep_alive import keep_alive
from app.connections.oauth.unconfirmed import give_back_overdue
from app.connections.tokens.probe import probe_closed
from app.infrastructure.clock_skew import compare_clocks
from app.infrastructure.database import Database
from app.infrastructure.restored_copy import NewestNote
from app.models import ChoreRun
from app.operations.flow import count_flow
from app.preflight.service import run_requested_preflights
from app.privacy.late_writes import redact_late_writes
from app.privacy.past_events import remove_overdue
from app.verification.run import run_verifications
from workers.liveness import Liveness
from workers.loops import run_periodically
from workers.notifier import review_notified, send_notifications
from workers.retention import purge

HOUR = 3600.0
CHUNKS_PER_RUN = 10
newest = NewestNote()
NOTE_SECONDS = 30.0
TURN_SECONDS = 600.0
"""For chores that call Salesforce for one connection after another."""


@dataclass(frozen=True)
class PeriodicTask:
    """Something to do about every `every` seconds, in each worker: doing it twice must be harmless.

    A turn that takes longer than `within` seconds is cancelled; the next one goes on from what is committed.
    """

    name: str
    every: float
    run: Callable[[Resources], Awaitable[object]]
    within: float = TURN_SECONDS


def _in_database(run: Callable[[Database], Awaitable[object]]) -> Callable[[Resources], Awaitable[object]]:
    """The same for whoever needs the database alone."""
    return lambda resources: run(resources.database)


async def enqueue_backfills(resources: Resources) -> None:
    """Arm a few chunks of the backfills that wait, and wake their orgs after each."""
    for _ in range(CHUNKS_PER_RUN):
        armed = await enqueue_backfill_chunk(resources.database)
        if not armed:
            return
        await resources.wakeups.announce(armed)


async def process_campaigns(resources: Resources) -> None:
    """Create requested and automatic campaigns."""
    await request_missing_campaigns(resources.database)
    await create_campaigns(resources)


async def follow_events(resources: Resources) -> None:
    """Move the dates of created campaigns with their events: the search reads all of their links."""
    for _ in range(CHUNKS_PER_RUN):
        if await sync_campaign_dates(resources) < DATES_AT_ONCE:
            return


async def purge_old_rows(resources: Resources) -> int:
    """Delete rows that had their time, by the operator's settings."""
    settings = resources.settings
    return await purge(
        resources.database,
        deliveries_days=settings.keep_deliveries_days,
        history_days=settings.keep_history_days,
    )


async def remove_personal_data(resources: Resources) -> int:
    """Remove personal data of past events where hosts chose so."""
    return await remove_overdue(resources.database, pepper=resources.settings.hash_pepper)


async def note_newest_change(resources: Resources) -> None:
    """Keep in Valkey how far the database has come."""
    await newest.write(resources.database, resources.wakeups)


PERIODIC_TASKS = (
    PeriodicTask("arm backfills", 1.0, enqueue_backfills),
    PeriodicTask("finish backfills", 3.0, _in_database(finish_backfills)),
    PeriodicTask("campaigns", 2.0, process_campaigns),
    PeriodicTask("campaign dates", 30.0, follow_events),
    PeriodicTask("revocations", 30.0, retry_revocations),
    PeriodicTask("unconfirmed grants", 10.0, give_back_overdue),
    PeriodicTask("preflights", 2.0, run_requested_preflights),
    PeriodicTask("verifications", 2.0, run_verifications),
    PeriodicTask("notifications", 1.0, send_notifications),
    PeriodicTask("notified conditions", 5.0, review_notified),
    PeriodicTask("keep alive", HOUR, keep_alive),
    PeriodicTask("probe closed connections", HOUR, probe_closed),
    PeriodicTask("newest change", 5.0, note_newest_change),
    PeriodicTask("clock", 60.0, _in_database(compare_clocks)),
    PeriodicTask("flow", 60.0, _in_database(count_flow)),
    PeriodicTask("erasures", 60.0, _in_database(redact_late_writes)),
    PeriodicTask("past events", HOUR, remove_personal_data),
    PeriodicTask("purge", HOUR, purge_old_rows),
)


async def run_periodic_tasks(
    resources: Resources,
    chores: Sequence[PeriodicTask],
    *,
    stop: asyncio.Event,
    liveness: Liveness | None = None,
) -> None:
    """Do every chore in its own rhythm until `stop`."""
    async with asyncio.TaskGroup() as group:
        for chore in chores:
            turn = partial(_do, resources, chore, SuccessNote(resources.database, chore.name))
            loop = run_periodically(
                chore.name, turn, every=chore.every, stop=stop, within=chore.within, liveness=liveness
            )
            group.create_task(loop)


async def _do(resources: Resources, chore: PeriodicTask, note: "SuccessNote") -> None:
    await chore.run(resources)
    await note.write()


class SuccessNote:
    """Writes when a chore was done; of one that is done every second, twice a minute."""

    def __init__(self, database: Database, chore: str) -> None:
        self._database = database
        self._chore = chore
        self._written_at = float("-inf")

    async def write(self) -> None:
        if time.monotonic() - self._written_at < NOTE_SECONDS:
            return
        row = insert(ChoreRun).values(chore=self._chore)
        newest = {"succeeded_at": func.clock_timestamp()}
        async with self._database.system() as session:
            await session.execute(row.on_conflict_do_update(index_elements=[ChoreRun.chore], set_=newest))
        self._written_at = time.monotonic()
