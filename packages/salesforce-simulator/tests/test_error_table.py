"""Every refusal of the REST API that is known by its words: status, code, message and keys.

*rule* rows arise from data, metadata, permissions or limits, as they do in Salesforce; *fault* rows are asked
for, because nothing in an org causes them. `<Lead>` stands for the id of the row that was put in.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from refusal_table.activities import ACTIVITIES
from refusal_table.reading import READING
from refusal_table.row import Row
from refusal_table.saving import SAVING
from refusal_table.session import SERVER, SESSION
from support.client import OrgClient

JSON = "application/json;charset=UTF-8"
TABLE = {**SESSION, **SAVING, **ACTIVITIES, **READING, **SERVER}


async def prepare(org: OrgClient, row: Row) -> Callable[[Any], Any]:
    """Set the row's scene; returns what puts the ids of the rows into a value."""
    known = {"<admin>": org.app.simulator.default_org.admin_id}

    def filled(value: Any) -> Any:
        text = json.dumps(value)
        for name, record_id in known.items():
            text = text.replace(name, record_id).replace(f"<15:{name[1:]}", record_id[:15])
        return json.loads(text)

    for sobject, fields in row.seeds.items():
        (known[f"<{sobject}>"],) = await org.seed(sobject, filled(fields))
    if row.switches:
        await org.configure(**filled(row.switches))
    if row.fault:
        await org.door("POST", "faults", {"count": 1, **row.fault})
    if row.arrange:
        await row.arrange(org)
    return filled


@pytest.mark.parametrize("row", [pytest.param(row, id=f"{row.cause}: {name}") for name, row in TABLE.items()])
async def test_the_refusal_has_the_known_form(org: OrgClient, row: Row) -> None:
    filled = await prepare(org, row)
    method, path, body = row.request
    sent = {"Authorization": f"Bearer {org.token}", "Content-Type": "application/json", **row.headers}
    content = body if isinstance(body, bytes) else None if body is None else json.dumps(filled(body))

    answer = await org.http.request(method, f"{org.root}{filled(path)}", content=content, headers=sent)

    seen: Any = answer.json() if answer.headers.get("content-type") == JSON else answer.text
    assert (answer.status_code, seen) == (row.status, filled(row.expected))


def test_only_what_has_no_cause_in_an_org_is_a_fault() -> None:
    assert sorted(name for name, row in TABLE.items() if row.cause == "fault") == [
        "app not attached to an agent",
        "bad gateway in HTML",
        "complicated query",
        "conditional header missing",
        "conflict",
        "edge failure without a body",
        "edition without the API, other words",
        "row locked by another transaction",
        "server too busy",
        "server unavailable",
        "slow query",
        "too many long transactions",
        "unknown exception",
    ]
