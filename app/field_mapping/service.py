"""A host's mapping and its events' overrides: read, validate, save, copy.

Salesforce is called between two transactions, never inside one; a mapping can be saved while it is
unavailable.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.api.auth import Principal
from app.api.dependencies import Resources
from app.api.errors import MappingChanged
from app.field_mapping.options import Options, answers_of
from app.field_mapping.org_metadata import try_load_metadata
from app.field_mapping.request_schemas import MappingGiven
from app.field_mapping.response_schemas import (
    EffectiveRules,
    FieldRuleShown,
    Level,
    MappingShown,
    OwnerShown,
    PeopleShown,
)
from app.field_mapping.sources import read_sources
from app.field_mapping.store import Layers, Stored, read_layers, requeue_failed, write_layer
from app.field_mapping.validation import validate_against_org
from app.hosts.preflight_requests import request_preflight
from app.hosts.rows import lock_host
from app.infrastructure import audit_log
from app.models import Connection
from app.sync.lookup.describe_cache import expire_describes
from app.sync.model.mapping_rules import MappingRules
from app.sync.model.record_kinds import mapped_objects
from app.user_messages.catalog import say

CHANGED: Final = "salesforce.mapping_changed"
NAMED_MAX: Final = 50
NOTHING: Final[Mapping[str, Any]] = {}


@dataclass(frozen=True)
class Place:
    """The level of a mapping: the host's own, or one event's overrides."""

    host_id: str
    event_id: str | None = None


async def read_mapping(resources: Resources, place: Place) -> MappingShown:
    """Return the stored mapping. Raises EventNotFound."""
    async with resources.database.tenant(place.host_id) as session:
        layers = await read_layers(session, place.host_id, place.event_id)
    return await _shown(resources, place, layers)


async def validate_mapping(resources: Resources, place: Place, given: MappingGiven) -> MappingShown:
    """Validate the given mapping against the org, without saving. Raises EventNotFound."""
    async with resources.database.tenant(place.host_id) as session:
        layers = await read_layers(session, place.host_id, place.event_id)
    layers = _with_own(layers, Stored(given.layer(), layers.own.version))
    return await _shown(resources, place, layers, is_refresh=True)


async def copy_mapping(resources: Resources, place: Place, *, source: Place, by: Principal) -> MappingShown:
    """Take the mapping of another host or event, for which the caller needs a role there, too.

    Raises HostNotFound, EventNotFound.
    """
    by.role_on(source.host_id)
    async with resources.database.tenant(source.host_id) as session:
        layers = await read_layers(session, source.host_id, source.event_id)
        their_org = await _org_of(session, source.host_id)
    async with resources.database.tenant(place.host_id) as session:
        is_same_org = their_org is not None and their_org == await _org_of(session, place.host_id)
    layer = layers.own.layer if is_same_org else _without_ids(layers.own.layer)
    copied = {"copied_from": {"host_id": source.host_id, "event_id": source.event_id}}
    return await save_mapping(resources, place, layer, by=by.user_id, about=copied)


def _without_ids(layer: Mapping[str, Any]) -> dict[str, Any]:
    """A fixed owner is a user of one org and means nothing in another."""
    is_fixed = bool((layer.get("owner") or NOTHING).get("id"))
    return {name: part for name, part in layer.items() if name != "owner" or not is_fixed}


async def save_mapping(
    resources: Resources,
    place: Place,
    layer: Mapping[str, Any],
    *,
    by: str,
    version: int | None = None,
    about: Mapping[str, Any] = NOTHING,
) -> MappingShown:
    """Replace this level whole, and queue again what failed for how things were set up.

    With `version` only while it is the latest. Raises EventNotFound, MappingChanged.
    """
    async with resources.database.tenant(place.host_id) as session:
        await lock_host(session, place.host_id)
        before = await read_layers(session, place.host_id, place.event_id)
        if version is not None and version != before.own.version:
            raise MappingChanged(say("detail.latest_version", version=before.own.version))
        if layer != before.own.layer:
            await write_layer(session, place.host_id, place.event_id, layer=layer, by=by)
            await _look_again(session, place)
        layers = await read_layers(session, place.host_id, place.event_id)
        # Whatever was changed in the org meanwhile counts for what is tried again.
        mapped = mapped_objects(layers.rules_of_all_links)
        await expire_describes(session, host_id=place.host_id, sobjects=mapped)
        retried = await requeue_failed(session, place.host_id, place.event_id, by=by)
        await _record(session, place, before=before, after=layers, retried=len(retried), about=about, by=by)
    shown = await _shown(resources, place, layers)
    await resources.wakeups.announce(set(retried))
    return shown.model_copy(update={"retried": len(retried)})


async def _record(
    session: AsyncSession,
    place: Place,
    *,
    before: Layers,
    after: Layers,
    retried: int,
    about: Mapping[str, Any],
    by: str,
) -> None:
    changed = changes_between(before.own.layer, after.own.layer)
    if not changed and not retried:
        return
    details = {
        "event_id": place.event_id,
        "version": after.own.version,
        "changed": changed[:NAMED_MAX],
        "changes": len(changed),
        "retried": retried,
        **about,
    }
    await audit_log.append_entry(session, place.host_id, actor=by, action=CHANGED, details=details)


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the names of what differs: `people.create`, `fields.Lead.Diet__c`; never the values."""
    old, new = _flat(before), _flat(after)
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def _flat(layer: Mapping[str, Any]) -> dict[str, Any]:
    parts = {
        f"{part}.{name}": value
        for part in ("people", "record_types", "owner")
        for name, value in (layer.get(part) or NOTHING).items()
    }
    rules = {f"fields.{rule['object']}.{rule['field']}": rule for rule in layer.get("fields") or ()}
    return {**parts, **rules}


def effective_rules(rules: MappingRules, layers: Layers) -> EffectiveRules:
    """The rules that hold with these layers, each field rule with the level that chose it."""
    by_level: tuple[tuple[Level, Stored | None], ...] = (("host", layers.host), ("event", layers.event))
    chosen_by = {
        (each["object"], each["field"]): level
        for level, stored in by_level
        for each in (stored.layer.get("fields", ()) if stored else ())
    }
    fields = [
        FieldRuleShown.model_validate(
            {**vars(rule), "set_by": chosen_by.get((rule.sobject, rule.field), "default")}
        )
        for rule in sorted(rules.fields, key=lambda rule: (rule.sobject, rule.field))
    ]
    return EffectiveRules(
        people=PeopleShown.model_validate(rules),
        record_types=dict(rules.record_types),
        owner=OwnerShown.model_validate(rules.owner),
        task_status=rules.task_status,
        fields=fields,
    )


def _with_own(layers: Layers, own: Stored) -> Layers:
    return replace(layers, host=own) if layers.event is None else replace(layers, event=own)


async def _shown(
    resources: Resources, place: Place, layers: Layers, *, is_refresh: bool = False
) -> MappingShown:
    rules = layers.rules_of_all_links
    view = await try_load_metadata(resources, place.host_id, mapped_objects(rules), is_refresh=is_refresh)
    options = await _options(resources, place, rules)
    findings, required = validate_against_org(rules, layers.own.layer, view, options)
    own = layers.own
    return MappingShown(
        host_id=place.host_id,
        event_id=place.event_id,
        chosen=dict(own.layer),
        effective=effective_rules(layers.rules, layers),
        findings=findings,
        required_without_value=required,
        is_checked=view.why_not is None,
        unchecked_because=view.why_not,
        retried=0,
        version=own.version,
        updated_at=own.updated_at,
        updated_by=own.updated_by,
    )


async def _look_again(session: AsyncSession, place: Place) -> None:
    """Request a preflight: the last one validated the previous mapping."""
    org_id = await _org_of(session, place.host_id)
    if place.event_id is None and org_id is not None:
        await request_preflight(session, place.host_id, org_id)


async def _options(resources: Resources, place: Place, rules: MappingRules) -> Options:
    """What attendees answered so far to the questions that the rules are about."""
    paths = answers_of(rules)
    if not paths:
        return {}
    async with resources.database.tenant(place.host_id) as session:
        sources = await read_sources(session, place.host_id, place.event_id)
    return {each.path: each.options for each in sources.items if each.path in paths}


async def _org_of(session: AsyncSession, host_id: str) -> str | None:
    connection = await session.get(Connection, host_id)
    return connection.org_id if connection else None
