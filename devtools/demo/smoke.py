"""`make smoke`: the scenario on fresh state, judged by what the org holds afterwards."""

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devtools.demo.compare import OrgState, Verdict, judge, judge_leads, judge_rows, judge_warnings
from devtools.demo.console_output import say
from devtools.demo.cures import mend
from devtools.demo.deliveries import deliveries, event_published
from devtools.demo.faults import FAULTS, Fault
from devtools.demo.orgs import ORGS, OrgKind
from devtools.demo.scenario import REFUSED_CODE, REGISTRANTS, RULE_MESSAGE
from devtools.demo.simulator_client import Prepared, prepare
from devtools.demo.steps import DemoClients, clients_of, post, wait_until_drained
from devtools.local_stack.local_services import free_port
from devtools.local_stack.stack import Plan, Stack

SCALED_TIMES = {
    # Together: what may still land must land within the quiet time, as with Salesforce's own ten minutes.
    "TIMES_IN_DOUBT": "4",
    "TIMES_HTTP_TOTAL": "3",
    "TIMES_LEASE": "3",
    "TIMES_HEARTBEAT": "0.5",
    "TIMES_SEND_WINDOW": "2",
    "TIMES_DRAIN_BUDGET": "5",
    "TIMES_STOP": "10",
    "TIMES_SWEEP": "1",
}
DRAIN_SECONDS = 90.0


class NotAsExpected(Exception):
    """Something in the org is not as the scenario says; the message ends with the summary line."""

    def __init__(self, outcome: "Outcome") -> None:
        lines = [f"  wrong: {fault}" for fault in outcome.verdict.faults]
        super().__init__("\n".join(["not as expected", *lines, outcome.line]))


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    stats: Mapping[str, Any]
    verdict: Verdict
    api_calls: int
    seconds: float

    @property
    def line(self) -> str:
        """The last line of a run."""
        counts = self.stats["counts"]
        per_attendee = self.api_calls / len(REGISTRANTS)
        return (
            f"smoke: synced={counts['synced']} failed={counts['failed']} skipped={counts['skipped']} "
            f"attended={counts['attended']} pending={counts['pending']} duplicates={self.verdict.duplicates} "
            f"api_calls_per_attendee={per_attendee:.2f} seconds={self.seconds:.0f}"
        )


def smoke(fault: str | None, org: str | None, given: Mapping[str, str]) -> int:
    """Exit code 0 only if every attendee ended as expected; deviations are printed line by line."""
    begun = time.monotonic()
    with _fresh_home() as home:
        with Stack(_plan(home, given), say=say) as stack:
            stats, verdict, api_calls = _play(stack, fault, ORGS[org])
        code = stack.exit_codes[stack.workers[-1].name]
        verdict.expect("exit code of the last worker", expected=0, found=code)
        outcome = Outcome(stats, verdict, api_calls, time.monotonic() - begun)
        if verdict.faults or verdict.duplicates:
            raise NotAsExpected(outcome)
    say(outcome.line)
    return 0


@contextmanager
def _fresh_home() -> Iterator[Path]:
    """A directory that goes when all is well, and is kept for a look when not."""
    home = Path(tempfile.mkdtemp(prefix="eventship-smoke-"))
    try:
        yield home
    except BaseException:
        say(f"state and logs are kept in {home}")
        raise
    shutil.rmtree(home, ignore_errors=True)


def _plan(home: Path, given: Mapping[str, str]) -> Plan:
    home.chmod(0o755)  # Postgres may run as `nobody`
    ports = {name: int(given[name]) if name in given else free_port() for name in ("PORT", "SIMULATOR_PORT")}
    return Plan(
        home,
        ports["PORT"],
        ports["SIMULATOR_PORT"],
        given={**SCALED_TIMES, "SIMULATOR_NAMES": "true", **given},
        is_durable=False,
    )


def _play(stack: Stack, fault_name: str | None, kind: OrgKind) -> tuple[Mapping[str, Any], Verdict, int]:
    fault = FAULTS[fault_name]()
    with clients_of(stack) as clients:
        prepared = prepare(clients.org)
        before = OrgState.of(clients.org)
        if kind.preset is not None:
            clients.org.configure(preset=kind.preset)
        say("connecting through the OAuth pages, linking the campaign")
        post(clients, [event_published()])
        clients.dashboard.connect()
        clients.dashboard.link(prepared.campaign_id)
        if kind.fields:
            clients.dashboard.map_fields(*kind.fields)
        calls_before = clients.org.calls()
        fault.prepare(stack, clients.org)
        _post_all(clients, fault, kind)
        fault.after_posting()
        verdict = Verdict()
        mend(clients, kind.cures, verdict)
        wait_until_drained(clients.dashboard, len(REGISTRANTS), within=DRAIN_SECONDS)
        _retry_the_refused(clients, verdict)
        stats = wait_until_drained(clients.dashboard, len(REGISTRANTS), within=DRAIN_SECONDS)
        api_calls = clients.org.calls() - calls_before
        judge_warnings(kind.warnings, clients.dashboard.rows(), verdict)
        judge_leads(kind.leads, clients.dashboard.rows(), clients.org.records("Lead"), verdict)
        return stats, _judged(clients, prepared, before=before, found=verdict, stats=stats), api_calls


def _post_all(clients: DemoClients, fault: Fault, kind: OrgKind) -> None:
    if kind.is_heap:
        clients.dashboard.pause()
    outcomes = post(clients, deliveries(REGISTRANTS), between=fault.between)
    say(f"posted {outcomes.total()} signed webhooks: {dict(outcomes)}")
    if kind.is_heap:
        clients.dashboard.resume()


def _retry_the_refused(clients: DemoClients, verdict: Verdict) -> None:
    failed = [row for row in clients.dashboard.rows() if row["state"] == "failed"]
    refused = [one.registration_id for one in REGISTRANTS if one.outcome == "refused"]
    verdict.expect("refused", expected=refused, found=[row["registration_id"] for row in failed])
    for row in failed:
        said = (row["error"]["error_code"], row["error"]["message"])
        verdict.expect("the refusal", expected=(REFUSED_CODE, RULE_MESSAGE), found=said)
    say(f"{len(failed)} refused by the rule “{RULE_MESSAGE}”; lifting it and retrying")
    clients.org.configure(validation_rules=[])
    answer = clients.dashboard.retry(REFUSED_CODE)
    verdict.expect("queued by the retry", expected=len(refused), found=answer["queued"])


def _judged(
    clients: DemoClients, prepared: Prepared, *, before: OrgState, found: Verdict, stats: Mapping[str, Any]
) -> Verdict:
    verdict = judge(REGISTRANTS, prepared, before=before, after=OrgState.of(clients.org))
    verdict.faults = [*found.faults, *verdict.faults]
    judge_rows(REGISTRANTS, clients.dashboard.rows(), verdict)
    skipped = sum(one.outcome == "skipped" for one in REGISTRANTS)
    attended = sum(one.checks_in for one in REGISTRANTS)
    expected = {
        "total": len(REGISTRANTS),
        "synced": len(REGISTRANTS) - skipped,
        "pending": 0,
        "failed": 0,
        "skipped": skipped,
        "attended": attended,
        "checked_in": attended,
    }
    verdict.expect("counts", expected=expected, found=dict(stats["counts"]))
    return verdict
