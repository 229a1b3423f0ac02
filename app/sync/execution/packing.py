"""How operations become requests: collections, single subrequests, and people with what points to them."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from app.salesforce.composite import (
    MAX_QUERIES_AND_COLLECTIONS,
    MAX_ROWS,
    RowResult,
    Subrequest,
    collection_create,
    collection_update,
    create_request,
    has_reference_text,
    update_request,
)
from app.sync.model.records import CAMPAIGN_MEMBER, TASK
from app.sync.model.retry_policy import is_beyond_limits
from app.sync.model.row_caps import Caps
from app.sync.model.work_item import WriteOperation

CollectionOperations = Sequence[WriteOperation]
"""The operations of one collection."""

Call = Sequence[CollectionOperations]
"""The collections of one composite, or one that goes by itself."""


@dataclass(frozen=True)
class DependentGroup:
    """A new person, and the records that name it by `reference_id` in the same composite.

    Each is written or refused by itself (allOrNone is false), and what names a person who was refused is
    refused as well, so nothing can exist without its person.
    https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_composite.htm
    """

    number: int
    person: WriteOperation
    dependents: tuple[WriteOperation, ...]

    @property
    def reference_id(self) -> str:
        return person_reference_id(self.number)

    @property
    def operations(self) -> tuple[WriteOperation, ...]:
        return (self.person, *self.dependents)

    def requests(self, api_version: str) -> list[Subrequest]:
        """One subrequest per operation, the person first."""
        parts = (
            single_request(f"part{self.number}_{n}", each, api_version)
            for n, each in enumerate(self.dependents)
        )
        return [single_request(self.reference_id, self.person, api_version), *parts]


def person_reference_id(number: int) -> str:
    """The reference id of a composite's new person."""
    return f"person{number}"


def single_request(reference_id: str, operation: WriteOperation, api_version: str) -> Subrequest:
    """A subrequest for this record alone."""
    record = operation.record
    if record.id is not None:
        return update_request(reference_id, record.sobject, record.id, record.fields, api_version=api_version)
    headers = dict(operation.headers) or None
    return create_request(
        reference_id, record.sobject, record.fields, api_version=api_version, headers=headers
    )


def collection_request(chunk: CollectionOperations, number: int, api_version: str) -> Subrequest:
    """A subrequest for all records of a chunk."""
    build = collection_create if chunk[0].is_create else collection_update
    records = [operation.record for operation in chunk]
    headers = dict(chunk[0].headers) or None
    return build(f"part{number}", records, api_version=api_version, headers=headers)


def sent_together(calls: Iterable[Call], caps: Caps) -> Iterator[list[Call]]:
    """The calls in their order, two at once where the second one makes Tasks alone, and the first one at most
    members beside.

    A member locks its campaign and its person, a completed Task nothing: but an org's automations may lock
    the person for it, so the second call is sent from its end.
    https://developer.salesforce.com/blogs/engineering/2014/07/record-locking-cheat-sheet.html
    """
    before: Call | None = None
    for call in calls:
        if before is None:
            before = call
        elif not caps.has_met_locks and _creates(call, {TASK}) and _creates(before, {TASK, CAMPAIGN_MEMBER}):
            yield [before, call[::-1]]
            before = None
        else:
            yield [before]
            before = call
    if before is not None:
        yield [before]


def _creates(call: Call, sobjects: Collection[str]) -> bool:
    """Whether it creates records of these objects and nothing else."""
    return all(each.is_create and each.record.sobject in sobjects for each in operations_of(call))


def beyond_limits(
    chunk: CollectionOperations, results: Sequence[RowResult], caps: Caps
) -> list[WriteOperation]:
    """The records that an automation of the org could not take together: to be sent again."""
    again = []
    for sobject in dict.fromkeys(operation.record.sobject for operation in chunk):
        of_object = [each for each in zip(chunk, results, strict=True) if each[0].record.sobject == sobject]
        refused = [each for each, result in of_object if is_beyond_limits(result.failures)]
        if not refused:
            caps.note_clean(sobject, len(of_object))
        elif len(of_object) > 1:
            caps.halve(sobject, len(of_object))
            again += refused
    return again


def operations_of(call: Call) -> list[WriteOperation]:
    """The operations of all collections of a call."""
    return [operation for chunk in call for operation in chunk]


def pack(operations: Sequence[WriteOperation], caps: Caps) -> Iterator[Call]:
    """Groups that fit one composite: creates before updates, each collection sorted by object.

    Headers are those of a whole collection. A collection with texts that look like references is a group of
    its own, and an object with a cap has collections of its own.
    """
    groups: dict[tuple[bool, bool, tuple[tuple[str, str], ...], str], list[WriteOperation]] = {}
    for each in sorted(operations, key=lambda each: (not each.is_create, each.record.sobject)):
        is_literal, sobject = has_reference_text(each.record.fields), each.record.sobject
        capped = sobject if sobject in caps.known else ""
        groups.setdefault((is_literal, each.is_create, each.headers, capped), []).append(each)
    chunks: dict[bool, list[CollectionOperations]] = {False: [], True: []}
    for (is_literal, _, _, capped), some in groups.items():
        rows = caps.rows_of(capped, MAX_ROWS)
        chunks[is_literal] += [some[start : start + rows] for start in range(0, len(some), rows)]
    for start in range(0, len(chunks[False]), MAX_QUERIES_AND_COLLECTIONS):
        yield chunks[False][start : start + MAX_QUERIES_AND_COLLECTIONS]
    yield from ([chunk] for chunk in chunks[True])
