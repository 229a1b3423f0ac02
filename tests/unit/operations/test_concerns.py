"""What needs somebody is judged by the limits of the alert rules."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest

from app.operations import limits
from app.operations.backlog import Backlog, Waiting
from app.operations.concerns import PAGES, RUNBOOKS, ConcernCode, Facts, judge
from app.states import BacklogReason
from tools.monitoring.expressions import rendered
from tools.monitoring.rules import ALERTS

RULES = {alert.name: alert for alert in ALERTS}
NOTHING = Backlog(())
LIMITS: dict[str, float] = {
    **{name: limit for name, (_, limit) in limits.WAITS_SECONDS.items()},
    "ConnectionsLost": limits.LOST_CONNECTIONS,
    "JobsFail": limits.FAILED_JOBS,
    "PlatformNotNotified": limits.NOTIFICATION_SECONDS,
    "ChoreOverdue": limits.CHORE_SECONDS,
}


def codes(facts: Facts, backlog: Backlog = NOTHING) -> list[str]:
    return [each.code for each in judge(facts, backlog)]


@pytest.mark.parametrize(("name", "limit"), LIMITS.items())
def test_limits_are_those_of_the_alert(name: str, limit: float) -> None:
    assert re.search(rf"> {limit:g}\b", rendered(RULES[name].expression)), RULES[name].expression


@pytest.mark.parametrize(
    ("name", "kept_by"), [(name, kept) for name, (kept, _) in limits.WAITS_SECONDS.items()]
)
def test_work_is_late_by_what_the_alert_looks_at(name: str, kept_by: str) -> None:
    assert f'reason="{kept_by}"' in RULES[name].expression


@pytest.mark.parametrize("code", get_args(ConcernCode))
def test_each_concern_is_as_urgent_as_its_alert_and_has_its_runbook(code: str) -> None:
    runbook = RUNBOOKS.get(code, code)
    assert (Path("docs/runbooks") / f"{runbook}.md").is_file()
    if code in RULES:
        assert (RULES[code].severity == "page") == (code in PAGES)


FOUND: dict[str, tuple[dict[str, Any], list[str]]] = {
    "all is well": ({}, []),
    "no worker": ({"workers": 0, "silent": ["burrow 7"]}, ["NoWorkers"]),
    "one of two fell silent": ({"silent": ["burrow 7"]}, ["WorkerSilent"]),
    "a connection ended": ({"ended": ["host_a"], "lost": 1}, ["ConnectionsEnded"]),
    "many ended at once": ({"ended": ["a", "b", "c"], "lost": 3}, ["ConnectionsLost"]),
    "as many fail as may": ({"failed": 50}, []),
    "more fail": ({"failed": 51}, ["JobsFail"]),
    "quarantine": ({"quarantined": 1}, ["WebhooksQuarantined"]),
    "the platform hears nothing": ({"notification_seconds": 3601.0}, ["PlatformNotNotified"]),
    "the most urgent first": (
        {"chores": ["purge"], "stuck": ["org"], "quarantined": 2},
        ["OrgsStuck", "WebhooksQuarantined", "ChoreOverdue"],
    ),
}


@pytest.mark.parametrize(("facts", "expected"), FOUND.values(), ids=FOUND.keys())
def test_what_is_found_is_judged(facts: dict[str, Any], expected: list[str]) -> None:
    assert codes(Facts(**{"workers": 1, **facts})) == expected


@pytest.mark.parametrize(("age", "expected"), [(300.0, []), (301.0, ["WorkIsStuck"])])
def test_work_may_wait_as_long_as_the_alert_lets_it(age: float, expected: list[str]) -> None:
    assert codes(Facts(workers=1), Backlog((Waiting("org", BacklogReason.READY, age),))) == expected
