"""Alert rules and the board: what their expressions name, how they are scaled, and that each is tested."""

import json
import re
from pathlib import Path

import pytest

from app.metrics import ACKNOWLEDGED_TO_SYNCED
from tools.monitoring.board import board_text
from tools.monitoring.expressions import grouped_labels, named_metrics, rendered, seconds_of
from tools.monitoring.files import ROOT, RUNBOOKS, behind
from tools.monitoring.metrics import faults_of, known_metrics
from tools.monitoring.rules import ALERTS, FRESHNESS, Alert, expressions, rules_text

CASES = (ROOT / "deploy" / "prometheus" / "tests" / "rules_test.yml").read_text()


def test_files_runbooks_and_metrics_are_those_of_the_tables() -> None:
    assert behind() == []


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        ("max(database_up) == 0", [("database_up", set())]),
        ('a_total{kind=~"x|y", code!=""} or b{}', [("a_total", {"kind", "code"}), ("b", set())]),
        ('sum by (role, state) (rate(a{text="{by b}"}[5m])) > 0.5', [("a", {"text"})]),
        (
            "slo:a:ratio_5m > 0.01 and on() slo:a:ratio_1h > 1",
            [("slo:a:ratio_5m", set()), ("slo:a:ratio_1h", set())],
        ),
        ("time() - max without (job) (a) > 3", [("a", set())]),
    ],
)
def test_an_expression_names_metrics_and_labels(expression: str, named: list[tuple[str, set[str]]]) -> None:
    assert [(name, set(labels)) for name, labels in named_metrics(expression)] == named


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("max(sync_oldest_ready_age_seconds)", "here: there is no metric sync_oldest_ready_age_seconds"),
        ('sync_jobs{reason="ready"}', "here: sync_jobs has no label reason"),
        ("sum by (host) (sync_jobs)", "here: nothing in it has a label host"),
        ("rate(webhook_requests[5m])", "here: there is no metric webhook_requests"),
    ],
)
def test_a_metric_or_label_that_does_not_exist_is_a_fault(expression: str, fault: str) -> None:
    assert list(faults_of([("here", expression)])) == [fault]


def test_what_is_there_is_no_fault() -> None:
    assert {"up", "sync_batch_size_bucket", "salesforce_calls_total"} <= set(known_metrics())
    assert list(faults_of(expressions())) == []


def test_windows_waits_and_limits_are_scaled_together() -> None:
    assert rendered('a{le="bucket(1m)"} [5m] > seconds(3h)') == 'a{le="60.0"} [5m] > 10800'
    assert rendered('a{le="bucket(1m)"}[5m] > seconds(3h)', 12) == 'a{le="5.0"}[25s] > 900'
    assert "for: 5s" in rules_text(12)
    assert "for: 1m" not in rules_text(12)
    assert seconds_of("3d") == 259_200


def test_the_objective_of_freshness_is_a_bucket() -> None:
    (limit,) = set(re.findall(r"bucket\((\w+)\)", FRESHNESS.bad))
    assert float(seconds_of(limit)) in ACKNOWLEDGED_TO_SYNCED._upper_bounds


def test_grouping_is_read() -> None:
    assert grouped_labels("sum by (a, b) (x) / on(c) y") == {"a", "b", "c"}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_promtool_sees_each_alert_ring(alert: Alert) -> None:
    assert f'{{alertname="{alert.name}", severity="{alert.severity}"}}' in CASES


def test_an_alert_names_its_runbook_once() -> None:
    text = rules_text()
    for alert in ALERTS:
        assert text.count(f"runbook: {alert.runbook}\n") == 1
        assert (RUNBOOKS.parent.parent / alert.runbook).exists()


def test_no_two_panels_lie_upon_each_other() -> None:
    places: set[tuple[int, int]] = set()
    for panel in json.loads(board_text())["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & places, panel["title"]
        places |= cells


def test_rules_are_where_prometheus_of_the_examples_looks() -> None:
    assert [path.name for path in Path(ROOT / "deploy" / "prometheus").glob("*.yml")] == ["rules.yml"]
