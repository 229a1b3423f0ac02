"""Validate a link before it is made: Campaign Id, chosen statuses, and warnings that do not prevent it."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from app.api.errors import CampaignIdInvalid, FieldError, StatusesIncomplete, StatusUnknown
from app.campaigns.lookup import Campaign
from app.campaigns.schemas import Statuses, StatusesChosen
from app.salesforce.ids import MalformedId, find_id, other_object_in
from app.states import StatusMeaning
from app.user_messages.catalog import advise, say
from app.user_messages.rows import Advice

CAMPAIGN_PREFIX: Final = "701"
LIST_ADDRESSES: Final = ("/lightning/o/Campaign", "/701?", "/701/o")
"""In the address of a list of campaigns: Lightning's and Classic's."""
NEEDED: Final = (StatusMeaning.REGISTERED, StatusMeaning.ATTENDED)
SHOWN_LABELS: Final = 50
SHOWN_CHARACTERS: Final = 100


def parse_campaign_id(pasted: str) -> str:
    """The 18-character id in what was pasted. Raises CampaignIdInvalid with `format` or `checksum`."""
    try:
        return find_id(pasted, CAMPAIGN_PREFIX)
    except MalformedId as error:
        raise CampaignIdInvalid(reason=error.reason, advice=_advice_for(pasted, error.reason)) from None


def _advice_for(pasted: str, reason: str) -> Advice:
    """What is wrong with it, as far as it can be seen without asking Salesforce."""
    if reason == "checksum":
        return advise("campaign_id_mistyped")
    if (other := other_object_in(pasted)) is not None:
        return advise("campaign_id_of_other_object", object=other)
    is_list = any(part in pasted for part in LIST_ADDRESSES)
    return advise("campaign_list_pasted" if is_list else "campaign_id_malformed")


def require_statuses(chosen: StatusesChosen) -> Statuses:
    """The choice, an empty text counting as none. Raises StatusesIncomplete."""
    labels = {meaning: getattr(chosen, meaning) or None for meaning in StatusMeaning}
    missing = [meaning for meaning in NEEDED if labels[meaning] is None]
    if missing:
        raise StatusesIncomplete(
            errors=[FieldError(path=f"statuses.{meaning}", message="is not chosen") for meaning in missing]
        )
    return Statuses.model_validate(labels)


def require_known_statuses(statuses: Statuses, campaign: Campaign) -> None:
    """Salesforce silently replaces a status that the campaign does not have. Raises StatusUnknown."""
    own = campaign.labels
    unknown = {meaning: label for meaning, label in statuses if label is not None and label not in own}
    if not unknown:
        return
    named = ", ".join(f'"{label[:SHOWN_CHARACTERS]}"' for label in dict.fromkeys(unknown.values()))
    listed = ", ".join(f'"{label}"' for label in own[:SHOWN_LABELS])
    raise StatusUnknown(
        say("detail.no_such_status", campaign=campaign.name, named=named, listed=listed),
        errors=[
            FieldError(path=f"statuses.{meaning}", message="is not a status of the campaign")
            for meaning in unknown
        ],
    )


def warnings_for(
    campaign: Campaign, labels: Mapping[str, str | None], *, is_used_by_other_event: bool, today: date
) -> list[Advice]:
    """The warnings about linking this campaign with these labels. None prevents it."""
    attended = labels[StatusMeaning.ATTENDED]
    chosen = [each for each in campaign.statuses if each.label == attended]
    warnings = (
        ("campaign_used_by_other_event", is_used_by_other_event),
        ("campaign_inactive", not campaign.is_active),
        ("campaign_ended", campaign.end_date is not None and campaign.end_date < today),
        ("same_status_for_both", labels[StatusMeaning.REGISTERED] == attended),
        ("attended_not_responded", not any(each.has_responded for each in chosen)),
    )
    return [advise(code) for code, applies in warnings if applies]
