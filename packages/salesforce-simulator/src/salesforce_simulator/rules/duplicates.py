"""Duplicate rules: who matches, and how the refusal shows the match."""

from collections.abc import Iterator
from typing import Any

from salesforce_simulator.config_parts import DuplicateRule
from salesforce_simulator.errors import ErrorItem, SalesforceError
from salesforce_simulator.org import Org
from salesforce_simulator.store import Row
from salesforce_simulator.write_context import WriteContext

_DETAILS = ("Name", "Email", "Phone", "CreatedDate")
_COMPANY = {"Lead": "Company", "Account": "Name"}


def check(org: Org, name: str, row: Row, *, event: str, write: WriteContext) -> None:
    """Raise DUPLICATES_DETECTED for the first rule that finds another record and does not let it pass.

    `allowSave=true` passes alert rules only; a blocking rule refuses all the same.
    """
    for rule in org.config.duplicate_rules:
        if not rule.is_active or rule.sobject != name or event not in rule.on:
            continue
        if rule.action == "alert" and write.allow_save:
            continue
        passed = frozenset() if org.config.duplicate_rules_compare_one_call else frozenset(write.created)
        matches = {
            target: [found for found in _matches(org, rule, target, row) if found["Id"] not in passed]
            for target in rule.against or (name,)
        }
        if any(matches.values()):
            raise _detected(org, rule, matches, write)


def _matches(org: Org, rule: DuplicateRule, target: str, row: Row) -> Iterator[Row]:
    candidates: dict[str, Row] = {}
    for field in rule.fields:
        if row.get(field):
            candidates |= {found["Id"]: found for found in _exact_matches(org, target, field, row[field])}
    if rule.matching == "fuzzy":
        candidates |= {found["Id"]: found for found in _fuzzy_matches(org, target, row)}
    for found in candidates.values():
        if found["Id"] != row.get("Id") and not found.get("IsConverted"):
            yield found


def _exact_matches(org: Org, target: str, field: str, value: Any) -> list[Row]:
    if org.store.table(target).is_indexed(field):
        return org.store.find(target, field, value)
    wanted = str(value).lower()
    return [row for row in org.store.live(target) if str(row.get(field) or "").lower() == wanted]


def _fuzzy_matches(org: Org, target: str, row: Row) -> Iterator[Row]:
    """Same last name, first name by its initial, same company: a rough likeness of the standard rules."""
    if not row.get("LastName"):
        return
    for other in org.store.find(target, "LastName", row["LastName"]):
        initials = {(r.get("FirstName") or " ")[0].lower() for r in (row, other)}
        companies = {
            _company(org, name, r) for name, r in ((_name_of(org, row, target), row), (target, other))
        }
        if len(initials) == 1 and len(companies) == 1 and "" not in companies:
            yield other


def _name_of(org: Org, row: Row, target: str) -> str:
    return "Lead" if "Company" in row else "Contact" if "AccountId" in row else target


def _company(org: Org, name: str, row: Row) -> str:
    if name == "Contact":
        account = org.store.get("Account", row.get("AccountId"))
        text = account["Name"] if account else ""
    else:
        text = row.get(_COMPANY.get(name, "Name")) or ""
    return "".join(character for character in str(text).lower() if character.isalnum())


def _detected(
    org: Org, rule: DuplicateRule, matches: dict[str, list[Row]], write: WriteContext
) -> SalesforceError:
    results = [_match_result(org, rule, target, found, write) for target, found in matches.items() if found]
    body = {
        "allowSave": rule.action == "alert",
        "duplicateRule": rule.name or f"Standard_{rule.sobject}_Duplicate_Rule",
        "duplicateRuleEntityType": rule.sobject,
        "errorMessage": rule.message,
        "matchResults": results if rule.is_match_visible else [],
    }
    is_new_spelling = write.version >= org.config.duplicate_result_spelled_since
    key = "duplicateResult" if is_new_spelling else "duplicateResut"
    return SalesforceError(400, ErrorItem("DUPLICATES_DETECTED", rule.message, None, {key: body}))


def _match_result(
    org: Org, rule: DuplicateRule, target: str, found: list[Row], write: WriteContext
) -> dict[str, Any]:
    engine = "ExactMatchEngine" if rule.matching == "exact" else "FuzzyMatchEngine"
    seen = org.sobject(target)
    visible = [row for row in found if seen is not None and org.is_visible(row)]
    fields = [name for name in _DETAILS if seen is not None and name in seen.fields]
    return {
        "entityType": target,
        "errors": [],
        "matchEngine": engine,
        "matchRecords": [_match_record(target, row, write, fields) for row in visible],
        "rule": f"Standard_{target}_Match_Rule_v1_1" if rule.matching == "fuzzy" else f"{target}_MR",
        "size": len(visible),
        "success": True,
    }


def _match_record(target: str, row: Row, write: WriteContext, fields: list[str]) -> dict[str, Any]:
    url = f"/services/data/v{write.version:.1f}/sobjects/{target}/{row['Id']}"
    record: dict[str, Any] = {"attributes": {"type": target, "url": url}, "Id": row["Id"]}
    if write.include_record_details:
        record |= {name: row[name] for name in fields if row.get(name)}
    return {"additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0, "record": record}
