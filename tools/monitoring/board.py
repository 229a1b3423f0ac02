"""The Grafana board: rows of panels, each with what it asks Prometheus."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from tools.monitoring.rules import FRESHNESS, JOBS, WEBHOOKS

DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
WIDTH: Final = 24
PER_LINE: Final = 4
HEIGHT: Final = 7


@dataclass(frozen=True)
class Panel:
    """One graph; `queries` are pairs of a legend and an expression, `kind` is Grafana's."""

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    kind: str = "timeseries"


def _rate(legend: str, metric: str, by: str) -> tuple[str, str]:
    return legend, f"sum by ({by}) (rate({metric}[5m]))"


def _quantiles(metric: str, by: str = "", *quantiles: float) -> tuple[tuple[str, str], ...]:
    kept = f"le, {by}" if by else "le"
    legend = f"{{{{{by}}}}} " if by else ""
    return tuple(
        (
            f"{legend}p{quantile * 100:.0f}",
            f"histogram_quantile({quantile}, sum by ({kept}) (rate({metric}_bucket[5m])))",
        )
        for quantile in quantiles
    )


def _one(expression: str, legend: str = "") -> tuple[tuple[str, str], ...]:
    return ((legend, expression),)


ROWS: Final[tuple[tuple[str, tuple[Panel, ...]], ...]] = (
    (
        "How it is now",
        (
            Panel("Alerts", "none", (), "alertlist"),
            Panel(
                "Acknowledged to Salesforce, p95",
                "s",
                _one("eventship:sync_acknowledged_to_synced_seconds:p95_5m"),
                "stat",
            ),
            Panel(
                "Oldest work that nothing holds back",
                "s",
                _one('max(sync_oldest_due_age_seconds{reason="ready"})'),
                "stat",
            ),
            Panel(
                "Workers and processes",
                "none",
                (("workers", "max(sync_workers)"), ("scraped", f'sum(up{{job=~"{JOBS}"}})')),
                "stat",
            ),
        ),
    ),
    (
        "Objectives",
        (
            Panel("Webhooks that fail, of an hour", "percentunit", _one(WEBHOOKS.ratio("1h"))),
            Panel("Webhooks that fail, of three days", "percentunit", _one(WEBHOOKS.ratio("3d"))),
            Panel("Synced later than a minute, of an hour", "percentunit", _one(FRESHNESS.ratio("1h"))),
            Panel("Synced later than a minute, of three days", "percentunit", _one(FRESHNESS.ratio("3d"))),
        ),
    ),
    (
        "Webhooks",
        (
            Panel("By outcome", "reqps", (_rate("{{outcome}}", "webhook_requests_total", "outcome"),)),
            Panel("Time to answer", "s", _quantiles("webhook_request_duration_seconds", "", 0.5, 0.99)),
            Panel("In quarantine", "none", _one("max(deliveries_quarantined)")),
            Panel("Ids with another body", "none", _one("sum(increase(webhook_body_changes_total[1h]))")),
        ),
    ),
    (
        "Work",
        (
            Panel(
                "Oldest due, by what holds it",
                "s",
                _one("max by (reason) (sync_oldest_due_age_seconds)", "{{reason}}"),
            ),
            Panel(
                "Orgs with backlog", "none", _one("max by (reason) (sync_orgs_with_backlog)", "{{reason}}")
            ),
            Panel(
                "Jobs that are not done",
                "none",
                _one('max by (state) (sync_jobs{state!~"synced|skipped"})', "{{state}}"),
            ),
            Panel(
                "Acknowledged to Salesforce",
                "s",
                _quantiles("sync_acknowledged_to_synced_seconds", "", 0.5, 0.95, 0.99),
            ),
            Panel("Time of a drain", "s", _quantiles("sync_drain_duration_seconds", "", 0.5, 0.95)),
            Panel("Rows of a batch", "none", _quantiles("sync_batch_size", "", 0.5, 0.95)),
            Panel(
                "Leases",
                "none",
                (
                    ("taken over", "sum(increase(sync_lease_takeovers_total[5m]))"),
                    ("lost", "sum(increase(sync_lease_losses_total[5m]))"),
                    ("answers lost", "sum(increase(sync_lost_answers_total[5m]))"),
                ),
            ),
            Panel("Longest silence of a worker", "s", _one("max(sync_worker_oldest_heartbeat_seconds)")),
        ),
    ),
    (
        "Salesforce",
        (
            Panel("Calls by outcome", "reqps", (_rate("{{outcome}}", "salesforce_calls_total", "outcome"),)),
            Panel("Calls by kind", "reqps", (_rate("{{kind}}", "salesforce_calls_total", "kind"),)),
            Panel("Time of a call, p95", "s", _quantiles("salesforce_call_duration_seconds", "kind", 0.95)),
            Panel("Rows of a call, p95", "none", _quantiles("salesforce_rows_per_call", "kind", 0.95)),
            Panel(
                "Budget of the fullest orgs",
                "percentunit",
                _one("max by (org) (salesforce_api_budget_used_ratio)", "{{org}}"),
            ),
            Panel(
                "Renewed tokens",
                "none",
                _one("sum by (outcome) (increase(oauth_refreshes_total[5m]))", "{{outcome}}"),
            ),
            Panel("Connections", "none", _one("max by (state) (oauth_connections)", "{{state}}")),
            Panel(
                "Hosts in trouble",
                "none",
                _one("max by (kind, code) (connection_troubles)", "{{kind}}: {{code}}"),
            ),
        ),
    ),
    (
        "Processes",
        (
            Panel("Requests by status", "reqps", (_rate("{{status}}", "http_requests_total", "status"),)),
            Panel("Time of a request, p95", "s", _quantiles("http_request_duration_seconds", "route", 0.95)),
            Panel(
                "Callers kept out",
                "reqps",
                (_rate("{{code}}", "access_refusals_total", "code"),),
            ),
            Panel(
                "Connections to Postgres",
                "none",
                _one("sum by (role, state) (db_pool_connections)", "{{role}} {{state}}"),
            ),
            Panel("Waiting for a connection, p95", "s", _quantiles("db_pool_wait_seconds", "role", 0.95)),
            Panel(
                "Waited in vain",
                "none",
                _one("sum by (role) (increase(db_pool_timeouts_total[5m]))", "{{role}}"),
            ),
            Panel("Own clock beside the database's", "s", _one("clock_skew_seconds", "{{instance}}")),
            Panel(
                "Reached",
                "none",
                (
                    ("Postgres {{instance}}", "database_up"),
                    ("Redis {{instance}}", "redis_up"),
                ),
            ),
            Panel(
                "Releases",
                "none",
                _one("count by (version, revision) (build_info)", "{{version}} {{revision}}"),
            ),
            Panel("Wake-ups not taken", "none", _one("sum(increase(sync_wakeup_failures_total[5m]))")),
        ),
    ),
    (
        "Housekeeping",
        (
            Panel(
                "Since a chore last succeeded",
                "s",
                _one("time() - max by (chore) (chore_last_success_timestamp_seconds)", "{{chore}}"),
            ),
            Panel("Size of tables", "bytes", _one("max by (table) (db_table_bytes)", "{{table}}")),
            Panel("Notifications", "none", _one("max by (state) (notifications)", "{{state}}")),
            Panel(
                "Oldest notification that waits",
                "s",
                _one("max(notifications_oldest_pending_age_seconds)"),
            ),
        ),
    ),
)


def expressions() -> Iterator[tuple[str, str]]:
    """Every expression of the board, by the title of its panel."""
    for _, panels in ROWS:
        for panel in panels:
            for _, expression in panel.queries:
                yield panel.title, expression


def board_text() -> str:
    """The board as Grafana imports it; it asks for its data source once."""
    board = {
        "uid": "eventship-salesforce",
        "title": "Eventship for Salesforce",
        "schemaVersion": 39,
        "editable": True,
        "time": {"from": "now-3h", "to": "now"},
        "refresh": "30s",
        "templating": {
            "list": [{"name": "datasource", "type": "datasource", "query": "prometheus", "label": "source"}]
        },
        "panels": list(_panels()),
    }
    return json.dumps(board, indent=2) + "\n"


def _panels() -> Iterator[dict[str, Any]]:
    number, top = 0, 0
    for title, panels in ROWS:
        number += 1
        yield _row(number, title, top)
        top += 1
        for place, panel in enumerate(panels):
            number += 1
            width = WIDTH // PER_LINE
            x, line = place % PER_LINE * width, place // PER_LINE
            yield _panel(number, panel, {"x": x, "y": top + line * HEIGHT, "w": width, "h": HEIGHT})
        top += -(-len(panels) // PER_LINE) * HEIGHT


def _row(number: int, title: str, top: int) -> dict[str, Any]:
    place = {"x": 0, "y": top, "w": WIDTH, "h": 1}
    return {"id": number, "type": "row", "title": title, "collapsed": False, "gridPos": place, "panels": []}


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    targets = [
        {"refId": chr(ord("A") + index), "datasource": DATASOURCE, "expr": expression, "legendFormat": legend}
        for index, (legend, expression) in enumerate(panel.queries)
    ]
    defaults = {"unit": panel.unit, "min": None if panel.title.startswith("Own clock") else 0}
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "gridPos": place,
        "datasource": DATASOURCE,
        "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": {},
    }
