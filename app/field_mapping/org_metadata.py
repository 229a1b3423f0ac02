"""Objects of the connected org within its API budget, and their fields as a picker needs them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import defer

from app.api.dependencies import Resources
from app.api.errors import NotConnected, ObjectNotVisible, Problem, SalesforceUnavailable
from app.connections.counted_calls import org_calls
from app.field_mapping.response_schemas import FieldShown, ObjectFields, PicklistValue, RecordTypeShown
from app.field_mapping.source_catalog import reserved_reason
from app.models import Connection, OrgLease
from app.salesforce.describe import Field, SObjectDescribe
from app.states import ConnectionState
from app.sync.field_values.converters import CONVERTERS
from app.sync.lookup.describe_cache import MAX_AGE, load_describes
from app.sync.model.record_kinds import written_objects
from app.user_messages.catalog import say
from app.user_messages.phrases import worded


@dataclass(frozen=True)
class OrgMetadata:
    """The requested objects as the connected user sees them; that user may not see `hidden` ones.

    `why_not` is the problem code if nothing could be loaded; then nothing is known.
    """

    describes: dict[str, SObjectDescribe] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    why_not: str | None = None


async def try_load_metadata(
    resources: Resources, host_id: str, sobjects: Iterable[str], *, is_refresh: bool = False
) -> OrgMetadata:
    """As `load_metadata`, but returns a problem in place of raising it: a mapping can be saved without."""
    try:
        return await load_metadata(resources, host_id, sobjects, is_refresh=is_refresh)
    except Problem as problem:
        return OrgMetadata(why_not=type(problem).__name__)


async def load_metadata(
    resources: Resources, host_id: str, sobjects: Iterable[str], *, is_refresh: bool = False
) -> OrgMetadata:
    """The describes of these objects, kept for a day; `is_refresh` asks Salesforce now, one call for each.

    Raises NotConnected, ConnectionNeedsReconnect, ApiBudgetReached, ObjectNotVisible, SalesforceRefused
    and SalesforceUnavailable.
    """
    names = set(sobjects)
    org_id = await _open_org(resources, host_id)
    async with org_calls(resources, host_id, is_for_person=True) as client:
        found = await load_describes(
            resources.database,
            client,
            host_id=host_id,
            org_id=org_id,
            sobjects=names,
            max_age=timedelta(0) if is_refresh else MAX_AGE,
        )
    return OrgMetadata(found, hidden=frozenset(names - found.keys()))


async def read_fields(resources: Resources, host_id: str, sobject: str, *, is_refresh: bool) -> ObjectFields:
    """The object as the connected user sees it.

    Raises ObjectNotVisible, NotConnected, ConnectionNeedsReconnect, ApiBudgetReached, SalesforceRefused and
    SalesforceUnavailable.
    """
    view = await load_metadata(resources, host_id, [sobject], is_refresh=is_refresh)
    described = view.describes.get(sobject)
    if described is None:
        raise ObjectNotVisible(say("detail.object_hidden", object=sobject))
    return show_object(described)


def show_object(described: SObjectDescribe) -> ObjectFields:
    """Convert a describe for the dashboard."""
    fields = [_field_view(described, field) for field in described.fields.values()]
    return ObjectFields(
        object=described.name,
        label=described.label,
        is_written=described.name in written_objects(),
        fields=sorted(fields, key=lambda field: (field.label.casefold(), field.name)),
        record_types=[
            RecordTypeShown.model_validate(each, from_attributes=True)
            for each in described.record_types
            if not each.is_master
        ],
    )


def why_not_mappable(sobject: str, field: Field) -> str | None:
    """Return the reason why no rule can fill this field; None if one can."""
    owned = reserved_reason(sobject, field.name)
    if owned is not None:
        return worded(owned)
    if field.type not in CONVERTERS:
        return say("owned.type_not_supported", type=field.type)
    return None if field.is_createable or field.is_updateable else say("owned.read_only")


def _field_view(described: SObjectDescribe, field: Field) -> FieldShown:
    why_not = why_not_mappable(described.name, field)
    values = zip(field.picklist_values, field.picklist_labels, strict=True)
    return FieldShown.model_validate(
        {
            **vars(field),
            "is_required": field.is_required_on_create,
            "is_restricted": field.is_restricted_picklist,
            "is_mappable": why_not is None,
            "why_not": why_not,
            "values": [PicklistValue(value=value, label=label) for value, label in values],
        }
    )


async def _open_org(resources: Resources, host_id: str) -> str:
    """Open the connected org unless it is backing off. Raises NotConnected, SalesforceUnavailable."""
    query = (
        select(Connection, OrgLease.not_before)
        .outerjoin(OrgLease, OrgLease.org_id == Connection.org_id)
        .where(Connection.host_id == host_id)
        .options(defer(Connection.access_token), defer(Connection.refresh_token))
    )
    async with resources.database.tenant(host_id) as session:
        row = (await session.execute(query)).one_or_none()
    if row is None or row[0].state == ConnectionState.DISCONNECTED:
        raise NotConnected
    if row[1] is not None and row[1] > datetime.now(UTC):
        raise SalesforceUnavailable(headers={"Retry-After": "60"})
    return str(row[0].org_id)
