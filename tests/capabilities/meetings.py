"""What a meeting becomes besides its Tasks: a Case."""

from typing import Any

from sqlalchemy import update

from app.models import Event
from tests.api.answers import body_of
from tests.api.field_mapping.dashboard import MappingDashboard
from tests.capabilities.helpers import count, one, person, rule
from tests.factories import NOW
from tests.integration.sync.conftest import EVENT

SETTINGS = "/v1/hosts/host_a/salesforce/settings"
ROWS = "/v1/hosts/host_a/events/evt_otters/salesforce/registrations"


async def meetings_become_cases(dashboard: MappingDashboard) -> None:
    await _are_meetings(dashboard)
    await _put(dashboard, writes={"case": True}, case={"origin": "Event", "close_when_completed": True})
    await dashboard.put({"fields": [rule("Case.Priority", constant="High")]})
    [contact] = await dashboard.rig.org.seed(
        "Contact", {"LastName": "Otter", "Email": "otter1@river.example"}
    )
    known = await dashboard.synced(1, **person(1))
    await dashboard.synced(2, **person(2, phone="+49 30 2", company="River"))
    case = await one(dashboard, "Case", ContactId=contact)
    told = await one(dashboard, "Case", SuppliedEmail="otter2@river.example")
    assert (case["Subject"], case["Origin"], case["Priority"]) == ("Meeting: Otter Summit", "Event", "High")
    assert (told["ContactId"], told["SuppliedName"], told["SuppliedPhone"], told["SuppliedCompany"]) == (
        None, "Ada Otter2", "+49 30 2", "River",
    )  # fmt: skip
    await dashboard.rig.change(known, completed_at=NOW)
    await dashboard.rig.drain()
    assert (await one(dashboard, "Case", ContactId=contact))["IsClosed"] is True
    row = body_of(await dashboard.http.get(f"{ROWS}/{known}"))
    assert (row["case"]["object"], row["case"]["id"]) == ("Case", case["Id"])
    asked = await dashboard.synced(3, **person(3), salesforce_id=case["Id"])
    assert (await dashboard.rig.slots(asked))["person"].sf_id == contact
    assert await count(dashboard, "Case") == 2


async def _are_meetings(dashboard: MappingDashboard) -> None:
    async with dashboard.rig.database.system() as session:
        await session.execute(update(Event).where(Event.event_id == EVENT).values(kind="meeting"))


async def _put(dashboard: MappingDashboard, **body: Any) -> None:
    body_of(await dashboard.http.put(SETTINGS, json=body))
