"""E-mails that the platform sent, on the timeline of their people."""

from typing import Any

from app.models import Registration
from tests.api.answers import body_of
from tests.api.field_mapping.dashboard import MappingDashboard
from tests.capabilities.helpers import one, person

SETTINGS = "/v1/hosts/host_a/salesforce/settings"
ON = {"email_sent": True, "email_opened": True, "email_replied": True}
EMAILS = {
    "em_77": {
        "sent": {"at": "2026-11-22T08:00:00Z", "subject": "See you on Tuesday"},
        "opened": {"at": "2026-11-22T08:14:00Z"},
        "replied": {"at": "2026-11-22T09:01:00Z", "subject": "Re: See you", "snippet": "Gladly"},
    }
}


async def emails_are_on_the_timeline(dashboard: MappingDashboard) -> None:
    body_of(await dashboard.http.put(SETTINGS, json={"writes": ON}))
    await _emailed(dashboard, 1)
    lead = await one(dashboard, "Lead")
    sent = await one(dashboard, "EmailMessage", Incoming=False)
    assert (sent["Subject"], sent["ToIds"]) == ("See you on Tuesday", [lead["Id"]])
    assert (await one(dashboard, "EmailMessage", Incoming=True))["FromId"] == lead["Id"]
    assert (await one(dashboard, "Task", Subject="Email opened: See you on Tuesday"))["WhoId"] == lead["Id"]
    body_of(await dashboard.http.put(SETTINGS, json={"email": {"as": "task"}}))
    await _emailed(dashboard, 2)
    second = await one(dashboard, "Lead", LastName="Otter2")
    for subject in ("Email: See you on Tuesday", "Email replied: Re: See you"):
        task = await one(dashboard, "Task", Subject=subject, WhoId=second["Id"])
        assert task["TaskSubtype"] == "Email"


async def _emailed(dashboard: MappingDashboard, number: int) -> None:
    registration_id = await dashboard.synced(number, **person(number))
    emails: dict[str, Any] = EMAILS
    await dashboard.rig.change(registration_id, emails=emails)
    await dashboard.rig.drain()
    async with dashboard.rig.database.system() as session:
        assert (await session.get_one(Registration, ("host_a", registration_id))).emails == emails
