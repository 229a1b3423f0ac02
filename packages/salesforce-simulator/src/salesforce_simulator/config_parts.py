"""What the lists of an org's configuration hold: rules, statuses, users' permissions, connected apps."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from salesforce_simulator.ids import normalise


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DuplicateRule(Part):
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


class ValidationRule(Part):
    """Refuses a write when `when`, a SOQL condition over the new row, is true; `field` places the message."""

    sobject: str
    when: str
    message: str = "Validation rule failed."
    field: str | None = None
    is_active: bool = True


class Automation(Part):
    """An Apex trigger or a flow that fails when `when`, a SOQL condition over the new row, is true.

    An empty `when` is always true; `message` is what the trigger or the flow says. With `max_rows` it fails
    by their number instead: more rows of the object in one call use up a limit, and none of them is saved.
    """

    sobject: str
    kind: Literal["apex", "flow"] = "apex"
    when: str = ""
    max_rows: int | None = Field(default=None, ge=1)
    message: str = ""
    is_active: bool = True


class RecordType(Part):
    """A record type; rows that name none get their object's default one.

    Its id follows from its place in the list: the first is 012…01. `picklists` has the values that rows of
    this type may have in restricted picklists; a field that is not listed has all of its own.
    """

    sobject: str
    developer_name: str
    name: str = ""
    is_default: bool = False
    is_person_type: bool = False
    is_active: bool = True
    picklists: dict[str, tuple[str, ...]] = {}


class AssignmentRule(Part):
    """Gives rows of `sobject` to `owner_id` on every create unless Sforce-Auto-Assign says FALSE."""

    sobject: Literal["Lead", "Case", "Account"]
    owner_id: str
    on: tuple[Literal["insert", "update"], ...] = ("insert",)
    is_active: bool = True


class AutoResponseRule(Part):
    """Writes to whoever opens a Case, at its `SuppliedEmail`, which is required then."""

    sobject: Literal["Case"] = "Case"
    is_active: bool = True


class ActivityStatus(Part):
    """A status of Tasks or Cases; one without a label is shown by its value."""

    value: str
    label: str = ""
    is_closed: bool = False
    is_default: bool = False


class State(Part):
    """A listed state; where `country` names the code of a listed one, it is a state of that country alone."""

    name: str
    code: str = ""
    country: str = ""


class PermissionSet(Part):
    """What users, named by id, may do beside their profile: see every row of the objects in `view_all`."""

    name: str
    users: tuple[Annotated[str, AfterValidator(normalise)], ...] = ()
    view_all: tuple[str, ...] = ()


class Permissions(Part):
    """What one user may do in place of what all may: a key that is left out is as the org's own.

    `view_all` names the private objects of which the user sees every row.
    """

    hidden_objects: tuple[str, ...] | None = None
    hidden_fields: dict[str, tuple[str, ...]] | None = None
    hidden_records: tuple[str, ...] | None = None
    read_only_objects: tuple[str, ...] | None = None
    read_only_fields: dict[str, tuple[str, ...]] | None = None
    is_api_enabled: bool | None = None
    is_marketing_user: bool | None = None
    view_and_edit_converted_leads: bool | None = None
    view_all: tuple[str, ...] = ()


class UserRights(Part):
    """A user of the org, by the username, who has permissions of his own."""

    username: str
    permissions: Permissions = Permissions()


class Package(Part):
    """The installed package, whose fields have its `namespace` in front of their names.

    `registration_link` is what its custom setting says: the page that the button of a person opens, up to the
    person's id, of which a formula gives 15 characters or all 18.
    """

    namespace: Annotated[str, Field(pattern=r"^([a-zA-Z][a-zA-Z0-9_]{0,14})?$")] = ""
    registration_link: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = ""
    id_length: Literal[15, 18] = 15


class ApiLimit(Part):
    """The daily request limit and what of it is used.

    `per_app` is a limit of each connected app, shown in Sforce-Limit-Info; `concurrent` of calls at one time.
    """

    max: int = 100_000
    used: int = 0
    per_app: int | None = Field(default=None, ge=1)
    concurrent: int | None = Field(default=None, ge=1)


class Versions(Part):
    """The API versions on offer; those from `retired_from` below `min` answer 410."""

    min: int = 31
    max: int = 68


class ConnectedApp(Part):
    """An OAuth client the org knows; `*` allows any redirect URI.

    `run_as` is the username that the client credentials flow acts as; without one that flow is off.
    `scopes` are all that it may ask for. Access tokens in the form of a JWT say when they end, and come
    without a signature.
    """

    client_id: str
    client_secret: str | None = None
    redirect_uris: tuple[str, ...] = ("*",)
    name: str = "Connected App"
    run_as: str | None = None
    scopes: tuple[str, ...] | None = None
    has_jwt_tokens: bool = False
