"""Importing registrations: lines in, lines out, repeats without effect, a bad line fails alone."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from app.config.settings import Settings
from app.imports.lines import split_lines
from app.imports.stream import ResponseBuffer
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.models import BACKFILL, CampaignLink, Delivery, Registration, SyncJob
from tests.api.service import caller, running
from tests.deliveries import event, post, registration, webhook
from tests.factories import ORG_ID, connection_for
from tests.factories_events import event_for
from tests.tokens import TokenMint

PATH = "/v1/imports/registrations"
NDJSON = {"Content-Type": "application/x-ndjson"}


def line(number: int = 1, **changes: Any) -> dict[str, Any]:
    attendee = {"id": f"per_{number}", "email": f"otter{number}@otter.example"}
    fields = {"id": f"reg_{number}", "attendee": attendee, **changes}
    return {"host": {"id": "host_a"}, "event": event(), "registration": registration(**fields)}


def ndjson(lines: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in lines)


@pytest.fixture
async def http(settings: Settings, database: Database, mint: TokenMint) -> AsyncIterator[httpx.AsyncClient]:
    async with running(settings) as app, caller(app, mint.headers(scope="import")) as http:
        yield http


async def send(http: httpx.AsyncClient, body: bytes) -> list[dict[str, Any]]:
    answer = await http.post(PATH, content=body, headers=NDJSON)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    return [json.loads(each) for each in answer.text.splitlines()]


async def stored(database: Database, registration_id: str = "reg_1") -> Registration:
    async with database.system() as session:
        return await session.get_one(Registration, ("host_a", registration_id))


async def test_every_line_gets_its_own_answer(http: httpx.AsyncClient, database: Database) -> None:
    answers = await send(http, ndjson([line(1), line(2)]))
    assert answers == [
        {"line": number, "registration_id": f"reg_{number}", "outcome": "accepted", "errors": []}
        for number in (1, 2)
    ]
    assert (await stored(database)).email_key == "otter1@otter.example"
    async with database.system() as session:
        assert await session.scalar(select(func.count()).select_from(Delivery)) == 0


async def test_byte_order_mark_is_passed_over(http: httpx.AsyncClient) -> None:
    answers = await send(http, b"\xef\xbb\xbf" + ndjson([line(1), line(2)]))
    assert [each["outcome"] for each in answers] == ["accepted", "accepted"]


async def test_the_same_lines_again_are_unchanged(http: httpx.AsyncClient) -> None:
    body = ndjson(line(number) for number in range(1200))
    assert {each["outcome"] for each in await send(http, body)} == {"accepted"}
    again = await send(http, body)
    assert [each["line"] for each in again] == list(range(1, 1201))
    assert {each["outcome"] for each in again} == {"unchanged"}


async def test_a_bad_line_is_rejected_alone(http: httpx.AsyncClient, database: Database) -> None:
    broken = line(2, status="waitlisted")
    lines = (ndjson([line(1)]), b"{not json\n", b"\n", ndjson([broken, line(3)]), b'"text"\n', b"x" * 300_000)
    answers = await send(http, b"".join(lines))
    assert [(each["line"], each["outcome"]) for each in answers] == [
        (1, "accepted"), (2, "rejected"), (4, "rejected"), (5, "accepted"), (6, "rejected"), (7, "rejected"),
    ]  # fmt: skip
    assert answers[2]["registration_id"] == "reg_2"
    assert answers[2]["errors"][0]["path"] == "registration.status"
    assert answers[-1]["errors"] == [{"path": "", "message": "the line is too long"}]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        pytest.param({"registered_at": None}, "registration.registered_at", id="no date"),
        pytest.param({"status": "cancelled"}, "registration.cancelled_at", id="cancelled without a time"),
        pytest.param({"starts_at": "at noon"}, "registration.starts_at", id="a slot at no time"),
        pytest.param({"id": "no/id"}, "registration.id", id="impossible id"),
    ],
)
async def test_a_rejected_line_says_where(http: httpx.AsyncClient, changes: Any, path: str) -> None:
    [answer] = await send(http, ndjson([line(1, **changes)]))
    assert (answer["outcome"], answer["errors"][0]["path"]) == ("rejected", path)


async def test_check_ins_and_cancellations_are_imported(http: httpx.AsyncClient, database: Database) -> None:
    checked_in = line(1, checked_in_at="2026-11-24T08:12:00Z")
    cancelled = line(2, cancelled_at="2026-11-20T09:00:00Z", status="cancelled")
    await send(http, ndjson([checked_in, cancelled]))
    assert (await stored(database)).checked_in_at == datetime.fromisoformat("2026-11-24T08:12:00Z")
    second = await stored(database, "reg_2")
    assert (second.status, second.confirmed_at is not None) == ("cancelled", True)
    assert second.cancelled_at == datetime.fromisoformat("2026-11-20T09:00:00Z")


async def test_slots_are_imported_and_cleared_by_null(http: httpx.AsyncClient, database: Database) -> None:
    slot = {"starts_at": "2026-11-24T10:00:00Z", "ends_at": "2026-11-24T10:30:00Z"}
    await send(http, ndjson([line(1, **slot)]))
    first = await stored(database)
    assert {name: getattr(first, name) for name in slot} == {
        name: datetime.fromisoformat(at) for name, at in slot.items()
    }
    await send(http, ndjson([line(1, version=2)]))
    assert (await stored(database)).starts_at == first.starts_at
    [answer] = await send(http, ndjson([line(1, version=3, starts_at=None, ends_at=None)]))
    assert answer["outcome"] == "accepted"
    assert ((await stored(database)).starts_at, (await stored(database)).ends_at) == (None, None)


async def test_an_import_line_counts_as_of_registered_at(http: httpx.AsyncClient, database: Database) -> None:
    newer = registration(version=None, attendee={"last_name": "Newer"})
    await post(http, webhook(registration=newer, timestamp="2026-11-12T00:00:00Z"))
    await send(http, ndjson([line(1, version=None, attendee={"last_name": "Older"})]))
    assert (await stored(database)).attendee["last_name"] == "Newer"


async def test_imports_need_their_scope(http: httpx.AsyncClient, mint: TokenMint) -> None:
    owner = mint.headers(hosts={"host_a": "owner"})
    answer = await http.post(PATH, content=b"", headers=NDJSON | owner)
    assert (answer.status_code, answer.json()["code"]) == (403, "RoleInsufficient")


async def test_other_media_types_are_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post(PATH, content=b"{}", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (415, "MediaTypeUnsupported")


async def test_nothing_in_is_nothing_out(http: httpx.AsyncClient) -> None:
    assert await send(http, b"") == []


async def test_imports_are_written_below_live_work_and_only_where_asked_for(
    http: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    link = CampaignLink(
        host_id="host_a", event_id="evt_linked", org_id=ORG_ID, campaign_id="7015g000000KqRsAAK",
        campaign_name="Otters", is_active=True, statuses={}, available_statuses=[], linked_by="user_17",
    )  # fmt: skip
    async with database.system() as session:
        session.add_all((connection_for(vault), event_for(event_id="evt_linked")))
        await session.flush()
        session.add(link)
    await send(http, ndjson([line(1), line(2) | {"event": event(id="evt_linked")}]))
    async with database.system() as session:
        jobs = (await session.scalars(select(SyncJob))).all()
    assert [(job.registration_id, job.priority) for job in jobs] == [("reg_2", BACKFILL)]


async def test_lines_are_found_across_chunks_and_long_ones_are_not_kept() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for chunk in (b"ab", b"c\nd", b"\n", b"0123456", b"789\nlast"):
            yield chunk

    assert [each async for each in split_lines(chunks(), bytes_max=5)] == [b"abc", b"d", None, b"last"]


async def test_answers_wait_for_a_slow_reader_up_to_a_bound() -> None:
    answers = ResponseBuffer(bytes_max=4)
    await answers.put([b"1234"])
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await answers.put([b"5"])
    assert await answers.get() == b"1234"
    await answers.put([b"5"])
    await answers.close()
    assert [await answers.get(), await answers.get()] == [b"5", b""]
