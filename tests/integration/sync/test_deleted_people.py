"""People whom we wrote and who were deleted for good: with the right to see all, absent means gone."""

import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.models import Connection, SyncAttempt
from app.preflight.service import run_preflight
from tests.factories import NOW
from tests.integration.sync.concurrent_changes import InterruptingTransport
from tests.integration.sync.conftest import HOST, Rig, opened_rig
from tests.integration.sync.recording import Recorder

EMAIL = "otter1@example.com"
QUESTION = "ObjectPermissions"
DAY = 24 * 3600


@pytest.fixture
async def watched(database: Database, settings: Settings) -> AsyncIterator[tuple[Rig, Recorder]]:
    seen: list[Recorder] = []

    def wrap(transport: Any) -> Recorder:
        seen.append(Recorder(transport))
        return seen[-1]

    async with opened_rig(database, settings, wrap=wrap) as rig:
        yield rig, seen[0]


async def may_view_all(rig: Rig, *objects: str) -> None:
    """The connected user has a permission set that shows every record of these objects."""
    async with rig.database.system() as session:
        user_id = (await session.get_one(Connection, HOST)).user_id
    sets = [{"name": "View_All", "view_all": list(objects), "users": [user_id]}] if objects else []
    await rig.org.configure(permission_sets=sets)


async def purge(rig: Rig, sobject: str, record_id: str) -> None:
    await rig.delete(sobject, record_id)
    answer = await rig.org.control.post("/empty-bin")
    assert answer.json()["emptied"] >= 1


async def person_of(rig: Rig, reg: str) -> str:
    return str((await rig.slots(reg))["person"].sf_id)


def questions(recorder: Recorder) -> int:
    return sum(QUESTION in str(each) for each in recorder.requests)


@pytest.mark.parametrize("number", [1, 30], ids=["alone", "among others"])
async def test_who_sees_all_leads_knows_that_an_absent_one_is_gone(rig: Rig, *, number: int) -> None:
    await may_view_all(rig, "Lead")
    await rig.link(await rig.org.campaign())
    regs = [await rig.registered(each) for each in range(1, number + 1)]
    await rig.drain()
    gone = await person_of(rig, regs[0])
    await purge(rig, "Lead", gone)
    await rig.change(regs[0], checked_in_at=NOW)
    for reg in regs[1:]:
        await rig.requeue(reg)
    await rig.drain()
    assert await rig.states() == dict.fromkeys(regs, "synced")
    leads = {lead["Id"] for lead in await rig.records("Lead")}
    new = await person_of(rig, regs[0])
    assert (len(leads), new in leads, gone in leads) == (number, True, False)
    members = await rig.records("CampaignMember")
    assert [each["Status"] for each in members if each["LeadId"] == new] == ["Responded"]
    assert {task["WhoId"] for task in await rig.records("Task")} >= {new}
    async with rig.database.system() as session:
        query = select(SyncAttempt.requests).where(SyncAttempt.registration_id == regs[0])
        sent = [each for requests in await session.scalars(query) for each in requests]
    assert sum('"LastName"' in json.dumps(each) for each in sent) == 2


@pytest.mark.parametrize("kind", ["Contact", "Lead"])
async def test_who_is_gone_is_matched_by_e_mail_before_anybody_is_created(rig: Rig, kind: str) -> None:
    await may_view_all(rig, "Lead", "Contact")
    names = {"LastName": "Otter", "Email": EMAIL} | ({"Company": "River"} if kind == "Lead" else {})
    [first] = await rig.org.seed(kind, names)
    reg = await rig.registered(1)
    await rig.drain()
    assert await person_of(rig, reg) == first
    [second] = await rig.org.seed("Contact", {"LastName": "Otter", "Email": EMAIL})
    await purge(rig, kind, first)
    await rig.requeue(reg)
    await rig.drain()
    assert ((await rig.job(reg)).state, await person_of(rig, reg)) == ("synced", second)
    assert await rig.records("Lead") == []


async def test_a_match_that_was_converted_is_followed(rig: Rig) -> None:
    await may_view_all(rig, "Lead")
    reg = await rig.registered(1)
    await rig.drain()
    first = await person_of(rig, reg)
    [contact] = await rig.org.seed("Contact", {"LastName": "Otter", "Email": "other@example.com"})
    converted = {"LastName": "Otter", "Company": "River", "Email": EMAIL, "IsConverted": True}
    await rig.org.seed("Lead", {**converted, "ConvertedContactId": contact})
    await purge(rig, "Lead", first)
    await rig.requeue(reg)
    await rig.drain()
    assert ((await rig.job(reg)).state, await person_of(rig, reg)) == ("synced", contact)


@pytest.mark.parametrize("how", ["in the bin", "purged"])
@pytest.mark.parametrize("is_known", [False, True], ids=["created", "found by e-mail"])
async def test_the_person_who_takes_the_place_of_a_deleted_one_joins_the_campaign(
    rig: Rig, *, how: str, is_known: bool
) -> None:
    await may_view_all(rig, "Lead")
    await rig.link(await rig.org.campaign())
    reg = await rig.registered(1)
    await rig.drain()
    first = await person_of(rig, reg)
    if is_known:
        await rig.org.seed("Contact", {"LastName": "Otter", "Email": EMAIL})
    await (rig.delete if how == "in the bin" else partial(purge, rig))("Lead", first)
    for _ in range(2):
        await rig.requeue(reg)
        await rig.drain()
        assert (await rig.job(reg)).state == "synced"
        person = await person_of(rig, reg)
        [member] = await rig.records("CampaignMember")
        assert person in (member["LeadId"], member["ContactId"])
        assert (member["Status"], person == first) == ("Sent", False)
    [member] = await rig.records("CampaignMember")
    await rig.delete("CampaignMember", member["Id"])
    await rig.requeue(reg)
    await rig.drain()
    assert await rig.records("CampaignMember") == []


@pytest.mark.parametrize("create", ["lead", "nobody"])
async def test_whoever_is_gone_is_created_by_the_hosts_rule(rig: Rig, create: str) -> None:
    await may_view_all(rig, "Lead")
    reg = await rig.registered(1)
    await rig.drain()
    await purge(rig, "Lead", await person_of(rig, reg))
    await rig.choose(people={"create": create})
    await rig.requeue(reg)
    await rig.drain()
    assert (await rig.job(reg)).state == {"lead": "synced", "nobody": "skipped"}[create]
    assert len(await rig.records("Lead")) == (create == "lead")


@pytest.mark.parametrize(
    ("granted", "switches"),
    [
        pytest.param([], {}, id="no right"),
        pytest.param(["Contact"], {}, id="of the other object"),
        pytest.param(["Lead"], {"hidden_objects": ["ObjectPermissions"]}, id="cannot be asked"),
    ],
)
async def test_without_that_right_an_absent_record_is_deleted_or_hidden(
    rig: Rig, *, granted: list[str], switches: dict[str, Any]
) -> None:
    await may_view_all(rig, *granted)
    await rig.org.configure(**switches)
    reg = await rig.registered(1)
    await rig.drain()
    await purge(rig, "Lead", await person_of(rig, reg))
    await rig.requeue(reg)
    await rig.drain()
    job = await rig.job(reg)
    assert (job.state, job.error_code, await rig.records("Lead")) == ("failed", "RECORD_NOT_VISIBLE", [])
    await rig.requeue(reg, reason="retry")
    await rig.drain()
    assert ((await rig.job(reg)).state, len(await rig.records("Lead"))) == ("synced", 1)


@pytest.mark.parametrize("fault", ["error", "html", "truncate"])
async def test_a_question_that_gets_no_answer_leaves_it_open(rig: Rig, fault: str) -> None:
    await may_view_all(rig, "Lead")
    reg = await rig.registered(1)
    await rig.drain()
    await purge(rig, "Lead", await person_of(rig, reg))
    await rig.org.fault(fault, match={"body": QUESTION}, count=1)
    await rig.requeue(reg)
    await rig.drain()
    assert (await rig.job(reg)).error_code == "RECORD_NOT_VISIBLE"
    assert await rig.records("Lead") == []


async def test_whoever_is_shown_while_we_ask_is_no_second_person(
    database: Database, settings: Settings
) -> None:
    seen: list[InterruptingTransport] = []

    def wrap(transport: Any) -> InterruptingTransport:
        seen.append(InterruptingTransport(transport))
        return seen[-1]

    async with opened_rig(database, settings, wrap=wrap) as rig:
        reg = await rig.registered(1)
        await rig.drain()
        await rig.org.configure(hidden_records=[await person_of(rig, reg)])

        async def act() -> None:
            await rig.org.configure(hidden_records=[])
            await may_view_all(rig, "Lead")

        seen[0].marks, seen[0].act = lambda request: QUESTION.encode() in request.content, act
        await rig.requeue(reg)
        await rig.drain()
        assert seen[0].act is None
        assert (await rig.job(reg)).state == "synced"
        assert [each["Id"] for each in await rig.records("Lead")] == [await person_of(rig, reg)]


async def test_the_contact_behind_a_converted_lead_is_judged_by_the_right_on_contacts(rig: Rig) -> None:
    await may_view_all(rig, "Lead")
    [lead] = await rig.org.seed("Lead", {"LastName": "Otter", "Company": "River", "Email": EMAIL})
    reg = await rig.registered(1)
    await rig.drain()
    answer = await rig.org.control.post("/convert", json={"leadId": lead})
    assert answer.status_code == 200, answer.text
    [contact] = await rig.records("Contact")
    await rig.org.configure(hidden_records=[contact["Id"]])
    await rig.requeue(reg)
    await rig.drain()
    assert (await rig.job(reg)).error_code == "RECORD_NOT_VISIBLE"
    assert len(await rig.records("Contact")) == 1


@pytest.mark.parametrize(("granted", "state"), [(("Contact",), "failed"), (("Account", "Contact"), "synced")])
async def test_in_an_org_of_person_accounts_contacts_need_the_right_on_accounts_too(
    rig: Rig, *, granted: tuple[str, ...], state: str
) -> None:
    await rig.org.configure(has_person_accounts=True)
    await may_view_all(rig, *granted)
    [first] = await rig.org.seed("Contact", {"LastName": "Otter", "Email": EMAIL})
    reg = await rig.registered(1)
    await rig.drain()
    assert await person_of(rig, reg) == first
    await purge(rig, "Contact", first)
    await rig.requeue(reg)
    await rig.drain()
    assert (await rig.job(reg)).state == state


async def test_an_org_where_nobody_is_absent_is_never_asked(watched: tuple[Rig, Recorder]) -> None:
    rig, recorder = watched
    reg = await rig.registered(1)
    await rig.drain()
    before = len(recorder.requests)
    await rig.requeue(reg)
    await rig.drain()
    assert (questions(recorder), len(recorder.requests) - before) == (0, 1)


async def test_a_no_is_believed_for_a_day_and_ends_with_a_preflight(watched: tuple[Rig, Recorder]) -> None:
    rig, recorder = watched
    regs = [await rig.registered(number) for number in (1, 2, 3)]
    await rig.drain()
    for reg in regs:
        await purge(rig, "Lead", await person_of(rig, reg))
    for reg, seconds, expected in zip(regs, (0, DAY - 60, 120), (1, 1, 2), strict=True):
        await rig.pass_time(seconds)
        await rig.requeue(reg)
        await rig.drain()
        assert ((await rig.job(reg)).error_code, questions(recorder)) == ("RECORD_NOT_VISIBLE", expected)
    await may_view_all(rig, "Lead")
    await run_preflight(rig.resources, HOST)
    await rig.requeue(regs[0])
    await rig.drain()
    assert ((await rig.job(regs[0])).state, questions(recorder)) == ("synced", 3)


async def test_a_yes_is_believed_for_minutes(watched: tuple[Rig, Recorder]) -> None:
    rig, recorder = watched
    await may_view_all(rig, "Lead")
    regs = [await rig.registered(number) for number in (1, 2, 3)]
    await rig.drain()
    for reg in regs[:2]:
        await purge(rig, "Lead", await person_of(rig, reg))
        await rig.requeue(reg)
        await rig.drain()
    assert (await rig.states(), questions(recorder)) == (dict.fromkeys(regs, "synced"), 1)
    await rig.pass_time(301)
    await may_view_all(rig)
    await rig.org.configure(hidden_records=[await person_of(rig, regs[2])])
    await rig.requeue(regs[2])
    await rig.drain()
    assert ((await rig.job(regs[2])).error_code, questions(recorder)) == ("RECORD_NOT_VISIBLE", 2)


async def test_what_one_user_sees_says_nothing_of_the_next(watched: tuple[Rig, Recorder]) -> None:
    rig, recorder = watched
    await may_view_all(rig, "Lead")
    regs = [await rig.registered(number) for number in (1, 2)]
    await rig.drain()
    for number, reg in enumerate(regs, start=1):
        await purge(rig, "Lead", await person_of(rig, reg))
        await rig.requeue(reg)
        await rig.drain()
        assert questions(recorder) == number
        async with rig.database.system() as session:
            (await session.get_one(Connection, HOST)).user_id = "005000000000009AAA"
    assert [(await rig.job(reg)).state for reg in regs] == ["synced", "failed"]
