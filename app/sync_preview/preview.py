"""Preview: a dry run of one registration beside the current values in Salesforce."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from app.api.dependencies import Resources
from app.registrations.row_view import record_link
from app.salesforce.client import SalesforceClient
from app.salesforce.composite import parse_query, query_request
from app.salesforce.ids import to18
from app.salesforce.soql import quote
from app.sync.engine.dry_run import DryRunResult
from app.sync.lookup.describe_cache import load_describes
from app.sync.model.batch import ACCOUNT_SLOT, PERSON, PERSON_UPDATE, SlotKey
from app.sync.model.emails import EMAIL_SLOTS
from app.sync.model.record_kinds import kind_of_slot, written_objects, written_slots
from app.sync_preview.dry_run import DryRunContext, dry_run_context, to_response
from app.sync_preview.preview_fields import BESIDE, PlannedRecord, fields_to_show, preview_fields
from app.sync_preview.schemas import Preview, RecordPreview

QUERIES_MAX: Final = 5
"""Queries that one composite call may hold."""


async def preview(resources: Resources, host_id: str, event_id: str, *, registration_id: str) -> Preview:
    """What would be created or changed now; nothing is written. Raises as a dry run does."""
    async with dry_run_context(resources, host_id, event_id, registration_id=registration_id) as run:
        records = await _with_values(resources, run, planned_records(run.result))
    return _to_response(run, records)


def planned_records(result: DryRunResult) -> list[PlannedRecord]:
    """The records that the run would write or leave as they are, the person first."""
    slots = {_place(*key): slot for key, slot in result.item.slots.items()}
    requests = {_place(each.slot, each.instance_key): each.request for each in result.item.logged_requests}
    # A change of the person's fields has a slot of its own beside the person's.
    slots.pop(_place(PERSON if _place(PERSON_UPDATE) in requests else PERSON_UPDATE), None)
    plan = partial(PlannedRecord, job=result.item.job, warnings=list(dict.fromkeys(result.item.warnings)))
    written = []
    for place, request in requests.items():
        [record] = request["body"].get("records", [request["body"]])
        sobject = record.get("attributes", {}).get("type") or request["path"].rpartition("/")[2]
        current = slots.get(place) if request["method"] != "POST" else None
        sent = {name: result.client.shown(value) for name, value in record.items() if name not in BESIDE}
        record_id = current.sf_id if current else None
        written.append(plan(part=_part(place.slot), sobject=sobject, record_id=record_id, sent=sent))
    kept = [
        plan(part=_part(place.slot), sobject=slot.sobject, record_id=slot.sf_id)
        for place, slot in slots.items()
        if place not in requests and slot.sf_id is not None
    ]
    # The Account that a new Contact needs goes before the person.
    order = list(dict.fromkeys(_part(slot) for slot in (ACCOUNT_SLOT, *written_slots())))
    return sorted(
        [*written, *kept], key=lambda each: order.index(each.part) if each.part in order else len(order)
    )


def _place(slot: str, instance_key: str = "") -> SlotKey:
    """Each e-mail has a place of its own; of the members of several campaigns one is shown."""
    return SlotKey(slot, instance_key if slot in EMAIL_SLOTS else "")


def _part(slot: str) -> str:
    if slot == PERSON_UPDATE:
        return PERSON
    kind = kind_of_slot(slot)
    return kind.milestone if kind is not None and kind.milestone else slot.partition(":")[0]


async def _with_values(
    resources: Resources, run: DryRunContext, records: Sequence[PlannedRecord]
) -> list[PlannedRecord]:
    """The records with their describes and, where they exist, with their current values."""
    describes = await load_describes(
        resources.database,
        run.client,
        host_id=run.context.host_id,
        org_id=run.context.org_id or "",
        sobjects={each.sobject for each in records} & written_objects(),
    )
    described = [replace(each, describe=describes.get(each.sobject)) for each in records]
    values = await _read_values(run.client, described)
    return [replace(each, now=values.get(each.record_id or "", {})) for each in described]


async def _read_values(
    client: SalesforceClient, records: Sequence[PlannedRecord]
) -> dict[str, dict[str, Any]]:
    """Read the current values of shown fields by record id: one call, none if there is nothing to read."""
    existing = {each.record_id: each for each in records if each.record_id}
    requests = [
        query_request(f"record{n}", _soql(each, names), api_version=client.api_version)
        for n, each in enumerate(existing.values())
        if (names := fields_to_show(each))
    ]
    if not requests:
        return {}
    responses = await client.composite(requests[:QUERIES_MAX])
    found = [record for response in responses for record in parse_query(response).records]
    return {to18(record["Id"]): record for record in found}


def _soql(each: PlannedRecord, names: Sequence[str]) -> str:
    fields = ", ".join(dict.fromkeys(("Id", *names)))
    return f"SELECT {fields} FROM {each.sobject} WHERE Id = {quote(each.record_id or '')}"  # noqa: S608


def _to_response(run: DryRunContext, planned: Sequence[PlannedRecord]) -> Preview:
    dry = to_response(run.result, run.context)
    instance_url = run.context.instance_url
    records = [
        RecordPreview(
            part=each.part,
            object=each.sobject,
            record=record_link(each.sobject, each.record_id, instance_url) if each.record_id else None,
            action=_action(each),
            fields=preview_fields(each),
        )
        for each in planned
    ]
    return Preview.model_validate(
        {**dict(dry), "records": records, "calls_spent": dry.calls_spent + run.client.calls}
    )


def _action(each: PlannedRecord) -> str:
    if each.record_id is None:
        return "create"
    return "update" if each.sent else "keep"
