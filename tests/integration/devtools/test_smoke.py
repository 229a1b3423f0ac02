"""The demo itself, on real engines and processes, with the wake-ups lost on the way."""

import fcntl
import os
import socket
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.cli import main as cli
from app.infrastructure.schema_revision import UNRELEASED
from devtools.demo.command import main
from devtools.demo.run import run
from devtools.local_stack.local_services import LocalServices, free_port
from devtools.local_stack.processes import ChildDied
from devtools.local_stack.secrets import LocalSecrets
from devtools.local_stack.stack import AlreadyRunning, Plan, Stack
from devtools.local_stack.up import up

STATE_OF_BEFORE = (
    "CREATE ROLE eventship_owner",
    "CREATE TABLE alembic_version AS SELECT '0017' AS version_num",
    "ALTER TABLE alembic_version OWNER TO eventship_owner",
)
BARE = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


def test_a_smoke_run_ends_as_expected_though_wake_ups_are_lost(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["smoke", "--fault", "flush-valkey"], BARE) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(
        "smoke: synced=59 failed=0 skipped=1 attended=25 pending=0 duplicates=0 api_calls_per_attendee="
    )


def interrupt(stack: Stack) -> None:
    stack.check()
    raise KeyboardInterrupt


def test_a_second_run_goes_on_where_the_first_ended(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    plan = Plan(tmp_path, free_port(), free_port(), given=BARE)
    assert run(plan, until=interrupt) == 0
    first = capsys.readouterr().out
    assert "posted 87 signed webhooks: 85 accepted, 2 duplicate" in first
    assert "for 60 new attendees" in first
    assert run(plan, until=interrupt) == 0
    second = capsys.readouterr().out
    assert "going on from before: 60 registrations are known" in second
    assert "posted 96 signed webhooks: 9 accepted, 87 duplicate" in second
    assert "for 6 new attendees" in second
    LocalServices(tmp_path).discard()


def test_up_runs_everything_and_says_where_it_is(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    plan = Plan(tmp_path, free_port(), free_port(), given=BARE)
    assert up(plan, until=interrupt) == 0
    output = capsys.readouterr().out
    assert plan.url in output
    assert output.endswith("stopped\n")
    LocalServices(tmp_path).discard()


def test_a_port_that_is_taken_stops_the_demo_with_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        taken = {"PORT": str(squatter.getsockname()[1]), "LOCAL_HOME": str(tmp_path)}
        assert main(["run"], {**BARE, **taken}) == 2
    assert "set PORT to a free port" in capsys.readouterr().err


def test_two_stacks_never_share_their_state(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as theirs:
        fcntl.flock(theirs, fcntl.LOCK_EX)
        with pytest.raises(AlreadyRunning, match="stop it first"), Stack(Plan(tmp_path, 1, 2, given=BARE)):
            pass


async def test_state_from_before_the_first_release_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Also when an earlier run has left its lines in the log."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "migrate.log").write_text("0017 With how many others a row is tried.\n")
    engines = LocalServices(tmp_path)
    engines.start_postgres()
    engine = create_async_engine(engines.database_url, poolclass=NullPool)
    async with engine.begin() as connection:
        for statement in STATE_OF_BEFORE:
            await connection.execute(text(statement))
    await engine.dispose()
    engines.stop()
    for name in set(os.environ) - set(BARE):
        monkeypatch.delenv(name)
    ports = ["--port", str(free_port()), "--simulator-port", str(free_port())]
    try:
        assert cli.main(["up", "--home", str(tmp_path), *ports]) == 2
    finally:
        engines.discard()
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert line.endswith(f"DATABASE_URL is at 0017, {UNRELEASED}\n")
    assert "0017 With how many" not in line


def test_a_part_that_dies_is_missed(tmp_path: Path) -> None:
    stack = Stack(Plan(tmp_path, 1, 2, given=BARE))
    worker = stack.start_worker()
    worker.process.wait()
    with pytest.raises(ChildDied, match="worker-1 ended"):
        stack.check()
    stack.kill(worker)
    stack.check()


def test_the_stack_signs_with_the_secrets_of_its_home(tmp_path: Path) -> None:
    stack = Stack(Plan(tmp_path, 1, 2, given={}))
    assert stack.secrets.webhook_secret == LocalSecrets.of(tmp_path).webhook_secret
