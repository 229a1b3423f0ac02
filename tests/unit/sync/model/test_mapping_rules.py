"""Host and event each decide a part: what a layer leaves out stays as the layer below has it."""

import pytest

from app.sync.model.mapping_rules import DEFAULT_RULES, MappingRules, OwnerRule

FIXED = {"owner": {"how": "fixed", "id": "005000000000001AAA"}}


@pytest.mark.parametrize(
    ("over", "owner"),
    [
        pytest.param(
            {"owner": {"run_assignment_rules": False}},
            OwnerRule("fixed", "005000000000001AAA", runs_assignment_rules=False),
            id="how-and-id-stay",
        ),
        pytest.param({"owner": {"how": "organizer"}}, OwnerRule("organizer"), id="an-id-goes-with-fixed"),
        pytest.param({"owner": {"how": "leave"}}, OwnerRule(), id="left-alone-again"),
        pytest.param({}, OwnerRule("fixed", "005000000000001AAA"), id="nothing-said"),
    ],
)
def test_an_event_changes_only_what_it_names_of_the_owner(over: dict[str, object], owner: OwnerRule) -> None:
    assert MappingRules.of(FIXED, over).owner == owner


def test_no_layer_is_the_default() -> None:
    assert MappingRules.of(None, {}) == DEFAULT_RULES


def test_a_rule_of_the_event_replaces_the_hosts_for_that_field_only() -> None:
    host = {"fields": [{"object": "Lead", "field": name, "constant": "host"} for name in ("A__c", "B__c")]}
    event = {"fields": [{"object": "Lead", "field": "A__c", "constant": "event"}]}
    chosen = {
        rule.field: rule.constant for rule in MappingRules.of(host, event).fields_of("Lead") if rule.constant
    }
    assert chosen == {"A__c": "event", "B__c": "host"}


def test_a_rule_that_is_off_takes_the_one_below_away() -> None:
    off = {"fields": [{"object": "Lead", "field": "Phone", "mode": "off"}]}
    assert "Phone" not in {rule.field for rule in MappingRules.of(off).fields_of("Lead")}


@pytest.mark.parametrize(
    ("mapping", "chosen", "of_general_links", "of_all"),
    [
        ("lead", "as_mapping", "lead", {"lead"}),
        ("lead", "lead", "lead", {"lead"}),
        ("lead", "contact", "contact", {"lead", "contact"}),
        ("contact", "nobody", "nobody", {"contact", "nobody"}),
        ("person_account", "lead", "lead", {"person_account", "lead"}),
        ("nobody", "as_mapping", "nobody", {"nobody"}),
    ],
)
def test_general_links_create_what_was_chosen_for_them(
    mapping: str, chosen: str, of_general_links: str, of_all: set[str]
) -> None:
    rules = MappingRules.of({"people": {"create": mapping}})
    assert rules.for_general_links(chosen).creates == of_general_links
    assert rules.for_general_links(chosen).create_modes == {of_general_links}
    assert rules.with_general_links(chosen).creates == mapping
    assert rules.with_general_links(chosen).create_modes == of_all


@pytest.mark.parametrize("chosen", ["as_mapping", "lead"])
def test_default_rules_stay_themselves_where_general_links_create_the_same(chosen: str) -> None:
    assert DEFAULT_RULES.for_general_links(chosen) is DEFAULT_RULES
    assert DEFAULT_RULES.with_general_links(chosen) is DEFAULT_RULES
