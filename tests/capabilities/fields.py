"""What is written into which field."""

from typing import Any

from sqlalchemy import update

from app.models import Event
from tests.api.field_mapping.dashboard import EVENT, MappingDashboard
from tests.capabilities.helpers import answers, one, person, rule
from tests.factories import NOW

DIET = "Diet__c | string(40) | CUN | Diet"
WATCHED = {"watched_at": NOW.isoformat(), "seconds": 1840, "percent": 76}


async def default_fields(dashboard: MappingDashboard) -> None:
    await dashboard.rig.link(await dashboard.rig.org.campaign())
    ada = person(1, company="River Ltd", job_title="Head of Data")
    await dashboard.synced(1, **ada)
    lead = await one(dashboard, "Lead")
    names = ("Email", "FirstName", "LastName", "Title", "Company")
    assert [lead[name] for name in names] == [
        "otter1@river.example",
        "Ada",
        "Otter1",
        "Head of Data",
        "River Ltd",
    ]
    assert (await one(dashboard, "CampaignMember"))["Status"] == "Sent"
    await dashboard.put({"people": {"create": "contact"}})
    await dashboard.synced(2, **person(2, job_title="Head of Otters"))
    contact = await one(dashboard, "Contact")
    assert [contact[name] for name in names[:4]] == [
        "otter2@river.example",
        "Ada",
        "Otter2",
        "Head of Otters",
    ]


async def custom_fields_of_people(dashboard: MappingDashboard) -> None:
    await dashboard.rig.org.configure(extra_fields={"Lead": [DIET], "Contact": [DIET]})
    fields = [
        rule("Lead.Diet__c", "answers.diet"),
        rule("Lead.Website", template="https://{utm.source}"),
        rule("Contact.Diet__c", "answers.diet"),
        rule("Contact.Department", "answers.team"),
    ]
    await dashboard.put({"fields": fields})
    given: dict[str, Any] = {
        "answers": answers(diet="vegan", team="Data"),
        "utm": {"source": "river.example"},
    }
    await dashboard.synced(1, **person(1), **given)
    lead = await one(dashboard, "Lead")
    assert (lead["Diet__c"], lead["Website"]) == ("vegan", "https://river.example")
    await dashboard.put({"fields": fields, "people": {"create": "contact"}})
    await dashboard.synced(2, **person(2), **given)
    contact = await one(dashboard, "Contact")
    assert (contact["Diet__c"], contact["Department"]) == ("vegan", "Data")


async def fields_of_members(dashboard: MappingDashboard) -> None:
    lines = ["Source__c | string(40) | CUN", "Seconds__c | double | CUN", DIET]
    await dashboard.rig.org.configure(extra_fields={"CampaignMember": lines})
    await dashboard.rig.link(await dashboard.rig.org.campaign())
    await dashboard.put(
        {
            "fields": [
                rule("CampaignMember.Source__c", "utm.source"),
                rule("CampaignMember.Diet__c", "answers.diet"),
                rule("CampaignMember.Seconds__c", "replay.seconds", mode="overwrite"),
            ]
        }
    )
    given: dict[str, Any] = {"answers": answers(diet="vegan"), "utm": {"source": "newsletter"}}
    registration_id = await dashboard.synced(1, **person(1), **given)
    await dashboard.rig.change(registration_id, replay=WATCHED)
    await dashboard.rig.drain()
    member = await one(dashboard, "CampaignMember")
    assert (member["Source__c"], member["Diet__c"], member["Seconds__c"]) == ("newsletter", "vegan", 1840)


async def registration_attendance_and_replay_write(dashboard: MappingDashboard) -> None:
    campaign_id = await dashboard.rig.org.campaign(labels=["Watched*"])
    await dashboard.rig.link(campaign_id, replay_watched="Watched")
    statuses = []
    registration_id = await dashboard.synced(1, **person(1))
    for happening in ({}, {"replay": WATCHED}, {"checked_in_at": NOW}):
        await dashboard.rig.change(registration_id, **happening)
        await dashboard.rig.drain()
        statuses.append((await one(dashboard, "CampaignMember"))["Status"])
    assert statuses == ["Sent", "Watched", "Responded"]
    subjects = sorted(task["Subject"] for task in await dashboard.rig.records("Task"))
    assert subjects == ["Checked-in: Otter Summit", "Registered: Otter Summit"]


async def replay_in_a_field_of_its_own(dashboard: MappingDashboard) -> None:
    await dashboard.rig.org.configure(
        extra_fields={"CampaignMember": ["Replay_Status__c | picklist(40) | CUNR | Replay | Watched; Missed"]}
    )
    await dashboard.rig.link(await dashboard.rig.org.campaign())
    status = rule("CampaignMember.Replay_Status__c", "replay.status", mode="overwrite")
    await dashboard.put({"fields": [status | {"values": {"watched": "Watched"}}]})
    registration_id = await dashboard.synced(1, **person(1))
    assert (await one(dashboard, "CampaignMember"))["Replay_Status__c"] is None
    await dashboard.rig.change(registration_id, replay=WATCHED)
    await dashboard.rig.drain()
    assert (await one(dashboard, "CampaignMember"))["Replay_Status__c"] == "Watched"


TYPES = {
    "Text__c | string(80) | CUN": ("a  b", "a b"),
    "Long__c | textarea(1000) | CUN": ("one\ntwo", "one\ntwo"),
    "Yes__c | boolean | CUD": ("ja", True),
    "Whole__c | int | CUN": ("12", 12),
    "Number__c | double | CUN": (12.5, 12.5),
    "Money__c | currency | CUN": ("1 200,50", 1200.5),
    "Percent__c | percent | CUN": (50, 50),
    "Mail__c | email(80) | CUN": ("ada@river.example", "ada@river.example"),
    "Phone__c | phone(40) | CUN": ("+49 30 1", "+49 30 1"),
    "Page__c | url(255) | CUN": ("https://river.example", "https://river.example"),
    "Pick__c | picklist(40) | CUNR | Pick | Hot; Cold": ("hot", "Hot"),
    "Picks__c | multipicklist(200) | CUNR | Picks | Hot; Cold": (["Hot", "Cold"], "Hot;Cold"),
    "Day__c | date | CUN": ("2026-11-24T23:30:00Z", "2026-11-25"),
    "Moment__c | datetime | CUN": ("2026-11-24T09:00:00+01:00", "2026-11-24T08:00:00.000+0000"),
}


async def fields_of_every_type(dashboard: MappingDashboard) -> None:
    await dashboard.rig.org.configure(extra_fields={"Lead": list(TYPES)})
    names = [line.partition(" ")[0] for line in TYPES]
    await dashboard.put({"fields": [rule(f"Lead.{name}", f"answers.{name}") for name in names]})
    given = dict(zip(names, (value for value, _ in TYPES.values()), strict=True))
    async with dashboard.rig.database.system() as session:
        await session.execute(update(Event).values(timezone="Europe/Berlin"))
    registration_id = await dashboard.synced(1, **person(1, company="River"), answers=answers(**given))
    lead = await one(dashboard, "Lead")
    assert [lead[name] for name in names] == [stored for _, stored in TYPES.values()]
    assert (await dashboard.rig.job(registration_id)).warnings == []


async def override_or_only_where_empty_and_who_owns(dashboard: MappingDashboard) -> None:
    [owner] = await dashboard.rig.org.seed(
        "User", {"LastName": "Olga", "Email": "olga@river.example", "IsActive": True}
    )
    await dashboard.rig.org.configure(assignment_rules=[{"sobject": "Lead", "owner_id": owner}])
    [known] = await dashboard.rig.org.seed(
        "Lead",
        {
            "LastName": "Known",
            "Company": "x",
            "Email": "otter1@river.example",
            "City": "Bonn",
            "State": "NRW",
        },
    )
    before = (await one(dashboard, "Lead"))["OwnerId"]
    await dashboard.put(
        {
            "people": {"update_existing": True},
            "owner": {"how": "leave"},
            "fields": [
                rule("Lead.City", "answers.city", mode="overwrite"),
                rule("Lead.State", "answers.state", mode="empty"),
                rule("Lead.Country", "answers.country", mode="empty"),
                rule("Lead.Street", "answers.street", mode="create"),
            ],
        }
    )
    place = answers(city="Berlin", state="Berlin", country="DE", street="Way 1")
    await dashboard.synced(1, **person(1), answers=place)
    lead = await one(dashboard, "Lead", Id=known)
    assert [lead[name] for name in ("City", "State", "Country", "Street")] == ["Berlin", "NRW", "DE", None]
    assert lead["OwnerId"] == before
    await dashboard.rig.edit("Lead", known, City="Hamburg")
    await dashboard.rig.requeue("reg_00001")
    await dashboard.rig.drain()
    assert (await one(dashboard, "Lead", Id=known))["City"] == "Hamburg"
    await dashboard.synced(2, **person(2), answers=place)
    assert (await one(dashboard, "Lead", LastName="Otter2"))["OwnerId"] == owner
    await _new_people_belong_to(dashboard, 3, {"how": "fixed", "id": before}, before)
    await dashboard.rig.organized_by("Olga@river.example")
    await _new_people_belong_to(dashboard, 4, {"how": "organizer"}, owner)


async def _new_people_belong_to(
    dashboard: MappingDashboard, number: int, owner: dict[str, Any], owner_id: str
) -> None:
    await dashboard.put({"owner": owner})
    await dashboard.synced(number, **person(number))
    assert (await one(dashboard, "Lead", LastName=f"Otter{number}"))["OwnerId"] == owner_id


async def record_types_of_host_and_event(dashboard: MappingDashboard) -> None:
    kinds = [
        {"sobject": sobject, "developer_name": name}
        for sobject in ("Lead", "Task")
        for name in ("Usual", "Guest")
    ]
    await dashboard.rig.org.configure(record_types=kinds)
    types = {
        (row["SobjectType"], row["DeveloperName"]): row["Id"]
        for row in await dashboard.rig.records("RecordType")
    }
    await dashboard.put({"record_types": {"Lead": "Guest", "Task": "Guest"}})
    await dashboard.synced(1, **person(1))
    lead, task = await one(dashboard, "Lead"), await one(dashboard, "Task")
    assert (lead["RecordTypeId"], task["RecordTypeId"]) == (types["Lead", "Guest"], types["Task", "Guest"])
    await dashboard.put({"record_types": {"Lead": "Usual"}}, EVENT)
    await dashboard.synced(2, **person(2))
    assert (await one(dashboard, "Lead", LastName="Otter2"))["RecordTypeId"] == types["Lead", "Usual"]
