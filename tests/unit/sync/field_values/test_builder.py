"""Which fields a record gets: on create, and on update."""

from dataclasses import replace
from typing import Any

import pytest

from app.sync.field_values.builder import FieldValues, build_field_values, digest, fields_to_read
from app.sync.field_values.lead_fields import lead_fields
from app.sync.field_values.rule_evaluation import (
    OPTION_NOT_MAPPED,
    REQUIRED_VALUE_UNFIT,
    VALUE_NOT_IN_PICKLIST,
)
from app.sync.model.batch import Attendee, Job
from app.sync.model.mapping_rules import DEFAULT_RULES, MappingRules
from app.sync.model.records import PERSON_ACCOUNT
from tests.unit.sync.builders import described, field, job, person_account_org, recorded, rule, rules

DIET = field("Diet__c", length=10)
DIETS = field("Diets__c", "multipicklist", length=100)
SHIRT = field("Shirt__c", "picklist", length=40, picklist_values=("S", "M"), is_restricted_picklist=True)
BADGE = field("Badge__c", length=20, is_nillable=False)
OPT_OUT = field("HasOptedOutOfEmail", "boolean", is_nillable=False, is_defaulted_on_create=True)
LEAD = described(DIET, DIETS, SHIRT, OPT_OUT)
SAID_NO = {"consent": {"marketing": False}}


def codes(filled: FieldValues) -> list[tuple[str, str | None]]:
    return [(warning.code, warning.field) for warning in filled.warnings]


@pytest.mark.parametrize(
    "attendee",
    [
        pytest.param({"first_name": "Ada", "company": "River Ltd"}, id="usual"),
        pytest.param({"job_title": "x" * 200, "phone": "n/a", "company": "y" * 300}, id="too long"),
        pytest.param({"email": "jürgen@x.example", "email_key": "jürgen@x.example"}, id="umlaut"),
        pytest.param({"last_name": None, "name": "Mary Jane Smith"}, id="full name"),
        pytest.param({"email": "a@gmail.com", "email_key": "a@gmail.com"}, id="free mail"),
        pytest.param({"company": " \t ", "job_title": " ", "phone": "\x00"}, id="blank"),
    ],
)
@pytest.mark.parametrize("without", [frozenset[str](), frozenset({"LeadSource"})], ids=["", "dropped"])
def test_default_rules_give_a_lead_as_before(attendee: dict[str, Any], without: frozenset[str]) -> None:
    registration = job(attendee=attendee)
    fields, warnings = lead_fields(registration.attendee, without)
    filled = build_field_values("Lead", DEFAULT_RULES, registration, without=without)
    assert list(filled.fields.items()) == list(fields.items())
    assert sorted(map(repr, filled.warnings)) == sorted(map(repr, warnings))
    assert list(filled.digests) == ["Email"]


def test_default_rules_give_the_same_with_the_orgs_describe() -> None:
    registration = job(attendee={"job_title": "Head", "phone": "+49 30 1"})
    plain, typed = (
        build_field_values("Lead", DEFAULT_RULES, registration, describe=each)
        for each in (None, recorded("Lead"))
    )
    assert plain.fields == typed.fields


@pytest.mark.parametrize(
    ("chosen", "answers", "value"),
    [
        pytest.param(rule("Diet__c", "answers.diet"), {"diet": "vegan"}, "vegan", id="source"),
        pytest.param(rule("Diet__c", constant="talk"), {}, "talk", id="constant"),
        pytest.param(rule("Diet__c", template="{answers.a}!"), {"a": 1}, "1!", id="template"),
        pytest.param(
            rule("Shirt__c", "answers.s", values={"Small": "S"}), {"s": " small "}, "S", id="value map"
        ),
        pytest.param(
            rule("Shirt__c", "answers.s", values={"Small": "S"}, otherwise="M"), {"s": "?"}, "M", id="others"
        ),
        pytest.param(
            rule("Diets__c", "answers.d", values={"v": "Vegan", "n": "No nuts"}),
            {"d": ["n", "v"]},
            "No nuts;Vegan",
            id="value map of several",
        ),
        pytest.param(rule("Diet__c", "answers.no", fallback="none"), {}, "none", id="fall-back"),
        pytest.param(
            rule("Shirt__c", "answers.s", values={"?": ""}),
            {"s": "?"},
            None,
            id="an option that says nothing",
        ),
        pytest.param(rule("Diet__c", "answers.no"), {}, None, id="no answer"),
        pytest.param(rule("Diet__c", constant=""), {}, None, id="empty constant"),
        pytest.param(rule("Title", mode="off"), {}, None, id="a default taken away"),
    ],
)
def test_where_the_value_of_a_new_lead_comes_from(
    chosen: dict[str, Any], answers: dict[str, Any], value: Any
) -> None:
    filled = build_field_values(
        "Lead", rules(chosen), job(answers, attendee={"job_title": "x"}), describe=LEAD
    )
    assert filled.error is None
    assert filled.fields.get(chosen["field"]) == value


@pytest.mark.parametrize(
    ("chosen", "answer", "code"),
    [
        pytest.param(rule("Gone__c", "answers.a"), "x", "field_dropped", id="vanished"),
        pytest.param(
            rule("Gone__c", "answers.a", values={"y": "z"}), "x", "field_dropped", id="with its map"
        ),
        pytest.param(rule("CreatedDate", "answers.a"), "x", "field_dropped", id="read-only"),
        pytest.param(rule("Address", "answers.a"), "x", "field_dropped", id="compound"),
        pytest.param(rule("NumberOfEmployees", "answers.a"), "many", "field_dropped", id="wrong type"),
        pytest.param(rule("NumberOfEmployees", "answers.a"), "1.000", "number_unclear", id="two numbers"),
        pytest.param(rule("Diet__c", "answers.a"), "x" * 11, "value_cut", id="too long"),
        pytest.param(rule("Diet__c", "weather"), "x", "field_dropped", id="unknown source"),
        pytest.param(rule("Diet__c", "answers.b", fallback="y"), "x", "fallback_used", id="fall-back"),
        pytest.param(
            rule("NumberOfEmployees", "answers.a", fallback="1"), "x", "fallback_used", id="unfit: fall-back"
        ),
        pytest.param(
            rule("NumberOfEmployees", "answers.a", fallback="y"),
            "x",
            "field_dropped",
            id="fall-back unfit too",
        ),
    ],
)
def test_an_optional_field_never_fails_an_attendee(chosen: dict[str, Any], answer: str, code: str) -> None:
    filled = build_field_values(
        "Lead", rules(chosen), job({"a": answer}, attendee={"company": "River"}), describe=LEAD
    )
    assert filled.error is None
    assert codes(filled) == [(code, chosen["field"])]


@pytest.mark.parametrize("is_new", [True, False], ids=["new", "standing"])
def test_hundreds_of_fields_that_the_org_lacks_are_one_warning(is_new: bool) -> None:
    lost = [rule(f"F{n}__c", "answers.a", mode="overwrite") for n in range(400)]
    chosen = rules(rule("Diet__c", "answers.a", mode="overwrite"), *lost, update_existing=True)
    standing = {each["field"]: None for each in lost} | {"Diet__c": None}
    filled = build_field_values(
        "Lead", chosen, job({"a": "vegan"}), describe=LEAD, current=None if is_new else standing
    )
    reported = [warning for warning in filled.warnings if warning.code == "field_dropped"]
    assert filled.fields["Diet__c"] == "vegan"
    assert [warning.field for warning in reported] == [None, *(f"F{n}__c" for n in range(10))]
    assert reported[0].text.startswith("390 more fields")


def test_a_cut_fall_back_says_both() -> None:
    chosen = rules(rule("Diet__c", "answers.a", fallback="x" * 11))
    filled = build_field_values("Lead", chosen, job(attendee={"company": "River"}), describe=LEAD)
    assert codes(filled) == [("value_cut", "Diet__c"), ("fallback_used", "Diet__c")]


@pytest.mark.parametrize(
    ("chosen", "answer", "misfit"),
    [
        pytest.param(
            rule("Shirt__c", "answers.a", values={"Small": "S"}),
            "Huge",
            ("configuration", OPTION_NOT_MAPPED, "Shirt__c", "Huge"),
            id="option not mapped",
        ),
        pytest.param(
            rule("Shirt__c", "answers.a"),
            "Huge",
            ("configuration", VALUE_NOT_IN_PICKLIST, "Shirt__c", "Huge"),
            id="restricted picklist",
        ),
        pytest.param(
            rule("Number__c", "answers.a"),
            "many",
            ("data", REQUIRED_VALUE_UNFIT, "Number__c", "many"),
            id="required, and of the wrong type",
        ),
    ],
)
def test_misfits_name_field_and_value(
    chosen: dict[str, Any], answer: str, misfit: tuple[str, str, str, str]
) -> None:
    number = field("Number__c", "double", is_nillable=False)
    found = build_field_values(
        "Lead", rules(chosen), job({"a": answer}), describe=described(SHIRT, number)
    ).error
    assert found is not None
    assert (found.error_class, found.code, found.field, found.value) == misfit
    assert found.sobject == "Lead"
    assert found.value in found.text


def test_our_lead_source_is_dropped_where_the_picklist_is_restricted() -> None:
    source = field("LeadSource", "picklist", picklist_values=("Web",), is_restricted_picklist=True)
    chosen = rules(rule("Diet__c", constant="x"))
    filled = build_field_values(
        "Lead", chosen, job(attendee={"company": "River"}), describe=described(source, DIET)
    )
    assert codes(filled) == [("picklist_dropped", "LeadSource")]
    assert "LeadSource" not in filled.fields


def test_a_mapped_company_falls_back_to_ours() -> None:
    filled = build_field_values("Lead", rules(rule("Company", "answers.firm")), job(), describe=LEAD)
    assert filled.fields["Company"] == "river.example"
    assert codes(filled) == [("fallback_used", "Company")]


def test_a_company_stays_blank_by_choice_where_the_org_takes_that() -> None:
    nillable = described(field("Company", length=255))
    chosen = rules(leave_company_blank=True)
    filled = build_field_values("Lead", chosen, job(), describe=nillable)
    assert ("Company" in filled.fields, codes(filled)) == (False, [])
    given = build_field_values("Lead", chosen, job(attendee={"company": "River"}), describe=nillable)
    assert given.fields["Company"] == "River"
    assert build_field_values("Lead", chosen, job(), describe=LEAD).fields["Company"] == "river.example"


@pytest.mark.parametrize("fallback", ["", " \t", "\x01"])
def test_a_person_has_a_last_name_whatever_the_host_mapped(fallback: str) -> None:
    chosen = rules(rule("LastName", "answers.name", fallback=fallback))
    filled = build_field_values("Lead", chosen, job({"name": "\x02"}), describe=LEAD)
    assert filled.fields["LastName"] == "Otter"


def test_the_engines_own_fields_are_not_the_hosts() -> None:
    chosen = rules(rule("Email", constant="else@x.example"), rule("OwnerId", constant="005000000000001"))
    filled = build_field_values("Lead", chosen, job(), describe=LEAD)
    assert filled.fields["Email"] == "ada@river.example"
    assert "OwnerId" not in filled.fields


def test_a_contact_has_no_company() -> None:
    filled = build_field_values(
        "Contact", rules(create="contact"), job(attendee={"company": "River"}), describe=None
    )
    assert list(filled.fields) == ["LastName", "Email", "LeadSource"]


def test_an_account_is_called_like_the_company() -> None:
    filled = build_field_values(
        "Account", DEFAULT_RULES, job(attendee={"company": " River  Ltd"}), describe=recorded("Account")
    )
    assert filled.fields == {"Name": "River Ltd"}


def test_a_person_account_takes_the_contacts_rules_under_its_own_names() -> None:
    chosen = MappingRules.of(
        {
            "people": {"opt_out_field": "HasOptedOutOfEmail", "fill_required": True},
            "fields": [
                {"object": "Contact", "field": "Diet__c", "from": "answers.diet"},
                {"object": "Account", "field": "Industry", "constant": "Media"},
                {"object": "Account", "field": "Name", "constant": "not a person's"},
            ],
        }
    )
    person = job({"diet": "vegan"}, attendee=SAID_NO | {"job_title": "Head", "first_name": "Ada"})
    filled = build_field_values(PERSON_ACCOUNT, chosen, person, describe=person_account_org())
    assert filled.fields == {
        "FirstName": "Ada",
        "LastName": "Otter",
        "PersonEmail": "ada@river.example",
        "PersonTitle": "Head",
        "Diet__pc": "vegan",
        "Industry": "Media",
        "PersonLeadSource": "Eventship",
        "PersonHasOptedOutOfEmail": True,
    }


def test_an_external_id_is_written_and_never_cut() -> None:
    chosen = rules(match_by={"field": "Legacy__c", "from": "attendee.id"})
    describe = described(field("Legacy__c", length=5, is_external_id=True))
    short, long = (
        build_field_values(
            "Lead", chosen, job(attendee={"attendee_id": each, "company": "River"}), describe=describe
        )
        for each in ("p1", "p12345")
    )
    assert short.fields["Legacy__c"] == "p1"
    assert codes(long) == [("field_dropped", "Legacy__c")]


def test_fields_that_were_refused_are_left_out() -> None:
    chosen = rules(rule("Diet__c", constant="x"), rule("Shirt__c", constant="S"))
    filled = build_field_values(
        "Lead",
        chosen,
        job(attendee={"company": "River"}),
        describe=LEAD,
        without=frozenset({"Diet__c", "Shirt__c", "LeadSource"}),
    )
    assert not {"Diet__c", "Shirt__c", "LeadSource"} & set(filled.fields)
    assert codes(filled) == [
        ("field_dropped", "Diet__c"),
        ("picklist_dropped", "LeadSource"),
        ("field_dropped", "Shirt__c"),
    ]


# --- records that stand -------------------------------------------------------------------------------


def changed(
    mode: str,
    before: Any,
    answer: Any,
    *,
    last_written: Any = None,
    name: str = "Diet__c",
    is_updating: bool = True,
) -> tuple[Any, FieldValues]:
    chosen = rules(rule(name, "answers.a", mode=mode), update_existing=is_updating)
    digests = {name: digest(last_written)} if last_written is not None else {}
    filled = build_field_values(
        "Lead", chosen, job({"a": answer}), describe=LEAD, current={name: before}, digests=digests
    )
    return filled.fields.get(name), filled


@pytest.mark.parametrize(
    ("mode", "before", "last_written", "sent"),
    [
        pytest.param("create", None, None, None, id="create: never"),
        pytest.param("empty", None, None, "new", id="empty: nothing there"),
        pytest.param("empty", "", None, "new", id="empty: blank"),
        pytest.param("empty", "theirs", None, None, id="empty: taken"),
        pytest.param("overwrite", "theirs", None, "new", id="overwrite: ours was never said"),
        pytest.param("overwrite", "theirs", "old", "new", id="overwrite: ours changed"),
        pytest.param("overwrite", "theirs", "new", None, id="overwrite: a person corrected us"),
        pytest.param("overwrite", "new", None, None, id="overwrite: stands so"),
        pytest.param("append", "theirs", None, None, id="append: one value, taken"),
        pytest.param("append", None, None, "new", id="append: one value, empty"),
    ],
)
def test_modes_on_an_existing_lead(mode: str, before: Any, last_written: Any, sent: Any) -> None:
    assert changed(mode, before, "new", last_written=last_written)[0] == sent


@pytest.mark.parametrize(
    ("before", "last_written", "sent"),
    [
        pytest.param(None, None, "a;b", id="nothing there"),
        pytest.param("c;a", None, "c;a;b", id="theirs stay"),
        pytest.param("b;a", None, None, id="all there"),
        pytest.param("c", "a;b", None, id="a person took ours out"),
    ],
)
def test_append_unites(before: Any, last_written: Any, sent: Any) -> None:
    assert changed("append", before, ["a", "b"], last_written=last_written, name="Diets__c")[0] == sent


@pytest.mark.parametrize(
    ("name", "before", "answer", "is_changed"),
    [
        pytest.param(
            "At__c", "2026-11-24T08:00:00.000+0000", "2026-11-24T09:00:00+01:00", False, id="moment"
        ),
        pytest.param("At__c", "2026-11-24T08:00:00.000+0000", "2026-11-24T09:00:00Z", True, id="later"),
        pytest.param("Diets__c", "b;a", ["a", "b"], False, id="options in another order"),
        pytest.param("Diets__c", "b;a", ["a"], True, id="fewer options"),
    ],
)
def test_what_salesforce_shows_otherwise_is_not_written_again(
    name: str, before: str, answer: Any, is_changed: bool
) -> None:
    chosen = rules(rule(name, "answers.a", mode="overwrite"), update_existing=True)
    org = described(DIETS, field("At__c", "datetime"))
    filled = build_field_values("Lead", chosen, job({"a": answer}), describe=org, current={name: before})
    assert bool(filled.fields) is is_changed


def test_what_we_say_is_kept_and_the_rest_with_it() -> None:
    filled = changed("overwrite", "theirs", "new")[1]
    assert filled.digests == {"Diet__c": digest("new")}
    assert changed("overwrite", "theirs", "", last_written="old")[1].digests == {"Diet__c": digest("old")}


@pytest.mark.parametrize(
    ("before", "last_written", "sent"),
    [
        pytest.param("theirs", None, {"Diet__c": None}, id="first heard of"),
        pytest.param("old", "old", {"Diet__c": None}, id="taken back"),
        pytest.param(None, "old", {}, id="cleared already"),
    ],
)
def test_overwrite_clears_on_an_explicit_null(before: Any, last_written: Any, sent: dict[str, Any]) -> None:
    filled = changed("overwrite", before, None, last_written=last_written)[1]
    assert (filled.fields, filled.digests) == (sent, {"Diet__c": digest(None)})


def test_a_field_that_was_cleared_once_is_left_to_salespeople() -> None:
    chosen = rules(rule("Diet__c", "answers.a", mode="overwrite"), update_existing=True)
    created = build_field_values("Lead", chosen, job({"a": None}), describe=LEAD)
    assert "Diet__c" not in created.fields
    standing, digests = {"Diet__c": "theirs"}, created.digests
    assert not build_field_values(
        "Lead", chosen, job({"a": None}), describe=LEAD, current=standing, digests=digests
    ).fields


@pytest.mark.parametrize("mode", ["create", "empty", "append"])
def test_other_modes_never_clear(mode: str) -> None:
    assert changed(mode, "theirs", None)[1].fields == {}


def test_overwrite_leaves_what_was_not_sent() -> None:
    chosen = rules(rule("Diet__c", "answers.other", mode="overwrite"), update_existing=True)
    filled = build_field_values(
        "Lead", chosen, job({"a": None}), describe=LEAD, current={"Diet__c": "theirs"}
    )
    assert (filled.fields, filled.digests) == ({}, {})


@pytest.mark.parametrize(
    ("source", "changes"),
    [
        pytest.param("attendee.phone", {"attendee": {"cleared": frozenset({"phone"})}}, id="attendee"),
        pytest.param("consent.text", {"attendee": {"consent": {"text": None}}}, id="part of a consent"),
        pytest.param("consent.text", {"attendee": {"cleared": frozenset({"consent"})}}, id="consent"),
        pytest.param("utm.source", {"extras": {"utm": {"source": None}}}, id="utm"),
        pytest.param("ticket.id", {"extras": {"ticket": {"id": None, "name": "Gold"}}}, id="ticket"),
    ],
)
def test_null_clears_whatever_it_is_sent_for(source: str, changes: dict[str, Any]) -> None:
    chosen = rules(rule("Diet__c", source, mode="overwrite"), update_existing=True)
    standing = {"Diet__c": "theirs"}
    assert build_field_values("Lead", chosen, job(**changes), describe=LEAD, current=standing).fields == {
        "Diet__c": None
    }
    assert build_field_values("Lead", chosen, job(), describe=LEAD, current=standing).fields == {}


def test_a_check_box_is_unticked_and_a_required_field_kept_on_null() -> None:
    org = described(
        field("News__c", "boolean", is_nillable=False, is_defaulted_on_create=True),
        field("Size__c", length=9, is_nillable=False),
    )
    chosen = rules(
        *(rule(name, "answers.a", mode="overwrite") for name in ("News__c", "Size__c")), update_existing=True
    )
    standing = {"News__c": True, "Size__c": "M"}
    filled = build_field_values("Lead", chosen, job({"a": None}), describe=org, current=standing)
    assert filled.fields == {"News__c": False}
    assert codes(filled) == [("field_dropped", "Size__c")]


def test_an_unticked_check_box_is_empty_until_we_ticked_it() -> None:
    org = described(field("News__c", "boolean", is_nillable=False, is_defaulted_on_create=True))
    chosen = rules(rule("News__c", "answers.a", mode="empty"), update_existing=True)
    yes, unticked = job({"a": ["Send me news"]}), {"News__c": False}
    filled = build_field_values("Lead", chosen, yes, describe=org, current=unticked)
    assert filled.fields == {"News__c": True}
    again = build_field_values("Lead", chosen, yes, describe=org, current=unticked, digests=filled.digests)
    assert again.fields == {}


def test_nobody_is_touched_unless_the_host_wants_it() -> None:
    assert changed("overwrite", "theirs", "new", is_updating=False) == (None, FieldValues())


def test_a_member_is_filled_whoever_may_be_touched() -> None:
    chosen = rules(
        {"object": "CampaignMember", "field": "Seen__c", "from": "replay.percent", "mode": "overwrite"}
    )
    member = described(field("Seen__c", "double"), name="CampaignMember")
    filled = build_field_values(
        "CampaignMember",
        chosen,
        job(extras={"replay": {"percent": 76}}),
        describe=member,
        current={"Seen__c": None},
    )
    assert filled.fields == {"Seen__c": 76}


def test_a_field_that_was_not_read_is_not_changed() -> None:
    chosen = rules(rule("Diet__c", constant="x", mode="overwrite"), update_existing=True)
    assert build_field_values("Lead", chosen, job(), describe=LEAD, current={}).fields == {}


def test_a_misfit_changes_nothing() -> None:
    value, filled = changed("overwrite", "S", "Huge", name="Shirt__c", last_written="M")
    assert value is None
    assert filled.error is not None
    assert filled.digests == {"Shirt__c": digest("M")}


@pytest.mark.parametrize("mode", ["empty", "overwrite"])
def test_names_are_added_and_never_overwritten(mode: str) -> None:
    chosen = rules(rule("FirstName", "attendee.first_name", mode=mode), update_existing=True)
    person = job(attendee={"first_name": "Ada"})
    there, absent = (
        build_field_values("Lead", chosen, person, describe=LEAD, current={"FirstName": before}).fields
        for before in ("Grace", None)
    )
    assert (there, absent) == ({}, {"FirstName": "Ada"})


@pytest.mark.parametrize(
    ("before", "last_written", "sent"),
    [
        pytest.param("ADA@River.example", None, {}, id="found by it"),
        pytest.param("old@x.example", "old@x.example", {"Email": "ada@river.example"}, id="changed since"),
        pytest.param("corrected@x.example", "ada@river.example", {}, id="a person corrected it"),
        pytest.param("other@x.example", None, {}, id="someone else's record"),
        pytest.param(None, None, {}, id="a record without one"),
    ],
)
def test_email_of_an_existing_person(
    before: str | None, last_written: str | None, sent: dict[str, Any]
) -> None:
    digests = {"Email": digest(last_written)} if last_written else {}
    filled = build_field_values(
        "Lead",
        rules(update_existing=True),
        job(),
        describe=LEAD,
        current={"Email": before},
        digests=digests,
    )
    assert filled.fields == sent


@pytest.mark.parametrize("email", ["other@x.example", None], ids=["another e-mail", "no e-mail"])
@pytest.mark.parametrize(
    ("link", "sent", "warned"),
    [
        pytest.param("003000000000001AAA", {}, [("opted_out", OPT_OUT.name)], id="a link names it"),
        pytest.param(None, {OPT_OUT.name: True}, [], id="the host's external id names it"),
    ],
)
def test_of_a_record_with_another_email_only_the_opt_out_is_written_and_not_by_a_link(
    link: str | None, sent: dict[str, Any], warned: list[tuple[str, str | None]], email: str | None
) -> None:
    chosen = rules(
        rule("Diet__c", constant="x", mode="overwrite"), update_existing=True, opt_out_field=OPT_OUT.name
    )
    standing = {"Email": email, "Diet__c": None, OPT_OUT.name: False}
    person = replace(job(attendee=SAID_NO), salesforce_id=link)
    filled = build_field_values("Lead", chosen, person, describe=LEAD, current=standing)
    assert (filled.fields, codes(filled), filled.digests) == (sent, warned, {})
    is_out = {**standing, OPT_OUT.name: True}
    assert build_field_values("Lead", chosen, person, describe=LEAD, current=is_out) == FieldValues()


# --- opt-out ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("consent", "standing", "sent"),
    [
        pytest.param({"marketing": False}, None, True, id="new, said no"),
        pytest.param({"marketing": True}, None, None, id="new, said yes"),
        pytest.param({}, None, None, id="new, not asked"),
        pytest.param({"marketing": None}, None, None, id="new, no answer"),
        pytest.param({"marketing": False}, {"Email": "ada@river.example"}, True, id="stands, said no"),
        pytest.param({"marketing": False}, {OPT_OUT.name: True}, None, id="stands so"),
        pytest.param({"marketing": True}, {OPT_OUT.name: True}, None, id="never taken back"),
    ],
)
def test_opt_out(consent: dict[str, Any], standing: dict[str, Any] | None, sent: Any) -> None:
    chosen = rules(opt_out_field=OPT_OUT.name)
    person = job(attendee={"consent": consent})
    filled = build_field_values("Lead", chosen, person, describe=LEAD, current=standing)
    assert filled.fields.get(OPT_OUT.name) is sent


@pytest.mark.parametrize(
    "hidden",
    [
        pytest.param(recorded("Lead"), id="absent"),
        pytest.param(described(field(OPT_OUT.name, "boolean", is_createable=False)), id="read-only"),
        pytest.param(described(field(OPT_OUT.name)), id="no checkbox"),
    ],
)
def test_an_opt_out_that_cannot_be_written_is_reported_and_fails_nobody(hidden: Any) -> None:
    chosen = rules(opt_out_field=OPT_OUT.name)
    person = job(attendee=SAID_NO | {"company": "River"})
    filled = build_field_values("Lead", chosen, person, describe=hidden)
    assert codes(filled) == [("opted_out", OPT_OUT.name)]
    assert filled.fields["LastName"] == "Otter"


# --- required fields ----------------------------------------------------------------------------------------

REQUIRED: dict[str, Any] = {
    "is_nillable": False,
    "is_defaulted_on_create": False,
}


@pytest.mark.parametrize(
    ("required", "value"),
    [
        pytest.param(field(length=80, **REQUIRED), "[not provided]", id="text"),
        pytest.param(field(length=5, **REQUIRED), "-", id="short text"),
        pytest.param(field(type="double", **REQUIRED), 0, id="number"),
        pytest.param(field(type="boolean", **REQUIRED), False, id="boolean"),
        pytest.param(field(type="date", **REQUIRED), "2026-11-11", id="date of the registration"),
        pytest.param(field(type="datetime", **REQUIRED), "2026-11-10T23:30:00Z", id="moment of it"),
        pytest.param(field(type="time", **REQUIRED), "00:00:00.000Z", id="time"),
        pytest.param(field(type="email", **REQUIRED), "ada@river.example", id="e-mail"),
        pytest.param(field(type="email", length=5, **REQUIRED), None, id="e-mail longer than the field"),
        pytest.param(field(type="picklist", picklist_values=("a", "b"), **REQUIRED), "a", id="picklist"),
        pytest.param(
            field(type="picklist", picklist_values=("a", "b"), default_value="b", **REQUIRED),
            "b",
            id="picklist with a default",
        ),
        pytest.param(field(type="picklist", **REQUIRED), None, id="picklist without values"),
        pytest.param(field(type="reference", **REQUIRED), None, id="reference"),
        pytest.param(field(is_unique=True, **REQUIRED), None, id="unique"),
    ],
)
def test_required_fields_get_a_value_by_type_where_the_host_wants_it(required: Any, value: Any) -> None:
    filled, unfilled = (
        build_field_values("Lead", rules(fill_required=is_filled), job(), describe=described(required)).fields
        for is_filled in (True, False)
    )
    assert filled.get("X__c") == value
    assert "X__c" not in unfilled


def test_an_invented_value_is_reported() -> None:
    filled = build_field_values(
        "Lead", rules(fill_required=True), job(attendee={"company": "x"}), describe=described(BADGE)
    )
    assert codes(filled) == [("fallback_used", "Badge__c")]


# --- what to read ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chosen", "read"),
    [
        pytest.param(DEFAULT_RULES, (), id="nothing chosen"),
        pytest.param(rules(update_existing=True), ("Title", "Phone", "Email"), id="updating"),
        pytest.param(rules(opt_out_field=OPT_OUT.name), (OPT_OUT.name, "Email"), id="opt-out alone"),
        pytest.param(
            rules(
                rule("Diet__c", "answers.d"), rule("Gone__c", "answers.d", mode="empty"), update_existing=True
            ),
            ("Title", "Phone", "Email"),
            id="what the org has and what changes",
        ),
    ],
)
def test_fields_to_read(chosen: MappingRules, read: tuple[str, ...]) -> None:
    assert fields_to_read("Lead", chosen, describe=LEAD) == read


def test_fields_to_read_without_a_describe_are_all() -> None:
    chosen = rules(rule("Diet__c", "answers.d", mode="empty"), update_existing=True)
    assert fields_to_read("Lead", chosen) == ("Title", "Phone", "Diet__c", "Email")
    assert fields_to_read("Task", chosen) == ()


def test_an_attendee_with_nothing_is_still_a_person() -> None:
    nobody: Job = job(attendee={"email": None, "email_key": None, "last_name": None})
    assert nobody.attendee == Attendee()
    assert build_field_values("Lead", DEFAULT_RULES, nobody).fields == {
        "LastName": "unknown",
        "Company": "[not provided]",
        "LeadSource": "Eventship",
    }


def test_a_name_from_nowhere_is_a_warning_and_the_attendees_own_is_written() -> None:
    filled = build_field_values(
        "Lead", rules(rule("LastName", "weather")), job(attendee={"name": "Ada Otter"})
    )
    assert filled.fields["LastName"] == "Otter"
    assert ("field_dropped", "LastName") in codes(filled)
