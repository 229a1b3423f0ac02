"""What must be done from time to time: every chore has its own period and fails on its own."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import text

from app.api.dependencies import Resources
from app.campaigns.backfill import ANY_RUNNING, enqueue_backfill_chunk, finish_backfills
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
from app.operations.flow import count_flow
from app.preflight.service import ANY_REQUESTED, run_requested_preflights
from app.privacy.late_writes import redact_late_writes
from app.privacy.past_events import remove_overdue
from app.verification.run import ANY_DUE, run_verifications
from workers.liveness import Liveness
from workers.loops import run_periodically
from workers.notifier import review_notified, send_notifications
from workers.retention import purge

HOUR = 3600.0
CHUNKS_PER_RUN = 10
newest = NewestNote()
NOTE_SECONDS = 30.0
LOOK_SECONDS = 0.75
"""So long what was looked up together is taken for true: less than any period."""
NOTE_SUCCESSES = text("""
    INSERT INTO chore_runs AS run (chore, succeeded_at)
    SELECT chore, clock_timestamp() - make_interval(secs => age)
    FROM unnest(CAST(:chores AS text[]), CAST(:ages AS float8[])) AS done (chore, age) ORDER BY chore
    ON CONFLICT (chore) DO UPDATE SET succeeded_at = greatest(run.succeeded_at, excluded.succeeded_at)
""")
TURN_SECONDS = 600.0
"""For chores that call Salesforce for one connection after another."""


@dataclass(frozen=True)
class PeriodicTask:
    """Something to do about every `every` seconds, in each worker: doing it twice must be harmless.

    A turn that takes longer than `within` seconds is cancelled; the next one goes on from what is committed.
    `due`: a condition in SQL without which there is nothing to do; empty: its turn finds out.
    """

    name: str
    every: float
    run: Callable[[Resources], Awaitable[object]]
    within: float = TURN_SECONDS
    due: str = ""


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
    PeriodicTask("arm backfills", 1.0, enqueue_backfills, due=ANY_RUNNING),
    PeriodicTask("finish backfills", 3.0, _in_database(finish_backfills), due=ANY_RUNNING),
    PeriodicTask("campaigns", 2.0, process_campaigns),
    PeriodicTask("campaign dates", 30.0, follow_events),
    PeriodicTask("revocations", 30.0, retry_revocations),
    PeriodicTask("unconfirmed grants", 10.0, give_back_overdue),
    PeriodicTask("preflights", 2.0, run_requested_preflights, due=ANY_REQUESTED),
    PeriodicTask("verifications", 2.0, run_verifications, due=ANY_DUE),
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
    work, notes = DueWork(resources.database, chores), SuccessNotes(resources.database)
    async with asyncio.TaskGroup() as group:
        for chore in chores:
            turn = partial(_do, resources, chore, work, notes)
            loop = run_periodically(
                chore.name, turn, every=chore.every, stop=stop, within=chore.within, liveness=liveness
            )
            group.create_task(loop)


async def _do(resources: Resources, chore: PeriodicTask, work: "DueWork", notes: "SuccessNotes") -> None:
    if await work.has(chore.name):
        await chore.run(resources)
    await notes.done(chore.name)


class SuccessNotes:
    """Writes when chores were done: each twice a minute at most, and all that were done since in one
    statement.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._done_at: dict[str, float] = {}
        self._written_at: dict[str, float] = {}
        self._turn = asyncio.Lock()

    async def done(self, chore: str) -> None:
        """Note that the chore came to its end just now."""
        self._done_at[chore] = time.monotonic()
        async with self._turn:
            if time.monotonic() - self._written_at.get(chore, float("-inf")) >= NOTE_SECONDS:
                await self._write()

    async def _write(self) -> None:
        now, done_at = time.monotonic(), dict(self._done_at)
        values = {"chores": list(done_at), "ages": [now - at for at in done_at.values()]}
        async with self._database.system() as session:
            await session.execute(NOTE_SUCCESSES, values)
        self._written_at |= dict.fromkeys(done_at, now)
        self._done_at = {chore: at for chore, at in self._done_at.items() if at > done_at.get(chore, 0.0)}


class DueWork:
    """Asks for all chores together, in one statement, whether they have anything to do."""

    def __init__(self, database: Database, chores: Sequence[PeriodicTask]) -> None:
        self._database = database
        conditions = {chore.name: chore.due for chore in chores if chore.due}
        self._asked = tuple(conditions)
        self._question = text(f"SELECT {', '.join(conditions.values())}")
        self._is_due: dict[str, bool] = {}
        self._looked_at = float("-inf")
        self._turn = asyncio.Lock()

    async def has(self, chore: str) -> bool:
        """Whether there was anything to do within the last LOOK_SECONDS; True where only a turn can tell."""
        if chore not in self._asked:
            return True
        async with self._turn:
            if time.monotonic() - self._looked_at >= LOOK_SECONDS:
                await self._look()
        return self._is_due[chore]

    async def _look(self) -> None:
        looked_at = time.monotonic()
        async with self._database.system() as session:
            row = (await session.execute(self._question)).one()
        self._is_due = dict(zip(self._asked, row, strict=True))
        self._looked_at = looked_at
