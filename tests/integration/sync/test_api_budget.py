"""The host's share of the org's API calls: measured, stopped at, shown, and resumed without help."""

from typing import Any

from sqlalchemy import update

from app.models import Connection, Host
from app.operations.overview import read_overview
from app.registrations.schemas import Stats
from app.registrations.stats import event_stats
from app.sync.jobs.claim import orgs_with_work
from tests.factories_events import event_for, job_for, registration_for
from tests.integration.sync.conftest import EVENT, HOST, Rig

OTHER_ORG = "00D5g000004XyZbEAK"


async def stats(rig: Rig) -> Stats:
    async with rig.database.tenant(HOST) as session:
        return await event_stats(session, HOST, EVENT)


async def written(rig: Rig) -> list[int]:
    return [len(await rig.records(each)) for each in ("Lead", "Task")]


async def use(rig: Rig, used: int) -> None:
    await rig.org.configure(api_limit={"max": 10_000, "used": used})


async def test_use_is_measured_and_shown_with_our_share(rig: Rig) -> None:
    await use(rig, 7_900)
    await rig.registered(1)
    await rig.drain()
    shown = (await stats(rig)).budget
    assert shown is not None
    calls = (await rig.org.calls())["total"]
    assert (shown.org_used, shown.org_limit, shown.stop_at) == (7_900 + calls, 10_000, 8_000)
    assert (shown.is_stopped, shown.resumes_at, shown.calls_today) == (False, None, calls)
    assert shown.measured_at is not None


async def test_from_79_to_81_percent_nothing_more_is_written_and_it_goes_on_by_itself(rig: Rig) -> None:
    await use(rig, 7_900)
    first = await rig.registered(1)
    await rig.drain()
    assert (await rig.states(), await written(rig)) == ({first: "synced"}, [1, 1])

    await use(rig, 8_100)
    second = await rig.registered(2)
    await rig.drain()
    stopped = await stats(rig)
    assert stopped.budget is not None
    assert (await rig.states(), await written(rig)) == ({first: "synced", second: "pending"}, [1, 1])
    assert (stopped.budget.is_stopped, stopped.pending_because.api_budget) == (True, 1)
    assert stopped.budget.resumes_at is not None
    assert (await rig.job(second)).attempts == 0

    looked = (await rig.org.calls())["total"]
    for _ in range(3):
        assert await orgs_with_work(rig.database, limit=10) == []
        await rig.drain()
    assert (await rig.org.calls())["total"] == looked

    await rig.pass_time(1_000)
    await rig.drain()
    assert (await rig.states())[second] == "pending"
    assert (await rig.org.calls())["total"] == looked + 1

    await use(rig, 500)
    await rig.pass_time(1_000)
    assert [due.org_id for due in await orgs_with_work(rig.database, limit=10)] == [rig.org.org_id]
    await rig.drain()
    resumed = await stats(rig)
    assert resumed.budget is not None
    assert (await rig.states())[second] == "synced"
    assert (resumed.budget.is_stopped, resumed.pending_because.api_budget) == (False, 0)


async def test_limit_that_is_met_in_the_middle_stops_before_the_next_look(rig: Rig) -> None:
    await use(rig, 7_998)
    first = await rig.registered(1)
    await rig.drain()
    second = await rig.registered(2)
    await rig.drain()
    assert await rig.states() == {first: "synced", second: "pending"}
    shown = (await stats(rig)).budget
    assert shown is not None
    assert shown.is_stopped


async def test_each_host_stops_at_its_own_share(rig: Rig) -> None:
    await use(rig, 8_100)
    async with rig.database.system() as session:
        await session.execute(update(Host).values(api_cap_percent=90))
    reg = await rig.registered(1)
    await rig.drain()
    assert await rig.states() == {reg: "synced"}


async def test_another_org_is_not_touched_by_a_used_up_budget(rig: Rig) -> None:
    await use(rig, 8_100)
    await rig.registered(1)
    await rig.drain()
    async with rig.database.system() as session:
        mine = await session.get_one(Connection, HOST)
        values: dict[str, Any] = {
            column.name: getattr(mine, column.name)
            for column in Connection.__table__.columns
            if column.name not in ("host_id", "org_id", "api_used", "api_closed_until", "api_measured_at")
        }
        other = Connection(host_id="host_b", org_id=OTHER_ORG, api_used=10, **values)
        session.add_all([Host(host_id="host_b"), other])
        await session.flush()
        session.add_all([event_for("host_b"), registration_for(1, host_id="host_b")])
        await session.flush()
        session.add(job_for(1, host_id="host_b", org_id=OTHER_ORG))
    assert [due.org_id for due in await orgs_with_work(rig.database, limit=10)] == [OTHER_ORG]
    async with rig.database.system() as session:
        overview = await read_overview(session)
    assert [(each.host_id, each.closed_until is not None) for each in overview.budgets] == [
        ("host_a", True),
        ("host_b", False),
    ]
