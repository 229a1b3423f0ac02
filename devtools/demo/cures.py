"""An org that an administrator has to mend: what card, rows and overview say of it, and each cure in turn."""

import time
from collections.abc import Callable, Iterable
from typing import Any

from devtools.demo.compare import Verdict
from devtools.demo.console_output import say
from devtools.demo.orgs import Cure
from devtools.demo.scenario import HOST_ID
from devtools.demo.steps import POLL_SECONDS, DemoClients

WAITING = "salesforce_access"
WITHIN_SECONDS = 30.0


def mend(clients: DemoClients, cures: Iterable[Cure], verdict: Verdict) -> None:
    """Await each problem where people look, take it away, and have the host look at the org again."""
    for cure in cures:
        _await_problem(clients, cure, verdict)
        say(f"an administrator {cure.deed}; the host looks at the org again")
        clients.org.configure(**cure.switches)
        clients.dashboard.look_again()


def _await_problem(clients: DemoClients, cure: Cure, verdict: Verdict) -> None:
    problem = _within(lambda: _named(clients.dashboard.card()["problems"], cure))
    rows = _within(lambda: [row for row in clients.dashboard.rows() if row["waiting_for"] == WAITING])
    overview = [each for each in clients.dashboard.overview()["host_problems"] if each["host_id"] == HOST_ID]
    verdict.expect(f"{cure.code} on the card", expected=True, found=bool(problem))
    verdict.expect(f"{cure.code}: rows that wait", expected=True, found=bool(rows))
    verdict.expect(f"{cure.code} in the overview", expected=True, found=bool(_named(overview, cure)))
    failed = [row["registration_id"] for row in rows or () if row["state"] == "failed"]
    verdict.expect(f"{cure.code}: rows that failed", expected=[], found=failed)
    if problem:
        (shown,) = problem
        place = ".".join(each for each in (cure.sobject, cure.field) if each)
        say(f"card, rows, overview: {cure.code} ({place}), {len(rows)} registrations wait")
        say(f"  {shown['advice']['title']}. {shown['advice']['steps'][0]}")


def _named(problems: Iterable[dict[str, Any]], cure: Cure) -> list[dict[str, Any]]:
    key = (cure.code, cure.sobject, cure.field)
    return [each for each in problems if (each["code"], each["object"], each["field"]) == key]


def _within(ask: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """What is there as soon as anything is, or nothing after WITHIN_SECONDS."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while not (found := ask()) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return found
