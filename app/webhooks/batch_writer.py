"""Group commit: deliveries that arrive while transactions run share the next one.

A few tasks per process take all pending deliveries and commit them in one transaction each, so that one group
is parsed while another is written; the response follows the commit.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from app import tracing
from app.api.errors import DatabaseUnavailable
from app.infrastructure.database import Database
from app.infrastructure.database_errors import first_line, is_away
from app.infrastructure.job_queue import DrainQueue
from app.infrastructure.log_limit import LogLimit
from app.infrastructure.raw_connection import DedicatedConnection
from app.infrastructure.work_reports import RecordedDeliveries
from app.privacy.tombstones import shared_locks
from app.privacy.unparsed_bodies import UnusableBody
from app.privacy.unparsed_store import store_unusable
from app.webhooks.ingest import IngestResult, ingest, ingest_without_erasures
from app.webhooks.new_registrations import LastSeen
from app.webhooks.parse import Outcome, ParsedDelivery

log = logging.getLogger(__name__)
limit = LogLimit(log)

WAITING_MAX = 2000
BATCH_MAX = 200
WRITERS = 2
"""One lets the database and the process wait for each other; more make groups small."""
ANSWER_SECONDS = 4.0
ANNOUNCE_EVERY_SECONDS = 0.1


class Answer(Protocol):
    """Who waits for an outcome: a future, or the connection of the request itself."""

    def done(self) -> bool: ...

    def set_result(self, result: Outcome, /) -> None: ...

    def set_exception(self, exception: Exception, /) -> None: ...


@dataclass(frozen=True, slots=True)
class PendingDelivery:
    """A delivery and who waits for its outcome."""

    delivery: ParsedDelivery = field(repr=False)
    answer: Answer


class GroupCommitWriter:
    """Records deliveries in groups; started and stopped by `running_writer`."""

    def __init__(
        self,
        database: Database,
        wakeups: DrainQueue,
        *,
        pepper: bytes,
        waiting_max: int = WAITING_MAX,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._database, self._wakeups, self._answer_seconds = database, wakeups, answer_seconds
        self._pepper = pepper
        self._waiting: asyncio.Queue[PendingDelivery] = asyncio.Queue(waiting_max)
        self._unannounced: set[str] = set()
        self._announcing: asyncio.Task[None] | None = None
        self._recorded = RecordedDeliveries()
        self._last_seen = LastSeen()

    async def submit(self, delivery: ParsedDelivery) -> Outcome:
        """The outcome, once it is committed. Raises DatabaseUnavailable when it is not in time."""
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        timer = self.enqueue(delivery, answer)
        try:
            return await answer
        finally:
            timer.cancel()

    def enqueue(self, delivery: ParsedDelivery, answer: Answer) -> asyncio.TimerHandle:
        """Let `answer` be told the outcome, or DatabaseUnavailable when it is not in time.

        Returns the timer, to be cancelled by whoever has the answer. Raises DatabaseUnavailable.
        """
        try:
            self._waiting.put_nowait(PendingDelivery(delivery, answer))
        except asyncio.QueueFull:
            raise DatabaseUnavailable() from None
        # A bare timer: asyncio.timeout() costs seven times as much, and nothing needs to be cancelled.
        return asyncio.get_running_loop().call_later(self._answer_seconds, _time_out, answer)

    async def keep_unusable(self, unusable: UnusableBody) -> None:
        """Quarantine a signed body. Raises DatabaseUnavailable."""
        try:
            async with asyncio.timeout(self._answer_seconds), self._database.system() as session:
                await store_unusable(session, unusable, pepper=self._pepper)
        except (SQLAlchemyError, OSError) as error:
            if not is_away(error):
                raise
            raise DatabaseUnavailable() from None

    async def run(self) -> None:
        """Write group after group, for ever, through a connection of its own."""
        direct = self._database.direct()
        try:
            while True:
                group = [await self._waiting.get()]
                while len(group) < BATCH_MAX and not self._waiting.empty():
                    group.append(self._waiting.get_nowait())
                wanted = [waiting for waiting in group if not waiting.answer.done()]
                if wanted:
                    await self._write(wanted, direct)
                for _ in group:
                    self._waiting.task_done()
        finally:
            await direct.close()

    async def finish(self) -> None:
        """Wait until everything submitted is written and announced."""
        await self._waiting.join()
        self._recorded.flush()
        if self._announcing is not None:
            await self._announcing

    async def _write(self, group: Sequence[PendingDelivery], direct: DedicatedConnection) -> None:
        """Record a group; one that fails is recorded one by one, so that a bad one hurts only itself."""
        try:
            recorded = await self._record([waiting.delivery for waiting in group], direct)
        except Exception as error:  # the writer outlives whatever a delivery does
            if len(group) > 1 and not is_away(error):
                for waiting in group:
                    await self._write([waiting], direct)
                return
            _reject(group, error)
        else:
            for waiting, outcome in zip(group, recorded.outcomes, strict=True):
                told = waiting.delivery
                self._recorded.note(told.host_id, told.webhook_id, told.registration_id, outcome)
                if not waiting.answer.done():
                    waiting.answer.set_result(outcome)
            self._announce(recorded.org_ids)

    async def _record(
        self, deliveries: Sequence[ParsedDelivery], direct: DedicatedConnection
    ) -> IngestResult:
        contexts = [delivery.trace_context for delivery in deliveries] if tracing.is_on() else []
        with tracing.span_of_many("record_deliveries", contexts, size=len(deliveries)):
            return await self._record_all(deliveries, direct)

    async def _record_all(
        self, deliveries: Sequence[ParsedDelivery], direct: DedicatedConnection
    ) -> IngestResult:
        async with asyncio.timeout(self._answer_seconds):
            if any(delivery.erasure is not None for delivery in deliveries):
                async with self._database.system() as session:
                    return await ingest(session, deliveries, pepper=self._pepper)
            if recorded := await self._last_seen.record_new(direct, deliveries):
                return recorded
            locks = shared_locks({delivery.host_id for delivery in deliveries})
            async with direct.unit_of_work(locks) as statements:
                recorded = await ingest_without_erasures(statements, deliveries, pepper=self._pepper)
            if recorded.seen is not None:
                self._last_seen.note(recorded.seen)
            return recorded

    def _announce(self, org_ids: set[str]) -> None:
        self._unannounced |= org_ids
        if self._unannounced and (self._announcing is None or self._announcing.done()):
            self._announcing = asyncio.create_task(self._announce_all())

    async def _announce_all(self) -> None:
        """At once, and then no more often than workers could use it."""
        while self._unannounced:
            org_ids, self._unannounced = self._unannounced, set()
            await self._wakeups.announce(org_ids)
            await asyncio.sleep(ANNOUNCE_EVERY_SECONDS)


@asynccontextmanager
async def running_writer(writer: GroupCommitWriter) -> AsyncIterator[GroupCommitWriter]:
    """The writer at work; at the end, what was submitted is written."""
    running = [asyncio.create_task(writer.run()) for _ in range(WRITERS)]
    try:
        yield writer
    finally:
        await writer.finish()
        for task in running:
            task.cancel()
        await asyncio.wait(running)


def _time_out(answer: Answer) -> None:
    if not answer.done():
        answer.set_exception(DatabaseUnavailable())


def _reject(group: Sequence[PendingDelivery], error: Exception) -> None:
    refusal: Exception = error
    if is_away(error):
        cause, refusal = first_line(error), DatabaseUnavailable()
        kind = type(error).__name__
        limit.log(
            logging.WARNING, "deliveries_not_recorded", key=cause, error=kind, cause=cause, count=len(group)
        )
    for waiting in group:
        if not waiting.answer.done():
            waiting.answer.set_exception(refusal)
