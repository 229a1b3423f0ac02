"""What is worth knowing before an event is linked to a campaign: a table from a warning to its test."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from app.campaigns.lookup import Campaign
from app.states import StatusMeaning
from app.user_messages.catalog import Advice, advise


@dataclass(frozen=True)
class LinkCandidate:
    """A campaign that may be linked, with the labels proposed for registered and attended."""

    campaign: Campaign
    labels: Mapping[str, str | None]
    is_used_by_other_event: bool
    today: date

    @property
    def has_ended(self) -> bool:
        end = self.campaign.end_date
        return end is not None and end < self.today

    @property
    def has_one_status_for_both(self) -> bool:
        return self.labels[StatusMeaning.REGISTERED] == self.labels[StatusMeaning.ATTENDED]

    @property
    def has_attended_not_responded(self) -> bool:
        attended = self.labels[StatusMeaning.ATTENDED]
        return not any(each.has_responded for each in self.campaign.statuses if each.label == attended)


WARNINGS: Final[tuple[tuple[str, Callable[[LinkCandidate], bool]], ...]] = (
    ("campaign_used_by_other_event", lambda prospect: prospect.is_used_by_other_event),
    ("campaign_inactive", lambda prospect: not prospect.campaign.is_active),
    ("campaign_ended", lambda prospect: prospect.has_ended),
    ("same_status_for_both", lambda prospect: prospect.has_one_status_for_both),
    ("attended_not_responded", lambda prospect: prospect.has_attended_not_responded),
)


def warnings_for(prospect: LinkCandidate) -> list[Advice]:
    """Return the warnings that apply, in the order of the table. None prevents linking."""
    return [advise(code) for code, applies in WARNINGS if applies(prospect)]
