"""Salesforce API calls per attendee, for every way in which attendees come, beside the plain script."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from simple_salesforce.exceptions import SalesforceError

from app.sync.engine.drain import drain
from bench.peer import Script
from bench.rig import Rig
from bench.sizes import Size
from bench.stage import connect_host, know, know_elsewhere, register

HIT_EVERY = 50
"""One in so many is refused by a duplicate rule: 2 %."""
SCRIPT_MAX = 50
"""The script's calls per attendee do not depend on how many there are."""


@dataclass(frozen=True)
class Case:
    """`count` attendees at once; `prepare` puts into the org who is there already."""

    name: str
    count: int
    prepare: Callable[[Any, int], None]
    is_live: bool = False


def nobody(org: Any, count: int) -> None:
    """An org that knows none of them."""


def everybody(org: Any, count: int) -> None:
    know(org, range(1, count + 1))


def half(org: Any, count: int) -> None:
    know(org, range(2, count + 1, 2))


def some_elsewhere(org: Any, count: int) -> None:
    know_elsewhere(org, range(HIT_EVERY, count + 1, HIT_EVERY))


def cases(size: Size) -> list[Case]:
    return [
        Case("lone_new", 1, nobody, is_live=True),
        Case("lone_known", 1, everybody, is_live=True),
        Case("burst_200", 200, nobody, is_live=True),
        Case("backfill_new", size.backfill, nobody),
        Case("backfill_known", size.backfill, everybody),
        Case("backfill_half_known", size.backfill, half),
        Case("backfill_2_percent_duplicates", size.backfill, some_elsewhere),
    ]


async def measure(rig: Rig, size: Size) -> dict[str, Any]:
    """Calls per attendee of each case: ours and the script's, against the same org."""
    return {case.name: await measure_case(rig, case) for case in cases(size)}


async def measure_case(rig: Rig, case: Case) -> dict[str, Any]:
    """One case: calls per attendee, ours and the script's."""
    await rig.empty()
    case.prepare(rig.org, case.count)
    org_id = await connect_host(rig, rig.org)
    await register(rig, 1, case.count, org_id=org_id, is_live=case.is_live)
    ours = await _calls_of(rig, lambda: drain_all(rig, org_id))
    written = rig.org.count("Task")
    if written != case.count:
        raise AssertionError(f"{case.name}: {written} of {case.count} tasks were written")
    script_count = min(case.count, SCRIPT_MAX)
    rig.org.reset()
    case.prepare(rig.org, script_count)
    script = Script.of(rig.org)
    theirs = await _calls_of(rig, lambda: asyncio.to_thread(_script, script, script_count))
    return {"ours": ours / case.count, "peer": theirs / script_count, "attendees": case.count}


async def drain_all(rig: Rig, org_id: str, **settings: Any) -> None:
    """Drain as often as there is more to do."""
    async with rig.engine(**settings) as (engine, _):
        while await drain(engine, org_id, stop=asyncio.Event()):
            continue


async def _calls_of(rig: Rig, work: Callable[[], Awaitable[None]]) -> int:
    before = rig.org.calls()
    await work()
    return rig.org.calls() - before


def _script(script: Script, count: int) -> None:
    for number in range(1, count + 1):
        # A plain script gives up on whom a duplicate rule refuses: that attendee is lost.
        with suppress(SalesforceError):
            script.add(number)
