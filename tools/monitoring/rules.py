"""Every alert and every recording rule, each once. A page wakes somebody, a ticket waits for the morning."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from tools.monitoring.expressions import rendered, scaled

Severity = Literal["page", "ticket"]

JOBS: Final = "api|worker"
"""The scrape jobs of our processes."""
FAULTS_OF_OURS: Final = 'outcome=~"Unexpected|DatabaseUnavailable"'


@dataclass(frozen=True)
class Objective:
    """What of `total` may be `bad` within 30 days; both are counters, of which rates are taken."""

    name: str
    text: str
    allowed: float
    bad: str
    total: str

    def ratio(self, window: str) -> str:
        """The name under which the share of what was bad in this window is recorded."""
        return f"slo:{self.name}:ratio_{window}"

    def recordings(self) -> "Iterator[Recording]":
        for window in WINDOWS:
            bad, total = (each.replace("WINDOW", f"[{window}]") for each in (self.bad, self.total))
            yield Recording(self.ratio(window), f"({bad}) / ({total} > 0)")

    def burns(self, *rates: tuple[float, str, str]) -> str:
        """So many times faster than allowed, in a long window and, so that it ends soon, in a short one."""
        over = (
            (self.ratio(long), self.ratio(short), f"{times * self.allowed:.4g}")
            for times, long, short in rates
        )
        return " or ".join(f"({long} > {limit} and {short} > {limit})" for long, short, limit in over)


@dataclass(frozen=True)
class Recording:
    """An expression that is evaluated once and read by name."""

    name: str
    expression: str


@dataclass(frozen=True)
class Alert:
    """`expression` must hold for `wait`; its runbook is docs/runbooks/<name>.md."""

    name: str
    severity: Severity
    wait: str
    expression: str
    summary: str

    @property
    def runbook(self) -> str:
        return f"docs/runbooks/{self.name}.md"


WINDOWS: Final = ("5m", "30m", "1h", "6h", "3d")

WEBHOOKS: Final = Objective(
    "webhook_errors",
    "99.9 % of webhooks are answered without a fault of ours",
    0.001,
    bad=f"sum(rate(webhook_requests_total{{{FAULTS_OF_OURS}}}WINDOW)) or vector(0)",
    total="sum(rate(webhook_requests_totalWINDOW))",
)
FRESHNESS: Final = Objective(
    "sync_late",
    "99 % of acknowledged webhooks stand in Salesforce within a minute",
    0.01,
    bad="sum(rate(sync_acknowledged_to_synced_seconds_countWINDOW))"
    ' - sum(rate(sync_acknowledged_to_synced_seconds_bucket{le="bucket(1m)"}WINDOW))',
    total="sum(rate(sync_acknowledged_to_synced_seconds_countWINDOW))",
)
OBJECTIVES: Final = (WEBHOOKS, FRESHNESS)

QUANTILES: Final = (
    Recording(
        "eventship:sync_acknowledged_to_synced_seconds:p95_5m",
        "histogram_quantile(0.95, sum by (le) (rate(sync_acknowledged_to_synced_seconds_bucket[5m])))",
    ),
    Recording(
        "eventship:webhook_request_duration_seconds:p99_5m",
        "histogram_quantile(0.99, sum by (le) (rate(webhook_request_duration_seconds_bucket[5m])))",
    ),
)
RECORDINGS: Final = (*(each for one in OBJECTIVES for each in one.recordings()), *QUANTILES)


def _risen(metric: str, window: str) -> str:
    """How far a gauge that every process shows of the same database is above its lowest in the window."""
    return f"max({metric}) - min(min_over_time({metric}[{window}]))"


ALERTS: Final = (
    Alert(
        "PostgresAway",
        "page",
        "1m",
        "max(database_up) == 0",
        "No process reaches Postgres: webhooks are refused with 503, nothing is written",
    ),
    Alert(
        "NoWorkers",
        "page",
        "1m",
        "max(sync_workers) == 0",
        "No worker has a heartbeat: webhooks are taken, nothing is written to Salesforce",
    ),
    Alert(
        "MetricsMissing",
        "page",
        "5m",
        "absent(database_up)",
        "No process of the service is scraped: all other alerts are blind",
    ),
    Alert(
        "WorkIsStuck",
        "page",
        # What was held back and is let go is old at once: only while it grows older does nobody take it.
        "4m",
        'max(sync_oldest_due_age_seconds{reason="ready"}) > seconds(5m)'
        ' and on() max(deriv(sync_oldest_due_age_seconds{reason="ready"}[3m])) > 0',
        "Work that nothing holds back has waited for {{ $value | humanizeDuration }}",
    ),
    Alert(
        "SalesforceAway",
        "page",
        "2m",
        'sum(rate(salesforce_calls_total{outcome=~"transient|ambiguous"}[5m]))'
        " / (sum(rate(salesforce_calls_total[5m])) > 0) > 0.5"
        ' and max(sync_orgs_with_backlog{reason="backing_off"}) > 1',
        "{{ $value | humanizePercentage }} of the calls to Salesforce fail, in more than one org",
    ),
    Alert(
        "ConnectionsLost",
        "page",
        "1m",
        _risen('oauth_connections{state="needs_reconnect"}', "30m") + " > 2",
        "{{ $value }} connections were lost within half an hour: hosts did not all revoke by chance",
    ),
    Alert(
        "WebhooksFail",
        "page",
        "1m",
        f"({WEBHOOKS.burns((14.4, '1h', '5m'), (6, '6h', '30m'))})"
        f" and on() sum(increase(webhook_requests_total{{{FAULTS_OF_OURS}}}[1h])) > 5",
        "{{ $value | humanizePercentage }} of webhooks fail by a fault of ours",
    ),
    Alert(
        "WebhooksRefused",
        "page",
        "5m",
        'sum(rate(webhook_requests_total{outcome=~"SignatureInvalid|SignatureStale"}[5m]))'
        " / (sum(rate(webhook_requests_total[5m])) > 0) > 0.2",
        "{{ $value | humanizePercentage }} of webhooks are refused for their signature or its time",
    ),
    Alert(
        "WebhookBudgetBurns",
        "ticket",
        "30m",
        WEBHOOKS.burns((1, "3d", "6h")),
        "At this rate more webhooks fail in 30 days than the objective allows",
    ),
    Alert(
        "SyncBudgetBurns",
        "ticket",
        "1m",
        FRESHNESS.burns((14.4, "1h", "5m"), (6, "6h", "30m")),
        "{{ $value | humanizePercentage }} of registrations reached Salesforce later than a minute",
    ),
    Alert(
        "ProcessDown",
        "ticket",
        "2m",
        f'up{{job=~"{JOBS}"}} == 0',
        "{{ $labels.instance }} does not answer",
    ),
    Alert(
        "ProcessRestarts",
        "ticket",
        "1m",
        f'changes(process_start_time_seconds{{job=~"{JOBS}"}}[15m]) > 2',
        "{{ $labels.instance }} began anew {{ $value }} times within a quarter of an hour",
    ),
    Alert(
        "PoolExhausted",
        "ticket",
        "1m",
        "sum by (instance, role) (increase(db_pool_timeouts_total[5m])) > 0",
        "{{ $labels.instance }} waits in vain for a connection to Postgres ({{ $labels.role }})",
    ),
    Alert(
        "RedisAway",
        "ticket",
        "5m",
        "max(redis_up) == 0",
        "No process reaches Redis: work is found by the sweeper alone, pages do not update by themselves",
    ),
    Alert(
        "ClockSkewed",
        "ticket",
        "2m",
        "abs(clock_skew_seconds) > 20",
        "The clock of {{ $labels.instance }} is {{ $value | humanize }} s away from the database's",
    ),
    Alert(
        "DoubtRemains",
        "ticket",
        "5m",
        'max(sync_oldest_due_age_seconds{reason="ambiguous"}) > seconds(30m)',
        "A write whose answer was lost has not been looked up for {{ $value | humanizeDuration }}",
    ),
    Alert(
        "WaitsForReconnect",
        "ticket",
        "1m",
        'max(sync_oldest_due_age_seconds{reason="reconnect"}) > seconds(10m)',
        "Registrations have waited for {{ $value | humanizeDuration }} for a host that must connect again",
    ),
    Alert(
        "WaitsForBudget",
        "ticket",
        "1m",
        'max(sync_oldest_due_age_seconds{reason="budget"}) > seconds(6h)',
        "Registrations have waited for {{ $value | humanizeDuration }} for API calls of their org",
    ),
    Alert(
        "JobsFail",
        "ticket",
        "1m",
        _risen('sync_jobs{state="failed"}', "1h") + " > 50",
        "{{ $value }} registrations failed within an hour",
    ),
    Alert(
        "WebhooksQuarantined",
        "ticket",
        "1m",
        _risen("deliveries_quarantined", "1h") + " > 0",
        "{{ $value }} signed webhooks of the last hour could not be used",
    ),
    Alert(
        "WebhookIdReused",
        "ticket",
        "1m",
        "sum(increase(webhook_body_changes_total[1h])) > 0",
        "A webhook id came again with another body, which was not applied",
    ),
    Alert(
        "PlatformNotNotified",
        "ticket",
        "1m",
        "max(notifications_oldest_pending_age_seconds) > seconds(1h)",
        "A notification of the platform has been on its way for {{ $value | humanizeDuration }}",
    ),
    Alert(
        "ChoreOverdue",
        "ticket",
        "5m",
        "time() - max by (chore) (chore_last_success_timestamp_seconds) > seconds(3h)",
        "{{ $labels.chore }} has not succeeded for {{ $value | humanizeDuration }}",
    ),
)


def expressions() -> Iterator[tuple[str, str]]:
    """Every expression as Prometheus reads it, by the name of its rule."""
    for recording in RECORDINGS:
        yield recording.name, rendered(recording.expression)
    for alert in ALERTS:
        yield alert.name, rendered(alert.expression)


def rules_text(scale: int = 1) -> str:
    """The file of rules; `scale` makes all windows, waits and limits so many times shorter."""
    lines = [
        "groups:",
        *_group("objectives"),
        *(line for one in RECORDINGS for line in _recorded(one, scale)),
    ]
    lines += [*_group("alerts"), *(line for one in ALERTS for line in _alerted(one, scale))]
    return "\n".join([HEAD, *lines, ""])


HEAD: Final = "# Made of tools/monitoring/rules.py: change that, then run `python -m tools.check --write`."


def _group(name: str) -> Iterator[str]:
    yield f"  - name: eventship_{name}"
    yield "    rules:"


def _recorded(one: Recording, scale: int) -> Iterator[str]:
    yield f"      - record: {one.name}"
    yield from _expression(one.expression, scale)


def _alerted(one: Alert, scale: int) -> Iterator[str]:
    yield f"      - alert: {one.name}"
    yield from _expression(one.expression, scale)
    yield f"        for: {scaled(one.wait, scale)}"
    yield f"        labels: {{severity: {one.severity}}}"
    yield "        annotations:"
    yield f"          summary: '{one.summary.replace(chr(39), chr(39) * 2)}'"
    yield f"          runbook: {one.runbook}"


def _expression(expression: str, scale: int) -> Iterator[str]:
    yield "        expr: |-"
    yield f"          {rendered(expression, scale)}"
