"""The shapes of the campaign endpoints, as the dashboard reads and sends them."""

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictBool, model_validator

from app.api.auth import OPAQUE_ID
from app.api.errors import SalesforceAnswer
from app.campaigns.status_mapping import STATUS_MAX
from app.connections.model.schemas import BeforeConnection
from app.user_messages.rows import Advice

Because = Literal["label", "universal", "default", "none"]
LinkStateName = Literal["linked", "broken", "creating", "create_failed"]


class CampaignLinkRecord(BaseModel):
    """A record link to the campaign; `url` is null where its org is not the connected one.

    `id` is null until we have created it.
    """

    object: Literal["Campaign"] = "Campaign"
    id: str | None
    url: str | None
    name: str
    is_active: bool


class CampaignFound(CampaignLinkRecord):
    """A campaign as Salesforce shows it now; `members` are its leads and contacts together."""

    type: str | None
    status: str | None
    start_date: date | None
    end_date: date | None
    members: int


class MemberStatusShown(BaseModel):
    """One of the campaign's own member statuses."""

    model_config = ConfigDict(from_attributes=True)

    label: str
    is_default: bool
    has_responded: bool
    sort_order: int


class Statuses(BaseModel):
    """The campaign's label for each of our meanings; null: nothing is written for it."""

    registered: str
    attended: str
    cancelled: str | None = None
    no_show: str | None = None
    replay_watched: str | None = None


class StatusReasons(BaseModel):
    """Why each label was proposed."""

    registered: Because
    attended: Because
    cancelled: Because
    no_show: Because
    replay_watched: Because


class BackfillEstimate(BaseModel):
    """What linking would write: ceil(registrations / 1000) batches of about five API calls each."""

    registrations: int
    checked_in: int
    estimated_api_calls: int


class CampaignToValidate(BaseModel):
    """A Campaign Id of 15 or 18 characters, or an address in Salesforce that holds one."""

    model_config = ConfigDict(extra="forbid")

    campaign_id: str = Field(max_length=2000, examples=["7015g000000KqRs"])


class CampaignValidated(BaseModel):
    """The campaign, its statuses, and our proposal."""

    campaign: CampaignFound
    statuses: list[MemberStatusShown]
    proposed: Statuses
    proposed_because: StatusReasons
    backfill: BackfillEstimate
    warnings: list[Advice]


class StatusesChosen(BaseModel):
    """What the host chose; `registered` and `attended` are needed."""

    model_config = ConfigDict(extra="forbid")

    registered: str | None = Field(None, max_length=STATUS_MAX)
    attended: str | None = Field(None, max_length=STATUS_MAX)
    cancelled: str | None = Field(None, max_length=STATUS_MAX)
    no_show: str | None = Field(None, max_length=STATUS_MAX)
    replay_watched: str | None = Field(None, max_length=STATUS_MAX)


class CampaignToLink(CampaignToValidate):
    """A link to make or to change; `reapply` writes changed statuses to members already written, too."""

    statuses: StatusesChosen
    reapply: StrictBool = False


class CampaignToCreate(BaseModel):
    """What to call the new campaign and when it is; what is left out follows the event."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00]*\S[^\x00]*$")] | None = None
    type: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[^\x00]*$")] | None = None
    start_date: date | None = None
    end_date: date | None = None

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.start_date and self.end_date and self.end_date < self.start_date:
            raise ValueError("end_date must not be before start_date")
        return self


class SetUpToCopy(BaseModel):
    """Whose statuses to take; its campaign, too, unless another is named."""

    model_config = ConfigDict(extra="forbid")

    from_event_id: Annotated[str, Field(pattern=OPAQUE_ID)]
    campaign_id: Annotated[str, Field(max_length=2000)] | None = None


class BackfillToStart(BaseModel):
    """`request`: write what is not written; `reapply`: changed statuses to members, too;
    `before_connection`: only those who registered before the host was connected.
    """

    model_config = ConfigDict(extra="forbid")

    why: Literal["request", "reapply", "before_connection"] = "request"


class HostBackfillToStart(BaseModel):
    """Write everybody from before the connection; a dry run, which it is unless told otherwise, counts."""

    model_config = ConfigDict(extra="forbid")

    dry_run: StrictBool = True


class HostBackfill(BeforeConnection):
    """What is written from now on, or, after a dry run, would be."""

    dry_run: bool


class CampaignPage(BaseModel):
    """One page of the org's campaigns, active ones first."""

    items: list[CampaignFound]
    next_cursor: str | None


class CampaignProposal(BaseModel):
    """The campaign that we would create for an event; dates are days where the event takes place. `org` names
    where, `can_create`: the event is not over.
    """

    name: str
    type: str | None
    start_date: date | None
    end_date: date | None
    is_active: bool
    statuses: list[str]
    org: str | None
    is_sandbox: bool | None
    can_create: bool


class BackfillShown(BaseModel):
    """How far a backfill is: done + failed + skipped + to_go = total."""

    id: str = Field(validation_alias="backfill_id")
    why: str = Field(validation_alias="reason")
    state: str
    total: int
    done: int
    failed: int
    skipped: int
    to_go: int
    api_calls: int
    started_at: AwareDatetime
    finished_at: AwareDatetime | None
    estimated_end_at: AwareDatetime | None


class LinkShown(BaseModel):
    """The event's link to its campaign; `problem` says what to do while it is broken."""

    state: LinkStateName
    problem: Advice | None
    campaign: CampaignLinkRecord
    org_id: str
    is_created_by_us: bool
    statuses: Statuses
    available_statuses: list[str]
    backfill: BackfillShown | None
    salesforce: SalesforceAnswer | None
    linked_at: AwareDatetime
    linked_by: str
    version: int


class Unlinked(BaseModel):
    """What unlinking ended: member writes that were still to come, and members that stay in Salesforce."""

    unlinked_at: datetime
    campaign: CampaignLinkRecord
    writes_stopped: int
    members_kept: int
