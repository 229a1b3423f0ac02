"""Waiting for the work: until it is done, with a time limit."""

from collections.abc import Mapping
from typing import Any, cast

import pytest

from devtools.demo.dashboard import Dashboard
from devtools.demo.steps import ConnectionEnded, NotDrained, wait_until_drained


class Seen:
    """A dashboard that shows one state."""

    def __init__(self, state: str, pending: int) -> None:
        self.stats_body = {
            "connection_state": state,
            "counts": {"total": 6, "pending": pending},
            "pending_because": {},
        }

    def stats(self) -> Mapping[str, Any]:
        return self.stats_body

    def card(self) -> Mapping[str, Any]:
        return {"reason": {"title": "Salesforce no longer accepts this connection"}}


def wait(state: str, pending: int) -> Mapping[str, Any]:
    return wait_until_drained(cast(Dashboard, Seen(state, pending)), 6, within=0.3)


def test_nothing_pending_is_the_end() -> None:
    assert wait("connected", 0)["counts"]["total"] == 6


def test_pending_work_is_waited_for() -> None:
    with pytest.raises(NotDrained):
        wait("connected", 2)


def test_a_connection_that_ended_is_said_at_once_with_how_to_go_on() -> None:
    with pytest.raises(
        ConnectionEnded, match=r"no longer accepts this connection: 2 registrations wait.*make clean"
    ):
        wait("needs_reconnect", 2)
