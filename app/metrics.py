"""Every metric of the service, by the name that alert rules know.

Labels have few values, all known beforehand: never a host, a person or a title. Where somebody else chooses
the value, `bounded` gives "other" for one that is not known.
"""

from collections.abc import Container
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY: Final = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

OTHER: Final = "other"
CALL_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120)
ROWS: Final = (1, 2, 5, 10, 25, 50, 100, 200, 500, 1_000, 2_000)


def bounded(value: str, known: Container[str]) -> str:
    """The value of a label where it is a known one."""
    return value if value in known else OTHER


WAKE_UP_FAILURES = Counter(
    "sync_wakeup_failures_total", "wake-ups that Redis did not take", registry=REGISTRY
)
WEBHOOK_REQUESTS = Counter(
    "webhook_requests_total", "webhooks by outcome or problem code", ["outcome"], registry=REGISTRY
)
WEBHOOK_SECONDS = Histogram(
    "webhook_request_duration_seconds",
    "a webhook from its headers to its answer",
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)
WEBHOOK_BODY_CHANGES = Counter(
    "webhook_body_changes_total", "webhook ids that came again with another body", registry=REGISTRY
)
ACCESS_REFUSALS = Counter(
    "access_refusals_total",
    "requests kept out, by problem code: tokens, signatures, roles, foreign hosts, too many",
    ["code"],
    registry=REGISTRY,
)
HTTP_REQUESTS = Counter(
    "http_requests_total",
    "requests by the template of their route, method and class of status",
    ["route", "method", "status"],
    registry=REGISTRY,
)
HTTP_SECONDS = Histogram(
    "http_request_duration_seconds",
    "a request until its answer begins; webhooks are timed by themselves",
    ["route"],
    buckets=(0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120),
    registry=REGISTRY,
)

ACKNOWLEDGED_TO_SYNCED = Histogram(
    "sync_acknowledged_to_synced_seconds",
    "from a webhook's 2xx to its registration synced; what a person had held back is left out",
    buckets=(0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3_600, 14_400),
    registry=REGISTRY,
)
DRAIN_SECONDS = Histogram(
    "sync_drain_duration_seconds",
    "a drain of an org under its lease",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120),
    registry=REGISTRY,
)
BATCH_SIZE = Histogram("sync_batch_size", "registrations of a batch", buckets=ROWS, registry=REGISTRY)
LEASE_TAKEOVERS = Counter(
    "sync_lease_takeovers_total",
    "orgs taken over with rows that a worker had left running",
    registry=REGISTRY,
)
LEASE_LOSSES = Counter(
    "sync_lease_losses_total", "leases that ended while their worker still worked", registry=REGISTRY
)
LOST_ANSWERS = Counter(
    "sync_lost_answers_total",
    "writes without an answer that says what became of them: looked up before they are repeated",
    registry=REGISTRY,
)

SALESFORCE_CALLS = Counter(
    "salesforce_calls_total",
    "calls to Salesforce by kind, and `ok` or the class of the error",
    ["kind", "outcome"],
    registry=REGISTRY,
)
SALESFORCE_SECONDS = Histogram(
    "salesforce_call_duration_seconds",
    "a call to Salesforce until its answer is whole, or its end",
    ["kind"],
    buckets=CALL_SECONDS,
    registry=REGISTRY,
)
SALESFORCE_ROWS = Histogram(
    "salesforce_rows_per_call",
    "records that a call to Salesforce brought or wrote",
    ["kind"],
    buckets=ROWS,
    registry=REGISTRY,
)
OAUTH_REFRESHES = Counter(
    "oauth_refreshes_total",
    "renewals of an access token: renewed, refused, doubted, lost, failed, superseded",
    ["outcome"],
    registry=REGISTRY,
)

POOL_SECONDS = Histogram(
    "db_pool_wait_seconds",
    "until a session has a connection of the pool, a new one's making included",
    ["role"],
    buckets=(0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5),
    registry=REGISTRY,
)
POOL_TIMEOUTS = Counter(
    "db_pool_timeouts_total",
    "sessions that got no connection of the pool in time",
    ["role"],
    registry=REGISTRY,
)
# A series that begins with its first event hides that event from `increase`.
for role in ("app", "system"):
    POOL_TIMEOUTS.labels(role)


@dataclass(frozen=True)
class GaugeRow:
    """A gauge that is read when somebody scrapes: from the process itself, or from the database."""

    name: str
    about: str
    labels: tuple[str, ...] = ()
    is_in_database: bool = True


GAUGES: Final = (
    GaugeRow("database_up", "whether Postgres answered at the scrape", is_in_database=False),
    GaugeRow("redis_up", "whether Valkey answered at the scrape", is_in_database=False),
    GaugeRow(
        "db_pool_connections",
        "open connections: idle, used, and overflow beyond the pool's size",
        ("role", "state"),
        is_in_database=False,
    ),
    GaugeRow("build_info", "1, with what runs", ("version", "revision", "python"), is_in_database=False),
    GaugeRow("clock_skew_seconds", "own clock minus the database's", is_in_database=False),
    GaugeRow(
        "sync_oldest_due_age_seconds",
        "how long the oldest live work waits, by what keeps it; what waits for its own retry is left out",
        ("reason",),
    ),
    GaugeRow("sync_orgs_with_backlog", "orgs whose live work waits, by what keeps it", ("reason",)),
    GaugeRow("sync_jobs", "jobs by state", ("state",)),
    GaugeRow("sync_workers", "workers with a heartbeat in the last 30 s"),
    GaugeRow(
        "sync_worker_oldest_heartbeat_seconds",
        "longest silence among living workers; without any, since the last sign of one",
    ),
    GaugeRow("oauth_connections", "connections by state", ("state",)),
    GaugeRow("connection_troubles", "hosts whose work waits, by why", ("kind", "code")),
    GaugeRow(
        "salesforce_api_budget_used_ratio", "used part of an org's API calls, of the 20 fullest", ("org",)
    ),
    GaugeRow("deliveries_quarantined", "signed webhooks that could not be used and are kept apart"),
    GaugeRow("notifications", "notifications that the platform did not take yet, by state", ("state",)),
    GaugeRow(
        "notifications_oldest_pending_age_seconds",
        "since when the oldest of them is on its way, also while the receiver is disabled",
    ),
    GaugeRow(
        "chore_last_success_timestamp_seconds", "when any worker last did the chore to its end", ("chore",)
    ),
    GaugeRow("db_table_bytes", "a table with its indexes and partitions", ("table",)),
)
"""In the order in which they are written."""
