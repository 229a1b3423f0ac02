"""Events and campaigns: validate and propose, link, change, mend, unlink.

Salesforce is always asked between two transactions, never inside one; the second looks again at what the
first one found.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.calls import EventCall
from app.api.dependencies import Resources
from app.api.errors import (
    CampaignIdInvalid,
    CampaignIsLocked,
    CampaignNotLinked,
    SalesforceUnavailable,
)
from app.campaigns.backfill import UNSETTLED, cancel_backfill, estimate, restart_backfill, start_backfill
from app.campaigns.link_validation import (
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
from app.hosts.rows import require_event
from app.infrastructure import audit_log
from app.models import CampaignLink, Connection, Registration, SyncJob, WrittenRecord
from app.models.conditions import IS_WRITABLE
from app.notifications.facts import campaign_restored
from app.notifications.outbox import forget_condition
from app.states import ConditionKind, JobReason, LinkState
from app.sync.model.batch import MEMBER
from app.user_messages.catalog import advise, say


async def validate_campaign(call: EventCall, *, pasted: str) -> CampaignValidated:
    """The campaign that `pasted` names, our proposal of statuses, and what linking it would mean.

    Raises EventNotFound, CampaignIdInvalid, NotConnected, ConnectionNeedsReconnect, CampaignsNotReadable,
    SalesforceRefused, SalesforceUnavailable, ApiBudgetReached.
    """
    async with call.resources.database.tenant(call.host_id) as session:
        await require_event(session, call.host_id, call.event_id)
        campaign_id = parse_campaign_id(pasted)
        connection = await usable_connection(session, call.host_id, settings=call.resources.settings)
    campaign = await _find_campaign(call.resources, connection, campaign_id)
    guesses = propose_statuses(campaign.statuses)
    labels = {meaning: guess.label for meaning, guess in guesses.items()}
    async with call.resources.database.tenant(call.host_id) as session:
        backfill = await estimate(session, call.host_id, call.event_id)
        is_used = await is_used_by_other_event(
            session, call.host_id, call.event_id, campaign_id=campaign.id, org_id=connection.org_id
        )
    return CampaignValidated(
        campaign=found_record(campaign, connection),
        statuses=[MemberStatusShown.model_validate(status) for status in campaign.statuses],
        proposed=Statuses.model_validate(labels),
        proposed_because=StatusReasons.model_validate(
            {meaning: guess.because for meaning, guess in guesses.items()}
        ),
        backfill=backfill,
        warnings=warnings_for(
            campaign, labels, is_used_by_other_event=is_used, today=datetime.now(UTC).date()
        ),
    )


async def find_link(call: EventCall) -> LinkShown:
    """The event's link. Raises EventNotFound, CampaignNotLinked."""
    async with call.resources.database.tenant(call.host_id) as session:
        await require_event(session, call.host_id, call.event_id)
        link = await link_view(session, call.host_id, call.event_id)
    if link is None:
        raise CampaignNotLinked
    return link


async def link_campaign(call: EventCall, request: CampaignToLink) -> tuple[LinkShown, bool]:
    """Link the event, or change its statuses, or mend its link; True when it was not linked before.

    A first link and a mended one write the event's registrations by a backfill; changed statuses only when
    `request.reapply`. Raises what `validate_campaign` raises, and StatusesIncomplete, StatusUnknown,
    CampaignIsLocked.
    """
    key = call.host_id, call.event_id
    async with call.resources.database.tenant(call.host_id) as session:
        await require_event(session, *key)
        campaign_id, statuses = parse_campaign_id(request.campaign_id), require_statuses(request.statuses)
        _refuse_other(await session.get(CampaignLink, key), campaign_id)
        connection = await usable_connection(session, call.host_id, settings=call.resources.settings)
    campaign = await _find_campaign(call.resources, connection, campaign_id)
    require_known_statuses(statuses, campaign)
    values = _link_values(connection.org_id, campaign, statuses)
    async with call.resources.database.tenant(call.host_id) as session:
        await _require_same_org(session, connection, settings=call.resources.settings)
        link = await session.get(CampaignLink, key)
        _refuse_other(link, campaign_id)
        if link is None:
            owner = {"host_id": call.host_id, "event_id": call.event_id, "linked_by": call.user_id}
            await _add_link(session, CampaignLink(**owner, **values))
        else:
            replaced = _replace(link, values)
            await _record_change(session, link, replaced, by=call.user_id, is_reapplied=request.reapply)
        shown = await link_view(session, *key)
    assert shown is not None
    return shown, link is None


async def copy_link(call: EventCall, request: SetUpToCopy) -> tuple[LinkShown, bool]:
    """Link the event as another one is linked: its statuses, and its campaign unless another is named.

    Raises what `link_campaign` raises; CampaignNotLinked when the other event has no campaign yet.
    """
    async with call.resources.database.tenant(call.host_id) as session:
        await require_event(session, call.host_id, call.event_id)
        await require_event(session, call.host_id, request.from_event_id)
        other = await session.get(CampaignLink, (call.host_id, request.from_event_id))
    if other is None or other.campaign_id is None:
        raise CampaignNotLinked
    statuses = StatusesChosen.model_validate(other.statuses)
    campaign_id = request.campaign_id or other.campaign_id
    return await link_campaign(call, CampaignToLink(campaign_id=campaign_id, statuses=statuses))


async def unlink_campaign(call: EventCall) -> Unlinked:
    """End member writes for this event; what stands in Salesforce stays, persons and activities go on.

    Raises EventNotFound, CampaignNotLinked.
    """
    async with call.resources.database.tenant(call.host_id) as session:
        event = await require_event(session, call.host_id, call.event_id)
        connection = await _lock_host(session, call.host_id)
        link = await session.get(CampaignLink, (call.host_id, call.event_id))
        if link is None:
            raise CampaignNotLinked
        writes_stopped = await _cancel_member_writes(session, link, connection, by=call.user_id)
        members_kept = await _count_members(session, link)
        await session.delete(link)
        await forget_condition(session, call.host_id, ConditionKind.CAMPAIGN, subject=call.event_id)
        event.has_had_link = True
        counts = {"writes_stopped": writes_stopped, "members_kept": members_kept}
        details = {"event_id": call.event_id, "campaign_id": link.campaign_id, "org_id": link.org_id}
        action = "salesforce.campaign_unlinked"
        await audit_log.append_entry(
            session, call.host_id, actor=call.user_id, action=action, details=details | counts
        )
    return Unlinked(unlinked_at=datetime.now(UTC), campaign=record_of(link, connection), **counts)


async def _lock_host(session: AsyncSession, host_id: str) -> Connection | None:
    """Lock the host's row: other links, unlinks and a change of org wait until the transaction ends."""
    return await session.get(Connection, host_id, with_for_update={"key_share": True})


async def _require_same_org(session: AsyncSession, queried: Connection, *, settings: Settings) -> None:
    """The campaign was read in this org; a connection that moved meanwhile knows nothing of it."""
    await _lock_host(session, queried.host_id)
    connection = await usable_connection(session, queried.host_id, settings=settings)
    if connection.org_id != queried.org_id:
        raise SalesforceUnavailable(say("detail.connection_changed"), headers={"Retry-After": "1"})


def _refuse_other(link: CampaignLink | None, campaign_id: str) -> None:
    if link is not None and link.state != LinkState.CREATE_FAILED and link.campaign_id != campaign_id:
        raise CampaignIsLocked(say("detail.linked_to_id", campaign=link.campaign_name, id=link.campaign_id))


async def _find_campaign(resources: Resources, connection: Connection, campaign_id: str) -> Campaign:
    async with campaign_calls(resources, connection.host_id, is_for_person=True) as client:
        campaign = await read_campaign(client, campaign_id)
    if campaign is None:
        org = f"{connection.org_name} ({connection.org_id})" if connection.org_name else connection.org_id
        raise CampaignIdInvalid(
            say("detail.no_such_campaign", org=org),
            reason="not_found",
            advice=advise("campaign_not_in_org"),
        )
    return campaign


def _link_values(org_id: str, campaign: Campaign, statuses: Statuses) -> dict[str, Any]:
    return {
        "state": LinkState.LINKED,
        "problem_code": None,
        "org_id": org_id,
        "campaign_id": campaign.id,
        "campaign_name": campaign.name,
        "is_active": campaign.is_active,
        "statuses": statuses.model_dump(),
        "available_statuses": campaign.labels,
    }


async def _add_link(session: AsyncSession, link: CampaignLink) -> None:
    session.add(link)
    await session.flush()
    await _audit_link(session, link, "salesforce.campaign_linked", by=link.linked_by)
    await restart_backfill(session, link, reason=JobReason.LINK, by=link.linked_by)


def _replace(link: CampaignLink, values: dict[str, Any]) -> dict[str, Any]:
    """Bring the link up to date; returns the values that were replaced, by column."""
    replaced = {name: getattr(link, name) for name, value in values.items() if getattr(link, name) != value}
    for name in replaced:
        setattr(link, name, values[name])
    link.version += 1 if replaced else 0
    return replaced


async def _record_change(
    session: AsyncSession, link: CampaignLink, replaced: dict[str, Any], *, by: str, is_reapplied: bool
) -> None:
    is_mended = bool({"state", "org_id"} & replaced.keys())
    if is_mended:
        await _audit_link(session, link, "salesforce.campaign_linked", by=by, is_mended=True)
        await campaign_restored(session, link.host_id, link.event_id, campaign_id=link.campaign_id)
    elif "statuses" in replaced or is_reapplied:
        changes = {"before": replaced.get("statuses", link.statuses), "is_reapplied": is_reapplied}
        await _audit_link(session, link, "salesforce.campaign_statuses_changed", by=by, **changes)
    if is_mended or is_reapplied:
        reason = JobReason.LINK if is_mended else JobReason.REAPPLY
        await restart_backfill(session, link, reason=reason, by=by)


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
