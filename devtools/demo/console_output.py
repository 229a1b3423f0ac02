"""What a person sees: a bar while it drains, a table of what happened, and where to look."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from devtools.demo.scenario import EVENT_ID, HOST_ID, Registrant

Row = Mapping[str, Any]
WIDTH = 120
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
    case = Column("case", no_wrap=True)
    table = Table(case, "state", "person", "timeline", "member", title="What happened", box=SIMPLE)
    ordinary = 0
    for one in registrants:
        row = by_id[one.registration_id]
        if one.case.startswith("somebody new") and row["state"] == "synced":
            ordinary += 1
        else:
            table.add_row(one.case, *_cells(row))
    table.add_row(f"{ordinary} people with nothing special", "synced")
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


def print_table(table: Table) -> None:
    """The table, as wide as it needs to be even where the terminal's width is unknown."""
    console = Console()
    console.width = max(console.width, WIDTH)
    console.print(table)


def _cells(row: Row) -> tuple[str, ...]:
    person, member, tasks = row["person"], row["member"], len(row["activities"])
    why = row["skipped_because"] or (row["error"] or {}).get("message")
    return (
        f"{row['state']}: {why}" if why else row["state"],
        f"{person['object']}, {person['found_by']}" if person else "",
        f"{tasks} Task{'s' if tasks > 1 else ''}" if tasks else "",
        member["status"] if member else "",
    )
