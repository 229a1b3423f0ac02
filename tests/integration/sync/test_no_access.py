"""Hidden objects and fields are not queried; where that leaves a doubt, the rows wait."""

from typing import Any

import pytest
from sqlalchemy import select

from app.models import Connection
from app.operations.overview import read_overview
from app.preflight.service import run_preflight
from tests.integration.sync.conftest import HOST, Rig

EMAIL = "otter1@example.com"


async def problems(rig: Rig) -> list[tuple[str, str | None, str | None]]:
    async with rig.database.system() as session:
        connection = (await session.scalars(select(Connection).where(Connection.host_id == HOST))).one()
    return [(each["code"], each["sobject"], each["field"]) for each in connection.problems]


async def cost_of_a_drain(rig: Rig) -> int:
    await rig.org.control.delete("/calls")
    await rig.drain()
    return int((await rig.org.calls())["total"])


@pytest.mark.parametrize("mapped", [False, True], ids=["default rules", "mapped"])
@pytest.mark.parametrize("linked", [False, True], ids=["no campaign", "campaign"])
async def test_where_leads_are_hidden_contacts_are_asked_for_alone(
    rig: Rig, *, mapped: bool, linked: bool
) -> None:
    await rig.org.configure(hidden_objects=["Lead"])
    if mapped:
        await rig.choose({"object": "Contact", "field": "Title", "constant": "CTO"})
    if linked:
        await rig.link(await rig.org.campaign())
    [known] = await rig.org.seed("Contact", {"LastName": "Otter", "Email": EMAIL})
    reg = await rig.registered(1)
    await rig.drain()
    assert (await rig.job(reg)).state == "synced"
    assert (await rig.slots(reg))["person"].sf_id == known
    assert await problems(rig) == []


async def test_where_contacts_are_hidden_leads_are_asked_for_and_made(rig: Rig) -> None:
    await rig.org.configure(hidden_objects=["Contact"])
    [known] = await rig.org.seed("Lead", {"LastName": "Otter", "Company": "R", "Email": EMAIL})
    regs = [await rig.registered(1), await rig.registered(2)]
    await rig.drain()
    assert await rig.states() == dict.fromkeys(regs, "synced")
    assert (await rig.slots(regs[0]))["person"].sf_id == known


async def test_creating_what_is_hidden_fails_that_row_with_its_name(rig: Rig) -> None:
    await rig.org.configure(hidden_objects=["Lead"])
    await rig.org.seed("Contact", {"LastName": "Otter", "Email": EMAIL})
    known, new = await rig.registered(1), await rig.registered(2)
    await rig.drain()
    assert await rig.states() == {known: "synced", new: "failed"}
    error = (await rig.job(new)).error
    assert error is not None
    assert (error["object"], error["error_code"], error["advice_code"]) == (
        "Lead",
        "INVALID_TYPE",
        "object_not_available",
    )


async def test_what_is_hidden_is_known_from_then_on(rig: Rig) -> None:
    await rig.org.configure(hidden_objects=["Lead"])
    costs = []
    for number in (1, 2):
        await rig.org.seed("Contact", {"LastName": "Otter", "Email": f"otter{number}@example.com"})
        await rig.registered(number)
        costs.append(await cost_of_a_drain(rig))
    # The look and the Task.
    assert costs[1] == 2


SIGHTS: dict[str, dict[str, Any]] = {
    "hidden": {"hidden_fields": {"Lead": ["Email"]}},
    "not filterable": {"unfilterable_fields": {"Lead": ["Email"]}},
    "encrypted": {"encrypted_fields": {"Lead.Email": "probabilistic"}},
}
SEEN: dict[str, Any] = {"hidden_fields": {"Lead": []}, "unfilterable_fields": {"Lead": []}}


@pytest.mark.parametrize("mapped", [False, True], ids=["default rules", "mapped"])
@pytest.mark.parametrize("sight", list(SIGHTS))
async def test_without_the_email_nobody_is_created_and_the_connection_says_why(
    rig: Rig, *, sight: str, mapped: bool
) -> None:
    await rig.org.configure(**SIGHTS[sight])
    if mapped:
        await rig.choose({"object": "Lead", "field": "Title", "constant": "CTO"})
    await rig.link(await rig.org.campaign())
    regs = [await rig.registered(number) for number in (1, 2)]
    await rig.drain()
    for reg in regs:
        job = await rig.job(reg)
        assert (job.state, job.waiting_for, job.attempts) == ("pending", "salesforce_access", 0)
    assert await rig.records("Lead") == []
    assert await problems(rig) == [("email_not_searchable", "Lead", "Email")]


async def test_the_log_says_once_what_is_lacking_and_once_that_it_is_over(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    await rig.org.configure(**SIGHTS["hidden"])
    for number in (1, 2):
        await rig.registered(number)
        await rig.drain()
    await rig.org.configure(**SEEN)
    await run_preflight(rig.resources, HOST)
    logged = [record for record in caplog.records if record.message.startswith("connection_problem")]
    assert [record.message for record in logged] == ["connection_problem", "connection_problem_solved"]
    about = {"host_id": HOST, "problem": "email_not_searchable", "object": "Lead", "field": "Email"}
    assert [{name: vars(record)[name] for name in about} for record in logged] == [about, about]


async def test_who_is_found_without_the_email_is_written(rig: Rig) -> None:
    await rig.org.configure(
        hidden_fields={"Lead": ["Email"]}, extra_fields={"Lead": ["Legacy__c | string(40) | CUNX | Legacy"]}
    )
    by = {"field": "Legacy__c", "from": "attendee.id"}
    await rig.choose(people={"match_by": by})
    ids = await rig.org.seed(
        "Lead",
        {"LastName": "Linked", "Company": "R"},
        {"LastName": "Keyed", "Company": "R", "Legacy__c": "per_2"},
    )
    [contact] = await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter3@example.com"})
    regs = [
        await rig.registered(1, salesforce_id=ids[0]),
        await rig.registered(2, attendee={"id": "per_2", "email": "otter2@example.com", "name": "O"}),
        await rig.registered(3),
    ]
    await rig.drain()
    assert await rig.states() == dict.fromkeys(regs, "synced")
    assert [(await rig.slots(reg))["person"].sf_id for reg in regs] == [*ids, contact]


async def test_waiting_rows_cost_nothing_for_an_hour_and_go_on_when_the_email_is_seen(rig: Rig) -> None:
    await rig.org.configure(**SIGHTS["hidden"])
    regs = [await rig.registered(1)]
    await rig.drain()
    regs.append(await rig.registered(2))
    cost = await cost_of_a_drain(rig)
    assert cost <= 1
    assert await rig.states() == dict.fromkeys(regs, "pending")
    await rig.org.configure(**SEEN)
    await rig.pass_time(3700)
    await rig.drain()
    assert await rig.states() == dict.fromkeys(regs, "synced")
    assert await problems(rig) == []


async def test_a_preflight_that_sees_the_email_lets_the_rows_go_on_at_once(rig: Rig) -> None:
    await rig.org.configure(**SIGHTS["hidden"])
    reg = await rig.registered(1)
    await rig.drain()
    blocked = await run_preflight(rig.resources, HOST)
    codes = [(each.severity, each.code, each.object, each.field) for each in blocked.findings]
    assert ("blocker", "email_not_searchable", "Lead", "Email") in codes
    await rig.drain()
    assert (await rig.job(reg)).waiting_for == "salesforce_access"
    await rig.org.configure(**SEEN)
    await run_preflight(rig.resources, HOST)
    assert await problems(rig) == []
    await rig.drain()
    assert (await rig.job(reg)).state == "synced"


async def test_a_preflight_names_a_refused_look_up_and_has_it_tried_again(rig: Rig) -> None:
    await rig.org.configure(security_policy_objects=["Lead"])
    reg = await rig.registered(1)
    await rig.drain()
    await rig.org.configure(security_policy_objects=[])
    seen = await run_preflight(rig.resources, HOST)
    assert "lookup_refused" in [each.code for each in seen.findings]
    await rig.drain()
    assert (await rig.job(reg)).state == "synced"
    assert await problems(rig) == []


@pytest.mark.parametrize(
    ("sobject", "field"), [("CampaignMember", "Status"), ("CampaignMemberStatus", "HasResponded")]
)
async def test_a_refused_look_at_members_names_their_object(rig: Rig, sobject: str, field: str) -> None:
    await rig.link(await rig.org.campaign())
    await rig.org.configure(hidden_fields={sobject: [field]})
    reg = await rig.registered(1)
    await rig.drain()
    assert (await rig.job(reg)).waiting_for == "salesforce_access"
    assert [each[:2] for each in await problems(rig)] == [("lookup_refused", sobject)]
    seen = await run_preflight(rig.resources, HOST)
    assert f"Salesforce refuses to let {sobject} be looked for" in [each.title for each in seen.findings]


async def test_what_is_refused_again_waits_another_hour(rig: Rig) -> None:
    await rig.org.configure(**SIGHTS["hidden"])
    reg = await rig.registered(1)
    for _ in range(3):
        await rig.drain()
        job = await rig.job(reg)
        assert (job.state, job.waiting_for, job.attempts) == ("pending", "salesforce_access", 0)
        await rig.pass_time(3700)
    assert await problems(rig) == [("email_not_searchable", "Lead", "Email")]


@pytest.mark.parametrize("mapped", [False, True], ids=["default rules", "mapped"])
async def test_a_policy_that_refuses_the_look_up_ends_in_a_problem_and_not_in_waiting(
    rig: Rig, *, mapped: bool
) -> None:
    await rig.org.configure(security_policy_objects=["Lead"])
    if mapped:
        await rig.choose({"object": "Lead", "field": "Title", "constant": "CTO"})
    reg = await rig.registered(1)
    await rig.drain()
    job = await rig.job(reg)
    assert (job.state, job.waiting_for) == ("pending", "salesforce_access")
    [(code, sobject, _)] = await problems(rig)
    assert (code, sobject) == ("lookup_refused", "Lead")
    other = await rig.registered(2)
    assert await cost_of_a_drain(rig) == 0
    await rig.org.configure(security_policy_objects=[])
    await rig.pass_time(3700)
    await rig.drain()
    assert await rig.states() == dict.fromkeys([reg, other], "synced")
    assert await problems(rig) == []


async def test_an_encrypted_address_is_found_in_the_letters_in_which_it_was_given(rig: Rig) -> None:
    await rig.org.configure(encrypted_fields={"Lead.Email": "case_sensitive"})
    ids = await rig.org.seed(
        "Lead",
        {"LastName": "Given", "Company": "R", "Email": "Otter.One@Example.com"},
        {"LastName": "Lower", "Company": "R", "Email": "otter2@example.com"},
    )
    given = ["Otter.One@Example.com", "OTTER2@example.com"]
    regs = [
        await rig.registered(n, attendee={"email": each, "name": "O"}, email_key=each.lower())
        for n, each in enumerate(given)
    ]
    await rig.drain()
    assert [(await rig.slots(reg))["person"].sf_id for reg in regs] == ids


async def test_where_the_description_is_hidden_tasks_are_written_without(rig: Rig) -> None:
    await rig.org.configure(hidden_fields={"Task": ["Description"]})
    regs = [await rig.registered(number) for number in range(30)]
    await rig.drain()
    await rig.drain()
    assert await rig.states() == dict.fromkeys(regs, "synced")
    assert len(await rig.records("Task")) == 30


@pytest.mark.parametrize("kind", ["reset_before_write", "reset_after_write"])
async def test_where_the_description_is_hidden_a_lost_task_is_found_by_its_subject(
    rig: Rig, kind: str
) -> None:
    attendee = {"email": EMAIL, "name": "Otter"}
    await rig.org.configure(hidden_fields={"Task": ["Description"]})
    reg = await rig.registered(1, attendee=attendee)
    await rig.drain()
    await rig.drain()
    await rig.org.fault(kind, match={"sobject": "Task"})
    again = await rig.registered(2, attendee=attendee, email_key=EMAIL)
    for _ in range(8):
        await rig.drain()
        await rig.pass_time(120)
    assert await rig.states() == dict.fromkeys([reg, again], "synced")
    assert len(await rig.records("Task")) == 2


async def test_operations_see_what_the_user_of_a_host_lacks(rig: Rig) -> None:
    await rig.org.configure(**SIGHTS["hidden"])
    await rig.registered(1)
    await rig.drain()
    async with rig.database.system() as session:
        [problem] = (await read_overview(session)).host_problems
    assert (problem.host_id, problem.org_id) == (HOST, rig.org.org_id)
    assert (problem.code, problem.object, problem.field) == ("email_not_searchable", "Lead", "Email")
    await rig.org.configure(**SEEN)
    await run_preflight(rig.resources, HOST)
    async with rig.database.system() as session:
        assert (await read_overview(session)).host_problems == []
