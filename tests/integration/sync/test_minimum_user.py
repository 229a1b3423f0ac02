"""A user with the least that suffices: what is not needed may be hidden, and nothing waits for it."""

import pytest

from app.sync.lookup.describe_cache import expire_describes
from tests.factories import NOW
from tests.integration.sync.conftest import HOST, Rig

NOT_NEEDED = (
    "Account", "AssignmentRule", "Campaign", "CampaignMemberStatus", "Case", "DuplicateRule", "Event",
    "Group", "PermissionSetAssignment", "RecordType", "TaskStatus", "User", "UserRecordAccess",
)  # fmt: skip


async def hide(rig: Rig, *, objects: tuple[str, ...] = (), **fields: list[str]) -> None:
    await rig.org.configure(hidden_objects=list(objects), hidden_fields=fields)
    async with rig.database.tenant(HOST) as session:
        await expire_describes(session, host_id=HOST)


@pytest.mark.parametrize("hidden", [*((each,) for each in NOT_NEEDED), NOT_NEEDED], ids="+".join)
@pytest.mark.parametrize("creates", ["lead", "contact"])
async def test_people_and_tasks_need_their_own_objects_alone(
    rig: Rig, hidden: tuple[str, ...], creates: str
) -> None:
    await hide(rig, objects=hidden)
    await rig.choose(people={"create": creates, "update_existing": True})
    reg = await rig.registered(1)
    await rig.drain()
    assert (await rig.job(reg)).state == "synced"
    assert len(await rig.records("Task")) == 1


@pytest.mark.parametrize("field", ["ActivityDate", "Description"])
async def test_a_task_is_written_without_its_hidden_fields(rig: Rig, field: str) -> None:
    await hide(rig, Task=[field])
    regs = [await rig.registered(number) for number in range(3)]
    await rig.drain()
    await rig.drain()
    assert await rig.states() == dict.fromkeys(regs, "synced")
    assert {each["Subject"] for each in await rig.records("Task")} == {"Registered: Otter Summit"}


async def test_members_are_promoted_where_has_responded_is_hidden(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    await hide(rig, CampaignMember=["HasResponded"])
    reg = await rig.registered(1)
    await rig.drain()
    await rig.change(reg, checked_in_at=NOW)
    await rig.drain()
    await rig.requeue(reg)
    await rig.drain()
    assert (await rig.job(reg)).state == "synced"
    assert [each["Status"] for each in await rig.records("CampaignMember")] == ["Responded"]


@pytest.mark.parametrize("is_object", [True, False], ids=["User", "User.Email"])
async def test_an_owner_who_cannot_be_looked_for_is_left_to_salesforce(rig: Rig, *, is_object: bool) -> None:
    await rig.choose(owner={"how": "organizer"})
    await rig.organized_by("olga@acme.example")
    if is_object:
        await hide(rig, objects=("User",))
    else:
        await hide(rig, User=["Email"])
    reg = await rig.registered(1)
    await rig.drain()
    job = await rig.job(reg)
    assert job.state == "synced"
    assert ("fallback_used", "OwnerId") in [(each["code"], each["field"]) for each in job.warnings]


@pytest.mark.parametrize("creates", ["lead", "contact"])
async def test_the_account_of_contacts_may_be_hidden(rig: Rig, creates: str) -> None:
    await hide(rig, Contact=["AccountId"])
    await rig.choose(people={"create": creates, "update_existing": True})
    await rig.org.seed("Contact", {"LastName": "Beaver", "Email": "otter2@example.com"})
    regs = [await rig.registered(number) for number in (1, 2)]
    await rig.drain()
    await rig.drain()
    assert await rig.states() == dict.fromkeys(regs, "synced")
