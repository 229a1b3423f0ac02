"""What the expressions of rules and board may name: the service's metrics, with their labels."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from prometheus_client.metrics import MetricWrapperBase

from app import metrics
from app.metrics import GAUGES, REGISTRY
from tools.monitoring.expressions import grouped_labels, named_metrics
from tools.monitoring.rules import RECORDINGS

OF_PROMETHEUS: Final[Mapping[str, frozenset[str]]] = {"up": frozenset()}
OF_EVERY_METRIC: Final = frozenset({"instance", "job"})


def known_metrics() -> Mapping[str, frozenset[str]]:
    """The labels of each metric that Prometheus has of us, by its name."""
    found = {row.name: frozenset(row.labels) for row in GAUGES} | dict(OF_PROMETHEUS)
    samples = (sample for metric in REGISTRY.collect() for sample in metric.samples)
    found |= {sample.name: frozenset(sample.labels) for sample in samples}
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            found |= dict(_series_of(metric))
    return {name: labels | OF_EVERY_METRIC for name, labels in found.items()}


def faults_of(expressions: Iterable[tuple[str, str]]) -> Iterator[str]:
    """What is wrong with the expressions, each given with the name of its rule or panel."""
    known = known_metrics()
    recorded = {recording.name for recording in RECORDINGS}
    for where, expression in expressions:
        labels: frozenset[str] = frozenset()
        for name, asked in named_metrics(expression):
            if name in recorded:
                continue
            if name not in known:
                yield f"{where}: there is no metric {name}"
                continue
            labels |= known[name]
            if missing := asked - known[name]:
                yield f"{where}: {name} has no label {', '.join(sorted(missing))}"
        if missing := grouped_labels(expression) - labels:
            yield f"{where}: nothing in it has a label {', '.join(sorted(missing))}"


def _series_of(metric: MetricWrapperBase) -> Iterator[tuple[str, frozenset[str]]]:
    labels = frozenset(metric._labelnames)
    for family in metric.describe():
        if family.type == "counter":
            yield f"{family.name}_total", labels
        if family.type == "histogram":
            yield f"{family.name}_bucket", labels | {"le"}
            yield from ((f"{family.name}_{part}", labels) for part in ("sum", "count"))
