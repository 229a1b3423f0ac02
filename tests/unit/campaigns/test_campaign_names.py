"""Names of campaigns that we create."""

from datetime import UTC, datetime

from app.campaigns.creation_requests import CreationRequest
from app.campaigns.schemas import CampaignToCreate
from app.models import Event

STARTS_AT = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)


def wish(title: str, starts_at: datetime | None = STARTS_AT, **chosen: str) -> CreationRequest:
    event = Event(
        event_id="evt_1", title=title, kind="in_person", timezone="Europe/Berlin", starts_at=starts_at,
        ends_at=None, snapshot_at=STARTS_AT,
    )  # fmt: skip
    return CreationRequest.of(event, CampaignToCreate.model_validate(chosen))


def test_name_is_cut_in_utf16_units() -> None:
    name = wish("🎪" * 50).name
    assert name == "🎪" * 40


def test_blank_title_gets_a_name() -> None:
    assert wish(" \u200b ").name == "Event on 2026-11-25"
    assert wish("", starts_at=None).name == "Event on demand"


def test_chosen_name_loses_what_cannot_be_printed() -> None:
    assert wish("Summit", name="\ufeffTour \n 2026").name == "Tour 2026"


def test_invisible_chosen_name_is_the_title() -> None:
    assert wish("Summit", name="\u200b").name == "Summit"
