"""Spans that the service makes while a test looks, by the SDK's own exporter in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

from app import tracing
from app.infrastructure.open_telemetry import OpenTelemetrySpans


class Collected:
    """What was exported, by name."""

    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self._exporter.get_finished_spans() if span.name == name]

    def one(self, name: str) -> ReadableSpan:
        [span] = self.named(name)
        return span

    @property
    def text(self) -> str:
        """All of it, as an exporter would write it down."""
        return "\n".join(span.to_json() for span in self._exporter.get_finished_spans())


@contextmanager
def collected_spans(sampler: Sampler = ALWAYS_ON) -> Iterator[Collected]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use(OpenTelemetrySpans(provider))
    try:
        yield Collected(exporter)
    finally:
        tracing.use(None)
        provider.shutdown()


def trace_id(span: ReadableSpan) -> str:
    return f"{span.context.trace_id:032x}"


def parent_of(span: ReadableSpan) -> int | None:
    parent: int | None = span.parent.span_id if span.parent else None
    return parent


def told(span: ReadableSpan, name: str) -> Any:
    """One of our attributes; None where it is not told."""
    return dict(span.attributes or {}).get(f"eventship.{name}")


def linked(span: ReadableSpan) -> set[int]:
    """The ids of the spans that it has links to."""
    return {link.context.span_id for link in span.links}
