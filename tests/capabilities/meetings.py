"""What a meeting becomes besides its Tasks: a calendar Event, and a Case."""

from typing import Any

from sqlalchemy import update

from app.models import Event
from tests.api.answers import body_of
from tests.api.field_mapping.dashboard import MappingDashboard
from tests.capabilities.helpers import count, one, person, rule
from tests.factories import NOW
from tests.integration.sync.calendar_rig import END, LATER, START, STATUS_FIELDS
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


async def meetings_stand_in_the_calendar(dashboard: MappingDashboard) -> None:
    await _are_meetings(dashboard, starts_at=START, ends_at=END, location="Pond 4")
    await _put(dashboard, writes={"calendar_event": True}, calendar_event={"show_as": "out_of_office"})
    reg = await dashboard.synced(1, **person(1))
    event = await one(dashboard, "Event")
    expected = {
        "Subject": "Otter Summit", "Location": "Pond 4", "ShowAs": "OutOfOffice",
        "StartDateTime": "2026-11-24T09:00:00.000+0000", "EndDateTime": "2026-11-24T10:00:00.000+0000",
        "WhoId": (await one(dashboard, "Lead"))["Id"],
    }  # fmt: skip
    assert {name: event[name] for name in expected} == expected
    row = body_of(await dashboard.http.get(f"{ROWS}/{reg}"))
    [activity] = [each for each in row["activities"] if each["object"] == "Event"]
    assert (activity["kind"], activity["id"], activity["status"]) == (
        "calendar_event", event["Id"], "Scheduled",
    )  # fmt: skip
    assert {part["kind"]: part["state"] for part in row["parts"]}["calendar_event"] == "synced"


async def one_calendar_event_follows_what_happens(dashboard: MappingDashboard) -> None:
    await _are_meetings(dashboard, starts_at=START, ends_at=END)
    await _put(dashboard, writes={"calendar_event": True})
    reg = await dashboard.synced(1, **person(1))
    [event] = await dashboard.rig.records("Event")
    life: list[tuple[dict[str, Any], str, str, str]] = [
        (
            {"starts_at": LATER, "rescheduled_at": NOW},
            "Rescheduled",
            "Otter Summit",
            "Busy",
        ),
        ({"completed_at": LATER}, "Completed", "Otter Summit", "Busy"),
        ({"no_show_at": LATER}, "No-show", "No-show: Otter Summit", "Busy"),
        ({"status": "cancelled", "cancelled_at": NOW}, "Canceled", "Canceled: Otter Summit", "Free"),
    ]
    for happened, status, subject, show_as in life:
        await dashboard.rig.change(reg, **happened)
        await dashboard.rig.drain()
        shown = await one(dashboard, "Event")
        assert (shown["Id"], shown["Subject"], shown["ShowAs"]) == (event["Id"], subject, show_as)
        assert (await dashboard.rig.slots(reg))["calendar_event"].label == status
    assert (await one(dashboard, "Event"))["StartDateTime"] == "2026-11-25T09:00:00.000+0000"


async def status_and_reason_have_fields(dashboard: MappingDashboard) -> None:
    own = ["State__c | string(80) | CUN", "Why__c | string(80) | CUN"]
    await dashboard.rig.org.configure(extra_fields={"Event": own, "Activity": list(STATUS_FIELDS)})
    await _are_meetings(dashboard, starts_at=START, ends_at=END)
    await _put(dashboard, writes={"calendar_event": True})
    rules = [rule("Event.State__c", "calendar.status"), rule("Event.Why__c", "calendar.reason")]
    await dashboard.put({"fields": rules})
    reg = await dashboard.synced(1, **person(1))
    await dashboard.rig.change(reg, status="cancelled", cancelled_at=NOW, cancel_reason="Clash")
    await dashboard.rig.drain()
    event = await one(dashboard, "Event")
    assert (event["evs__Event_Status__c"], event["evs__Cancel_Reschedule_Reason__c"]) == ("Canceled", "Clash")
    assert (event["State__c"], event["Why__c"], event["Subject"]) == ("Canceled", "Clash", "Otter Summit")


async def _are_meetings(dashboard: MappingDashboard, **values: Any) -> None:
    async with dashboard.rig.database.system() as session:
        await session.execute(update(Event).where(Event.event_id == EVENT).values(kind="meeting", **values))


async def _put(dashboard: MappingDashboard, **body: Any) -> None:
    body_of(await dashboard.http.put(SETTINGS, json=body))
