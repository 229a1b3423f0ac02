"""Evaluate one field rule for one registration: a converted value, a warning, or a mapping error. Pure."""

from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Final

from app.salesforce.describe import Field, SObjectDescribe
from app.salesforce.error_codes import ErrorClass
from app.sync.field_values.converters import (
    ConversionError,
    ConvertedValue,
    NotInPicklist,
    NumberUnclear,
    convert,
)
from app.sync.field_values.lead_fields import dropped_field_warning
from app.sync.field_values.sources import (
    UnknownSource,
    Value,
    format_value,
    is_cleared,
    read_value,
    render_template,
    template_paths,
)
from app.sync.field_values.states_and_countries import code_field, listed_place
from app.sync.field_values.system_fields import MODE_ENGINE, standard_field
from app.sync.field_values.text import comparison_key
from app.sync.model.batch import Job
from app.sync.model.item_errors import ItemWarning
from app.sync.model.mapping_rules import FieldMode, FieldRule
from app.user_messages.phrases import Phrase

OPTION_NOT_MAPPED: Final = "OPTION_NOT_MAPPED"
VALUE_NOT_IN_PICKLIST: Final = "VALUE_NOT_IN_PICKLIST"
REQUIRED_VALUE_UNFIT: Final = "REQUIRED_VALUE_UNFIT"
OWNER: Final = "OwnerId"
LEAD_SOURCE_FIELDS: Final = frozenset({"LeadSource", "PersonLeadSource"})
"""Ours to fill: a picklist that refuses our value is no failure."""

SHOWN_LENGTH: Final = 80
NEVER_TRUNCATED: Final = Phrase("unfit.never_cut")


@dataclass(frozen=True)
class MappingError:
    """Why the record cannot be written under these rules; `error_class` is configuration or data."""

    error_class: str
    code: str
    sobject: str
    field: str
    value: str
    text: str


@dataclass(frozen=True)
class RuleTarget:
    """The object that is filled, by its API name, and the registration that fills it."""

    sobject: str
    job: Job
    zone: tzinfo
    describe: SObjectDescribe | None
    is_new: bool
    without: frozenset[str] = frozenset()

    def field(self, name: str) -> Field | None:
        """The field if it may be written now; without a describe each is as every org has it."""
        if self.describe is None:
            return standard_field(self.sobject, name)
        found = self.describe.fields.get(name)
        is_open = found is not None and (found.is_createable if self.is_new else found.is_updateable)
        return found if is_open else None


@dataclass(frozen=True)
class RuleResult:
    """The result of one rule; empty if there was no value, a converted None if it was cleared."""

    converted: ConvertedValue | None = None
    warnings: tuple[ItemWarning, ...] = ()
    error: MappingError | None = None


class OptionNotMapped(ValueError):
    """The host's value map has neither the attendee's option nor a default."""


def evaluate_rule(rule: FieldRule, target: RuleTarget) -> RuleResult:
    """One rule's value in its field. Never raises, whatever the attendee answered."""
    if rule.field in target.without:
        return RuleResult()
    field = target.field(rule.field)
    try:
        value, is_configured = _chosen(rule, target)
    except UnknownSource as unknown:
        return _unknown(rule, field, target, str(unknown))
    except OptionNotMapped as unmapped:
        return _not_mapped(rule, target, str(unmapped)) if field else _not_writeable(rule, target)
    if value is None and rule.fallback is None:
        return _cleared(rule, field, target) if _is_cleared(rule, target.job) else RuleResult()
    if field is None:
        return _not_writeable(rule, target)
    if value is None:
        return _use_fallback(rule, field, target)
    return _fit(rule, field, target, value=value, is_configured=is_configured)


def owner_refused_warning(sobject: str) -> ItemWarning:
    """That Salesforce did not take the chosen owner."""
    return ItemWarning("owner_refused", sobject, OWNER, Phrase("note.owner_refused"))


def left_out_warning(target: RuleTarget, name: str) -> ItemWarning:
    """That a field which Salesforce refused before was left out."""
    if name == OWNER:
        return owner_refused_warning(target.sobject)
    if target.describe is None or name in LEAD_SOURCE_FIELDS:
        return dropped_field_warning(target.sobject, name)
    return ItemWarning("field_dropped", target.sobject, name, Phrase("note.field_refused"))


def _chosen(rule: FieldRule, target: RuleTarget) -> tuple[Value | None, bool]:
    """The rule's value, translated, and whether the host wrote it.

    Raises `OptionNotMapped`, `UnknownSource`.
    """
    if rule.constant is not None:
        return rule.constant or None, rule.mode != MODE_ENGINE
    if rule.template is not None:
        return render_template(rule.template, target.job), False
    value = read_value(rule.path, target.job) if rule.path else None
    if value is None or not (rule.choices or rule.otherwise is not None):
        return value, False
    options = value if isinstance(value, tuple) else (format_value(value, target.zone),)
    translated = tuple(_translated(option, rule) for option in options)
    kept = tuple(dict.fromkeys(each for each in translated if each))
    if not kept:
        return None, False
    return (kept[0] if len(kept) == 1 else ";".join(kept)), True


def _translated(option: str, rule: FieldRule) -> str:
    if option in rule.choices:
        return rule.choices[option]
    by_word = {comparison_key(key): value for key, value in rule.choices.items()}
    found = by_word.get(comparison_key(option), rule.otherwise)
    if found is None:
        raise OptionNotMapped(option[:SHOWN_LENGTH])
    return found


def _fit(
    rule: FieldRule, field: Field, target: RuleTarget, *, value: Value, is_configured: bool
) -> RuleResult:
    if rule.mode == MODE_ENGINE and field.type == "email":
        return RuleResult(ConvertedValue(value))  # judged before anything was planned, and never left out
    shown = format_value(value, target.zone)[:SHOWN_LENGTH]
    try:
        converted = _fitted(rule, field, target, value=value, is_configured=is_configured)
        if converted.note and (field.is_external_id or field.is_unique):
            raise ConversionError(NEVER_TRUNCATED)
    except NotInPicklist as reason:
        if rule.mode == MODE_ENGINE:
            return RuleResult(warnings=(dropped_field_warning(target.sobject, rule.field),))
        return _failed(rule, target, VALUE_NOT_IN_PICKLIST, value=shown, text=reason.text)
    except ConversionError as reason:
        return _unfit(rule, field, target, shown=shown, reason=reason)
    return RuleResult(converted, _cut_warnings(rule, target, converted))


def _fitted(
    rule: FieldRule, field: Field, target: RuleTarget, *, value: Value, is_configured: bool
) -> ConvertedValue:
    codes = code_field(target.describe, rule.field)
    if codes is not None:
        return ConvertedValue(listed_place(rule.field, codes, format_value(value, target.zone)))
    locale = target.job.attendee.locale
    return convert(field, value, zone=target.zone, locale=locale, is_configured=is_configured)


def _unfit(
    rule: FieldRule, field: Field, target: RuleTarget, *, shown: str, reason: ConversionError
) -> RuleResult:
    if rule.fallback is not None:
        return _use_fallback(rule, field, target)
    if target.is_new and field.is_required_on_create:
        text = Phrase("unfit.required", label=field.label, value=shown, reason=reason.text)
        return _failed(rule, target, REQUIRED_VALUE_UNFIT, value=shown, text=text)
    code = "number_unclear" if isinstance(reason, NumberUnclear) else "field_dropped"
    return _dropped(rule, target, Phrase("note.left_out", value=shown, reason=reason.text), code=code)


def _is_cleared(rule: FieldRule, job: Job) -> bool:
    paths = (rule.path,) if rule.path else template_paths(rule.template or "")
    return rule.mode == FieldMode.OVERWRITE and bool(paths) and all(is_cleared(path, job) for path in paths)


def _cleared(rule: FieldRule, field: Field | None, target: RuleTarget) -> RuleResult:
    """Null for a value that the attendee took back; a check box is unticked."""
    if field is None:
        return _not_writeable(rule, target)
    if field.type == "boolean":
        return RuleResult(ConvertedValue(False))
    if not field.is_nillable:
        return _dropped(rule, target, Phrase("note.not_cleared", label=field.label))
    return RuleResult(ConvertedValue(None))


def _use_fallback(rule: FieldRule, field: Field, target: RuleTarget) -> RuleResult:
    assert rule.fallback is not None
    try:
        converted = _fitted(rule, field, target, value=rule.fallback, is_configured=True)
    except ConversionError as reason:
        return _dropped(
            rule, target, Phrase("note.left_out", value=rule.fallback[:SHOWN_LENGTH], reason=reason.text)
        )
    text = Phrase(
        "note.fallback_used",
        label=field.label.lower(),
        object=target.sobject,
        value=str(converted.value),
    )
    warning = ItemWarning("fallback_used", target.sobject, rule.field, text)
    return RuleResult(converted, (*_cut_warnings(rule, target, converted), warning))


def _cut_warnings(rule: FieldRule, target: RuleTarget, converted: ConvertedValue) -> tuple[ItemWarning, ...]:
    note = converted.note
    return (ItemWarning("value_cut", target.sobject, rule.field, note),) if note else ()


def _unknown(rule: FieldRule, field: Field | None, target: RuleTarget, path: str) -> RuleResult:
    """Warn about an unknown source and use the fallback: a name is required."""
    told = _dropped(rule, target, Phrase("note.source_unknown", path=path))
    if field is None or rule.fallback is None:
        return told
    stand_in = _use_fallback(rule, field, target)
    return replace(stand_in, warnings=(*told.warnings, *stand_in.warnings))


def _not_mapped(rule: FieldRule, target: RuleTarget, option: str) -> RuleResult:
    text = Phrase("unfit.option_not_mapped", option=option, field=rule.field)
    return _failed(rule, target, OPTION_NOT_MAPPED, value=option, text=text)


def _not_writeable(rule: FieldRule, target: RuleTarget) -> RuleResult:
    return _dropped(rule, target, Phrase("note.not_writeable"))


def _dropped(rule: FieldRule, target: RuleTarget, text: str, *, code: str = "field_dropped") -> RuleResult:
    return RuleResult(warnings=(ItemWarning(code, target.sobject, rule.field, text),))


def _failed(rule: FieldRule, target: RuleTarget, code: str, *, value: str, text: str) -> RuleResult:
    error_class = ErrorClass.DATA if code == REQUIRED_VALUE_UNFIT else ErrorClass.CONFIGURATION
    return RuleResult(error=MappingError(error_class, code, target.sobject, rule.field, value, text))
