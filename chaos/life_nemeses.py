"""What is broken while registrations go through their whole life, with every kind of write on."""

from collections.abc import Callable, Sequence
from typing import Any

from chaos.life_checker import check_lives
from chaos.lives import lives_for, waves_for
from chaos.nemeses import LATE_FOR_CERTAIN, LATE_SECONDS, LOST_FOR_CERTAIN, WRITES, trouble
from chaos.stage import Stage

BOOKED_SECONDS = 90.0
"""Until everybody is written, so that a cancellation meets what stands."""
OF_LIVES = ("Event", "Case", "EmailMessage")
STOPPED_SECONDS = 2.0
CHANGES_NOTHING = r'\A(?!(?s:.*)"PATCH")'
"""The body of a call without a change of what stands."""


def lose_answers_of_lives(stage: Stage) -> None:
    """T1: kill -9 a random worker each second; writes of every kind lose their answers."""
    # Some of each kind for certain, so that every seed puts the guard to the proof.
    for sobject in OF_LIVES:
        trouble(stage, "reset_after_write", 1.0, count=LOST_FOR_CERTAIN, match=WRITES | {"sobject": sobject})
    trouble(stage, "reset_after_write", 0.05, match=WRITES)
    trouble(stage, "error", 0.03)
    _live(stage, _kill_a_worker)


def let_lives_land_late(stage: Stage) -> None:
    """T8: creates and changes of calendar Events, Cases and e-mails land after their client gave up."""
    _let_land_late(stage, OF_LIVES, WRITES)


def let_creates_of_lives_land_late(stage: Stage) -> None:
    """T8: calls that only create calendar Events, Cases and Tasks land after their client gave up."""
    _let_land_late(stage, ("Event", "Case", "Task"), WRITES | {"body": CHANGES_NOTHING})


def _let_land_late(stage: Stage, sobjects: Sequence[str], writes: dict[str, Any]) -> None:
    for sobject in sobjects:
        match = writes | {"sobject": sobject}
        trouble(stage, "late_apply", 1.0, seconds=LATE_SECONDS, count=LATE_FOR_CERTAIN, match=match)
    trouble(stage, "late_apply", 0.1, seconds=LATE_SECONDS, match=writes)
    _live(stage, lambda stage: stage.sleep(0.5))


def take_engines_away_from_lives(stage: Stage) -> None:
    """T4, T6: Postgres stops at once, Valkey is killed, workers die, again and again."""
    trouble(stage, "reset_after_write", 0.05, match=WRITES)
    deeds = [_stop_postgres, _kill_valkey, _kill_a_worker]

    def next_deed(stage: Stage) -> None:
        deeds.append(deeds.pop(0))
        deeds[-1](stage)

    _live(stage, next_deed)


def _live(stage: Stage, deed: Callable[[Stage], None]) -> None:
    """Post wave after wave, and do it again and again meanwhile; then compare what stands."""
    lives = lives_for(stage.people, stage.hosts, stage.chance)
    stage.judge = lambda acked, orgs, findings: check_lives(
        lives, acked, orgs=orgs, grants=stage.machine.grants, findings=findings
    )
    for wave in waves_for(lives, stage.chance):
        stage.post(wave)
        deed(stage)
        while stage.is_posting:
            deed(stage)
        stage.await_posted()
        stage.expect("the wave is written before the next", holds=stage.await_rest(BOOKED_SECONDS))


def _kill_a_worker(stage: Stage) -> None:
    stage.sleep(stage.chance.uniform(0.7, 1.3))
    name = stage.machine.any_worker(stage.chance)
    stage.tell("kill -9", name=name)
    stage.machine.kill(name)
    stage.machine.start(name)


def _stop_postgres(stage: Stage) -> None:
    stage.sleep(stage.chance.uniform(0.5, 1.0))
    stage.tell("immediate stop", name="postgres", seconds=STOPPED_SECONDS)
    stage.machine.stop_postgres()
    stage.sleep(STOPPED_SECONDS)
    stage.machine.start_postgres()


def _kill_valkey(stage: Stage) -> None:
    stage.sleep(stage.chance.uniform(0.5, 1.0))
    stage.tell("kill -9", name="valkey")
    stage.machine.kill_valkey()
    stage.sleep(STOPPED_SECONDS)
    stage.machine.start_valkey()
