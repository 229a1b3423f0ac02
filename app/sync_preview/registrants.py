"""People who registered lately, for a choice of an example."""

from typing import Any, Final

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import aliased

from app.api.dependencies import Resources
from app.field_mapping.service import Place
from app.field_mapping.store import read_layers
from app.models import Event, Registration
from app.registrations.row_view import attendee_shown
from app.sync_preview.example_schemas import Registrant, Registrants

SEARCHED_MAX: Final = 2000
SHOWN_MAX: Final = 20


async def list_registrants(resources: Resources, place: Place, q: str | None) -> Registrants:
    """Those who match among the latest, which come first. Raises EventNotFound."""
    async with resources.database.tenant(place.host_id) as session:
        await read_layers(session, place.host_id, place.event_id)
        rows = (await session.execute(_query(place, q))).all()
    items = [
        Registrant(
            registration_id=row.registration_id,
            event_id=row.event_id,
            event_title=row.title,
            registered_at=row.registered_at,
            answers=row.answered,
            **attendee_shown(row.attendee).model_dump(include={"name", "email"}),
        )
        for row in rows
    ]
    return Registrants(items=items, searched_at_most=SEARCHED_MAX)


def _query(place: Place, q: str | None) -> Select[Any]:
    """The latest are taken first, so that a name that nobody has costs no more than one that many have."""
    of_place = [Registration.host_id == place.host_id, Registration.erased_at.is_(None)]
    if place.event_id is not None:
        of_place.append(Registration.event_id == place.event_id)
    newest = select(Registration).where(*of_place).order_by(Registration.change_no.desc()).limit(SEARCHED_MAX)
    latest = aliased(Registration, newest.subquery())
    query = (
        select(
            latest.registration_id,
            latest.event_id,
            Event.title,
            latest.attendee,
            latest.registered_at,
            func.jsonb_array_length(latest.answers).label("answered"),
        )
        .join(Event, (Event.host_id == latest.host_id) & (Event.event_id == latest.event_id))
        .order_by(latest.change_no.desc())
        .limit(SHOWN_MAX)
    )
    if q is None:
        return query
    parts = [latest.attendee[name].astext for name in ("first_name", "last_name", "name", "email", "company")]
    full = func.concat_ws(" ", parts[0], parts[1])
    return query.where(or_(*(part.icontains(q, autoescape=True) for part in (full, *parts[2:]))))
