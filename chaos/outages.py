"""Nemeses of wire and engines: Postgres that stops, answers that never arrive, processes that freeze."""

import signal
import time
from typing import Any

from chaos.nemeses import WRITES, await_end, trouble
from chaos.proxy import Proxy
from chaos.stage import Stage
from chaos.workload import webhooks_for

FENCE_STATEMENT = "create_locks AS open"
LEASE_SECONDS = 3.0
QUIET_SECONDS = 8.0
REFUSAL_SECONDS = 6.0
UP_SECONDS = 30.0
SILENT_SECONDS = 30.0
LOOK_SECONDS, TAKEN_OVER_SECONDS = 2.0, 30.0
CERTAIN = 3
KEPT: dict[str, Any] = {"status": 500, "error_code": "UNKNOWN_EXCEPTION", "is_applied": True}


def restart_postgres(stage: Stage) -> None:
    """T6: two immediate restarts, commits whose answer is lost, and a stop of some seconds."""
    stage.until_progress(0.3)
    _bounce(stage, 0)
    stage.until_progress(0.45)
    stage.lay_traps(stage.site.databases, then="COMMIT", count=3, probability=0.3)
    stage.tell("commits lose their answers")
    stage.until_progress(0.6)
    _bounce(stage, 0)
    stage.until_progress(0.7)
    _bounce(stage, 5)
    up_at = time.monotonic()
    before = stage.do(stage.machine.ledger.last_end())
    while stage.do(stage.machine.ledger.last_end()) == before and time.monotonic() < up_at + UP_SECONDS:
        stage.sleep(0.1)
    stage.measured["first_end_after_up"] = round(time.monotonic() - up_at, 1)
    await_end(stage)
    stage.expect_answers("202", "503")
    slowest = round(stage.history.slowest, 1)
    stage.measured["slowest_answer"] = slowest
    stage.expect(f"refusals come within {REFUSAL_SECONDS:.0f} s", holds=slowest < REFUSAL_SECONDS)


def _bounce(stage: Stage, seconds: float) -> None:
    stage.tell("immediate stop", name="postgres", seconds=seconds)
    stage.machine.stop_postgres()
    stage.sleep(seconds)
    stage.machine.start_postgres()


def silence_postgres(stage: Stage) -> None:
    """T6: all connections to Postgres stay open and swallow what comes, as when its node is lost."""
    stage.until_progress(0.3)
    for proxy in stage.site.databases.values():
        proxy.swallow()
    silent_at = time.monotonic()
    stage.tell("connections fall silent")
    before = stage.do(stage.machine.ledger.last_end())
    stage.until(lambda: stage.do(stage.machine.ledger.last_end()) != before, within=SILENT_SECONDS)
    first_end = round(time.monotonic() - silent_at, 1)
    stage.measured["first_end_after_silence"] = first_end
    stage.expect(f"workers go on within {SILENT_SECONDS:.0f} s", holds=first_end < SILENT_SECONDS)
    await_end(stage)
    stage.expect_answers("202", "503")


def freeze_while_looking(stage: Stage) -> None:
    """T9: SIGSTOP the owner of an org while it looks for people, until another has written them; SIGCONT.

    Each host has written before: after its first look it asks for more, and there the send window, not the
    fence, would refuse what a worker sends that wakes up.
    """
    third = len(stage.people) // 3
    opening, rest = stage.people[:third], stage.people[third:]
    stage.post(webhooks_for(opening, stage.chance))
    stage.await_posted()
    stage.expect("the first third is at rest", holds=stage.await_rest(TAKEN_OVER_SECONDS))
    for number in sorted({host.org for host in stage.hosts}):
        match = {"body": rf"org{number}\.example", "is_write": False}
        trouble(stage, "latency", 1.0, seconds=LOOK_SECONDS, count=1, match=match)
        stage.post(webhooks_for([one for one in rest if one.org == number], stage.chance))
        if stage.until(lambda: sum(stage.site.control.fired()) > 0):
            _freeze_owner(stage, number)
        stage.await_posted()
        stage.disarm()


def _freeze_owner(stage: Stage, number: int) -> None:
    """Freeze the owner of an org until another has done all of its work, and see what it does then."""
    ledger, org_id = stage.machine.ledger, stage.machine.org_ids[number]
    hosts = [host.host_id for host in stage.hosts if host.org == number]
    pid = stage.do(ledger.owners()).get(org_id)
    stage.expect(f"somebody owns org {number} while it is looked at", holds=pid is not None)
    if pid is None:
        return
    name = stage.machine.by_pid(pid)
    stage.tell("SIGSTOP", name=name)
    stage.machine.processes[name].signal(signal.SIGSTOP)
    stage.await_posted()
    are_written = stage.until(lambda: not stage.do(ledger.moving_of(hosts)), within=TAKEN_OVER_SECONDS)
    stage.expect(f"another worker writes what {name} looked for", holds=are_written)
    stage.tell("SIGCONT", name=name)
    stage.machine.processes[name].signal(signal.SIGCONT)
    stage.sleep(LEASE_SECONDS)


def freeze_before_sending(stage: Stage) -> None:
    """T9: SIGSTOP a worker between its committed intent and its send, until another has done the work."""
    traps = stage.lay_traps(stage.machine.workers, then="COMMIT", first=FENCE_STATEMENT, does="hold")
    stage.until(lambda: any(trap.fired.is_set() for trap in traps.values()))
    caught = [name for name, trap in traps.items() if trap.fired.is_set()]
    stage.expect("a worker was caught between intent and send", holds=bool(caught))
    for name in traps:
        stage.site.databases[name].traps = []
    for name in caught:
        stage.machine.processes[name].signal(signal.SIGSTOP)
        stage.site.databases[name].resume()
    stage.tell("SIGSTOP", names=caught)
    stage.sleep(3 * LEASE_SECONDS + QUIET_SECONDS)
    for name in caught:
        stage.machine.processes[name].signal(signal.SIGCONT)
    stage.tell("SIGCONT", names=caught)
    await_end(stage)


def garble_answers(stage: Stage) -> None:
    """T10: answers cut anywhere, pages instead of JSON, rows refused one by one, slices of a few bytes."""
    trouble(stage, "truncate", 0.05)
    trouble(stage, "html", 0.04, status=500, is_applied=True)
    trouble(stage, "html", 0.04, status=500)
    trouble(
        stage, "row_error", 0.02, error_code="UNABLE_TO_LOCK_ROW", message="unable to obtain exclusive access"
    )
    stage.site.salesforce.cut_probability = 0.04
    stage.site.salesforce.slice_bytes = 700
    await_end(stage)


def break_calls_off(stage: Stage) -> None:
    """Salesforce ends calls with 500 in its own words, after it kept none, some or all of their parts."""
    # Some for certain, so that every seed puts the guard to the proof.
    trouble(stage, "error", 1.0, **KEPT, kept=2, skip=1, count=CERTAIN, match=WRITES | {"sobject": "Task"})
    for kept in range(4):
        trouble(stage, "error", 0.05, **KEPT, kept=kept, match=WRITES)
    await_end(stage)
    stage.expect("calls were broken off", holds=stage.site.control.fired()[0] > 0)


def swizzle(stage: Stage) -> None:
    """T37: every proxy pauses, one after the other over five seconds, and goes on in another order."""
    while stage.is_busy:
        paused: list[Proxy] = []
        order = list(stage.site.proxies)
        stage.chance.shuffle(order)
        for proxy in order:
            stage.tell("pause", name=proxy.name)
            proxy.pause()
            paused.append(proxy)
            stage.sleep(5 / len(order))
        stage.chance.shuffle(paused)
        for proxy in paused:
            stage.tell("resume", name=proxy.name)
            proxy.resume()
            stage.sleep(1 / len(order))
        stage.sleep(1)
