"""A dry run tells exactly what is then sent, and sends and keeps nothing itself."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, func, select, update

from app.api.errors import ApiBudgetReached, NotConnected, RegistrationNotFound, SalesforceUnavailable
from app.models import Connection, CreateLock, Event, OrgLease, SyncAttempt, SyncJob, WrittenRecord
from app.sync_preview.dry_run import dry_run
from app.sync_preview.schemas import DryRun
from tests.factories import NOW
from tests.integration.sync.conftest import EVENT, HOST, Rig

Sent = list[tuple[str, str, Any]]


@contextmanager
def writes(rig: Rig) -> Iterator[Sent]:
    """What leaves for Salesforce meanwhile and would change something there."""
    sent: Sent = []

    async def note(request: httpx.Request) -> None:
        body = json.loads(request.content) if request.content else None
        is_look = request.method == "GET" or all(
            each["method"] == "GET" for each in (body or {}).get("compositeRequest", [{"method": "POST"}])
        )
        if not is_look:
            sent.append((request.method, request.url.path, body))

    rig.resources.http.event_hooks["request"].append(note)
    try:
        yield sent
    finally:
        rig.resources.http.event_hooks["request"].remove(note)


async def dry(rig: Rig, registration_id: str) -> DryRun:
    """The dry run, proved to send nothing."""
    with writes(rig) as sent:
        predicted = await dry_run(rig.resources, HOST, EVENT, registration_id=registration_id)
    assert sent == []
    return predicted


async def predicted_and_sent(rig: Rig, registration_id: str) -> tuple[Sent, Sent]:
    predicted = await dry(rig, registration_id)
    with writes(rig) as sent:
        await rig.drain()
    new = {lead["Id"]: "@{newLead.id}" for lead in await rig.records("Lead")}
    text = json.dumps(sent)
    for lead_id, word in new.items():
        if predicted.person.action == "create":
            text = text.replace(lead_id, word)
    plain = [[each.method, each.path, each.body] for each in predicted.requests]
    return json.loads(json.dumps(plain)), json.loads(text)


async def counts(rig: Rig) -> list[int]:
    tables = (SyncJob, WrittenRecord, SyncAttempt, CreateLock)
    async with rig.database.system() as session:
        return [await session.scalar(select(func.count()).select_from(each)) or 0 for each in tables]


async def test_new_attendee_is_predicted_as_it_is_then_sent(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    predicted, sent = await predicted_and_sent(rig, await rig.registered(1))
    assert predicted == sent != []


async def test_known_attendee_is_predicted_as_it_is_then_sent(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter1@example.com"})
    predicted, sent = await predicted_and_sent(rig, await rig.registered(1))
    assert predicted == sent != []


async def test_check_in_is_predicted_as_it_is_then_sent(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    reg = await rig.registered(1)
    await rig.drain()
    await rig.change(reg, checked_in_at=NOW + timedelta(hours=1))
    predicted, sent = await predicted_and_sent(rig, reg)
    assert predicted == sent != []


async def test_new_holder_of_a_ticket_is_looked_up_as_the_drain_does(rig: Rig) -> None:
    old = {"id": "per_1", "email": "old@example.com", "name": "Old Otter"}
    reg = await rig.registered(1, attendee=old, email_key="old@example.com")
    await rig.drain()
    [contact] = await rig.org.seed("Contact", {"LastName": "New", "Email": "elsewhere@example.com"})
    lead = {"LastName": "New", "Company": "Rivers", "Email": "new@example.com"}
    await rig.org.seed("Lead", lead | {"IsConverted": True, "ConvertedContactId": contact})
    new = {"id": "per_2", "email": "new@example.com", "name": "New Otter"}
    await rig.change(reg, attendee=new, email_key="new@example.com")
    predicted = await dry(rig, reg)
    assert predicted.person.person is not None
    assert (predicted.person.action, predicted.person.person.id) == ("found", contact)
    await rig.drain()
    assert (await rig.slots(reg))["person"].sf_id == contact


async def test_parts_distinguish_created_from_found(rig: Rig) -> None:
    campaign_id = await rig.org.campaign()
    await rig.link(campaign_id)
    [contact_id] = await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter1@example.com"})
    reg = await rig.registered(1)
    first = await dry(rig, reg)
    assert (first.outcome, first.person.action, first.calls_spent) == ("synced", "found", 2)
    assert first.person.person is not None
    assert (first.person.person.id, first.person.person.found_by) == (contact_id, "email")
    [activity] = first.activities
    assert activity.fields is not None
    assert (activity.kind, activity.action, activity.fields["WhoId"]) == ("registered", "create", contact_id)
    assert first.member.fields == {"CampaignId": campaign_id, "ContactId": contact_id, "Status": "Sent"}
    await rig.drain()
    again = await dry(rig, reg)
    assert (again.requests, again.activities[0].action) == ([], "stands")
    assert (again.member.action, again.member.reason) == ("none", "stands")
    assert again.member.member is not None
    assert again.member.member.status == "Sent"


async def test_person_to_be_changed_is_shown_with_what_changes(rig: Rig) -> None:
    [contact_id] = await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter1@example.com"})
    await rig.choose(people={"update_existing": True})
    attendee = {"email": "otter1@example.com", "name": "Otter", "job_title": "Diver"}
    reg = await rig.registered(1, attendee=attendee)
    person = (await dry(rig, reg)).person
    assert (person.action, person.fields) == ("update", {"id": contact_id, "Title": "Diver"})
    assert person.person is not None
    assert person.person.id == contact_id
    predicted, sent = await predicted_and_sent(rig, reg)
    assert predicted == sent != []


async def test_person_to_be_created_is_shown_with_its_fields(rig: Rig) -> None:
    predicted = await dry(rig, await rig.registered(1))
    assert (predicted.person.action, predicted.member.reason) == ("create", "not_linked")
    assert predicted.person.fields is not None
    assert (predicted.person.fields["Email"], predicted.person.fields["LeadSource"]) == (
        "otter1@example.com", "Eventship",
    )  # fmt: skip
    assert predicted.activities[0].fields is not None
    assert predicted.activities[0].fields["WhoId"].startswith("@{")


async def test_nothing_is_kept_of_a_dry_run(rig: Rig) -> None:
    await rig.link(await rig.org.campaign())
    reg = await rig.registered(1)
    before, version = await counts(rig), (await rig.job(reg)).change_no
    await dry(rig, reg)
    assert (await counts(rig), (await rig.job(reg)).change_no) == (before, version)


async def test_registration_that_was_never_queued_is_sent_too(rig: Rig) -> None:
    reg = await rig.registered(1)
    async with rig.database.system() as session:
        await session.delete(await session.get_one(SyncJob, (HOST, reg)))
    assert (await dry(rig, reg)).person.action == "create"
    assert (await counts(rig))[0] == 0


@pytest.mark.parametrize(
    ("changes", "outcome", "because"),
    [
        pytest.param(
            {"email_key": None, "attendee": {"name": "Otter"}}, "skipped", "no_email", id="no-email"
        ),
        pytest.param(
            {"status": "cancelled", "cancelled_at": NOW}, "skipped", "cancelled", id="cancelled-before"
        ),
        pytest.param({"erased_at": NOW}, "skipped", "erased", id="erased"),
        pytest.param(
            {"email_key": "otter", "attendee": {"name": "Otter", "email": "otter"}}, "failed", None, id="bad"
        ),
    ],
)
async def test_row_that_would_write_nothing_says_why(
    rig: Rig, changes: dict[str, Any], outcome: str, because: str | None
) -> None:
    reg = await rig.registered(1, **changes)
    predicted = await dry(rig, reg)
    assert (predicted.outcome, predicted.skipped_because, predicted.requests) == (outcome, because, [])
    assert (predicted.error is not None) == (outcome == "failed")


@pytest.mark.parametrize("people", [{}, {"create": "contact"}], ids=["lead", "contact"])
async def test_new_person_without_a_required_field_is_predicted_to_fail_as_it_does(
    rig: Rig, people: dict[str, Any]
) -> None:
    sobject = "Contact" if people else "Lead"
    await rig.org.configure(extra_fields={sobject: ["Region__c | string(20) | CU | Region"]})
    await rig.choose(people=people)
    reg = await rig.registered(1)
    predicted = await dry(rig, reg)
    assert predicted.outcome == "failed"
    assert predicted.error is not None
    await rig.drain()
    job = await rig.job(reg)
    assert (
        (job.state, job.error_code)
        == ("failed", predicted.error.error_code)
        == ("failed", "REQUIRED_FIELD_MISSING")
    )
    assert predicted.error.fields == ["Region__c"]


async def test_required_field_does_not_concern_who_is_known(rig: Rig) -> None:
    await rig.org.configure(extra_fields={"Lead": ["Region__c | string(20) | CU | Region"]})
    await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter1@example.com"})
    assert (await dry(rig, await rig.registered(1))).outcome == "synced"


async def test_task_without_a_required_field_is_predicted_to_fail(rig: Rig) -> None:
    await rig.org.configure(extra_fields={"Task": ["Region__c | string(20) | CU | Region"]})
    reg = await rig.registered(1)
    predicted = await dry(rig, reg)
    await rig.drain()
    assert predicted.error is not None
    assert (predicted.outcome, predicted.error.error_code) == ("failed", (await rig.job(reg)).error_code)


async def test_broken_link_holds_the_member_back(rig: Rig) -> None:
    await rig.link("701000000000001AAA")
    predicted = await dry(rig, await rig.registered(1))
    assert (predicted.outcome, predicted.member.reason, predicted.person.action) == (
        "held",
        "campaign_broken",
        "create",
    )


async def test_call_under_way_is_not_planned_again(rig: Rig) -> None:
    reg = await rig.registered(1)
    await rig.org.fault("reset_after_write", match={"is_write": True})
    await rig.drain()
    async with rig.database.system() as session:
        await session.execute(update(WrittenRecord).values(state="intended"))
        await session.execute(update(SyncJob).values(state="running"))
        await session.execute(update(OrgLease).values(not_before=None))
    predicted = await dry(rig, reg)
    assert predicted.person.action == "found"
    assert "Lead" not in [each.path.rpartition("/")[2] for each in predicted.requests]


async def test_fenced_person_is_waited_for(rig: Rig) -> None:
    reg = await rig.registered(1)
    other = await rig.registered(2, email_key="otter1@example.com", attendee={"email": "otter1@example.com"})
    await rig.org.fault("hang", seconds=0.2, match={"is_write": True})
    await rig.drain()
    async with rig.database.system() as session:
        await session.execute(update(CreateLock).values(host_id="host_b"))
        await session.execute(update(OrgLease).values(not_before=None))
        await session.execute(delete(WrittenRecord))
    for each in (reg, other):
        assert (await dry(rig, each)).requests == []


async def test_budget_forbids_even_the_look(rig: Rig) -> None:
    reg = await rig.registered(1)
    async with rig.database.system() as session:
        await session.execute(update(Connection).values(api_used=90, api_limit=100))
    with pytest.raises(ApiBudgetReached):
        await dry(rig, reg)
    assert (await rig.org.calls())["total"] == 0


async def test_budget_that_is_found_used_up_by_the_look_ends_it(rig: Rig) -> None:
    reg = await rig.registered(1)
    await rig.org.configure(api_limit={"max": 1000, "used": 850})
    with pytest.raises(ApiBudgetReached) as refused:
        await dry(rig, reg)
    assert refused.value.headers == {"Retry-After": "900"}
    async with rig.database.system() as session:
        connection = await session.get_one(Connection, HOST)
    assert (connection.api_used, connection.calls_today) == (851, 1)


async def test_org_that_wants_to_be_left_alone_is(rig: Rig) -> None:
    reg = await rig.registered(1)
    async with rig.database.system() as session:
        later = func.clock_timestamp() + timedelta(minutes=5)
        await session.merge(OrgLease(org_id=rig.org.org_id))
        await session.flush()
        await session.execute(update(OrgLease).values(not_before=later))
    with pytest.raises(SalesforceUnavailable):
        await dry(rig, reg)


async def test_pause_is_shown_and_does_not_forbid_the_lookup(rig: Rig) -> None:
    reg = await rig.registered(1)
    async with rig.database.system() as session:
        await session.execute(update(Event).values(paused_at=NOW))
    predicted = await dry(rig, reg)
    assert (predicted.waiting_for, predicted.person.action) == ("pause", "create")


async def test_failed_lookup_is_never_reported_as_nobody_found(rig: Rig) -> None:
    reg = await rig.registered(1)
    await rig.org.fault("error", status=503)
    with pytest.raises(SalesforceUnavailable):
        await dry(rig, reg)


async def test_unknown_registration_and_missing_connection_are_refused(rig: Rig) -> None:
    with pytest.raises(RegistrationNotFound):
        await dry(rig, "reg_nobody")
    reg = await rig.registered(1)
    async with rig.database.system() as session:
        await session.delete(await session.get_one(Connection, HOST))
    with pytest.raises(NotConnected):
        await dry(rig, reg)
