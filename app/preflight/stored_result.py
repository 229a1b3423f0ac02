"""A preflight's result as it is stored: codes and facts, so that each reader gets it in their language."""

from collections.abc import Mapping
from typing import Any, Final

from app.preflight.findings import finding_with
from app.preflight.schemas import Finding, PreflightShown
from app.user_messages.catalog import FINDINGS
from app.user_messages.phrases import phrase_of, stored

FACTS: Final = "facts"


def result_to_store(shown: PreflightShown) -> dict[str, Any]:
    """The result with the facts of its findings beside the words of whoever ran it."""
    result = shown.model_dump(mode="json")
    for row, finding in zip(result["findings"], shown.findings, strict=True):
        row[FACTS] = {name: fact and stored(fact) for name, fact in finding.facts.items()}
    return result


def stored_result(result: Mapping[str, Any]) -> PreflightShown:
    """The result in the language that is spoken now."""
    shown = PreflightShown.model_validate(result)
    pairs = zip(result["findings"], shown.findings, strict=True)
    return shown.model_copy(update={"findings": [_worded(row, finding) for row, finding in pairs]})


def _worded(row: Mapping[str, Any], finding: Finding) -> Finding:
    """A finding of before facts were stored, or of a code that is no more, keeps its words."""
    facts = row.get(FACTS)
    if not facts or row["code"] not in FINDINGS:
        return finding
    return finding_with(row, {name: fact and phrase_of(fact) for name, fact in facts.items()})
