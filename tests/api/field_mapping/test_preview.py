"""The preview: per record and field what stands, what would stand, and why; and that it comes true."""

from typing import Any

import pytest
from sqlalchemy import func, select, update

from app.models import Connection, SyncJob, WrittenRecord
from tests.api.field_mapping.dashboard import Studio, problem, told
from tests.tokens import TokenMint

PATH = "/v1/hosts/host_a/events/evt_otters/salesforce/registrations/{}/preview"
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


async def seen(studio: Studio, registration_id: str) -> dict[str, Any]:
    answer = await studio.http.get(PATH.format(registration_id))
    assert answer.headers["cache-control"] == "no-store"
    return told(answer)


def part(shown: dict[str, Any], name: str) -> dict[str, Any]:
    [record] = [each for each in shown["records"] if each["part"] == name]
    return dict(record)


def fields(shown: dict[str, Any], name: str) -> dict[str, dict[str, Any]]:
    return {each["field"]: each for each in part(shown, name)["fields"]}


def whys(shown: dict[str, Any], name: str = "person") -> dict[str, str]:
    return {field: each["why"] for field, each in fields(shown, name).items()}


async def registered(studio: Studio, number: int = 1, **changes: Any) -> str:
    return await studio.rig.registered(number, **{"attendee": OTTER, "answers": DIET, **changes})


async def test_new_person_is_shown_field_by_field(studio: Studio) -> None:
    await studio.put({"fields": RULES})
    shown = await seen(studio, await registered(studio))
    person = part(shown, "person")
    assert (shown["outcome"], person["object"], person["record"], person["action"]) == (
        "synced", "Lead", None, "create",
    )  # fmt: skip
    told_of = fields(shown, "person")
    assert told_of["Diet__c"] == {
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
    assert (told_of["Note__c"]["then"], told_of["Note__c"]["from"]) == ("at Otter Summit", "at {event.title}")
    own = {name: (told_of[name]["then"], told_of[name]["mode"], told_of[name]["from"])
           for name in ("LastName", "Company", "LeadSource")}  # fmt: skip
    assert own == {
        "LastName": ("Otter", "ours", "attendee.last_name"),
        "Company": ("River GmbH", "ours", "attendee.company"),
        "LeadSource": ("Eventship", "ours", None),
    }
    assert fields(shown, "registered")["WhoId"]["then"].startswith("@{")


async def test_default_mapping_is_previewed_too(studio: Studio) -> None:
    shown = await seen(studio, await registered(studio))
    assert whys(shown)["Title"] == "new"
    assert fields(shown, "person")["Phone"]["label"] == "Phone"


async def test_preview_of_a_new_person_comes_true(studio: Studio) -> None:
    await studio.rig.link(await studio.rig.org.campaign())
    await studio.put({"fields": RULES, "people": {"create": "contact"}})
    reg = await registered(studio)
    shown = await seen(studio, reg)
    await studio.rig.drain()
    for record in shown["records"]:
        [written] = await studio.rig.records(record["object"])
        promised = {each["field"]: each["then"] for each in record["fields"] if each["why"] == "new"}
        assert promised
        plain = {name: value for name, value in promised.items() if not str(value).startswith("@{")}
        assert {name: written[name] for name in plain} == plain


async def test_account_of_a_new_contact_is_shown_first(studio: Studio) -> None:
    await studio.put({"people": {"create": "contact"}})
    shown = await seen(studio, await registered(studio))
    assert [each["part"] for each in shown["records"]] == ["account", "person", "registered"]
    assert fields(shown, "account")["Name"]["then"] == "River GmbH"
    assert fields(shown, "person")["AccountId"]["then"].startswith("@{")


async def known(studio: Studio, **contact: Any) -> str:
    row = {"LastName": "Otter", "Email": "otter1@example.com", **contact}
    [contact_id] = await studio.rig.org.seed("Contact", row)
    return contact_id


async def test_known_person_is_shown_as_it_stands(studio: Studio) -> None:
    contact_id = await known(studio, Title="Boss", Diet__c="None")
    await studio.put({"fields": RULES})
    shown = await seen(studio, await registered(studio))
    person = part(shown, "person")
    assert (person["action"], person["record"]["id"], person["object"]) == ("keep", contact_id, "Contact")
    assert person["record"]["url"].endswith(contact_id)
    assert (fields(shown, "person")["Title"]["now"], fields(shown, "person")["Title"]["then"]) == (
        "Boss",
        "Boss",
    )
    assert whys(shown) == dict.fromkeys(("Title", "Phone", "Diet__c"), "not_updating") | {"Email": "same"}


async def test_preview_of_a_known_person_comes_true(studio: Studio) -> None:
    await known(studio, Title="Boss", Diet__c="None")
    await studio.put({"fields": RULES, "people": {"update_existing": True}})
    reg = await registered(studio)
    shown = await seen(studio, reg)
    assert part(shown, "person")["action"] == "update"
    assert whys(shown) == {"Phone": "changed", "Diet__c": "changed", "Title": "kept", "Email": "same"}
    await studio.rig.drain()
    [contact] = await studio.rig.records("Contact")
    then = {name: each["then"] for name, each in fields(shown, "person").items()}
    assert then == {name: contact[name] for name in then}
    assert contact["Diet__c"] == "None;Vegan"


async def test_preview_says_why_nothing_would_change(studio: Studio) -> None:
    rules = [
        {"object": "Contact", "field": "Diet__c", "from": "answers.diet", "mode": "append"},
        {"object": "Contact", "field": "Department", "from": "utm.source", "mode": "overwrite"},
        {"object": "Contact", "field": "MailingCity", "constant": "Otto", "mode": "create"},
        {"object": "Contact", "field": "Fax", "constant": "none", "mode": "empty"},
    ]
    await known(studio, Diet__c="Vegan", Fax="030 2", Title="Diver", Phone="030 1")
    await studio.put({"fields": rules, "people": {"update_existing": True}})
    shown = await seen(studio, await registered(studio))
    assert part(shown, "person")["action"] == "keep"
    wanted = {"Diet__c": "same", "Department": "no_value", "MailingCity": "create_only", "Fax": "kept"}
    assert {name: why for name, why in whys(shown).items() if name in wanted} == wanted


async def test_what_a_salesperson_changed_stays_theirs(studio: Studio) -> None:
    await studio.put({"fields": RULES, "people": {"update_existing": True}})
    reg = await registered(studio)
    await studio.rig.drain()
    [lead] = await studio.rig.records("Lead")
    await studio.corrected("Lead", lead["Id"], Note__c="mine")
    shown = await seen(studio, reg)
    assert whys(shown)["Note__c"] == "theirs"
    assert fields(shown, "person")["Note__c"]["then"] == "mine"


async def test_value_that_does_not_fit_is_told_with_the_reason(studio: Studio) -> None:
    await studio.put({"fields": [{"object": "Lead", "field": "NumberOfEmployees", "from": "answers.diet"}]})
    field = fields(await seen(studio, await registered(studio)), "person")["NumberOfEmployees"]
    assert (field["why"], field["then"]) == ("left_out", None)
    assert "vegan" in field["text"]


async def test_mapping_that_would_fail_the_row_is_told(studio: Studio) -> None:
    await studio.put({"fields": [{**RULES[0], "values": {"vegetarian": "Vegetarian"}}]})
    shown = await seen(studio, await registered(studio))
    assert (shown["outcome"], shown["records"]) == ("failed", [])
    assert (shown["error"]["class"], shown["error"]["fields"]) == ("configuration", ["Diet__c"])


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        pytest.param({"email_key": None, "attendee": {"name": "Otter"}}, "no_email", id="no-email"),
        pytest.param({"status": "cancelled"}, "cancelled", id="cancelled"),
    ],
)
async def test_row_that_would_write_nothing_has_no_records(
    studio: Studio, changes: dict[str, Any], because: str
) -> None:
    shown = await seen(studio, await registered(studio, **changes))
    assert (shown["outcome"], shown["skipped_because"], shown["records"]) == ("skipped", because, [])


async def test_what_stands_is_shown_as_kept(studio: Studio) -> None:
    await studio.rig.link(await studio.rig.org.campaign())
    reg = await studio.synced(attendee=OTTER)
    shown = await seen(studio, reg)
    assert [(each["part"], each["action"]) for each in shown["records"]] == [
        ("person", "keep"),
        ("registered", "keep"),
        ("member", "keep"),
    ]
    assert all(each["record"]["url"] for each in shown["records"])


async def test_preview_writes_nothing_and_is_charged(studio: Studio) -> None:
    await studio.put({"fields": RULES})
    await known(studio)
    reg = await registered(studio)
    before = await studio.calls()
    shown = await seen(studio, reg)
    assert await studio.calls() - before == shown["calls_spent"] > 0
    assert await studio.rig.records("Task") == []
    async with studio.rig.database.system() as session:
        connection = await session.get_one(Connection, "host_a")
        job = await session.get_one(SyncJob, ("host_a", reg))
        slots = await session.scalar(select(func.count()).select_from(WrittenRecord))
    assert (connection.calls_today, job.state, slots) == (await studio.calls(), "pending", 0)


async def test_preview_is_refused_where_a_look_is(studio: Studio, mint: TokenMint) -> None:
    reg = await registered(studio)
    assert problem(await studio.http.get(PATH.format("reg_nobody"))) == (404, "RegistrationNotFound")
    theirs = mint.headers(hosts={"host_b": "owner"})
    assert problem(await studio.http.get(PATH.format(reg), headers=theirs)) == (404, "HostNotFound")
    await studio.rig.org.fault("error", status=503)
    assert problem(await studio.http.get(PATH.format(reg))) == (503, "SalesforceUnavailable")
    async with studio.rig.database.system() as session:
        await session.execute(update(Connection).values(api_used=90, api_limit=100))
    assert problem(await studio.http.get(PATH.format(reg))) == (503, "ApiBudgetReached")


async def test_refused_describe_says_nothing_of_campaigns(studio: Studio) -> None:
    """A user who may not see Leads may well see campaigns."""
    registration_id = await registered(studio)
    await refuse_calls(studio, after=1)
    answer = await studio.http.get(PATH.format(registration_id))
    assert problem(answer) == (404, "ObjectNotVisible")
    assert answer.json()["salesforce"]["error_code"] == "INSUFFICIENT_ACCESS"


async def test_refused_look_at_a_record_says_nothing_of_campaigns(studio: Studio) -> None:
    registration_id = await studio.synced(attendee=OTTER)
    await refuse_calls(studio)
    assert problem(await studio.http.get(PATH.format(registration_id))) == (404, "ObjectNotVisible")


@pytest.mark.parametrize(("after", "outcome"), [(0, "pending"), (1, "failed")])
async def test_refused_calls_of_a_dry_run_are_its_outcome(studio: Studio, after: int, outcome: str) -> None:
    registration_id = await registered(studio)
    await refuse_calls(studio, after=after)
    shown = told(await studio.http.get(PATH.replace("preview", "dry-run").format(registration_id)))
    assert shown["outcome"] == outcome


async def refuse_calls(studio: Studio, *, after: int = 0) -> None:
    await studio.rig.org.fault("error", status=403, error_code="INSUFFICIENT_ACCESS", skip=after, count=9)
