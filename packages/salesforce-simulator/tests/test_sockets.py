"""The simulator as a process with a real port: resets, a taken port, and a state that outlives kill -9."""

import gc
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from salesforce_simulator.__main__ import GC_THRESHOLD, KEEP_ALIVE_SECONDS, collect_seldom, config_of
from salesforce_simulator.app import create_app
from support.process import running

LEAD = {"LastName": "Doe", "Company": "Acme"}


def count(client: httpx.Client) -> int:
    return int(client.get("/_simulator/records/Lead").json()["totalSize"])


def test_cut_connections_and_killed_processes_behave_as_on_a_real_network(tmp_path: Path) -> None:
    state = tmp_path / "deep" / "simulator.sqlite"
    path = "/services/data/v62.0/sobjects/Lead"
    with running(state) as (client, process):
        for kind, rows in (("reset_before_write", 0), ("reset_after_write", 1), ("hang", 1)):
            client.post("/_simulator/faults", json={"kind": kind, "count": 1, "seconds": 0})
            with pytest.raises(httpx.ReadError):
                client.post(path, json=LEAD)
            assert count(client) == rows
        client.post(
            "/_simulator/faults", json={"kind": "hang", "count": 1, "seconds": 30, "is_applied": True}
        )
        with pytest.raises(httpx.ReadTimeout):
            client.post(path, json=LEAD, timeout=0.3)
        assert count(client) == 2
        client.put("/_simulator/config", json={"rotation": True}).raise_for_status()
        process.send_signal(signal.SIGKILL)
        process.wait()

    with running(state) as (client, _):
        assert count(client) == 2
        assert client.get("/_simulator/config").json()["rotation"] is True
        assert client.get("/_simulator/calls").json()["total"] == 2
        third = client.post(path, json=LEAD).json()["id"]
        assert third.startswith("00Q5g000000000")
        assert count(client) == 3


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "salesforce_simulator", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_a_taken_port_is_one_clear_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = run("--port", port)
    assert ended.returncode == 2
    assert ended.stderr == f"Port {port} on 127.0.0.1 is taken. Choose another with --port.\n"


def test_other_bad_starts_are_one_line_too(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no database, but a text that is long enough to look like a file" * 20)
    broken = run("--port", "0", "--state", str(tmp_path / "state"))
    nowhere = run("--host", "203.0.113.1", "--port", "0")
    assert (broken.returncode, broken.stderr.count("\n")) == (2, 1)
    assert (nowhere.returncode, nowhere.stderr.count("\n")) == (2, 1)


def test_an_idle_connection_outlives_those_of_the_usual_clients() -> None:
    assert config_of(create_app()).timeout_keep_alive == KEEP_ALIVE_SECONDS > 60


def test_garbage_is_looked_for_seldom_and_not_among_what_stands() -> None:
    before = gc.get_threshold()
    try:
        collect_seldom()
        assert (gc.get_threshold()[0], gc.get_freeze_count() > 0) == (GC_THRESHOLD, True)
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
