"""What the Salesforce package saves: the time from a lost answer to certainty, and what it costs in calls."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.sync.engine.drain import drain
from bench.calls import Case, cases, drain_all
from bench.rig import UNFINISHED, Rig
from bench.sizes import Size
from bench.stage import connect_host, register

COMPARED = ("lone_new", "lone_known", "burst_200", "backfill_new")
MOST = 2_000
"""Attendees of a backfill: both sides have as many."""
PEPPER = "5e" * 32
"""Without one people have no keys."""
IN_DOUBT = 20.0
"""Instead of the 780 s that a lost write may take to land against Salesforce; ratios are of this."""
HTTP_TOTAL = 2.0
PAUSE = 0.02
LOST = {"kept": "reset_after_write", "not_kept": "reset_before_write"}
"""Whether Salesforce did what was asked for before the answer was lost."""
SIDES: Mapping[str, dict[str, Any]] = {"without": {}, "with": {"package": {}}}
"""The switches of the org."""


async def measure(rig: Rig, size: Size) -> dict[str, Any]:
    """Both in an org without the package and in one with it."""
    compared = [replace(case, count=min(case.count, MOST)) for case in cases(size) if case.name in COMPARED]
    calls = {case.name: {side: await _calls(rig, case, side) for side in SIDES} for case in compared}
    lost = {name: {side: await _lost(rig, fault, side) for side in SIDES} for name, fault in LOST.items()}
    return {"calls": calls, "lost": lost, "in_doubt_seconds": IN_DOUBT}


async def _calls(rig: Rig, case: Case, side: str) -> float:
    """Calls per attendee."""
    org_id = await _host(rig, side)
    case.prepare(rig.org, case.count)
    await register(rig, 1, case.count, org_id=org_id, is_live=case.is_live)
    before = rig.org.calls()
    await drain_all(rig, org_id, pepper=PEPPER)
    calls = rig.org.calls() - before
    _check_tasks(rig, case.count)
    return calls / case.count


async def _lost(rig: Rig, fault: str, side: str) -> dict[str, float]:
    """Seconds and calls from the loss of the answer to one attendee's writes until he is at rest.

    Another attendee was written before, so that nothing is asked for that is asked once a day.
    """
    org_id = await _host(rig, side)
    await register(rig, 2, 2, org_id=org_id, is_live=True)
    await drain_all(rig, org_id, pepper=PEPPER)
    await register(rig, 1, 1, org_id=org_id, is_live=True)
    rig.org.arm(kind=fault, count=1, match={"is_write": True, "sobject": "Lead"})
    times = rig.settings().times.model_copy(update={"in_doubt": IN_DOUBT, "http_total": HTTP_TOTAL})
    async with rig.engine(pepper=PEPPER, times=times) as (engine, _):
        lost_at, before = 0.0, 0
        while await _is_unfinished(rig):
            await drain(engine, org_id, stop=asyncio.Event())
            if not lost_at and rig.org.has_fired():
                lost_at, before = time.perf_counter(), rig.org.calls()
            await asyncio.sleep(PAUSE)
    seconds, calls = time.perf_counter() - lost_at, rig.org.calls() - before
    if not lost_at:
        raise AssertionError("no answer was lost")
    _check_tasks(rig, 2)
    return {"seconds": seconds, "calls": calls}


async def _host(rig: Rig, side: str) -> str:
    """A connected host of an org with nobody in it."""
    await rig.empty()
    rig.org.configure(**SIDES[side])
    return await connect_host(rig, rig.org)


def _check_tasks(rig: Rig, expected: int) -> None:
    written = rig.org.count("Task")
    if written != expected:
        raise AssertionError(f"{written} of {expected} tasks were written")


async def _is_unfinished(rig: Rig) -> bool:
    connection = await rig.sql()
    try:
        return bool(await connection.fetchval(UNFINISHED, "%"))
    finally:
        await connection.close()
