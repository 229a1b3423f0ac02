"""Helpers of the capability checks: attendees, rules as they are sent, records in the org."""

from typing import Any

from tests.api.field_mapping.dashboard import MappingDashboard


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


async def one(dashboard: MappingDashboard, sobject: str, **expected: Any) -> dict[str, Any]:
    """The only record of the object with these values."""
    rows = await dashboard.rig.records(sobject)
    found = [row for row in rows if all(row.get(name) == value for name, value in expected.items())]
    assert len(found) == 1, rows
    return found[0]


async def count(dashboard: MappingDashboard, sobject: str) -> int:
    return len(await dashboard.rig.records(sobject))
