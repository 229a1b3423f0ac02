"""What attendees answered so far, held against a mapping: options that would fail or be left out. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC

from app.salesforce.describe import Field, SObjectDescribe
from app.sync.field_values.converters import CONVERTERS, ConversionError, NotInPicklist, convert
from app.sync.field_values.states_and_countries import code_field, listed_place
from app.sync.field_values.text import comparison_key
from app.sync.field_values.validation import ERROR, WARNING, MappingIssue
from app.sync.model.mapping_rules import FieldRule, MappingRules
from app.user_messages.phrases import Phrase

NAMED_MAX = 5
OPTION_LENGTH = 80

Options = Mapping[str, Sequence[str]]
"""The options that attendees took, by source."""


def check_options(
    rules: MappingRules, describes: Mapping[str, SObjectDescribe], options: Options
) -> Iterator[MappingIssue]:
    """A finding for each rule that does not know what to do with an option that was taken."""
    for index, rule in enumerate(rules.fields):
        taken = options.get(rule.path or "", ())
        describe = describes.get(rule.sobject)
        field = describe.fields.get(rule.field) if describe else None
        if not taken or field is None or field.type not in CONVERTERS:
            continue
        codes = code_field(describe, rule.field)
        for code, severity, message in _check(rule, field, taken, codes):
            yield MappingIssue(index, code, severity, rule.sobject, rule.field, message)


def answers_of(rules: MappingRules) -> frozenset[str]:
    """The answers that rules are about."""
    paths = (rule.path for rule in rules.fields if rule.path)
    return frozenset(path for path in paths if path.startswith("answers."))


def _check(
    rule: FieldRule, field: Field, taken: Sequence[str], codes: Field | None
) -> Iterator[tuple[str, str, str]]:
    if rule.choices or rule.otherwise is not None:
        known = {comparison_key(option) for option in rule.choices}
        strange = [each for each in taken if comparison_key(each) not in known]
        if strange and rule.otherwise is None:
            text = Phrase("issue.answer_not_mapped", names=_named(strange), label=field.label)
            yield "answer_not_mapped", ERROR, text
        return
    refused, unfit = [], []
    for option in taken:
        try:
            listed_place(rule.field, codes, option) if codes else convert(field, option, zone=UTC)
        except NotInPicklist:
            refused.append(option)
        except ConversionError:
            unfit.append(option)
    if refused:
        text = Phrase("issue.answer_not_in_picklist", label=field.label, names=_named(refused))
        yield "answer_not_in_picklist", ERROR, text
    if unfit:
        is_fatal = field.is_required_on_create and rule.fallback is None
        key = "issue.answer_unfit_fails" if is_fatal else "issue.answer_unfit"
        yield (
            "answer_unfit",
            ERROR if is_fatal else WARNING,
            Phrase(key, names=_named(unfit), label=field.label),
        )


def _named(options: Iterable[str]) -> str:
    names = [f"“{option[:OPTION_LENGTH]}”" for option in options]
    named = ", ".join(names[:NAMED_MAX])
    more = len(names) - NAMED_MAX
    return Phrase("word.and_more", names=named, count=more) if more > 0 else named
