"""One event's own record types, fields and owner of its calendar Events and Cases."""

from typing import Any

import pytest

from app.models import Event, Host
from tests.api.answers import body_of
from tests.api.field_mapping.dashboard import EVENT, HOST, MappingDashboard
from tests.integration.sync.conftest import EVENT as EVENT_ID

KINDS = ("Case", "Event")


async def hold_meeting(dashboard: MappingDashboard) -> None:
    types = [{"sobject": sobject, "developer_name": f"{sobject}_of_Demo"} for sobject in KINDS]
    fields = {sobject: ["Topic__c | string(40) | CUN | Topic"] for sobject in KINDS}
    await dashboard.rig.org.configure(record_types=types, extra_fields=fields)
    async with dashboard.rig.database.system() as session:
        host = await session.get_one(Host, "host_a")
        host.settings = {"writes": {"calendar_event": True, "case": True}}
        (await session.get_one(Event, ("host_a", EVENT_ID))).kind = "meeting"


def layer(sobject: str, **changes: Any) -> dict[str, Any]:
    topic = {"object": sobject, "field": "Topic__c", "from": "event.title"}
    return {"record_types": {sobject: f"{sobject}_of_Demo"}, "fields": [topic], **changes}


@pytest.mark.parametrize("sobject", KINDS)
async def test_an_event_chooses_record_type_and_fields_of_what_it_writes(
    dashboard: MappingDashboard, sobject: str
) -> None:
    await hold_meeting(dashboard)
    saved = await dashboard.put(layer(sobject), EVENT)
    assert (saved["is_checked"], saved["findings"]) == (True, [])
    assert saved["effective"]["record_types"] == {sobject: f"{sobject}_of_Demo"}
    assert (await dashboard.get())["effective"]["record_types"] == {}
    reg = await dashboard.synced()
    assert (await dashboard.rig.job(reg)).state == "synced"
    [record] = await dashboard.rig.records(sobject)
    types = await dashboard.rig.records("RecordType")
    assert [each["DeveloperName"] for each in types if each["Id"] == record["RecordTypeId"]] == [
        f"{sobject}_of_Demo"
    ]
    assert record["Topic__c"] == "Otter Summit"


@pytest.mark.parametrize("sobject", KINDS)
async def test_what_the_org_lacks_of_a_meetings_records_is_found(
    dashboard: MappingDashboard, sobject: str
) -> None:
    await hold_meeting(dashboard)
    wrong = layer(sobject, record_types={sobject: "Gone"})
    wrong["fields"][0]["field"] = "Gone__c"
    found = (await dashboard.validate(wrong, EVENT))["findings"]
    assert {(each["code"], each["severity"], each["path"]) for each in found} == {
        ("record_type_not_found", "error", f"record_types.{sobject}"),
        ("field_not_found", "error", "fields.0"),
    }


@pytest.mark.parametrize("sobject", KINDS)
async def test_pickers_offer_the_fields_and_record_types_of_a_meetings_records(
    dashboard: MappingDashboard, sobject: str
) -> None:
    await hold_meeting(dashboard)
    offered = body_of(await dashboard.http.get(f"{HOST}/objects/{sobject}/fields"))
    assert offered["is_written"]
    assert [each["developer_name"] for each in offered["record_types"]] == [f"{sobject}_of_Demo"]
    mappable = {each["name"]: each["is_mappable"] for each in offered["fields"]}
    assert (mappable["Topic__c"], mappable["Subject"]) == (True, False)
