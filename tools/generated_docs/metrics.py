"""The table of metrics in docs/operations.md, made of the registry and of the gauges that a scrape reads."""

from collections.abc import Iterator

from app.metrics import GAUGES, REGISTRY
from tools.generated_docs.markdown import table

COUNTED = ("counter", "histogram")


def metrics_table() -> str:
    """A line for each metric of ours: its name and labels, its type, and what it says."""
    return table(("metric", "type", "from", "what"), (*_counted(), *_read()))


def _counted() -> Iterator[tuple[str, str, str, str]]:
    for metric in REGISTRY.collect():
        if metric.type in COUNTED and not metric.name.startswith("process_"):
            name = f"{metric.name}_total" if metric.type == "counter" else metric.name
            labels = getattr(_by_name(name), "_labelnames", ())
            yield _named(name, labels), metric.type, "the process", metric.documentation


def _read() -> Iterator[tuple[str, str, str, str]]:
    for row in GAUGES:
        source = "the database" if row.is_in_database else "the process"
        yield _named(row.name, row.labels), "gauge", source, row.about


def _by_name(name: str) -> object:
    return REGISTRY._names_to_collectors[name]


def _named(name: str, labels: tuple[str, ...]) -> str:
    return f"`{name}`" + (f" by {', '.join(f'`{label}`' for label in labels)}" if labels else "")
