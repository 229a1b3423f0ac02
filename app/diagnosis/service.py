"""Look for why somebody is missing in Salesforce: reads what is stored, and asks Salesforce nothing."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.calls import HostCall
from app.api.errors import EventNotFound
from app.config.settings import Settings
from app.connections.card import load_card
from app.diagnosis.findings import Case, finding, of_event, of_host, of_registration
from app.diagnosis.schemas import Diagnosis, DiagnosisFinding, EventNamed, WhoIsMissing
from app.models import Registration
from app.registrations.context import load_context
from app.registrations.listing import read_row
from app.text.email_address import address_key

REGISTRATIONS_MAX: Final = 5


async def diagnose(call: HostCall, who: WhoIsMissing) -> Diagnosis:
    """What decides first comes first; one that is in Salesforce is said before what holds others back."""
    settings = call.resources.settings
    card = await load_card(call.resources, call.host_id, call.principal)
    async with call.resources.database.tenant(call.host_id) as session:
        found = await _registrations(session, call.host_id, who) if who.names_somebody else []
        events = {each.event_id for each in found} or ({who.event_id} if who.event_id else set())
        of_rows = [each for row in found for each in await _of_row(session, settings, row)]
        of_events = [each for event in sorted(events) for each in await _of_event(session, call, event)]
        last_news_at = await _last_news_at(session, call.host_id)
    if who.names_somebody and not found:
        of_rows.append(_unknown(settings, who, has_news=last_news_at is not None))
    findings = _in_order([*of_host(settings, card), *of_events, *of_rows])
    if not findings:
        findings = [finding(settings, Case("nothing_in_the_way"), "fine")]
    return Diagnosis(
        findings=findings,
        registrations=len(found),
        last_news_at=last_news_at,
        checked_at=datetime.now(UTC),
    )


async def _registrations(session: AsyncSession, host_id: str, who: WhoIsMissing) -> Sequence[Registration]:
    query = select(Registration).where(Registration.host_id == host_id)
    if who.event_id:
        query = query.where(Registration.event_id == who.event_id)
    if who.registration_id:
        query = query.where(Registration.registration_id == who.registration_id)
    else:
        query = query.where(Registration.email_key == address_key(who.email))
    newest = query.order_by(Registration.registered_at.desc(), Registration.registration_id)
    return (await session.scalars(newest.limit(REGISTRATIONS_MAX))).all()


async def _of_row(
    session: AsyncSession, settings: Settings, registration: Registration
) -> list[DiagnosisFinding]:
    key = registration.host_id, registration.event_id
    context = await load_context(session, *key)
    row = await read_row(session, *key, registration_id=registration.registration_id)
    found = of_registration(settings, registration, row, context)
    return [found] if found else []


async def _of_event(session: AsyncSession, call: HostCall, event_id: str) -> list[DiagnosisFinding]:
    settings = call.resources.settings
    try:
        return list(of_event(settings, await load_context(session, call.host_id, event_id)))
    except EventNotFound:
        return [finding(settings, Case("event_never_arrived"), event=EventNamed(id=event_id, title=event_id))]


async def _last_news_at(session: AsyncSession, host_id: str) -> datetime | None:
    newest = select(Registration.updated_at).where(Registration.host_id == host_id)
    return await session.scalar(newest.order_by(Registration.change_no.desc()).limit(1))


def _unknown(settings: Settings, who: WhoIsMissing, *, has_news: bool) -> DiagnosisFinding:
    code = "registration_never_arrived" if has_news else "nothing_ever_arrived"
    return finding(settings, Case(code), registration_id=who.registration_id)


def _in_order(findings: Sequence[DiagnosisFinding]) -> list[DiagnosisFinding]:
    """Fine ones, then what stops, then notes; each thing once."""
    weights = ("fine", "stops", "note")
    seen: dict[tuple[str, str | None, str | None], DiagnosisFinding] = {}
    for each in findings:
        is_of_event = each.code == "event_is_off"
        key = (
            each.code,
            each.event.id if each.event else None,
            None if is_of_event else each.registration_id,
        )
        seen.setdefault(key, each)
    return sorted(seen.values(), key=lambda each: weights.index(each.weight))
