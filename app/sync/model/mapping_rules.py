"""A host's mapping as values: whom to create, what fills which field, who owns the records. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from enum import StrEnum
from typing import Any, Final, Self

from app.sync.model.records import CONTACT, LEAD


class FieldMode(StrEnum):
    """When a field is written: with a new record only, also where it is empty, always, added to a
    multi-select; or never, which takes a default or the host's rule away.
    """

    CREATE = "create"
    IF_EMPTY = "empty"
    OVERWRITE = "overwrite"
    APPEND = "append"
    OFF = "off"


CREATE_LEAD, CREATE_CONTACT, CREATE_PERSON_ACCOUNT, CREATE_NOBODY = (
    "lead", "contact", "person_account", "nobody",
)  # fmt: skip

AS_MAPPING = "as_mapping"
"""What general links create where the host chose nothing: what the mapping says."""

ALWAYS, SAME_NAME, NEVER = "always", "same_name", "never"
"""Whether a record that a duplicate rule names is taken for the person."""

LEAVE, ORGANIZER, FIXED = "leave", "organizer", "fixed"


@dataclass(frozen=True)
class FieldRule:
    """The rule of one field. Exactly one of `path` (`answers.diet`), `constant` and `template` is set.

    `choices` maps the attendee's options to values of the org, `otherwise` is for options that are not
    listed, `fallback` for a missing value.
    """

    sobject: str
    field: str
    path: str | None = None
    constant: str | None = None
    template: str | None = None
    mode: str = FieldMode.CREATE
    choices: Mapping[str, str] = dataclass_field(default_factory=dict)
    otherwise: str | None = None
    fallback: str | None = None

    @classmethod
    def of(cls, chosen: Mapping[str, Any]) -> Self:
        """As it stands in the stored mapping."""
        return cls(
            sobject=chosen["object"],
            field=chosen["field"],
            path=chosen.get("from"),
            constant=chosen.get("constant"),
            template=chosen.get("template"),
            mode=chosen.get("mode", FieldMode.CREATE),
            choices=chosen.get("values") or {},
            otherwise=chosen.get("otherwise"),
            fallback=chosen.get("fallback"),
        )


EXTERNAL_ID_TYPES: Final = frozenset({"string", "email", "phone", "url"})
"""Types of fields that people can be matched by: they are compared as text."""


@dataclass(frozen=True)
class ExternalId:
    """A field of Lead and Contact that identifies the host's people, and the source of its value."""

    field: str
    path: str


@dataclass(frozen=True)
class OwnerRule:
    """The owner of created records: left to Salesforce, the User with the organizer's e-mail, or fixed."""

    how: str = LEAVE
    id: str | None = None
    runs_assignment_rules: bool = True


DEFAULT_FIELDS: Final = (
    FieldRule(LEAD, "Title", path="attendee.job_title", mode=FieldMode.IF_EMPTY),
    FieldRule(LEAD, "Phone", path="attendee.phone", mode=FieldMode.IF_EMPTY),
    FieldRule(CONTACT, "Title", path="attendee.job_title", mode=FieldMode.IF_EMPTY),
    FieldRule(CONTACT, "Phone", path="attendee.phone", mode=FieldMode.IF_EMPTY),
)
"""Beside e-mail, first and last name, a Lead's company and LeadSource, which have rules of their own."""


@dataclass(frozen=True)
class MappingRules:
    """A host's rules with one event's overrides applied; the defaults apply where nothing was chosen.

    `record_types` has developer names by object; `fields` holds one rule per object and field;
    `general_links_create` is what registrations without a Salesforce id create where that differs.
    """

    creates: str = CREATE_LEAD
    is_updating: bool = False
    external_id: ExternalId | None = None
    duplicate_policy: str = ALWAYS
    opt_out_field: str | None = None
    fills_required: bool = False
    leaves_company_blank: bool = False
    no_company_account_name: str | None = None
    record_types: Mapping[str, str] = dataclass_field(default_factory=dict)
    owner: OwnerRule = OwnerRule()
    fields: tuple[FieldRule, ...] = DEFAULT_FIELDS
    task_status: str | None = None
    general_links_create: str | None = None

    @classmethod
    def of(cls, *layers: Mapping[str, Any] | None) -> "MappingRules":
        """Read the rules from stored layers."""
        rules = cls()
        for layer in layers:
            rules = _merge_layer(rules, layer or {})
        return rules

    @property
    def is_default(self) -> bool:
        """Whether nothing was chosen: then no describe is needed to fill anything."""
        return self is DEFAULT_RULES or self == DEFAULT_RULES

    @property
    def create_modes(self) -> frozenset[str]:
        """Whom registrations may create: by the mapping, and by general links."""
        return frozenset({self.creates, self.general_links_create or self.creates})

    def with_general_links(self, chosen: str) -> "MappingRules":
        """The rules as they hold for all of the host's registrations, of personal and of general links."""
        return self if chosen in (AS_MAPPING, self.creates) else replace(self, general_links_create=chosen)

    def for_general_links(self, chosen: str) -> "MappingRules":
        """The rules as they hold for a registration without a Salesforce id."""
        return self if chosen in (AS_MAPPING, self.creates) else replace(self, creates=chosen)

    def fields_of(self, sobject: str) -> tuple[FieldRule, ...]:
        return tuple(rule for rule in self.fields if rule.sobject == sobject)


def _merge_layer(rules: MappingRules, layer: Mapping[str, Any]) -> MappingRules:
    people, owner = layer.get("people") or {}, layer.get("owner")
    chosen = {PEOPLE_SETTINGS[name]: value for name, value in people.items() if name in PEOPLE_SETTINGS}
    if "match_by" in people:
        by = people["match_by"]
        chosen["external_id"] = ExternalId(by["field"], by["from"]) if by else None
    if owner:
        chosen["owner"] = _owner_over(rules.owner, owner)
    if "task_status" in layer:
        chosen["task_status"] = layer["task_status"]
    # Null takes another level's choice away.
    record_types = {**rules.record_types, **(layer.get("record_types") or {})}
    return replace(
        rules,
        **chosen,
        record_types={sobject: name for sobject, name in record_types.items() if name},
        fields=_overridden(rules.fields, [FieldRule.of(each) for each in layer.get("fields") or ()]),
    )


def _owner_over(before: OwnerRule, chosen: Mapping[str, Any]) -> OwnerRule:
    """Merge an owner over another; an id belongs to a fixed owner only."""
    how = chosen.get("how") or before.how
    id_ = chosen.get("id") or before.id
    runs = chosen.get("run_assignment_rules")
    return OwnerRule(
        how, id_ if how == FIXED else None, before.runs_assignment_rules if runs is None else runs
    )


def _overridden(before: Sequence[FieldRule], after: Sequence[FieldRule]) -> tuple[FieldRule, ...]:
    by_field = {(rule.sobject, rule.field): rule for rule in (*before, *after)}
    return tuple(rule for rule in by_field.values() if rule.mode != FieldMode.OFF)


PEOPLE_SETTINGS: Final = {
    "create": "creates",
    "update_existing": "is_updating",
    "adopt_duplicates": "duplicate_policy",
    "opt_out_field": "opt_out_field",
    "fill_required": "fills_required",
    "leave_company_blank": "leaves_company_blank",
    "account_for_nobody": "no_company_account_name",
}
DEFAULT_RULES: Final = MappingRules()
