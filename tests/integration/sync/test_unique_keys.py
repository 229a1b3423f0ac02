"""In an org with the package's key nothing is made twice, and nothing waits for a lost answer."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import unquote

import pytest
from pydantic import SecretStr
from sqlalchemy import delete, update

from app.models import DescribeCache, Host, WrittenRecord
from app.salesforce.package import KEY
from tests.factories import NOW
from tests.integration.sync.calendar_rig import LATER, change_event, meeting, the_event
from tests.integration.sync.conftest import HOST, Rig
from tests.integration.sync.test_cases import ada, with_cases

PACKAGED = pytest.mark.parametrize("rig", ["packaged"], indirect=True)
EVS_KEY = f"evs__{KEY}"
OBJECTS = ("Lead", "Task", "CampaignMember")
LOST = ["reset_after_write", "truncate", "reset_before_write"]


async def counts(rig: Rig) -> list[int]:
    return [len(await rig.records(each)) for each in OBJECTS]


async def drain_soon(rig: Rig, times: int = 4) -> None:
    """Drains a few times within seconds: what waits for the quiet time does not end so."""
    for _ in range(times):
        await rig.pass_time(2)
        await rig.drain()


def with_pepper(rig: Rig) -> Rig:
    """With a PEPPER, without which people have no keys."""
    return replace(rig, engine=rig.with_settings(pepper=SecretStr("ab" * 32)))


@PACKAGED
async def test_new_records_carry_their_keys(rig: Rig) -> None:
    rig = with_pepper(rig)
    await rig.link(await rig.org.campaign())
    reg = await rig.registered(1)
    await rig.drain()
    [task], [lead] = await rig.records("Task"), await rig.records("Lead")
    assert task[EVS_KEY] == (await rig.slots(reg))["task:registered"].reference
    assert lead[EVS_KEY].startswith("p:")
    assert len(lead[EVS_KEY]) <= 64


@PACKAGED
@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize("size", [1, 12], ids=["lone", "batch"])
async def test_lost_creates_are_certain_within_seconds(rig: Rig, kind: str, size: int) -> None:
    rig = with_pepper(rig)
    await rig.link(await rig.org.campaign())
    for number in range(size):
        await rig.registered(number)
    await rig.org.fault(kind, match={"is_write": True})
    await rig.drain()
    assert set((await rig.states()).values()) == {"ambiguous"}
    await drain_soon(rig)
    assert set((await rig.states()).values()) == {"synced"}
    assert await counts(rig) == [size] * 3


async def queries(rig: Rig) -> str:
    """What was asked of the org lately, in one text."""
    return unquote((await rig.org.control.get("/requests")).text).replace("+", " ")


@PACKAGED
@pytest.mark.parametrize("holds_values", [False, True], ids=["after the second", "the second waits"])
@pytest.mark.parametrize("size", [1, 12], ids=["lone", "batch"])
async def test_a_first_create_that_lands_late_doubles_nothing(
    rig: Rig, holds_values: bool, size: int
) -> None:
    rig = with_pepper(rig)
    await rig.link(await rig.org.campaign())
    for number in range(size):
        await rig.registered(number)
    await rig.org.fault("late_apply", seconds=3600, holds_values=holds_values, match={"is_write": True})
    await rig.drain()
    await drain_soon(rig, 2)
    await rig.org.control.post("/settle")
    for _ in range(6):
        await rig.pass_time(6)
        await rig.drain()
    assert set((await rig.states()).values()) == {"synced"}
    assert await counts(rig) == [size] * 3
    assert "Description FROM" not in await queries(rig)


@PACKAGED
async def test_an_org_that_installs_the_package_goes_over_when_its_describe_is_read(rig: Rig) -> None:
    await rig.org.configure(package=None)
    await rig.link(await rig.org.campaign())
    await rig.registered(1)
    await rig.drain()
    await rig.org.configure(package={"namespace": "evs"})
    await rig.registered(2)
    await rig.drain()
    await rig.pass_time(25 * 3600)
    await rig.registered(3)
    await rig.drain()
    assert [bool(task.get(EVS_KEY)) for task in await rig.records("Task")] == [False, False, True]


@PACKAGED
async def test_what_was_sent_without_a_key_waits_as_before(rig: Rig) -> None:
    await rig.org.configure(package=None)
    await rig.link(await rig.org.campaign())
    await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter1@example.com"})
    await rig.registered(1)
    await rig.org.fault("late_apply", seconds=3600, match={"is_write": True})
    await rig.drain()
    await rig.org.configure(package={"namespace": "evs"})
    async with rig.database.system() as session:
        await session.execute(update(DescribeCache).values(is_stale=True))
    await drain_soon(rig)
    assert set((await rig.states()).values()) == {"ambiguous"}
    assert await rig.records("Task") == []


@PACKAGED
async def test_a_person_whose_address_changed_is_made_again_without_the_key(rig: Rig) -> None:
    rig = with_pepper(rig)
    await rig.link(await rig.org.campaign())
    await rig.registered(1)
    await rig.drain()
    [lead] = await rig.records("Lead")
    await rig.edit("Lead", lead["Id"], Email="new@example.com")
    other = await rig.registered(2, attendee={"email": "otter1@example.com"}, email_key="otter1@example.com")
    await rig.drain()
    assert {each["Email"]: bool(each[EVS_KEY]) for each in await rig.records("Lead")} == {
        "new@example.com": True,
        "otter1@example.com": False,
    }
    job = await rig.job(other)
    assert (job.state, [each["code"] for each in job.warnings]) == ("synced", ["fallback_used", "key_taken"])


@PACKAGED
@pytest.mark.parametrize("kind", LOST)
async def test_a_calendar_event_that_moved_after_its_create_was_lost_shows_the_new_times(
    rig: Rig, kind: str
) -> None:
    await meeting(rig)
    await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter1@example.com"})
    await rig.registered(1)
    await rig.org.fault(kind, match={"sobject": "Event", "is_write": True})
    await rig.drain()
    await change_event(rig, starts_at=LATER, ends_at=LATER + timedelta(hours=1))
    await drain_soon(rig)
    assert set((await rig.states()).values()) == {"synced"}
    event = await the_event(rig)
    assert event["StartDateTime"].startswith("2026-11-25T09:00")
    assert event[EVS_KEY]


@PACKAGED
@pytest.mark.parametrize("kind", LOST)
async def test_a_case_whose_create_was_lost_is_closed_when_its_meeting_took_place(
    rig: Rig, kind: str
) -> None:
    await with_cases(rig, close_when_completed=True)
    await rig.org.seed("Contact", {"LastName": "Otter", "Email": "ada@acme.example"})
    reg = await ada(rig)
    await rig.org.fault(kind, match={"sobject": "Case", "is_write": True})
    await rig.drain()
    await rig.change(reg, completed_at=NOW)
    await drain_soon(rig)
    assert set((await rig.states()).values()) == {"synced"}
    [case] = await rig.records("Case")
    assert case["IsClosed"]
    assert case[EVS_KEY]


@PACKAGED
@pytest.mark.parametrize("kind", LOST)
async def test_tasks_of_emails_are_made_once(rig: Rig, kind: str) -> None:
    async with rig.database.system() as session:
        settings = {"writes": {"email_sent": True, "task": False}, "email": {"as": "task"}}
        await session.merge(Host(host_id=HOST, settings=settings))
    await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter1@example.com"})
    await rig.registered(1, emails={"em_77": {"sent": {"at": "2026-11-22T08:00:00Z", "subject": "Hi"}}})
    await rig.org.fault(kind, match={"sobject": "Task", "is_write": True})
    await rig.drain()
    await drain_soon(rig)
    assert [task["Subject"] for task in await rig.records("Task") if task[EVS_KEY]] == ["Email: Hi"]
    assert set((await rig.states()).values()) == {"synced"}


@PACKAGED
async def test_a_task_that_was_deleted_gives_its_key_free(rig: Rig) -> None:
    """Asked for once more, as a repair asks: Salesforce keeps no value of what is in the bin."""
    await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter1@example.com"})
    reg = await rig.registered(1)
    await rig.drain()
    [task] = await rig.records("Task")
    await rig.delete("Task", task["Id"])
    await forget(rig, reg, "task:registered")
    await rig.requeue(reg, reason="retry")
    await rig.drain()
    [again] = await rig.records("Task")
    assert (again["Id"] != task["Id"], again[EVS_KEY]) == (True, task[EVS_KEY])


@PACKAGED
async def test_what_stands_and_our_tables_forgot_is_taken(rig: Rig) -> None:
    await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter1@example.com"})
    reg = await rig.registered(1)
    await rig.drain()
    [task] = await rig.records("Task")
    await forget(rig, reg, "task:registered")
    await rig.requeue(reg)
    await rig.drain()
    assert [each["Id"] for each in await rig.records("Task")] == [task["Id"]]
    assert (await rig.slots(reg))["task:registered"].sf_id == task["Id"]


@PACKAGED
async def test_a_record_that_is_hidden_is_neither_doubled_nor_taken(rig: Rig) -> None:
    await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter1@example.com"})
    reg = await rig.registered(1)
    await rig.drain()
    [task] = await rig.records("Task")
    await forget(rig, reg, "task:registered")
    await rig.org.configure(hidden_records=[task["Id"]])
    await rig.requeue(reg)
    await rig.drain()
    assert (await rig.job(reg)).state == "pending"
    for _ in range(8):
        await rig.pass_time(9000)
        await rig.drain()
    job = await rig.job(reg)
    assert (job.state, job.error_code) == ("failed", "RECORD_NOT_VISIBLE")
    assert len(await rig.records("Task")) == 1


@PACKAGED
async def test_a_unique_field_of_the_host_means_what_it_did(rig: Rig) -> None:
    await rig.org.configure(extra_fields={"Task": ["Badge__c | string(20) | CUNQ | Badge"]})
    await rig.org.seed("Task", {"Subject": "Other", "Badge__c": "7"})
    await rig.choose({"object": "Task", "field": "Badge__c", "constant": "7"})
    reg = await rig.registered(1)
    await rig.drain()
    job = await rig.job(reg)
    assert (job.state, job.error_code) == ("failed", "DUPLICATE_VALUE")
    assert len(await rig.records("Task")) == 1


@PACKAGED
async def test_a_key_that_the_org_lost_is_left_out(rig: Rig) -> None:
    rig = with_pepper(rig)
    await rig.link(await rig.org.campaign())
    await rig.registered(1)
    await rig.drain()
    await rig.org.configure(package=None)
    await rig.pass_time(60)
    await rig.registered(2)
    await rig.drain()
    await rig.drain()
    assert set((await rig.states()).values()) == {"synced"}
    assert await counts(rig) == [2, 2, 2]
    before = int((await rig.org.calls())["total"])
    await rig.registered(3)
    await rig.drain()
    assert int((await rig.org.calls())["total"]) - before == 2


@PACKAGED
@pytest.mark.parametrize("is_unique", [True, False], ids=["unique", "not unique"])
async def test_activities_without_a_unique_key_are_as_without_the_package(rig: Rig, is_unique: bool) -> None:
    await rig.org.configure(is_activity_unique=is_unique)
    await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter1@example.com"})
    await rig.registered(1)
    await rig.org.fault("reset_before_write", match={"is_write": True})
    await rig.drain()
    await drain_soon(rig)
    assert set((await rig.states()).values()) == ({"synced"} if is_unique else {"ambiguous"})
    assert [bool(task.get(EVS_KEY)) for task in await rig.records("Task")] == ([True] if is_unique else [])


@PACKAGED
async def test_without_a_pepper_people_have_no_key(rig: Rig) -> None:
    await rig.registered(1)
    await rig.drain()
    [lead], [task] = await rig.records("Lead"), await rig.records("Task")
    assert (lead.get(EVS_KEY), bool(task[EVS_KEY])) == (None, True)


@pytest.mark.parametrize("size", [1, 12])
async def test_the_package_costs_no_call(rig: Rig, size: int) -> None:
    rig = with_pepper(rig)
    await rig.link(await rig.org.campaign())
    spent = []
    for first, package in ((0, None), (100, {"namespace": "evs"})):
        await rig.org.configure(package=package)
        async with rig.database.system() as session:
            await session.execute(delete(DescribeCache).where(DescribeCache.sobject != "TaskStatus"))
        before = int((await rig.org.calls())["total"])
        for number in range(size):
            await rig.registered(first + number)
        await rig.drain()
        spent.append(int((await rig.org.calls())["total"]) - before)
    assert spent[0] == spent[1]
    assert sum(1 for task in await rig.records("Task") if task.get(EVS_KEY)) == size


async def forget(rig: Rig, reg: str, slot: str) -> None:
    async with rig.database.system() as session:
        where = (WrittenRecord.registration_id == reg, WrittenRecord.slot == slot)
        await session.execute(delete(WrittenRecord).where(*where))


@PACKAGED
@pytest.mark.parametrize("how", ["converted", "merged"])
@pytest.mark.parametrize("size", [1, 12], ids=["lone", "batch"])
async def test_whoever_has_the_key_is_followed_to_where_it_lives_now(rig: Rig, how: str, size: int) -> None:
    """By somebody who was faster than our create, and gave the record another address."""
    rig = with_pepper(rig)
    await rig.link(await rig.org.campaign())
    ours, other = await rig.org.seed("Lead", *({"LastName": str(n), "Company": "River"} for n in range(2)))
    if how == "converted":
        await rig.org.control.post("/convert", json={"leadId": ours})
    else:
        await rig.org.control.post("/merge", json={"masterId": other, "mergedIds": [ours]})
    message = f"duplicate value found: {EVS_KEY} duplicates value on record with id: {ours[:15]}"
    taken = {"error_code": "DUPLICATE_VALUE", "message": message}
    await rig.org.fault("row_error", match={"sobject": "Lead", "body": "otter0@"}, **taken)
    for number in range(size):
        await rig.registered(number)
    await rig.drain()
    person = (await rig.slots("reg_00000"))["person"]
    assert set((await rig.states()).values()) == {"synced"}
    assert (person.sobject, person.sf_id) == (
        ("Contact", person.sf_id) if how == "converted" else ("Lead", other)
    )
    assert len(await rig.records("Task")) == size
    assert all(lead["Email"] != "otter0@example.com" for lead in await rig.records("Lead"))


@PACKAGED
async def test_whose_key_is_not_there_yet_is_tried_again(rig: Rig) -> None:
    """Salesforce refuses the key of a record that is being saved, and names none."""
    rig = with_pepper(rig)
    message = "duplicate value found: <unknown> duplicates value on record with id: <unknown>"
    await rig.org.fault("row_error", match={"sobject": "Lead"}, error_code="DUPLICATE_VALUE", message=message)
    reg = await rig.registered(1)
    await rig.drain()
    assert ((await rig.job(reg)).state, await rig.records("Lead")) == ("pending", [])
    await rig.pass_time(10)
    await rig.drain()
    assert ((await rig.job(reg)).state, len(await rig.records("Lead"))) == ("synced", 1)
