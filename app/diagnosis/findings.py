"""What stands in the way of a host, an event or a registration, out of what is stored. Pure."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from app.config.settings import Settings
from app.connections.model.messages import explain
from app.connections.model.schemas import Card
from app.diagnosis.schemas import Cure, DiagnosisFinding, EventNamed, Weight
from app.models import Registration
from app.registrations.context import EventContext
from app.registrations.schemas import Row
from app.states import ConnectionState, LinkState, RegistrationStatus, SkipReason, SyncState, WaitReason
from app.user_messages.catalog import ADVICE
from app.user_messages.rows import Advice


class Case(NamedTuple):
    """A code of the catalog, and what would change it."""

    code: str
    cure: Cure | None = None


SKIPPED: Final = {
    SkipReason.NO_MATCH: Case("skipped_no_match", "mapping"),
    SkipReason.NO_EMAIL: Case("skipped_no_email"),
    SkipReason.BEFORE_CONNECTION: Case("skipped_before_connection", "write"),
    SkipReason.NOTHING_WANTED: Case("skipped_nothing_on", "kinds_on"),
    SkipReason.CANCELLED: Case("skipped_cancelled"),
    SkipReason.ERASED: Case("skipped_erased"),
    SkipReason.SWITCHED_OFF: Case("event_is_off", "switch_on"),
}
BY_HAND: Final = Case("skipped_by_hand", "include")
BY_RULES: Final = Case("skipped_by_rules", "settings")
WAITING: Final = {
    WaitReason.QUEUE: Case("waits_in_queue"),
    WaitReason.RETRY: Case("waits_for_retry", "retry"),
    WaitReason.CERTAINTY: Case("waits_for_certainty"),
    WaitReason.CAMPAIGN: Case("waits_for_campaign", "link_campaign"),
    WaitReason.SALESFORCE_ACCESS: Case("waits_for_access"),
    WaitReason.PERSON: Case("waits_for_person"),
}
"""What a registration itself waits for; what holds all of them back is found at the host or the event."""
NOT_WRITTEN_YET: Final = (
    RegistrationStatus.PENDING, RegistrationStatus.WAITLISTED, RegistrationStatus.DECLINED,
)  # fmt: skip
USUAL: Final = ("person", "task", "member")
BROKEN: Final = (LinkState.BROKEN, LinkState.CREATE_FAILED)


def finding(
    settings: Settings,
    case: Case,
    weight: Weight = "stops",
    *,
    event: EventNamed | None = None,
    registration_id: str | None = None,
) -> DiagnosisFinding:
    return DiagnosisFinding(
        code=case.code,
        weight=weight,
        cure=case.cure,
        event=event,
        registration_id=registration_id,
        advice=explain(settings, case.code),
    )


def of_host(settings: Settings, card: Card) -> Iterator[DiagnosisFinding]:
    """What holds every registration of the host back."""
    if card.state != "connected":
        advice = card.reason or explain(settings, ConnectionState.NOT_CONNECTED)
        yield DiagnosisFinding(code=advice.code, weight="stops", cure="connect", advice=advice)
        return
    if card.pause.is_paused:
        yield finding(settings, Case("host_is_paused", "resume_host"))
    if card.budget.is_stopped:
        yield finding(settings, Case("api_budget_reached", "settings"))
    if card.backoff is not None:
        yield finding(settings, Case("org_backs_off"))
    found = [card.fault.advice] if card.fault else []
    for advice in (*found, *(problem.advice for problem in card.problems)):
        yield DiagnosisFinding(code=advice.code, weight="stops", advice=advice)


def of_event(settings: Settings, context: EventContext) -> Iterator[DiagnosisFinding]:
    """What holds every registration of the event back, or leaves out a part of each."""
    event = named(context)
    if context.event.is_enabled is False:
        yield finding(settings, Case("event_is_off", "switch_on"), event=event)
    if context.event.paused_at is not None:
        yield finding(settings, Case("event_is_paused", "resume_event"), event=event)
    off = [kind for kind in USUAL if not getattr(context.writes, kind)]
    if off:
        about_kinds = finding(settings, Case("kinds_are_off", "kinds_on"), "note", event=event)
        yield about_kinds.model_copy(update={"kinds": off})
    if context.link is None:
        yield finding(settings, Case("no_campaign_linked", "link_campaign"), "note", event=event)
    elif context.link.state in BROKEN:
        code = context.link.problem_code if context.link.problem_code in ADVICE else "campaign_broken"
        yield finding(settings, Case(code or "campaign_broken", "link_campaign"), "note", event=event)


def of_registration(
    settings: Settings, registration: Registration, row: Row, context: EventContext
) -> DiagnosisFinding | None:
    """How far it is; None where it waits for what holds for all."""
    about = {"event": named(context), "registration_id": row.registration_id}
    if row.state == SyncState.SYNCED:
        fine = finding(settings, Case("is_in_salesforce"), "fine", **about)  # type: ignore[arg-type]
        return fine.model_copy(update={"person": row.person})
    if row.state == SyncState.FAILED and row.error is not None:
        return _failed(row.error.advice, row, context)
    case = _case(registration, row)
    return finding(settings, case, **about) if case else None  # type: ignore[arg-type]


def named(context: EventContext) -> EventNamed:
    return EventNamed(id=context.event_id, title=context.event.title)


def _failed(advice: Advice, row: Row, context: EventContext) -> DiagnosisFinding:
    return DiagnosisFinding(
        code=advice.code,
        weight="stops",
        cure="retry",
        event=named(context),
        registration_id=row.registration_id,
        advice=advice,
    )


def _case(registration: Registration, row: Row) -> Case | None:
    if registration.status in NOT_WRITTEN_YET and registration.confirmed_at is None and not row.is_checked_in:
        return Case("not_confirmed_yet")
    if row.state == SyncState.PENDING:
        waits = WaitReason(row.waiting_for) if row.waiting_for else WaitReason.QUEUE
        return WAITING.get(waits)
    if row.skipped_because == SkipReason.EXCLUDED:
        return BY_HAND if registration.excluded_at is not None else BY_RULES
    return SKIPPED.get(SkipReason(row.skipped_because or SkipReason.NOTHING_WANTED))
