"""Limits of repeated log lines."""

import logging

import pytest

from app.infrastructure.log_limit import KEYS_MAX, LogLimit


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


def test_a_flood_is_one_line_and_then_one_a_minute_with_its_count(lines: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    limit = LogLimit(logging.getLogger("flood"), clock=clock)
    for _ in range(16_000):
        limit.log(logging.WARNING, "turn_failed", key="sweeper", loop="sweeper")
    clock.now += 60
    limit.log(logging.WARNING, "turn_failed", key="sweeper", loop="sweeper")
    assert [(line.message, vars(line).get("times")) for line in lines.records] == [
        ("turn_failed", None),
        ("turn_failed", 16_000),
    ]


def test_another_trouble_is_logged_at_once(lines: pytest.LogCaptureFixture) -> None:
    limit = LogLimit(logging.getLogger("flood"), clock=Clock())
    for key in ("sweeper", "heartbeat", "sweeper"):
        limit.log(logging.WARNING, "turn_failed", key=key, loop=key)
    assert [vars(line)["loop"] for line in lines.records] == ["sweeper", "heartbeat"]


def test_troubles_without_number_do_not_fill_the_memory() -> None:
    limit = LogLimit(logging.getLogger("flood"), clock=Clock())
    for number in range(3 * KEYS_MAX):
        limit.log(logging.DEBUG, "x", key=str(number))
    assert len(limit._quiet) == KEYS_MAX
