"""docs/mapping.md: its examples are accepted unchanged and work as described, and it is complete."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from app.field_mapping.request_schemas import FieldRuleGiven, Mode, PeopleGiven
from app.field_mapping.source_catalog import SOURCES
from app.field_mapping.validation import ANYWHERE, PLACES
from app.sync.field_values.converters import CONVERTERS
from app.user_messages.catalog import ADVICE
from tests.api.answers import body_of
from tests.api.field_mapping.dashboard import HOST, MappingDashboard
from tests.factories import NOW

GUIDE = (Path(__file__).parents[3] / "docs" / "mapping.md").read_text()
EXAMPLE = re.compile(r'(?s)<a id="as_(\w+)"></a>.*?```json\n(.*?)```')
EXAMPLES = {name: json.loads(text) for name, text in EXAMPLE.findall(GUIDE)}
FIELDS = {
    "Lead": [
        "Region__c | picklist(255) | CUR | Region | North; South; Other",
        "Budget__c | double | CU | Budget",
    ],
    "CampaignMember": [
        "Ticket__c | string(80) | CUN | Ticket",
        "Replay_Status__c | picklist(40) | CUNR | Replay | Watched; Not watched",
    ],
}
OTTER = {
    "email": "olga@otter.example",
    "name": "Olga Otter",
    "company": "River GmbH",
    "job_title": "Head of Diving",
    "phone": "+49 30 1",
}
ANSWERS = [
    {"key": "region", "label": "Region", "value": "Bavaria"},
    {"key": "department", "label": "Department", "value": "Research"},
]


async def followed(dashboard: MappingDashboard, name: str, *fields: str, **changes: Any) -> dict[str, Any]:
    """The example saved as in the guide, and one registration written under it."""
    custom_fields = {each: FIELDS[each] for each in fields}
    await dashboard.rig.org.configure(extra_fields=custom_fields)
    saved = body_of(await dashboard.http.put(HOST, json=EXAMPLES[name]))
    assert (saved["findings"], saved["is_checked"]) == ([], True)
    await dashboard.rig.link(await dashboard.rig.org.campaign())
    ticket = {"name": "Standard", "kind": "attendee"}
    values = {"attendee": OTTER, "email_key": OTTER["email"], "answers": ANSWERS, "ticket": ticket, **changes}
    await dashboard.synced(**values)
    assert set((await dashboard.rig.states()).values()) <= {"synced", "skipped"}
    return saved


async def only(dashboard: MappingDashboard, sobject: str) -> dict[str, Any]:
    [record] = await dashboard.rig.records(sobject)
    return dict(record)


async def test_as_in_inwink_contacts_are_updated(dashboard: MappingDashboard) -> None:
    row = {"LastName": "Otter", "Email": "Olga@Otter.example", "Title": "Diver", "FirstName": "O."}
    await dashboard.rig.org.seed("Contact", row)
    await followed(dashboard, "inwink", "CampaignMember")
    contact = await only(dashboard, "Contact")
    assert (contact["Title"], contact["Phone"]) == ("Head of Diving", "+49 30 1")
    assert (contact["FirstName"], contact["Email"]) == ("O.", "Olga@Otter.example")
    assert (await only(dashboard, "CampaignMember"))["Ticket__c"] == "Standard"
    assert await dashboard.rig.records("Lead") == []


async def test_as_in_livestorm_contacts_are_created_with_accounts(dashboard: MappingDashboard) -> None:
    [account_id] = await dashboard.rig.org.seed("Account", {"Name": "RIVER"})
    await followed(dashboard, "livestorm", "CampaignMember")
    contact = await only(dashboard, "Contact")
    assert (contact["AccountId"], contact["Department"], contact["LeadSource"]) == (
        account_id, "Research", "Eventship",
    )  # fmt: skip
    assert (await only(dashboard, "CampaignMember"))["Replay_Status__c"] == "Not watched"
    watched = {"watched_at": NOW.isoformat(), "seconds": 60}
    await dashboard.rig.change("reg_00001", replay=watched)
    await dashboard.rig.drain()
    assert (await only(dashboard, "CampaignMember"))["Replay_Status__c"] == "Watched"
    assert await dashboard.rig.records("Lead") == []


async def test_as_in_oncehub_leads_get_record_type_owner_and_required_fields(
    dashboard: MappingDashboard,
) -> None:
    await dashboard.rig.org.configure(record_types=[{"sobject": "Lead", "developer_name": "Event_Guest"}])
    user = {"LastName": "Host", "Email": "olga@acme.example", "IsActive": True, "UserType": "Standard"}
    [owner_id] = await dashboard.rig.org.seed("User", user)
    await dashboard.rig.organized_by("olga@acme.example")
    saved = await followed(dashboard, "oncehub", "Lead")
    [required] = saved["required_without_value"]
    assert (required["field"], required["is_filled"]) == ("Budget__c", True)
    lead = await only(dashboard, "Lead")
    assert (lead["OwnerId"], lead["Region__c"], lead["Budget__c"]) == (owner_id, "South", 0)
    assert lead["Description"] == "Registered for Otter Summit (Standard)"
    assert lead["RecordTypeId"].startswith("012")


async def test_as_in_supersend_nobody_is_created(dashboard: MappingDashboard) -> None:
    await followed(dashboard, "supersend")
    assert (await dashboard.rig.states()) == {"reg_00001": "skipped"}
    assert await dashboard.rig.records("Lead") == await dashboard.rig.records("Contact") == []
    [contact_id] = await dashboard.rig.org.seed("Contact", {"LastName": "Otter", "Email": OTTER["email"]})
    await dashboard.rig.requeue("reg_00001")
    await dashboard.rig.drain()
    assert (await only(dashboard, "Task"))["WhoId"] == contact_id


def test_every_reference_has_its_example() -> None:
    assert set(EXAMPLES) == {"inwink", "livestorm", "oncehub", "supersend"}


def test_every_source_is_in_the_guide() -> None:
    rows = [f"| `{path}` | {label} | {example} |" for path, label, example in SOURCES]
    assert [row for row in rows if row not in GUIDE] == []


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(sorted(CONVERTERS), id="types"),
        pytest.param(get_args(Mode), id="modes"),
        pytest.param(sorted(set(PeopleGiven.model_fields) - {"create"}), id="people"),
        pytest.param(
            [field.alias or name for name, field in FieldRuleGiven.model_fields.items()], id="rules"
        ),
        pytest.param(["lead", "contact", "person_account", "nobody"], id="created"),
        pytest.param(["leave", "organizer", "fixed", "run_assignment_rules"], id="owner"),
    ],
)
def test_guide_names_everything_that_can_be_chosen(names: list[str]) -> None:
    assert [name for name in names if not re.search(rf"`(?:\w+\.)?{name}[`:]", GUIDE)] == []


def test_every_link_to_the_guide_leads_to_a_place() -> None:
    links = {row.link for row in ADVICE.values() if row.link} | {link for _, _, link in PLACES} | {ANYWHERE}
    used = {link.partition("#")[2] for link in links if link.startswith("/docs/mapping#")}
    assert {"required", "wrong", "saving", "people", "record_types"} <= used
    assert used <= set(re.findall(r'<a id="([\w-]+)"></a>', GUIDE))


def test_links_within_the_guide_lead_to_places() -> None:
    used = set(re.findall(r"\]\(#([\w-]+)\)", GUIDE))
    assert used <= set(re.findall(r'<a id="([\w-]+)"></a>', GUIDE))
