"""Which objects of an org a mapping speaks of, and which are created under it. Pure."""

from typing import Final

from app.sync.model.mapping_rules import CONTACT_CREATED, LEAD_CREATED, PERSON_ACCOUNT_CREATED, MappingRules

CREATED: Final = {
    LEAD_CREATED: ("Lead",),
    CONTACT_CREATED: ("Contact", "Account"),
    PERSON_ACCOUNT_CREATED: ("Account",),
}
"""The objects that are created for a person, by who is created."""
PEOPLE: Final = ("Lead", "Contact")
ALWAYS_WRITTEN: Final = ("Task", "CampaignMember")


def objects_of(rules: MappingRules) -> set[str]:
    """The objects that a mapping speaks of, or that are written by it."""
    named = {rule.sobject for rule in rules.fields} | set(rules.record_types)
    found = PEOPLE if rules.opt_out_field or rules.external_id else ()
    return {*named, *found, *created_by(rules), *ALWAYS_WRITTEN}


def created_by(rules: MappingRules) -> tuple[str, ...]:
    """The objects that are created for a person whom nobody knows."""
    return CREATED.get(rules.creates, ())
