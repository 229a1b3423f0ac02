"""Create requested campaigns: never two, wherever the process crashes.

Every step is committed before the next. A committed intent precedes the create, the Description carries our
reference tag, and the campaign is looked up before a create is sent again.
"""

import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import func, literal, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.dependencies import Resources
from app.api.errors import Problem, SalesforceAnswer
from app.campaigns.backfill import restart_backfill
from app.campaigns.creation_requests import OWN_STATUSES, CreationRequest
from app.campaigns.lookup import HIDDEN_FIELD, Campaign, campaign_calls, read_campaign
from app.campaigns.status_mapping import propose_statuses
from app.connections.service import mark_used
from app.infrastructure import audit_log
from app.infrastructure.database import database_now
from app.models import CampaignLink, Connection
from app.salesforce.client import SalesforceClient
from app.salesforce.composite import Record, collection_create
from app.salesforce.errors import (
    ApiError,
    ErrorClass,
    RequestRejected,
    ResponseLost,
    SalesforceError,
    Scope,
    SendGuardTripped,
)
from app.salesforce.ids import to18
from app.salesforce.soql import datetime_literal, quote
from app.states import JobReason, LinkState, StatusMeaning
from app.sync.execution.rejections import FIELD_NAME
from app.sync.model.reference_tags import reference_tag, references_in

CREATE_FAILED: Final = "campaign_create_failed"
STATUSES_NOT_CREATED: Final = "member_statuses_not_created"
DESCRIPTION: Final = "Description"
OPTIONAL: Final = ("Type", "StartDate", "EndDate", DESCRIPTION)
CLOCK_SKEW: Final = timedelta(minutes=5)
WAITS: Final = (5, 15, 60, 300, 900)
"""Seconds before another try, by how many there were."""

CLAIM: Final = text("""
    UPDATE campaign_links AS link
    SET creation_due_at = clock_timestamp() + :lease, creation_attempts = link.creation_attempts + 1
    FROM (
        SELECT due.host_id, due.event_id FROM campaign_links AS due
        JOIN connections AS connection ON connection.host_id = due.host_id AND connection.org_id = due.org_id
        LEFT JOIN hosts AS host ON host.host_id = due.host_id
        WHERE due.state = 'creating' AND due.creation_due_at <= clock_timestamp()
          AND connection.state = 'connected' AND host.paused_at IS NULL
          AND (connection.api_closed_until IS NULL OR connection.api_closed_until <= clock_timestamp())
        ORDER BY due.creation_due_at LIMIT :most FOR UPDATE OF due SKIP LOCKED
    ) AS claimed
    WHERE link.host_id = claimed.host_id AND link.event_id = claimed.event_id
    RETURNING link.host_id, link.event_id
""")


class Superseded(Exception):
    """The link was changed, unlinked or taken over meanwhile: nothing more is done here."""


@dataclass(frozen=True)
class CreationTask:
    """One link in state `creating`, as it was when it was read."""

    resources: Resources
    link: CampaignLink
    request: CreationRequest

    @property
    def reference(self) -> str:
        return reference_tag(self.link.host_id, self.link.org_id, self.request.id, "campaign")

    async def store_now(self, **values: Any) -> None:
        """Change the link in a transaction of its own. Raises Superseded."""
        async with self.resources.database.tenant(self.link.host_id) as session:
            await self.store(session, **values)

    async def store(self, session: AsyncSession, **values: Any) -> None:
        """Change the link as long as it is still this one. Raises Superseded."""
        changed = await session.execute(
            update(CampaignLink)
            .where(
                CampaignLink.host_id == self.link.host_id,
                CampaignLink.event_id == self.link.event_id,
                CampaignLink.state == LinkState.CREATING,
                CampaignLink.creation["id"].astext == self.request.id,
                CampaignLink.creation_started_at.is_not_distinct_from(self.link.creation_started_at),
            )
            .values(values)
            .returning(CampaignLink.event_id)
        )
        if changed.first() is None:
            raise Superseded


async def create_campaigns(resources: Resources, *, limit: int = 5) -> int:
    """Take the campaigns that are due one step further, or to their end; returns how many were due."""
    lease = timedelta(seconds=resources.settings.times.http_total + 30)
    async with resources.database.system() as session:
        due = (await session.execute(CLAIM, {"lease": lease, "most": limit})).all()
    for host_id, event_id in due:
        creation = await _read(resources, host_id, event_id)
        if creation is not None:
            await _advance(creation)
    return len(due)


async def _read(resources: Resources, host_id: str, event_id: str) -> CreationTask | None:
    async with resources.database.tenant(host_id) as session:
        link = await session.get(CampaignLink, (host_id, event_id))
    if link is None or link.state != LinkState.CREATING or link.creation is None:
        return None
    return CreationTask(resources, link, CreationRequest.stored(link.creation))


async def _advance(creation: CreationTask) -> None:
    """Take the next step; the link records how far it came and when to continue."""
    try:
        campaign_id = creation.link.campaign_id or await _find_or_create(creation)
        if campaign_id is not None:
            await _finish(creation, campaign_id)
    except Superseded:
        return
    except (Problem, SalesforceError):
        current = await _read(creation.resources, creation.link.host_id, creation.link.event_id)
        if current is not None:
            await _reschedule(current)


async def _find_or_create(creation: CreationTask) -> str | None:
    """The id of the campaign, found or created; None when it has to wait or was refused."""
    if creation.link.creation_started_at is None:
        return await _send(creation)
    found = await _look_up(creation)
    if found is None and await _is_settled(creation):
        return await _send(creation)
    if found is None:
        await _reschedule(creation)
    return found


async def _look_up(creation: CreationTask) -> str | None:
    """The campaign that an earlier try may have made, by its name and our reference.

    Where Description is hidden from the user the name and the time have to do.
    """
    link = creation.link
    assert link.creation_started_at is not None
    since = datetime_literal(link.creation_started_at - CLOCK_SKEW)
    where = f"FROM Campaign WHERE Name = {quote(creation.request.name)} AND CreatedDate >= {since}"
    hides_it = DESCRIPTION in creation.request.dropped
    async with campaign_calls(creation.resources, link.host_id) as client:
        found = await client.query(f"SELECT {'Id' if hides_it else 'Id, Description'} {where}")
    for record in found:
        if hides_it or creation.reference in references_in(record.get(DESCRIPTION)):
            return to18(record["Id"])
    return None


async def _is_settled(creation: CreationTask) -> bool:
    """Whether a lost create cannot land any more."""
    async with creation.resources.database.tenant(creation.link.host_id) as session:
        now = await database_now(session)
    started_at = creation.link.creation_started_at
    in_doubt = timedelta(seconds=creation.resources.settings.times.in_doubt)
    return started_at is None or bool(now >= started_at + in_doubt)


async def _send(creation: CreationTask) -> str | None:
    guard = LateCreateGuard(creation.resources.settings.times.send_window)
    async with campaign_calls(creation.resources, creation.link.host_id, before_send=guard.check) as client:
        intended = await _intend(creation, guard)
        try:
            campaign_id = await client.create("Campaign", _fields(intended))
        except ResponseLost:
            await _reschedule(intended)
            return None
        except RequestRejected as rejected:
            await _handle_rejection(intended, rejected.failure)
            return None
        except SalesforceError:
            await _reschedule(intended, creation_started_at=None)
            return None
    async with creation.resources.database.tenant(creation.link.host_id) as session:
        await intended.store(session, campaign_id=campaign_id)
        await mark_used(session, creation.link.host_id, has_written=True)
    return campaign_id


@dataclass
class LateCreateGuard:
    """Stops a create that is late: more than `window` seconds after its intent."""

    window: float
    intended_at: float = field(default_factory=time.monotonic)

    def check(self) -> None:
        """Raises SendGuardTripped."""
        if time.monotonic() - self.intended_at > self.window:
            raise SendGuardTripped("the intent to create a campaign is too old")


async def _intend(creation: CreationTask, guard: LateCreateGuard) -> CreationTask:
    """Commit that a create is about to be sent."""
    guard.intended_at = time.monotonic()
    await creation.store_now(creation_started_at=func.clock_timestamp())
    intended = await _read(creation.resources, creation.link.host_id, creation.link.event_id)
    if intended is None or intended.request.id != creation.request.id:
        raise Superseded
    return intended


def _fields(creation: CreationTask) -> dict[str, Any]:
    request = creation.request
    fields = {
        "Name": request.name,
        "IsActive": True,
        "Type": request.type,
        "StartDate": request.start_date,
        "EndDate": request.end_date,
        DESCRIPTION: f"Created by Eventship.\n\n{creation.reference}",
    }
    return {name: value for name, value in fields.items() if value and name not in request.dropped}


async def _handle_rejection(creation: CreationTask, failure: ApiError) -> None:
    """Leave out optional fields that the org rejects; wait for temporary errors; else record the failure."""
    is_hidden = failure.error_code.startswith(HIDDEN_FIELD)
    named = failure.fields or (FIELD_NAME.findall(failure.message) if is_hidden else ())
    dropped = tuple(name for name in OPTIONAL if name in named and name not in creation.request.dropped)
    if dropped:
        request = replace(creation.request, dropped=(*creation.request.dropped, *dropped))
        now = func.clock_timestamp()
        await _reschedule(creation, creation_started_at=None, creation=request.as_json(), creation_due_at=now)
    elif failure.error_class in (ErrorClass.TRANSIENT, ErrorClass.LIMIT) or failure.scope != Scope.RECORD:
        await _reschedule(creation, creation_started_at=None)
    else:
        await _fail(creation, failure)


async def _fail(creation: CreationTask, failure: ApiError) -> None:
    await creation.store_now(
        state=LinkState.CREATE_FAILED,
        problem_code=CREATE_FAILED,
        creation=creation.request.as_json() | {"refused": SalesforceAnswer.of(failure).model_dump()},
        version=CampaignLink.version + 1,
    )


async def _reschedule(creation: CreationTask, /, **values: Any) -> None:
    """Try again in a while, as long as the link is still as it was read."""
    wait = WAITS[min(creation.link.creation_attempts, len(WAITS)) - 1]
    due_at = func.clock_timestamp() + literal(timedelta(seconds=wait))
    with suppress(Superseded):
        await creation.store_now(**({"creation_due_at": due_at} | values))


async def _finish(creation: CreationTask, campaign_id: str) -> None:
    """Give the campaign its statuses as far as the org allows, and link it."""
    current = await _read(creation.resources, creation.link.host_id, creation.link.event_id)
    if current is None:
        raise Superseded
    async with campaign_calls(creation.resources, creation.link.host_id) as client:
        campaign = await read_campaign(client, campaign_id)
        if campaign is None:
            raise ResponseLost("the campaign that was just created is not visible yet")
        if _missing(campaign) and await _may_add_statuses(client):
            await _add_statuses(client, campaign)
            campaign = await read_campaign(client, campaign_id) or campaign
    async with creation.resources.database.tenant(creation.link.host_id) as session:
        await _link(session, current, campaign)


def _missing(campaign: Campaign) -> list[StatusMeaning]:
    labels = {label.casefold() for label in campaign.labels}
    return [meaning for meaning in StatusMeaning if OWN_STATUSES[meaning].label.casefold() not in labels]


async def _may_add_statuses(client: SalesforceClient) -> bool:
    """Documents disagree on whether member statuses can be created: the org's own describe decides."""
    return (await client.describe("CampaignMemberStatus")).is_createable


async def _add_statuses(client: SalesforceClient, campaign: Campaign) -> None:
    """Labels are unique in a campaign, so that adding them twice adds them once."""
    behind = max((status.sort_order for status in campaign.statuses), default=0)
    missing = [OWN_STATUSES[meaning] for meaning in _missing(campaign)]
    rows = [
        Record(
            "CampaignMemberStatus",
            {
                "CampaignId": campaign.id,
                "Label": status.label,
                "IsDefault": status.is_default,
                "HasResponded": status.has_responded,
                "SortOrder": behind + number,
            },
        )
        for number, status in enumerate(missing, start=1)
    ]
    await client.composite([collection_create("statuses", rows, api_version=client.api_version)])


async def _link(session: AsyncSession, creation: CreationTask, campaign: Campaign) -> None:
    link, missing = creation.link, _missing(campaign)
    # Whoever links, unlinks or changes the org of this host waits for us, or we for them.
    await session.get(Connection, link.host_id, with_for_update={"key_share": True})
    await creation.store(
        session,
        state=LinkState.LINKED,
        problem_code=STATUSES_NOT_CREATED if missing else None,
        campaign_id=campaign.id,
        campaign_name=campaign.name,
        is_active=campaign.is_active,
        is_created_by_us=True,
        statuses=_chosen(campaign, missing),
        available_statuses=campaign.labels,
        linked_at=func.clock_timestamp(),
        version=CampaignLink.version + 1,
    )
    details = {"event_id": link.event_id, "campaign_id": campaign.id, "org_id": link.org_id}
    await audit_log.append_entry(
        session, link.host_id, actor=link.linked_by, action="salesforce.campaign_created", details=details
    )
    await restart_backfill(session, link, reason=JobReason.LINK, by=link.linked_by)


def _chosen(campaign: Campaign, missing: list[StatusMeaning]) -> dict[str, str | None]:
    guesses = propose_statuses(campaign.statuses)
    return {
        meaning: guesses[meaning].label if meaning in missing else OWN_STATUSES[meaning].label
        for meaning in StatusMeaning
    }
