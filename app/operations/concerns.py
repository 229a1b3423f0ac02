"""What needs somebody, the most urgent first: found in a few queries, judged by the limits of the alerts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.notifications.delivery import count_undelivered
from app.operations.backlog import Backlog
from app.operations.limits import (
    ALIVE_SECONDS,
    CHORE_SECONDS,
    FAILED_JOBS,
    FORGOTTEN_SECONDS,
    LOST_CONNECTIONS,
    NOTIFICATION_SECONDS,
    STUCK_SECONDS,
    WAITS_SECONDS,
)

SUBJECTS_MAX: Final = 10
PAGES: Final = frozenset({"NoWorkers", "WorkIsStuck", "OrgsStuck", "ConnectionsLost"})

FACTS: Final = text("""
    SELECT
        (SELECT count(*) FROM worker_heartbeats
         WHERE beat_at > clock_timestamp() - make_interval(secs => :alive)) AS workers,
        ARRAY(SELECT hostname || ' ' || pid FROM worker_heartbeats
              WHERE beat_at <= clock_timestamp() - make_interval(secs => :alive)
                AND beat_at > clock_timestamp() - make_interval(secs => :forgotten)
              ORDER BY beat_at DESC LIMIT 10) AS silent,
        ARRAY(SELECT running.org_id
              FROM (SELECT DISTINCT org_id FROM sync_jobs WHERE state = 'running') AS running
              LEFT JOIN org_leases AS lease ON lease.org_id = running.org_id
              WHERE lease.until IS NULL OR lease.until < clock_timestamp() - make_interval(secs => :stuck)
              ORDER BY running.org_id) AS stuck,
        ARRAY(SELECT host_id FROM connections WHERE state = 'needs_reconnect'
              ORDER BY state_since, host_id) AS ended,
        (SELECT count(*) FROM connections WHERE state = 'needs_reconnect'
          AND state_since > clock_timestamp() - interval '30 minutes') AS lost,
        (SELECT count(*) FROM quarantine) AS quarantined,
        (SELECT count(*) FROM sync_jobs WHERE state = 'failed'
          AND first_error_at > clock_timestamp() - interval '1 hour') AS failed,
        ARRAY(SELECT chore FROM chore_runs
              WHERE succeeded_at < clock_timestamp() - make_interval(secs => :chore) ORDER BY chore) AS chores
""")
LIMITS: Final = {
    "alive": ALIVE_SECONDS,
    "forgotten": FORGOTTEN_SECONDS,
    "stuck": STUCK_SECONDS,
    "chore": CHORE_SECONDS,
}

ConcernCode = Literal[
    "NoWorkers", "OrgsStuck", "WorkIsStuck", "ConnectionsLost", "WorkerSilent", "ConnectionsEnded",
    "WebhooksQuarantined", "JobsFail", "WaitsForReconnect", "WaitsForBudget", "DoubtRemains",
    "PlatformNotNotified", "ChoreOverdue",
]  # fmt: skip
"""The most urgent first."""
RUNBOOKS: Final[dict[str, str]] = {
    "OrgsStuck": "WorkIsStuck",
    "WorkerSilent": "ProcessDown",
    "ConnectionsEnded": "WaitsForReconnect",
}
"""Of those that are not called like their alert."""


class Concern(BaseModel):
    """Something that needs somebody: at once (`page`) or in the morning (`ticket`).

    `subjects`: the first ten hosts, orgs, workers or chores; `seconds`: how long the oldest waits.
    """

    code: ConcernCode
    severity: Literal["page", "ticket"]
    count: int
    seconds: float | None
    subjects: list[str]
    runbook: str


@dataclass(frozen=True)
class Facts:
    """What the queries found."""

    workers: int
    silent: Sequence[str] = ()
    stuck: Sequence[str] = ()
    ended: Sequence[str] = ()
    lost: int = 0
    quarantined: int = 0
    failed: int = 0
    chores: Sequence[str] = ()
    notification_seconds: float = 0.0


async def read_concerns(session: AsyncSession, backlog: Backlog) -> list[Concern]:
    row = (await session.execute(FACTS, LIMITS)).one()
    _, oldest = await count_undelivered(session)
    return list(judge(Facts(**row._asdict(), notification_seconds=oldest), backlog))


def judge(facts: Facts, backlog: Backlog) -> Iterator[Concern]:
    """Every concern there is, the most urgent first."""
    if facts.workers == 0:
        yield _concern("NoWorkers", subjects=facts.silent)
    yield from _of_subjects("OrgsStuck", facts.stuck)
    yield from _of_age("WorkIsStuck", backlog)
    if facts.lost > LOST_CONNECTIONS:
        yield _concern("ConnectionsLost", count=facts.lost, subjects=facts.ended)
    if facts.workers:
        yield from _of_subjects("WorkerSilent", facts.silent)
    if facts.lost <= LOST_CONNECTIONS:
        yield from _of_subjects("ConnectionsEnded", facts.ended)
    if facts.quarantined:
        yield _concern("WebhooksQuarantined", count=facts.quarantined)
    if facts.failed > FAILED_JOBS:
        yield _concern("JobsFail", count=facts.failed)
    for code in ("WaitsForReconnect", "WaitsForBudget", "DoubtRemains"):
        yield from _of_age(code, backlog)
    if facts.notification_seconds > NOTIFICATION_SECONDS:
        yield _concern("PlatformNotNotified", seconds=facts.notification_seconds)
    yield from _of_subjects("ChoreOverdue", facts.chores)


def _of_subjects(code: ConcernCode, subjects: Sequence[str]) -> Iterator[Concern]:
    if subjects:
        yield _concern(code, count=len(subjects), subjects=subjects)


def _of_age(code: ConcernCode, backlog: Backlog) -> Iterator[Concern]:
    kept_by, limit = WAITS_SECONDS[code]
    late = [row for row in backlog.rows if row.kept_by == kept_by and row.age > limit]
    if late:
        oldest = max(row.age for row in late)
        yield _concern(code, count=len(late), seconds=oldest, subjects=sorted(row.org_id for row in late))


def _concern(code: ConcernCode, **facts: Any) -> Concern:
    subjects = list(facts.pop("subjects", ()))[:SUBJECTS_MAX]
    return Concern(
        code=code,
        severity="page" if code in PAGES else "ticket",
        count=facts.pop("count", 1),
        seconds=facts.pop("seconds", None),
        subjects=subjects,
        runbook=f"/docs/runbooks/{RUNBOOKS.get(code, code)}",
    )
