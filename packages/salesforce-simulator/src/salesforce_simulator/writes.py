"""Create, update and delete of one row, in Salesforce's order of checks.

Names and permissions, types, lookups, defaults, the object's own rules, required fields, lengths and formats,
validation rules, duplicate rules, unique fields, the row, and what follows from it
(Apex Developer Guide, "Triggers and Order of Execution").
"""

from collections.abc import Mapping
from typing import Any

from salesforce_simulator import field_types, ids
from salesforce_simulator.errors import (
    ErrorItem,
    SalesforceError,
    entity_is_deleted,
    malformed_id,
    not_found,
    save_refusal,
)
from salesforce_simulator.field_input import parse_input
from salesforce_simulator.metadata.schema import Field, SObject
from salesforce_simulator.metadata.standard import NEVER_UNDELETED
from salesforce_simulator.org import Org
from salesforce_simulator.rules import (
    automations,
    duplicates,
    record_types,
    state_picklists,
    triggers,
    validation,
)
from salesforce_simulator.store import Row
from salesforce_simulator.write_context import WriteContext
from salesforce_simulator.write_rules import WriteRules


def create(org: Org, sobject: SObject, given: Mapping[str, Any], write: WriteContext) -> str:
    """Insert a row and return its id; raises SalesforceError."""
    rules = _rules(org, sobject)
    _check_permission(org, sobject, is_allowed=rules.is_createable)
    _check_storage(org)
    changes = parse_input(org, rules, given, flag="C", raw=write.raw)
    org.on_row_write(sobject.name, changes)
    row = dict(rules.blank)
    if "OwnerId" in row:
        row["OwnerId"] = write.user_id
    row |= changes
    with org.store.savepoint():
        row = state_picklists.fill_codes(rules.places, sobject, row, changes)
        row = record_types.with_default(rules.record_types, row)
        row = triggers.before_insert(org, sobject.name, row, write.user_id)
        _assign(org, sobject.name, row, event="insert", auto_assign=write.auto_assign)
        _check_row(org, rules, row, changed=None)
        validation.check(org, sobject.name, row)
        duplicates.check(org, sobject.name, row, event="insert", write=write)
        _check_unique(org, rules, row, None)
        automations.check(org, sobject.name, row, event="insert", write=write)
        row |= {"Id": org.store.next_id(sobject.name), **_audit(org, write.user_id, is_new=True)}
        org.store.upsert(sobject.name, row)
        triggers.after_insert(org, sobject.name, row)
    write.created.add(row["Id"])
    return str(row["Id"])


def update(org: Org, sobject: SObject, record_id: str, given: Mapping[str, Any], write: WriteContext) -> None:
    """Change a row; raises SalesforceError."""
    before = existing_row(org, sobject, record_id)
    _check_permission(org, sobject, is_allowed=sobject.is_updateable and org.edits(org.acting_id, before))
    rules = _rules(org, sobject)
    changes = parse_input(org, rules, given, flag="U", raw=write.raw)
    org.on_row_write(sobject.name, changes)
    with org.store.savepoint():
        _check_unlocked(org, before)
        triggers.check_editable(org, sobject.name, before, changes)
        row = triggers.changed(sobject.name, before, changes)
        row = state_picklists.fill_codes(rules.places, sobject, row, changes)
        row = record_types.with_default(rules.record_types, row)
        row = triggers.before_update(org, sobject.name, before, row)
        _assign(org, sobject.name, row, event="update", auto_assign=write.auto_assign)
        _check_row(org, rules, row, changed=changes)
        validation.check(org, sobject.name, row)
        duplicates.check(org, sobject.name, row, event="update", write=write)
        _check_unique(org, rules, row, str(before["Id"]))
        automations.check(org, sobject.name, row, event="update", write=write)
        row |= _audit(org, write.user_id, is_new=False)
        org.store.upsert(sobject.name, row)
        triggers.after_update(org, sobject.name, before, row)


def delete(org: Org, sobject: SObject, record_id: str, write: WriteContext) -> None:
    """Move a row, and what hangs on it, to the recycle bin; raises SalesforceError."""
    try:
        row = existing_row(org, sobject, record_id)
    except SalesforceError as error:
        if error.items[0].code == "NOT_FOUND":
            message = "invalid cross reference id"
            raise save_refusal("INVALID_CROSS_REFERENCE_KEY", message, status=404) from error
        raise
    _check_permission(org, sobject, is_allowed=sobject.is_deletable and org.edits(org.acting_id, row))
    with org.store.savepoint():
        _check_unlocked(org, row)
        triggers.before_delete(org, sobject.name, row)
        remove(org, sobject.name, row, write.user_id)


def remove(org: Org, name: str, row: Row, user_id: str) -> None:
    """Mark a row deleted together with its cascading children."""
    org.store.update(name, row["Id"], {"IsDeleted": True, **_audit(org, user_id, is_new=False)})
    for child in org.whole.children[name]:
        if child.field.is_cascade:
            for orphan in org.store.find(child.sobject, child.field.name, row["Id"]):
                remove(org, child.sobject, orphan, user_id)


def undelete(org: Org, sobject: SObject, row: Row) -> None:
    """Take a row, and what was deleted with it, out of the recycle bin; raises SalesforceError."""
    with org.store.savepoint():
        _check_unique(org, _rules(org, sobject), row, str(row["Id"]))
        org.store.update(
            sobject.name, row["Id"], {"IsDeleted": False, **_audit(org, org.admin_id, is_new=False)}
        )
        for child in org.whole.children[sobject.name]:
            if child.field.is_cascade and child.sobject not in NEVER_UNDELETED:
                whole = org.whole.objects[child.sobject]
                for orphan in _deleted_with(org, child.sobject, child.field, row):
                    undelete(org, whole, orphan)


def _deleted_with(org: Org, name: str, field: Field, parent: Row) -> list[Row]:
    """The children that went into the recycle bin at the same moment."""
    table = org.store.table(name)
    rows = [table.rows[record_id] for record_id in table.ids_with(field, parent["Id"])]
    return [row for row in rows if row["IsDeleted"] and row["SystemModstamp"] == parent["SystemModstamp"]]


def existing_row(org: Org, sobject: SObject, record_id: str) -> Row:
    """The live, visible row that a URL names; raises MALFORMED_ID, NOT_FOUND or ENTITY_IS_DELETED."""
    try:
        full = ids.normalise(record_id)
    except ids.MalformedId as error:
        raise (malformed_id(record_id) if len(record_id) in {15, 18} else not_found()) from error
    row = org.store.get(sobject.name, full)
    if row is None or not org.is_visible(row):
        raise not_found()
    if row["IsDeleted"]:
        raise entity_is_deleted()
    return row


_OF_MARKETING = frozenset({"Campaign", "CampaignMember"})


def _check_storage(org: Org) -> None:
    if org.config.max_records is not None and org.store.size() >= org.config.max_records:
        status = org.config.storage_status
        raise save_refusal("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded", status=status)


def _check_unlocked(org: Org, row: Row) -> None:
    """A record in an approval process is locked."""
    locked = org.config.locked_records
    if locked and row["Id"][:15] in {record_id[:15] for record_id in locked}:
        raise save_refusal("ENTITY_IS_LOCKED", "the entity is locked for editing")


def _check_permission(org: Org, sobject: SObject, *, is_allowed: bool) -> None:
    if org.config.is_read_only:
        code = "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE"
        raise save_refusal(code, org.config.read_only_message)
    is_campaign = sobject.name in _OF_MARKETING and not org.config.is_marketing_user
    if is_campaign:
        message = f"entity type cannot be inserted: {sobject.label}"
        raise save_refusal("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message)
    if not is_allowed or sobject.name in org.config.read_only_objects:
        raise save_refusal(
            "INSUFFICIENT_ACCESS_OR_READONLY",
            "insufficient access rights on object id",
            status=org.config.access_status,
        )


def _rules(org: Org, sobject: SObject) -> WriteRules:
    return org.rights_of(org.acting_id).write_rules(sobject, org.whole)


def _audit(org: Org, user_id: str, *, is_new: bool) -> Row:
    now = org.now()
    changed = {"LastModifiedDate": now, "LastModifiedById": user_id, "SystemModstamp": now}
    return {**changed, "CreatedDate": now, "CreatedById": user_id} if is_new else changed


def _check_row(org: Org, rules: WriteRules, row: Row, *, changed: Mapping[str, Any] | None) -> None:
    """Required fields first and alone, then every length and format error together."""
    sobject, demanded = rules.sobject, rules.demanded
    missing = [name for name in rules.required if row.get(name) is None]
    if missing and (changed is None or any(name in changed or name in demanded for name in missing)):
        raise field_types.required_missing(missing)
    nulled = [name for name in changed or () if name in sobject.never_null and row[name] is None]
    if nulled:
        raise field_types.required_missing(nulled[:1])
    names = sobject.fields if changed is None else changed
    errors = _text_errors(rules, row, changed)
    if rules.places:
        errors += state_picklists.invalid_places(org, sobject, row, names)
    fields = org.whole.objects[sobject.name].fields
    errors += record_types.invalid_picklist_values(rules.record_types, fields, row, names)
    if errors:
        raise SalesforceError(400, *errors)


def _text_errors(rules: WriteRules, row: Row, changed: Mapping[str, Any] | None) -> list[ErrorItem]:
    """What is wrong with texts, in the order of the row; that of a new one is the order of the fields."""
    if changed is None:
        return [
            error
            for name, harmless, field in rules.texts
            if (value := row[name]) is not None and isinstance(value, str) and len(value) > harmless
            if (error := field_types.check(field, value)) is not None
        ]
    fields = rules.sobject.fields
    found = (field_types.check(fields[name], value) for name, value in row.items() if name in changed)
    return [error for error in found if error is not None]


def _check_unique(org: Org, rules: WriteRules, row: Row, own_id: str | None) -> None:
    """No other living row has the value, whoever sees it; rows without one never collide."""
    for field in rules.unique:
        if row.get(field.name) is not None:
            for other in org.store.find(rules.sobject.name, field.name, row[field.name]):
                if other["Id"] != own_id:
                    raise _value_taken(org, field, other)
            value = str(row[field.name]).lower()
            if any(f'"{value}"' in text for text in org.store.held_texts):
                raise save_refusal("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record")


def _value_taken(org: Org, field: Field, other: Row) -> SalesforceError:
    """The refusal that names the other record by 15 characters of its id, or does not where it is hidden."""
    config = org.config
    is_seen = org.is_visible(other)
    text = config.duplicate_value_message if is_seen else config.hidden_duplicate_value_message
    return save_refusal("DUPLICATE_VALUE", text.format(field=field.name, id=other["Id"][:15]))


def _assign(org: Org, name: str, row: Row, *, event: str, auto_assign: bool) -> None:
    for rule in org.config.assignment_rules:
        if auto_assign and rule.is_active and rule.sobject == name and event in rule.on:
            row["OwnerId"] = ids.normalise(rule.owner_id)
            return
