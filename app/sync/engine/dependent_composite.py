"""A few new people with their Tasks and members in one composite: later parts name the person by reference.

Each part is written or refused by itself (allOrNone is false), and a part whose person was refused is
refused with it, so nothing can stand without its person.
https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_composite.htm
"""

from collections.abc import Sequence

from app.salesforce.composite import (
    MAX_SUBREQUESTS,
    Record,
    Subrequest,
    SubResponse,
    create_request,
    has_reference_text,
    update_request,
)
from app.salesforce.errors import RequestRejected
from app.sync.execution.executor import Executor
from app.sync.execution.write_transitions import mark_not_applied
from app.sync.lookup.lookup import LookupResult
from app.sync.model.batch import Batch
from app.sync.model.records import ACCOUNT, Found
from app.sync.model.retry_policy import DRAIN_STOPPING, ErrorAction, action_for
from app.sync.model.work_item import WriteOperation
from app.sync.planning.plan_writes import plan_writes

POINTING_FIELDS = frozenset({"WhoId", "LeadId", "ContactId"})
"""Fields of a Task or member that hold the person's id and nothing else."""

PersonWithDependents = tuple[WriteOperation, list[WriteOperation]]


def plan_dependent_composite(
    people: Sequence[WriteOperation], found: LookupResult, *, batch: Batch, executor: Executor
) -> list[PersonWithDependents]:
    """Each new person with what depends on it; empty where a composite could not hold them all.

    The Contact of a Person Account has no id that could be referred to, and texts that look like references
    themselves must stay outside of composites.
    """
    if not 0 < len(people) < MAX_SUBREQUESTS or any(each.record.sobject == ACCOUNT for each in people):
        return []
    families = []
    for number, person in enumerate(people):
        for row in person.rows:
            row.person = Found(person.record.sobject, f"@{{person{number}.id}}", "created")
        pieces = plan_writes(person.rows, found, batch=batch, clock=executor.clock)
        families.append((person, [part for piece in pieces for part in piece]))
        _forget_placeholder(person)
    if any(_has_foreign_reference(each.record) for person, parts in families for each in (person, *parts)):
        return []
    size = sum(1 + len(parts) for _, parts in families)
    return families if len(people) < size <= MAX_SUBREQUESTS else []


async def execute_dependent_composite(executor: Executor, families: Sequence[PersonWithDependents]) -> None:
    """Send them; what was refused with its person is planned again by whoever comes next.

    Raises as `Executor.run` does.
    """
    everything = [each for person, parts in families for each in (person, *parts)]
    ready = {id(each) for each in await executor.intend(everything)}
    sendable = [(n, family) for n, family in enumerate(families) if id(family[0]) in ready]
    for person, parts in families:
        if id(person) not in ready:
            _mark_unwritten(parts)
    if not sendable:
        return
    requests = [request for n, family in sendable for request in _requests(n, family, executor)]
    sent = [each for _, (person, parts) in sendable for each in (person, *parts)]
    try:
        answers = iter(await executor.composite(requests, sent))
    except RequestRejected as refused:
        _mark_unwritten(sent)
        if action_for(refused.failure) in DRAIN_STOPPING:
            raise
        await executor.run([person for _, (person, _) in sendable])
        return
    executor.alone.update(sent)
    for _, (person, parts) in sendable:
        _read(executor, person, parts, [next(answers) for _ in range(1 + len(parts))])
    executor.raise_ended()


def _requests(number: int, family: PersonWithDependents, executor: Executor) -> list[Subrequest]:
    person, parts = family
    return [
        _request(f"person{number}", person, executor),
        *(_request(f"part{number}_{n}", part, executor) for n, part in enumerate(parts)),
    ]


def _request(reference_id: str, operation: WriteOperation, executor: Executor) -> Subrequest:
    record, version = operation.record, executor.client.api_version
    if record.id is None:
        return create_request(
            reference_id,
            record.sobject,
            record.fields,
            api_version=version,
            headers=dict(operation.headers) or None,
        )
    return update_request(reference_id, record.sobject, record.id, record.fields, api_version=version)


def _read(
    executor: Executor,
    person: WriteOperation,
    parts: Sequence[WriteOperation],
    answers: Sequence[SubResponse],
) -> None:
    executor.settle_single(person, answers[0])
    is_there = not answers[0].failures and all(
        row.person and row.person.sobject == person.record.sobject for row in person.rows
    )
    for part, answer in zip(parts, answers[1:], strict=True):
        # Of a person who was refused, or turned into a Contact on the way in, the next step plans anew.
        if not is_there and _is_refused(answer):
            mark_not_applied(part, is_failed=False)
        else:
            executor.settle_single(part, answer)


def _is_refused(answer: SubResponse) -> bool:
    """For certain, that is: a part may also come back without Salesforce's own word."""
    if not answer.failures or answer.failures[0].may_be_kept:
        return False
    return action_for(answer.failures[0]) is not ErrorAction.LOOK


def _mark_unwritten(operations: Sequence[WriteOperation]) -> None:
    for operation in operations:
        mark_not_applied(operation, is_failed=False)


def _has_foreign_reference(record: Record) -> bool:
    """Whether a text of the record looks like a reference, besides those to our new people."""
    fields = {name: value for name, value in record.fields.items() if name not in POINTING_FIELDS}
    return has_reference_text(fields)


def _forget_placeholder(person: WriteOperation) -> None:
    for row in person.rows:
        row.person = None
