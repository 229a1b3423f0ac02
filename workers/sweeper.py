"""The guarantee behind the wake-ups: finds orgs with work in Postgres alone and drains them here."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from app.sync.jobs.claim import DueOrg
from workers.drain_pool import DrainPool
from workers.loops import jittered

FindOrgs = Callable[[], Awaitable[Sequence[DueOrg]]]

SHORTEST_SECONDS = 0.2
"""Between two looks, however fast drains end: an org that another worker holds must not make us spin."""


async def sweep(drains: DrainPool, find_orgs: FindOrgs, *, every: float, seen: set[str]) -> None:
    """One look and the wait for the next; an org without a slot shortens it to the next free one.

    `seen` are the orgs that the last look found: a worker with a backlog takes no others, where there are
    other workers.
    """
    found = [org for org in await find_orgs() if not drains.is_draining(org.org_id)]
    drains.freed.clear()
    new = {org.org_id for org in found} - seen
    seen.clear()
    seen.update(org.org_id for org in found)
    if drains.lets_others_go_first:
        found = [org for org in found if org.org_id not in new]
    refused = [org for org in found if drains.start(org.org_id, is_slow=org.is_slow) is None]
    await asyncio.sleep(min(SHORTEST_SECONDS, every))
    try:
        async with asyncio.timeout(jittered(every)):
            await (drains.freed.wait() if refused else asyncio.Event().wait())
    except TimeoutError:
        return
