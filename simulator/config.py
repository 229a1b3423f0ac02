"""What can be switched in an org: its rules, its permissions, and everything the documents leave open."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DuplicateRule(_Part):
    """A duplicate rule of `sobject`, comparing with `against` (itself when empty).

    `exact` compares `fields` without case; `fuzzy` also takes the same full name at the same company.
    """

    sobject: str
    name: str = ""
    action: Literal["block", "alert"] = "block"
    matching: Literal["exact", "fuzzy"] = "exact"
    fields: tuple[str, ...] = ("Email",)
    against: tuple[str, ...] = ()
    message: str = "Use one of these records?"
    on: tuple[Literal["insert", "update"], ...] = ("insert", "update")
    is_match_visible: bool = True
    is_active: bool = True


class ValidationRule(_Part):
    """Refuses a write when `when`, a SOQL condition over the new row, is true; `field` places the message."""

    sobject: str
    when: str
    message: str = "Validation rule failed."
    field: str | None = None
    is_active: bool = True


class AssignmentRule(_Part):
    """Gives rows of `sobject` to `owner_id` on every create unless Sforce-Auto-Assign says FALSE."""

    sobject: Literal["Lead", "Case", "Account"]
    owner_id: str
    on: tuple[Literal["insert", "update"], ...] = ("insert",)
    is_active: bool = True


class ApiLimit(_Part):
    """The daily request limit and what of it is used."""

    max: int = 100_000
    used: int = 0


class Versions(_Part):
    """The API versions on offer; those from `retired_from` below `min` answer 410."""

    min: int = 31
    max: int = 68


class ConnectedApp(_Part):
    """An OAuth client the org knows; `*` allows any redirect URI."""

    client_id: str
    client_secret: str | None = None
    redirect_uris: tuple[str, ...] = ("*",)
    name: str = "Connected App"


class Config(_Part):
    """One org's switches; every key has a default, and a partial update merges."""

    duplicate_rules: tuple[DuplicateRule, ...] = ()
    required_fields: dict[str, tuple[str, ...]] = {}
    validation_rules: tuple[ValidationRule, ...] = ()
    assignment_rules: tuple[AssignmentRule, ...] = ()
    extra_fields: dict[str, tuple[str, ...]] = {}
    restricted_picklists: dict[str, tuple[str, ...]] = {}
    hidden_fields: dict[str, tuple[str, ...]] = {}
    read_only_fields: dict[str, tuple[str, ...]] = {}
    hidden_objects: tuple[str, ...] = ()
    read_only_objects: tuple[str, ...] = ()
    hidden_records: tuple[str, ...] = ()
    latency_ms: float = Field(default=0, ge=0)
    api_limit: ApiLimit = ApiLimit()
    versions: Versions = Versions()
    is_maintenance: bool = False
    is_api_enabled: bool = True
    is_marketing_user: bool = True
    convert_leads_on_insert: bool = False
    view_and_edit_converted_leads: bool = False

    apps: tuple[ConnectedApp, ...] = ()
    rotation: bool = False
    pkce_required: bool = True
    package_installed: bool = True
    app_blocked: bool = False
    ip_restricted: bool = False
    session_minutes: float | None = Field(default=None, gt=0)
    approvals_per_user: int = Field(default=5, ge=1)

    duplicate_result_spelled_since: float = 57.0
    packed_duplicate_result: bool = True
    access_status: int = 400
    locator_status: int = 400
    lead_what_message: str = "Related To ID: a lead cannot be related to another record"
    is_member_status_createable: bool = True


class MalformedConfig(ValueError):
    """The update names an unknown key or an impossible value; the text says which."""


def merged(config: Config, update: Mapping[str, Any]) -> Config:
    """The configuration after a partial update: objects merge key by key, lists are replaced."""
    try:
        return Config.model_validate(_merge(config.model_dump(mode="json"), update))
    except ValueError as error:
        raise MalformedConfig(_explain(error)) from error


def _merge(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(old)
    for key, value in new.items():
        before = result.get(key)
        is_object = isinstance(before, dict) and isinstance(value, Mapping)
        result[key] = _merge(before, value) if is_object and before is not None else value
    return result


def _explain(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
