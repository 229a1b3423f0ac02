"""What is broken while webhooks come in: processes, engines, the wire, Salesforce itself."""

import signal
import time
from typing import Any

from chaos.stage import Stage

WRITES: dict[str, Any] = {"is_write": True}
LATE_SECONDS, VERY_LATE_SECONDS = 5.0, 12.0
LATE_FOR_CERTAIN, HELD = 4, 3
STOP_SECONDS = 12.0
LOST_FOR_CERTAIN, MEET_SECONDS = 3, 20.0


def trouble(stage: Stage, kind: str, probability: float, **more: Any) -> None:
    """Salesforce misbehaves with this probability from now on."""
    seed = stage.chance.randrange(2**31)
    stage.site.control.arm({"kind": kind, "probability": probability, "seed": seed, **more})
    stage.tell("fault", fault=kind, probability=probability, **more)


def kill_workers(stage: Stage) -> None:
    """T1: kill -9 a random worker each second; writes lose their answers, 5 % of calls meet a 503."""
    # Some for certain, so that every seed puts the guard to the proof.
    trouble(
        stage, "reset_after_write", 1.0, skip=1, count=LOST_FOR_CERTAIN, match=WRITES | {"sobject": "Task"}
    )
    trouble(stage, "reset_after_write", 0.05, match=WRITES)
    trouble(stage, "error", 0.05)
    while stage.is_busy:
        stage.sleep(stage.chance.uniform(0.7, 1.3))
        name = stage.machine.any_worker(stage.chance)
        stage.tell("kill -9", name=name)
        stage.machine.kill(name)
        stage.machine.start(name)
    # On a slow machine nobody lived long enough to meet them.
    deadline = time.monotonic() + MEET_SECONDS
    while stage.site.control.fired()[0] < LOST_FOR_CERTAIN and time.monotonic() < deadline:
        stage.sleep(0.1)


def kill_apis(stage: Stage) -> None:
    """T2: kill -9 one API after the other while the sender tries again, and sometimes gives up."""
    while stage.is_busy:
        for name in stage.machine.apis:
            stage.sleep(stage.chance.uniform(0.8, 1.2))
            stage.tell("kill -9", name=name)
            stage.machine.kill(name)
            stage.machine.start(name)


def take_valkey_away(stage: Stage) -> None:
    """T4: FLUSHALL again and again, then kill -9 for a while, then workers that start without it."""
    machine = stage.machine
    while stage.sender.progress < 0.4 and stage.is_busy:
        stage.tell("FLUSHALL")
        stage.site.flush_valkey()
        stage.sleep(0.5)
    stage.tell("kill -9", name="valkey")
    machine.kill_valkey()
    stage.until_progress(0.6)
    for name in machine.workers:
        machine.kill(name)
        machine.start(name)
    stage.until_progress(1.0)
    stage.sleep(2)
    living = [name for name in machine.workers if machine.processes[name].is_alive]
    stage.expect(f"workers live without Valkey: {living}", holds=len(living) == len(machine.workers))
    refused = {answer: count for answer, count in stage.history.ended.items() if answer != "202"}
    stage.expect(f"every webhook was taken without Valkey: {refused}", holds=not refused)
    await_end(stage)


def late_writes(stage: Stage) -> None:
    """T8: one write in five lands five seconds after its client gave up."""
    _let_land_late(stage, LATE_SECONDS, match=WRITES)
    await_end(stage)


def late_writes_of_keys(stage: Stage) -> None:
    """T8: the same; some hold their keys until they land, so that nobody else can write them."""
    trouble(stage, "late_apply", 1.0, seconds=LATE_SECONDS, count=HELD, match=WRITES, holds_values=True)
    late_writes(stage)


def late_people(stage: Stage, seconds: float = LATE_SECONDS) -> None:
    """T8: people who register with two hosts of one org at once, and are created late."""
    _let_land_late(stage, seconds, match=WRITES | {"sobject": "Lead"})
    await_end(stage)


def very_late_people(stage: Stage) -> None:
    """T8: the same, later than anybody tries again who waits for nothing."""
    late_people(stage, VERY_LATE_SECONDS)


def _let_land_late(stage: Stage, seconds: float, *, match: dict[str, Any]) -> None:
    """One in five of the writes that match, and some for certain, so that every seed tries the guard."""
    trouble(stage, "late_apply", 1.0, seconds=seconds, count=LATE_FOR_CERTAIN, match=match)
    trouble(stage, "late_apply", 0.2, seconds=seconds, match=match)


def rolling_deploy(stage: Stage) -> None:
    """T18: SIGTERM to one worker after the other; some get SIGKILL a second later."""
    slowest, number = 0.0, 0
    while stage.is_busy:
        stage.sleep(stage.chance.uniform(0.5, 1.0))
        name = stage.machine.workers[number % len(stage.machine.workers)]
        is_impatient = number % 4 == 3
        slowest = max(slowest, _stop(stage, name, is_impatient=is_impatient))
        stage.machine.start(name)
        number += 1
    stage.measured |= {"restarts": number, "slowest_exit": round(slowest, 1)}


def _stop(stage: Stage, name: str, *, is_impatient: bool) -> float:
    machine, begun = stage.machine, time.monotonic()
    process = machine.processes[name]
    stage.tell("SIGTERM", name=name, is_impatient=is_impatient)
    process.signal(signal.SIGTERM)
    if is_impatient and not process.ended_within(1.0):
        machine.kill(name)
        return 0.0
    has_ended = process.ended_within(STOP_SECONDS)
    stage.expect(f"{name} ends within {STOP_SECONDS:.0f} s of SIGTERM", holds=has_ended)
    stage.expect(f"{name} ends with code 0, not {process.code}", holds=process.code == 0 or is_impatient)
    return time.monotonic() - begun


def await_end(stage: Stage) -> None:
    """Wait until everything is posted and the nemesis has had its time."""
    while stage.is_busy:
        stage.sleep(0.1)
