"""Where values come from."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.sync.field_values.sources import (
    PATHS,
    UnknownSource,
    format_value,
    in_zone,
    is_source,
    read_value,
    render_template,
    zone_of,
)
from app.sync.model.batch import RegistrationFacts
from app.sync.model.emails import EmailFact
from tests.unit.sync.builders import REGISTERED_AT, job

WATCHED_AT = datetime(2026, 12, 1, 19, tzinfo=UTC)
EARLY, LATE = datetime(2026, 12, 2, 9, tzinfo=UTC), datetime(2026, 12, 2, 10, tzinfo=UTC)
FULL = job(
    {"diet": ["vegan", "no nuts"], "size": 12, "news": False, "note": "  "},
    attendee={
        "attendee_id": "per_51",
        "first_name": "Ada",
        "company": "River Ltd",
        "job_title": "Head",
        "phone": "+49 30 1",
        "locale": "de-DE",
        "consent": {"marketing": False, "at": "2026-11-10T14:02:51Z", "text": "Send me news"},
    },
    event={
        "kind": "webinar",
        "starts_at": REGISTERED_AT,
        "ends_at": WATCHED_AT,
        "location": "Kraftwerk",
        "url": "https://otter.example/e",
        "organizer": {"name": "Olga Host", "email": "olga@otter.example"},
    },
    extras={
        "ticket": {"id": "tkt", "name": "Standard", "kind": "speaker"},
        "buyer": {"name": "Berta", "email": "berta@otter.example"},
        "utm": {
            "source": "news",
            "medium": "email",
            "campaign": "autumn",
            "term": "data",
            "content": "button",
        },
        "replay": {"seconds": 1840, "percent": 76.5},
        "answers": (
            {"key": "diet", "value": ["vegan", " ", "no nuts"]},
            {"key": "diet", "value": "meat"},
            {"key": "size", "value": 12},
            {"key": "news", "value": False},
            {"key": "note", "value": "  "},
            {"key": "a.b", "value": "dotted"},
        ),
    },
    facts=RegistrationFacts(
        "cancelled", REGISTERED_AT, REGISTERED_AT, WATCHED_AT, WATCHED_AT, None, WATCHED_AT, "Ill"
    ),
    email=EmailFact(
        "em_77",
        "email_replied",
        WATCHED_AT,
        subject="Re: See you",
        kind="reminder",
        url="https://otter.example/m/77",
        snippet="Can I bring a colleague?",
        sender_name="Ada",
        sender_email="ada@river.example",
    ),
)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("attendee.id", "per_51"),
        ("attendee.email", "ada@river.example"),
        ("attendee.first_name", "Ada"),
        ("attendee.last_name", "Otter"),
        ("attendee.name", "Ada Otter"),
        ("consent.marketing", False),
        ("consent.at", datetime(2026, 11, 10, 14, 2, 51, tzinfo=UTC)),
        ("event.kind", "webinar"),
        ("event.organizer_email", "olga@otter.example"),
        ("registration.id", "reg_1"),
        ("registration.registered_at", REGISTERED_AT),
        ("ticket.kind", "speaker"),
        ("utm.campaign", "autumn"),
        ("replay.percent", 76.5),
        ("replay.status", "watched"),
        ("buyer.email", "berta@otter.example"),
        ("email.subject", "Re: See you"),
        ("email.at", WATCHED_AT),
        pytest.param("answers.diet", ("vegan", "no nuts"), id="answers: several options, the first of a key"),
        pytest.param("answers.size", 12, id="answers: a number"),
        pytest.param("answers.news", False, id="answers: a no is a value"),
        pytest.param("answers.note", None, id="answers: blank is nothing"),
        pytest.param("answers.a.b", "dotted", id="answers: a key with a dot"),
        pytest.param("answers.else", None, id="answers: not asked"),
    ],
)
def test_paths_read_what_the_platform_sent(path: str, value: Any) -> None:
    assert read_value(path, FULL) == value


def test_every_path_has_a_value_in_a_full_registration_and_none_fails_in_an_empty_one() -> None:
    assert [path for path in PATHS if read_value(path, FULL) is None] == []
    assert {path: read_value(path, job()) for path in PATHS}["buyer.name"] is None


@pytest.mark.parametrize(
    ("own", "event", "planned"),
    [
        pytest.param((None, None), (EARLY, LATE), (EARLY, LATE), id="the event's"),
        pytest.param((EARLY, LATE), (LATE, LATE), (EARLY, LATE), id="its own"),
        pytest.param((LATE, None), (EARLY, EARLY), (LATE, None), id="no end of the event for its own start"),
        pytest.param((None, LATE), (EARLY, None), (EARLY, LATE), id="its own end"),
        pytest.param((None, None), (None, None), (None, None), id="on demand"),
    ],
)
def test_a_registration_takes_place_in_its_own_slot_or_when_the_event_does(
    own: Any, event: Any, planned: Any
) -> None:
    facts = RegistrationFacts("confirmed", REGISTERED_AT, starts_at=own[0], ends_at=own[1])
    one = job(facts=facts, event={"starts_at": event[0], "ends_at": event[1]})
    assert (read_value("registration.starts_at", one), read_value("registration.ends_at", one)) == planned


@pytest.mark.parametrize("path", ["attendee.shoe_size", "answers.", "answers", "", "attendee"])
def test_unknown_paths_are_refused(path: str) -> None:
    assert not is_source(path)
    with pytest.raises(UnknownSource):
        read_value(path, FULL)


@pytest.mark.parametrize("at", ["not a day", 5, None, "2026-11-10T14:02:51"])
def test_consent_at_is_a_moment_or_nothing(at: Any) -> None:
    found = read_value("consent.at", job(attendee={"consent": {"at": at}}))
    assert found is None or (isinstance(found, datetime) and found.tzinfo is UTC)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        pytest.param("{event.title}: {answers.diet}", "Autumn Summit: vegan, no nuts", id="values"),
        pytest.param("{ event.title }", "Autumn Summit", id="spaces in braces"),
        pytest.param("seen {event.starts_at}", "seen 2026-11-11 00:30", id="moments in the event's zone"),
        pytest.param("{answers.note}{attendee.name}", "Ada Otter", id="one of two is missing"),
        pytest.param("diet: {answers.note}", None, id="nothing to say"),
        pytest.param("just words", "just words", id="no path"),
        pytest.param("{answers.news} {answers.size}", "false 12", id="a no and a number"),
    ],
)
def test_templates(template: str, text: str | None) -> None:
    assert render_template(template, FULL) == text


def test_a_template_with_an_unknown_path_is_refused() -> None:
    with pytest.raises(UnknownSource):
        render_template("{weather}", FULL)


def test_a_zone_that_nobody_knows_is_utc() -> None:
    assert zone_of(job(event={"timezone": "Mars/Olympus"})) is UTC
    assert zone_of(job()) == ZoneInfo("Europe/Berlin")


def test_the_ends_of_the_calendar_stay_where_they_are() -> None:
    last = datetime.max.replace(tzinfo=UTC)
    assert in_zone(last, ZoneInfo("Asia/Tokyo")) == last
    assert format_value(last, ZoneInfo("Asia/Tokyo")) == "9999-12-31 23:59"
