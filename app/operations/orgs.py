"""One line an org: what was found of its hosts, its lease and its work, judged and sorted by importance."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, get_args

from sqlalchemy import Row, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.pagination import Cursor
from app.infrastructure.database import database_now
from app.models import Connection, Host, OrgLease, SyncJob
from app.operations.backlog import read_backlog
from app.operations.flow import Flow, read_flow
from app.operations.limits import STUCK_SECONDS, WAITS_SECONDS
from app.operations.org_schemas import HostOfOrg, OrgBudget, OrgLine, Orgs, OrgsQuery, OrgStateName
from app.states import BacklogReason, ConnectionState, JobState

HOSTS_SHOWN: Final = 50
ORDER: Final[tuple[OrgStateName, ...]] = get_args(OrgStateName)
CURSOR: Final = Cursor("orgs", (int, int, str))
LATE: Final[dict[OrgStateName, str]] = {
    "late": "WorkIsStuck",
    "doubt": "DoubtRemains",
    "budget": "WaitsForBudget",
}
"""The states that work of some age makes, by the alert whose limit they share."""
# Of the failed rows' own index: what is settled is not read.
FAILED: Final = select(SyncJob.host_id, func.count()).where(SyncJob.state == JobState.FAILED)
RUNNING: Final = text(
    "SELECT org_id, count(*) AS jobs FROM sync_jobs WHERE state = 'running' GROUP BY org_id"
)


@dataclass(frozen=True)
class HostFacts:
    """A host's connection as far as operations need it, in the order of COLUMNS."""

    host_id: str
    org_id: str
    org_name: str | None
    org_is_sandbox: bool | None
    state: str
    state_since: datetime
    reason_code: str | None
    connected_at: datetime
    fault_code: str | None
    problems: Sequence[Mapping[str, Any]]
    api_used: int | None
    api_limit: int | None
    api_measured_at: datetime | None
    api_closed_until: datetime | None
    name: str | None
    cap_percent: int
    is_paused: bool
    failed: int = 0


COLUMNS: Final = (
    *(getattr(Connection, each.name) for each in fields(HostFacts)[:14]),
    Host.name,
    Host.api_cap_percent,
    Host.paused_at.is_not(None),
)
"""Columns alone: thousands of whole rows would keep the process from its other work."""


@dataclass(frozen=True)
class OrgFacts:
    """All that is known of an org; `waits`: how old the oldest work is, by what keeps it."""

    org_id: str
    hosts: tuple[HostFacts, ...]
    lease: OrgLease | None
    waits: Mapping[BacklogReason, float]
    running: int

    @property
    def failed(self) -> int:
        return sum(each.failed for each in self.hosts)

    @property
    def oldest(self) -> float:
        return max(self.waits.values(), default=0.0)


@dataclass(frozen=True)
class Judged:
    """An org with its states, the most important first."""

    facts: OrgFacts
    states: tuple[OrgStateName, ...]

    @property
    def key(self) -> tuple[int, int, str]:
        """Where it stands in the list: by its worst state, then by the longest wait."""
        return ORDER.index(self.states[0]), 10**9 - min(10**9, int(self.facts.oldest)), self.facts.org_id


async def list_orgs(session: AsyncSession, query: OrgsQuery) -> Orgs:
    """One page, the most important first. Raises CursorInvalid."""
    now = await database_now(session)
    judged = sorted((judge(each, now) for each in await _read_facts(session, query)), key=lambda org: org.key)
    chosen = [each for each in judged if query.state is None or query.state in each.states]
    behind = tuple(CURSOR.decode(query.cursor)) if query.cursor else (-1,)
    rest = [each for each in chosen if each.key > behind]
    page = rest[: query.limit]
    days = await read_flow(session, [each.facts.org_id for each in page], "day")
    return Orgs(
        items=[line_of(each, days[each.facts.org_id]) for each in page],
        total=len(chosen),
        next_cursor=CURSOR.encode(*page[-1].key) if len(rest) > len(page) else None,
        as_of=now,
    )


async def _read_facts(session: AsyncSession, query: OrgsQuery) -> list[OrgFacts]:
    """The orgs of the filter in a few queries, none of which reads rows that are settled."""
    connections = select(*COLUMNS).join(Host, Host.host_id == Connection.host_id)
    failed, leases = FAILED, select(OrgLease)
    if query.host_id is not None:
        of_host = select(Connection.org_id).where(Connection.host_id == query.host_id)
        connections = connections.where(Connection.org_id.in_(of_host))
    if query.org_id is not None:
        connections = connections.where(Connection.org_id == query.org_id)
    found = (await session.execute(connections)).all()
    orgs = {row.org_id for row in found}
    if query.host_id is not None or query.org_id is not None:
        failed = failed.where(SyncJob.host_id.in_([row.host_id for row in found]))
        leases = leases.where(OrgLease.org_id.in_(orgs))
    counts = dict((await session.execute(failed.group_by(SyncJob.host_id))).all())
    running = {row.org_id: row.jobs for row in await session.execute(RUNNING)}
    held = {each.org_id: each for each in await session.scalars(leases)}
    waits: dict[str, dict[BacklogReason, float]] = defaultdict(dict)
    for row in (await read_backlog(session)).rows:
        waits[row.org_id][row.kept_by] = row.age
    by_org = _by_org(found, counts)
    return [
        OrgFacts(org_id, tuple(by_org[org_id]), held.get(org_id), waits[org_id], running.get(org_id, 0))
        for org_id in orgs
    ]


def _by_org(found: Iterable[Row[*tuple[Any, ...]]], failed: Mapping[str, int]) -> dict[str, list[HostFacts]]:
    by_org: dict[str, list[HostFacts]] = defaultdict(list)
    for row in found:
        values = (*row, failed.get(row.host_id, 0))
        by_org[row.org_id].append(HostFacts(*values))
    return by_org


def judge(facts: OrgFacts, now: datetime) -> Judged:
    """What holds of an org, the most important first; `well` where nothing else does."""
    holds = _troubles(facts, now)
    lease = facts.lease
    if (lease is not None and lease.paused_at is not None) or any(each.is_paused for each in facts.hosts):
        holds.add("paused")
    if all(each.state == ConnectionState.DISCONNECTED for each in facts.hosts):
        holds = {"disconnected"}
    return Judged(facts, tuple(each for each in ORDER if each in (holds or {"well"})))


def _troubles(facts: OrgFacts, now: datetime) -> set[OrgStateName]:
    lease = facts.lease
    until = lease.until if lease is not None else None
    is_connected = [each for each in facts.hosts if each.state == ConnectionState.CONNECTED]
    rests = lease is not None and lease.not_before is not None and lease.not_before > now
    found: dict[OrgStateName, bool] = {
        "stuck": facts.running > 0 and (until is None or (now - until).total_seconds() > STUCK_SECONDS),
        "ended": any(each.state == ConnectionState.NEEDS_RECONNECT for each in facts.hosts),
        "failing": rests
        or (lease is not None and lease.failures > 0)
        or any(each.fault_code for each in is_connected),
        "access": any(each.problems for each in is_connected),
        "failed": facts.failed > 0,
    }
    for state, alert in LATE.items():
        kept_by, limit = WAITS_SECONDS[alert]
        found[state] = facts.waits.get(kept_by, 0.0) > limit
    found["budget"] |= any(each.api_closed_until and each.api_closed_until > now for each in is_connected)
    return {state for state, holds in found.items() if holds}


def line_of(judged: Judged, day: Flow) -> OrgLine:
    """An org as it is shown."""
    facts, lease = judged.facts, judged.facts.lease
    hosts = sorted(facts.hosts, key=lambda each: (-_weight(each), each.host_id))
    reason, since = _reason(judged)
    named = max(facts.hosts, key=lambda each: each.connected_at)
    return OrgLine(
        org_id=facts.org_id,
        name=named.org_name,
        is_sandbox=named.org_is_sandbox,
        states=list(judged.states),
        reason=reason,
        since=since,
        not_before=lease.not_before if lease else None,
        paused_by=lease.paused_by if lease and lease.paused_at else None,
        oldest_wait_seconds=facts.oldest,
        failed=facts.failed,
        running=facts.running,
        budget=newest_budget(facts.hosts),
        day=day,
        hosts_total=len(hosts),
        hosts=[_host_of(each) for each in hosts[:HOSTS_SHOWN]],
    )


def newest_budget(hosts: Sequence[HostFacts]) -> OrgBudget | None:
    """All hosts of an org share one limit: who measured last knows best."""
    measured = [each for each in hosts if each.api_measured_at and each.api_limit]
    if not measured:
        return None
    newest = max(measured, key=lambda each: each.api_measured_at or each.state_since)
    closed = [each.api_closed_until for each in hosts if each.api_closed_until]
    return OrgBudget(
        used=newest.api_used or 0,
        limit=newest.api_limit or 0,
        cap_percent=min(each.cap_percent for each in hosts),
        closed_until=max(closed, default=None),
        measured_at=newest.api_measured_at,
    )


def _reason(judged: Judged) -> tuple[str | None, datetime | None]:
    """The code behind the most important state, and since when it holds."""
    facts, lease = judged.facts, judged.facts.lease
    match judged.states[0]:
        case "ended":
            ended = [each for each in facts.hosts if each.state == ConnectionState.NEEDS_RECONNECT]
            first = min(ended, key=lambda each: each.state_since)
            return first.reason_code, first.state_since
        case "failing":
            faults = [each.fault_code for each in facts.hosts if each.fault_code]
            return (lease.not_before_reason if lease else None) or next(iter(faults), None), None
        case "access":
            troubled = next(each for each in facts.hosts if each.problems)
            return troubled.problems[0]["code"], troubled.state_since
        case "paused":
            return None, lease.paused_at if lease else None
        case "disconnected":
            return None, max(each.state_since for each in facts.hosts)
    return None, None


def _weight(host: HostFacts) -> int:
    is_ended = host.state == ConnectionState.NEEDS_RECONNECT
    return 10**9 * (is_ended + bool(host.fault_code or host.problems)) + host.failed


def _host_of(host: HostFacts) -> HostOfOrg:
    is_connected = host.state == ConnectionState.CONNECTED
    return HostOfOrg(
        host_id=host.host_id,
        name=host.name,
        connection_state=host.state,
        code=host.fault_code if is_connected else host.reason_code,
        since=host.state_since,
        failed=host.failed,
        problems=[each["code"] for each in host.problems] if is_connected else [],
        is_paused=host.is_paused,
    )
