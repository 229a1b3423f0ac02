"""Events and campaigns: validate and propose, link, change, mend, unlink.

Salesforce is always asked between two transactions, never inside one; the second looks again at what the
first one found.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.dependencies import Resources
from app.api.errors import (
    CampaignIdInvalid,
    CampaignIsLocked,
    CampaignNotLinked,
    EventNotFound,
    SalesforceUnavailable,
)
from app.campaigns.backfill import UNSETTLED, cancel_backfill, estimate, start_backfill
from app.campaigns.link_validation import (
    LinkCandidate,
    parse_campaign_id,
    require_known_statuses,
    require_statuses,
    warnings_for,
)
from app.campaigns.links import found_record, is_used_by_other_event, link_view, record_of
from app.campaigns.lookup import Campaign, campaign_calls, read_campaign
from app.campaigns.schemas import (
    CampaignToLink,
    CampaignValidated,
    LinkShown,
    MemberStatusShown,
    SetUpToCopy,
    Statuses,
    StatusesChosen,
    StatusReasons,
    Unlinked,
)
from app.campaigns.status_mapping import propose_statuses
from app.config.settings import Settings
from app.connections.service import usable_connection
from app.infrastructure import audit_log
from app.models import CampaignLink, Connection, Event, Registration, SyncJob, WrittenRecord
from app.models.conditions import IS_WRITABLE
from app.states import JobReason, LinkState
from app.sync.model.batch import MEMBER
from app.user_messages.catalog import advise


async def validate_campaign(
    resources: Resources, host_id: str, event_id: str, *, pasted: str
) -> CampaignValidated:
    """The campaign that `pasted` names, our proposal of statuses, and what linking it would mean.

    Raises EventNotFound, CampaignIdInvalid, NotConnected, ConnectionNeedsReconnect, CampaignsNotReadable,
    SalesforceRefused, SalesforceUnavailable, ApiBudgetReached.
    """
    async with resources.database.tenant(host_id) as session:
        await _require_event(session, host_id, event_id)
        campaign_id = parse_campaign_id(pasted)
        connection = await usable_connection(session, host_id, settings=resources.settings)
    campaign = await _find_campaign(resources, connection, campaign_id)
    guesses = propose_statuses(campaign.statuses)
    labels = {meaning: guess.label for meaning, guess in guesses.items()}
    async with resources.database.tenant(host_id) as session:
        backfill = await estimate(session, host_id, event_id)
        is_used = await is_used_by_other_event(
            session, host_id, event_id, campaign_id=campaign.id, org_id=connection.org_id
        )
    return CampaignValidated(
        campaign=found_record(campaign, connection),
        statuses=[MemberStatusShown.model_validate(status) for status in campaign.statuses],
        proposed=Statuses.model_validate(labels),
        proposed_because=StatusReasons.model_validate(
            {meaning: guess.because for meaning, guess in guesses.items()}
        ),
        backfill=backfill,
        warnings=warnings_for(LinkCandidate(campaign, labels, is_used, datetime.now(UTC).date())),
    )


async def find_link(resources: Resources, host_id: str, event_id: str) -> LinkShown:
    """The event's link. Raises EventNotFound, CampaignNotLinked."""
    async with resources.database.tenant(host_id) as session:
        await _require_event(session, host_id, event_id)
        link = await link_view(session, host_id, event_id)
    if link is None:
        raise CampaignNotLinked
    return link


async def link_campaign(
    resources: Resources, host_id: str, event_id: str, *, wanted: CampaignToLink, by: str
) -> tuple[LinkShown, bool]:
    """Link the event, or change its statuses, or mend its link; True when it was not linked before.

    A first link and a mended one write the event's registrations by a backfill; changed statuses only when
    `wanted.reapply`. Raises what `validate_campaign` raises, and StatusesIncomplete, StatusUnknown,
    CampaignIsLocked.
    """
    async with resources.database.tenant(host_id) as session:
        await _require_event(session, host_id, event_id)
        campaign_id, statuses = parse_campaign_id(wanted.campaign_id), require_statuses(wanted.statuses)
        _refuse_other(await session.get(CampaignLink, (host_id, event_id)), campaign_id)
        connection = await usable_connection(session, host_id, settings=resources.settings)
    campaign = await _find_campaign(resources, connection, campaign_id)
    require_known_statuses(statuses, campaign)
    async with resources.database.tenant(host_id) as session:
        await _require_same_org(session, connection, settings=resources.settings)
        link = await session.get(CampaignLink, (host_id, event_id))
        _refuse_other(link, campaign_id)
        if link is None:
            new = _new_link(host_id, event_id, connection.org_id, campaign=campaign, statuses=statuses, by=by)
            await _add_link(session, new)
        else:
            changed = _change(link, connection.org_id, campaign=campaign, statuses=statuses)
            await _record_change(session, link, changed, by=by, is_reapplied=wanted.reapply)
        shown = await link_view(session, host_id, event_id)
    assert shown is not None
    return shown, link is None


async def copy_link(
    resources: Resources, host_id: str, event_id: str, *, wanted: SetUpToCopy, by: str
) -> tuple[LinkShown, bool]:
    """Link the event as another one is linked: its statuses, and its campaign unless another is named.

    Raises what `link_campaign` raises; CampaignNotLinked when the other event has no campaign yet.
    """
    async with resources.database.tenant(host_id) as session:
        await _require_event(session, host_id, event_id)
        await _require_event(session, host_id, wanted.from_event_id)
        other = await session.get(CampaignLink, (host_id, wanted.from_event_id))
    if other is None or other.campaign_id is None:
        raise CampaignNotLinked
    statuses = StatusesChosen.model_validate(other.statuses)
    to_link = CampaignToLink(campaign_id=wanted.campaign_id or other.campaign_id, statuses=statuses)
    return await link_campaign(resources, host_id, event_id, wanted=to_link, by=by)


async def unlink_campaign(resources: Resources, host_id: str, event_id: str, *, by: str) -> Unlinked:
    """End member writes for this event; what stands in Salesforce stays, persons and activities go on.

    Raises EventNotFound, CampaignNotLinked.
    """
    async with resources.database.tenant(host_id) as session:
        await _require_event(session, host_id, event_id)
        connection = await _lock_host(session, host_id)
        link = await session.get(CampaignLink, (host_id, event_id))
        if link is None:
            raise CampaignNotLinked
        writes_stopped = await _cancel_member_writes(session, link, connection, by=by)
        members_kept = await _count_members(session, link)
        await session.delete(link)
        await _mark_event_linked_once(session, host_id, event_id)
        counts = {"writes_stopped": writes_stopped, "members_kept": members_kept}
        details = {"event_id": event_id, "campaign_id": link.campaign_id, "org_id": link.org_id}
        await audit_log.append_entry(
            session, host_id, actor=by, action="salesforce.campaign_unlinked", details=details | counts
        )
    return Unlinked(unlinked_at=datetime.now(UTC), campaign=record_of(link, connection), **counts)


async def _require_event(session: AsyncSession, host_id: str, event_id: str) -> None:
    if await session.get(Event, (host_id, event_id)) is None:
        raise EventNotFound


async def _lock_host(session: AsyncSession, host_id: str) -> Connection | None:
    """Lock the host's row: other links, unlinks and a change of org wait until the transaction ends."""
    return await session.get(Connection, host_id, with_for_update={"key_share": True})


async def _require_same_org(session: AsyncSession, asked: Connection, *, settings: Settings) -> None:
    """The campaign was read in this org; a connection that moved meanwhile knows nothing of it."""
    await _lock_host(session, asked.host_id)
    connection = await usable_connection(session, asked.host_id, settings=settings)
    if connection.org_id != asked.org_id:
        raise SalesforceUnavailable(
            "The connection changed meanwhile. Try again.", headers={"Retry-After": "1"}
        )


def _refuse_other(link: CampaignLink | None, campaign_id: str) -> None:
    if link is not None and link.state != LinkState.CREATE_FAILED and link.campaign_id != campaign_id:
        raise CampaignIsLocked(f"The event is linked to {link.campaign_name} ({link.campaign_id}).")


async def _find_campaign(resources: Resources, connection: Connection, campaign_id: str) -> Campaign:
    async with campaign_calls(resources, connection.host_id) as client:
        campaign = await read_campaign(client, campaign_id)
    if campaign is None:
        org = f"{connection.org_name} ({connection.org_id})" if connection.org_name else connection.org_id
        raise CampaignIdInvalid(
            f"No Campaign with this Id was found in {org}.",
            reason="not_found",
            advice=advise("campaign_not_in_org"),
        )
    return campaign


def _new_link(
    host_id: str, event_id: str, org_id: str, *, campaign: Campaign, statuses: Statuses, by: str
) -> CampaignLink:
    return CampaignLink(
        host_id=host_id,
        event_id=event_id,
        org_id=org_id,
        campaign_id=campaign.id,
        campaign_name=campaign.name,
        is_active=campaign.is_active,
        statuses=statuses.model_dump(),
        available_statuses=campaign.labels,
        linked_by=by,
    )


async def _add_link(session: AsyncSession, link: CampaignLink) -> None:
    session.add(link)
    await session.flush()
    await _audit_link(session, link, "salesforce.campaign_linked", by=link.linked_by)
    await _backfill(session, link, reason=JobReason.LINK, by=link.linked_by)


def _change(link: CampaignLink, org_id: str, *, campaign: Campaign, statuses: Statuses) -> dict[str, Any]:
    """Bring the link up to date; returns the values that were replaced, by column."""
    fresh = {
        "state": LinkState.LINKED,
        "problem_code": None,
        "org_id": org_id,
        "campaign_id": campaign.id,
        "campaign_name": campaign.name,
        "is_active": campaign.is_active,
        "statuses": statuses.model_dump(),
        "available_statuses": campaign.labels,
    }
    replaced = {name: getattr(link, name) for name, value in fresh.items() if getattr(link, name) != value}
    for name in replaced:
        setattr(link, name, fresh[name])
    link.version += 1 if replaced else 0
    return replaced


async def _record_change(
    session: AsyncSession, link: CampaignLink, replaced: dict[str, Any], *, by: str, is_reapplied: bool
) -> None:
    is_mended = bool({"state", "org_id"} & replaced.keys())
    if is_mended:
        await _audit_link(session, link, "salesforce.campaign_linked", by=by, is_mended=True)
    elif "statuses" in replaced or is_reapplied:
        changes = {"before": replaced.get("statuses", link.statuses), "is_reapplied": is_reapplied}
        await _audit_link(session, link, "salesforce.campaign_statuses_changed", by=by, **changes)
    if is_mended or is_reapplied:
        await _backfill(session, link, reason=JobReason.LINK if is_mended else JobReason.REAPPLY, by=by)


async def _audit_link(
    session: AsyncSession, link: CampaignLink, action: str, *, by: str, **more: Any
) -> None:
    details = {
        "event_id": link.event_id,
        "campaign_id": link.campaign_id,
        "org_id": link.org_id,
        "statuses": link.statuses,
    }
    await audit_log.append_entry(session, link.host_id, actor=by, action=action, details=details | more)


async def _backfill(session: AsyncSession, link: CampaignLink, *, reason: str, by: str) -> None:
    """Start over: what an earlier one had left to do, this one does as well."""
    await cancel_backfill(session, link.host_id, link.event_id)
    await start_backfill(
        session, link.host_id, link.event_id, org_id=link.org_id, reason=reason, requested_by=by
    )


async def _cancel_member_writes(
    session: AsyncSession, link: CampaignLink, connection: Connection | None, *, by: str
) -> int:
    """Cancel the event's backfill and the jobs that wait for a broken link; returns the number of pending
    writes.
    """
    backfill = await cancel_backfill(session, link.host_id, link.event_id)
    is_to_come: ColumnElement[bool] = SyncJob.state.in_(UNSETTLED)
    if backfill is not None and not backfill.is_enqueued:
        is_to_come = or_(is_to_come, Registration.registration_id > backfill.cursor)
    stopped = await session.scalar(
        select(func.count())
        .select_from(Registration)
        .outerjoin(
            SyncJob,
            (SyncJob.host_id == Registration.host_id)
            & (SyncJob.registration_id == Registration.registration_id),
        )
        .where(Registration.host_id == link.host_id, Registration.event_id == link.event_id, IS_WRITABLE)
        .where(is_to_come)
    )
    if connection is not None:
        await start_backfill(
            session,
            link.host_id,
            link.event_id,
            org_id=connection.org_id,
            reason=JobReason.UNLINK,
            requested_by=by,
        )
    return stopped or 0


async def _mark_event_linked_once(session: AsyncSession, host_id: str, event_id: str) -> None:
    """Remember that the event was linked: after an unlink no campaign is created for it automatically."""
    event = await session.get_one(Event, (host_id, event_id))
    event.has_had_link = True


async def _count_members(session: AsyncSession, link: CampaignLink) -> int:
    """Count the campaign's members written for registrations of this event; one per person."""
    members = (
        select(func.count(WrittenRecord.sf_id.distinct()))
        .join(
            Registration,
            (Registration.host_id == WrittenRecord.host_id)
            & (Registration.registration_id == WrittenRecord.registration_id),
        )
        .where(
            WrittenRecord.host_id == link.host_id,
            WrittenRecord.org_id == link.org_id,
            WrittenRecord.slot == MEMBER,
            WrittenRecord.instance_key == link.campaign_id,
            Registration.event_id == link.event_id,
        )
    )
    return await session.scalar(members) or 0
