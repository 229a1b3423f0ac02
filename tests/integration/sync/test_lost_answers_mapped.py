"""Whatever answer is lost while a host's own rules are at work, everything is there once in the end."""

from typing import Any

import pytest

from tests.integration.sync.conftest import Rig

FIELDS: list[dict[str, Any]] = [
    {"object": "Contact", "field": "Title", "from": "attendee.job_title", "mode": "overwrite"},
    {"object": "CampaignMember", "field": "Diet__c", "constant": "any", "mode": "overwrite"},
]
COMPANIES = ["River GmbH", "river", "Dam Ltd.", None, "Dam Ltd."]

WRITES, CALLS = range(4), range(6)
LOST = [
    *[("reset_after_write", skip) for skip in WRITES],
    *[("reset_before_write", skip) for skip in WRITES],
    *[("truncate", skip) for skip in CALLS],
]
"""How an answer is lost, and after how many calls of that kind."""


async def registered(rig: Rig) -> None:
    """Five people of two companies, one of them known."""
    await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter4@example.com"})
    for number, company in enumerate(COMPANIES):
        attendee = {"email": f"otter{number}@example.com", "name": f"Otter {number}", "company": company}
        await rig.registered(number, attendee=attendee | {"job_title": "CTO"})


async def drained(rig: Rig) -> None:
    for seconds in (0, 2, 60, 300, 900, 900):
        await rig.pass_time(seconds)
        await rig.drain()


async def counted(rig: Rig, *sobjects: str) -> list[int]:
    return [len(await rig.records(each)) for each in sobjects]


@pytest.fixture
async def mapped(rig: Rig) -> Rig:
    await rig.org.configure(extra_fields={"CampaignMember": ["Diet__c | string(9) | CUN | Diet"]})
    await rig.link(await rig.org.campaign())
    return rig


@pytest.mark.parametrize(("kind", "skip"), LOST)
async def test_contacts_and_their_accounts_exist_once(mapped: Rig, kind: str, skip: int) -> None:
    await mapped.choose(*FIELDS, people={"create": "contact", "update_existing": True})
    await registered(mapped)
    await mapped.org.fault(kind, skip=skip)
    await drained(mapped)
    assert set((await mapped.states()).values()) == {"synced"}
    assert await counted(mapped, "Contact", "Task", "CampaignMember", "Lead", "Account") == [5, 5, 5, 0, 2]
    assert {each["Title"] for each in await mapped.records("Contact")} == {"CTO"}
    assert {each["Diet__c"] for each in await mapped.records("CampaignMember")} == {"any"}


@pytest.mark.parametrize(("kind", "skip"), LOST)
async def test_person_accounts_exist_once(mapped: Rig, kind: str, skip: int) -> None:
    await mapped.org.configure(has_person_accounts=True)
    await mapped.choose(*FIELDS, people={"create": "person_account", "update_existing": True})
    await registered(mapped)
    await mapped.org.fault(kind, skip=skip)
    await drained(mapped)
    assert set((await mapped.states()).values()) == {"synced"}
    assert await counted(mapped, "Contact", "Task", "CampaignMember", "Lead", "Account") == [5, 5, 5, 0, 4]
