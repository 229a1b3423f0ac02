"""What can be switched in an org: its rules, its permissions, and everything the documents leave open."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from salesforce_simulator.config_parts import (
    ActivityStatus,
    ApiLimit,
    AssignmentRule,
    Automation,
    AutoResponseRule,
    ConnectedApp,
    DuplicateRule,
    Package,
    PermissionSet,
    RecordType,
    State,
    UserRights,
    ValidationRule,
    Versions,
)
from salesforce_simulator.installed_package import package_fields

_MY_DOMAIN = r"^[a-z][a-z0-9]*(-{1,2}[a-z0-9]+)*$"
_PERSON_RECORD_TYPES = (
    RecordType(sobject="Account", developer_name="Organization", name="Organization", is_default=True),
    RecordType(sobject="Account", developer_name="PersonAccount", name="PersonAccount"),
    RecordType(sobject="Account", developer_name="PersonAccount", name="Person Account", is_person_type=True),
)
_FLOW = (
    "We can't save this record because the “{sobject} process” process failed. "
    "Give your Salesforce admin these details. {text}"
)
_MAINTENANCE = (
    "<html><head><title>Maintenance</title></head><body><h1>We are down for maintenance.</h1></body></html>"
)
_TASK_STATUSES = (
    ActivityStatus(value="Not Started", is_default=True),
    ActivityStatus(value="In Progress"),
    ActivityStatus(value="Completed", is_closed=True),
    ActivityStatus(value="Waiting on someone else"),
    ActivityStatus(value="Deferred"),
)
_CASE_STATUSES = (
    ActivityStatus(value="New", is_default=True),
    ActivityStatus(value="Working"),
    ActivityStatus(value="Escalated"),
    ActivityStatus(value="Closed", is_closed=True),
)

_EMAIL_STATUSES = {"0": "New", "1": "Read", "2": "Replied", "3": "Sent", "4": "Forwarded", "5": "Draft"}


def _of_activities(fields: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Fields by object: those of Activity are of Task and of Event."""
    shared = fields.get("Activity", ())
    own = {name: names for name, names in fields.items() if name != "Activity"}
    return own | {name: (*shared, *own.get(name, ())) for name in ("Task", "Event") if shared}


def _states(value: object) -> object:
    """A name alone is a state without a code of its own."""
    if not isinstance(value, list | tuple):
        return value
    return [{"name": each} if isinstance(each, str) else each for each in value]


class Config(BaseModel):
    """One org's switches; every key has a default, and a partial update merges."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    duplicate_rules: tuple[DuplicateRule, ...] = ()
    required_fields: dict[str, tuple[str, ...]] = {}
    validation_rules: tuple[ValidationRule, ...] = ()
    assignment_rules: tuple[AssignmentRule, ...] = ()
    extra_fields: dict[str, tuple[str, ...]] = {}
    # The package of `installed_package.py`; `package_installed` is its app alone, which lets clients sign in.
    package: Package | None = None
    restricted_picklists: dict[str, tuple[str, ...]] = {}
    hidden_fields: dict[str, tuple[str, ...]] = {}
    # Nobody may filter by these, as if a formula or an administrator made them so.
    unfilterable_fields: dict[str, tuple[str, ...]] = {}
    # Shield by `Lead.Email`: probabilistic cannot be filtered, case_sensitive compares letter by letter.
    encrypted_fields: dict[str, Literal["probabilistic", "case_sensitive", "case_insensitive"]] = {}
    read_only_fields: dict[str, tuple[str, ...]] = {}
    hidden_objects: tuple[str, ...] = ()
    read_only_objects: tuple[str, ...] = ()
    hidden_records: tuple[str, ...] = ()
    # Rows of these are seen by their owner and by whoever may view all of them.
    private_objects: tuple[str, ...] = ()
    permission_sets: tuple[PermissionSet, ...] = ()
    # Users with permissions of their own; what is set of the org holds for all others.
    users: tuple[UserRights, ...] = ()
    # What the org's My Domain was changed to, one after the other; `POST /_simulator/rename` adds one.
    my_domains: tuple[Annotated[str, Field(pattern=_MY_DOMAIN)], ...] = ()
    # What a name answers that the org has left: 301, ORG_NOT_OWNED_BY_INSTANCE or a page that it is gone.
    old_my_domain_answers: Literal["redirect", "not_owned", "gone"] = "redirect"
    # Deleted rows are gone for good after so many days.
    bin_days: float = Field(default=15, ge=0)
    latency_ms: float = Field(default=0, ge=0)
    # Of calls that query anything, beside that of every call.
    query_latency_ms: float = Field(default=0, ge=0)
    api_limit: ApiLimit = ApiLimit()
    versions: Versions = Versions()
    is_maintenance: bool = False
    is_api_enabled: bool = True
    is_marketing_user: bool = True
    convert_leads_on_insert: bool = False
    view_and_edit_converted_leads: bool = False
    automations: tuple[Automation, ...] = ()
    record_types: tuple[RecordType, ...] = ()
    has_person_accounts: bool = False
    # Without them no Event lasts longer than 24 hours; with them 14 days.
    has_multiday_events: bool = True
    # Events that ended and closed Tasks that were due so long ago are found by queryAll alone.
    archive_days: float | None = Field(default=None, ge=0)
    # An org of Sales alone may have no Cases.
    has_case: bool = True
    auto_response_rules: tuple[AutoResponseRule, ...] = ()
    # E-mails of people, each with its Task. Without it there are those of Cases, by Email-to-Case, or none.
    has_enhanced_email: bool = True
    has_email_to_case: bool = False
    is_email_message_createable: bool = True
    states: Annotated[tuple[State, ...], BeforeValidator(_states)] = ()
    # Names by code. Beside listed states and countries stand picklists of their codes.
    countries: dict[str, str] = {}
    task_statuses: tuple[ActivityStatus, ...] = _TASK_STATUSES
    case_statuses: tuple[ActivityStatus, ...] = _CASE_STATUSES
    # What users see of picklist values, by `Lead.Rating`.
    picklist_labels: dict[str, dict[str, str]] = {}
    # The language of every user: of messages, not of codes.
    user_language: Literal["en_US", "de"] = "en_US"
    locked_records: tuple[str, ...] = ()
    # A query that lists more values than this is refused, with the code beside it.
    max_query_values: int | None = Field(default=None, ge=0)
    query_limit_code: str = "QUERY_TIMEOUT"
    max_records: int | None = Field(default=None, ge=0)
    is_read_only: bool = False
    api_disabled_users: tuple[str, ...] = ()
    security_policy_objects: tuple[str, ...] = ()

    apps: tuple[ConnectedApp, ...] = ()
    rotation: bool = False
    pkce_required: bool = True
    package_installed: bool = True
    app_blocked: bool = False
    ip_restricted: bool = False
    session_minutes: float | None = Field(default=None, gt=0)
    approvals_per_user: int = Field(default=5, ge=1)
    is_org_active: bool = True
    admin_approved_users: tuple[str, ...] | None = None
    refresh_token_idle_days: float | None = Field(default=None, gt=0)
    logins_per_hour: int = Field(default=3600, ge=1)
    uninstalled_app_error: Literal["", "invalid_client", "OAUTH_APPROVAL_ERROR_GENERIC"] = ""
    errors_on_page: list[str] = []
    """Errors of the sign-in that end on a page of the org and never come back to the app."""

    # What the public documents and captures leave open, each at its likeliest value.
    # Whether a custom field of Activity may be unique.
    is_activity_unique: bool = True
    duplicate_value_message: str = "duplicate value found: {field} duplicates value on record with id: {id}"
    # The same about a record that whoever writes cannot see.
    hidden_duplicate_value_message: str = (
        "duplicate value found: <unknown> duplicates value on record with id: <unknown>"
    )
    duplicate_result_spelled_since: float = 57.0
    packed_duplicate_result: bool = True
    # Whether duplicate rules compare a row with those before it in the same collection or tree.
    duplicate_rules_compare_one_call: bool = False
    access_status: int = 400
    locator_status: int = 400
    lead_what_message: str = "Related To ID: a lead cannot be related to another record"
    event_times_code: str = "FIELD_INTEGRITY_EXCEPTION"
    # `{}` is what is wrong.
    event_times_message: str = "{}"
    private_event_message: str = "Private events cannot be related to a person"
    sent_email_code: str = "INSUFFICIENT_ACCESS_OR_READONLY"
    sent_email_message: str = "Only drafts of emails can be changed"
    email_status_message: str = "Status: emails that are not related to a case must be sent"
    email_activity_message: str = "Activity ID: only emails of cases name their activity"
    has_email_from_id: bool = True
    # Whether the Task of an e-mail names the first person that the e-mail is related to.
    is_email_task_of_person: bool = True
    # An e-mail to a Lead names a RelatedToId; its Task cannot have both.
    email_of_lead_with_what: Literal["refused", "unrelated"] = "refused"
    is_member_status_createable: bool = True
    member_duplicate_has_fields: bool = True
    storage_status: int = 400
    security_policy_status: int = 403
    api_disabled_status: int = 403
    api_disabled_message: str = "API is disabled for this user"
    retired_version_code: Literal["UNSUPPORTED_API_VERSION", "GONE"] = "UNSUPPORTED_API_VERSION"
    too_many_parts_code: str = "LIMIT_EXCEEDED"
    all_rows_failed_status: Literal[200, 400] = 200
    collection_references: bool = True
    graph_cost: int = Field(default=1, ge=1)
    # Whether the identity service wants a scope of its own beside `api`.
    identity_needs_scope: bool = False
    denied_error: Literal["access_denied", "access-denied"] = "access_denied"
    wrong_verifier_error: Literal["invalid_grant", "invalid_request"] = "invalid_grant"
    # RFC 7636 ends at 128 characters; 128 random bytes in base64url, as released clients send, are 171.
    max_code_verifier: int = 171
    maintenance_page: str = _MAINTENANCE
    read_only_message: str = "The organization is in read-only mode during maintenance"
    person_contact_message: str = "The contact of a person account can only be changed through its account"
    flow_message: str = _FLOW
    limit_message: str = "Too many SOQL queries: 101"
    # A Lead converts into a Contact that is a member of the same campaign already.
    double_member_survivor: Literal["contact", "lead", "both"] = "contact"

    @property
    def listed_statuses(self) -> dict[str, tuple[tuple[str, ...], str | None]]:
        """The values of the status picklists, and their defaults."""
        by_field = {"Task.Status": self.task_statuses, "Case.Status": self.case_statuses}
        return {
            path: (
                tuple(each.value for each in statuses),
                next((each.value for each in statuses if each.is_default), None),
            )
            for path, statuses in by_field.items()
        }

    @property
    def every_picklist_label(self) -> dict[str, dict[str, str]]:
        by_field = {"Task.Status": self.task_statuses, "Case.Status": self.case_statuses}
        own = {"EmailMessage.Status": _EMAIL_STATUSES} | self.picklist_labels
        statuses = {
            path: {each.value: each.label for each in statuses if each.label}
            for path, statuses in by_field.items()
        }
        return {path: words for path, words in statuses.items() if words} | own

    @property
    def places(self) -> dict[str, dict[str, str]]:
        """What is listed of states and countries: names by code."""
        if not self.states and not self.countries:
            return {}
        states = {each.code or each.name: each.name for each in self.states}
        return {kind: names for kind, names in (("State", states), ("Country", self.countries)) if names}

    @property
    def absent_objects(self) -> tuple[str, ...]:
        """The objects that the org does not have."""
        has_email = self.has_enhanced_email or (self.has_email_to_case and self.has_case)
        return (
            *(() if self.has_case else ("Case", "CaseStatus")),
            *(() if has_email else ("EmailMessage", "EmailMessageRelation")),
        )

    @property
    def uncreateable_objects(self) -> tuple[str, ...]:
        """The objects of which nobody creates rows."""
        return (
            *(() if self.is_member_status_createable else ("CampaignMemberStatus",)),
            *(() if self.is_email_message_createable else ("EmailMessage",)),
        )

    @property
    def every_hidden_field(self) -> dict[str, tuple[str, ...]]:
        """The fields that permissions hide, and FromId where it is none."""
        hidden = _of_activities(self.hidden_fields)
        if self.has_email_from_id:
            return hidden
        return {**hidden, "EmailMessage": (*hidden.get("EmailMessage", ()), "FromId")}

    @property
    def every_extra_field(self) -> dict[str, tuple[str, ...]]:
        """The custom fields by object: the installed package's and the org's own."""
        brought = package_fields(self.package, is_activity_unique=self.is_activity_unique)
        names = dict.fromkeys((*brought, *self.extra_fields))
        return _of_activities(
            {name: (*brought.get(name, ()), *self.extra_fields.get(name, ())) for name in names}
        )

    @property
    def every_read_only_field(self) -> dict[str, tuple[str, ...]]:
        return _of_activities(self.read_only_fields)

    @property
    def flagged_fields(self) -> dict[str, str]:
        """What filters and encryption make of fields: flags of the schema by `Lead.Email`."""
        barred = {
            f"{name}.{field}": "F" for name, fields in self.unfilterable_fields.items() for field in fields
        }
        by_scheme = {"probabilistic": "F", "case_sensitive": "S", "case_insensitive": ""}
        return barred | {path: by_scheme[scheme] for path, scheme in self.encrypted_fields.items()}

    @property
    def every_record_type(self) -> tuple[RecordType, ...]:
        """The record types in the order of their ids; person accounts bring their own when none is listed.

        Two of those share a developer name, as in orgs that were seen: `is_person_type` tells them apart.
        """
        has_own = any(kind.is_person_type for kind in self.record_types)
        return (
            *self.record_types,
            *(_PERSON_RECORD_TYPES if self.has_person_accounts and not has_own else ()),
        )


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
