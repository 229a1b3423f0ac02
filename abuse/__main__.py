"""`make abuse`: attack a service of our own on loopback, and judge what the others felt."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import asyncpg

from abuse.attacks import ATTACKS, EVENT, HOST, LATE_SECONDS
from abuse.verdict import BOUNDS, CALM, HEAD, SYNCED_SECONDS, Row, answers, code, line
from abuse.watch import (
    NEIGHBOURS,
    Felt,
    counted,
    forget_peak,
    idle_since,
    milliseconds,
    neighbour,
    processors,
    watching,
)
from abuse.wire import Target
from bench.rig import Org, Rig, Service
from bench.stage import ARM, PUT_REGISTRATIONS, connect_host
from devtools.local_stack.environment import simulator_environment

SECONDS = 6.0
LONGER = {"connections": 12.0}
"""A head may take ten seconds: what is cut off must be seen."""
SETTLE_SECONDS, POLL_SECONDS = 1.5, 0.1
ALL_SECONDS = 150.0
ROWS = 20_000
SLOWEST = """
SELECT extract(epoch FROM max(coalesce(synced_at, clock_timestamp()) - created_at))::float AS seconds,
       bool_or(synced_at IS NULL) AS waits
FROM sync_jobs WHERE host_id LIKE 'other_%' AND created_at >= $1
"""
"""How long those of the neighbours took from the webhook to Salesforce, or take by now."""
DONE = "UPDATE sync_jobs SET state = 'synced', synced_at = now() WHERE host_id = $1"


def main() -> int:
    begun = time.monotonic()
    say(f"{len(ATTACKS)} attacks of {SECONDS:.0f} s on loopback; stops by itself after {ALL_SECONDS:.0f} s")
    with Rig() as rig:
        # First the org: a service talks to the simulators that it knew when it started.
        org = rig.simulator(is_polite=True)
        env = simulator_environment(org.url, org.session)
        api, worker = rig.api(**env), rig.worker(**env)
        say(f"service, worker and engines run: {time.monotonic() - begun:.0f} s")
        try:
            left = ALL_SECONDS - (time.monotonic() - begun)
            rows = asyncio.run(asyncio.wait_for(run(rig, org, api=api, worker=worker), left))
        except TimeoutError:
            say(f"given up after {ALL_SECONDS:.0f} s")
            return 1
    say("answers to the attackers")
    for row in rows:
        say(answers(row))
    verdict = ("held", "TOO MUCH", "others keep this machine too busy to judge")[code(rows)]
    say(f"abuse: {verdict}, {time.monotonic() - begun:.0f} s")
    return code(rows)


async def run(rig: Rig, org: Org, *, api: Service, worker: Service) -> list[Row]:
    """First without an attack, then each of them."""
    secrets, numbers = rig.secrets, counted()
    owner, member = (secrets.token({HOST: role}, user=role) for role in ("owner", "member"))
    target = Target(api.url, owner, member, rig.webhook_secret)
    rows = []
    async with attackers() as process:
        await prepare(rig, org)
        connection = await rig.sql()
        before = processors()
        await asyncio.sleep(SETTLE_SECONDS)
        quiet = idle_since(before)
        async with watching(target, numbers):
            await asyncio.sleep(SETTLE_SECONDS)
        say(HEAD)
        say(BOUNDS)
        for name in (CALM, *(sys.argv[1:] or ATTACKS)):
            forget_peak(api)
            forget_peak(worker)
            before = processors()
            begun_at = await connection.fetchval("SELECT clock_timestamp()")
            async with watching(target, numbers) as felt:
                answered = await (calm() if name == CALM else attacked(process, name, target))
            idle = quiet if name == CALM else idle_since(before)
            row = row_of(name, felt, api=api, worker=worker, answered=answered, idle=idle)
            rows.append(replace(row, synced_max=await slowest_since(connection, begun_at)))
            say(line(rows[-1]))
            await asyncio.sleep(SETTLE_SECONDS)
    await connection.close()
    return rows


def row_of(
    name: str, felt: Felt, *, api: Service, worker: Service, answered: dict[str, int], idle: float
) -> Row:
    return Row(
        name,
        lives_p99=milliseconds(felt.lives, 0.99),
        lives_max=milliseconds(felt.lives, 1),
        webhooks_p99=milliseconds(felt.webhooks, 0.99),
        webhooks_max=milliseconds(felt.webhooks, 1),
        webhooks=felt.statuses(),
        synced_max=float("inf"),
        api_mib=api.peak_mebibytes,
        worker_mib=worker.peak_mebibytes,
        answers=answered,
        idle=idle,
    )


async def slowest_since(connection: "asyncpg.Connection[Any]", begun_at: datetime) -> float:
    """Seconds until the slowest of the neighbours' registrations since then was in Salesforce.

    What is not there beyond the bound is not waited for.
    """
    while True:
        found = await connection.fetchrow(SLOWEST, begun_at)
        assert found is not None
        if found["seconds"] is None:
            return float("inf")
        if not found["waits"] or found["seconds"] > SYNCED_SECONDS:
            return float(found["seconds"])
        await asyncio.sleep(POLL_SECONDS)


async def prepare(rig: Rig, org: Org) -> None:
    """A hostile host with many rows, and its neighbours, each with an org of its own."""
    org_id = await connect_host(rig, org, host_id=HOST, event_id=EVENT, org_id="00DHOSTILE")
    for number in range(NEIGHBOURS):
        await connect_host(rig, org, host_id=neighbour(number), org_id=f"00DOTHER{number:04}")
    connection = await rig.sql()
    await connection.execute(PUT_REGISTRATIONS, HOST, EVENT, 1, ROWS)
    await connection.execute(ARM, HOST, EVENT, org_id, 10, "link", 1, ROWS)
    await connection.execute(DONE, HOST)
    await connection.execute("ANALYZE registrations, sync_jobs")
    await connection.close()


async def calm() -> dict[str, int]:
    await asyncio.sleep(SECONDS)
    return {}


@asynccontextmanager
async def attackers() -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that takes attacks and answers with their counts, line by line."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "abuse.attacks", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        await said_by(process)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def said_by(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    said = await asyncio.wait_for(process.stdout.readline(), max(LONGER.values()) + 2 * LATE_SECONDS)
    assert said, "the attackers ended by themselves"
    return said


async def attacked(process: asyncio.subprocess.Process, name: str, target: Target) -> dict[str, int]:
    """Run the attack; what it was answered."""
    assert process.stdin is not None
    asked = {"name": name, "target": asdict(target), "seconds": LONGER.get(name, SECONDS)}
    process.stdin.write(json.dumps(asked).encode() + b"\n")
    found: dict[str, int] = json.loads(await said_by(process))
    return found


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
