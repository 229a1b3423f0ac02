"""Rows on the pages: which are shown, and links between them."""

from html import escape
from itertools import islice
from typing import Any

from salesforce_simulator.org import Org
from salesforce_simulator.store import Row

SHOWN = 100


def last(org: Org, name: str, count: int, *, search: str = "") -> list[Row]:
    """The newest living rows of an object that have the words, newest first."""
    rows = reversed(org.store.table(name).rows.values())
    return list(islice((row for row in rows if not row["IsDeleted"] and _has(row, search.lower())), count))


def _has(row: Row, search: str) -> bool:
    return not search or search in f"{row.get('Name')} {row.get('Email')}".lower()


def link(org: Org, place: str, record_id: str, label: Any) -> str:
    """A link to the page of a row, and one to the row itself."""
    page = f'<a href="/{place}/{escape(record_id)}?org={org.id}">{text(label)}</a>'
    return f"{page} {raw_link(org, record_id)}"


def raw_link(org: Org, record_id: str) -> str:
    raw = f"/_simulator/records/{org.schema.of_id(record_id)}?org={org.id}&amp;id={escape(record_id)}"
    return f'<a class="dim" href="{raw}">raw</a>'


def person_link(org: Org, record_id: str | None) -> str:
    """A link to the Lead or Contact that a row is about, if any."""
    name = org.schema.of_id(record_id or "")
    row = org.store.get(name, record_id) if name in {"Lead", "Contact"} else None
    return link(org, "people", row["Id"], row["Name"]) if row else ""


def name_of(org: Org, record_id: str | None) -> Any:
    """What an owner is called."""
    name = org.schema.of_id(record_id or "")
    row = org.store.get(name, record_id) if name else None
    return row.get("Name") if row else None


def text(value: Any) -> str:
    return "" if value is None else escape(str(value))
