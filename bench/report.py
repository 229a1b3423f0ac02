"""The end of a run: pictures and tables in docs/performance.md, and one line per aim."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.aims import AIMS, header
from bench.chart import Bar, bars

DOCS = Path(__file__).parents[1] / "docs"
PAGE, PICTURES = DOCS / "performance.md", DOCS / "pictures"
BEGIN, END = "<!-- figures: written by make bench -->", "<!-- end of figures -->"
CASES = {
    "lone_new": "one new attendee",
    "lone_known": "one known attendee",
    "burst_200": "200 at once",
    "backfill_new": "backfill, all new",
    "backfill_known": "backfill, all known",
    "backfill_half_known": "backfill, half known",
    "backfill_2_percent_duplicates": "backfill, 2 % duplicate-rule hits",
}

KINDS = {
    "lone_new_calendar": "one new attendee: Task, member, calendar Event",
    "lone_known_calendar": "one known attendee: Task, member, calendar Event",
    "lone_new_calendar_and_case": "one new attendee: Task, member, calendar Event, Case",
    "moved_event": "an event moved: calendar Events of known attendees",
    "emails": "e-mails of known people that wait together",
}
DIFFICULT_CASES = {
    "lone_new": "one new attendee",
    "lone_known": "one known attendee",
    "lone_alerted": "one new attendee, an Alert rule names somebody else",
    "burst_40": "40 at once",
    "burst_200": "200 at once",
}
LONE_COUNTS = {
    "transactions": "transactions",
    "statements": "statements",
    "round_trips": "waits for Postgres",
}
LOST_ANSWERS = {"kept": "Salesforce kept the writes", "not_kept": "Salesforce kept none of them"}

Parts = Mapping[str, Any]


def aim_lines(parts: Parts) -> list[str]:
    """The header and one line per aim, met or not."""
    return [header(), *(aim.line(_figures(parts, aim.part)) for aim in AIMS)]


def write(parts: Parts) -> None:
    """Bring the pictures and the page's figures up to date; parts that were not measured stay out."""
    PICTURES.mkdir(exist_ok=True)
    sections = [["```", *aim_lines(parts), "```"], _conditions(parts)]
    for name, build in SECTIONS.items():
        figures = _figures(parts, name)
        if figures is not None:
            svg, lines = build(figures)
            (PICTURES / f"{name}.svg").write_text(svg)
            sections.append([f"![{name}](pictures/{name}.svg)", "", *lines])
    text = "\n\n".join("\n".join(lines) for lines in sections)
    page = PAGE.read_text()
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


def _figures(parts: Parts, name: str) -> Any:
    return parts[name]["figures"] if name in parts else None


def _conditions(parts: Parts) -> list[str]:
    rows = [
        f"| {name} | {part['size']} | {part['measured_at'][:16]}Z | {part['seconds']:.0f} s "
        f"| {part['load_average']} |"
        for name, part in sorted(parts.items())
    ]
    return ["| part | size | measured | took | load average |", "|---|---|---|---|---|", *rows]


def _calls(figures: Any) -> tuple[str, list[str]]:
    return _compared(figures, CASES, "Salesforce API calls per attendee", "calls per attendee")


def _difficult(figures: Any) -> tuple[str, list[str]]:
    title = "Salesforce API calls per attendee in a difficult org"
    return _compared(figures, DIFFICULT_CASES, title, "calls per attendee in a difficult org")


def _kinds(figures: Any) -> tuple[str, list[str]]:
    rows = [Bar(text, figures[case]["calls"], is_ours=True) for case, text in KINDS.items()]
    table = [
        f"| {text} | {figures[case]['count']:,} | {figures[case]['calls']} | {figures[case]['each']:.4f} |"
        for case, text in KINDS.items()
    ]
    head = ["| calls with more kinds of write | for | calls | each |", "|---|---|---|---|"]
    return bars("Salesforce API calls with more kinds of write", "calls", rows), [*head, *table]


def _compared(figures: Any, cases: Mapping[str, str], title: str, what: str) -> tuple[str, list[str]]:
    rows = [
        Bar(f"{text}: {who}", figures[case][side], side == "ours")
        for case, text in cases.items()
        for side, who in (("ours", "ours"), ("peer", "script"))
    ]
    table = [
        f"| {text} | {each['attendees']:,} | {each['ours']:.4f} | {each['peer']:.2f} "
        f"| {_times(each['peer'] / each['ours'])} × |"
        for case, text in cases.items()
        for each in [figures[case]]
    ]
    head = [f"| {what} | attendees | ours | script | fewer |", "|---|---|---|---|---|"]
    return bars(title, "calls", rows, is_logarithmic=True), [*head, *table]


def _times(ratio: float) -> str:
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}"


def _package(figures: Any) -> tuple[str, list[str]]:
    in_doubt = figures["in_doubt_seconds"]
    sides = (("without", "without the package"), ("with", "with it"))
    rows = [
        Bar(f"{text}, {who}", figures["lost"][case][side]["seconds"] / in_doubt, side == "with")
        for case, text in LOST_ANSWERS.items()
        for side, who in sides
    ]
    table = [
        f"| an answer is lost, {text} | {_certainty(found['without'], in_doubt)} "
        f"| {_certainty(found['with'], in_doubt)} |"
        for case, text in LOST_ANSWERS.items()
        for found in [figures["lost"][case]]
    ]
    table += [
        f"| {CASES[case]}: calls per attendee | {each['without']:.4f} | {each['with']:.4f} |"
        for case, each in figures["calls"].items()
    ]
    head = ["| | without the package | with it |", "|---|---|---|"]
    return bars("From a lost answer to certainty, in times of TIMES_IN_DOUBT", "×", rows), [*head, *table]


def _certainty(found: Any, in_doubt: float) -> str:
    return f"{found['seconds'] / in_doubt:.2f} × `TIMES_IN_DOUBT`, {found['calls']} calls"


def _drain(figures: Any) -> tuple[str, list[str]]:
    rows = [
        Bar("ours", figures["seconds"], is_ours=True),
        Bar("floor: calls × 120 ms", figures["floor_seconds"]),
        Bar("floor + the simulator's own work", figures["floor_seconds"] + figures["simulator_cpu_seconds"]),
        Bar("script", figures["peer_seconds"]),
    ]
    count = f"{figures['attendees']:,}"
    text = (
        f"{count} attendees in {figures['calls']} calls: {figures['ratio_to_floor']:.2f} × the floor, "
        f"{figures['ratio_to_floor_with_simulator']:.2f} × with the simulator's own "
        f"{figures['simulator_cpu_seconds']:.1f} s of processor added to it. The engine took "
        f"{figures['engine_cpu_seconds']:.1f} s of processor. The script was timed on "
        f"{figures['peer_measured_on']} attendees."
    )
    return bars(f"Seconds to drain {count} attendees", "s", rows, is_logarithmic=True), [text]


def _intake(figures: Any) -> tuple[str, list[str]]:
    names = (("ours", "ours"), ("floor", "bare route"))
    rows = [Bar(text, figures[name]["per_second"], name == "ours") for name, text in names]
    rows.append(Bar("pgbench", figures["pgbench_per_second"]))
    head = ["| 64 connections | per second | p50 | p99 | processor |", "|---|---|---|---|---|"]
    table = [
        f"| {text} | {figures[name]['per_second']:.0f} | {figures[name]['p50_ms']:.0f} ms "
        f"| {figures[name]['p99_ms']:.0f} ms | {figures[name]['cpu_microseconds']:.0f} µs |"
        for name, text in names
    ]
    return bars("Signed webhooks per second, one process", "1/s", rows), [*head, *table]


def _latency(figures: Any) -> tuple[str, list[str]]:
    rows = [
        Bar("webhook to record", figures["seconds"], is_ours=True),
        Bar("its calls alone", figures["floor_seconds"]),
    ]
    text = f"{figures['calls']:.0f} calls; {figures['ratio_to_floor']:.2f} × what they alone must take."
    return bars("From webhook to Salesforce on an idle system", "s", rows), [text]


def _past(figures: Any) -> tuple[str, list[str]]:
    rows = [
        Bar(f"{name.removesuffix('_ms')}, {int(amount):,} past jobs", cost, is_ours=True)
        for name in ("claim_ms", "sweep_ms", "stats_ms")
        for amount, costs in sorted(figures["past"].items(), key=lambda item: int(item[0]))
        for cost in [costs[name]]
    ]
    text = ", ".join(f"{name} {figures[f'ratio_{name}_ms']:.2f} ×" for name in ("claim", "sweep", "stats"))
    return bars("What the past costs", "ms, median", rows), [f"Most over least: {text}."]


def _fairness(figures: Any) -> tuple[str, list[str]]:
    cases = {
        "alone": "alone",
        "beside_backfill": "beside the backfill",
        "control_one_slot": "the same, one slot a worker",
    }
    rows = [
        Bar(f"{measure[:3]} {text}", figures[name][measure], name == "beside_backfill")
        for measure in ("p50_seconds", "p95_seconds")
        for name, text in cases.items()
    ]
    text = (
        f"p95 {figures['ratio_p95']:.2f} × beside a backfill of {figures['backfill']:,}, "
        f"{figures['beside_backfill']['backfill_left']:,} of which were still to do when the last of "
        f"{figures['beside_backfill']['attendees']} live registrations came. With a single slot in each "
        f"worker, which whoever drains keeps from all others, it is {figures['control_ratio_p95']:.2f} ×."
    )
    return bars("Webhook to record for 50 other orgs", "s", rows), [text]


def _weight(figures: Any) -> tuple[str, list[str]]:
    names = ("api", "worker")
    rows = [Bar(name, figures[name]["cpu_seconds_per_1000"], is_ours=True) for name in names]
    head = ["| 1 process of | processor per 1,000 registrations | most memory |", "|---|---|---|"]
    table = [
        f"| {name} | {each['cpu_seconds_per_1000']:.2f} s | {each['peak_mebibytes']:.0f} MiB |"
        for name in names
        for each in [figures[name]]
    ]
    note = f"Over {figures['registrations']:,} live registrations, from the webhook to Salesforce."
    return bars("Processor per 1,000 live registrations", "s", rows), [*head, *table, "", note]


def _lone(figures: Any) -> tuple[str, list[str]]:
    ours, peer = figures["ours"], figures["peer"]
    rows = [
        Bar("ours", ours["worker_cpu_ms"], is_ours=True),
        Bar("textbook arq job", peer["worker_cpu_ms"]),
    ]
    head = [
        "| one lone registration | worker | API | textbook arq job |",
        "|---|---|---|---|",
        f"| processor | {ours['worker_cpu_ms']:.1f} ms | {ours['api_cpu_ms']:.1f} ms "
        f"| {peer['worker_cpu_ms']:.1f} ms |",
    ]
    table = [
        f"| {text} | {figures['worker'][name]:.0f} | {figures['api'][name]:.0f} | {peer[name]:.0f} |"
        for name, text in LONE_COUNTS.items()
    ]
    text = (
        f"{ours['per_second']:.0f} lone registrations a second and worker with {figures['orgs']} orgs live, "
        f"{peer['per_second']:.0f} of the textbook job, at {figures['latency_ms']} ms a call."
    )
    title = "Processor of a worker for one lone registration"
    return bars(title, "ms", rows), [*head, *table, "", text]


def _simulator(figures: Any) -> tuple[str, list[str]]:
    growth = {name: found[-1] / found[0] for name, found in figures["microseconds"].items()}
    rows = [Bar(name, each) for name, each in growth.items()]
    people = [f"{each:,}" for each in figures["people"]]
    head = [
        f"| µs in the simulator, by people in the org | {' | '.join(people)} | growth |",
        "|---" * (len(people) + 2) + "|",
    ]
    table = [
        f"| {name} | {' | '.join(f'{each:.0f}' for each in found)} | {growth[name]:.2f} × |"
        for name, found in figures["microseconds"].items()
    ]
    return bars(f"A request's cost with {people[-1]} over {people[0]} people", "×", rows), [*head, *table]


SECTIONS = {
    "calls": _calls,
    "kinds": _kinds,
    "difficult": _difficult,
    "package": _package,
    "drain": _drain,
    "intake": _intake,
    "latency": _latency,
    "past": _past,
    "fairness": _fairness,
    "lone": _lone,
    "weight": _weight,
    "simulator": _simulator,
}
