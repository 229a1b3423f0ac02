"""What is sent for a meeting with a Case, word for word."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from app.config.settings import Settings
from app.infrastructure.database import Database
from tests.factories import NOW
from tests.integration.sync.conftest import Rig, opened_rig
from tests.integration.sync.recording import Recorder
from tests.integration.sync.test_cases import ada, with_cases

GOLDEN = Path(__file__).with_name("case_requests.json")


@pytest.fixture
async def recorded(database: Database, settings: Settings) -> AsyncIterator[tuple[Rig, Recorder]]:
    kept: list[Recorder] = []

    def wrap(transport: Any) -> Recorder:
        kept.append(Recorder(transport))
        return kept[0]

    async with opened_rig(database, settings, wrap=wrap) as rig:
        yield rig, kept[0]


async def _new(rig: Rig) -> None:
    await ada(rig)


async def _known(rig: Rig) -> None:
    await rig.org.seed("Contact", {"LastName": "Otter", "Email": "ada@acme.example"})
    await ada(rig)


async def _took_place(rig: Rig) -> None:
    reg = await ada(rig)
    await rig.drain()
    await rig.change(reg, completed_at=NOW)


async def _of_link(rig: Rig) -> None:
    [contact] = await rig.org.seed("Contact", {"LastName": "Otter", "Email": "eve@acme.example"})
    [case] = await rig.org.seed("Case", {"Subject": "Broken badge", "ContactId": contact})
    await ada(rig, salesforce_id=case)


SCENES: dict[str, Callable[[Rig], Awaitable[None]]] = {
    "a new Lead": _new,
    "a known Contact": _known,
    "a meeting that took place": _took_place,
    "the link of a Case": _of_link,
}


@pytest.mark.parametrize("scene", SCENES)
async def test_a_meeting_sends_what_was_agreed(recorded: tuple[Rig, Recorder], scene: str) -> None:
    rig, recorder = recorded
    await with_cases(rig, close_when_completed=True)
    await SCENES[scene](rig)
    await rig.drain()
    assert recorder.normalized() == json.loads(GOLDEN.read_text())[scene]
