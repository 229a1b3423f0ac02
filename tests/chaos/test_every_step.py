"""A worker dies at its first, second, third … step: its successor loses and doubles nothing."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from app.api.dependencies import Resources
from app.main import open_resources
from app.sync.engine.org_drain import DrainContext
from app.sync.model.batch import CHECKED_IN, REGISTERED
from app.sync.model.reference_tags import reference_tag, references_in
from app.webhooks.ingest import ingest
from tests.chaos.steps import Died, MortalDatabase, MortalTransport, Steps
from tests.deliveries import delivery, event, registration, webhook
from tests.factories import NOW
from tests.integration.sync.conftest import HOST, Rig, engine_of

MOST_STEPS = 200
PREPARED = 70
LEASE_SECONDS, QUIET_SECONDS = 30.0, 800.0
RESTING = {"synced", "failed", "skipped"}


@dataclass
class Worker:
    """One that dies at a given step, and a successor with the same database and org."""

    rig: Rig
    resources: Resources
    mortal: MortalDatabase
    batch_size: int = 1000

    @property
    def engine(self) -> DrainContext:
        settings = self.resources.settings.model_copy(update={"batch_size_max": self.batch_size})
        return engine_of(replace(self.resources, database=self.mortal, settings=settings), worker_id="mortal")

    async def dies(self, step: int) -> bool:
        """Drain until that step; says whether it came to that."""
        self.mortal.mortal.steps = Steps(dies_at=step)
        try:
            await self.rig.drain(engine=self.engine)
        except Died:
            return True
        return self.mortal.mortal.steps.has_died

    async def is_inherited(self) -> None:
        """The dead one's lease runs out, and another worker drains until all is at rest."""
        await self.rig.pass_time(LEASE_SECONDS)
        for _ in range(6):
            await self.rig.drain()
            if set((await self.rig.states()).values()) <= RESTING:
                return
            await self.rig.pass_time(QUIET_SECONDS)


@pytest.fixture
async def worker(rig: Rig, mortal_database: MortalDatabase) -> Any:
    transport = MortalTransport(rig.org.transport, mortal_database.mortal)
    async with open_resources(rig.engine.settings, transport=transport) as resources:
        yield Worker(rig, resources, mortal_database)


async def register_all(rig: Rig) -> None:
    """Registrations that stand in Salesforce, one for each step that there may be."""
    for number in range(1, PREPARED + 1):
        await rig.registered(number)
    await rig.drain()


async def all_steps(worker: Worker, begin: Callable[[int], Awaitable[None]], *, up_to: int = 0) -> int:
    """Start over for each step and die at it; returns the number of steps.

    What was prepared for steps that there are not is begun at the end, up to that number.
    """
    for step in range(1, up_to or MOST_STEPS):
        await begin(step)
        has_died = await worker.dies(step)
        await worker.is_inherited()
        if not has_died:
            break
    else:
        raise AssertionError(f"still not through after {step} steps")
    for number in range(step + 1, up_to + 1):
        await begin(number)
    await worker.is_inherited()
    return step


async def expect_once(rig: Rig, count: int, *, slots: tuple[str, ...], status: str) -> None:
    """One Lead, one member of that status and one Task of each kind for each of `count` registrations."""
    leads = Counter(row["Email"] for row in await rig.records("Lead"))
    assert leads == {f"otter{number}@example.com": 1 for number in range(1, count + 1)}
    found = Counter(ref for row in await rig.records("Task") for ref in references_in(row["Description"]))
    references = [
        reference_tag(HOST, rig.org.org_id, f"reg_{number:05}", slot)
        for number in range(1, count + 1)
        for slot in slots
    ]
    assert found == Counter(references)
    members = await rig.records("CampaignMember")
    assert (Counter(row["Status"] for row in members), set((await rig.states()).values())) == (
        {status: count},
        {"synced"},
    )


async def test_registration_survives_a_worker_that_dies_at_any_step(worker: Worker) -> None:
    rig = worker.rig
    await rig.link(await rig.org.campaign())

    async def register(number: int) -> None:
        await rig.registered(number)

    steps = await all_steps(worker, register)
    assert steps > 20
    await expect_once(rig, steps, slots=(REGISTERED,), status="Sent")


async def test_rows_taken_ahead_survive_a_worker_that_dies_at_any_step(worker: Worker) -> None:
    """Batches of one: while one row is written, the next one is claimed and read already."""
    rig, worker.batch_size = worker.rig, 1
    await rig.link(await rig.org.campaign())

    async def register_two(number: int) -> None:
        await rig.registered(2 * number - 1)
        await rig.registered(2 * number)

    steps = await all_steps(worker, register_two)
    assert steps > 60
    await expect_once(rig, 2 * steps, slots=(REGISTERED,), status="Sent")


async def test_check_in_survives_a_worker_that_dies_at_any_step(worker: Worker) -> None:
    rig = worker.rig
    await rig.link(await rig.org.campaign())

    async def check_in(number: int) -> None:
        await rig.change(f"reg_{number:05}", checked_in_at=NOW + timedelta(days=3))

    await register_all(rig)
    assert await all_steps(worker, check_in, up_to=PREPARED) > 20
    await expect_once(rig, PREPARED, slots=(REGISTERED, CHECKED_IN), status="Responded")


async def test_cancellation_survives_a_worker_that_dies_at_any_step(worker: Worker) -> None:
    rig = worker.rig
    await rig.link(await rig.org.campaign(labels=["Gone"]), cancelled="Gone")

    async def cancel(number: int) -> None:
        await rig.change(f"reg_{number:05}", status="cancelled", cancelled_at=NOW + timedelta(days=1))

    await register_all(rig)
    assert await all_steps(worker, cancel, up_to=PREPARED) > 20
    await expect_once(rig, PREPARED, slots=(REGISTERED,), status="Gone")


async def test_webhook_survives_an_api_that_dies_at_any_step(
    rig: Rig, mortal_database: MortalDatabase
) -> None:
    """The sender tries again after each death, since no answer came."""
    for step in range(1, MOST_STEPS):
        payload = registration(id=f"reg_{step}", attendee={"email": f"otter{step}@example.com"})
        sent = delivery(webhook(event=event(), registration=payload), webhook_id=f"msg_{step}")
        mortal_database.mortal.steps = Steps(dies_at=step)
        has_died = False
        try:
            async with mortal_database.system() as session:
                await ingest(session, [sent], pepper=rig.engine.pepper)
        except Died:
            has_died = True
        async with rig.database.system() as session:
            await ingest(session, [sent], pepper=rig.engine.pepper)
        job = await rig.job(f"reg_{step}")
        assert (job.requested_version, job.state) == (1, "pending")
        if not has_died:
            break
    assert 5 < step < MOST_STEPS
