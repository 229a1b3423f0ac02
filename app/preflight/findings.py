"""Build a preflight finding with its message and its page in Salesforce's set-up. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as member
from typing import Any

from app.api.api_budget import Budget
from app.preflight.schemas import Finding
from app.sync.lookup.access import AccessProblem
from app.sync.model.mapping_rules import DEFAULT_RULES, MappingRules
from app.sync.model.record_key import NO_KEY_RULES, KeyRules
from app.sync.model.record_kinds import DEFAULT_WRITES
from app.user_messages.catalog import FINDINGS, finding_words, say
from app.user_messages.phrases import worded


@dataclass(frozen=True)
class PreflightContext:
    """What the service itself knows: approvals, budget, what registrations carry, and the host's mapping.

    `caps` are the observed row caps, by what is written or looked up; `key_rules` say what the
    package's fields are called; `writes` are the kinds of write that are on, be it for one event.
    """

    lightning_url: str | None = None
    budget: Budget | None = None
    approvals: int = 0
    without_company: float = 0.0
    is_sandbox: bool | None = None
    edition: str | None = None
    problems: tuple[AccessProblem, ...] = ()
    has_jwt_tokens: bool = False
    caps: Mapping[str, int] = member(default_factory=dict)
    rules: MappingRules = DEFAULT_RULES
    key_rules: KeyRules = NO_KEY_RULES
    writes: frozenset[str] = DEFAULT_WRITES


def make_finding(
    code: str,
    known: PreflightContext,
    *,
    blocks: tuple[str, ...] = (),
    sobject: str | None = None,
    field: str | None = None,
    label: str | None = None,
    severity: str | None = None,
    error_code: str | None = None,
) -> Finding:
    """Build a finding from the catalog."""
    row = FINDINGS[code]
    facts = {"object": sobject, "field": field, "label": label or field, "error_code": error_code}
    return finding_with(
        {
            "code": code,
            "severity": severity or row.severity,
            "area": row.area,
            "object": sobject,
            "field": field,
            "setup_url": _setup_url(known.lightning_url, row.setup_page, sobject),
            "blocks": list(blocks),
        },
        {**facts, "edition": known.edition},
    )


def finding_with(finding: Mapping[str, Any], facts: Mapping[str, str | None]) -> Finding:
    """The finding in the words of the language that is spoken now, with `facts` in their places."""
    places = {name: worded(value) if value else say("word.that_edition") for name, value in facts.items()}
    advice, consequence = finding_words(finding["code"], **places)
    shown = {**finding, "title": advice.title, "consequence": consequence, "advice": advice}
    return Finding.model_validate(shown).with_facts(facts)


def _setup_url(lightning_url: str | None, page: str | None, sobject: str | None) -> str | None:
    """The page of the org's Setup; one about an object's fields needs the object."""
    if lightning_url is None or page is None or ("{object}" in page and not sobject):
        return None
    return f"{lightning_url}/lightning/setup/{page.format(object=sobject)}"
