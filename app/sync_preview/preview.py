"""Preview: a dry run of one registration beside the current values in Salesforce."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from app.api.dependencies import Resources
from app.registrations.row_view import record_link
from app.salesforce.client import SalesforceClient
from app.salesforce.composite import parse_query, query_request
from app.salesforce.describe import SObjectDescribe
from app.salesforce.ids import to18
from app.salesforce.recording_client import RecordingClient
from app.salesforce.soql import quote
from app.sync.engine.dry_run import DryRunResult
from app.sync.lookup.describe_cache import load_describes
from app.sync.model.batch import ACCOUNT_SLOT, PERSON, PERSON_UPDATE, WrittenSlot
from app.sync.model.record_kinds import kind_of_slot, written_objects, written_slots
from app.sync_preview.dry_run import DryRunContext, dry_run_context, to_response
from app.sync_preview.preview_fields import BESIDE, PlannedRecord, fields_to_show, preview_fields
from app.sync_preview.schemas import Preview, RecordPreview

QUERIES_MAX: Final = 5
"""Queries that one composite call may hold."""


@dataclass(frozen=True)
class AffectedRecord:
    """One record of the registration: the fields of its request, and its id if it exists."""

    part: str
    sobject: str
    sent: Mapping[str, Any]
    record_id: str | None


async def preview(resources: Resources, host_id: str, event_id: str, *, registration_id: str) -> Preview:
    """What would be created or changed now; nothing is written. Raises as a dry run does."""
    async with dry_run_context(resources, host_id, event_id, registration_id=registration_id) as done:
        touched = affected_records(done.rehearsal)
        planned = await _planned(resources, done, touched)
    return _to_response(done, touched, planned)


def affected_records(rehearsal: DryRunResult) -> list[AffectedRecord]:
    """The records that the run would write or leave as they are, the person first."""
    slots = {key.slot: slot for key, slot in rehearsal.row.slots.items()}
    sent = {each.slot: each.request for each in rehearsal.row.exchanges}
    # A change of the person's fields has a slot of its own beside the person's.
    slots.pop(PERSON if PERSON_UPDATE in sent else PERSON_UPDATE, None)
    written = [_written(slot, request, slots.get(slot), rehearsal.client) for slot, request in sent.items()]
    kept = [
        AffectedRecord(_part(name), slot.sobject, {}, slot.sf_id)
        for name, slot in slots.items()
        if name not in sent and slot.sf_id is not None
    ]
    # The Account that a new Contact needs goes before the person.
    order = list(dict.fromkeys(_part(slot) for slot in (ACCOUNT_SLOT, *written_slots())))
    return sorted(
        [*written, *kept], key=lambda each: order.index(each.part) if each.part in order else len(order)
    )


def _written(
    slot: str, request: Mapping[str, Any], standing: WrittenSlot | None, client: RecordingClient
) -> AffectedRecord:
    [record] = request["body"].get("records", [request["body"]])
    sobject = record.get("attributes", {}).get("type") or request["path"].rpartition("/")[2]
    is_new = request["method"] == "POST"
    fields = {name: client.shown(value) for name, value in record.items() if name not in BESIDE}
    return AffectedRecord(
        _part(slot), sobject, fields, None if is_new or standing is None else standing.sf_id
    )


def _part(slot: str) -> str:
    if slot == PERSON_UPDATE:
        return PERSON
    kind = kind_of_slot(slot)
    return kind.milestone if kind is not None and kind.milestone else slot.partition(":")[0]


async def _planned(
    resources: Resources, done: DryRunContext, touched: Sequence[AffectedRecord]
) -> list[PlannedRecord]:
    context = done.context
    describes = await load_describes(
        resources.database,
        done.client,
        host_id=context.host_id,
        org_id=context.org_id or "",
        sobjects={each.sobject for each in touched} & written_objects(),
    )
    blank = [_plan(each, done, describes) for each in touched]
    standing = await _read_standing(done.client, list(zip(touched, blank, strict=True)))
    return [
        replace(plan, now=standing.get(each.record_id or "", plan.now))
        for each, plan in zip(touched, blank, strict=True)
    ]


def _plan(
    each: AffectedRecord, done: DryRunContext, describes: Mapping[str, SObjectDescribe]
) -> PlannedRecord:
    row = done.rehearsal.row
    return PlannedRecord(
        part=each.part,
        sobject=each.sobject,
        job=row.job,
        sent=each.sent,
        now=None if each.record_id is None else {},
        describe=describes.get(each.sobject),
        warnings=list(dict.fromkeys(row.warnings)),
    )


async def _read_standing(
    client: SalesforceClient, plans: Sequence[tuple[AffectedRecord, PlannedRecord]]
) -> dict[str, dict[str, Any]]:
    """Read the current values of shown fields by record id: one call, none if there is nothing to read."""
    wanted = {each.record_id: (each, fields_to_show(plan)) for each, plan in plans if each.record_id}
    requests = [
        query_request(f"record{n}", _soql(each, names), api_version=client.api_version)
        for n, (each, names) in enumerate(wanted.values())
        if names
    ]
    if not requests:
        return {}
    answers = await client.composite(requests[:QUERIES_MAX])
    records = [record for answer in answers for record in parse_query(answer).records]
    return {to18(record["Id"]): record for record in records}


def _soql(each: AffectedRecord, names: Sequence[str]) -> str:
    fields = ", ".join(dict.fromkeys(("Id", *names)))
    return f"SELECT {fields} FROM {each.sobject} WHERE Id = {quote(each.record_id or '')}"  # noqa: S608


def _to_response(
    done: DryRunContext, touched: Sequence[AffectedRecord], planned: Sequence[PlannedRecord]
) -> Preview:
    dry = to_response(done.rehearsal, done.context)
    instance_url = done.context.instance_url
    records = [
        RecordPreview(
            part=each.part,
            object=each.sobject,
            record=record_link(each.sobject, each.record_id, instance_url) if each.record_id else None,
            action=_action(each),
            fields=preview_fields(plan),
        )
        for each, plan in zip(touched, planned, strict=True)
    ]
    return Preview.model_validate(
        {**dict(dry), "records": records, "calls_spent": dry.calls_spent + done.client.calls}
    )


def _action(each: AffectedRecord) -> str:
    if each.record_id is None:
        return "create"
    return "update" if each.sent else "keep"
