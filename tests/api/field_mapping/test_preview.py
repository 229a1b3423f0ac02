"""The preview: current and future value of each field with the reason; and that the write matches it."""

from typing import Any

import pytest
from sqlalchemy import func, select, update

from app.models import Connection, SyncJob, WrittenRecord
from tests.api.answers import body_of, problem
from tests.api.field_mapping.dashboard import MappingDashboard
from tests.tokens import TokenMint

PATH = "/v1/hosts/host_a/events/evt_otters/salesforce/registrations/{}/preview"
SETTINGS = "/v1/hosts/host_a/salesforce/settings"
OTTER = {
    "email": "otter1@example.com",
    "first_name": "Olga",
    "last_name": "Otter",
    "company": "River GmbH",
    "job_title": "Diver",
    "phone": "+49 30 1",
}
DIET = [{"key": "diet", "label": "Food", "value": "vegan"}]
RULES = [
    {"object": "Lead", "field": "Diet__c", "from": "answers.diet"},
    {"object": "Lead", "field": "Note__c", "template": "at {event.title}", "mode": "overwrite"},
    {"object": "Contact", "field": "Diet__c", "from": "answers.diet", "mode": "append"},
    {"object": "CampaignMember", "field": "Note__c", "constant": "by us"},
]


async def seen(dashboard: MappingDashboard, registration_id: str) -> dict[str, Any]:
    answer = await dashboard.http.get(PATH.format(registration_id))
    assert answer.headers["cache-control"] == "no-store"
    return body_of(answer)


def part(body: dict[str, Any], name: str) -> dict[str, Any]:
    [record] = [each for each in body["records"] if each["part"] == name]
    return dict(record)


def fields(body: dict[str, Any], name: str) -> dict[str, dict[str, Any]]:
    return {each["field"]: each for each in part(body, name)["fields"]}


def whys(body: dict[str, Any], name: str = "person") -> dict[str, str]:
    return {field: each["why"] for field, each in fields(body, name).items()}


async def registered(dashboard: MappingDashboard, number: int = 1, **changes: Any) -> str:
    return await dashboard.rig.registered(number, **{"attendee": OTTER, "answers": DIET, **changes})


async def test_new_person_is_shown_field_by_field(dashboard: MappingDashboard) -> None:
    await dashboard.put({"fields": RULES})
    body = await seen(dashboard, await registered(dashboard))
    person = part(body, "person")
    assert (body["outcome"], person["object"], person["record"], person["action"]) == (
        "synced", "Lead", None, "create",
    )  # fmt: skip
    changes_of = fields(body, "person")
    assert changes_of["Diet__c"] == {
        "object": "Lead",
        "field": "Diet__c",
        "label": "Diet",
        "now": None,
        "then": "Vegan",
        "mode": "create",
        "from": "answers.diet",
        "why": "new",
        "text": None,
    }
    assert (changes_of["Note__c"]["then"], changes_of["Note__c"]["from"]) == (
        "at Otter Summit",
        "at {event.title}",
    )
    own = {name: (changes_of[name]["then"], changes_of[name]["mode"], changes_of[name]["from"])
           for name in ("LastName", "Company", "LeadSource")}  # fmt: skip
    assert own == {
        "LastName": ("Otter", "ours", "attendee.last_name"),
        "Company": ("River GmbH", "ours", "attendee.company"),
        "LeadSource": ("Eventship", "ours", None),
    }
    assert fields(body, "registered")["WhoId"]["then"].startswith("@{")


async def test_default_mapping_is_previewed_too(dashboard: MappingDashboard) -> None:
    body = await seen(dashboard, await registered(dashboard))
    assert whys(body)["Title"] == "new"
    assert fields(body, "person")["Phone"]["label"] == "Phone"


async def test_preview_of_a_new_person_comes_true(dashboard: MappingDashboard) -> None:
    await dashboard.rig.link(await dashboard.rig.org.campaign())
    await dashboard.put({"fields": RULES, "people": {"create": "contact"}})
    reg = await registered(dashboard)
    body = await seen(dashboard, reg)
    await dashboard.rig.drain()
    for record in body["records"]:
        [written] = await dashboard.rig.records(record["object"])
        promised = {each["field"]: each["then"] for each in record["fields"] if each["why"] == "new"}
        assert promised
        plain = {name: value for name, value in promised.items() if not str(value).startswith("@{")}
        assert {name: written[name] for name in plain} == plain


async def test_account_of_a_new_contact_is_shown_first(dashboard: MappingDashboard) -> None:
    await dashboard.put({"people": {"create": "contact"}})
    body = await seen(dashboard, await registered(dashboard))
    assert [each["part"] for each in body["records"]] == ["account", "person", "registered"]
    assert fields(body, "account")["Name"]["then"] == "River GmbH"
    assert fields(body, "person")["AccountId"]["then"].startswith("@{")


async def known(dashboard: MappingDashboard, **contact: Any) -> str:
    row = {"LastName": "Otter", "Email": "otter1@example.com", **contact}
    [contact_id] = await dashboard.rig.org.seed("Contact", row)
    return contact_id


async def test_known_person_is_shown_with_current_values(dashboard: MappingDashboard) -> None:
    contact_id = await known(dashboard, Title="Boss", Diet__c="None")
    await dashboard.put({"fields": RULES})
    body = await seen(dashboard, await registered(dashboard))
    person = part(body, "person")
    assert (person["action"], person["record"]["id"], person["object"]) == ("keep", contact_id, "Contact")
    assert person["record"]["url"].endswith(contact_id)
    assert (fields(body, "person")["Title"]["now"], fields(body, "person")["Title"]["then"]) == (
        "Boss",
        "Boss",
    )
    assert whys(body) == dict.fromkeys(("Title", "Phone", "Diet__c"), "not_updating") | {"Email": "same"}


async def test_preview_of_a_known_person_comes_true(dashboard: MappingDashboard) -> None:
    await known(dashboard, Title="Boss", Diet__c="None")
    await dashboard.put({"fields": RULES, "people": {"update_existing": True}})
    reg = await registered(dashboard)
    body = await seen(dashboard, reg)
    assert part(body, "person")["action"] == "update"
    assert whys(body) == {"Phone": "changed", "Diet__c": "changed", "Title": "kept", "Email": "same"}
    await dashboard.rig.drain()
    [contact] = await dashboard.rig.records("Contact")
    then = {name: each["then"] for name, each in fields(body, "person").items()}
    assert then == {name: contact[name] for name in then}
    assert contact["Diet__c"] == "None;Vegan"


async def test_preview_says_why_nothing_would_change(dashboard: MappingDashboard) -> None:
    rules = [
        {"object": "Contact", "field": "Diet__c", "from": "answers.diet", "mode": "append"},
        {"object": "Contact", "field": "Department", "from": "utm.source", "mode": "overwrite"},
        {"object": "Contact", "field": "MailingCity", "constant": "Otto", "mode": "create"},
        {"object": "Contact", "field": "Fax", "constant": "none", "mode": "empty"},
    ]
    await known(dashboard, Diet__c="Vegan", Fax="030 2", Title="Diver", Phone="030 1")
    await dashboard.put({"fields": rules, "people": {"update_existing": True}})
    body = await seen(dashboard, await registered(dashboard))
    assert part(body, "person")["action"] == "keep"
    expected = {"Diet__c": "same", "Department": "no_value", "MailingCity": "create_only", "Fax": "kept"}
    assert {name: why for name, why in whys(body).items() if name in expected} == expected


async def test_what_a_salesperson_changed_stays_theirs(dashboard: MappingDashboard) -> None:
    await dashboard.put({"fields": RULES, "people": {"update_existing": True}})
    reg = await registered(dashboard)
    await dashboard.rig.drain()
    [lead] = await dashboard.rig.records("Lead")
    await dashboard.rig.edit("Lead", lead["Id"], Note__c="mine")
    body = await seen(dashboard, reg)
    assert whys(body)["Note__c"] == "theirs"
    assert fields(body, "person")["Note__c"]["then"] == "mine"


async def test_value_that_does_not_fit_is_reported_with_the_reason(dashboard: MappingDashboard) -> None:
    await dashboard.put(
        {"fields": [{"object": "Lead", "field": "NumberOfEmployees", "from": "answers.diet"}]}
    )
    field = fields(await seen(dashboard, await registered(dashboard)), "person")["NumberOfEmployees"]
    assert (field["why"], field["then"]) == ("left_out", None)
    assert "vegan" in field["text"]


async def test_mapping_that_would_fail_the_row_is_reported(dashboard: MappingDashboard) -> None:
    await dashboard.put({"fields": [{**RULES[0], "values": {"vegetarian": "Vegetarian"}}]})
    body = await seen(dashboard, await registered(dashboard))
    assert (body["outcome"], body["records"]) == ("failed", [])
    assert (body["error"]["class"], body["error"]["fields"]) == ("configuration", ["Diet__c"])


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        pytest.param({"email_key": None, "attendee": {"name": "Otter"}}, "no_email", id="no-email"),
        pytest.param({"status": "cancelled"}, "cancelled", id="cancelled"),
    ],
)
async def test_row_that_would_write_nothing_has_no_records(
    dashboard: MappingDashboard, changes: dict[str, Any], because: str
) -> None:
    body = await seen(dashboard, await registered(dashboard, **changes))
    assert (body["outcome"], body["skipped_because"], body["records"]) == ("skipped", because, [])


async def test_existing_values_are_shown_as_kept(dashboard: MappingDashboard) -> None:
    await dashboard.rig.link(await dashboard.rig.org.campaign())
    reg = await dashboard.synced(attendee=OTTER)
    body = await seen(dashboard, reg)
    assert [(each["part"], each["action"]) for each in body["records"]] == [
        ("person", "keep"),
        ("registered", "keep"),
        ("member", "keep"),
    ]
    assert all(each["record"]["url"] for each in body["records"])


async def test_preview_writes_nothing_and_is_charged(dashboard: MappingDashboard) -> None:
    await dashboard.put({"fields": RULES})
    await known(dashboard)
    reg = await registered(dashboard)
    before = await dashboard.calls()
    body = await seen(dashboard, reg)
    assert await dashboard.calls() - before == body["calls_spent"] > 0
    assert await dashboard.rig.records("Task") == []
    async with dashboard.rig.database.system() as session:
        connection = await session.get_one(Connection, "host_a")
        job = await session.get_one(SyncJob, ("host_a", reg))
        slots = await session.scalar(select(func.count()).select_from(WrittenRecord))
    assert (connection.calls_today, job.state, slots) == (await dashboard.calls(), "pending", 0)


async def test_preview_is_refused_where_a_look_is(dashboard: MappingDashboard, mint: TokenMint) -> None:
    reg = await registered(dashboard)
    assert problem(await dashboard.http.get(PATH.format("reg_nobody"))) == (404, "RegistrationNotFound")
    theirs = mint.headers(hosts={"host_b": "owner"})
    assert problem(await dashboard.http.get(PATH.format(reg), headers=theirs)) == (404, "HostNotFound")
    await dashboard.rig.org.fault("error", status=503)
    assert problem(await dashboard.http.get(PATH.format(reg))) == (503, "SalesforceUnavailable")
    async with dashboard.rig.database.system() as session:
        await session.execute(update(Connection).values(api_used=90, api_limit=100))
    assert problem(await dashboard.http.get(PATH.format(reg))) == (503, "ApiBudgetReached")


async def test_refused_describe_says_nothing_of_campaigns(dashboard: MappingDashboard) -> None:
    """A user who may not see Leads may well see campaigns."""
    registration_id = await registered(dashboard)
    await refuse_calls(dashboard, after=1)
    answer = await dashboard.http.get(PATH.format(registration_id))
    assert problem(answer) == (404, "ObjectNotVisible")
    assert answer.json()["salesforce"]["error_code"] == "INSUFFICIENT_ACCESS"


async def test_refused_look_at_a_record_says_nothing_of_campaigns(dashboard: MappingDashboard) -> None:
    registration_id = await dashboard.synced(attendee=OTTER)
    await refuse_calls(dashboard)
    assert problem(await dashboard.http.get(PATH.format(registration_id))) == (404, "ObjectNotVisible")


@pytest.mark.parametrize(("after", "outcome"), [(0, "pending"), (1, "failed")])
async def test_refused_calls_of_a_dry_run_are_its_outcome(
    dashboard: MappingDashboard, after: int, outcome: str
) -> None:
    registration_id = await registered(dashboard)
    await refuse_calls(dashboard, after=after)
    body = body_of(await dashboard.http.get(PATH.replace("preview", "dry-run").format(registration_id)))
    assert body["outcome"] == outcome


async def refuse_calls(dashboard: MappingDashboard, *, after: int = 0) -> None:
    await dashboard.rig.org.fault("error", status=403, error_code="INSUFFICIENT_ACCESS", skip=after, count=9)


@pytest.mark.parametrize(
    ("chosen", "outcome", "person"),
    [("contact", "synced", "Contact"), ("nobody", "skipped", None), ("as_mapping", "synced", "Lead")],
)
async def test_whom_a_general_link_creates_is_shown(
    dashboard: MappingDashboard, chosen: str, outcome: str, person: str | None
) -> None:
    await dashboard.http.put(SETTINGS, json={"general_links": chosen})
    body = await seen(dashboard, await registered(dashboard))
    assert body["outcome"] == outcome
    created = [each["object"] for each in body["records"] if each["part"] == "person"]
    assert created == ([person] if person else [])


async def test_the_mapping_is_judged_for_what_general_links_create(dashboard: MappingDashboard) -> None:
    """A required field that nothing fills, of an object that the mapping itself never creates."""
    required = {"Contact": ["Badge__c | string(20) | CU | Badge"]}
    await dashboard.rig.org.configure(extra_fields=required)
    assert (await dashboard.validate({}))["required_without_value"] == []
    await dashboard.http.put(SETTINGS, json={"general_links": "contact"})
    missing = (await dashboard.validate({}))["required_without_value"]
    assert [(each["object"], each["field"]) for each in missing] == [("Contact", "Badge__c")]
