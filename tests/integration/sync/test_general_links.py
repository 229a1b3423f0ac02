"""What a registration without a Salesforce id creates, where the host chose that for its general links."""

from collections import Counter

import pytest

from app.models import Host
from app.sync.jobs.load_batch import is_unchanged, load_claimed
from tests.integration.sync.conftest import EVENT, HOST, Rig
from tests.integration.sync.test_dry_run import dry

NOWHERE = "00Q5g00000Gone0"
"""Well-formed, and no record of the org."""


async def general(rig: Rig, chosen: str) -> None:
    async with rig.database.system() as session:
        host = await session.get_one(Host, HOST)
        host.settings = {**(host.settings or {}), "general_links": chosen}


async def outcome(rig: Rig, registration_id: str) -> tuple[str, str | None, dict[str, int]]:
    """State, why it was skipped, and the people that the org has."""
    job = await rig.job(registration_id)
    people = [sobject for sobject in ("Lead", "Contact") for _ in await rig.records(sobject)]
    return job.state, job.skipped_because, dict(Counter(people))


@pytest.mark.parametrize(
    ("mapping", "chosen", "salesforce_id", "expected"),
    [
        ("lead", "as_mapping", None, ("synced", None, {"Lead": 1})),
        ("lead", "contact", None, ("synced", None, {"Contact": 1})),
        ("lead", "nobody", None, ("skipped", "no_match", {})),
        ("contact", "lead", None, ("synced", None, {"Lead": 1})),
        ("nobody", "lead", None, ("synced", None, {"Lead": 1})),
        ("nobody", "as_mapping", None, ("skipped", "no_match", {})),
        ("lead", "nobody", NOWHERE, ("synced", None, {"Lead": 1})),
        ("nobody", "contact", NOWHERE, ("skipped", "no_match", {})),
        ("lead", "nobody", "no id of Salesforce", ("skipped", "no_match", {})),
    ],
)
async def test_general_links_create_whom_the_host_chose_and_personal_ones_whom_the_mapping_says(
    rig: Rig,
    mapping: str,
    chosen: str,
    salesforce_id: str | None,
    expected: tuple[str, str | None, dict[str, int]],
) -> None:
    await rig.choose(people={"create": mapping})
    await general(rig, chosen)
    reg = await rig.registered(1, salesforce_id=salesforce_id)
    predicted = await dry(rig, reg)
    await rig.drain()
    assert await outcome(rig, reg) == expected
    assert (predicted.outcome, predicted.skipped_because) == expected[:2]
    assert (predicted.person.action == "create") is bool(expected[2])


async def test_people_who_stand_are_found_whatever_general_links_create(rig: Rig) -> None:
    await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter1@example.com"})
    await general(rig, "nobody")
    reg = await rig.registered(1)
    await rig.drain()
    assert await outcome(rig, reg) == ("synced", None, {"Contact": 1})
    assert len(await rig.records("Task")) == 1


async def test_both_kinds_of_links_are_written_together_each_by_its_rules(rig: Rig) -> None:
    await general(rig, "contact")
    of_link = await rig.registered(1, salesforce_id=NOWHERE)
    without = await rig.registered(2)
    await rig.drain()
    assert set((await rig.states()).values()) == {"synced"}
    objects = {reg: (await rig.slots(reg))["person"].sobject for reg in (of_link, without)}
    assert objects == {of_link: "Lead", without: "Contact"}


async def test_an_events_own_mapping_says_what_its_personal_links_create(rig: Rig) -> None:
    await rig.choose(people={"create": "contact"}, event_id=EVENT)
    await general(rig, "lead")
    of_link, without = await rig.registered(1, salesforce_id=NOWHERE), await rig.registered(2)
    await rig.drain()
    objects = {reg: (await rig.slots(reg))["person"].sobject for reg in (of_link, without)}
    assert objects == {of_link: "Contact", without: "Lead"}


@pytest.mark.parametrize(("to", "is_same"), [("contact", True), ("nobody", False), ("as_mapping", False)])
async def test_rows_that_were_read_with_another_choice_are_read_again(
    rig: Rig, to: str, is_same: bool
) -> None:
    await general(rig, "contact")
    regs = [await rig.registered(1), await rig.registered(2, salesforce_id=NOWHERE)]
    async with rig.database.system() as session:
        batch = await load_claimed(session, regs, host_id=HOST, org_id=rig.org.org_id, fence=1)
        assert [job.rules.creates for job in batch.jobs] == ["contact", "lead"]
    await general(rig, to)
    async with rig.database.system() as session:
        assert await is_unchanged(session, batch) is is_same
