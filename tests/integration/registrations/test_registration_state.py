"""The database filters and counts by the same rules as the pure function places rows."""

import itertools
from collections import Counter
from typing import Any

from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.registrations.listing import RowQuery, RowState, list_rows
from app.registrations.stats import event_stats
from app.states import JobState
from tests.factories import NOW
from tests.integration.registrations.sample_event import (
    EVENT_ID,
    add,
    add_connected_host,
    in_hours,
    job,
    registration,
)

EVERY_STATE: tuple[RowState, ...] = ("synced", "pending", "failed", "skipped")


async def test_filters_counts_and_rows_agree_on_every_standing(database: Database, vault: Encryptor) -> None:
    await add_connected_host(database, vault)
    combinations = itertools.product(
        (None, *JobState), (None, "retry", "certainty", "campaign"), (True, False), (True, False)
    )
    for number, (state, waiting_for, is_due, is_erased) in enumerate(combinations):
        name = f"r{number}"
        due: dict[str, Any] = {} if is_due else {"due_at": in_hours(1)}
        work = None if state is None else job(name, state, waiting_for=waiting_for, **due)
        await add(database, (registration(name, erased_at=NOW if is_erased else None), work))
    async with database.tenant("host_a") as session:
        stats = await event_stats(session, "host_a", EVENT_ID)
        listed = {
            state: await list_rows(session, "host_a", EVENT_ID, RowQuery(states=(state,), limit=200))
            for state in EVERY_STATE
        }
    assert stats.counts.total == number + 1 == sum(len(rows.items) for rows in listed.values())
    for state, rows in listed.items():
        assert {row.state for row in rows.items} == {state}
        assert getattr(stats.counts, state) == len(rows.items)
    waiting = Counter(row.waiting_for for row in listed["pending"].items)
    assert waiting["retry"] == stats.pending_because.retry_later
    assert waiting["certainty"] == stats.pending_because.ambiguous
    assert waiting["campaign"] == stats.pending_because.campaign
    assert waiting["queue"] == stats.pending_because.queued
