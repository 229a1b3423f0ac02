"""Explain the future value of each field, from the requests of the dry run. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from app.salesforce.describe import SObjectDescribe
from app.sync.field_values.builder import is_empty
from app.sync.field_values.converters import options_of
from app.sync.field_values.rule_evaluation import RuleTarget, evaluate_rule
from app.sync.field_values.sources import zone_of
from app.sync.field_values.system_fields import MODE_ENGINE, PEOPLE, create_rules, custom_rules, field_name
from app.sync.model.batch import PERSON, Job
from app.sync.model.item_errors import ItemWarning
from app.sync.model.mapping_rules import FieldMode, FieldRule
from app.sync.model.records import ACCOUNT, PERSON_ACCOUNT
from app.sync_preview.schemas import FieldPreview
from app.user_messages.phrases import worded

OWN_SOURCES: Final = {
    "FirstName": "attendee.first_name",
    "LastName": "attendee.last_name",
    "Email": "attendee.email",
    "PersonEmail": "attendee.email",
    "Company": "attendee.company",
    "Subject": "event.title",
    "SuppliedEmail": "attendee.email",
    "SuppliedPhone": "attendee.phone",
    "SuppliedCompany": "attendee.company",
}
"""Where what we write by ourselves comes from."""

LEFT_OUT: Final = frozenset(
    {"field_dropped", "number_unclear", "owner_refused", "picklist_dropped", "opted_out"}
)
BESIDE: Final = frozenset({"id", "attributes"})
"""Members of a record that are no fields."""


@dataclass(frozen=True)
class PlannedRecord:
    """One record as the run would leave it; without `record_id` it does not exist yet.

    `sent` are the fields of its request, empty where nothing would be sent; `now` its values in Salesforce.
    """

    part: str
    sobject: str
    job: Job
    record_id: str | None
    warnings: Sequence[ItemWarning]
    sent: Mapping[str, Any] = field(default_factory=dict)
    now: Mapping[str, Any] = field(default_factory=dict)
    describe: SObjectDescribe | None = None

    @property
    def kind(self) -> str:
        """The object, or `PersonAccount` for an Account that is a person."""
        return PERSON_ACCOUNT if self.part == PERSON and self.sobject == ACCOUNT else self.sobject

    @property
    def rules(self) -> dict[str, FieldRule]:
        """The rules that fill it, by field: for a record that stands the host's alone."""
        rules, job = self.job.rules, self.job
        if self.record_id is None:
            found = create_rules(self.kind, rules, job, self.describe)
        else:
            found = custom_rules(self.kind, rules, self.describe)
        return {rule.field: rule for rule in found}

    @property
    def names(self) -> list[str]:
        """The fields to show: what is sent, then what rules speak of, without what the org does not have."""
        warned = {warning.field for warning in self.warnings if warning.sobject == self.sobject}
        names = [*(name for name in self.sent if name not in BESIDE), *self.rules, *self._followed()]
        known = self.describe.fields if self.describe else {}
        return [
            name
            for name in dict.fromkeys(names)
            if self.describe is None or name in known or name in self.sent or name in warned
        ]

    def _followed(self) -> list[str]:
        """What is watched on people who stand, whatever is mapped."""
        if self.record_id is None or self.kind not in PEOPLE:
            return []
        out = self.job.rules.opt_out_field
        names = ["Email", *([out] if out else [])]
        return [field_name(self.kind, name, self.describe) for name in names]


def preview_fields(planned: PlannedRecord) -> list[FieldPreview]:
    """Every field that would be written, or that a rule speaks of."""
    return [_preview(planned, name) for name in planned.names]


def fields_to_show(planned: PlannedRecord) -> list[str]:
    """The fields of an existing record that a preview reads."""
    known = planned.describe.fields if planned.describe else {}
    return [name for name in planned.names if name in known]


def _preview(planned: PlannedRecord, name: str) -> FieldPreview:
    rule = planned.rules.get(name)
    now = planned.now.get(name)
    why = _why(planned, name, rule)
    warning = next(
        (each for each in planned.warnings if (each.sobject, each.field) == (planned.sobject, name)), None
    )
    known = planned.describe.fields.get(name) if planned.describe else None
    return FieldPreview(
        object=planned.sobject,
        field=name,
        label=known.label if known else name,
        now=now,
        then=planned.sent.get(name, now),
        mode=rule.mode if rule else MODE_ENGINE,
        from_=_source(name, rule),
        why=why,
        text=worded(warning.text) if warning else None,
    )


def _source(name: str, rule: FieldRule | None) -> str | None:
    if rule is None or rule.mode == MODE_ENGINE:
        return OWN_SOURCES.get(name)
    return rule.path or rule.template


def _why(planned: PlannedRecord, name: str, rule: FieldRule | None) -> str:
    if name in planned.sent:
        return "new" if planned.record_id is None else "changed"
    is_left_out = any(
        each.code in LEFT_OUT and (each.sobject, each.field) == (planned.sobject, name)
        for each in planned.warnings
    )
    if is_left_out:
        return "left_out"
    if planned.record_id is None:
        return "no_value"
    if rule is None:
        return "same"
    return _why_not_changed(planned, rule, planned.now.get(name))


def _why_not_changed(planned: PlannedRecord, rule: FieldRule, now: Any) -> str:
    """In the order in which the engine decides."""
    if planned.kind in PEOPLE | {ACCOUNT} and not planned.job.rules.is_updating:
        return "not_updating"
    if rule.mode == FieldMode.CREATE:
        return "create_only"
    known = planned.describe.fields.get(rule.field) if planned.describe else None
    if rule.mode == FieldMode.IF_EMPTY and not is_empty(now, known):
        return "kept"
    target = RuleTarget(planned.sobject, planned.job, zone_of(planned.job), planned.describe, is_new=False)
    converted = evaluate_rule(rule, target).converted
    if converted is None:
        return "no_value"
    return "same" if converted.value == now or _is_among(rule, converted.value, now) else "theirs"


def _is_among(rule: FieldRule, value: Any, now: Any) -> bool:
    return rule.mode == FieldMode.APPEND and set(options_of(value)) <= set(options_of(now))
