"""A mapping as the dashboard sends it: the same shape for a host and for one event's overrides."""

import re
from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from app.api.auth import OPAQUE_ID
from app.field_mapping.source_catalog import first_invalid_placeholder, is_valid_source, reserved_reason
from app.salesforce.ids import is_id, to18
from app.sync.model.mapping_rules import FIXED, FieldMode
from app.sync.model.records import PERSON_OBJECTS

FIELDS_MAX: Final = 500
OPTIONS_MAX: Final = 200
OPTIONS_IN_ALL_MAX: Final = 5000
API_NAME: Final = re.compile(r"^[A-Za-z][A-Za-z0-9_]{0,79}$")

Mappable = Literal["Lead", "Contact", "Account", "CampaignMember", "Task", "EmailMessage", "Event", "Case"]
Mode = Literal["create", "empty", "overwrite", "append", "off"]
OWN_ADDRESS: Final = ("Email", "attendee.email")
"""Matching by it says no more than what is done anyway."""


def plain_error(code: str, message: str) -> PydanticCustomError:
    """An error in plain words, without a prefix of the library."""
    return PydanticCustomError(code, "{message}", {"message": message})


def _api_name(text: str) -> str:
    if not API_NAME.fullmatch(text):
        raise plain_error("api_name", "must be the API name of a field or record type, such as Region__c")
    return text


def _storable(text: str) -> str:
    if "\0" in text:
        raise plain_error("text", "must not contain the null character")
    return text


def _account_name(name: str) -> str:
    if not name.strip():
        raise plain_error("text", "is blank: leave it out, or give null")
    return " ".join(name.split())


def _source(path: str) -> str:
    if not is_valid_source(path):
        raise plain_error("source", "no such source: …/mapping/sources lists them")
    return path


def _template(text: str) -> str:
    wrong = first_invalid_placeholder(text)
    if wrong is not None and set("{}") & set(wrong):
        raise plain_error("template", f"a brace is missing at “{wrong}”: each value stands between {{ and }}")
    if wrong is not None:
        raise plain_error("template", f"there is no value “{wrong}”: …/mapping/sources lists them")
    return text


def _user_or_queue(text: str) -> str:
    if not (is_id(text, "005") or is_id(text, "00G")):
        raise plain_error(
            "owner_id", "must be the Id of a user (005…) or of a queue (00G…), with 15 or 18 characters"
        )
    return to18(text)


ApiName = Annotated[str, AfterValidator(_api_name), Field(json_schema_extra={"pattern": API_NAME.pattern})]
Text = Annotated[str, StringConstraints(max_length=255), AfterValidator(_storable)]
AccountName = Annotated[
    str, StringConstraints(max_length=255), AfterValidator(_storable), AfterValidator(_account_name)
]
LongText = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_storable)]
SourcePath = Annotated[str, StringConstraints(max_length=270), AfterValidator(_source)]
Template = Annotated[LongText, AfterValidator(_template)]
UserOrQueue = Annotated[str, StringConstraints(max_length=18), AfterValidator(_user_or_queue)]
OpaqueId = Annotated[str, StringConstraints(pattern=OPAQUE_ID)]


class Given(BaseModel):
    """A part of a mapping; what is left out is not chosen here."""

    model_config = ConfigDict(extra="forbid")


class MatchBy(Given):
    """A field of Lead and Contact that knows the host's people, and where our value for it comes from."""

    field: ApiName
    from_: SourcePath = Field(alias="from")

    @model_validator(mode="after")
    def _is_nobodys_field(self) -> Self:
        why = next((why for each in PERSON_OBJECTS if (why := reserved_reason(each, self.field))), None)
        if why is not None and (self.field, self.from_) != OWN_ADDRESS:
            raise plain_error("owned", f"people cannot be matched by {self.field}: {why}")
        return self


class PeopleGiven(Given):
    """Who is created, matched and touched."""

    create: Literal["lead", "contact", "person_account", "nobody"] = Field(
        "lead", description="who is created when nobody matches"
    )
    update_existing: StrictBool = Field(False, description="whether fields of people we found may be changed")
    match_by: MatchBy | None = Field(None, description="tried after the Salesforce id and the e-mail")
    bypass_alert_rules: StrictBool = Field(
        False, description="retired, without effect: `adopt_duplicates` says what follows", deprecated=True
    )
    adopt_duplicates: Literal["always", "same_name", "never"] = Field(
        "always", description="whether a record that a duplicate rule names is taken for the attendee"
    )
    opt_out_field: ApiName | None = Field(None, description="set to true on an explicit no; never to false")
    fill_required: StrictBool = Field(
        False, description="fill required fields that have no value by their type"
    )
    leave_company_blank: StrictBool = Field(
        False, description="no stand-in for a Lead's Company, where the org takes one without"
    )
    account_for_nobody: AccountName | None = Field(
        None, description="the Account of new Contacts who name no company; null: they belong to none"
    )


class OwnerGiven(Given):
    """Who owns new records; `id` belongs to `fixed`. Owners of records that stand are never changed."""

    how: Literal["leave", "organizer", "fixed"] = "leave"
    id: UserOrQueue | None = None
    run_assignment_rules: StrictBool = True

    @model_validator(mode="after")
    def _id_belongs_to_fixed(self) -> Self:
        if (self.how == FIXED) != (self.id is not None):
            raise plain_error("owner_id", "an id is given with how = fixed, and only there")
        return self


class FieldRuleGiven(Given):
    """How one field is filled: `from` a source, by a `constant`, or by a `template`."""

    object: Mappable
    field: ApiName
    from_: SourcePath | None = Field(None, alias="from")
    constant: LongText | None = None
    template: Template | None = None
    mode: Mode = Field("create", description="create, empty, overwrite, append (multi-select), off")
    values: dict[Text, Text] = Field(
        {}, max_length=OPTIONS_MAX, description="the attendee's option → the value in Salesforce"
    )
    otherwise: Text | None = Field(None, description="for options that `values` does not list")
    fallback: Text | None = Field(None, description="where the attendee gave nothing")

    @model_validator(mode="after")
    def _is_one_rule(self) -> Self:
        given = [each for each in (self.from_, self.constant, self.template) if each is not None]
        if len(given) > 1 or (not given and self.mode != FieldMode.OFF.value):
            raise plain_error("one_source", "give exactly one of from, constant and template")
        why = reserved_reason(self.object, self.field)
        if why is not None:
            raise plain_error("owned", f"{self.object}.{self.field} cannot be mapped: {why}")
        return self


EXAMPLE: Final[dict[str, Any]] = {
    "people": {"create": "contact", "update_existing": True},
    "record_types": {"Contact": "Event_Guest"},
    "owner": {"how": "organizer"},
    "fields": [
        {"object": "Contact", "field": "Title", "from": "attendee.job_title", "mode": "empty"},
        {
            "object": "Contact",
            "field": "Diet__c",
            "from": "answers.diet",
            "mode": "append",
            "values": {"vegetarian": "Vegetarian", "no nuts": "Nut-free"},
            "otherwise": "Other",
        },
        {"object": "CampaignMember", "field": "Note__c", "template": "{event.title}: {ticket.name}"},
    ],
}


class MappingGiven(Given):
    """A whole mapping of one level: what is left out is inherited, by an event from its host."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    people: PeopleGiven = PeopleGiven()
    record_types: dict[Mappable, ApiName | None] = Field(
        {}, description="developer names by object; null: the connected user's default"
    )
    owner: OwnerGiven = OwnerGiven()
    task_status: Text | None = Field(
        None,
        description="the status of the Tasks that are written; null: the one that closes them in the org",
    )
    fields: list[FieldRuleGiven] = Field([], max_length=FIELDS_MAX)

    @model_validator(mode="after")
    def _fills_a_field_once(self) -> Self:
        again = _first_repeated((rule.object, rule.field.lower()) for rule in self.fields)
        if again is not None:
            rule = self.fields[again]
            raise plain_error("repeated", f"fields.{again}: {rule.object}.{rule.field} has a rule already")
        if sum(len(rule.values) for rule in self.fields) > OPTIONS_IN_ALL_MAX:
            raise plain_error("options", f"at most {OPTIONS_IN_ALL_MAX} options in all rules together")
        return self

    def layer(self) -> dict[str, Any]:
        """What was chosen, as it is stored: members that were left out are not there."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={"version"})


class MappingToSave(MappingGiven):
    """A mapping to save; with `version`, only while that one is the latest."""

    version: int | None = Field(
        None, ge=0, description="the version that was read, so that none is overwritten"
    )


class MappingToCopy(BaseModel):
    """Whose mapping to take."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"from_host_id": "host_acme"}]})

    from_host_id: OpaqueId


class EventMappingToCopy(BaseModel):
    """Which event's own rules to take; of another host where `from_host_id` names one."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"from_event_id": "evt_summit"}]}
    )

    from_event_id: OpaqueId
    from_host_id: OpaqueId | None = None


def _first_repeated(keys: Iterable[tuple[str, str]]) -> int | None:
    seen: set[tuple[str, str]] = set()
    for index, key in enumerate(keys):
        if key in seen:
            return index
        seen.add(key)
    return None
