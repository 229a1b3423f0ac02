"""What one Postgres primary carries, worked out from the figures of the part `postgres`.

`make bench` writes it into docs/scaling.md.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "scaling.md"
BEGIN, END = "<!-- postgres: written by make bench -->", "<!-- end of postgres -->"
CASES = {
    "lone": "alone",
    "group": "among {registrations:,} webhooks",
    "backfill": "in a backfill of {registrations:,}",
}
ROWS = {
    "statements": ("statements", "{:.2f}"),
    "transactions": ("transactions", "{:.2f}"),
    "cpu_ms": ("processor", "{:.2f} ms"),
    "buffers_hit": ("pages looked at in memory", "{:.0f}"),
    "buffers_read": ("pages read from outside", "{:.2f}"),
    "pages_written": ("different pages changed", "{:.2f}"),
    "wal_bytes": ("WAL", "{:,.0f} bytes"),
    "full_page_bytes": ("of it whole pages", "{:,.0f} bytes"),
    "inserted": ("rows inserted", "{:.2f}"),
    "updated_in_page": ("rows updated, no index touched", "{:.2f}"),
    "updated_with_indexes": ("rows updated, all indexes of their table written", "{:.2f}"),
    "deleted": ("rows deleted", "{:.2f}"),
    "locked": ("row locks", "{:.2f}"),
    "index_entries": ("index entries", "{:.2f}"),
    "disk_bytes": ("growth of tables and indexes", "{:,.0f} bytes"),
}
AVERAGE, PEAK = 230.0, 2_300.0
"""Registrations per second of a million hosts, as the page begins with."""
SHARE = 0.6
"""Of the processors: the rest is for what people ask, backups, and a bad hour."""
MILLION = 1e6
MEBIBYTE, GIBIBYTE = 2.0**20, 2.0**30
DAY_SECONDS = 86_400


def write(parts: Mapping[str, Any]) -> None:
    """Bring the page up to date; nothing without the figures."""
    if "postgres" not in parts:
        return
    page = PAGE.read_text()
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{text(parts['postgres'])}\n\n{END}{after}")


def text(part: Mapping[str, Any]) -> str:
    """The table, and what follows from it."""
    figures = part["figures"]
    heads = (words.format(**figures[case]) for case, words in CASES.items())
    lines = [f"| one registration | {' | '.join(heads)} |", "|---|---|---|---|"]
    for name, (words, shape) in ROWS.items():
        cells = " | ".join(shape.format(figures[case]["each"][name]) for case in CASES)
        lines.append(f"| {words} | {cells} |")
    measured = f"Measured at {part['measured_at'][:16]}Z, load average {part['load_average']}."
    return "\n".join([*lines, "", measured, "", *_carried(figures)])


def _carried(figures: Mapping[str, Any]) -> list[str]:
    lone, group, vacuum = figures["lone"]["each"], figures["group"]["each"], figures["vacuum"]
    cores = PEAK * lone["cpu_ms"] / 1000 / SHARE
    wal, disk = lone["wal_bytes"], group["disk_bytes"]
    archive, grown = DAY_SECONDS * AVERAGE * wal / GIBIBYTE, DAY_SECONDS * AVERAGE * disk / GIBIBYTE
    of_cpu, of_wal = vacuum["cpu_ms"] / group["cpu_ms"], vacuum["wal_bytes"] / group["wal_bytes"]
    return [
        f"- **Processor**: one core carries {1000 / lone['cpu_ms']:,.0f} lone registrations per second, or",
        f"  {1000 / group['cpu_ms']:,.0f} that come together. The peak of a million hosts,",
        f"  {PEAK:,.0f} per second and each alone, is {cores:.0f} cores at {SHARE:.0%} of their time.",
        f"- **WAL and a replica's bandwidth**: {PEAK * wal / MEBIBYTE:.0f} MiB/s at that peak,",
        f"  {AVERAGE * wal / MEBIBYTE:.1f} MiB/s on average; {archive:.0f} GiB a day, not yet packed.",
        f"- **Disk**: a million registrations take {MILLION * disk / GIBIBYTE:.1f} GiB with their indexes.",
        f"  A million hosts add {grown:.0f} GiB a day; deliveries and history go after their time.",
        f"- **Autovacuum**: {vacuum['cpu_ms']:.2f} ms of processor and {vacuum['wal_bytes']:,.0f} bytes of",
        f"  WAL a registration, {of_cpu:.0%} and {of_wal:.0%} of what one that comes with others takes.",
    ]
