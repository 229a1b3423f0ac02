"""Large things: the parts of the bench that are about size, and their section in docs/scaling.md."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from bench import large_backfill, large_event, large_hosts, large_import, large_streams
from bench.queueing import PAGE
from bench.rig import Rig
from bench.sizes import Size

Measure = Callable[[Rig, Size], Coroutine[Any, Any, dict[str, Any]]]
PARTS: Mapping[str, tuple[Measure, float]] = {
    "large_event": (large_event.measure, 240),
    "large_hosts": (large_hosts.measure, 240),
    "large_streams": (large_streams.measure, 300),
    "large_import": (large_import.measure, 1200),
    "large_backfill": (large_backfill.measure, 1200),
}
BEGIN, END = "<!-- large: written by make bench -->", "<!-- end of large -->"


def write(parts: Mapping[str, Any]) -> None:
    """Bring the section up to date; a part that was not measured is not shown."""
    sections = [build(parts[name]["figures"]) for name, build in SECTIONS.items() if name in parts]
    text = "\n\n".join("\n".join(lines) for lines in sections)
    page = PAGE.read_text()
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


def _event(figures: Any) -> list[str]:
    fresh, analysed, export = figures["fresh"], figures["analysed"], figures["export"]
    rows = [
        f"| {name} | {analysed[name]['ms']:.1f} | {fresh[name]['ms']:.1f} | {analysed[name]['pages']:,} "
        f"| {fresh[name]['pages']:,} |"
        for name in analysed
    ]
    return [
        f"One event with {figures['registrations']:,} registrations, in Postgres alone, after statistics",
        "were gathered and while there are none:",
        "",
        "| | ms | without statistics | pages | without statistics |",
        "|---|---|---|---|---|",
        *rows,
        "",
        f"Its whole export, {export['mebibytes']:.0f} MiB, took {export['seconds']:.0f} s "
        "without statistics.",
    ]


def _hosts(figures: Any) -> list[str]:
    rows = [
        f"| {name} | {each['ms']:.1f} | {each['statements']:.0f} | {each['ms_a_minute']:.0f} "
        f"| {each['statements_a_minute']:.0f} | {each['cpu_ms_a_minute']:.0f} |"
        for name, each in figures["turns"].items()
    ]
    return [
        f"{figures['hosts']:,} hosts with {figures['events']:,} events at rest and "
        f"{figures['finished_jobs']:,} finished jobs;",
        f"an idle worker takes {figures['idle_share']:.2%} of a core:",
        "",
        "| a turn | ms in Postgres | statements | ms a minute | statements a minute | processor (ms) |",
        "|---|---|---|---|---|---|",
        *rows,
    ]


def _streams(figures: Any) -> list[str]:
    rest, changes = figures["rest"], figures["changes"]
    return [
        f"{figures['streams']:,} live streams of as many hosts in one API process: "
        f"{figures['kibibytes_each']:.0f} KiB and a descriptor each ({figures['descriptors']:,} in all);",
        f"at rest {rest['cpu_share']:.1%} of a core and {rest['transactions_a_second']:.1f} transactions "
        "a second;",
        f"with {changes['a_second']} changes a second {changes['cpu_share']:.1%} of a core, and half of them",
        f"arrive within {changes['p50_seconds']:.2f} s, 95 % within {changes['p95_seconds']:.2f} s. "
        "One stream more is answered 429 with `Retry-After`.",
    ]


def _import(figures: Any) -> list[str]:
    return [
        f"An import of {figures['lines']:,} lines took {figures['minutes']:.1f} minutes "
        f"({figures['per_second']:.0f} a second);",
        f"the API's memory was at most {figures['first_mebibytes']:.0f} MiB after its first tenth and "
        f"{figures['peak_mebibytes']:.0f} MiB at its end.",
    ]


def _backfill(figures: Any) -> list[str]:
    api, worker = figures["api"], figures["worker"]
    return [
        f"A backfill of {figures['registrations']:,} took {figures['minutes']:.1f} minutes "
        f"({figures['per_second']:.0f} a second) against a simulated org",
        f"without latency, on the same two cores; at most {api['first_mebibytes']:.0f} MiB in the API and "
        f"{worker['first_mebibytes']:.0f} MiB in the worker after its first tenth,",
        f"{api['peak_mebibytes']:.0f} and {worker['peak_mebibytes']:.0f} MiB at its end.",
    ]


SECTIONS: Mapping[str, Callable[[Any], list[str]]] = {
    "large_event": _event,
    "large_hosts": _hosts,
    "large_streams": _streams,
    "large_import": _import,
    "large_backfill": _backfill,
}
