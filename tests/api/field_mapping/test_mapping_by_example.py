"""A mapping that is not saved, tried on a registration: its records, what is wrong with them, who is hit."""

from typing import Any

import pytest
from sqlalchemy import update

from app.models import SyncJob
from app.sync_preview import mapping_reach
from tests.api.answers import body_of, problem
from tests.api.field_mapping.dashboard import EVENT, HOST, MappingDashboard
from tests.factories_events import event_for

OLGA = {
    "email": "olga@example.com",
    "first_name": "Olga",
    "last_name": "Otter",
    "company": "River GmbH",
    "job_title": "Diver",
}
FOOD = [{"key": "diet", "label": "Food", "value": "vegan"}]
DIET_RULE = {"object": "Lead", "field": "Diet__c", "from": "answers.diet"}


async def tried(
    dashboard: MappingDashboard, mapping: dict[str, Any], path: str = HOST, **more: Any
) -> dict[str, Any]:
    answer = await dashboard.http.post(f"{path}/preview", json={"mapping": mapping, **more})
    assert answer.headers["cache-control"] == "no-store"
    return body_of(answer)


def record(example: dict[str, Any], name: str) -> dict[str, dict[str, Any]]:
    [found] = [each for each in example["records"] if each["object"] == name]
    return {each["field"]: each for each in found["fields"]}


async def described(dashboard: MappingDashboard) -> None:
    """As when the page was opened: it reads the fields of the objects first."""
    for name in ("Lead", "Contact", "CampaignMember", "Task"):
        body_of(await dashboard.http.get(f"{HOST}/objects/{name}/fields"))


async def test_draft_is_shown_beside_the_saved_mapping(dashboard: MappingDashboard) -> None:
    await dashboard.put({"fields": [{"object": "Lead", "field": "Note__c", "constant": "old"}]})
    reg = await dashboard.rig.registered(1, attendee=OLGA, answers=FOOD)
    await described(dashboard)
    calls = await dashboard.calls()
    example = await tried(
        dashboard,
        {"fields": [DIET_RULE, {"object": "Lead", "field": "Note__c", "constant": "new"}]},
        registration_id=reg,
    )
    lead = record(example, "Lead")
    assert lead["Diet__c"] == {
        "field": "Diet__c",
        "label": "Diet",
        "now": None,
        "then": "Vegan",
        "from": "answers.diet",
        "change": "new",
        "trouble": None,
    }
    note, name = lead["Note__c"], lead["LastName"]
    assert (note["now"], note["then"], note["change"]) == ("old", "new", "changed")
    assert (name["now"], name["then"], name["change"], name["from"]) == (
        "Otter", "Otter", "same", "attendee.last_name",
    )  # fmt: skip
    assert record(example, "Task")["Subject"]["then"] == "Registered: Otter Summit"
    assert example["is_checked"] is True
    assert await dashboard.calls() == calls
    assert (await dashboard.get())["chosen"]["fields"][0]["constant"] == "old"


async def test_draft_comes_true(dashboard: MappingDashboard) -> None:
    draft = {"fields": [DIET_RULE, {"object": "Lead", "field": "Note__c", "template": "at {event.title}"}]}
    reg = await dashboard.rig.registered(1, attendee=OLGA, answers=FOOD)
    await described(dashboard)
    promised = record(await tried(dashboard, draft, registration_id=reg), "Lead")
    await dashboard.put(draft)
    await dashboard.rig.drain()
    [lead] = await dashboard.rig.records("Lead")
    assert {name: lead[name] for name in promised} == {name: each["then"] for name, each in promised.items()}


async def test_trouble_stands_at_its_field(dashboard: MappingDashboard) -> None:
    answers = [{"key": "diet", "label": "Food", "value": "steak"}]
    reg = await dashboard.rig.registered(1, attendee=OLGA, answers=answers)
    await described(dashboard)
    long = {"object": "Lead", "field": "Note__c", "constant": "far more than twenty letters"}
    lead = record(await tried(dashboard, {"fields": [DIET_RULE, long]}, registration_id=reg), "Lead")
    diet, note = lead["Diet__c"], lead["Note__c"]
    assert (diet["then"], diet["trouble"]["severity"]) == (None, "refused")
    assert "steak" in diet["trouble"]["text"]
    assert (len(note["then"]), note["trouble"]["severity"]) == (20, "cut")


async def test_required_field_that_nothing_fills_is_refused(dashboard: MappingDashboard) -> None:
    region = ["Region__c | string(40) | CU | Region"]
    await dashboard.rig.org.configure(extra_fields={"Lead": region})
    await dashboard.rig.registered(1, attendee=OLGA)
    await described(dashboard)
    trouble = record(await tried(dashboard, {}), "Lead")["Region__c"]["trouble"]
    assert (trouble["severity"], trouble["code"]) == ("refused", "required_missing")
    filled = {"fields": [{"object": "Lead", "field": "Region__c", "constant": "EMEA"}]}
    assert record(await tried(dashboard, filled), "Lead")["Region__c"]["trouble"] is None


async def test_another_kind_of_person_takes_the_place(dashboard: MappingDashboard) -> None:
    await dashboard.rig.registered(1, attendee=OLGA)
    await described(dashboard)
    example = await tried(dashboard, {"people": {"create": "contact"}, "record_types": {"Contact": "Guest"}})
    changes = {each["object"]: each["change"] for each in example["records"]}
    assert (changes["Contact"], changes["Account"], changes["Lead"]) == ("new", "new", "gone")
    assert record(example, "Contact")["RecordTypeId"]["then"] == "Guest"


async def test_contact_who_is_there_is_shown_where_people_are_updated(dashboard: MappingDashboard) -> None:
    await dashboard.rig.registered(1, attendee=OLGA, answers=FOOD)
    await described(dashboard)
    rule = {"object": "Contact", "field": "Diet__c", "from": "answers.diet", "mode": "append"}
    example = await tried(dashboard, {"people": {"update_existing": True}, "fields": [rule]})
    [contact] = [each for each in example["records"] if each["object"] == "Contact"]
    assert contact["written"] == "found"
    assert record(example, "Contact")["Diet__c"]["then"] == "Vegan"


async def test_whoever_answered_most_is_the_example(dashboard: MappingDashboard) -> None:
    talkative = await dashboard.rig.registered(1, attendee=OLGA, answers=FOOD)
    await dashboard.rig.registered(2)
    example = await tried(dashboard, {})
    assert example["registration"]["registration_id"] == talkative
    given = {each["path"]: (each["label"], each["value"], each["is_answer"]) for each in example["given"]}
    assert given["answers.diet"] == ("Food", "vegan", True)
    assert given["attendee.company"] == ("Attendee: company", "River GmbH", False)


async def test_nobody_registered_yet(dashboard: MappingDashboard) -> None:
    example = await tried(dashboard, {})
    assert (example["registration"], example["records"], example["reach"]["looked_at"]) == (None, [], 0)


async def test_whom_a_draft_changes_is_counted(dashboard: MappingDashboard) -> None:
    await dashboard.synced(1, attendee=OLGA, answers=FOOD)
    await dashboard.rig.registered(2, answers=FOOD)
    silent = await dashboard.rig.registered(3)
    await described(dashboard)
    reach = (await tried(dashboard, {"fields": [DIET_RULE]}))["reach"]
    assert reach == {
        "registrations": 2,
        "looked_at": 3,
        "is_all": True,
        "written": 1,
        "retried": 0,
        "events": [{"event_id": "evt_otters", "title": "Otter Summit", "registrations": 2}],
        "events_total": 1,
    }
    async with dashboard.rig.database.system() as session:
        broken = {"state": "failed", "settled_state": "failed", "error_class": "configuration"}
        await session.execute(update(SyncJob).where(SyncJob.registration_id == silent).values(**broken))
    assert (await tried(dashboard, {}))["reach"] | {"events": []} == {
        **reach, "registrations": 0, "written": 0, "retried": 1, "events": [], "events_total": 0,
    }  # fmt: skip
    everybody = (await tried(dashboard, {"people": {"create": "contact"}}))["reach"]
    assert everybody["registrations"] == 3
    assert (await tried(dashboard, {}, count=False))["reach"] is None


async def test_counting_has_an_end(dashboard: MappingDashboard, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1, 5):
        await dashboard.rig.registered(number, answers=FOOD)
    monkeypatch.setattr(mapping_reach, "EVALUATIONS_MAX", 3)
    reach = (await tried(dashboard, {"fields": [DIET_RULE]}))["reach"]
    assert (reach["registrations"], reach["looked_at"], reach["is_all"]) == (2, 2, False)


async def test_event_tries_its_own_rules_over_the_hosts(dashboard: MappingDashboard) -> None:
    await dashboard.put({"fields": [DIET_RULE]})
    async with dashboard.rig.database.system() as session:
        session.add(event_for(event_id="evt_other", title="Other"))
    await dashboard.rig.registered(1, attendee=OLGA, answers=FOOD)
    other = await dashboard.rig.registered(2, event_id="evt_other", answers=FOOD)
    await described(dashboard)
    off = {"fields": [{"object": "Lead", "field": "Diet__c", "mode": "off"}]}
    example = await tried(dashboard, off, EVENT)
    diet = record(example, "Lead")["Diet__c"]
    assert (diet["now"], diet["then"], diet["change"]) == ("Vegan", None, "gone")
    assert (example["reach"]["registrations"], example["reach"]["looked_at"]) == (1, 1)
    body = {"mapping": off, "registration_id": other}
    refused = await dashboard.http.post(f"{EVENT}/preview", json=body)
    assert problem(refused)[:2] == (404, "RegistrationNotFound")


async def test_host_without_org_sees_examples_too(dashboard: MappingDashboard) -> None:
    path = HOST.replace("host_a", "host_b")
    async with dashboard.rig.database.system() as session:
        session.add(event_for(host_id="host_b", event_id="evt_b"))
    example = await tried(dashboard, {}, path)
    assert (example["is_checked"], example["registration"]) == (False, None)


async def test_members_try_nothing(dashboard: MappingDashboard) -> None:
    headers = dashboard.mint.headers(hosts={"host_a": "member"})
    for path in (HOST, EVENT):
        refused = await dashboard.http.post(f"{path}/preview", json={"mapping": {}}, headers=headers)
        assert refused.status_code == 403
        assert (await dashboard.http.get(f"{path}/registrants", headers=headers)).status_code == 403
    assert (await dashboard.http.get(f"{HOST}/owners", headers=headers)).status_code == 403


async def test_registrants_are_found_by_name_the_latest_first(dashboard: MappingDashboard) -> None:
    olga = await dashboard.rig.registered(1, attendee=OLGA, answers=FOOD)
    latest = await dashboard.rig.registered(2)
    everybody = await dashboard.get(f"{HOST}/registrants")
    assert [each["registration_id"] for each in everybody["items"]] == [latest, olga]
    [found] = (await dashboard.get(f"{HOST}/registrants", q="ga ott"))["items"]
    assert (found["name"], found["email"], found["event_title"], found["answers"]) == (
        "Olga Otter", "olga@example.com", "Otter Summit", 1,
    )  # fmt: skip
    assert (await dashboard.get(f"{EVENT}/registrants", q="nobody"))["items"] == []


async def test_owners_are_found_by_name_and_the_org_is_asked_once(dashboard: MappingDashboard) -> None:
    calls = await dashboard.calls()
    [queue] = (await dashboard.get(f"{HOST}/owners", q="event lea"))["items"]
    assert (queue["name"], queue["is_queue"], queue["id"][:3]) == ("Event Leads", True, "00G")
    users = [each for each in (await dashboard.get(f"{HOST}/owners"))["items"] if not each["is_queue"]]
    assert users
    assert all(each["id"].startswith("005") for each in users)
    [same] = (await dashboard.get(f"{HOST}/owners", q=queue["id"][:15]))["items"]
    assert same == queue
    assert await dashboard.calls() == calls + 1


async def test_owner_has_a_name_in_the_example(dashboard: MappingDashboard) -> None:
    await dashboard.rig.registered(1, attendee=OLGA)
    [queue] = (await dashboard.get(f"{HOST}/owners", q="event lea"))["items"]
    example = await tried(dashboard, {"owner": {"how": "fixed", "id": queue["id"]}})
    assert record(example, "Lead")["OwnerId"]["then"] == "Event Leads"


async def test_owners_of_a_large_org_are_searched_there(
    dashboard: MappingDashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.field_mapping.owners.KEPT_MAX", 1)
    found = await dashboard.get(f"{HOST}/owners", q="Event")
    assert "Event Leads" in [each["name"] for each in found["items"]]
