"""A host's turn in the drain of its org: one batch, or several that overlap, from the claim to the commit."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from app.api.errors import Problem
from app.infrastructure.work_reports import BatchReport, reported_batch
from app.metrics import BATCH_SIZE
from app.salesforce.auth import ConnectionUnusable
from app.salesforce.client import SalesforceClient
from app.salesforce.errors import BrokenOff, ResponseLost, SalesforceError
from app.states import SkipReason
from app.sync.engine.complete_batch import complete_batch
from app.sync.engine.host_client import HostClient
from app.sync.engine.interruptions import BudgetReached, close_gates, is_api_budget_exhausted
from app.sync.engine.org_drain import DrainContext, OrgDrain, Turn, TurnEnd
from app.sync.engine.pipeline import (
    BatchResult,
    Lookup,
    asked_about,
    key_rules_of,
    look_up,
    process_batch,
)
from app.sync.engine.prefetch import ClaimedBatch
from app.sync.execution.stages import BatchUnderWay, Stages
from app.sync.jobs import leases
from app.sync.jobs.claim import are_others_at_work, hosts_with_open_gates
from app.sync.jobs.gates import BATCH_MIN, clear_host_backoff, record_success
from app.sync.jobs.leases import Lease
from app.sync.jobs.write_store import WriteStore
from app.sync.lookup.query_bisection import is_too_large
from app.sync.matching.person_matching import may_overlap, names_of_people
from app.sync.model.batch import Batch
from app.sync.model.batch_items import changed_item
from app.sync.model.decisions import ItemDecision, Skip
from app.sync.model.retry_policy import Clock
from app.sync.model.row_caps import LOOK_UP
from app.sync.model.ticket_transfer import work_item_for
from app.sync.model.work_item import WorkItem
from app.sync.planning.suspected import suspected_items

SLOW_CALL_SECONDS = 20.0


@dataclass(frozen=True)
class ClaimedWork:
    """A claimed batch with its work items; `row_limit` is how many rows a batch of the org may have."""

    claimed: ClaimedBatch
    items: tuple[WorkItem, ...]
    store: WriteStore
    row_limit: int


@dataclass(frozen=True)
class HostTurn:
    """A host's turn: its batches, each with its effects in this order.

    1. `claim`: the host's due rows become the lease's, those that were prefetched first.
    2. The host's client is opened. Where that fails the rows are completed as they are and the host stops.
    3. The next claim begins, where no other host waits: it overlaps with this batch's calls.
    4. `process`: look-ups, plans, writes. What concerns more than single items is returned as interruption.
    5. The look-up of the next batch begins: not before all of this batch is written.
    6. `settle`: results, jobs and API figures are committed in one transaction; then the row caps.
    7. `conclude`: the host's back-off is cleared, or the batch size of the org adapts; at the end of the turn
       an interruption closes gates of the org or the host and stops the host.

    Where two batches share nobody, the next one begins within the turn, with its look, when the first call of
    this one that writes is about to be made (`_claim_beside`). What interrupts one halts all of the turn.
    """

    org: OrgDrain
    turn: Turn

    async def run(self) -> TurnEnd:
        """Work on one batch, and on those that may overlap with the one before them.

        Raises LeaseLost, and what ends this host's turn alone, once nothing of the turn is under way.
        """
        work = await self.claim()
        if work is None:
            return TurnEnd.NOTHING_DUE
        stages, tasks = Stages(self.org.lease.caps), list[asyncio.Task[TurnEnd]]()
        try:
            while work is not None:
                batch = self._begin(work, stages)
                tasks.append(asyncio.create_task(self._run_batch(work, batch)))
                await batch.next_may_begin.wait()
                await stages.wait_for_room()
                work = await self._claim_beside(batch)
            ends = await asyncio.gather(*tasks)
        except Exception:
            stages.is_halted = True
            await asyncio.gather(*tasks, return_exceptions=True)
            raise
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if stages.interruptions:
            await self._close_gates(stages.interruptions)
        return TurnEnd.STOPPED if stages.is_stopped else ends[-1]

    async def claim(self) -> ClaimedWork | None:
        """The host's next rows; None where nothing is due. Each turn that broke off halves the batch."""
        limit = self._row_limit()
        size = max(1, min(self.org.lease.batch_size, limit) >> self.turn.broken_off)
        key_rules = key_rules_of(self.org.context)
        claimed = await self.org.prefetcher.take(self.turn.host_id, size=size, key_rules=key_rules)
        return None if claimed is None else self._work_on(claimed, limit)

    async def _claim_beside(self, before: BatchUnderWay) -> ClaimedWork | None:
        """The rows that were claimed ahead, where they may be worked on beside the batches under way.

        Those name none of their people, and the records of both are compared again once they are looked up.
        While another org is drained nothing overlaps: the processors are left to whom a backlog would delay.
        """
        org, host_id, stages = self.org, self.turn.host_id, before.stages
        is_over = not before.may_overlap or stages.is_over or not org.has_time()
        if is_over or not org.prefetcher.has_claimed_ahead:
            return None
        client = org.clients[host_id].client

        def may_begin(batch: Batch) -> bool:
            is_apart = not stages.are_known(names_of_people(batch.jobs))
            has_budget = not is_api_budget_exhausted(client, batch.api_cap_percent)
            return is_apart and has_budget and self._may_overlap(batch)

        database, org_id = org.context.database, org.lease.org_id
        if set(await hosts_with_open_gates(database, org_id)) != {host_id}:
            return None
        if await are_others_at_work(database, org_id):
            return None
        claimed = await org.prefetcher.take_beside(host_id, may_begin)
        return None if claimed is None else self._work_on(claimed, self._row_limit())

    def _may_overlap(self, batch: Batch) -> bool:
        is_sound = not self.turn.broken_off and self.org.lease.restored is None
        return is_sound and self.turn.is_only_host and may_overlap(batch.jobs)

    def _row_limit(self) -> int:
        return self.org.lease.caps.rows_of(LOOK_UP, self.org.context.settings.batch_size_max)

    def _work_on(self, claimed: ClaimedBatch, limit: int) -> ClaimedWork:
        context, lease = self.org.context, self.org.lease
        items = tuple(work_item_for(job) for job in claimed.batch.jobs)
        if lease.restored is not None:
            items = suspected_items(items, claimed.batch, lease.restored)
        batch = replace(claimed.batch, jobs=tuple(item.job for item in items))
        store = WriteStore(context.database, lease, batch, context.lost_write_window)
        return ClaimedWork(claimed, items, store, limit)

    def _begin(self, work: ClaimedWork, stages: Stages) -> BatchUnderWay:
        batch = work.claimed.batch
        return stages.begin(names_of_people(batch.jobs), may_overlap=self._may_overlap(batch))

    async def _run_batch(self, work: ClaimedWork, under_way: BatchUnderWay) -> TurnEnd:
        """Bring a batch from its claim to its end, whatever becomes of the others."""
        end = TurnEnd.STOPPED
        try:
            BATCH_SIZE.observe(len(work.items))
            with reported_batch(self.turn.host_id, work.store.batch.jobs) as report:
                client = await self._open_client(work, report)
                if client is None:
                    under_way.stages.is_halted = True
                else:
                    end = await self._process_and_settle(work, client, report, under_way)
        except BaseException:
            under_way.stages.is_halted = True
            raise
        finally:
            under_way.end()
        return end

    async def _process_and_settle(
        self, work: ClaimedWork, client: HostClient, report: BatchReport, under_way: BatchUnderWay
    ) -> TurnEnd:
        org, host_id, stages = self.org, self.turn.host_id, under_way.stages
        if self.turn.is_only_host and work.claimed.is_full and not self.turn.broken_off:
            org.prefetcher.begin(host_id, size=min(work.row_limit, work.claimed.size * 2))
        started_at = time.monotonic()
        result = await self.process(work, client, under_way)
        under_way.is_written = True
        if result.interruption is not None:
            # Others may finish what they began, as they were within the share.
            halts_others = not isinstance(result.interruption, BudgetReached)
            stages.interrupt(result.interruption, halts_others=halts_others)
        if any(item.stale_describes for item in result.items):
            under_way.contradict_describe()
        if stages.are_written and not stages.is_over and org.has_time():
            org.prefetcher.look_up(host_id, partial(_prefetch, org.context, org.lease, client.client))
        async with stages.settling:
            await self.settle(work, client, result, report)
            if stages.is_stopped:
                return TurnEnd.STOPPED
            return await self.conclude(work, seconds=time.monotonic() - started_at)

    async def process(self, work: ClaimedWork, client: HostClient, under_way: BatchUnderWay) -> BatchResult:
        """Bring the items as far as they can go, but for those whose registrations changed since they were
        read. For those of events that are switched off Salesforce is not asked.
        """
        context, claimed = self.org.context, work.claimed
        stale = [item for item in work.items if item.registration_id in claimed.stale]
        others = [item for item in work.items if item.registration_id not in claimed.stale]
        fresh = [item for item in others if item.job.is_enabled]
        settled = [*(_switched_off(item) for item in others if not item.job.is_enabled), *stale]
        if not fresh:
            return BatchResult(tuple(settled))
        store = replace(work.store, batch=work.store.batch.of_enabled_events())
        result = await process_batch(
            context,
            client.client,
            store,
            fresh,
            clock=Clock(store.batch.now, context.lost_write_window),
            prefetched=claimed.lookup,
            known=claimed.known,
            under_way=under_way,
        )
        return replace(result, items=(*result.items, *settled))

    async def settle(
        self, work: ClaimedWork, client: HostClient, result: BatchResult, report: BatchReport
    ) -> None:
        """Commit how every item ended, and what the org can take at a time."""
        calls = client.take_uncounted_calls()
        has_broken_off = isinstance(result.interruption, BrokenOff)
        states = await complete_batch(
            work.store, result.items, client.client, calls=calls, has_broken_off=has_broken_off
        )
        if result.interruption is not None and is_too_large(result.interruption):
            self.org.lease.caps.halve(LOOK_UP, len(work.items))
        await leases.store_caps(self.org.context.database, self.org.lease)
        report.ended(states, calls=calls)

    async def conclude(self, work: ClaimedWork, *, seconds: float) -> TurnEnd:
        """Note that all of a batch went well."""
        database, lease, host_id = self.org.context.database, self.org.lease, self.turn.host_id
        end = TurnEnd.FULL if work.claimed.is_full else TurnEnd.WORKED
        if self.turn.broken_off:
            async with database.tenant(host_id) as session:
                await clear_host_backoff(session, host_id)
            return end
        size = _next_size(work.claimed.size, len(work.items), seconds, work.row_limit)
        await record_success(database, lease, batch_size=size)
        return end

    async def _close_gates(self, interruptions: Sequence[Exception]) -> None:
        """As the weightiest one asks for: of what batches met at the same time, the org counts one end."""
        lost = [each for each in interruptions if isinstance(each, ResponseLost)]
        weightiest = (lost or interruptions)[0]
        await close_gates(self.org.context.database, self.org.lease, self.turn.host_id, weightiest)

    async def _open_client(self, work: ClaimedWork, report: BatchReport) -> HostClient | None:
        """The host's client; None where there is none now, with the items completed as they are."""
        host_id, clients, read = self.turn.host_id, self.org.clients, work.claimed.connection
        guard = self.org.lease.check_send
        if host_id not in clients:
            try:
                client = await self.org.context.open_client(host_id, before_send=guard, connection=read)
            except ConnectionUnusable:
                raise
            except (Problem, SalesforceError):
                report.ended(await complete_batch(work.store, work.items, None, calls=0), calls=0)
                return None
            clients[host_id] = HostClient(client, counted_calls=client.calls)
        return clients[host_id]


def _switched_off(item: WorkItem) -> WorkItem:
    """The item of an event that is switched off, skipped."""
    reason = SkipReason.ERASED if item.job.is_erased else SkipReason.SWITCHED_OFF
    return changed_item(item, ItemDecision(item, Skip(reason)))


async def _prefetch(
    context: DrainContext, lease: Lease, client: SalesforceClient, batch: Batch
) -> Lookup | None:
    """What stands of the next batch's people; None where its host may not be asked for just now."""
    if batch.host_id not in await hosts_with_open_gates(context.database, lease.org_id):
        return None
    asked = asked_about(lease, batch)
    if not asked.jobs or is_api_budget_exhausted(client, batch.api_cap_percent):
        return None
    store = WriteStore(context.database, lease, asked, context.lost_write_window)
    return await look_up(context, client, store)


def _next_size(size: int, used: int, seconds: float, limit: int) -> int:
    """Larger after a full batch that went quickly, smaller after a slow one."""
    if seconds > SLOW_CALL_SECONDS:
        return max(BATCH_MIN, size // 2)
    return min(limit, size * 2) if used >= size else size
