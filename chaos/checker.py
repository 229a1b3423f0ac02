"""Compares the acknowledged webhooks with the records in Salesforce: nobody lost, nothing twice."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.sync.model.batch import CHECKED_IN, REGISTERED
from app.sync.model.reference_tags import reference_tag, references_in
from chaos.service_database import LABELS, Grant, JobRow
from chaos.workload import Registrant

Row = Mapping[str, Any]


@dataclass(frozen=True)
class OrgState:
    """The living rows of one org."""

    leads: Sequence[Row]
    contacts: Sequence[Row]
    tasks: Sequence[Row]
    members: Sequence[Row]
    events: Sequence[Row] = ()
    cases: Sequence[Row] = ()
    emails: Sequence[Row] = ()


@dataclass
class Findings:
    """What is wrong: one line each for what is missing, doubled or not at rest."""

    acked: int = 0
    lost: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)

    @property
    def damage(self) -> int:
        return len(self.lost) + len(self.duplicates)

    def count(self, what: str, found: int, *, least: int) -> None:
        """One is right; none is right as long as nothing was acknowledged (`least` is 0)."""
        if found < least:
            self.lost.append(f"{what}: none")
        self.duplicates += [f"{what}: {found}"] * max(0, found - 1)


def check(
    people: Sequence[Registrant],
    acked: Iterable[str],
    *,
    orgs: Sequence[OrgState],
    grants: Sequence[Grant],
    refused: frozenset[str] = frozenset(),
) -> Findings:
    """`acked` are webhook ids; `refused` are e-mails that Salesforce takes from nobody."""
    known = frozenset(acked)
    findings = Findings(acked=len(known))
    for number, state in enumerate(orgs):
        same_email: dict[str, list[Registrant]] = defaultdict(list)
        for one in people:
            if one.org == number and one.email not in refused:
                same_email[one.email].append(one)
        _check_org(same_email, known, state=state, grant=grants[number], findings=findings)
    return findings


def keyed_rows(org: OrgState) -> list[Row]:
    """What the service made there that has a key in an org with the package."""
    tasks = [row for row in org.tasks if references_in(row["Description"])]
    return [*org.leads, *tasks, *org.events, *org.cases]


def check_jobs(
    jobs: Iterable[JobRow],
    expected_failed: frozenset[str],
    findings: Findings,
    *,
    erased: frozenset[str] = frozenset(),
) -> None:
    """Every job came to rest by itself, in the state that it should."""
    for job in jobs:
        wanted = "failed" if job.registration_id in expected_failed else "synced"
        wanted = "skipped" if job.registration_id in erased else wanted
        if job.state != wanted:
            why = f" {job.error_code}" if job.error_code else ""
            findings.stuck.append(f"{job.host_id}/{job.registration_id}: {job.state}{why}")


def _check_org(
    same_email: Mapping[str, Sequence[Registrant]],
    acked: frozenset[str],
    *,
    state: OrgState,
    grant: Grant,
    findings: Findings,
) -> None:
    leads, contacts = _by_email(state.leads), _by_email(state.contacts)
    tasks = Counter(ref for row in state.tasks for ref in references_in(row["Description"]))
    members = defaultdict(list)
    for row in state.members:
        members[row["LeadId"] or row["ContactId"]].append(row)
    for email, registrants in same_email.items():
        ids = [row["Id"] for row in (*contacts[email], *leads[email])]
        is_acked = any(_is_acked(one, acked) for one in registrants)
        findings.count(f"person {email}", len(ids), least=int(is_acked))
        rows = [row for person_id in ids for row in members[person_id]]
        findings.count(f"member {email}", len(rows), least=int(is_acked))
        _check_status(email, registrants, acked, rows=rows, findings=findings)
        for one in registrants:
            _check_tasks(one, acked, tasks=tasks, org_id=grant.org_id, findings=findings)


def _check_status(
    email: str,
    same_email: Sequence[Registrant],
    acked: frozenset[str],
    *,
    rows: Sequence[Row],
    findings: Findings,
) -> None:
    has_attended = any(one.checked_in_id in acked for one in same_email)
    if has_attended and rows and all(row["Status"] != LABELS["attended"] for row in rows):
        findings.lost.append(f"attendance of {email}: {rows[0]['Status']}")


def _check_tasks(
    one: Registrant, acked: frozenset[str], *, tasks: Counter[str], org_id: str, findings: Findings
) -> None:
    webhook_ids = {REGISTERED: one.confirmed_id, CHECKED_IN: one.checked_in_id}
    for slot, webhook_id in webhook_ids.items():
        reference = reference_tag(one.host_id, org_id, one.registration_id, slot)
        what = f"{slot} of {one.host_id}/{one.registration_id}"
        findings.count(what, tasks[reference], least=int(webhook_id in acked))


def _is_acked(one: Registrant, acked: frozenset[str]) -> bool:
    return one.confirmed_id in acked or one.checked_in_id in acked


def _by_email(rows: Iterable[Row]) -> defaultdict[str, list[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[(row["Email"] or "").lower()].append(row)
    return found
