"""Nemeses of the database server itself: away for a while, full, demoted, ahead or behind."""

import signal
import time
from collections.abc import Callable

from alembic import command

from app.infrastructure.migration_runner import alembic_config
from app.infrastructure.schema_revision import UNRELEASED, newest_revision
from chaos.environment import LOGIN
from chaos.logs import Mark, repeated
from chaos.nemeses import await_end
from chaos.stage import Stage
from devtools.local_stack.local_services import free_port

AWAY_SECONDS = 10.0
MOST_TURNS = 10
"""Of one loop in that time: 0.25 s, and twice as long each time, makes six."""
MOST_ATTEMPTS = 15.0
"""To connect, of one worker in a second; all its loops and drains together. It was 1,600."""
MOST_LINES = 15

FEW = 22
MOST_HELD = 18
"""Three of the 22 are kept for superusers, and one is the harness' own."""
BURST_SECONDS, STARVED_SECONDS = 3.0, 60.0

READ_ONLY = "default_transaction_read_only"
DEMOTED_SECONDS, FULL_SECONDS, GO_ON_SECONDS = 3.0, 6.0, 15.0
MOST_LINES_FULL = 25

ADDITIONS = (
    "ALTER TABLE registrations ADD COLUMN later text",
    "ALTER TABLE sync_jobs ADD COLUMN later integer NOT NULL DEFAULT 0",
    "ALTER TABLE deliveries ADD COLUMN later text",
    "CREATE TABLE of_a_later_release (id bigint PRIMARY KEY)",
    "UPDATE alembic_version SET version_num = '9999'",
)
RESTART_SECONDS = 20.0


def take_postgres_away(stage: Stage) -> None:
    """T6: Postgres is away for 10 s; workers back off, and log each trouble once."""
    machine, names = stage.machine, stage.machine.workers
    stage.until_progress(0.3)
    marks = {name: Mark.at_end(machine.log(name)) for name in machine.processes}
    attempts = {name: stage.site.databases[name].refused for name in names}
    stage.tell("immediate stop", name="postgres", seconds=AWAY_SECONDS)
    machine.stop_postgres()
    up_at = time.monotonic() + AWAY_SECONDS
    while time.monotonic() < up_at:
        # As a balancer looks, and a scraper.
        are_ready = [machine.is_ready(name) for name in machine.apis]
        stage.expect("no API is ready without its database", holds=not any(are_ready))
        stage.sleep(0.2)
    lines = {name: mark.said() for name, mark in marks.items()}
    tried = max(stage.site.databases[name].refused - attempts[name] for name in names) / AWAY_SECONDS
    machine.start_postgres()
    most = max(len(lines[name]) for name in names)
    stage.measured |= {"lines_per_worker": most, "attempts_per_second": round(tried, 1)}
    stage.expect(f"a worker logs {MOST_LINES} lines at most, not {most}", holds=most <= MOST_LINES)
    stage.expect(
        f"a worker tries {MOST_ATTEMPTS:g} times a second at most, not {tried:g}",
        holds=tried <= MOST_ATTEMPTS,
    )
    for name, said in lines.items():
        again = repeated(said)
        stage.expect(f"{name} logs each trouble of a loop once: {dict(again)}", holds=not again)
    await_end(stage)
    recovered = [
        event for mark in marks.values() for event in mark.said() if event["event"] == "loop_recovered"
    ]
    turns = max((event["failures"] for event in recovered), default=0)
    stage.measured["turns_per_loop"] = turns
    stage.expect(
        f"a loop fails once at least and {MOST_TURNS} times at most, not {turns}",
        holds=0 < turns <= MOST_TURNS,
    )
    stage.expect_answers("202", "503")


def allow_few_connections(stage: Stage) -> None:
    """T6: `max_connections = 22`, two workers come first and need them all; two APIs start after them."""
    machine, (first, second, *rest) = stage.machine, stage.machine.workers
    stage.until_progress(0.3)
    for name in rest:
        machine.kill(name)
    for name in (first, second):
        stage.site.databases[name].pause()
    stage.until_progress(0.45)
    for name in machine.apis:
        machine.kill(name)
    stage.tell("max_connections", value=FEW)
    machine.allow_connections(FEW)
    stage.sleep(BURST_SECONDS)
    for name in (first, second):
        stage.site.databases[name].resume()
    held = max(_held(stage) for _ in range(20))
    stage.measured["held_by_workers"] = held
    stage.expect(f"workers hold {MOST_HELD} connections at first, not {held}", holds=held >= MOST_HELD)
    _start_apis(stage)
    await_end(stage)


def _held(stage: Stage) -> int:
    stage.sleep(0.1)
    query = "SELECT count(*) FROM pg_stat_activity WHERE usename = :login"
    count: int = stage.do(stage.machine.ledger.ask(query, login=LOGIN))
    return count


def _start_apis(stage: Stage) -> None:
    """Restarts them until they stay up; both become ready, and acknowledge."""
    machine, begun, acked = stage.machine, time.monotonic(), len(stage.history.acked)
    seen: dict[str, float] = {}
    starts = 0

    def are_ready() -> bool:
        nonlocal starts
        for name in machine.apis:
            if not machine.processes[name].is_alive:
                machine.start(name)
                starts += 1
            elif machine.is_ready(name):
                seen.setdefault(name, time.monotonic() - begun)
        if len(stage.history.acked) > acked:
            seen.setdefault("first_ack", time.monotonic() - begun)
        stage.sleep(0.3)
        return len(seen) == len(machine.apis) + 1

    is_well = stage.until(are_ready, within=STARVED_SECONDS)
    stage.measured |= {f"{what}_after": round(seconds, 1) for what, seconds in seen.items()}
    stage.measured["starts"] = starts
    within = f"within {STARVED_SECONDS:.0f} s"
    stage.expect(f"both APIs are ready and acknowledge {within}: {sorted(seen)}", holds=is_well)


def demote_postgres(stage: Stage) -> None:
    """T6: the primary is read-only for 3 s; then new connections can write, and old ones never again."""
    machine, site = stage.machine, stage.site
    stage.until_progress(0.3)
    site.run_sql(f"ALTER SYSTEM SET {READ_ONLY} = on", "SELECT pg_reload_conf()")
    stage.tell("demoted")
    refused = stage.history.ended["503"]
    stage.sleep(DEMOTED_SECONDS)
    refused = stage.history.ended["503"] - refused
    stage.measured["refused"] = refused
    stage.expect("webhooks are refused meanwhile", holds=refused > 0)
    site.run_sql(f"SET {READ_ONLY} = off", f"ALTER ROLE {LOGIN} SET {READ_ONLY} = off")
    promoted_at = stage.do(machine.ledger.ask("SELECT clock_timestamp()"))
    stage.tell("another is promoted")
    _expect_to_go_on(stage)
    beats = "SELECT count(*) FROM worker_heartbeats WHERE beat_at > clock_timestamp() - interval '2 s'"
    count = len(machine.workers)
    all_beat = stage.until(lambda: stage.do(machine.ledger.ask(beats)) == count, within=GO_ON_SECONDS)
    stage.expect("every worker goes on", holds=all_beat)
    old = "SELECT count(*) FROM pg_stat_activity WHERE usename = :login AND backend_start < :at"
    are_left = stage.until(
        lambda: stage.do(machine.ledger.ask(old, login=LOGIN, at=promoted_at)) == 0, within=GO_ON_SECONDS
    )
    stage.measured["old_connections"] = stage.do(machine.ledger.ask(old, login=LOGIN, at=promoted_at))
    stage.expect("no connection to the old primary is kept", holds=are_left)
    await_end(stage)
    site.run_sql(
        f"SET {READ_ONLY} = off",
        f"ALTER ROLE {LOGIN} RESET {READ_ONLY}",
        f"ALTER SYSTEM RESET {READ_ONLY}",
        "SELECT pg_reload_conf()",
    )
    stage.expect_answers("202", "503")


def _expect_to_go_on(stage: Stage) -> None:
    """Webhooks are acknowledged and jobs are written again, soon after this."""
    begun, acked = time.monotonic(), len(stage.history.acked)
    before = stage.do(stage.machine.ledger.last_end())
    news: dict[str, Callable[[], bool]] = {
        "first_ack_after": lambda: len(stage.history.acked) > acked,
        "first_end_after": lambda: bool(stage.do(stage.machine.ledger.last_end()) != before),
    }
    for name, is_news in news.items():
        holds = stage.until(is_news, within=GO_ON_SECONDS)
        stage.measured[name] = round(time.monotonic() - begun, 1)
        stage.expect(f"{name}: {GO_ON_SECONDS:.0f} s at most", holds=holds)


def fill_volume(stage: Stage) -> None:
    """T7: the data volume of 64 MB is full for 6 s, and every connection has to be reopened meanwhile."""
    site, volume, names = stage.site, stage.site.volume, stage.machine.workers
    assert volume is not None
    stage.until_progress(0.3)
    marks = [Mark.at_end(stage.machine.log(name)) for name in names]
    stage.measured["ballast_mb"] = volume.fill()
    for proxy in site.databases.values():
        proxy.reset()
    stage.tell("volume is full")
    before = stage.history.ended["503"]
    stage.sleep(FULL_SECONDS)
    refused, most = stage.history.ended["503"] - before, max(len(mark.lines()) for mark in marks)
    stage.measured |= {"refused": refused, "lines_per_worker": most}
    stage.expect("webhooks are refused meanwhile", holds=refused > 0)
    stage.expect(f"a worker logs {MOST_LINES_FULL} lines at most, not {most}", holds=most <= MOST_LINES_FULL)
    dead = [name for name in names if not stage.machine.processes[name].is_alive]
    stage.expect(f"workers live on: {dead} do not", holds=not dead)
    volume.make_room()
    stage.tell("there is room")
    _expect_to_go_on(stage)
    await_end(stage)
    # A request that was on its way when its connection to Postgres was cut is answered all the same.
    stage.expect_answers("202", "503")


def add_to_schema(stage: Stage) -> None:
    """T18: a later release migrates under load; old processes go on, and this release starts beside them."""
    machine = stage.machine
    stage.until_progress(0.3)
    stage.site.run_sql(*ADDITIONS, database=machine.name)
    stage.tell("one revision more")
    for name in (machine.apis[0], *machine.workers[:2]):
        machine.processes[name].signal(signal.SIGTERM)
        machine.processes[name].ended_within(RESTART_SECONDS)
        machine.start(name)
    first, looks = machine.apis[0], 0
    starts = stage.until(lambda: machine.is_ready(first), within=RESTART_SECONDS)
    stage.expect(f"{first} starts on newer tables", holds=starts)
    unready: set[str] = set()
    while stage.is_busy:
        unready |= {name for name in machine.apis if not machine.is_ready(name)}
        looks += 1
        stage.sleep(0.2)
    stage.measured["looks"] = looks
    stage.expect(f"both APIs are ready all the time, not {sorted(unready)}", holds=not unready)
    dead = [name for name, process in machine.processes.items() if not process.is_alive]
    stage.expect(f"all processes live: {dead} do not", holds=not dead)
    back = f"UPDATE alembic_version SET version_num = '{newest_revision()}'"  # noqa: S608 -- our own number
    stage.site.run_sql(back, database=machine.name)
    _refuse_older(stage)


def _refuse_older(stage: Stage) -> None:
    """Tables from before the first release: neither API nor worker starts, and each says why in one line."""
    site, name = stage.site, f"{stage.machine.name}_behind"
    site.run_sql(f"CREATE DATABASE {name}")
    command.upgrade(alembic_config(site.database_url(name)), "head")
    site.run_sql("UPDATE alembic_version SET version_num = '0017'", database=name)
    url = site.service_url(name, site.postgres.postgres_port)
    for what in ("api", "worker"):
        mark = Mark.at_end(stage.machine.log(f"{what}-behind"))
        process = site.nest.fork(
            f"{what}-behind", what, env=stage.machine.env | {"DATABASE_URL": url}, port=free_port()
        )
        process.ended_within(RESTART_SECONDS)
        lines = [line for line in mark.lines() if UNRELEASED in line]
        holds = process.code == 2 and len(lines) == len(mark.lines()) == 1
        stage.expect(
            f"{what} refuses older tables in one line: {process.code} {mark.lines()[-3:]}", holds=holds
        )
    site.run_sql(f"DROP DATABASE {name} WITH (FORCE)")
