"""How operations become requests: collections, single subrequests, and people with what points to them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.salesforce.composite import (
    MAX_QUERIES_AND_COLLECTIONS,
    MAX_ROWS,
    Subrequest,
    collection_create,
    collection_update,
    create_request,
    has_reference_text,
    update_request,
)
from app.sync.model.row_caps import Caps
from app.sync.model.work_item import WriteOperation

CollectionOperations = Sequence[WriteOperation]
"""The operations of one collection."""


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


def pack(operations: Sequence[WriteOperation], caps: Caps) -> Iterator[list[CollectionOperations]]:
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
