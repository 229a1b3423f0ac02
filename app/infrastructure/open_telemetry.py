"""Collects spans with the OpenTelemetry SDK; imported only where OTEL_* asks for traces.

Neither texts of exceptions nor anything that looks like a secret or an e-mail address becomes part of a span.
"""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from opentelemetry.sdk.trace.sampling import Decision, SamplingResult
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    get_current_span,
    set_span_in_context,
)

from app.infrastructure.log_context import logged_with
from app.infrastructure.telemetry import mask
from app.version import VERSION

TRACE_PARENT: Final = re.compile(r"00-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})")
PREFIX: Final = "eventship."


class WithLinkedTraces:
    """Samples what is linked to sampled spans, so that a job's trace leads on; else as the sampler says."""

    def __init__(self, sampler: Any) -> None:
        self._sampler = sampler

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Any = None,
        links: Sequence[Link] | None = None,
        trace_state: Any = None,
    ) -> SamplingResult:
        if any(link.context.trace_flags.sampled for link in links or ()):
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)
        result: SamplingResult = self._sampler.should_sample(
            parent_context, trace_id, name, kind, attributes, links, trace_state
        )
        return result

    def get_description(self) -> str:
        return f"WithLinkedTraces({self._sampler.get_description()})"


class CollectedSpan:
    """A span that goes on."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def set(self, **attributes: Any) -> None:
        self._span.set_attributes(_named(attributes))

    def rename(self, name: str) -> None:
        self._span.update_name(name)


class OpenTelemetrySpans:
    """Spans of one provider, which is not the global one: nobody else's spans are collected with ours."""

    def __init__(self, provider: TracerProvider) -> None:
        provider.sampler = WithLinkedTraces(provider.sampler)  # type: ignore[assignment,unused-ignore]
        self._tracer: Tracer = provider.get_tracer("eventship-salesforce", VERSION)

    @contextmanager
    def span(
        self, name: str, *, kind: str, parent: str | None, links: Sequence[str], attributes: dict[str, Any]
    ) -> Iterator[CollectedSpan]:
        with self._tracer.start_as_current_span(
            name,
            _context(parent, is_linked=bool(links)),
            kind=SpanKind[kind],
            attributes=_named(attributes),
            links=_links(links),
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            known = span.get_span_context()
            with logged_with(trace_id=f"{known.trace_id:032x}", span_id=f"{known.span_id:016x}"):
                try:
                    yield CollectedSpan(span)
                except BaseException as error:
                    span.set_status(StatusCode.ERROR)
                    span.set_attribute("error.type", type(error).__name__)
                    raise

    def record(
        self,
        name: str,
        *,
        kind: str,
        parent: str | None,
        link: str | None,
        seconds: float,
        attributes: dict[str, Any],
    ) -> None:
        ended_at = time.time_ns()
        span = self._tracer.start_span(
            name,
            _context(parent),
            kind=SpanKind[kind],
            attributes=_named(attributes),
            links=_links([link] if link else []),
            start_time=ended_at - int(seconds * 1e9),
            record_exception=False,
            set_status_on_exception=False,
        )
        if "error.type" in attributes:
            span.set_status(StatusCode.ERROR)
        span.end(ended_at)

    def context(self) -> str | None:
        known = get_current_span().get_span_context()
        if not known.trace_flags.sampled:
            return None
        return f"00-{known.trace_id:032x}-{known.span_id:016x}-{known.trace_flags:02x}"


def collected_from(environment: Mapping[str, str], *, role: str) -> OpenTelemetrySpans:
    """Spans that are sent where OTEL_* says; the SDK reads endpoint, sampler, limits and headers itself."""
    named = {} if environment.get("OTEL_SERVICE_NAME") else {"service.name": f"eventship-salesforce-{role}"}
    provider = TracerProvider(resource=Resource.create({**named, "service.version": VERSION}))
    is_console = environment.get("OTEL_TRACES_EXPORTER") == "console"
    exporter = ConsoleSpanExporter() if is_console else OTLPSpanExporter()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return OpenTelemetrySpans(provider)


def _context(parent: str | None, *, is_linked: bool = False) -> Context | None:
    """The context of a parent; None for the span around, which counts for links only if it is collected."""
    if parent is not None and (known := _span_context(parent)) is not None:
        return set_span_in_context(NonRecordingSpan(known), Context())
    is_around = get_current_span().get_span_context().trace_flags.sampled
    return Context() if is_linked and not is_around else None


def _links(contexts: Sequence[str]) -> list[Link]:
    return [Link(known) for context in contexts if (known := _span_context(context)) is not None]


def _span_context(trace_parent: str) -> SpanContext | None:
    """What a `traceparent` names; None for anything else. https://www.w3.org/TR/trace-context/"""
    match = TRACE_PARENT.fullmatch(trace_parent)
    if match is None:
        return None
    trace, span, flags = (int(match[name], 16) for name in ("trace", "span", "flags"))
    known = SpanContext(trace, span, is_remote=True, trace_flags=TraceFlags(flags))
    return known if known.is_valid else None


def _named(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Our attributes below a prefix of their own; those of the conventions have a dot already."""
    return {
        name if "." in name else f"{PREFIX}{name}": mask(value)
        for name, value in attributes.items()
        if value is not None
    }
