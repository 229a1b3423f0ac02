"""What capabilities are checked with: attendees, rules as they are sent, what stands in the org."""

from typing import Any

import httpx

from tests.api.field_mapping.dashboard import Studio


def person(number: int = 1, *, email: str | None = None, **attendee: Any) -> dict[str, Any]:
    """The members of a registration that say who registered."""
    address = email or f"otter{number}@river.example"
    values = {"first_name": "Ada", "last_name": f"Otter{number}", "email": address, **attendee}
    return {"attendee": values, "email_key": address.lower()}


def answers(**given: Any) -> list[dict[str, Any]]:
    return [{"key": key, "label": key, "value": value} for key, value in given.items()]


def rule(field: str, source: str | None = None, **how: Any) -> dict[str, Any]:
    """`Object.Field` filled from a source, or as `how` says."""
    sobject, _, name = field.partition(".")
    return {"object": sobject, "field": name, **({"from": source} if source else {}), **how}


async def one(studio: Studio, sobject: str, **wanted: Any) -> dict[str, Any]:
    """The only record of the object with these values."""
    rows = await studio.rig.records(sobject)
    found = [row for row in rows if all(row.get(name) == value for name, value in wanted.items())]
    assert len(found) == 1, rows
    return found[0]


async def count(studio: Studio, sobject: str) -> int:
    return len(await studio.rig.records(sobject))


async def edit(studio: Studio, sobject: str, record_id: str, **fields: Any) -> None:
    """What a salesperson changes in Salesforce."""
    session = studio.rig.org.session
    async with httpx.AsyncClient(transport=studio.rig.org.transport) as http:
        answer = await http.patch(
            f"{session['instance_url']}/services/data/v62.0/sobjects/{sobject}/{record_id}",
            headers={"Authorization": f"Bearer {session['access_token']}"},
            json=fields,
        )
    assert answer.status_code == 204, answer.text
