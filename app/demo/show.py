"""What a person sees: a bar while it drains, a table of what happened, and where to look."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.demo.scenario import EVENT_ID, HOST_ID, Registrant

Row = Mapping[str, Any]
COMMAND = ".venv/bin/eventship-salesforce"


class Show(Protocol):
    """Called with each new stats object."""

    def __call__(self, stats: Mapping[str, Any]) -> None: ...


def say(line: str) -> None:
    """One line at once, even into a pipe."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextmanager
def draining(total: int) -> Iterator[Show]:
    """A bar that follows the stats."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns) as progress:
        bar = progress.add_task("into Salesforce", total=total)

        def show(stats: Mapping[str, Any]) -> None:
            counts = stats["counts"]
            progress.update(bar, completed=counts["total"] - counts["pending"])

        yield show


def what_happened(registrants: Iterable[Registrant], rows: Iterable[Row]) -> Table:
    """One line per case of the scenario; those with nothing special are counted in one."""
    by_id = {row["registration_id"]: row for row in rows}
    table = Table("case", "attendee", "state", "person", "timeline", "member", title="What happened")
    ordinary = 0
    for one in registrants:
        row = by_id.get(one.registration_id)
        if row is None:
            continue
        if one.case.startswith("somebody new") and row["state"] == "synced":
            ordinary += 1
        else:
            table.add_row(one.case, *_cells(row))
    table.add_row("somebody new", f"{ordinary} people", "synced", "Lead, created", "as it happened", "")
    return table


def where_to_look(url: str, simulator_url: str | None) -> list[str]:
    """Addresses and commands for somebody who wants to see more."""
    stats = f"{url}/v1/hosts/{HOST_ID}/events/{EVENT_ID}/salesforce/stats"
    bearer = f'"Authorization: Bearer $({COMMAND} token --host {HOST_ID}=owner)"'
    someone = "--email you@example.org --first-name You --last-name There"
    return [
        f"People, timelines, campaign   {simulator_url}/",
        f"Stats as the dashboard sees   curl -H {bearer} {stats}",
        f"Send one more                 {COMMAND} webhook {someone}",
        f"What failed, and why          {COMMAND} jobs list --host-id {HOST_ID} --event-id {EVENT_ID} "
        "--state failed",
    ]


def table_printed(table: Table) -> None:
    Console().print(table)


def _cells(row: Row) -> tuple[str, ...]:
    person, member, error = row["person"], row["member"], row["error"]
    state = row["state"] if error is None else f"{row['state']}: {error['message']}"
    return (
        row["attendee"]["name"] or row["attendee"]["email"] or "",
        state if row["skipped_because"] is None else f"skipped: {row['skipped_because']}",
        f"{person['object']}, {person['found_by']}" if person else "",
        ", ".join(activity["kind"] for activity in row["activities"]),
        member["status"] if member else "",
    )
