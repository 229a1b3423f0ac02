"""Mapping by example: a mapping that is not saved, tried on a stored registration.

The engine's own rules, the describes that our table has: Salesforce is neither asked nor changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.api.dependencies import Resources
from app.api.errors import RegistrationNotFound
from app.field_mapping.owners import known_owner_names
from app.field_mapping.service import Place
from app.field_mapping.source_catalog import EXAMPLES, source_label
from app.field_mapping.store import count_failed, layers_by_event, read_layers
from app.models import Connection
from app.registrations.row_view import attendee_shown
from app.salesforce.describe import SObjectDescribe, parse_describe
from app.salesforce.ids import is_id
from app.sync.field_values.sources import ANSWERS, format_value, read_value, zone_of
from app.sync.jobs.load_sample import count_people, load_latest, load_one
from app.sync.lookup.describe_cache import cached_bodies
from app.sync.model.batch import Job
from app.sync.model.mapping_rules import MappingRules
from app.sync.model.record_kinds import written_objects
from app.sync_preview.example_records import example_records
from app.sync_preview.example_schemas import (
    MappingExample,
    MappingReach,
    MappingToPreview,
    Registrant,
    ValueGiven,
)
from app.sync_preview.mapping_reach import LOOKED_AT_MAX, RulesOf, changed_jobs, reach_by_event

DEFAULT_OF: Final = 200
"""Of so many latest registrations the one that answered most is the example."""

VALUE_LENGTH: Final = 500
CACHED_FOR: Final = timedelta(days=7)
"""A describe that is a little old is better for an example than none."""

OWN_WORDS: Final = ("email.", "consent.text", "calendar.")
"""Sources that say little of a person."""


@dataclass(frozen=True)
class Known:
    """What is known of the host: its connected org, objects of it, and names of its users and queues."""

    org_id: str | None
    describes: Mapping[str, SObjectDescribe]
    owners: Mapping[str, str]


async def preview_mapping(resources: Resources, place: Place, wanted: MappingToPreview) -> MappingExample:
    """The future records of one registration, and whom the mapping changes.

    Raises EventNotFound, RegistrationNotFound.
    """
    async with resources.database.tenant(place.host_id) as session:
        known = await _known(session, place.host_id)
        rules_of = await _draft_rules(session, place, wanted.mapping.layer())
        most = LOOKED_AT_MAX + 1 if wanted.count else DEFAULT_OF
        latest = await load_latest(session, place.host_id, known.org_id, place.event_id, most=most)
        job = await _example(session, place, known, latest, wanted.registration_id)
    reach = await _reach(resources, place, known, latest, rules_of) if wanted.count else None
    is_checked = bool(known.describes)
    if job is None:
        return MappingExample(registration=None, given=[], records=[], reach=reach, is_checked=is_checked)
    return MappingExample(
        registration=_registrant(job),
        given=values_given(job),
        records=example_records(job, job.rules, rules_of(job), known.describes, owners=known.owners),
        reach=reach,
        is_checked=is_checked,
    )


def values_given(job: Job) -> list[ValueGiven]:
    """What the registration has at each source: its answers first."""
    zone = zone_of(job)
    answers = {
        ANSWERS + str(each.get("key")): str(each.get("label") or each.get("key"))
        for each in job.extras.answers
    }
    fixed = {path: source_label(path) for path in EXAMPLES if not path.startswith(OWN_WORDS)}
    found = []
    for path, label in (*answers.items(), *fixed.items()):
        value = read_value(path, job) if path != ANSWERS else None
        if value is not None:
            text = format_value(value, zone)[:VALUE_LENGTH]
            found.append(ValueGiven(path=path, label=label, value=text, is_answer=path in answers))
    return found


async def _known(session: AsyncSession, host_id: str) -> Known:
    connection = await session.get(Connection, host_id)
    if connection is None:
        return Known(None, {}, {})
    bodies = await cached_bodies(
        session,
        host_id=host_id,
        org_id=connection.org_id,
        sobjects=written_objects(),
        max_age=CACHED_FOR,
    )
    describes = {name: parse_describe(body) for name, body in bodies.items() if body}
    return Known(connection.org_id, describes, await known_owner_names(session, host_id, connection.org_id))


async def _draft_rules(session: AsyncSession, place: Place, layer: Mapping[str, Any]) -> RulesOf:
    """The rules of each registration if the layer stood at its place. Raises EventNotFound."""
    stored = await read_layers(session, place.host_id, place.event_id)
    by_event = await layers_by_event(session, place.host_id)
    if place.event_id is None:
        host_layer = layer
    else:
        host_layer, by_event = stored.host.layer, {**by_event, place.event_id: layer}
    made: dict[tuple[str, bool], MappingRules] = {}

    def rules_of(job: Job) -> MappingRules:
        key = (job.event.event_id, is_id(job.salesforce_id))
        if key not in made:
            rules = MappingRules.of(host_layer, by_event.get(job.event.event_id))
            made[key] = rules if key[1] else rules.for_general_links(stored.general_links)
        return made[key]

    return rules_of


async def _example(
    session: AsyncSession, place: Place, known: Known, latest: Sequence[Job], registration_id: str | None
) -> Job | None:
    if registration_id is None:
        return max(latest[:DEFAULT_OF], key=lambda job: len(job.extras.answers), default=None)
    job = await load_one(session, place.host_id, known.org_id, registration_id)
    if job is None or place.event_id not in (None, job.event.event_id):
        raise RegistrationNotFound
    return job


async def _reach(
    resources: Resources, place: Place, known: Known, latest: Sequence[Job], rules_of: RulesOf
) -> MappingReach:
    """Counted between two transactions: no connection to the database is held for that."""
    changed = await changed_jobs(latest[:LOOKED_AT_MAX], rules_of, known.describes)
    ids = [job.registration_id for job in changed.jobs]
    async with resources.database.tenant(place.host_id) as session:
        written = await count_people(session, place.host_id, known.org_id, ids)
        retried = await count_failed(session, place.host_id, place.event_id)
    events, events_total = reach_by_event(changed.jobs)
    return MappingReach(
        registrations=len(changed.jobs),
        looked_at=changed.looked_at,
        is_all=changed.looked_at == len(latest),
        written=written,
        retried=retried,
        events=events,
        events_total=events_total,
    )


def _registrant(job: Job) -> Registrant:
    attendee = attendee_shown(vars(job.attendee))
    return Registrant(
        registration_id=job.registration_id,
        event_id=job.event.event_id,
        event_title=job.event.title,
        name=attendee.name,
        email=attendee.email,
        registered_at=job.facts.registered_at,
        answers=len(job.extras.answers),
    )
