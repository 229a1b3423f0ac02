"""The organizer owns what is written, where the host wants that: by their own user, else by their e-mail."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.models import Host, SalesforceUser, SyncJob
from tests.integration.sync.calendar_rig import LATER, meeting, the_event
from tests.integration.sync.conftest import HOST, Rig

OLGA = {"LastName": "Olga", "Email": "Olga@acme.example", "IsActive": True, "UserType": "Standard"}
OTHER_ORG = "00D5g000004XyZaEAK"


async def settings(rig: Rig, **chosen: Any) -> None:
    async with rig.database.system() as session:
        await session.merge(Host(host_id=HOST, settings=chosen))


async def connected(rig: Rig, user_id: str, *, org_id: str | None = None, host_id: str = HOST) -> None:
    """Olga said at our page who she is in Salesforce."""
    async with rig.database.system() as session:
        session.add(
            SalesforceUser(
                host_id=host_id,
                platform_user_id="user_olga",
                email_key="olga@acme.example",
                org_id=org_id or rig.org.org_id,
                user_id=user_id,
            )
        )


async def owners_of(rig: Rig, sobject: str) -> list[str]:
    return [each["OwnerId"] for each in await rig.records(sobject)]


async def user(rig: Rig, **changes: Any) -> str:
    [found] = await rig.org.seed("User", OLGA | changes)
    return found


async def written(rig: Rig, *numbers: int, email: str = "olga@acme.example") -> list[set[tuple[str, str]]]:
    """Registrations of an event that this address organizes, written; the warnings of each about owners."""
    await rig.organized_by(email)
    regs = [await rig.registered(number) for number in numbers or (1,)]
    await rig.drain()
    assert await rig.states() == dict.fromkeys(await rig.states(), "synced")
    jobs = [await rig.job(reg) for reg in regs]
    return [
        {(each["code"], each["object"]) for each in job.warnings if each["field"] == "OwnerId"}
        for job in jobs
    ]


async def test_tasks_belong_to_the_organizers_user_by_email(rig: Rig) -> None:
    await settings(rig, task={"owner": "organizer"})
    olga = await user(rig)
    assert await written(rig) == [set()]
    assert await owners_of(rig, "Task") == [olga]
    assert await owners_of(rig, "Lead") != [olga]


async def test_without_the_setting_nobody_is_asked_for_and_tasks_are_the_connected_users(rig: Rig) -> None:
    olga = await user(rig)
    assert await written(rig) == [set()]
    assert await owners_of(rig, "Task") != [olga]


async def test_the_user_whom_the_organizer_connected_goes_before_one_of_the_same_email(rig: Rig) -> None:
    await settings(rig, task={"owner": "organizer"})
    await rig.choose(owner={"how": "organizer"})
    await user(rig)
    own = await user(rig, Email="o.host@elsewhere.example")
    await connected(rig, own)
    assert await written(rig) == [set()]
    assert (await owners_of(rig, "Task"), await owners_of(rig, "Lead")) == ([own], [own])


@pytest.mark.parametrize("whose", [{"org_id": OTHER_ORG}, {"host_id": "host_b"}], ids=["another org", "host"])
async def test_a_user_of_another_org_or_another_hosts_is_not_used(rig: Rig, whose: dict[str, str]) -> None:
    await settings(rig, task={"owner": "organizer"})
    olga = await user(rig)
    await connected(rig, "0055g000001AbCdEAK", **whose)
    assert await written(rig) == [set()]
    assert await owners_of(rig, "Task") == [olga]


@pytest.mark.parametrize(
    "unfit", [{"IsActive": False}, {"UserType": "CspLitePortal"}, {"Email": "other@acme.example"}]
)
async def test_without_an_active_standard_user_the_connected_one_owns_with_a_warning(
    rig: Rig, unfit: dict[str, Any]
) -> None:
    await settings(rig, task={"owner": "organizer"})
    await rig.choose(owner={"how": "organizer"})
    unused = await user(rig, **unfit)
    [warnings] = await written(rig)
    assert warnings == {("fallback_used", "Task"), ("fallback_used", "Lead")}
    assert unused not in await owners_of(rig, "Task") + await owners_of(rig, "Lead")


@pytest.mark.parametrize(
    "error_code", ["TRANSFER_REQUIRES_READ", "INACTIVE_OWNER_OR_USER", "OPERATION_WITH_INACTIVE_USER"]
)
@pytest.mark.parametrize("sobject", ["Task", "Lead"])
async def test_an_organizer_who_is_refused_as_owner_is_left_out_with_a_warning(
    rig: Rig, error_code: str, sobject: str
) -> None:
    await settings(rig, task={"owner": "organizer"})
    await rig.choose(owner={"how": "organizer"})
    olga = await user(rig)
    refused = {"body": '"OwnerId"', "sobject": sobject}
    await rig.org.fault("row_error", error_code=error_code, message="no", match=refused, count=1)
    assert await written(rig) == [{("owner_refused", sobject)}]
    assert [owner == olga for owner in await owners_of(rig, sobject)] == [False]


async def test_who_may_not_see_users_goes_on_without_an_owner(rig: Rig) -> None:
    await settings(rig, task={"owner": "organizer"})
    await user(rig)
    await rig.org.configure(hidden_objects=["User"])
    assert await written(rig) == [{("fallback_used", "Task")}]


async def test_retry_finds_a_user_who_was_made_since(rig: Rig) -> None:
    await settings(rig, task={"owner": "organizer"})
    [warnings] = await written(rig, 1)
    assert warnings == {("fallback_used", "Task")}
    olga = await user(rig)
    [again] = await written(rig, 2)
    assert again == warnings
    await rig.pass_time(6)
    await rig.registered(3)
    async with rig.database.system() as session:
        await session.execute(update(SyncJob).where(SyncJob.state == "pending").values(reason="retry"))
    await rig.drain()
    assert (await owners_of(rig, "Task"))[-1] == olga


async def test_asking_for_the_organizer_costs_no_call_of_its_own(rig: Rig) -> None:
    """Beside people in one composite; and an answer counts for an hour, so a campaign costs none either."""
    await settings(rig, task={"owner": "organizer"})
    await written(rig, 1)
    first = (await rig.org.calls())["total"]
    await rig.link(await rig.org.campaign())
    before = (await rig.org.calls())["total"]
    await written(rig, 2)
    after = (await rig.org.calls())["total"]
    assert (first, after - before) == (2, 2)


async def test_calendar_events_belong_to_the_organizer(rig: Rig) -> None:
    await meeting(rig, owner="organizer")
    olga = await user(rig)
    assert await written(rig) == [set()]
    assert (await the_event(rig))["OwnerId"] == olga


@pytest.mark.parametrize("error_code", ["TRANSFER_REQUIRES_READ", "INACTIVE_OWNER_OR_USER"])
async def test_a_calendar_event_whose_owner_was_refused_moves_as_the_connected_users(
    rig: Rig, error_code: str
) -> None:
    await meeting(rig, owner="organizer")
    olga = await user(rig)
    refused = {"body": '"OwnerId"', "sobject": "Event"}
    await rig.org.fault("row_error", error_code=error_code, message="no", match=refused, count=1)
    assert await written(rig) == [{("owner_refused", "Event")}]
    assert (await the_event(rig))["OwnerId"] != olga
    [reg] = await rig.states()
    await rig.change(reg, starts_at=LATER, ends_at=LATER + timedelta(hours=1))
    await rig.drain()
    job = await rig.job(reg)
    assert job.state == "synced"
    assert [each["code"] for each in job.warnings if each["field"] == "OwnerId"] == ["owner_refused"]
    assert (await the_event(rig))["OwnerId"] != olga
