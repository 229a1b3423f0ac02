"""Child processes: their logs, their ends, and ports that are taken."""

import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from devtools.local_stack.processes import Child, ChildDied, PortTaken, listening_socket

PATIENT = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {PATIENT}"


def child_of(code: str, logs: Path) -> Child:
    return Child.start("otter", [sys.executable, "-c", code], env=dict(os.environ), logs=logs)


def wait_until_up(child: Child) -> None:
    while "up" not in child.tail():
        child.check()


def test_a_child_writes_into_its_own_log(tmp_path: Path) -> None:
    child = child_of("print('one'); print('two')", tmp_path / "logs")
    assert child.process.wait() == 0
    assert (tmp_path / "logs" / "otter.log").read_text() == "one\ntwo\n"


def test_a_child_sees_only_the_environment_it_is_given(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import os; print(sorted(os.environ) == ['BURROW'] or os.environ)"]
    child = Child.start("otter", command, env={"BURROW": "deep", "LC_CTYPE": "C"}, logs=tmp_path)
    child.process.wait()
    assert "'PATH'" not in child.tail()


def test_a_child_that_died_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    child = child_of("import sys; sys.exit('the dam broke')", tmp_path)
    child.process.wait()
    with pytest.raises(ChildDied, match=r"(?s)otter ended with code 1.*the dam broke"):
        child.check()


def test_a_child_that_lives_is_no_fault(tmp_path: Path) -> None:
    child = child_of(PATIENT, tmp_path)
    child.check()
    assert child.stop(10) == -signal.SIGTERM


def test_a_child_that_ignores_us_is_killed(tmp_path: Path) -> None:
    child = child_of(STUBBORN, tmp_path)
    wait_until_up(child)
    assert child.stop(0.05) == -signal.SIGKILL


def test_stopping_a_child_that_ended_gives_its_code(tmp_path: Path) -> None:
    child = child_of("raise SystemExit(3)", tmp_path)
    child.process.wait()
    assert (child.stop(1), child.kill()) == (3, 3)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_free_port_can_be_listened_on(host: str) -> None:
    with listening_socket(host, 0) as listener:
        assert listener.getsockname()[1] > 0


def test_a_taken_port_names_the_variable() -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = squatter.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"127.0.0.1:{port} .*set SIMULATOR_PORT"):
            listening_socket("127.0.0.1", port, variable="SIMULATOR_PORT")
