"""Any answer into any field by any rule: a value that fits, a warning, or a misfit; never an exception."""

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.salesforce.describe import Field
from app.sync.field_values.builder import FieldValues, build_field_values, digest, fields_to_read
from app.sync.field_values.converters import CONVERTERS
from app.sync.field_values.sources import PATHS
from app.sync.field_values.text import utf16_length
from app.sync.field_values.validation import find_mapping_issues
from app.sync.model.mapping_rules import FieldRule, MappingRules
from app.sync.model.record_kinds import system_fields_of
from app.sync.model.records import PERSON_ACCOUNT
from tests.unit.sync.builders import RECORDED_NAMES, described, field, job, person_account_org, recorded

WORDS = st.text(max_size=40) | st.sampled_from(
    ["yes", "nein", "12", "1,5", "2026-11-24", "2026-11-24T09:00:00Z", "a;b", "a@x.example", "x.example", "S"]
)
ANSWERS = st.one_of(
    WORDS,
    st.booleans(),
    st.integers(),
    st.floats(),
    st.none(),
    st.lists(WORDS, max_size=5),
    st.text(min_size=300, max_size=700),
)
OFFSETS = st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(timezone)
MOMENTS = st.none() | st.datetimes(timezones=OFFSETS)
TYPES = st.sampled_from([*CONVERTERS, "address", "base64", "location", "id", "anyType"])
SOURCES = st.sampled_from([*PATHS, "answers.a", "answers.b", "weather"])
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
SIZED = frozenset({"string", "textarea", "combobox", "encryptedstring", "phone", "email", "url"})
MODES = st.sampled_from(["create", "empty", "overwrite", "append"])


@st.composite
def fields(draw: st.DrawFn, name: str) -> Field:
    precision = draw(st.integers(0, 18))
    return field(
        name,
        draw(TYPES),
        length=draw(st.sampled_from([0, 1, 5, 80])),
        is_createable=draw(st.booleans()),
        is_updateable=draw(st.booleans()),
        is_nillable=draw(st.booleans()),
        is_restricted_picklist=draw(st.booleans()),
        picklist_values=draw(st.sampled_from([(), ("S", "M"), ("",), ("a;b", "x" * 90)])),
        reference_to=draw(st.sampled_from([(), ("User",)])),
        precision=precision,
        scale=draw(st.integers(0, precision)),
        default_value=draw(st.sampled_from([None, "S"])),
        is_unique=draw(st.booleans()),
        is_external_id=draw(st.booleans()),
    )


@st.composite
def field_rules(draw: st.DrawFn, sobject: str, names: list[str]) -> FieldRule:
    how = draw(st.sampled_from(["path", "constant", "template"]))
    value = draw(SOURCES if how == "path" else WORDS | SOURCES.map("{{{}}}".format))
    return FieldRule(
        sobject,
        draw(st.sampled_from(names)),
        **{how: value},
        mode=draw(MODES),
        choices=draw(st.dictionaries(WORDS, WORDS, max_size=2)),
        otherwise=draw(st.none() | WORDS),
        fallback=draw(st.none() | WORDS),
    )


@st.composite
def mappings(draw: st.DrawFn, sobject: str, names: list[str]) -> MappingRules:
    return MappingRules.of(
        {
            "people": {
                "update_existing": draw(st.booleans()),
                "fill_required": draw(st.booleans()),
                "opt_out_field": draw(st.sampled_from([None, *names])),
                "match_by": draw(st.sampled_from([None, {"field": names[0], "from": "attendee.id"}])),
            },
            "fields": [
                {
                    "object": rule.sobject,
                    "field": rule.field,
                    "from": rule.path,
                    "constant": rule.constant,
                    "template": rule.template,
                    "mode": rule.mode,
                    "values": rule.choices,
                    "otherwise": rule.otherwise,
                    "fallback": rule.fallback,
                }
                for rule in draw(st.lists(field_rules(sobject, names), max_size=4))
            ],
        }
    )


@st.composite
def registrations(draw: st.DrawFn) -> Any:
    text = st.none() | WORDS
    return job(
        {"a": draw(ANSWERS), "b": draw(ANSWERS)},
        attendee={
            "attendee_id": draw(text),
            "first_name": draw(text),
            "last_name": draw(text),
            "company": draw(text),
            "job_title": draw(text),
            "phone": draw(text),
            "locale": draw(text),
            "consent": {"marketing": draw(st.sampled_from([True, False, None])), "at": draw(text)},
        },
        event={
            "title": draw(WORDS),
            "timezone": draw(st.sampled_from(["Europe/Berlin", "Asia/Tokyo", "Mars/Base", ""])),
            "starts_at": draw(MOMENTS),
            "ends_at": draw(MOMENTS),
        },
        extras={"replay": {"percent": draw(st.floats(0, 100)), "seconds": draw(st.integers(0))}},
    )


def assert_fits(target: Field, value: Any) -> None:
    """What Salesforce takes in a field, said a second time and otherwise."""
    json.dumps(value, allow_nan=False)
    if isinstance(value, str):
        value.encode()
        assert value.strip()
        assert target.type not in SIZED or utf16_length(value) <= (target.length or 32_000)
    if target.type in ("picklist", "multipicklist") and target.is_restricted_picklist:
        options = value.split(";") if target.type == "multipicklist" else [value]
        assert value in target.picklist_values or set(options) <= set(target.picklist_values)
    if target.type == "picklist" and value not in target.picklist_values:
        assert not target.length or utf16_length(value) <= target.length
    if target.type in ("int", "double", "currency", "percent"):
        assert type(value) in (int, float)
        scale = 0 if target.type == "int" else target.scale
        assert abs(value) < 10 ** (target.precision - scale if target.precision else 18)
    if target.type == "boolean":
        assert type(value) is bool
    if target.type in ("date", "datetime"):
        assert re.fullmatch(r"[1-3]\d{3}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?", value)
    if target.type == "reference":
        assert re.fullmatch(r"[a-zA-Z0-9]{18}", value)


def assert_sound(filled: FieldValues, targets: dict[str, Field], *, is_new: bool) -> None:
    if filled.error:
        assert filled.error.error_class in ("configuration", "data")
        assert filled.error.field in targets
        assert filled.error.text
        assert filled.fields == {}
    for name, value in filled.fields.items():
        assert targets[name].is_createable if is_new else targets[name].is_updateable
        assert_fits(targets[name], value)
    assert all(warning.text and len(warning.text) < 500 for warning in filled.warnings)
    assert all(re.fullmatch("[0-9a-f]{12}", each) for each in filled.digests.values())


@settings(PATIENT, max_examples=200)
@given(st.data(), fields("A__c"), fields("B__c"), registrations())
def test_any_value_in_any_field(data: st.DataObject, one: Field, other: Field, registration: Any) -> None:
    org = described(one, other)
    chosen = data.draw(mappings("Lead", ["A__c", "B__c", "Gone__c"]))
    created = build_field_values("Lead", chosen, registration, describe=org)
    assert_sound(created, org.fields, is_new=True)
    standing = dict.fromkeys(fields_to_read("Lead", chosen, describe=org)) | data.draw(
        st.dictionaries(st.sampled_from(["A__c", "B__c", "Email"]), st.none() | WORDS)
    )
    changed = build_field_values(
        "Lead", chosen, registration, describe=org, current=standing, digests={"A__c": digest("S")}
    )
    assert_sound(changed, org.fields, is_new=False)
    find_mapping_issues(chosen, {"Lead": org})


@settings(PATIENT)
@given(st.data(), st.sampled_from([*RECORDED_NAMES[:3], PERSON_ACCOUNT]), registrations())
def test_any_field_of_recorded_orgs(data: st.DataObject, sobject: str, registration: Any) -> None:
    org = person_account_org() if sobject == PERSON_ACCOUNT else recorded(sobject)
    mapped = "Contact" if sobject == PERSON_ACCOUNT else sobject
    chosen = data.draw(mappings(mapped, sorted(set(recorded(mapped).fields) - system_fields_of(mapped))))
    created = build_field_values(sobject, chosen, registration, describe=org)
    assert_sound(created, org.fields, is_new=True)
    assert created.error or sobject == "Account" or created.fields["LastName"]
    assert created.fields.get("Email", "ada@river.example") == "ada@river.example"
    find_mapping_issues(
        chosen,
        {mapped: recorded(mapped), "Account": org if sobject == PERSON_ACCOUNT else recorded("Account")},
    )


@settings(PATIENT)
@given(registrations())
def test_what_was_filled_is_not_filled_again(registration: Any) -> None:
    org = described(field("A__c", length=40), field("B__c", "multipicklist", length=200))
    chosen = MappingRules.of(
        {
            "people": {"update_existing": True},
            "fields": [
                {"object": "Lead", "field": "A__c", "from": "answers.a", "mode": "overwrite"},
                {"object": "Lead", "field": "B__c", "from": "answers.b", "mode": "append"},
            ],
        }
    )
    created = build_field_values("Lead", chosen, registration, describe=org)
    standing = dict.fromkeys(fields_to_read("Lead", chosen, describe=org)) | created.fields
    again = build_field_values(
        "Lead", chosen, registration, describe=org, current=standing, digests=created.digests
    )
    assert again.fields == {}
    assert again.digests == created.digests


def test_moments_are_those_of_the_given_zone() -> None:
    moment = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
    org = described(field("A__c", "date"))
    chosen = MappingRules.of({"fields": [{"object": "Lead", "field": "A__c", "from": "event.starts_at"}]})
    registration = job(event={"timezone": "Asia/Tokyo", "starts_at": moment})
    assert build_field_values("Lead", chosen, registration, describe=org).fields["A__c"] == "2026-11-25"
