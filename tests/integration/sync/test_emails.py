"""E-mails become activities once, whatever their order and whatever the org makes of them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.models import Event, Host, Registration
from app.sync.jobs.enqueue import JobRequest, enqueue_jobs
from tests.integration.sync.conftest import EVENT, HOST, Rig
from tests.integration.sync.test_lost_answers import QUIET

SENT: dict[str, Any] = {
    "at": "2026-11-22T08:00:00Z",
    "subject": "See you on Tuesday",
    "kind": "reminder",
    "from": {"name": "Acme Events", "email": "events@acme.example"},
    "url": "https://e.example/m/77",
}
OPENED = {"at": "2026-11-22T08:14:00Z"}
REPLIED = {"at": "2026-11-22T09:01:00Z", "subject": "Re: See you", "snippet": "Can I bring a colleague?"}
ALL = {"em_77": {"sent": SENT, "opened": OPENED, "replied": REPLIED}}
KINDS = ("email_sent", "email_opened", "email_replied")


async def switch_on(rig: Rig, *kinds: str, as_: str = "auto") -> None:
    async with rig.database.system() as session:
        host = await session.get(Host, HOST) or Host(host_id=HOST)
        host.settings = {"writes": dict.fromkeys(kinds or KINDS, True), "email": {"as": as_}}
        await session.merge(host)


async def told(rig: Rig, registration_id: str, emails: dict[str, Any]) -> None:
    """What the platform tells of e-mails, as a webhook stores it."""
    async with rig.database.system() as session:
        registration = await session.get_one(Registration, (HOST, registration_id))
        registration.emails = emails
        request = JobRequest(HOST, registration_id, EVENT, rig.org.org_id, is_optional=True)
        await enqueue_jobs(session, [request])


async def emailed(rig: Rig, emails: dict[str, Any], number: int = 1) -> str:
    """Somebody who is in Salesforce, and then gets these e-mails."""
    reg = await rig.registered(number)
    await rig.drain()
    await told(rig, reg, emails)
    await rig.drain()
    return reg


async def tasks(rig: Rig) -> list[str]:
    """Subjects of our Tasks: those that Salesforce makes for an EmailMessage are its own."""
    made = {row["ActivityId"] for row in await rig.records("EmailMessage")}
    return sorted(row["Subject"] for row in await rig.records("Task") if row["Id"] not in made)


async def settle(rig: Rig, rounds: int = 6) -> None:
    for _ in range(rounds):
        await rig.pass_time(QUIET / 3)
        await rig.drain()


async def test_an_email_is_an_email_message_with_our_key_and_no_body(rig: Rig) -> None:
    await switch_on(rig)
    reg = await emailed(rig, {"em_77": {"sent": SENT}})
    [lead] = await rig.records("Lead")
    [email] = await rig.records("EmailMessage")
    assert (email["Status"], email["Incoming"], email["ToIds"]) == ("3", False, [lead["Id"]])
    assert (email["FromAddress"], email["FromName"]) == ("events@acme.example", "Acme Events")
    assert (email["Subject"], email["TextBody"]) == ("See you on Tuesday", "https://e.example/m/77")
    assert email["MessageDate"].startswith("2026-11-22T08:00:00")
    assert email["MessageIdentifier"].startswith("<evs-")
    assert email["RelatedToId"] is None
    assert await tasks(rig) == ["Registered: Otter Summit"]
    assert (await rig.states())[reg] == "synced"


async def test_opened_and_replied_are_a_task_and_an_incoming_email_of_the_person(rig: Rig) -> None:
    await switch_on(rig)
    await emailed(rig, ALL)
    [lead] = await rig.records("Lead")
    [reply] = [row for row in await rig.records("EmailMessage") if row["Incoming"]]
    assert (reply["FromId"], reply["FromAddress"]) == (lead["Id"], lead["Email"])
    assert reply["TextBody"].startswith("Can I bring a colleague?")
    assert await tasks(rig) == ["Email opened: See you on Tuesday", "Registered: Otter Summit"]
    [task] = [row for row in await rig.records("Task") if row["Subject"].startswith("Email opened")]
    assert (task["WhoId"], task["Status"], task["ActivityDate"]) == (lead["Id"], "Completed", "2026-11-22")
    assert task["Description"].splitlines()[-1].startswith("Ref: EVS-")


@pytest.mark.parametrize("order", ["sent opened replied", "replied opened sent", "opened sent replied"])
async def test_the_order_of_facts_makes_no_difference_but_to_a_subject_not_known_yet(
    rig: Rig, order: str
) -> None:
    await switch_on(rig)
    reg = await rig.registered(1)
    facts: dict[str, Any] = {}
    for name in order.split():
        facts = {**facts, name: ALL["em_77"][name]}
        await told(rig, reg, {"em_77": facts})
        await rig.drain()
    assert len(await rig.records("EmailMessage")) == 2
    is_known = order.index("sent") < order.index("opened")
    opened = "Email opened: See you on Tuesday" if is_known else "Email opened"
    assert await tasks(rig) == sorted([opened, "Registered: Otter Summit"])
    assert {key.state for key in (await rig.slots(reg)).values()} == {"written"}


async def test_kinds_that_are_off_write_nothing_and_cost_no_call_of_their_own(rig: Rig) -> None:
    reg = await rig.registered(1)
    await rig.drain()
    await told(rig, reg, ALL)
    before = (await rig.org.calls())["total"]
    await rig.drain()
    assert (await rig.org.calls())["total"] - before == 1, "the look-up of any job"
    assert (await rig.records("EmailMessage"), await tasks(rig)) == ([], ["Registered: Otter Summit"])


async def test_many_emails_of_known_people_cost_few_calls(rig: Rig) -> None:
    await switch_on(rig, "email_sent")
    ids = [await rig.registered(number) for number in range(1, 601)]
    while await rig.drain():
        pass
    for reg in ids:
        await told(rig, reg, {f"em_{reg}": {"sent": SENT}})
    before = (await rig.org.calls())["total"]
    while await rig.drain():
        pass
    calls = (await rig.org.calls())["total"] - before
    assert len(await rig.records("EmailMessage")) == 600
    assert calls <= 600 * 0.01 + 1, f"{calls} calls, one of them the describes of the day"


@pytest.mark.parametrize("as_", ["task", "auto"])
async def test_without_email_messages_they_are_tasks_of_the_subtype(rig: Rig, as_: str) -> None:
    if as_ == "auto":
        await rig.org.configure(has_enhanced_email=False)
    await switch_on(rig, as_=as_)
    await emailed(rig, ALL)
    found = {row["Subject"]: row["TaskSubtype"] for row in await rig.records("Task")}
    assert found["Email: See you on Tuesday"] == found["Email replied: Re: See you"] == "Email"
    assert found["Email opened: See you on Tuesday"] != "Email"
    assert len(found) == 4


async def test_a_refused_email_message_becomes_a_task_and_the_org_is_not_asked_again(rig: Rig) -> None:
    """Email-to-Case alone: the describe shows EmailMessage, and one of a person is refused."""
    await rig.org.configure(has_enhanced_email=False, has_email_to_case=True)
    await switch_on(rig, "email_sent")
    first = await emailed(rig, {"em_1": {"sent": SENT}}, 1)
    assert await tasks(rig) == ["Email: See you on Tuesday", "Registered: Otter Summit"]
    await rig.org.configure(has_enhanced_email=True)
    second = await emailed(rig, {"em_2": {"sent": SENT}}, 2)
    assert await rig.records("EmailMessage") == []
    assert (await rig.states()) == {first: "synced", second: "synced"}
    await rig.pass_time(25 * 3600)
    await emailed(rig, {"em_3": {"sent": SENT}}, 3)
    assert len(await rig.records("EmailMessage")) == 1


async def test_a_reply_hangs_on_its_person_where_the_sender_cannot_be_named(rig: Rig) -> None:
    await rig.org.configure(has_email_from_id=False)
    await switch_on(rig, "email_replied")
    await emailed(rig, {"em_77": {"replied": REPLIED}})
    [lead] = await rig.records("Lead")
    [reply] = await rig.records("EmailMessage")
    assert (reply["Incoming"], reply["ToIds"]) == (True, [lead["Id"]])


@pytest.mark.parametrize("fault", ["reset_after_write", "truncate", "reset_before_write"])
@pytest.mark.parametrize("as_", ["email_message", "task"])
async def test_a_lost_answer_ends_in_exactly_one_and_the_row_stays_synced(
    rig: Rig, fault: str, as_: str
) -> None:
    await switch_on(rig, as_=as_)
    reg = await rig.registered(1)
    await rig.drain()
    await told(rig, reg, ALL)
    await rig.org.fault(fault, match={"is_write": True})
    await rig.drain()
    job = await rig.job(reg)
    assert (job.state, job.settled_state) == ("pending", "synced")
    await settle(rig)
    job = await rig.job(reg)
    assert (job.state, job.settled_state) == ("synced", None)
    emails, own = await rig.records("EmailMessage"), await tasks(rig)
    assert (len(emails), len(own)) == ((2, 2) if as_ == "email_message" else (0, 4))


async def test_an_email_opened_ten_times_is_one_activity(rig: Rig) -> None:
    await switch_on(rig)
    reg = await rig.registered(1)
    for minute in range(10):
        await told(rig, reg, {"em_77": {"opened": {"at": f"2026-11-22T08:{minute + 10}:00Z"}}})
        await rig.drain()
    assert await tasks(rig) == ["Email opened", "Registered: Otter Summit"]


async def test_a_failed_email_leaves_the_row_synced_and_goes_in_on_retry(rig: Rig) -> None:
    no_reminders = {"sobject": "EmailMessage", "when": "Subject != null", "message": "No reminders here"}
    await rig.org.configure(validation_rules=[no_reminders])
    await switch_on(rig, "email_sent")
    reg = await emailed(rig, {"em_77": {"sent": SENT}})
    job = await rig.job(reg)
    assert (job.state, job.settled_state, job.error) == ("synced", None, None)
    [failed] = job.failed_parts
    assert (failed["error_code"], failed["kind"]) == ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "email_sent")
    await rig.org.configure(validation_rules=[])
    await told(rig, reg, {"em_77": {"sent": SENT}})
    await rig.drain()
    assert (await rig.job(reg)).failed_parts == []
    assert len(await rig.records("EmailMessage")) == 1


async def test_an_email_never_creates_a_person_and_is_left_out_with_it(rig: Rig) -> None:
    await switch_on(rig)
    await rig.choose(people={"create": "nobody"})
    reg = await emailed(rig, ALL)
    assert [await rig.records(each) for each in ("Lead", "EmailMessage", "Task")] == [[], [], []]
    assert (await rig.states())[reg] == "skipped"


async def test_an_email_of_somebody_never_confirmed_is_not_written(rig: Rig) -> None:
    await switch_on(rig)
    reg = await rig.registered(1, status="pending", confirmed_at=None)
    await rig.org.seed("Lead", {"LastName": "Otter", "Email": "otter1@example.com", "Company": "River"})
    await told(rig, reg, ALL)
    await rig.drain()
    assert await rig.records("EmailMessage") == []


async def test_an_email_of_an_organizer_without_address_has_no_sender(rig: Rig) -> None:
    await switch_on(rig, "email_sent")
    async with rig.database.system() as session:
        event = await session.get_one(Event, (HOST, EVENT))
        event.organizer = {"name": "Olga", "email": "not an address"}
    await emailed(rig, {"em_77": {"sent": {"at": "2026-11-22T08:00:00Z", "subject": "Hi"}}})
    [email] = await rig.records("EmailMessage")
    assert (email["FromAddress"], email["FromName"], email["TextBody"]) == (None, "Olga", None)


async def test_a_busy_org_lets_the_email_wait_and_not_the_row(rig: Rig) -> None:
    await switch_on(rig, "email_sent")
    reg = await rig.registered(1)
    await rig.drain()
    await told(rig, reg, {"em_77": {"sent": SENT}})
    await rig.org.fault("row_error", match={"sobject": "EmailMessage"}, error_code="UNABLE_TO_LOCK_ROW")
    await rig.drain()
    job = await rig.job(reg)
    assert (job.state, job.settled_state) == ("pending", "synced")
    assert job.due_at > datetime.now(UTC)
    await settle(rig, rounds=1)
    assert ((await rig.job(reg)).state, len(await rig.records("EmailMessage"))) == ("synced", 1)


async def test_an_email_of_who_held_the_ticket_before_is_not_written_again(rig: Rig) -> None:
    await switch_on(rig)
    first = {"id": "per_1", "email": "a@example.com", "name": "A B"}
    reg = await rig.registered(1, attendee=first, email_key="a@example.com")
    await rig.drain()
    await told(rig, reg, ALL)
    await rig.drain()
    second = {"id": "per_2", "email": "b@example.com", "name": "C D"}
    await rig.change(reg, attendee=second, email_key="b@example.com")
    await rig.drain()
    later = {"em_78": {"sent": SENT | {"at": "2026-11-23T08:00:00Z"}}}
    await told(rig, reg, ALL | later)
    await rig.drain()
    leads = {row["Email"]: row["Id"] for row in await rig.records("Lead")}
    sent = [row["ToIds"] for row in await rig.records("EmailMessage") if not row["Incoming"]]
    assert sorted(sent) == sorted([[leads["a@example.com"]], [leads["b@example.com"]]])


async def test_an_org_that_breaks_off_leaves_the_row_as_it_is(rig: Rig) -> None:
    """Nothing was sent, and nothing was found out: the next run goes on."""
    await switch_on(rig, "email_sent")
    reg = await rig.registered(1)
    await rig.drain()
    await told(rig, reg, {"em_77": {"sent": SENT}})
    await rig.org.fault("error", status=503)
    await rig.drain()
    job = await rig.job(reg)
    assert (job.state, job.settled_state) == ("pending", "synced")
    await settle(rig)
    assert ((await rig.job(reg)).state, len(await rig.records("EmailMessage"))) == ("synced", 1)


async def test_a_check_in_is_not_kept_waiting_by_an_email_in_doubt(rig: Rig) -> None:
    await switch_on(rig, "email_sent")
    reg = await rig.registered(1)
    await rig.drain()
    await told(rig, reg, {"em_77": {"sent": SENT}})
    await rig.org.fault("late_apply", seconds=3600, match={"is_write": True})
    await rig.drain()
    await rig.change(reg, checked_in_at=datetime(2026, 11, 24, 9, tzinfo=UTC))
    await rig.pass_time(5)
    await rig.drain()
    assert "Checked-in: Otter Summit" in await tasks(rig)
    await rig.org.control.post("/settle")
    await settle(rig)
    assert len(await rig.records("EmailMessage")) == 1


async def test_an_email_deleted_in_salesforce_is_not_made_again(rig: Rig) -> None:
    await switch_on(rig, "email_sent")
    reg = await emailed(rig, {"em_77": {"sent": SENT}})
    [email] = await rig.records("EmailMessage")
    await rig.delete("EmailMessage", email["Id"])
    await rig.requeue(reg)
    await rig.drain()
    assert await rig.records("EmailMessage") == []
