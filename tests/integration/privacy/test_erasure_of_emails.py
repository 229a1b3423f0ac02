"""Erasing somebody of whom e-mails of other people's registrations tell."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from app.infrastructure.database import Database
from app.models import WrittenRecord
from tests.deliveries import delivery, registration, webhook
from tests.factories import ORG_ID
from tests.integration.privacy.test_erasure import (
    EMAIL,
    WHO,
    attempt,
    erasure,
    parsed,
    places,
    receive,
    stored,
)

FRIEND = {
    "id": "per_2", "email": "friend@otter.example", "first_name": "A", "last_name": "B",
    "company": None, "phone": None,
}  # fmt: skip


def emailed(type_: str, webhook_id: str, attendee: dict[str, Any], **email: Any) -> Any:
    fields: dict[str, Any] = {
        "id": "reg_1", "attendee": attendee, "answers": [], "utm": None,
        "registered_at": "2026-11-10T14:03:00Z",
    }  # fmt: skip
    told = {"at": "2026-11-11T10:00:00Z"} | email
    payload = webhook(type_, "2026-11-11T10:00:01Z", registration=registration(**fields), email=told)
    return delivery(payload, webhook_id)


async def test_emails_of_who_handed_the_ticket_on_go_and_those_of_the_new_holder_stay(
    database: Database, owner: AsyncEngine
) -> None:
    await receive(database, parsed(version=1))
    reply = {"subject": "Re: canary", "snippet": "I am Canary", "from": {"name": "Canary", "email": EMAIL}}
    await receive(database, emailed("email.sent", "msg_2", WHO, id="em_1", subject="Dear Canary"))
    await receive(database, emailed("email.replied", "msg_3", WHO, id="em_1", **reply))
    holder = {
        "id": "per_2", "email": "new@otter.example", "first_name": "N", "last_name": "H",
        "company": None, "phone": None,
    }  # fmt: skip
    await receive(database, parsed("reg_1", "msg_4", version=2, attendee=holder, answers=[], utm=None))
    await receive(database, emailed("email.sent", "msg_5", holder, id="em_2", subject="Dear N"))
    await receive(database, emailed("email.replied", "msg_6", holder, id="em_2", **reply))
    slot = {
        "host_id": "host_a", "org_id": ORG_ID, "registration_id": "reg_1", "state": "written",
        "action": "create", "sobject": "EmailMessage",
    }  # fmt: skip
    async with database.system() as session:
        for name, key, subject in (
            ("former:email_sent", "em_1:00Q5g000001CanAAAA", "Dear Canary"),
            ("email_replied", "em_1", "Re: canary"),
            ("email_sent", "em_2", "Dear N"),
        ):
            details = {"subject": subject, "is_created_by_us": True}
            session.add(
                WrittenRecord(**slot, slot=name, instance_key=key, sf_id=f"02s{key}", details=details)
            )
    await receive(database, erasure())
    kept = await stored(database)
    assert kept is not None
    assert {id_: set(facts) for id_, facts in kept.emails.items()} == {"em_2": {"sent"}}
    assert await places(owner) == []
    async with database.system() as session:
        subjects = set(await session.scalars(select(WrittenRecord.details["subject"].astext)))
    assert subjects == {None, "Dear N"}


async def test_reply_on_the_ticket_of_somebody_else_goes_and_what_the_host_sent_stays(
    database: Database, owner: AsyncEngine
) -> None:
    reply = {"subject": "Re", "snippet": "I am Canary", "from": {"name": "Canary", "email": EMAIL}}
    await receive(database, emailed("email.sent", "msg_1", FRIEND, id="em_1", subject="Dear A"))
    await receive(database, emailed("email.replied", "msg_2", FRIEND, id="em_1", **reply))
    slot = {"host_id": "host_a", "org_id": ORG_ID, "registration_id": "reg_1", "state": "written"}
    async with database.system() as session:
        for name in ("email_sent", "email_replied"):
            session.add(
                WrittenRecord(
                    **slot, slot=name, instance_key="em_1", sf_id=f"02s{name}", action="create",
                    sobject="EmailMessage", details={"subject": name},
                )
            )  # fmt: skip
        session.add(attempt("reg_1"))
    await receive(database, erasure())
    kept = await stored(database)
    assert kept is not None
    assert {id_: set(facts) for id_, facts in kept.emails.items()} == {"em_1": {"sent"}}
    assert await places(owner) == []
    async with database.system() as session:
        subjects = set(await session.scalars(select(WrittenRecord.details["subject"].astext)))
    assert subjects == {None, "email_sent"}


async def test_late_reply_of_the_erased_on_the_ticket_of_somebody_else_is_not_kept(
    database: Database, owner: AsyncEngine
) -> None:
    theirs = {"subject": "Re", "snippet": "I am Canary", "from": {"name": "Canary", "email": EMAIL}}
    friends = {"subject": "Re", "from": {"name": "A", "email": "friend@otter.example"}}
    await receive(database, erasure())
    await receive(database, emailed("email.sent", "msg_1", FRIEND, id="em_1", subject="Dear A"))
    await receive(database, emailed("email.replied", "msg_2", FRIEND, id="em_1", **theirs))
    await receive(database, emailed("email.replied", "msg_3", FRIEND, id="em_2", **friends))
    kept = await stored(database)
    assert kept is not None
    assert {id_: set(facts) for id_, facts in kept.emails.items()} == {"em_1": {"sent"}, "em_2": {"replied"}}
    assert await places(owner) == []
