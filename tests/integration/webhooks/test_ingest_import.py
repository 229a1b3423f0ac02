"""Imported lines: few statements whatever their number, and jobs only where one is asked for."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from sqlalchemy import select

from app.imports.lines import parse_line
from app.infrastructure.database import Database
from app.models import SyncJob
from app.webhooks.ingest import ImportResult, ingest_import
from app.webhooks.parse import ParsedDelivery
from tests.deliveries import PEPPER, delivery, event, registration, webhook
from tests.integration.sync.test_lone_registration import counted
from tests.integration.webhooks.test_ingest import connect, recorded

STATEMENTS_MAX = 5
"""The locks, the look, what is new of events and of registrations, the links."""


def imported_line(number: int, **changes: Any) -> ParsedDelivery:
    payload = {
        "host": {"id": "host_a"},
        "event": event(),
        "registration": registration(id=f"reg_{number}", **changes),
    }
    line = parse_line(number, json.dumps(payload).encode())
    assert line is not None
    assert line.delivery is not None
    return line.delivery


async def imported(database: Database, lines: Iterable[ParsedDelivery]) -> ImportResult:
    async with database.system() as session:
        return await ingest_import(session, list(lines), pepper=PEPPER)


async def requested_versions(database: Database) -> dict[str, int]:
    async with database.system() as session:
        jobs = await session.scalars(select(SyncJob))
    return {job.registration_id: job.requested_version for job in jobs}


@pytest.fixture
async def known(database: Database) -> Database:
    """With a connected host, and an event without a campaign that webhooks told of before."""
    await connect(database)
    await recorded(database, delivery(webhook(registration=registration(id="reg_1")), "msg_1"))
    return database


@pytest.mark.parametrize("count", [1, 500])
@pytest.mark.parametrize("status", ["confirmed", "cancelled"])
async def test_new_registrations_take_few_statements_and_no_look_at_jobs(
    known: Database, count: int, status: str
) -> None:
    cancelled_at = "2026-11-20T09:00:00Z" if status == "cancelled" else None
    lines = [imported_line(n, status=status, cancelled_at=cancelled_at) for n in range(2, 2 + count)]
    with counted(known) as heard:
        result = await imported(known, lines)
    statements = [each for each in heard if each != "COMMIT"]
    assert len(result.changed) == count
    assert len(statements) <= STATEMENTS_MAX, statements
    assert not any("sync_jobs" in each for each in statements)
    assert await requested_versions(known) == {"reg_1": 1}


async def test_what_changed_is_written_again_where_it_has_a_job(known: Database) -> None:
    await imported(known, [imported_line(2)])
    newer = {"version": 9, "attendee": {"last_name": "Newer"}}
    result = await imported(known, [imported_line(number, **newer) for number in (1, 2, 3)])
    assert len(result.changed) == 3
    assert await requested_versions(known) == {"reg_1": 2}
