"""One run of one scenario with one seed: crowd, trouble, an end to trouble, rest, and the count."""

import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.salesforce.package import KEY
from chaos.checker import Findings, OrgState, check, check_jobs, keyed_rows
from chaos.environment import Site
from chaos.history import History
from chaos.machine import Machine
from chaos.restores import DECLARATION
from chaos.scenarios import PACKAGE, Scenario, Size
from chaos.sender import Sender
from chaos.stage import Stage
from chaos.workload import Registrant, hosts_for, registrants_for, webhooks_for

REST_SECONDS = 60.0
LAND_SECONDS = 15.0
LIFE_FIELDS = {"Event": ["Event_Status__c | string(40) | CUN | Event Status"]}
"""As the package brings it."""
WHOLE_LIFE = {
    "writes": dict.fromkeys(("calendar_event", "case", "email_sent", "email_opened", "email_replied"), True)
}
OBJECTS = ("Lead", "Contact", "Task", "CampaignMember", "Event", "Case", "EmailMessage")


@dataclass(frozen=True)
class Outcome:
    """What one run showed. `wrong` are properties that did not hold, `unmet` hazards that nothing met."""

    scenario: Scenario
    seed: int
    guard: str | None
    findings: Findings
    kills: int
    seconds: float
    history: Path
    measured: dict[str, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    unmet: list[str] = field(default_factory=list)

    @property
    def is_right(self) -> bool:
        """A guarded run is right without any violation, a control run with damage; both met all hazards."""
        findings = self.findings
        if self.unmet:
            return False
        if self.guard is not None:
            return findings.damage > 0
        return not (findings.lost or findings.duplicates or findings.stuck or self.wrong)


def play(site: Site, scenario: Scenario, *, seed: int, size: Size, guard: str | None = None) -> Outcome:
    """The run; with `guard` named, that guard is left out."""
    begun = time.monotonic()
    name = f"{scenario.name}_{seed}_{guard or 'guarded'}".replace("-", "_")
    given = dict(scenario.environment)
    if guard not in (None, PACKAGE, DECLARATION):
        given["GUARDS_OFF"] = str(guard)
    has_package = scenario.has_package and guard != PACKAGE
    directory = site.home / "runs" / name
    directory.mkdir(parents=True, exist_ok=True)
    history = History(directory / "history.jsonl")
    with Machine(site, name, given, is_small=scenario.is_small) as machine:
        _furnish(machine, scenario, has_package=has_package)
        stage = _stage(site, machine, scenario, seed=seed, size=size, history=history)
        stage.left_out = guard
        machine.start_all()
        _trouble(stage, scenario)
        machine.heal()
        stage.tell("trouble is over")
        has_rested = stage.await_rest(REST_SECONDS)
        _await_late(site)
        findings = _count(stage, is_control=guard is not None, has_rested=has_rested, has_package=has_package)
    (directory / "violations.txt").write_text(_listed(findings, [*stage.wrong, *stage.unmet]))
    return Outcome(
        scenario,
        seed,
        guard,
        findings,
        machine.kills,
        time.monotonic() - begun,
        history.path,
        stage.measured,
        stage.wrong,
        stage.unmet,
    )


def _furnish(machine: Machine, scenario: Scenario, *, has_package: bool) -> None:
    """What kind of orgs they are."""
    switches: dict[str, Any] = {}
    if scenario.preset is not None:
        switches["preset"] = scenario.preset
    if has_package:
        switches["package"] = {}
    elif scenario.is_whole_life:
        switches["extra_fields"] = LIFE_FIELDS
    for org_id in machine.org_ids if switches else ():
        machine.site.control.configure(org_id, **switches)


def _stage(
    site: Site, machine: Machine, scenario: Scenario, *, seed: int, size: Size, history: History
) -> Stage:
    chance = random.Random(f"{scenario.name} {seed}")  # noqa: S311 -- reproducible, not secret
    hosts = hosts_for(scenario.orgs)
    people = registrants_for(
        hosts, round(size.registrations * scenario.share), chance, shared=scenario.shared
    )
    machine.connect(hosts, settings={**(WHOLE_LIFE if scenario.is_whole_life else {}), **scenario.settings})
    _seed_contacts(machine, people)
    sender = Sender([], site.secrets.webhook_secret, history, rate=size.rate, tries=scenario.tries)
    return Stage(site, machine, history, sender, chance, hosts, people, size.seconds)


def _seed_contacts(machine: Machine, people: list[Registrant]) -> None:
    for number, org_id in enumerate(machine.org_ids):
        emails = {one.email for one in people if one.org == number and one.is_known}
        rows = [{"LastName": email.partition("@")[0], "Email": email} for email in sorted(emails)]
        if rows:
            machine.site.control.seed("Contact", org_id, rows)


def _trouble(stage: Stage, scenario: Scenario) -> None:
    """Webhooks behind, the nemesis in front; ends when both have ended."""
    webhooks = webhooks_for(stage.people, stage.chance) if scenario.posts else []
    stage.begun = time.monotonic()
    stage.post(webhooks)
    scenario.nemesis(stage)
    stage.await_posted()
    stage.disarm()


def _await_late(site: Site) -> None:
    deadline = time.monotonic() + LAND_SECONDS
    while site.control.late() and time.monotonic() < deadline:
        time.sleep(0.1)


def _count(stage: Stage, *, is_control: bool, has_rested: bool, has_package: bool) -> Findings:
    machine = stage.machine
    orgs = [_state(stage.site, org_id) for org_id in machine.org_ids]
    refused = frozenset(stage.refused)
    findings = check(stage.people, stage.history.acked, orgs=orgs, grants=machine.grants, refused=refused)
    if stage.judge is not None:
        stage.judge(frozenset(stage.history.acked), orgs, findings)
    failing = frozenset(one.registration_id for one in stage.people if one.email in refused)
    if not is_control:
        jobs = stage.do(machine.ledger.jobs())
        check_jobs(jobs, failing, findings, erased=frozenset(stage.erased))
    if has_package:
        unkeyed = sum(each[KEY] is None for org in orgs for each in keyed_rows(org))
        stage.expect(
            f"everything that was made carries its key, not {unkeyed} without one", holds=not unkeyed
        )
    open_tasks = sum(not row["IsClosed"] for org in orgs for row in org.tasks)
    stage.expect(f"every Task is closed, not {open_tasks} open", holds=not open_tasks)
    stage.expect(f"all at rest within {REST_SECONDS:.0f} s", holds=has_rested)
    return findings


def _state(site: Site, org_id: str) -> OrgState:
    return OrgState(*(site.control.records(sobject, org_id) for sobject in OBJECTS))


def _listed(findings: Findings, wrong: list[str]) -> str:
    parts = {"lost": findings.lost, "duplicates": findings.duplicates, "stuck": findings.stuck}
    return "".join(
        f"{kind}: {line}\n" for kind, lines in (parts | {"wrong": wrong}).items() for line in lines
    )
