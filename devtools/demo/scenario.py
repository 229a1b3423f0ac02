"""The scenario as one table: people in the org before, registrants, and people expected there after."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from devtools.demo.sample_people import CROWD

HOST_ID, HOST_NAME, EVENT_ID = "host_acme", "Acme Events", "evt_summit"
TITLE, ZONE = "Autumn Summit", "Europe/Berlin"
REFUSED_PHONE, RULE_MESSAGE = "555 0100", "Phone must start with +"
REFUSED_CODE = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
FIRST_REGISTRATION = datetime(2026, 11, 10, 14, 3, tzinfo=UTC)
FIRST_CHECK_IN = datetime(2026, 11, 24, 7, 15, tzinfo=UTC)
EVENT_STARTS_AT = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
EVENT_ENDS_AT = datetime(2026, 11, 25, 16, 0, tzinfo=UTC)
BETWEEN_REGISTRATIONS, BETWEEN_CHECK_INS = timedelta(minutes=37), timedelta(seconds=40)

NEW_LEAD = "new Lead"
Outcome = Literal["synced", "skipped", "refused"]


@dataclass(frozen=True)
class Seeded:
    """A record that the org has before anybody registers; `year` is when it was created."""

    key: str
    sobject: Literal["Lead", "Contact"]
    fields: dict[str, str]
    year: int = 2024
    is_converted: bool = False
    is_invited: bool = False


@dataclass(frozen=True)
class Registrant:
    """One registration: what the platform sends, and what must stand in Salesforce afterwards.

    `person` is a Seeded key, NEW_LEAD, or None when nothing may be written. `first`, `last` and `company`
    are those of a new Lead.
    """

    number: int
    case: str
    attendee: dict[str, Any]
    person: str | None = NEW_LEAD
    first: str | None = None
    last: str | None = None
    company: str | None = None
    checks_in: bool = False
    outcome: Outcome = "synced"
    is_checked_in_first: bool = False
    is_sent_twice: bool = False
    answers: Mapping[str, str] = field(default_factory=dict)

    @property
    def registration_id(self) -> str:
        return f"reg_{self.number:04d}"

    @property
    def email(self) -> str | None:
        email: str | None = self.attendee["email"]
        return email

    @property
    def person_key(self) -> str | None:
        """The same for two registrations that end at one person."""
        return self.email if self.person == NEW_LEAD else self.person

    @property
    def registered_at(self) -> datetime:
        return FIRST_REGISTRATION + self.number * BETWEEN_REGISTRATIONS

    @property
    def checked_in_at(self) -> datetime | None:
        return FIRST_CHECK_IN + self.number * BETWEEN_CHECK_INS if self.checks_in else None


def _person(first: str, last: str, email: str, company: str | None = None) -> dict[str, str]:
    fields = {"FirstName": first, "LastName": last, "Email": email}
    return fields | ({"Company": company} if company else {})


SEEDED = (
    Seeded("clara", "Contact", _person("Clara", "Contact", "clara.contact@customer.example")),
    Seeded("leo", "Lead", _person("Leo", "Lead", "leo.lead@prospect.example", "Prospect AG")),
    Seeded("tess the elder", "Lead", _person("Tess", "Twice", "tess.twice@twice.example", "Twice Ltd")),
    Seeded("bea the lead", "Lead", _person("Bea", "Both", "bea.both@both.example", "Both Inc")),
    Seeded("bea the contact", "Contact", _person("Bea", "Both", "bea.both@both.example")),
    Seeded(
        "cora",
        "Lead",
        _person("Cora", "Converted", "cora.converted@was.example", "Was KG"),
        is_converted=True,
    ),
    Seeded("blake", "Lead", _person("Blake", "Barrier", "blake@old-address.example", "Barrier Works")),
    Seeded(
        "ina", "Lead", _person("Ina", "Invited", "ina.invited@guest.example", "Guest SA"), is_invited=True
    ),
    # A colleague of somebody in the crowd, with the company's phone.
    Seeded(
        "colleague", "Contact", {**_person("Zoe", "Colleague", "zoe@desk.example"), "Phone": "+49 30 4007"}
    ),
    Seeded(
        "tess the younger",
        "Lead",
        _person("Tess", "Twice", "tess.twice@twice.example", "Twice Limited"),
        year=2025,
    ),
)


def _attendee(
    email: str | None,
    first: str | None = None,
    last: str | None = None,
    company: str | None = None,
    **more: str,
) -> dict[str, Any]:
    return {"email": email, "first_name": first, "last_name": last, "company": company, **more}


LONG_COMPANY = ("Very Long Company Name " * 14)[:300]

SPECIAL = (
    Registrant(
        1,
        "an existing Contact",
        _attendee("Clara.Contact@customer.example", "Clara", "Contact", "Customer GmbH"),
        person="clara",
        checks_in=True,
    ),
    Registrant(
        2,
        "an existing Lead",
        _attendee("leo.lead@prospect.example", "Leo", "Lead", "Prospect AG"),
        person="leo",
    ),
    Registrant(
        3,
        "two Leads with one e-mail: the oldest",
        _attendee("tess.twice@twice.example", "Tess", "Twice", "Twice Ltd"),
        person="tess the elder",
        checks_in=True,
    ),
    Registrant(
        4,
        "Lead and Contact with one e-mail: the Contact",
        _attendee("bea.both@both.example", "Bea", "Both", "Both Inc"),
        person="bea the contact",
        checks_in=True,
    ),
    Registrant(
        5,
        "a converted Lead: its Contact",
        _attendee("cora.converted@was.example", "Cora", "Converted", "Was KG"),
        person="cora",
        checks_in=True,
    ),
    Registrant(
        6,
        "a Block rule: the record that it matched",
        _attendee("blake.barrier@new-address.example", "Blake", "Barrier", "Barrier Works"),
        person="blake",
    ),
    Registrant(
        7,
        "an apostrophe in the address",
        _attendee("o'brien@shamrock.example", "Sean", "O'Brien", "Shamrock Plc"),
        first="Sean",
        last="O'Brien",
        company="Shamrock Plc",
        checks_in=True,
    ),
    Registrant(
        8,
        "a plus in the address",
        _attendee("a+b@plus.example", "Ada", "Plus", "Plus BV"),
        first="Ada",
        last="Plus",
        company="Plus BV",
    ),
    Registrant(
        9,
        "a backslash in a name",
        _attendee("back.slash@path.example", "Back\\", "C:\\Slash", "Path Oy"),
        first="Back\\",
        last="C:\\Slash",
        company="Path Oy",
        checks_in=True,
    ),
    Registrant(
        10,
        "a full name of three words",
        _attendee("mary.jane@smith.example", name="Mary Jane Smith", company="Smithy"),
        first="Mary Jane",
        last="Smith",
        company="Smithy",
    ),
    Registrant(
        11,
        "a name of one word",
        _attendee("prince@paisley.example", name="Prince", company="Paisley Park"),
        last="Prince",
        company="Paisley Park",
    ),
    Registrant(
        12,
        "an empty company: the address's domain",
        _attendee("nora.none@no-company.example", "Nora", "None", ""),
        first="Nora",
        last="None",
        company="no-company.example",
    ),
    Registrant(
        13,
        "a company of 300 characters: cut to 255",
        _attendee("lou.long@long.example", "Lou", "Long", LONG_COMPANY),
        first="Lou",
        last="Long",
        company=LONG_COMPANY[:255].rstrip(),
    ),
    Registrant(
        14,
        "no e-mail: skipped",
        _attendee(None, "Nemo", "Nobody", "Nautilus"),
        person=None,
        outcome="skipped",
    ),
    Registrant(
        15,
        "invited before: promoted, not doubled",
        _attendee("ina.invited@guest.example", "Ina", "Invited", "Guest SA"),
        person="ina",
        checks_in=True,
    ),
    Registrant(
        16,
        "a check-in before its registration",
        _attendee("early.bird@dawn.example", "Early", "Bird", "Dawn SE"),
        first="Early",
        last="Bird",
        company="Dawn SE",
        checks_in=True,
        is_checked_in_first=True,
    ),
    Registrant(
        17,
        "the same webhook twice",
        _attendee("echo@valley.example", "Echo", "Valley", "Valley Sound"),
        first="Echo",
        last="Valley",
        company="Valley Sound",
        is_sent_twice=True,
    ),
    Registrant(
        18,
        "two tickets on one e-mail: the first",
        _attendee("tom.tickets@pair.example", "Tom", "Tickets", "Pair Srl"),
        first="Tom",
        last="Tickets",
        company="Pair Srl",
        checks_in=True,
    ),
    Registrant(
        19,
        "two tickets on one e-mail: the second",
        _attendee("tom.tickets@pair.example", "Tom", "Tickets", "Pair Srl"),
        first="Tom",
        last="Tickets",
        company="Pair Srl",
    ),
    Registrant(
        20,
        "refused by a validation rule",
        _attendee("val.refused@rule.example", "Val", "Refused", "Rule & Co", phone=REFUSED_PHONE),
        first="Val",
        last="Refused",
        company="Rule & Co",
        outcome="refused",
    ),
)
ORDINARY_CHECK_INS = 16
PLACES = ({"country": "Germany", "state": "Bayern"}, {"country": "Atlantis"})
"""What the first of the crowd answer; an event's host may map it."""


def _crowd(start: int) -> tuple[Registrant, ...]:
    return tuple(
        Registrant(
            start + index,
            "somebody new",
            _attendee(_address(first, last, domain), first, last, company, phone=f"+49 30 {4000 + index}"),
            first=first,
            last=last,
            company=company,
            checks_in=index < ORDINARY_CHECK_INS,
            answers=PLACES[index] if index < len(PLACES) else {},
        )
        for index, (first, last, company, domain) in enumerate(CROWD)
    )


WITHOUT_ACCENT: Final = str.maketrans(
    {"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "ß": "ss", "æ": "ae"}
)
"""Letters that are no other letter with an accent."""


def _address(first: str, last: str, domain: str) -> str:
    spelled = (
        unicodedata.normalize("NFKD", f"{first}.{last}".translate(WITHOUT_ACCENT))
        .encode("ascii", "ignore")
        .decode()
    )
    return f"{''.join(char for char in spelled if char.isalnum() or char == '.')}@{domain}".lower()


REGISTRANTS = SPECIAL + _crowd(len(SPECIAL) + 1)


def wave(start: int, size: int = 6) -> tuple[Registrant, ...]:
    """A few more who register later, numbered from `start`; every second one checks in."""
    return tuple(
        Registrant(
            number,
            "somebody new, later",
            _attendee(f"guest.{number}@later.example", "Guest", f"Number {number}", f"Later {number} Ltd"),
            first="Guest",
            last=f"Number {number}",
            company=f"Later {number} Ltd",
            checks_in=number % 2 == 0,
        )
        for number in range(start, start + size)
    )
