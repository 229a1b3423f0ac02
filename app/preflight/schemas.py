"""The preflight as the dashboard reads it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, PrivateAttr

from app.api.api_budget import Budget
from app.connections.model.package_schemas import PackageInOrg
from app.user_messages.rows import Advice

Verdict = Literal["ready", "ready_with_warnings", "blocked", "unknown"]
Severity = Literal["blocker", "warning", "note"]


class PreflightOrg(BaseModel):
    """The org as its Organization record and its describes tell."""

    id: str
    name: str | None
    edition: str | None
    is_sandbox: bool | None
    has_person_accounts: bool | None
    has_multiple_currencies: bool | None
    default_time_zone: str | None


class PreflightUser(BaseModel):
    """The user that we act as; null where Salesforce did not say."""

    id: str | None
    username: str | None
    has_marketing_user: bool | None
    is_api_enabled: bool | None


class PreflightObject(BaseModel):
    """What the connected user may do with one object."""

    object: str
    is_readable: bool
    is_createable: bool
    is_updateable: bool
    record_types: int
    required_without_value: list[str]
    duplicate_rules: Literal["seen", "none", "unknown"]


class Finding(BaseModel):
    """One thing that will fail, be left out, or should be known."""

    code: str
    severity: Severity
    area: str
    object: str | None
    field: str | None
    title: str
    consequence: str
    advice: Advice
    setup_url: str | None
    blocks: list[str]
    _facts: Mapping[str, str | None] = PrivateAttr(default_factory=dict)

    @property
    def facts(self) -> Mapping[str, str | None]:
        """What fills the places of its words, to word it again."""
        return self._facts

    def with_facts(self, facts: Mapping[str, str | None]) -> Self:
        self._facts = facts
        return self


class PreflightShown(BaseModel):
    """The last look at the org; `checked_at` is null before the first."""

    verdict: Verdict
    checked_at: datetime | None
    is_running: bool
    api_calls: int
    org: PreflightOrg | None
    user: PreflightUser | None
    budget: Budget | None
    objects: list[PreflightObject]
    findings: list[Finding]
    passed: list[str]
    package: PackageInOrg | None = None
