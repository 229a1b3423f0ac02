"""What is told of work on many registrations at once: one log line with a few of their ids, and spans.

Of ten thousand attendees there are some dozens of lines. Which ids a line names is decided by the ids alone,
so that a registration that is named where it came in is likely to be named where it is written.
"""

import asyncio
import heapq
import logging
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, Protocol
from zlib import crc32

from app import tracing
from app.infrastructure.log_context import logged_with

log = logging.getLogger(__name__)

NAMED_MAX: Final = 10
"""Registrations that one line names."""
JOB_SPANS_MAX: Final = 100
"""Jobs of one batch that get a span of their own."""
SUM_UP_SECONDS: Final = 1.0


class ReportedJob(Protocol):
    """What is told of a job."""

    @property
    def registration_id(self) -> str: ...

    @property
    def trace_context(self) -> str | None: ...


def new_id() -> str:
    """Names a drain or a batch in the log."""
    return os.urandom(6).hex()


def some_of(registration_ids: Iterable[str]) -> list[str]:
    """A few of them, the same few wherever they are among others."""
    return heapq.nsmallest(NAMED_MAX, registration_ids, key=lambda each: (crc32(each.encode()), each))


class RecordedDeliveries:
    """Sums up once a second what came in, and which registrations some of the webhooks are about."""

    def __init__(self) -> None:
        self._outcomes: Counter[str] = Counter()
        self._webhooks: dict[str, tuple[str, str]] = {}

    def note(self, host_id: str, webhook_id: str, registration_id: str | None, outcome: str) -> None:
        """One webhook that was committed; the line comes within a second."""
        if not self._outcomes:
            asyncio.get_running_loop().call_later(SUM_UP_SECONDS, self.flush)
        self._outcomes[outcome] += 1
        if registration_id is not None:
            self._webhooks[registration_id] = host_id, webhook_id

    def flush(self) -> None:
        outcomes, webhooks = self._outcomes, self._webhooks
        self._outcomes, self._webhooks = Counter(), {}
        if outcomes:
            named = [f"{webhooks[each][1]}={webhooks[each][0]}/{each}" for each in some_of(webhooks)]
            about = {"count": outcomes.total(), "webhooks": " ".join(named)}
            log.info("deliveries_recorded", extra={**outcomes, **about})


class BatchReport:
    """How the jobs of a batch ended, for its line in the log and its spans."""

    def __init__(self, jobs: Sequence[ReportedJob], span: tracing.Span) -> None:
        self.jobs, self._span = jobs, span
        self.states: Mapping[str, str] = {}
        self.calls = 0
        self.started_at = time.monotonic()

    def ended(self, states: Mapping[str, str], *, calls: int) -> None:
        """The states that were committed, by registration, and how many calls to Salesforce it took."""
        self.states, self.calls = states, calls
        self._span.set(calls=calls, **self.counts)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started_at

    @property
    def counts(self) -> Counter[str]:
        return Counter(self.states.values())


@contextmanager
def reported_batch(host_id: str, jobs: Sequence[ReportedJob]) -> Iterator[BatchReport]:
    """A batch at work: its log lines have `host_id` and `batch_id`, its calls are spans within its own."""
    about = {"host_id": host_id, "batch_id": new_id()}
    with logged_with(**about), _span_of_batch(jobs, about) as span:
        report = BatchReport(jobs, span)
        try:
            yield report
        finally:
            if tracing.is_on() and len(jobs) > 1:
                _record_jobs(report, about)
        named = " ".join(some_of(job.registration_id for job in jobs))
        told = {"jobs": len(jobs), "calls": report.calls, "seconds": round(report.seconds, 3)}
        log.info("batch_ended", extra={**report.counts, **told, "registrations": named})


@contextmanager
def _span_of_batch(jobs: Sequence[ReportedJob], about: Mapping[str, str]) -> Iterator[tracing.Span]:
    """A batch of one job is a part of that job's span; of several it has links to the traces of its jobs."""
    if not tracing.is_on():
        yield tracing.NO_SPAN
    elif len(jobs) == 1:
        [job] = jobs
        ids = {**about, "registration_id": job.registration_id}
        with (
            tracing.span("job", kind=tracing.CONSUMER, parent=job.trace_context, **ids) as span,
            tracing.span("batch", size=1, **about),
        ):
            yield span
    else:
        contexts = [job.trace_context for job in jobs]
        with tracing.span_of_many("batch", contexts, size=len(jobs), **about) as span:
            yield span


def _record_jobs(report: BatchReport, about: Mapping[str, str]) -> None:
    """A span for each of the first jobs whose traces are collected, with a link to the batch around."""
    traced = [job for job in report.jobs if job.trace_context is not None]
    for job in traced[:JOB_SPANS_MAX]:
        tracing.record(
            "job",
            seconds=report.seconds,
            kind=tracing.CONSUMER,
            parent=job.trace_context,
            link=tracing.current_context(),
            registration_id=job.registration_id,
            state=report.states.get(job.registration_id),
            **about,
        )
