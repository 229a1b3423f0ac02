"""A mapping as the dashboard reads it: what was chosen here, what holds, and what the org says to it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Level = Literal["default", "host", "event"]
Severity = Literal["error", "warning"]


class RulesView(BaseModel):
    """A part of `MappingRules`, read from it by attribute."""

    model_config = ConfigDict(from_attributes=True)


class MatchByShown(RulesView):
    """The field that knows the host's people."""

    field: str
    from_: str = Field(validation_alias="path", serialization_alias="from")


class PeopleShown(RulesView):
    """Who is created, matched and touched."""

    create: str = Field(validation_alias="creates")
    update_existing: bool = Field(validation_alias="is_updating")
    match_by: MatchByShown | None = Field(validation_alias="external_id")
    bypass_alert_rules: bool = Field(False, description="retired: always false", deprecated=True)
    adopt_duplicates: str = Field(validation_alias="duplicate_policy")
    opt_out_field: str | None
    fill_required: bool = Field(validation_alias="fills_required")
    leave_company_blank: bool = Field(validation_alias="leaves_company_blank")
    account_for_nobody: str | None = Field(validation_alias="no_company_account_name")


class OwnerShown(RulesView):
    """Who owns new records."""

    how: str
    id: str | None
    run_assignment_rules: bool = Field(validation_alias="runs_assignment_rules")


class FieldRuleShown(RulesView):
    """One rule that holds; `set_by` is where it was chosen."""

    object: str = Field(validation_alias="sobject")
    field: str
    from_: str | None = Field(validation_alias="path", serialization_alias="from")
    constant: str | None
    template: str | None
    mode: str
    values: dict[str, str] = Field(validation_alias="choices")
    otherwise: str | None
    fallback: str | None
    set_by: Level


class EffectiveRules(BaseModel):
    """What holds: the defaults, the host's mapping over them, the event's over that."""

    people: PeopleShown
    record_types: dict[str, str]
    owner: OwnerShown
    task_status: str | None
    fields: list[FieldRuleShown]


class MappingFinding(BaseModel):
    """Something that will go wrong, or be left out.

    `path` is where in the mapping of this level; null when it was chosen elsewhere or is nobody's choice.
    """

    code: str
    severity: Severity
    path: str | None
    object: str | None = Field(validation_alias="sobject")
    field: str | None
    message: str
    link: str


class RequiredField(BaseModel):
    """A required field of the org that no rule gives a value on its own. `is_filled`: by fill_required."""

    object: str
    field: str
    label: str
    type: str
    is_filled: bool


class MappingShown(BaseModel):
    """The mapping of one level. `event_id` is null for the host's own.

    `chosen` is what this level chose, in the form that is sent. `is_checked`: whether the org's fields were
    at hand; if not, `unchecked_because` is the code of the problem. `retried` counts the failed rows that the
    change just made has queued again.
    """

    host_id: str
    event_id: str | None
    chosen: dict[str, Any]
    effective: EffectiveRules
    findings: list[MappingFinding]
    required_without_value: list[RequiredField]
    is_checked: bool
    unchecked_because: str | None
    retried: int
    version: int
    updated_at: datetime | None
    updated_by: str | None


class PicklistValue(BaseModel):
    """One active value of a picklist, and what people see of it."""

    value: str
    label: str


class FieldShown(BaseModel):
    """One field of an object as the connected user sees it. `is_mappable`: a rule may fill it.

    `why_not` says in words why a rule may not. `is_required`: every new record must carry it.
    """

    name: str
    label: str
    type: str
    length: int
    is_required: bool
    is_createable: bool
    is_updateable: bool
    is_external_id: bool
    is_restricted: bool
    is_mappable: bool
    why_not: str | None
    values: list[PicklistValue]


class RecordTypeShown(BaseModel):
    """A record type; `is_available` and `is_default` are meant for the connected user."""

    developer_name: str
    name: str
    is_available: bool
    is_default: bool


class ObjectFields(BaseModel):
    """An object's fields by label, and its record types. `is_written`: rules for it are followed already."""

    object: str
    label: str
    is_written: bool
    fields: Sequence[FieldShown]
    record_types: Sequence[RecordTypeShown]


class SourceShown(BaseModel):
    """Where a value may come from. `options` are the answers that several attendees gave alike, `example` the
    one that most of them gave.
    """

    path: str
    label: str
    example: str | None
    options: list[str]
    is_answer: bool


class OwnerFound(BaseModel):
    """A user or a queue of the org who may own records; `email` is null for a queue."""

    id: str
    name: str
    email: str | None
    is_queue: bool


class OwnersFound(BaseModel):
    """Users and queues by name; `has_more` where the org has more that match."""

    items: list[OwnerFound]
    has_more: bool


class Sources(BaseModel):
    """Every source: those that all registrations have, then the questions that were answered lately."""

    items: list[SourceShown]
