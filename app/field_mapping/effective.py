"""From stored layers to what the dashboard reads of the rules that hold. Pure."""

from collections.abc import Mapping
from typing import Any

from app.field_mapping.response_schemas import (
    EffectiveRules,
    FieldRuleShown,
    Level,
    MatchByShown,
    OwnerShown,
    PeopleShown,
)
from app.sync.model.mapping_rules import FieldRule, MappingRules

Layer = Mapping[str, Any]


def effective_rules(host_layer: Layer, event_layer: Layer | None = None) -> EffectiveRules:
    """What holds with these layers, and for each field rule the level that chose it."""
    rules = MappingRules.of(host_layer, event_layer)
    by_level: tuple[tuple[Level, Layer], ...] = (("host", host_layer), ("event", event_layer or {}))
    chosen_by = {
        (each["object"], each["field"]): level
        for level, layer in by_level
        for each in layer.get("fields", ())
    }
    return EffectiveRules(
        people=_people(rules),
        record_types=dict(rules.record_types),
        owner=OwnerShown(
            how=rules.owner.how,
            id=rules.owner.id,
            run_assignment_rules=rules.owner.runs_assignment_rules,
        ),
        task_status=rules.task_status,
        fields=[
            _rule(rule, chosen_by.get((rule.sobject, rule.field), "default"))
            for rule in sorted(rules.fields, key=lambda rule: (rule.sobject, rule.field))
        ],
    )


def _people(rules: MappingRules) -> PeopleShown:
    by = rules.external_id
    return PeopleShown(
        create=rules.creates,
        update_existing=rules.is_updating,
        match_by=MatchByShown(field=by.field, from_=by.path) if by else None,
        adopt_duplicates=rules.adopts_duplicates,
        opt_out_field=rules.opt_out_field,
        fill_required=rules.fills_required,
        leave_company_blank=rules.leaves_company_blank,
        account_for_nobody=rules.account_for_nobody,
    )


def _rule(rule: FieldRule, set_by: Level) -> FieldRuleShown:
    return FieldRuleShown(
        object=rule.sobject,
        field=rule.field,
        from_=rule.path,
        constant=rule.constant,
        template=rule.template,
        mode=rule.mode,
        values=dict(rule.choices),
        otherwise=rule.otherwise,
        fallback=rule.fallback,
        set_by=set_by,
    )
