"""What must be done from time to time: every chore has its own period and fails on its own."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from app.api.dependencies import Resources
from app.campaigns.auto_create import ask_automatically
from app.campaigns.backfill import arm_backfills, finish_backfills
from app.campaigns.campaign_creation import create_campaigns
from app.campaigns.date_sync import follow_events
from app.connections.grants.revocation import retry_revocations
from app.connections.keep_alive import keep_alive
from app.connections.oauth.unconfirmed import give_back_overdue
from app.connections.tokens.probe import probe_closed
from app.infrastructure.clock_skew import compare_clocks
from app.preflight.service import run_wanted_preflights
from app.privacy.erasure import keep_erased
from workers.loops import repeat
from workers.retention import purge

HOUR = 3600.0
CHUNKS_A_TURN = 10
TURN_SECONDS = 600.0
"""For chores that call Salesforce for one connection after another."""


@dataclass(frozen=True)
class Chore:
    """Something to do about every `every` seconds, in each worker: doing it twice must be harmless.

    A turn that takes longer than `within` seconds is cancelled; the next one goes on from what is committed.
    """

    name: str
    every: float
    run: Callable[[Resources], Awaitable[object]]
    within: float = TURN_SECONDS


async def arm_linked(resources: Resources) -> None:
    """Arm a few chunks of the backfills that wait, and wake their orgs after each."""
    for _ in range(CHUNKS_A_TURN):
        armed = await arm_backfills(resources.database)
        if not armed:
            return
        await resources.wakeups.announce(armed)


async def finish_linked(resources: Resources) -> None:
    """Close the backfills whose last job came to rest."""
    await finish_backfills(resources.database)


async def make_campaigns(resources: Resources) -> None:
    """Create the campaigns that hosts asked for, or want for every new event, and let their dates follow."""
    await ask_automatically(resources.database)
    await create_campaigns(resources)
    await follow_events(resources)


async def purge_old_rows(resources: Resources) -> None:
    """Delete what has had its time."""
    await purge(resources.database)


async def keep_erasures(resources: Resources) -> None:
    """Leave nothing behind of attendees that were erased while they were being written."""
    await keep_erased(resources.database)


async def look_at_clock(resources: Resources) -> None:
    """Say in the log when our clock is far from the database's."""
    await compare_clocks(resources.database)


CHORES = (
    Chore("arm backfills", 1.0, arm_linked),
    Chore("finish backfills", 3.0, finish_linked),
    Chore("campaigns", 2.0, make_campaigns),
    Chore("revocations", 30.0, retry_revocations),
    Chore("unconfirmed grants", 10.0, give_back_overdue),
    Chore("preflights", 2.0, run_wanted_preflights),
    Chore("keep alive", HOUR, keep_alive),
    Chore("probe closed connections", HOUR, probe_closed),
    Chore("clock", 60.0, look_at_clock),
    Chore("erasures", 60.0, keep_erasures),
    Chore("purge", HOUR, purge_old_rows),
)


async def keep_house(resources: Resources, chores: Sequence[Chore], *, stop: asyncio.Event) -> None:
    """Do every chore in its own rhythm until `stop`."""
    async with asyncio.TaskGroup() as group:
        for chore in chores:
            turn = partial(_once, chore, resources)
            loop = repeat(chore.name, turn, every=chore.every, stop=stop, within=chore.within)
            group.create_task(loop)


async def _once(chore: Chore, resources: Resources) -> None:
    await chore.run(resources)
