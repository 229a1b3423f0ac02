"""What a host may choose of the kinds of write: their switches, and how the records are made."""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from app.states import ActivityOwner, EmailAs, ShowAs
from app.text.email_address import address_key

KINDS_MAX: Final = 20
MINUTES_MAX: Final = 24 * 60
ORIGIN_LENGTH: Final = 255


def compared_text(given: object) -> object:
    """The text as it is compared and stored: only so can what was accepted be read again."""
    return address_key(given) or "" if isinstance(given, str) else given


def listed_texts(texts: list[str]) -> list[str]:
    """Each text once, in order, without empty ones."""
    return sorted({*texts} - {""})


Kind = Annotated[str, Field(max_length=64, pattern=r"^[^\x00]*$"), BeforeValidator(compared_text)]
Kinds = Annotated[list[Kind], Field(max_length=KINDS_MAX), AfterValidator(listed_texts)]
Minutes = Annotated[int, Field(ge=1, le=MINUTES_MAX, strict=True)]
Origin = Annotated[
    str, Field(min_length=1, max_length=ORIGIN_LENGTH, pattern=r"^[^\x00-\x1f]*\S[^\x00-\x1f]*$")
]


class WritesChosen(BaseModel):
    """The kinds of write; without `person` nobody is created, people are only matched."""

    model_config = ConfigDict(extra="forbid")

    person: StrictBool = True
    task: StrictBool = True
    member: StrictBool = True
    calendar_event: StrictBool = False
    case: StrictBool = False
    email_sent: StrictBool = False
    email_opened: StrictBool = False
    email_replied: StrictBool = False


class WritesToSet(BaseModel):
    """Kinds of write to switch; of an event, null takes its own choice away."""

    model_config = ConfigDict(extra="forbid")

    person: StrictBool | None = None
    task: StrictBool | None = None
    member: StrictBool | None = None
    calendar_event: StrictBool | None = None
    case: StrictBool | None = None
    email_sent: StrictBool | None = None
    email_opened: StrictBool | None = None
    email_replied: StrictBool | None = None


class Switch(BaseModel):
    """A value that holds for an event, and whose choice it is."""

    value: bool
    from_: Literal["host", "event"] = Field(serialization_alias="from")


class EventWrites(BaseModel):
    """Each kind of write of an event."""

    person: Switch
    task: Switch
    member: Switch
    calendar_event: Switch
    case: Switch
    email_sent: Switch
    email_opened: Switch
    email_replied: Switch


class TaskChosen(BaseModel):
    """Who owns Tasks: the connected user, or the organizer's Salesforce user."""

    owner: ActivityOwner = "connected_user"


class TaskToSet(BaseModel):
    """What to change of Tasks."""

    model_config = ConfigDict(extra="forbid")

    owner: ActivityOwner | None = None


class CalendarEventChosen(BaseModel):
    """`kinds`: the event kinds that a calendar Event is written for; `default_minutes`: its length without an
    end.
    """

    kinds: list[str] = ["meeting"]
    show_as: ShowAs = "busy"
    owner: ActivityOwner = "connected_user"
    default_minutes: int = 60


class CalendarEventToSet(BaseModel):
    """What to change of calendar Events."""

    model_config = ConfigDict(extra="forbid")

    kinds: Kinds | None = None
    show_as: ShowAs | None = None
    owner: ActivityOwner | None = None
    default_minutes: Minutes | None = None


class CaseChosen(BaseModel):
    """`kinds`: the event kinds that a Case is written for."""

    kinds: list[str] = ["meeting"]
    origin: str = "Web"
    close_when_completed: bool = False


class CaseToSet(BaseModel):
    """What to change of Cases."""

    model_config = ConfigDict(extra="forbid")

    kinds: Kinds | None = None
    origin: Origin | None = None
    close_when_completed: StrictBool | None = None


class EmailChosen(BaseModel):
    """What e-mails become: `auto` is an EmailMessage where the org has them, else a Task."""

    model_config = ConfigDict(populate_by_name=True)

    as_: EmailAs = Field("auto", alias="as")


class EmailToSet(BaseModel):
    """What to change of e-mails."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    as_: EmailAs | None = Field(None, alias="as")


PARTIAL: Final = (WritesToSet, TaskToSet, CalendarEventToSet, CaseToSet, EmailToSet)
"""Of these, what is not named stays."""


def changed_members(chosen: BaseModel, wish: BaseModel) -> dict[str, Any]:
    """The values of `chosen` with those that the wish names."""
    return chosen.model_dump() | wish.model_dump(exclude_none=True)
