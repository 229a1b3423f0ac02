"""`make run` on kept state whose connection was revoked: it says so, connects again, and goes on."""

from typing import Any, cast

import pytest

from devtools.demo.run import _drain
from devtools.demo.steps import ConnectionEnded, DemoClients


class Dashboard:
    """A host whose connection ended; `connects` says after how many attempts it holds."""

    def __init__(self, *, holds_after: int) -> None:
        self.attempts, self._holds_after = 0, holds_after

    def stats(self) -> dict[str, Any]:
        is_connected = self.attempts >= self._holds_after
        pending = 0 if is_connected else 6
        state = "connected" if is_connected else "needs_reconnect"
        return {"counts": {"total": 66, "pending": pending}, "connection_state": state, "pending_because": {}}

    def card(self) -> dict[str, Any]:
        return {"reason": {"title": "Access was revoked in Salesforce"}}

    def connect(self) -> None:
        self.attempts += 1


def drain(dashboard: Dashboard) -> None:
    clients = DemoClients(cast(Any, None), cast(Any, dashboard), "", "")
    _drain(clients, 66, show=lambda _: None)


def test_it_says_why_connects_again_and_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    dashboard = Dashboard(holds_after=1)
    drain(dashboard)
    assert dashboard.attempts == 1
    assert "Access was revoked in Salesforce: 6 registrations wait, none is lost" in capsys.readouterr().out


def test_a_connection_that_ends_again_ends_the_run_with_what_to_do() -> None:
    dashboard = Dashboard(holds_after=2)
    with pytest.raises(ConnectionEnded, match="The same command again connects"):
        drain(dashboard)
    assert dashboard.attempts == 1
