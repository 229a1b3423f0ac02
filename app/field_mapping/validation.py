"""Validate a mapping against the org: issues with their place, and required fields without a value. Pure."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from app.field_mapping.options import Options, check_options
from app.field_mapping.org_metadata import OrgMetadata
from app.field_mapping.response_schemas import MappingFinding, RequiredField
from app.salesforce.describe import SObjectDescribe
from app.sync.field_values.required_fields import has_placeholder, missing_required
from app.sync.field_values.validation import ERROR, MappingIssue, find_mapping_issues
from app.sync.model.mapping_rules import DEFAULT_FIELDS, MappingRules
from app.sync.model.record_kinds import DEFAULT_WRITES, kinds_written, written_objects
from app.user_messages.phrases import Phrase, worded

Layer = Mapping[str, Any]

# How a finding's code begins, the part of the mapping that it is about, where the documents tell more.
PLACES: Final[tuple[tuple[str, str, str], ...]] = (
    ("record_type", "record_types", "/docs/mapping#record_types"),
    ("opt_out", "people.opt_out_field", "/docs/mapping#opt_out"),
    ("match_field", "people.match_by", "/docs/mapping#matching"),
    ("person_accounts", "people.create", "/docs/mapping#people"),
    ("queue", "owner.id", "/docs/mapping#owner"),
)
ANYWHERE: Final = "/docs/mapping#wrong"


def validate_against_org(
    rules: MappingRules, own: Layer, view: OrgMetadata, options: Options
) -> tuple[list[MappingFinding], list[RequiredField]]:
    """Return the issues, those that block rows first, and further required fields.

    `own` is the layer whose paths the issues name; `options` are attendees' answers so far. Objects that the
    org did not return are not validated.
    """
    mapped = {rule.sobject for rule in rules.fields if rule not in DEFAULT_FIELDS} & written_objects()
    issues = [
        *find_mapping_issues(rules, view.describes),
        *check_options(rules, view.describes, options),
        *(_hidden(sobject) for sobject in sorted(view.hidden & mapped)),
    ]
    findings = [_finding(each, own) for each in sorted(issues, key=lambda issue: issue.severity != ERROR)]
    return findings, required_without_value(rules, view.describes)


def required_without_value(
    rules: MappingRules,
    describes: Mapping[str, SObjectDescribe],
    writes: Collection[str] = DEFAULT_WRITES,
) -> list[RequiredField]:
    """The required fields that no rule fills, of each object that is created under these rules."""
    kinds = {kind.name: kind for kind in kinds_written(rules, writes) if kind.sobject in describes}
    return [
        RequiredField(
            object=kind.sobject,
            field=field.name,
            label=field.label,
            type=field.type,
            is_filled=rules.fills_required and has_placeholder(field),
        )
        for kind in kinds.values()
        for field in missing_required(rules, describes[kind.sobject], sobject=kind.name)
    ]


def _finding(issue: MappingIssue, own: Layer) -> MappingFinding:
    places = ((part, link) for start, part, link in PLACES if issue.code.startswith(start))
    part, link = next(places, ("fields", ANYWHERE))
    return MappingFinding.model_validate(
        {**vars(issue), "message": worded(issue.message), "path": _path(issue, part, own), "link": link}
    )


def _hidden(sobject: str) -> MappingIssue:
    message = Phrase("issue.object_not_visible", object=sobject)
    return MappingIssue(None, "object_not_visible", ERROR, sobject, None, message)


def _path(issue: MappingIssue, part: str, own: Layer) -> str | None:
    """Where the issue is in this level's own choices; None where another level made them."""
    if part == "fields":
        named = [(each["object"], each["field"]) for each in own.get("fields") or ()]
        key = (issue.sobject, issue.field)
        return f"fields.{named.index(key)}" if key in named else None
    name = issue.sobject if part == "record_types" else part.partition(".")[2]
    group = part.partition(".")[0]
    return f"{group}.{name}" if name in (own.get(group) or {}) else None
