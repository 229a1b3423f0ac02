"""What becomes of a span with the SDK: contexts, links, and what never gets into one."""

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased

from app import tracing
from app.infrastructure.log_context import log_context
from tests.spans import collected_spans, linked, parent_of, told, trace_id

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"


def test_span_continues_the_trace_of_its_parent() -> None:
    with collected_spans() as spans, tracing.span("work", parent=PARENT):
        context = tracing.current_context()
    work = spans.one("work")
    assert trace_id(work) == TRACE
    assert parent_of(work) == int(SPAN, 16)
    assert context == f"00-{TRACE}-{work.context.span_id:016x}-01"


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "otters",
        f"01-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"{PARENT}-x",
    ],
)
def test_parent_that_is_none_is_left_out(parent: str) -> None:
    with collected_spans() as spans, tracing.span("work", parent=parent):
        pass
    assert parent_of(spans.one("work")) is None


def test_parent_that_is_not_sampled_is_not_collected() -> None:
    with collected_spans(ParentBased(ALWAYS_ON)) as spans, tracing.span("work", parent=PARENT[:-1] + "0"):
        assert tracing.current_context() is None
    assert spans.named("work") == []


def test_links_are_bounded() -> None:
    contexts = [f"00-{TRACE}-{number:016x}-01" for number in range(1, 300)]
    with collected_spans() as spans, tracing.span_of_many("batch", contexts, size=300):
        pass
    assert len(linked(spans.one("batch"))) == tracing.LINKS_MAX
    assert told(spans.one("batch"), "size") == 300


def test_error_is_told_by_its_class_alone() -> None:
    with collected_spans() as spans, pytest.raises(ValueError, match="mary"), tracing.span("work"):
        raise ValueError("no such attendee: mary@otter.example")
    work = spans.one("work")
    assert work.status.status_code.name == "ERROR"
    assert dict(work.attributes or {}) == {"error.type": "ValueError"}
    assert "mary" not in spans.text


def test_attributes_are_masked_and_what_is_none_is_left_out() -> None:
    with (
        collected_spans() as spans,
        tracing.span("work", who="mary@otter.example", what=None, rows=3) as span,
    ):
        span.set(secret="whsec_b3R0ZXJz")
    work = spans.one("work")
    assert (told(work, "who"), told(work, "rows"), told(work, "secret")) == ("***", 3, "***")
    assert "eventship.what" not in dict(work.attributes or {})


def test_log_lines_within_a_span_name_its_trace() -> None:
    with collected_spans() as spans, tracing.span("work"):
        said = dict(log_context.get())
    work = spans.one("work")
    assert said == {"trace_id": trace_id(work), "span_id": f"{work.context.span_id:016x}"}
    assert log_context.get() == {}


def test_without_anybody_who_collects_all_of_it_is_nothing() -> None:
    with tracing.span("work", parent=PARENT) as span:
        span.set(rows=1)
        span.rename("other")
        assert tracing.current_context() is None
    assert tracing.span("work") is tracing.NO_SPAN
    assert tracing.span_of_many("batch", [PARENT], size=1) is tracing.NO_SPAN
    tracing.record("job", seconds=1)
