"""Whoever chose nothing is written exactly as before there was anything to choose."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.models import Host
from tests.factories import NOW
from tests.integration.sync.conftest import HOST, Rig, opened_rig
from tests.integration.sync.recording import Recorder

GOLDEN = Path(__file__).with_name("default_requests.json")


@pytest.fixture
async def recorded(database: Database, settings: Settings) -> AsyncIterator[tuple[Rig, Recorder]]:
    kept: list[Recorder] = []

    def wrap(transport: object) -> Recorder:
        kept.append(Recorder(transport))  # type: ignore[arg-type]
        return kept[0]

    async with opened_rig(database, settings, wrap=wrap) as rig:
        yield rig, kept[0]


async def _lone(rig: Rig) -> None:
    attendee = {"email": "ada@acme.example", "first_name": "Ada", "last_name": "Otter", "company": "Acme"}
    await rig.registered(
        1, attendee=attendee | {"job_title": "CTO", "phone": "+49 30 1"}, email_key="ada@acme.example"
    )


async def _known(rig: Rig) -> None:
    await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter1@example.com"})
    await rig.org.seed("Lead", {"LastName": "Otter", "Company": "River", "Email": "otter2@example.com"})
    for number in (1, 2, 3):
        await rig.registered(number)


async def _burst(rig: Rig) -> None:
    for number in range(12):
        await rig.registered(number, checked_in_at=NOW if number % 3 == 0 else None)


async def _check_in(rig: Rig) -> None:
    reg = await rig.registered(1)
    await rig.drain()
    await rig.change(reg, checked_in_at=NOW + timedelta(hours=1))


async def _handed_on(rig: Rig) -> None:
    reg = await rig.registered(
        1, attendee={"id": "per_1", "email": "a@example.com", "name": "A B"}, email_key="a@example.com"
    )
    await rig.drain()
    await rig.change(
        reg, attendee={"id": "per_2", "email": "b@example.com", "name": "C D"}, email_key="b@example.com"
    )


async def _blocked(rig: Rig) -> None:
    await rig.org.configure(duplicate_rules=[{"sobject": "Lead", "fields": ["LastName"]}])
    await rig.org.seed("Lead", {"LastName": "1", "Company": "River", "Email": "else@example.com"})
    for number in range(1, 6):
        await rig.registered(number)


async def _emails(rig: Rig) -> None:
    """Each kind is on; nothing else is chosen."""
    async with rig.database.system() as session:
        on = {"email_sent": True, "email_opened": True, "email_replied": True}
        await session.merge(Host(host_id=HOST, settings={"writes": on}))
    await rig.org.seed("Contact", {"LastName": "Otter", "Email": "otter1@example.com"})
    sent = {"at": "2026-11-22T08:00:00Z", "subject": "See you on Tuesday", "url": "https://e.example/m/77"}
    replied = {"at": "2026-11-22T09:01:00Z", "subject": "Re: See you on Tuesday", "snippet": "Gladly"}
    opened = {"at": "2026-11-22T08:14:00Z"}
    await rig.registered(1, emails={"em_77": {"sent": sent, "opened": opened, "replied": replied}})


SCENES: dict[str, Callable[[Rig], Awaitable[None]]] = {
    "a lone new attendee": _lone,
    "known and new ones together": _known,
    "a burst": _burst,
    "a check-in later": _check_in,
    "a ticket handed on": _handed_on,
    "a blocking duplicate rule": _blocked,
    "e-mails": _emails,
}


@pytest.mark.parametrize("scene", SCENES)
async def test_default_rules_send_what_was_always_sent(recorded: tuple[Rig, Recorder], scene: str) -> None:
    rig, recorder = recorded
    await rig.link(await rig.org.campaign(labels=("Out",)), cancelled="Out")
    await SCENES[scene](rig)
    await rig.drain()
    assert recorder.normalized() == json.loads(GOLDEN.read_text())[scene]
