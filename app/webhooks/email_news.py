"""News of e-mails: they arm a registration where their kind of write is on for its event."""

import json
from collections.abc import Sequence

from sqlalchemy import text

from app.infrastructure.raw_connection import SqlExecutor
from app.sync.model.batch import WriteToggles
from app.webhooks.merge_upsert import RowChange
from app.webhooks.row_mapping import email_kinds_told

# Of an event that is off nothing is written, and its rows stay what they are.
WRITES_OF_EVENTS = text("""
    SELECT event.host_id, event.event_id, CAST(coalesce(host.settings, '{}') - 'exclusions' AS text),
           CAST(coalesce(event.writes, '{}') AS text), event.kind
    FROM jsonb_array_elements(CAST(:keys AS jsonb)) AS k (key)
    JOIN events AS event ON event.host_id = k.key ->> 0 AND event.event_id = k.key ->> 1
    LEFT JOIN hosts AS host ON host.host_id = event.host_id
    WHERE event.is_enabled IS NOT FALSE
""")


async def email_news(statements: SqlExecutor, changes: Sequence[RowChange]) -> list[RowChange]:
    """The changes that told of e-mails, where a kind of what they told is on for the event."""
    kinds = {change.key: email_kinds_told(change.before, change.after) for change in changes}
    told = [change for change in changes if kinds[change.key]]
    if not told:
        return []
    events = sorted({(change.key[0], change.after["event_id"]) for change in told})
    rows = await statements.execute(WRITES_OF_EVENTS, {"keys": json.dumps(events)})
    is_on = {
        (host_id, event_id): WriteToggles.of(json.loads(settings), json.loads(writes), event_kind=kind).emails
        for host_id, event_id, settings, writes, kind in rows
    }
    return [
        change
        for change in told
        if not kinds[change.key].isdisjoint(is_on.get((change.key[0], change.after["event_id"]), ()))
    ]
