"""A mapping as it is sent: what is taken, what is refused, where the refusal says it is."""

from typing import Any

import pytest
from pydantic import ValidationError

from app.field_mapping.request_schemas import EXAMPLE, MappingToSave
from app.field_mapping.source_catalog import SOURCES, reserved_reason
from app.sync.field_values.sources import PATHS
from app.sync.model.mapping_rules import DEFAULT_RULES, MappingRules
from app.sync.model.record_kinds import system_fields_of, written_objects

RULE = {"object": "Lead", "field": "Diet__c", "from": "answers.diet"}


def taken(**parts: Any) -> dict[str, Any]:
    return MappingToSave.model_validate(parts).layer()


def with_rule(**changes: Any) -> dict[str, Any]:
    rule = {**RULE, **changes}
    return {"fields": [{name: value for name, value in rule.items() if value is not None}]}


def refused(sent: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as refusal:
        MappingToSave.model_validate(sent)
    return [(".".join(map(str, each["loc"])), each["msg"]) for each in refusal.value.errors()]


def test_only_what_was_chosen_is_stored() -> None:
    assert taken() == {}
    assert taken(people={"update_existing": True}) == {"people": {"update_existing": True}}
    assert taken(fields=[RULE]) == {"fields": [RULE]}
    assert taken(version=3, people={"match_by": None}) == {"people": {"match_by": None}}


def test_stored_layer_is_what_was_sent_and_what_the_engine_reads() -> None:
    assert taken(**EXAMPLE) == EXAMPLE
    rules = MappingRules.of(taken(**EXAMPLE))
    assert (rules.creates, rules.is_updating, rules.owner.how) == ("contact", True, "organizer")
    assert {rule.field for rule in rules.fields_of("Contact")} == {"Title", "Phone", "Diet__c"}
    assert MappingRules.of(taken()) == DEFAULT_RULES


def test_owner_is_stored_with_18_characters() -> None:
    layer = taken(owner={"how": "fixed", "id": "0055g00000AbCdE"})
    assert layer["owner"] == {"how": "fixed", "id": "0055g00000AbCdEAAV"}


def test_default_can_be_taken_away() -> None:
    layer = taken(fields=[{"object": "Lead", "field": "Phone", "mode": "off"}])
    assert [rule.field for rule in MappingRules.of(layer).fields_of("Lead")] == ["Title"]


def match_by(field: str, path: str) -> dict[str, Any]:
    return {"people": {"match_by": {"field": field, "from": path}}}


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("unknown member", {"peeple": {}}, "peeple", "Extra inputs are not permitted"),
    ("unknown way to create", {"people": {"create": "opportunity"}}, "people.create", "'lead', 'contact'"),
    ("word for a switch", {"people": {"update_existing": "yes"}}, "people.update_existing", "valid boolean"),
    ("unknown object", with_rule(object="Opportunity"), "fields.0.object", "'CampaignMember'"),
    ("label for a field", with_rule(field="Favourite food"), "fields.0.field", "API name of a field"),
    ("unknown source", with_rule(**{"from": "attendee.shoe_size"}), "fields.0.from", "no such source"),
    ("answer without a key", with_rule(**{"from": "answers."}), "fields.0.from", "no such source"),
    ("answer with braces", with_rule(**{"from": "answers.{diet}"}), "fields.0.from", "no such source"),
    ("no source", with_rule(**{"from": None}), "fields.0", "exactly one of"),
    ("two sources", with_rule(constant="x"), "fields.0", "exactly one of"),
    (
        "unknown place",
        with_rule(**{"from": None}, template="{event.colour}"),
        "fields.0.template",
        "event.colour",
    ),
    (
        "open brace",
        with_rule(**{"from": None}, template="{event.title"),
        "fields.0.template",
        "brace is missing at “{",
    ),
    ("unknown mode", with_rule(mode="sometimes"), "fields.0.mode", "'overwrite'"),
    ("own field", with_rule(field="ownerid"), "fields.0", "choose it under owner"),
    ("our Task", with_rule(object="Task", field="Subject"), "fields.0", "we find our Tasks"),
    ("null byte", with_rule(fallback="a\0b"), "fields.0.fallback", "null character"),
    ("text that is none", with_rule(fallback="\ud800"), "fields.0.fallback", "unicode"),
    ("long option", with_rule(values={"a": "b" * 256}), "fields.0.values.a", "at most 255"),
    (
        "many options",
        with_rule(values={str(n): "b" for n in range(201)}),
        "fields.0.values",
        "at most 200 items",
    ),
    (
        "second rule",
        {"fields": [RULE, {**RULE, "field": "DIET__c"}]},
        "",
        "fields.1: Lead.DIET__c has a rule",
    ),
    ("501 rules", {"fields": [RULE] * 501}, "fields", "at most 500 items"),
    ("owner without id", {"owner": {"how": "fixed"}}, "owner", "how = fixed"),
    ("id without fixed", {"owner": {"id": "0055g00000AbCdEAAV"}}, "owner", "how = fixed"),
    ("owner is a Lead", {"owner": {"how": "fixed", "id": "00Q5g00000AbCdE"}}, "owner.id", "005…"),
    ("record type by label", {"record_types": {"Lead": "Event Lead"}}, "record_types.Lead", "API name"),
    ("record type of nothing", {"record_types": {"Pet": "Otter"}}, "record_types.Pet.[key]", "'Account'"),
    (
        "match by no field",
        {"people": {"match_by": {"from": "attendee.id"}}},
        "people.match_by.field",
        "required",
    ),
    ("match by who owns it", match_by("ownerId", "attendee.id"), "people.match_by", "choose it under owner"),
    ("match by the Account", match_by("AccountId", "answers.no"), "people.match_by", "attendee's company"),
    ("match by the buyer's e-mail", match_by("Email", "buyer.email"), "people.match_by", "matched by it"),
    ("match by the type", match_by("IsConverted", "answers.no"), "people.match_by", "salesperson"),
    ("negative version", {"version": -1}, "version", "greater than or equal to 0"),
]


@pytest.mark.parametrize(
    ("sent", "path", "words"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_what_can_never_be_right_is_refused_with_its_place(
    sent: dict[str, Any], path: str, words: str
) -> None:
    [(told_path, message)] = refused(sent)
    assert told_path == path
    assert words in message
    assert "Value error" not in message


def test_options_of_all_rules_together_are_bounded() -> None:
    values = {str(number): "b" for number in range(200)}
    rules = [{**RULE, "field": f"F{number}__c", "values": values} for number in range(26)]
    assert "at most 5000 options" in refused({"fields": rules})[0][1]
    assert len(taken(fields=rules[:25])["fields"]) == 25


def test_every_source_that_is_read_has_a_label() -> None:
    assert {path for path, _, _ in SOURCES} == set(PATHS)
    assert len({label for _, label, _ in SOURCES}) == len(SOURCES)


@pytest.mark.parametrize("sobject", sorted(written_objects()))
def test_every_field_that_no_rule_may_fill_says_why(sobject: str) -> None:
    assert all(reserved_reason(sobject, field.upper()) for field in system_fields_of(sobject))
    assert reserved_reason(sobject, "evs__Eventship_Key__c") is not None
    assert reserved_reason(sobject, "Diet__c") is None


def test_people_may_be_matched_by_their_own_address() -> None:
    """It is what the engine does anyway."""
    assert taken(**match_by("Email", "attendee.email")) == match_by("Email", "attendee.email")
