"""Nemesis of a restored backup: Salesforce has what the database forgot, and the platform sends all again."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from chaos.life_checker import check_lives
from chaos.life_nemeses import BOOKED_SECONDS
from chaos.lives import lives_for, waves_for
from chaos.machine import LATENCY_MS
from chaos.stage import Stage
from chaos.workload import Registrant, Webhook, time_of

DECLARATION = "declaration"
"""What the control run leaves out, in the place of a guard: nobody says that the database is a copy."""
REFUSED_SECONDS, CANNOT = 20.0, 2
DUMPED_AT = 0.4
SLOW_MS = 2500
UNDER_WAY = "SELECT count(*) FROM written_records WHERE state = 'intended'"
"""How much of the bookings is posted by then; some are under way."""


def restore_over_a_living_org(stage: Stage) -> None:
    """T39: a dump while batches are in flight; all of the lives goes on, one person is erased; then the dump
    is restored, and every webhook is sent again.
    """
    lives = lives_for(stage.people, stage.hosts, stage.chance)
    stage.judge = lambda acked, orgs, findings: check_lives(
        lives, acked, orgs=orgs, grants=stage.machine.grants, findings=findings
    )
    waves = waves_for(lives, stage.chance)
    stage.post(waves[0])
    stage.until_progress(DUMPED_AT)
    with _slow_orgs(stage):
        count = stage.machine.ledger.ask
        stage.until(lambda: stage.do(count(UNDER_WAY)) > 0)
        since, dump = datetime.now(UTC), stage.machine.dump()
    stage.tell("dumped", bytes=dump.stat().st_size)
    _finish(stage, [])
    _finish(stage, *waves[1:])
    erased = stage.people[0]
    _finish(stage, [_erasure(erased)])
    stage.erased = {one.registration_id for one in stage.people if _is_erased(one, erased)}
    forgotten = stage.machine.restore(dump)
    under_way = stage.do(stage.machine.ledger.ask(UNDER_WAY))
    stage.measured |= {"forgotten": forgotten, "under_way": under_way}
    stage.expect("writes were under way at the dump", holds=under_way > 0)
    stage.expect("something was written after the dump", holds=forgotten > 0)
    if stage.left_out == DECLARATION:
        # It is what remembers how far the database had come: with it nothing starts.
        stage.site.flush_valkey()
    else:
        _expect_refusal(stage)
        stage.tell("restored", said=_declare(stage, since))
    stage.machine.start_all()
    _finish(stage, *waves)
    names = "SELECT count(*) FROM registrations WHERE host_id = :host AND email_key = :email"
    left = stage.do(stage.machine.ledger.ask(names, host=erased.host_id, email=erased.email))
    stage.expect(f"who was erased stays so, not {left} registrations", holds=left == 0)


@contextmanager
def _slow_orgs(stage: Stage) -> Iterator[None]:
    """Calls take as long as a dump."""
    machine = stage.machine
    for org_id in machine.org_ids:
        machine.site.control.configure(org_id, latency_ms=SLOW_MS)
    yield
    for org_id in machine.org_ids:
        machine.site.control.configure(org_id, latency_ms=LATENCY_MS)


def _finish(stage: Stage, *waves: list[Webhook]) -> None:
    """Post them one after the other, each until it is written."""
    for wave in waves:
        if wave:
            stage.post(wave)
        stage.await_posted()
        stage.expect("the wave is written before the next", holds=stage.await_rest(BOOKED_SECONDS))


def _expect_refusal(stage: Stage) -> None:
    name = stage.machine.workers[0]
    process = stage.machine.start(name)
    has_ended = process.ended_within(REFUSED_SECONDS)
    stage.expect(
        f"{name} refuses a copy that nobody declared, with code 2 and not {process.code}",
        holds=has_ended and process.code == CANNOT,
    )


def _is_erased(one: Registrant, erased: Registrant) -> bool:
    return (one.host_id, one.email) == (erased.host_id, erased.email)


def _erasure(one: Registrant) -> Webhook:
    payload = {
        "type": "attendee.erased",
        "timestamp": time_of(datetime.now(UTC)),
        "data": {"host": {"id": one.host_id}, "attendee": {"email": one.email}},
    }
    return Webhook(f"msg_{one.registration_id}_erased", json.dumps(payload).encode())


def _declare(stage: Stage, since: datetime) -> str:
    machine = stage.machine
    words = ["restored", "--since", since.isoformat(), "--erasures", str(machine.journal)]
    environment = {**os.environ, **machine.env, "DATABASE_URL": stage.site.database_url(machine.name)}
    done = subprocess.run(  # noqa: S603 -- our own words
        [sys.executable, "-m", "app.cli.main", *words], env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    stage.expect(f"`restored` ends with 0: {done.stderr}", holds=done.returncode == 0)
    return done.stdout
