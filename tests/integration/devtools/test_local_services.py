"""Postgres and Valkey from their wheels: they start, keep their data, and stop with the process."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from devtools.local_stack import local_services
from devtools.local_stack.local_services import (
    LocalServices,
    ServiceNotStarted,
    free_port,
    remove_ownerless_data,
)

LAUNCHER = """
import pathlib, sys, time
from devtools.local_stack.local_services import LocalServices
engines = LocalServices(pathlib.Path(sys.argv[1]), is_durable=False).start()
print(engines.postgres_port, engines.valkey_port, flush=True)
time.sleep(600)
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "engines"
    LocalServices(tmp_path / "engines").discard()


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def falls_silent(port: int, within: float = 20) -> bool:
    deadline = time.monotonic() + within
    while answers(port) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not answers(port)


async def asked(url: str, *statements: str) -> object:
    """The answer to the last of the statements."""
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.begin() as connection:
        results = [await connection.execute(text(statement)) for statement in statements]
    await engine.dispose()
    return results[-1].scalar() if results[-1].returns_rows else None


async def test_rows_survive_a_stop_and_the_ports_stay(home: Path) -> None:
    engines = LocalServices(home, is_durable=False)
    with engines:
        ports = (engines.postgres_port, engines.valkey_port)
        await asked(
            engines.database_url, "CREATE TABLE otters (name text)", "INSERT INTO otters VALUES ('Olli')"
        )
    assert not any(answers(port) for port in ports)
    with engines:
        assert (engines.postgres_port, engines.valkey_port) == ports
        assert await asked(engines.database_url, "SELECT name FROM otters") == "Olli"


async def test_a_durable_postgres_is_safe_against_power_cuts(home: Path) -> None:
    engines = LocalServices(home)
    try:
        engines.start_postgres()
        assert await asked(engines.database_url, "SHOW fsync") == "on"
    finally:
        engines.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
def test_both_engines_die_with_a_launcher_that_is_killed(home: Path) -> None:
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(home)], stdout=subprocess.PIPE, text=True
    )
    assert launcher.stdout is not None
    ports = [int(port) for port in launcher.stdout.readline().split()]
    assert all(answers(port) for port in ports)
    launcher.send_signal(signal.SIGKILL)
    launcher.communicate()
    assert all(falls_silent(port) for port in ports)


def test_an_engine_that_cannot_start_says_why(home: Path) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        engines = LocalServices(home, is_durable=False, valkey_port=squatter.getsockname()[1])
        with pytest.raises(ServiceNotStarted, match=r"(?s)valkey did not start.*Address already in use"):
            engines.start_valkey()
        engines.stop()


def test_a_start_that_fails_halfway_leaves_nothing_running(home: Path) -> None:
    postgres_port = free_port()
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        engines = LocalServices(
            home, is_durable=False, postgres_port=postgres_port, valkey_port=squatter.getsockname()[1]
        )
        with pytest.raises(ServiceNotStarted):
            engines.start()
    assert not answers(postgres_port)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to step down")
def test_postgres_never_runs_as_root(home: Path) -> None:
    engines = LocalServices(home, is_durable=False)
    try:
        engines.start_postgres()
        assert engines.data_directory.stat().st_uid != 0
    finally:
        engines.stop()


async def test_discarded_engines_leave_no_data_behind(home: Path) -> None:
    engines = LocalServices(home, is_durable=False)
    engines.start_postgres()
    data = engines.data_directory
    engines.discard()
    assert not data.exists()
    assert not home.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root keeps data outside of the home")
async def test_data_of_a_deleted_home_goes_with_the_next_start(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    gone, kept = LocalServices(tmp_path / "gone", is_durable=False), LocalServices(tmp_path / "kept")
    with contextlib.ExitStack() as stack:
        for engines in (gone, kept):
            stack.callback(engines.discard)
            engines.start_postgres()
        data_of_gone, data_of_kept = gone.data_directory, kept.data_directory
        shutil.rmtree(gone.home)
        remove_ownerless_data()
        assert data_of_gone.exists(), "its server still runs"
        gone.stop()
        remove_ownerless_data()
        assert not data_of_gone.exists()
        assert data_of_kept.exists()
    assert not list(data_of_kept.parent.glob(f"{data_of_kept.name}*"))


def test_a_note_that_another_start_removed_meanwhile_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_services, "VAR_TMP", tmp_path)
    (tmp_path / f"{local_services.DATA_PREFIX}gone.home").symlink_to(tmp_path / "removed")
    ownerless = tmp_path / f"{local_services.DATA_PREFIX}ownerless"
    ownerless.mkdir()
    ownerless.with_name(f"{ownerless.name}.home").write_text(str(tmp_path / "no-home"))
    remove_ownerless_data()
    assert not ownerless.exists()
