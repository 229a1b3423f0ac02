"""Validation rules: a condition over the new row that refuses it when true."""

from salesforce_simulator.errors import ErrorItem, SalesforceError, refusal
from salesforce_simulator.org import Org
from salesforce_simulator.soql.predicates import holds
from salesforce_simulator.store import Row


def verify(org: Org) -> None:
    """Raise when a rule names an unknown object or field, or is no condition."""
    for rule in org.config.validation_rules:
        sobject = org.sobject(rule.sobject)
        if sobject is None:
            raise refusal("INVALID_TYPE", f"sObject type '{rule.sobject}' is not supported.")
        holds(org, sobject.name, rule.when, dict.fromkeys(sobject.fields))


def check(org: Org, name: str, row: Row) -> None:
    """Raise FIELD_CUSTOM_VALIDATION_EXCEPTION with every rule that fires at once."""
    rules = (rule for rule in org.config.validation_rules if rule.is_active and rule.sobject == name)
    errors = [
        ErrorItem(
            "FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, (rule.field,) if rule.field is not None else ()
        )
        for rule in rules
        if holds(org, name, rule.when, row)
    ]
    if errors:
        raise SalesforceError(400, *errors)
