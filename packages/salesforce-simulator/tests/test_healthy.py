"""The image's health check finds the simulator by its process, and says what it found."""

import os

import pytest

from salesforce_simulator.healthy import healthy, port_of
from support.process import running


def test_a_simulator_that_answers_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    with running() as (client, process):
        port = client.base_url.port
        assert port is not None
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("salesforce_simulator.healthy.port_of", lambda _: port)
            assert healthy(process.pid) == 0
            assert capsys.readouterr().out == f"http://127.0.0.1:{port}/services/data/ 200\n"
            process.kill()
            process.wait()
            assert healthy(os.getpid()) == 1
            assert "does not answer" in capsys.readouterr().out


def test_the_port_is_the_one_that_was_given() -> None:
    assert port_of(["python", "-m", "salesforce_simulator", "--port", "8101", "--quiet", ""]) == 8101
    assert port_of(["python", "-m", "salesforce_simulator"]) == 8100
