"""The one place that writes to Salesforce: commits the intent, sends, and applies how each write ended."""

import asyncio
import time
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from app.metrics import LOST_ANSWERS
from app.salesforce.client import SalesforceClient
from app.salesforce.composite import (
    ALLOW_ALERTS,
    MAX_SUBREQUESTS,
    RowResult,
    Subrequest,
    SubResponse,
    has_reference_text,
    parse_collection,
    parse_written,
)
from app.salesforce.error_codes import RECORD_LOCKED
from app.salesforce.errors import ApiError, BrokenOff, RequestRejected, ResponseLost, SalesforceError
from app.sync.execution.attempt_log import logged_request, lost_answer, response_answer
from app.sync.execution.interruption import Interruption, raise_interruption
from app.sync.execution.packing import (
    Call,
    CollectionOperations,
    DependentGroup,
    beyond_limits,
    collection_request,
    operations_of,
    pack,
    sent_together,
    single_request,
)
from app.sync.execution.rejections import is_alert_refusal, is_certainly_refused, is_duplicate, is_key_taken
from app.sync.execution.stages import BatchUnderWay, Halted, alone
from app.sync.execution.write_transitions import (
    decide_rejection,
    slot_ambiguous,
    slot_intended,
    slot_not_applied,
    slot_unreached,
    slot_written,
)
from app.sync.jobs.write_store import WriteStore
from app.sync.matching.duplicate_matching import update_alert_warning
from app.sync.model.batch_items import BatchItems
from app.sync.model.cooperative import yielding
from app.sync.model.decisions import Blocked, ItemDecision
from app.sync.model.job_outcome import Obstacle
from app.sync.model.retry_policy import (
    DRAIN_STOPPING,
    Clock,
    action_for,
    next_recheck,
)
from app.sync.model.work_item import LoggedRequest, WriteOperation

Answer = TypeVar("Answer")


@dataclass
class Executor:
    """Carries out operations in as few calls as the caps allow, for the items of one batch.

    `duplicates` collects the creates that a duplicate rule refused, with what it said, `taken_keys` those
    whose unique key another record has;
    `duplicate_refused_updates` the changes of people that one refused, once; `sent_individually` the
    operations that were sent each by itself, not in a collection.
    """

    client: SalesforceClient
    store: WriteStore
    items: BatchItems
    clock: Clock
    under_way: BatchUnderWay = field(default_factory=alone)
    packs_single_creates: bool = False
    duplicates: list[tuple[WriteOperation, ApiError]] = field(default_factory=list)
    taken_keys: list[tuple[WriteOperation, ApiError]] = field(default_factory=list)
    duplicate_refused_updates: list[WriteOperation] = field(default_factory=list)
    sent_individually: set[WriteOperation] = field(default_factory=set)
    committed_at: tuple[datetime, float] = field(init=False)

    def __post_init__(self) -> None:
        self.committed_at = (self.clock.now, time.monotonic())

    async def run(self, operations: Sequence[WriteOperation]) -> None:
        """Write them all.

        Raises ResponseLost after marking the items of that call, and NotSent or RequestRejected when the
        connection or the org has to wait; items that were not reached keep their slots.
        """
        if len(operations) == 1 and operations[0].create_lock is not None:
            await self._create_alone(operations[0])
            return
        caps = self.store.lease.caps
        for calls in sent_together(pack(operations, caps), caps):
            await self._send(calls)

    async def create_individually(self, operations: Sequence[WriteOperation]) -> None:
        """Send each create by itself: only then does a duplicate rule name what it matched."""
        if not self.packs_single_creates:
            for operation in operations:
                await self._create_alone(operation)
            return
        packed = [each for each in operations if not has_reference_text(each.record.fields)]
        for start in range(0, len(packed), MAX_SUBREQUESTS):
            await self._send_singles(packed[start : start + MAX_SUBREQUESTS])
        for operation in operations:
            if has_reference_text(operation.record.fields):
                await self._create_alone(operation)

    async def identify_duplicates(self) -> list[tuple[WriteOperation, ApiError]]:
        """The creates that duplicate rules refused, each with the records that are said to be there.

        In a collection Salesforce does not name them, so what came back without is sent singly.
        """
        refused, self.duplicates = self.duplicates, []
        await self.create_individually([operation for operation, failure in refused if not failure.matches])
        again, self.duplicates = self.duplicates, []
        return [(operation, failure) for operation, failure in refused if failure.matches] + again

    async def resend_allowing_duplicates(self) -> None:
        """Change the people all the same whose change a duplicate rule only warned of.

        A collection does not say whether the rule alerts or blocks: one that blocks refuses again.
        """
        refused, self.duplicate_refused_updates = self.duplicate_refused_updates, []
        for operation in refused:
            warning = update_alert_warning(operation.record.sobject)
            self.items.apply(ItemDecision(item, warnings=(warning,)) for item in self.items.of(operation))
        await self.run([replace(each, headers=(*each.headers, *ALLOW_ALERTS.items())) for each in refused])

    async def _create_alone(self, operation: WriteOperation) -> None:
        if not await self._record_intents([operation]):
            return
        self.sent_individually.add(operation)
        record, headers = operation.record, dict(operation.headers) or None
        creating = self.client.create(record.sobject, record.fields, headers=headers)
        try:
            result = RowResult(await self._send_marking(creating, [operation]))
        except RequestRejected as refused:
            result = RowResult(None, refused.failures)
        raise_interruption([self._apply_result(operation, result)])

    async def _send_singles(self, operations: Sequence[WriteOperation]) -> None:
        ready = await self._record_intents(operations)
        self.sent_individually.update(ready)
        version = self.client.api_version
        requests = [single_request(f"single{n}", each, version) for n, each in enumerate(ready)]
        try:
            answers = await self._send_composite(requests, ready)
        except RequestRejected:
            self.mark_not_applied(ready)
            raise
        raise_interruption([self._apply_response(*each) for each in zip(ready, answers, strict=True)])

    async def execute_dependent(self, groups: Sequence[DependentGroup]) -> None:
        """Write new people with the records that point to them, in one composite.

        What was refused with its person leaves no trace, so that it is planned anew. Raises as `run` does.
        """
        operations = [operation for group in groups for operation in group.operations]
        ready = {id(operation) for operation in await self._record_intents(operations)}
        sendable = [group for group in groups if id(group.person) in ready]
        self.mark_not_applied(
            each for group in groups if id(group.person) not in ready for each in group.dependents
        )
        if not sendable:
            return
        sent = [operation for group in sendable for operation in group.operations]
        requests = [each for group in sendable for each in group.requests(self.client.api_version)]
        try:
            answers = iter(await self._send_composite(requests, sent))
        except RequestRejected as refused:
            self.mark_not_applied(sent)
            if action_for(refused.failure) in DRAIN_STOPPING:
                raise
            await self.run([group.person for group in sendable])
            return
        self.sent_individually.update(sent)
        of_groups = [(group, [next(answers) for _ in group.operations]) for group in sendable]
        raise_interruption([found for each in of_groups for found in self._apply_group(*each)])

    def _apply_group(
        self, group: DependentGroup, answers: Sequence[SubResponse]
    ) -> list[Interruption | None]:
        person = group.person
        interruptions = [self._apply_response(person, answers[0])]
        is_there = not answers[0].failures and all(
            item.person and item.person.sobject == person.record.sobject for item in self.items.of(person)
        )
        for operation, answer in zip(group.dependents, answers[1:], strict=True):
            # Of a person who was refused, or turned into a Contact on the way in, the next step plans anew.
            if not is_there and is_certainly_refused(answer):
                self.mark_not_applied([operation])
            else:
                interruptions.append(self._apply_response(operation, answer))
        return interruptions

    async def _send(self, calls: Sequence[Call]) -> None:
        """Send these calls at once, with one commit of what they intend, and read all of their answers."""
        operations = [operation for call in calls for operation in operations_of(call)]
        ready = {id(operation) for operation in await self._record_intents(operations)}
        kept = ([[each for each in chunk if id(each) in ready] for chunk in call] for call in calls)
        sent: list[Call] = [some for call in kept if (some := [chunk for chunk in call if chunk])]
        answered = await asyncio.gather(*map(self._answers, sent), return_exceptions=True)
        interruptions: list[SalesforceError | Halted] = []
        for call, answers in zip(sent, answered, strict=True):
            try:
                await self._read_or_split(call, answers)
            except (SalesforceError, Halted) as error:
                interruptions.append(error)
                for operation in operations_of(call):
                    self.items.apply(slot_unreached(operation, self.items.of(operation)))
        raise_interruption(interruptions)

    async def _read_or_split(self, call: Call, answers: list[SubResponse] | BaseException) -> None:
        if isinstance(answers, RequestRejected):
            await self._split(operations_of(call), answers)
        elif isinstance(answers, BaseException):
            raise answers
        else:
            await self._read(call, answers)

    async def _read(self, chunks: Sequence[CollectionOperations], answers: Sequence[SubResponse]) -> None:
        lost: ResponseLost | None = None
        refused_chunks: list[tuple[CollectionOperations, RequestRejected]] = []
        over_limit: list[WriteOperation] = []
        stopped: RequestRejected | None = None
        for chunk, answer in zip(chunks, answers, strict=True):
            try:
                results = parse_collection(answer, len(chunk))
            except ResponseLost as error:
                lost = error
                self._mark_interrupted(chunk, error)
            except RequestRejected as refused:
                refused_chunks.append((chunk, refused))
            else:
                over_limit += beyond_limits(chunk, results, self.store.lease.caps)
                resent_ids = set(map(id, over_limit))
                async for operation, result in yielding(zip(chunk, results, strict=True)):
                    if id(operation) not in resent_ids:
                        found = self._apply_result(operation, result)
                        stopped = stopped or found
        self.mark_not_applied(over_limit)
        if stopped is not None:
            self.mark_not_applied(operation for chunk, _ in refused_chunks for operation in chunk)
            raise lost or stopped
        for call in pack(over_limit, self.store.lease.caps):
            await self._send([call])
        for chunk, refusal in refused_chunks:
            await self._split(chunk, refusal)
        if lost is not None:
            raise lost

    async def _split(self, operations: Sequence[WriteOperation], refused: RequestRejected) -> None:
        """Find the record that alone makes a call fail, by halving; the others go through."""
        if action_for(refused.failure) in DRAIN_STOPPING:
            for operation in operations:
                self._log(operation, RowResult(None, refused.failures))
            self.mark_not_applied(operations)
            raise refused
        if len(operations) == 1:
            self._apply_result(operations[0], RowResult(None, refused.failures))
            return
        middle = len(operations) // 2
        for half in (operations[:middle], operations[middle:]):
            for call in pack(half, self.store.lease.caps):
                await self._send([call])

    async def _send_composite(
        self, requests: Sequence[Subrequest], operations: Sequence[WriteOperation]
    ) -> list[SubResponse]:
        if not requests:
            return []
        return await self._send_marking(self.client.composite(requests), operations)

    async def _answers(self, call: Call) -> list[SubResponse]:
        """Of collections: in one composite, but what Salesforce would take for references goes by itself."""
        requests = [collection_request(chunk, n, self.client.api_version) for n, chunk in enumerate(call)]
        operations = operations_of(call)
        # Such a collection is packed into a call of its own.
        if len(requests) == 1 and any(has_reference_text(each.record.fields) for each in operations):
            [request] = requests
            return [await self._send_marking(self.client.collection(request), operations)]
        return await self._send_composite(requests, operations)

    async def _send_marking(
        self, response: Awaitable[Answer], operations: Sequence[WriteOperation]
    ) -> Answer:
        try:
            return await response
        except RequestRejected:
            raise
        except SalesforceError as error:
            self._mark_interrupted(operations, error)
            raise

    async def _record_intents(self, operations: Sequence[WriteOperation]) -> list[WriteOperation]:
        """Commit what is about to be sent; returns the operations that no create lock of another forbids.

        Raises LeaseLost, and Halted where another batch of the turn was interrupted.
        """
        if not operations:
            return []
        self.under_way.check()
        async with self.store.database.tenant(self.store.batch.host_id, keeps_plans=True) as session:
            now, create_locks = await self.store.lock_for_writes(session, list(self.items), operations)
            ready = [each for each in operations if create_locks.keys().isdisjoint(each.create_locks)]
            for operation in ready:
                self.items.apply(slot_intended(operation, self.items.of(operation), now))
            await self.store.save(session, self.items)
        self.items.mark_persisted()
        self.committed_at = (now, time.monotonic())
        for operation in operations if create_locks else ():
            for locked_at in (create_locks[key] for key in operation.create_locks if key in create_locks):
                recheck_at = next_recheck(locked_at, self.clock.lost_write_window, now)
                self.items.apply(
                    ItemDecision(item, Blocked(Obstacle.CREATE_LOCK), recheck_at=recheck_at)
                    for item in self.items.of(operation)
                )
        return ready

    def mark_not_applied(self, operations: Iterable[WriteOperation]) -> None:
        for operation in operations:
            self.items.apply(slot_not_applied(operation, self.items.of(operation)))

    def _mark_interrupted(self, operations: Sequence[WriteOperation], error: SalesforceError) -> None:
        is_ambiguous = isinstance(error, ResponseLost) and "reconcile" not in self.store.lease.guards_off
        ended_at = self._now() if isinstance(error, BrokenOff) else None
        LOST_ANSWERS.inc(len(operations) if isinstance(error, ResponseLost) else 0)
        for operation in operations:
            if isinstance(error, ResponseLost):
                self._log(operation, error)
            if is_ambiguous:
                self.items.apply(slot_ambiguous(operation, self.items.of(operation), ended_at=ended_at))
            else:
                self.mark_not_applied([operation])

    def _now(self) -> datetime:
        """The database's time, by what it was at the last commit."""
        return self.committed_at[0] + timedelta(seconds=time.monotonic() - self.committed_at[1])

    def _log(self, operation: WriteOperation, result: RowResult | ResponseLost) -> None:
        logged = self._logged(operation, result)
        self.items.apply(ItemDecision(item, logged=logged) for item in self.items.of(operation))

    def _logged(self, operation: WriteOperation, result: RowResult | ResponseLost) -> LoggedRequest:
        # To hash an operation is to hash all of its values.
        is_individual = bool(self.sent_individually) and operation in self.sent_individually
        answer = lost_answer(result) if isinstance(result, ResponseLost) else response_answer(result)
        version = self.client.api_version
        return logged_request(operation, answer, api_version=version, is_individual=is_individual)

    def _apply_response(self, operation: WriteOperation, answer: SubResponse) -> Interruption | None:
        """Apply what one subrequest brought back; returns why nothing more may be sent."""
        self.sent_individually.add(operation)
        try:
            result = RowResult(parse_written(answer, operation.record.id))
        except RequestRejected as refused:
            result = RowResult(None, refused.failures)
        except ResponseLost as error:
            self._mark_interrupted([operation], error)
            return error
        return self._apply_result(operation, result)

    def _apply_result(self, operation: WriteOperation, result: RowResult) -> RequestRejected | None:
        """Apply the result to the operation's items; returns a rejection that would meet all others."""
        if result.is_success and result.id is not None:
            logged, items = self._logged(operation, result), self.items.of(operation)
            self.items.apply(slot_written(operation, items, result.id, logged=logged))
            return None
        self._log(operation, result)
        if is_key_taken(operation, result.failures[0]):
            self.items.apply(slot_ambiguous(operation, self.items.of(operation)))
            self.taken_keys.append((operation, result.failures[0]))
        elif operation.create_lock is not None and is_duplicate(result):
            self.mark_not_applied([operation])
            self.duplicates.append((operation, result.failures[0]))
        elif is_alert_refusal(operation, result):
            self.mark_not_applied([operation])
            self.duplicate_refused_updates.append(operation)
        else:
            self.apply_rejection(operation, result.failures[0])
            self.store.lease.caps.has_met_locks |= result.failures[0].error_code == RECORD_LOCKED
            if action_for(result.failures[0]) in DRAIN_STOPPING:
                return RequestRejected(result.failures)
        return None

    def apply_rejection(self, operation: WriteOperation, failure: ApiError) -> None:
        decided = list(decide_rejection(operation, self.items.of(operation), failure))
        if any(decision.stale_describes for decision in decided):
            self.under_way.contradict_describe()
        self.items.apply(decided)
