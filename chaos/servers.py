"""Nemeses of the database server itself: away for a while, full of connections, demoted."""

from chaos.logs import Mark, repeated
from chaos.nemeses import await_end
from chaos.stage import Stage

AWAY_SECONDS = 10.0
MOST_TURNS = 10
"""Of one loop in that time: 0.25 s, and twice as long each time, makes six."""
MOST_ATTEMPTS = 15.0
"""To connect, of one worker in a second; all its loops and drains together. It was 1,600."""
MOST_LINES = 15


def take_postgres_away(stage: Stage) -> None:
    """T6: Postgres is away for 10 s; workers back off, and log each trouble once."""
    machine, names = stage.machine, stage.machine.workers
    stage.until_progress(0.3)
    marks = {name: Mark.at_end(machine.log(name)) for name in names}
    attempts = {name: stage.site.databases[name].refused for name in names}
    stage.tell("immediate stop", name="postgres", seconds=AWAY_SECONDS)
    machine.stop_postgres()
    stage.sleep(AWAY_SECONDS)
    lines = {name: mark.said() for name, mark in marks.items()}
    tried = max(stage.site.databases[name].refused - attempts[name] for name in names) / AWAY_SECONDS
    machine.start_postgres()
    most = max(len(said) for said in lines.values())
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
