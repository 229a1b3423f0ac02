"""Any attendee under any mapping, from webhook to org: written, or refused for a reason that names itself.

Never an exception, never an attendee who is lost, and nothing that Salesforce has to refuse for its form.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.models import SyncJob
from app.sync.field_values.sources import PATHS
from tests.api.field_mapping.conftest import dashboard
from tests.api.field_mapping.dashboard import HOST, MappingDashboard
from tests.deliveries import event, post, registration, webhook

__all__ = ["dashboard"]

CUSTOM: Final = {
    "Text__c": "Text__c | string(12) | CUN",
    "Long__c": "Long__c | textarea(100) | CUN",
    "Yes__c": "Yes__c | boolean | CUD",
    "Whole__c": "Whole__c | int | CUN",
    "Number__c": "Number__c | double | CUN",
    "Money__c": "Money__c | currency | CUN",
    "Mail__c": "Mail__c | email(80) | CUN",
    "Phone__c": "Phone__c | phone(40) | CUN",
    "Page__c": "Page__c | url(60) | CUN",
    "Pick__c": "Pick__c | picklist(40) | CUNR | Pick | Hot; Cold",
    "Loose__c": "Loose__c | picklist(40) | CUN | Loose | Hot; Cold",
    "Picks__c": "Picks__c | multipicklist(60) | CUNR | Picks | Hot; Cold; a b",
    "Day__c": "Day__c | date | CUN",
    "Moment__c": "Moment__c | datetime | CUN",
    "User__c": "User__c | reference | CUN | User | -> User as User_r",
    "Once__c": "Once__c | string(20) | CN | Once",
    "Later__c": "Later__c | string(20) | UN | Later",
    "Key__c": "Key__c | string(20) | CUNLX | Key",
}
STANDARD: Final = {
    "Lead": (
        "Company",
        "FirstName",
        "LastName",
        "Title",
        "Website",
        "NumberOfEmployees",
        "LeadSource",
    ),
    "Contact": ("Title", "Department", "Birthdate", "MailingCity", "HomePhone", "LeadSource", "Salutation"),
    "Account": ("Name", "Industry", "Website", "NumberOfEmployees"),
    "CampaignMember": (),
    "Task": ("Priority", "CallDurationInSeconds"),
}
ORG: Final = {
    "extra_fields": {
        **{sobject: list(CUSTOM.values()) for sobject in STANDARD},
        "Contact": [*CUSTOM.values(), "Must__c | double | CU | Must"],
    },
    "has_person_accounts": True,
    "record_types": [
        {"sobject": sobject, "developer_name": "Guest", "is_default": True}
        for sobject in ("Lead", "Contact", "Task")
    ]
    + [
        {"sobject": "Account", "developer_name": "Firm", "is_default": True},
        {"sobject": "Account", "developer_name": "Person", "is_person_type": True},
    ],
    "restricted_picklists": {"Contact.LeadSource": ["Web"]},
}
ALPHABET = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
WORDS = st.text(ALPHABET, max_size=30) | st.sampled_from(
    [
        "yes",
        "nein",
        "12",
        "1,5",
        "2026-11-24",
        "2026-11-24T09:00:00Z",
        "Hot",
        "cold",
        "Hot;Cold",
        "a@x.example",
    ]
)
ANSWERS = st.one_of(
    WORDS,
    st.booleans(),
    st.integers(-(2**62), 2**62),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.none(),
    st.lists(WORDS, max_size=4),
    st.text(ALPHABET, min_size=100, max_size=400),
)
SOURCES = st.sampled_from([*PATHS, "answers.a", "answers.b"])
FINAL_STATES: Final = frozenset({"synced", "skipped", "failed"})
SKIPPED_BECAUSE: Final = frozenset({"no_match", "no_email"})
NAMED: Final = frozenset(
    {
        "OPTION_NOT_MAPPED",
        "VALUE_NOT_IN_PICKLIST",
        "REQUIRED_VALUE_UNFIT",
        "RECORD_TYPE_NOT_AVAILABLE",
        "EMAIL_MALFORMED",
        # What only Salesforce can know: a lookup that leads nowhere, a required field that nobody mapped.
        "INVALID_CROSS_REFERENCE_KEY",
        "REQUIRED_FIELD_MISSING",
    }
)


@st.composite
def field_rules(draw: st.DrawFn) -> dict[str, Any]:
    sobject = draw(st.sampled_from(sorted(STANDARD)))
    how = draw(st.sampled_from(["from", "from", "constant", "template"]))
    templates = SOURCES.map("{{{}}}".format) | st.sampled_from(["x", "{event.title}: {answers.a}"])
    value = draw({"from": SOURCES, "constant": WORDS, "template": templates}[how])
    choices = draw(st.dictionaries(WORDS, WORDS, max_size=2))
    optional = {
        "values": choices,
        "otherwise": draw(st.none() | WORDS) if choices else None,
        "fallback": draw(st.none() | WORDS),
    }
    return {
        "object": sobject,
        "field": draw(st.sampled_from([*CUSTOM, *STANDARD[sobject], "Gone__c", "CreatedDate"])),
        how: value,
        "mode": draw(st.sampled_from(["create", "empty", "overwrite", "append"])),
        **{name: value for name, value in optional.items() if value},
    }


@st.composite
def whole_objects(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Every field that refuses no value by its picklist, filled from the same answer."""
    sobject, source = draw(st.sampled_from(sorted(STANDARD))), draw(SOURCES)
    mode = draw(st.sampled_from(["create", "overwrite"]))
    names = [name for name in CUSTOM if name not in ("Pick__c", "Picks__c")]
    return [{"object": sobject, "field": name, "from": source, "mode": mode} for name in names]


MAPPINGS = st.fixed_dictionaries(
    {
        "people": st.fixed_dictionaries(
            {
                "create": st.sampled_from(["lead", "contact", "person_account", "nobody"]),
                "update_existing": st.booleans(),
                "bypass_alert_rules": st.booleans(),
                "fill_required": st.booleans(),
                "opt_out_field": st.sampled_from([None, "Yes__c", "Gone__c", "Title"]),
                "match_by": st.sampled_from(
                    [
                        None,
                        {"field": "Key__c", "from": "attendee.id"},
                        {"field": "Gone__c", "from": "answers.a"},
                    ]
                ),
            }
        ),
        "record_types": st.sampled_from([{}, {"Lead": "Guest", "Account": "Firm"}, {"Task": "Gone"}]),
        "owner": st.sampled_from(
            [
                {"how": "leave"},
                {"how": "leave", "run_assignment_rules": False},
                {"how": "organizer"},
                {"how": "fixed", "id": "00G5g0000000001"},
            ]
        ),
        "fields": whole_objects()
        | st.lists(field_rules(), max_size=6, unique_by=lambda each: (each["object"], each["field"])),
    }
)
OPTIONAL_TEXT = st.none() | WORDS
ATTENDEES = st.fixed_dictionaries(
    {
        "id": st.none() | st.text(ALPHABET, min_size=1, max_size=30),
        "email": st.none()
        | st.sampled_from(["{}@river.example", "{}@gmail.com", "no address", "{}@" + "x" * 90]),
        "first_name": OPTIONAL_TEXT,
        "last_name": OPTIONAL_TEXT,
        "name": OPTIONAL_TEXT,
        "company": OPTIONAL_TEXT | st.text(ALPHABET, min_size=250, max_size=300),
        "job_title": OPTIONAL_TEXT | st.text(ALPHABET, min_size=100, max_size=200),
        "phone": OPTIONAL_TEXT,
        "locale": OPTIONAL_TEXT,
        "consent": st.none()
        | st.fixed_dictionaries({"marketing": st.sampled_from([True, False, None]), "text": OPTIONAL_TEXT}),
    }
)
REGISTRATIONS = st.fixed_dictionaries(
    {
        "attendee": ATTENDEES,
        "answers": st.tuples(ANSWERS, ANSWERS).map(
            lambda both: [{"key": "a", "value": both[0]}, {"key": "b", "value": both[1]}]
        ),
        "ticket": st.none() | st.just({"name": "Standard", "kind": "speaker"}),
        "utm": st.none() | st.fixed_dictionaries({"source": WORDS, "campaign": WORDS}),
        "buyer": st.none() | st.just({"name": "Berta", "email": "berta@river.example"}),
    }
)
EVENTS = st.fixed_dictionaries(
    {
        "title": st.text(ALPHABET, min_size=1, max_size=255),
        "timezone": st.sampled_from(["Europe/Berlin", "Asia/Tokyo", "Mars/Base"]),
        "starts_at": st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(  # noqa: DTZ001 - made aware
            lambda moment: f"{moment.replace(microsecond=0, tzinfo=UTC):%Y-%m-%dT%H:%M:%SZ}"
        ),
    }
)
HIDDEN = st.sets(st.sampled_from(sorted(CUSTOM)), max_size=3)


def assert_explained(job: SyncJob) -> None:
    """Done, or left for a reason that says which field and what to do."""
    assert job.state in FINAL_STATES, (job.state, job.error)
    if job.state == "skipped":
        assert job.skipped_because in SKIPPED_BECAUSE
    if job.state != "failed":
        return
    assert job.error is not None
    assert job.error_code in NAMED, job.error
    assert job.error["message"]
    assert job.error["advice_code"] not in ("unknown_error", "setup_mismatch"), job.error
    assert job.error_class in ("configuration", "data"), job.error


def payload_of(
    id_: str, given_now: dict[str, Any], happening: dict[str, Any], *, is_check_in: bool
) -> dict[str, Any]:
    """The webhook of one attendee's registration, or of the check-in that brings other values with it."""
    email = given_now["attendee"]["email"]
    attendee = given_now["attendee"] | {"email": email.format(id_) if email else None}
    payload = registration(**given_now | {"id": id_, "version": 2 if is_check_in else 1})
    payload["attendee"] = attendee
    if is_check_in:
        payload["checked_in_at"] = "2026-11-24T08:41:00Z"
    kind = "registration.checked_in" if is_check_in else "registration.confirmed"
    return webhook(kind, event=event(**happening, version=None), registration=payload)


@dataclass
class Stage:
    """One org for all examples; each has attendees that no earlier one had."""

    dashboard: MappingDashboard
    last: int = 0

    def new_ids(self, number: int) -> list[str]:
        self.last += number
        return [f"reg_{self.last - each}" for each in range(number)]

    async def hide(self, fields: Collection[str]) -> None:
        hidden = {sobject: sorted(fields) for sobject in STANDARD}
        await self.dashboard.rig.org.configure(hidden_fields=hidden)

    async def play(self, payloads: dict[str, dict[str, Any]], *, act: str) -> None:
        """Deliver, drain until nothing is due with time passing in between, and judge each attendee's end."""
        for id_, payload in payloads.items():
            answer = await post(self.dashboard.http, payload, f"msg_{id_}_{act}")
            assert answer.status_code in (200, 202, 204), answer.text
        for _ in range(2):
            await self.dashboard.rig.drain()
            await self.dashboard.rig.pass_time(100)
        for id_ in payloads:
            assert_explained(await self.dashboard.rig.job(id_))


@pytest.fixture
async def stage(dashboard: MappingDashboard) -> Stage:
    await dashboard.rig.org.configure(**ORG)
    await dashboard.rig.link(await dashboard.rig.org.campaign())
    return Stage(dashboard)


@settings(
    max_examples=25,
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    mapping=MAPPINGS,
    happening=EVENTS,
    people=st.lists(st.tuples(REGISTRATIONS, REGISTRATIONS), min_size=1, max_size=3),
    hidden=HIDDEN,
)
async def test_any_attendee_under_any_mapping_is_written_or_explained(
    stage: Stage,
    mapping: dict[str, Any],
    happening: dict[str, Any],
    people: list[tuple[dict[str, Any], dict[str, Any]]],
    hidden: set[str],
) -> None:
    saved = await stage.dashboard.http.put(HOST, json=mapping)
    assert saved.status_code == 200, saved.text
    ids = stage.new_ids(len(people))
    before, after = (
        {
            id_: payload_of(id_, both[act], happening, is_check_in=bool(act))
            for id_, both in zip(ids, people, strict=True)
        }
        for act in (0, 1)
    )
    await stage.play(before, act="registered")
    await stage.hide(hidden)
    await stage.play(after, act="checked_in")
    await stage.hide(())
