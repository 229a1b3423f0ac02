"""How a verification goes on, waits, ends and outlives its worker."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, text, update

from app.api.errors import NeverVerified, VerifyRunning
from app.config.settings import Settings
from app.infrastructure.database import Database
from app.models import Event, Host, OrgLease, Registration, Verification
from app.privacy.erasure import ErasureRequest, erase
from app.verification import run
from app.verification.run import run_verifications
from tests.factories import NOW
from tests.integration.sync.conftest import EVENT, HOST, opened_rig
from tests.integration.verification.conftest import Verifier
from workers.retention import purge

SOON = timedelta(minutes=20)


class WatchedTransport(httpx.AsyncBaseTransport):
    """Does something once, before the next call that reads records by id goes out."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        if self.meanwhile is not None and request.url.path.endswith("/composite"):
            act, self.meanwhile = self.meanwhile, None
            await act()
        return answer


@pytest.fixture
async def watched(database: Database, settings: Settings) -> AsyncIterator[tuple[Verifier, WatchedTransport]]:
    seen: list[WatchedTransport] = []

    def wrap(transport: Any) -> WatchedTransport:
        seen.append(WatchedTransport(transport))
        return seen[-1]

    async with opened_rig(database, settings, wrap=wrap) as rig:
        yield Verifier(rig), seen[0]


async def test_an_event_that_was_never_verified(verifier: Verifier) -> None:
    with pytest.raises(NeverVerified):
        await verifier.read()


async def test_one_runs_at_a_time(verifier: Verifier) -> None:
    await verifier.written()
    shown = await verifier.start()
    assert (shown.state, shown.checked, shown.total) == ("running", 0, 1)
    with pytest.raises(VerifyRunning):
        await verifier.start()
    await verifier.turn()
    assert (await verifier.start()).state == "running"


async def test_an_event_without_records_is_done_without_a_call(verifier: Verifier) -> None:
    before = await verifier.calls()
    shown = await verifier.verify()
    assert (shown.state, shown.total, await verifier.calls()) == ("done", 0, before)


async def test_it_goes_on_portion_by_portion(verifier: Verifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "PORTIONS_PER_TURN", 1)
    regs = await verifier.written(5)
    await verifier.rig.delete("Task", await verifier.record(regs[4], "task:registered"))
    await verifier.start()
    seen = [(shown.state, shown.checked) for shown in [await verifier.turn(portion=2) for _ in range(3)]]
    assert seen == [("running", 2), ("running", 4), ("done", 5)]
    assert await verifier.kinds() == [(regs[4], "missing_activity")]


async def test_live_work_goes_first(verifier: Verifier) -> None:
    await verifier.written()
    await verifier.rig.registered(2)
    before = await verifier.calls()
    shown = await verifier.verify()
    assert (shown.state, shown.checked, await verifier.calls()) == ("running", 0, before)
    await verifier.rig.drain()
    assert (await verifier.turn()).state == "done"


async def test_it_waits_at_one_percent_of_the_orgs_daily_calls_over_all_events(verifier: Verifier) -> None:
    await verifier.written()
    await verifier.connection(api_limit=200)
    async with verifier.rig.database.system() as session:
        session.add(
            Verification(
                host_id=HOST, verification_id="vf_other", event_id="evt_other", org_id="00D", state="done",
                total=1, calls_today=2, calls_day=func.date_trunc("day", func.now()), requested_by="user_17",
            )
        )  # fmt: skip
    before = await verifier.calls()
    shown = await verifier.verify()
    assert (shown.state, await verifier.calls()) == ("paused", before)
    assert shown.resumes_at is not None
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    assert shown.resumes_at == datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=UTC)
    async with verifier.rig.database.system() as session:
        yesterday = func.date_trunc("day", func.now()) - timedelta(days=1)
        await session.execute(update(Verification).values(calls_day=yesterday))
    assert (await verifier.turn()).state == "done"


async def test_it_counts_its_calls_against_the_day(verifier: Verifier) -> None:
    await verifier.written()
    before = await verifier.calls()
    await verifier.verify()
    stored = await verifier.run()
    assert await verifier.calls() - before == stored.api_calls == stored.calls_today == 1
    assert stored.calls_day is not None
    assert stored.calls_day.date() == datetime.now(UTC).date()


async def set_host_pause(verifier: Verifier, at: datetime | None) -> None:
    async with verifier.rig.database.system() as session:
        await session.execute(update(Host).where(Host.host_id == HOST).values(paused_at=at))


async def set_event_pause(verifier: Verifier, at: datetime | None) -> None:
    async with verifier.rig.database.system() as session:
        await session.execute(update(Event).where(Event.event_id == EVENT).values(paused_at=at))


async def set_org_pause(verifier: Verifier, at: datetime | None) -> None:
    async with verifier.rig.database.system() as session:
        await session.execute(update(OrgLease).values(paused_at=at))


async def set_needs_reconnect(verifier: Verifier, at: datetime | None) -> None:
    await verifier.connection(state="needs_reconnect" if at else "connected")


@pytest.mark.parametrize(
    "close",
    [set_host_pause, set_event_pause, set_org_pause, set_needs_reconnect],
    ids=lambda each: each.__name__,
)
async def test_it_waits_at_a_gate_that_a_person_opens(
    verifier: Verifier, close: Callable[[Verifier, datetime | None], Awaitable[None]]
) -> None:
    await verifier.written()
    await verifier.start()
    await close(verifier, NOW)
    before = await verifier.calls()
    shown = await verifier.turn()
    assert (shown.state, shown.resumes_at, await verifier.calls()) == ("paused", None, before)
    await close(verifier, None)
    assert (await verifier.turn()).state == "done"


async def set_org_backoff(verifier: Verifier, at: datetime) -> None:
    async with verifier.rig.database.system() as session:
        await session.execute(update(OrgLease).values(not_before=at))


async def set_host_backoff(verifier: Verifier, at: datetime) -> None:
    await verifier.connection(fault_until=at, fault_code="internal_fault", fault_count=1)


async def set_share_used_up(verifier: Verifier, at: datetime) -> None:
    await verifier.connection(api_closed_until=at)


@pytest.mark.parametrize(
    "close", [set_org_backoff, set_host_backoff, set_share_used_up], ids=lambda each: each.__name__
)
async def test_it_says_when_it_goes_on(
    verifier: Verifier, close: Callable[[Verifier, datetime], Awaitable[None]]
) -> None:
    await verifier.written()
    until = datetime.now(UTC) + SOON
    await close(verifier, until)
    shown = await verifier.verify()
    assert (shown.state, shown.resumes_at) == ("paused", until)
    await close(verifier, datetime.now(UTC) - SOON)
    assert (await verifier.turn()).state == "done"


@pytest.mark.parametrize("changes", [{"state": "disconnected", "refresh_token": None}, {"org_id": "00Dxx"}])
async def test_a_disconnect_or_another_org_ends_it(verifier: Verifier, changes: dict[str, Any]) -> None:
    await verifier.written()
    await verifier.start()
    await verifier.connection(**changes)
    before = await verifier.calls()
    shown = await verifier.turn()
    assert (shown.state, shown.checked, await verifier.calls()) == ("ended", 0, before)
    assert shown.finished_at is not None
    assert (await verifier.turn()).state == "ended"


async def test_another_org_does_not_wait_for_the_end_of_the_first(verifier: Verifier) -> None:
    await verifier.written()
    await verifier.start()
    async with verifier.rig.database.system() as session:
        await session.execute(update(Verification).values(org_id="00Dxx"))
    assert (await verifier.start()).state == "running"


async def test_an_answer_that_was_lost_is_asked_for_again(verifier: Verifier) -> None:
    await verifier.written()
    await verifier.rig.org.fault("html", status=503)
    shown = await verifier.verify()
    assert (shown.state, shown.checked) == ("paused", 0)
    assert shown.resumes_at is not None
    assert (await verifier.turn()).state == "done"


async def test_another_worker_takes_up_what_a_crash_left(
    watched: tuple[Verifier, WatchedTransport],
) -> None:
    verifier, between = watched
    regs = await verifier.written(3)
    await verifier.rig.delete("Task", await verifier.record(regs[0], "task:registered"))

    async def crash() -> None:
        raise KeyboardInterrupt

    between.meanwhile = crash
    await verifier.start()
    with pytest.raises(KeyboardInterrupt):
        await run_verifications(verifier.rig.resources)
    assert await run_verifications(verifier.rig.resources) == 0, "nobody takes it up while it may be at work"
    shown = await verifier.turn()
    assert (shown.state, shown.checked, shown.in_order) == ("done", 3, 2)
    assert await verifier.kinds() == [(regs[0], "missing_activity")]


async def test_who_was_overtaken_stores_nothing(
    watched: tuple[Verifier, WatchedTransport], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "PORTIONS_PER_TURN", 1)
    verifier, between = watched
    regs = await verifier.written(4)
    await verifier.rig.delete("Task", await verifier.record(regs[0], "task:registered"))

    async def overtake() -> None:
        shown = [await verifier.turn(portion=1) for _ in range(2)]
        assert [each.checked for each in shown] == [1, 2]

    between.meanwhile = overtake
    await verifier.start()
    await run_verifications(verifier.rig.resources, portion=1)
    assert [(await verifier.read()).checked, len(await verifier.differences())] == [2, 1]
    monkeypatch.setattr(run, "PORTIONS_PER_TURN", 50)
    shown = await verifier.turn(portion=1)
    assert (shown.state, shown.checked, shown.in_order) == ("done", 4, 3)


async def test_what_is_written_meanwhile_is_no_difference(
    watched: tuple[Verifier, WatchedTransport], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "ROUND_SECONDS", 0)
    verifier, between = watched
    [reg] = await verifier.written()

    async def check_in() -> None:
        await verifier.rig.change(reg, checked_in_at=NOW)
        await verifier.rig.drain()

    # Before the first answer is held against what was stored then, the member is raised.
    member = await verifier.record(reg, "member")
    await verifier.rig.edit("CampaignMember", member, Status="Sent")
    between.meanwhile = check_in
    shown = await verifier.verify()
    assert (shown.items, shown.in_order) == ([], 1)


async def test_an_erasure_takes_differences_with_it(verifier: Verifier) -> None:
    regs = await verifier.written(2)
    for reg in regs:
        await verifier.rig.delete("Task", await verifier.record(reg, "task:registered"))
    await verifier.verify()
    await erase_registration(verifier, regs[0])
    assert [each.registration_id for each in await verifier.differences()] == [regs[1]]
    shown = await verifier.verify()
    assert (shown.total, await verifier.kinds()) == (1, [(regs[1], "missing_activity")])


async def test_who_is_erased_meanwhile_leaves_no_difference(
    watched: tuple[Verifier, WatchedTransport],
) -> None:
    verifier, between = watched
    [reg] = await verifier.written()
    await verifier.rig.delete("Task", await verifier.record(reg, "task:registered"))

    async def erased() -> None:
        await erase_registration(verifier, reg)

    between.meanwhile = erased
    await verifier.verify()
    assert await verifier.differences() == []


async def test_one_after_another_keeps_the_differences_of_the_last_alone(verifier: Verifier) -> None:
    regs = await verifier.written(2)
    for reg in regs:
        await verifier.rig.delete("Task", await verifier.record(reg, "task:registered"))
    for _ in range(3):
        await verifier.verify()
        assert len(await verifier.differences()) == 2


async def test_both_are_kept_for_thirty_days(verifier: Verifier) -> None:
    [reg] = await verifier.written()
    await verifier.rig.delete("Task", await verifier.record(reg, "task:registered"))
    await verifier.verify()
    for days, left in ((29, (1, 1)), (2, (0, 0))):
        async with verifier.rig.database.system() as session:
            past = f"interval '{days} days'"
            await session.execute(text(f"UPDATE verifications SET started_at = started_at - {past}"))
            await session.execute(text(f"UPDATE verification_differences SET found_at = found_at - {past}"))
        await purge(verifier.rig.database)
        async with verifier.rig.database.system() as session:
            runs = await session.scalar(select(func.count()).select_from(Verification))
        assert (runs, len(await verifier.differences())) == left


async def erase_registration(verifier: Verifier, reg: str) -> None:
    async with verifier.rig.database.system() as session:
        registration = await session.get_one(Registration, (HOST, reg))
        wish = ErasureRequest(HOST, datetime.now(UTC), None, registration.attendee["email"], (reg,))
        await erase(session, wish, pepper=verifier.rig.engine.pepper, by="user_17")
