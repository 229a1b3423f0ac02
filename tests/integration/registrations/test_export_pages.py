"""Pages of an export while the event changes, and whatever order the database has."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.models import Registration
from app.registrations import export, listing
from app.registrations.context import EventContext, load_context
from app.registrations.export import export_rows
from app.registrations.listing import RowQuery, rows_of
from app.registrations.schemas import Row
from tests.integration.registrations.sample_event import (
    EVENT_ID,
    add,
    add_connected_host,
    event,
    save,
    simple,
)

IDS = [f"r{number}" for number in range(1, 8)]


@pytest.mark.parametrize("query", [RowQuery(), RowQuery(states=("synced",))], ids=["all", "filtered"])
async def test_a_row_that_leaves_the_event_meanwhile_does_not_end_the_file(
    database: Database, vault: Encryptor, monkeypatch: pytest.MonkeyPatch, query: RowQuery
) -> None:
    await add_connected_host(database, vault)
    await save(database, event(event_id="evt_other"))
    await add(database, *(simple(each, "synced") for each in IDS))
    monkeypatch.setattr(export, "PAGE", 3)

    async def read(session: AsyncSession, context: EventContext, ids: Sequence[str]) -> list[Row]:
        async with database.system() as other:
            moved = update(Registration).where(Registration.registration_id == "r2")
            await other.execute(moved.values(event_id="evt_other"))
        return await rows_of(session, context, ids)

    monkeypatch.setattr(listing, "rows_of", read)
    chunks = [each async for each in export_rows(database, "host_a", EVENT_ID, query, asyncio.Lock())]
    lines = b"".join(chunks).decode().splitlines()[1:]
    assert [line.partition(",")[0] for line in lines] == [each for each in IDS if each != "r2"]


async def test_rows_keep_the_order_in_which_the_database_named_them(
    database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    by_collation = ["reg_a", "reg_B", "reg_c"]  # as en_US sorts them
    await add(database, *(simple(each, "synced") for each in by_collation))
    async with database.tenant("host_a") as session:
        context = await load_context(session, "host_a", EVENT_ID)
        rows = await rows_of(session, context, by_collation)
    assert [row.registration_id for row in rows] == by_collation
