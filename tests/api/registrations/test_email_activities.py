"""E-mails that webhooks tell of: what arms a row, what it shows, what is retried, what an erasure leaves."""

from typing import Any

import pytest
from sqlalchemy import text

from tests.api.answers import body_of
from tests.api.field_mapping.conftest import dashboard
from tests.api.field_mapping.dashboard import MappingDashboard
from tests.deliveries import post, registration, webhook

__all__ = ["dashboard"]

HOST = "/v1/hosts/host_a/salesforce"
EVENT = "/v1/hosts/host_a/events/evt_otters/salesforce"
ROW = f"{EVENT}/registrations/reg_1"
SENT = {"id": "em_77", "at": "2026-11-22T08:00:00Z", "subject": "See you on Tuesday"}
OPENED = {"id": "em_77", "at": "2026-11-22T08:14:00Z"}
NO_EMAILS = {"sobject": "EmailMessage", "when": "Subject != null", "message": "No e-mails here"}


async def told(dashboard: MappingDashboard, type_: str, number: int, **data: Any) -> None:
    one = registration(version=1, **data.pop("registration", {}))
    answer = await post(dashboard.http, webhook(type_, registration=one, **data), f"msg_{number}")
    assert answer.status_code == 202, answer.text


@pytest.fixture
async def emailing(dashboard: MappingDashboard) -> MappingDashboard:
    """Mary is registered and written; e-mails are on."""
    on = {"email_sent": True, "email_opened": True}
    body_of(await dashboard.http.put(f"{HOST}/settings", json={"writes": on}))
    await told(dashboard, "registration.confirmed", 1)
    await dashboard.rig.drain()
    return dashboard


async def row_of(dashboard: MappingDashboard) -> dict[str, Any]:
    return body_of(await dashboard.http.get(ROW))


async def stats_of(dashboard: MappingDashboard) -> dict[str, Any]:
    return body_of(await dashboard.http.get(f"{EVENT}/stats"))


def parts_of(row: dict[str, Any]) -> dict[str, str]:
    return {part["kind"]: part["state"] for part in row["parts"]}


async def test_a_row_stays_synced_while_its_email_is_on_its_way(emailing: MappingDashboard) -> None:
    before = await stats_of(emailing)
    await told(emailing, "email.sent", 2, email=SENT)
    row = await row_of(emailing)
    assert (row["state"], row["waiting_for"], parts_of(row)["email_sent"]) == ("synced", None, "pending")
    assert (await emailing.rig.job("reg_1")).state == "pending"
    assert (await stats_of(emailing))["counts"] == before["counts"]
    await told(emailing, "email.opened", 3, email=OPENED)
    await emailing.rig.drain()
    row = await row_of(emailing)
    assert row["state"] == "synced"
    assert parts_of(row) == {"registered": "synced", "email_sent": "synced", "email_opened": "synced"}
    shown = [(each["object"], each["kind"], each["subject"]) for each in row["activities"]]
    assert sorted(shown) == [
        ("EmailMessage", "email_sent", "See you on Tuesday"),
        ("Task", "email_opened", "Email opened: See you on Tuesday"),
        ("Task", "registered", "Registered: Otter Summit"),
    ]
    [link] = [each["url"] for each in row["activities"] if each["object"] == "EmailMessage"]
    assert "/02s" in link
    csv = (await emailing.http.get(f"{EVENT}/registrations.csv")).text
    assert link in csv


async def test_a_kind_that_is_off_arms_nothing_and_is_not_wanted(dashboard: MappingDashboard) -> None:
    await told(dashboard, "registration.confirmed", 1)
    await dashboard.rig.drain()
    await told(dashboard, "email.sent", 2, email=SENT)
    assert (await dashboard.rig.job("reg_1")).state == "synced"
    assert parts_of(await row_of(dashboard))["email_sent"] == "not_wanted"
    body_of(await dashboard.http.put(f"{EVENT}/settings", json={"writes": {"email_opened": True}}))
    await told(dashboard, "email.sent", 3, email=SENT | {"id": "em_78"})
    assert (await dashboard.rig.job("reg_1")).state == "synced", "another kind is on"
    await told(dashboard, "email.opened", 4, email=OPENED)
    assert (await dashboard.rig.job("reg_1")).state == "pending"
    await told(dashboard, "email.opened", 5, email=OPENED)
    await dashboard.rig.drain()
    await told(dashboard, "email.opened", 6, email=OPENED | {"at": "2026-11-22T09:00:00Z"})
    assert (await dashboard.rig.job("reg_1")).state == "synced", "opened once more is no news"


async def test_an_event_that_is_off_leaves_its_rows_as_they_are(emailing: MappingDashboard) -> None:
    body_of(await emailing.http.put(f"{EVENT}/settings", json={"enabled": False}))
    await told(emailing, "email.sent", 2, email=SENT)
    await emailing.rig.drain()
    assert (await row_of(emailing))["state"] == "synced"


async def test_who_was_never_confirmed_gets_none(dashboard: MappingDashboard) -> None:
    body_of(await dashboard.http.put(f"{HOST}/settings", json={"writes": {"email_sent": True}}))
    await told(dashboard, "email.sent", 1, email=SENT, registration={"status": "pending"})
    await dashboard.rig.drain()
    assert await dashboard.rig.states() == {}


async def test_a_failed_email_is_a_part_a_warning_and_a_group_that_is_retried_alone(
    emailing: MappingDashboard,
) -> None:
    await emailing.rig.org.configure(validation_rules=[NO_EMAILS])
    before = await stats_of(emailing)
    await told(emailing, "email.sent", 2, email=SENT)
    await emailing.rig.drain()
    row, stats = await row_of(emailing), await stats_of(emailing)
    assert (row["state"], row["error"], row["can_retry"]) == ("synced", None, True)
    assert parts_of(row) == {"registered": "synced", "email_sent": "failed"}
    assert [each["code"] for each in row["warnings"]][-1] == "email_not_written"
    assert stats["counts"] == before["counts"]
    [group] = stats["groups"]
    assert (group["object"], group["count"], group["error_code"]) == (
        "EmailMessage",
        1,
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
    )
    listed = body_of(
        await emailing.http.get(f"{EVENT}/registrations", params={"group_id": group["group_id"]})
    )
    assert [each["registration_id"] for each in listed["items"]] == ["reg_1"]
    await emailing.rig.org.configure(validation_rules=[])
    wish = {"filter": {"group_id": group["group_id"]}}
    retried = (await emailing.http.post(f"{EVENT}/retry", json=wish)).json()
    assert (retried["matched"], retried["queued"]) == (1, 1)
    job = await emailing.rig.job("reg_1")
    assert (job.state, job.settled_state, job.reason, job.requested_by) == (
        "pending",
        "synced",
        "retry_parts",
        "user_17",
    )
    assert (await row_of(emailing))["state"] == "synced"
    await emailing.rig.drain()
    assert parts_of(await row_of(emailing))["email_sent"] == "synced"
    assert (await stats_of(emailing))["groups"] == []
    history = body_of(await emailing.http.get(f"{ROW}/history"))["items"]
    assert [(each["kind"], each["why"], each["outcome"]) for each in history[:2]] == [
        ("email_sent", "retry_parts", "synced"),
        ("email_sent", "live", "synced"),
    ]


async def test_a_dry_run_shows_the_email_and_writes_none(emailing: MappingDashboard) -> None:
    await told(emailing, "email.sent", 2, email=SENT)
    dry = body_of(await emailing.http.get(f"{ROW}/dry-run"))
    assert {(each["kind"], each["action"]) for each in dry["activities"]} == {
        ("registered", "stands"),
        ("email_sent", "create"),
    }
    assert dry["outcome"] == "synced"
    preview = body_of(await emailing.http.get(f"{ROW}/preview"))
    assert ("email_sent", "EmailMessage", "create") in {
        (each["part"], each["object"], each["action"]) for each in preview["records"]
    }
    assert await emailing.rig.records("EmailMessage") == []


async def test_an_erasure_takes_subjects_and_snippets_with_it(emailing: MappingDashboard) -> None:
    replied = {"id": "em_77", "at": "2026-11-22T09:01:00Z", "snippet": "Can I bring Bert?"}
    await emailing.rig.org.configure(validation_rules=[NO_EMAILS])
    await told(emailing, "email.sent", 2, email=SENT)
    await told(emailing, "email.opened", 3, email=OPENED)
    await told(emailing, "email.replied", 4, email=replied)
    await emailing.rig.drain()
    answer = await emailing.http.post(
        "/v1/hosts/host_a/attendees/erase", json={"attendee": {"email": "mary@otter.example"}}
    )
    assert answer.status_code == 202, answer.text
    async with emailing.rig.database.system() as session:
        for table in ("registrations", "sync_jobs", "sync_attempts", "written_records", "deliveries"):
            rows = (await session.execute(text(f"SELECT t::text FROM {table} AS t"))).scalars().all()
            found = "\n".join(rows)
            assert not any(each in found for each in ("See you", "Bert", "No e-mails")), table
    row = await row_of(emailing)
    assert (row["warnings"], row["error"]) == ([], None)
