"""A host's settings: exclusions, write switches, share of the API, automatic campaigns, new events."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.api_budget import DEFAULT_CAP
from app.hosts.kind_settings import (
    PARTIAL,
    CalendarEventChosen,
    CalendarEventToSet,
    CaseChosen,
    CaseToSet,
    EmailChosen,
    EmailToSet,
    Kinds,
    TaskChosen,
    TaskToSet,
    WritesChosen,
    WritesToSet,
    changed_members,
    compared_text,
    listed_texts,
)
from app.hosts.preflight_requests import request_preflight
from app.hosts.rows import connected_orgs, lock_host
from app.infrastructure import audit_log
from app.models import BACKFILL, Connection, Host
from app.states import GeneralLinks

LISTED_MAX: Final = 1000
MONTHS_MAX: Final = 120
NewEvents = Literal["sync", "off"]


def _domains(texts: list[str]) -> list[str]:
    return sorted({each.removeprefix("@") for each in texts})


COMPARED: Final = BeforeValidator(compared_text)
Domain = Annotated[str, Field(max_length=255, pattern=r"^\s*@?[^@\s\x00]+\.[^@\s\x00]+\s*$"), COMPARED]
Address = Annotated[str, Field(max_length=320, pattern=r"^\s*[^@\s\x00]+@[^@\s\x00]+\s*$"), COMPARED]


class Exclusions(BaseModel):
    """Who is never written. A domain counts with everything below it."""

    model_config = ConfigDict(extra="forbid")

    domains: Annotated[list[Domain], Field(max_length=LISTED_MAX), AfterValidator(_domains)] = []
    addresses: Annotated[list[Address], Field(max_length=LISTED_MAX), AfterValidator(listed_texts)] = []
    ticket_kinds: Kinds = []


class SettingsShown(BaseModel):
    """The host's settings, whole. `new_events`: whether an event is on when it is first seen.

    `general_links`: what a registration without a Salesforce id may create. `personal_data_months`: how long
    after an event what it holds of people is kept; 0, until they are erased.
    """

    exclusions: Exclusions
    writes: WritesChosen
    task: TaskChosen
    calendar_event: CalendarEventChosen
    case: CaseChosen
    email: EmailChosen
    general_links: GeneralLinks
    cap_percent: int
    automatic_campaigns: bool
    new_events: NewEvents
    personal_data_months: int


class SettingsWanted(BaseModel):
    """What to change; a member that is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    exclusions: Exclusions | None = None
    writes: WritesToSet | None = None
    task: TaskToSet | None = None
    calendar_event: CalendarEventToSet | None = None
    case: CaseToSet | None = None
    email: EmailToSet | None = None
    general_links: GeneralLinks | None = None
    cap_percent: Annotated[int, Field(ge=1, le=100, strict=True)] | None = None
    automatic_campaigns: StrictBool | None = None
    new_events: NewEvents | None = None
    personal_data_months: Annotated[int, Field(ge=0, le=MONTHS_MAX, strict=True)] | None = None


STORED: Final = {
    "exclusions", "writes", "task", "calendar_event", "case", "email", "general_links", "new_events",
    "personal_data_months",
}  # fmt: skip
"""The settings that are stored as JSON, by the names of `SettingsShown`."""

# Whoever is still excluded is skipped again when its turn comes.
RELEASE: Final = text("""
    UPDATE sync_jobs SET state = 'pending', skipped_because = NULL, reason = 'live', priority = :priority,
        due_at = clock_timestamp(), requested_version = requested_version + 1
    WHERE host_id = :host_id AND state = 'skipped' AND skipped_because = 'excluded'
""")


def unknown_host(host_id: str) -> Host:
    """A host that nothing is stored of: it has the defaults."""
    return Host(host_id=host_id, settings={}, api_cap_percent=DEFAULT_CAP)


async def read_host_settings(session: AsyncSession, host_id: str) -> SettingsShown:
    """What the host chose; defaults where it chose nothing."""
    return settings_of(await session.get(Host, host_id) or unknown_host(host_id))


async def change_settings(
    session: AsyncSession, host_id: str, request: SettingsWanted, *, by: str
) -> tuple[SettingsShown, set[str]]:
    """The settings after the change, and the orgs to wake after the commit."""
    host = await lock_host(session, host_id)
    before = settings_of(host)
    given = {name: _merged(getattr(before, name), value) for name, value in request if value is not None}
    after = before.model_copy(update=given)
    changed = sorted(name for name in given if getattr(before, name) != getattr(after, name))
    if not changed:
        return before, set()
    await _store(
        session, host, after, turned_on="automatic_campaigns" in changed and after.automatic_campaigns
    )
    await audit_log.append_entry(
        session,
        host_id,
        actor=by,
        action="salesforce.settings_changed",
        details=_audit_details(changed, after),
    )
    return after, await _apply(session, host_id, changed)


def _merged(before: Any, wish: Any) -> Any:
    """The wish; of the settings of a kind, those that it does not name stay."""
    return type(before)(**changed_members(before, wish)) if isinstance(wish, PARTIAL) else wish


def settings_of(host: Host) -> SettingsShown:
    """What the host chose; defaults where it chose nothing."""
    chosen: dict[str, Any] = host.settings or {}
    writes = chosen.get("writes", {}).items()
    return SettingsShown(
        exclusions=Exclusions(**chosen.get("exclusions", {})),
        writes=WritesChosen(**{kind: on for kind, on in writes if kind in WritesChosen.model_fields}),
        task=TaskChosen(**chosen.get("task", {})),
        calendar_event=CalendarEventChosen(**chosen.get("calendar_event", {})),
        case=CaseChosen(**chosen.get("case", {})),
        email=EmailChosen(**chosen.get("email", {})),
        general_links=chosen.get("general_links", "as_mapping"),
        cap_percent=host.api_cap_percent,
        automatic_campaigns=bool(chosen.get("automatic_campaigns_since")),
        new_events=chosen.get("new_events", "sync"),
        personal_data_months=chosen.get("personal_data_months", 0),
    )


async def _store(session: AsyncSession, host: Host, after: SettingsShown, *, turned_on: bool) -> None:
    """Store these settings; others keep their own beside them."""
    ours: dict[str, Any] = after.model_dump(include=STORED, by_alias=True)
    since = (host.settings or {}).get("automatic_campaigns_since")
    if turned_on:
        since = datetime.now(UTC).isoformat()
    ours["automatic_campaigns_since"] = since if after.automatic_campaigns else None
    values = {"settings": (host.settings or {}) | ours, "api_cap_percent": after.cap_percent}
    await session.execute(update(Host).where(Host.host_id == host.host_id).values(values))


def _audit_details(changed: list[str], after: SettingsShown) -> dict[str, Any]:
    """What changed, for the log: numbers of addresses, never the addresses."""
    values = after.model_dump(include=set(changed) - {"exclusions"}, by_alias=True)
    counts = {name: len(listed) for name, listed in after.exclusions if listed}
    return {"changed": changed, **values, **({"excluded": counts} if "exclusions" in changed else {})}


async def _apply(session: AsyncSession, host_id: str, changed: list[str]) -> set[str]:
    if "exclusions" in changed:
        await session.execute(RELEASE, {"host_id": host_id, "priority": BACKFILL})
    if "cap_percent" in changed:
        # Reopens a gate that the old cap closed; the next response of Salesforce closes it again if need be.
        reopened = {"api_closed_until": None, "version": Connection.version + 1}
        await session.execute(update(Connection).where(Connection.host_id == host_id).values(reopened))
    if "personal_data_months" in changed:
        checked = {"personal_data_checked_at": None}
        await session.execute(update(Host).where(Host.host_id == host_id).values(checked))
    if "new_events" in changed:
        newer = {"version": Connection.version + 1}
        await session.execute(update(Connection).where(Connection.host_id == host_id).values(newer))
    orgs = await connected_orgs(session, host_id)
    if "general_links" in changed:
        # The last one looked at what the choice before could create.
        for org_id in orgs:
            await request_preflight(session, host_id, org_id)
    return orgs
