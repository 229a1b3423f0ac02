"""The Case of a registration, wherever the dashboard shows it."""

from typing import Any

import pytest
from sqlalchemy import update

from app.models import Event, Host
from tests.api.answers import body_of
from tests.api.contract import DRY_RUN, ROW
from tests.api.field_mapping.conftest import dashboard
from tests.api.field_mapping.dashboard import MappingDashboard
from tests.factories import NOW
from tests.integration.sync.conftest import EVENT, HOST
from tests.json_shapes import misfits

E = "/v1/hosts/host_a/events/evt_otters/salesforce"
__all__ = ["dashboard"]


@pytest.fixture
async def meeting(dashboard: MappingDashboard) -> MappingDashboard:
    """The event is a meeting, and the host writes Cases, which are closed once it took place."""
    settings = {"writes": {"case": True}, "case": {"close_when_completed": True}}
    async with dashboard.rig.database.system() as session:
        await session.execute(update(Event).where(Event.event_id == EVENT).values(kind="meeting"))
        await session.execute(update(Host).where(Host.host_id == HOST).values(settings=settings))
    return dashboard


async def get(meeting: MappingDashboard, path: str) -> Any:
    return body_of(await meeting.http.get(f"{E}/{path}"))


async def test_a_row_links_to_its_case(meeting: MappingDashboard) -> None:
    reg = await meeting.synced(1)
    [case] = await meeting.rig.records("Case")
    row = await get(meeting, f"registrations/{reg}")
    assert misfits(ROW, row) == []
    assert (row["case"]["object"], row["case"]["id"]) == ("Case", case["Id"])
    assert row["case"]["url"].endswith(case["Id"])
    assert {part["kind"]: part["state"] for part in row["parts"]} == {
        "registered": "synced",
        "case": "synced",
    }
    assert [each["kind"] for each in row["activities"]] == ["registered"]
    lines = (await meeting.http.get(f"{E}/registrations.csv")).text.splitlines()
    cells = dict(zip(lines[0].lstrip("\ufeff").split(","), lines[1].split(","), strict=True))
    assert (cells["case_id"], cells["case_url"]) == (case["Id"], row["case"]["url"])


async def test_a_dry_run_and_a_preview_say_what_becomes_of_the_case(meeting: MappingDashboard) -> None:
    reg = await meeting.rig.registered(1)
    planned = await get(meeting, f"registrations/{reg}/dry-run")
    assert misfits(DRY_RUN, planned) == []
    assert (planned["case"]["action"], planned["case"]["fields"]["Subject"]) == (
        "create",
        "Meeting: Otter Summit",
    )
    shown = await get(meeting, f"registrations/{reg}/preview")
    [record] = [each for each in shown["records"] if each["part"] == "case"]
    sources = {each["field"]: each["from"] for each in record["fields"]}
    assert (record["object"], record["action"], sources["SuppliedEmail"]) == (
        "Case",
        "create",
        "attendee.email",
    )
    assert await meeting.rig.records("Case") == []
    await meeting.rig.drain()
    assert (await get(meeting, f"registrations/{reg}/dry-run"))["case"]["action"] == "stands"
    await meeting.rig.change(reg, completed_at=NOW)
    closing = (await get(meeting, f"registrations/{reg}/dry-run"))["case"]
    assert (closing["action"], closing["fields"]["Status"]) == ("update", "Closed")


async def test_the_history_names_the_case(meeting: MappingDashboard) -> None:
    reg = await meeting.synced(1)
    await meeting.rig.change(reg, completed_at=NOW)
    await meeting.rig.drain()
    latest, *_ = (await get(meeting, f"registrations/{reg}/history"))["items"]
    assert (latest["kind"], latest["outcome"]) == ("case", "synced")
    assert "Closed" in str(latest["requests"])


async def test_erasing_an_attendee_names_the_case_and_keeps_no_word_of_it(meeting: MappingDashboard) -> None:
    reg = await meeting.synced(1)
    [case] = await meeting.rig.records("Case")
    who = {"attendee": {"email": "otter1@example.com"}}
    erased = (await meeting.http.post("/v1/hosts/host_a/attendees/erase", json=who)).json()
    assert case["Id"] in [each["id"] for each in erased["salesforce_records"]]
    row = await get(meeting, f"registrations/{reg}")
    assert (row["case"]["id"], row["attendee"]["name"]) == (case["Id"], None)
    assert (await meeting.rig.slots(reg))["case"].details.get("subject") is None


async def test_a_preflight_looks_at_cases_where_they_are_written(meeting: MappingDashboard) -> None:
    path = "/v1/hosts/host_a/salesforce/preflight"
    found = {each["code"] for each in body_of(await meeting.http.post(path))["findings"]}
    assert "case_auto_response" in found
    await meeting.rig.org.configure(has_case=False)
    shown = body_of(await meeting.http.post(path))
    about = [each["code"] for each in shown["findings"] if each["object"] == "Case"]
    assert about == ["object_not_readable"]
    card = body_of(await meeting.http.get("/v1/hosts/host_a/salesforce"))
    assert [each["code"] for each in card["problems"]] == ["cases_not_createable"]
    assert shown["verdict"] != "blocked"
    await meeting.http.put("/v1/hosts/host_a/salesforce/settings", json={"writes": {"case": False}})
    shown = body_of(await meeting.http.post(path))
    assert [each for each in shown["findings"] if each["object"] == "Case"] == []
    assert body_of(await meeting.http.get("/v1/hosts/host_a/salesforce"))["problems"] == []


async def test_a_preflight_looks_at_cases_for_one_event_that_has_them(dashboard: MappingDashboard) -> None:
    await dashboard.http.put(f"{E}/settings", json={"writes": {"case": True}})
    shown = body_of(await dashboard.http.post("/v1/hosts/host_a/salesforce/preflight"))
    assert "case_auto_response" in {each["code"] for each in shown["findings"]}
    assert "case_createable" in shown["passed"]
