"""Whom somebody misses, and what is found."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.api.auth import OPAQUE_ID
from app.registrations.schemas import PersonLink
from app.user_messages.rows import Advice

OpaqueId = Annotated[str, StringConstraints(pattern=OPAQUE_ID)]
Address = Annotated[
    str,
    StringConstraints(min_length=3, max_length=320, strip_whitespace=True, pattern=r"^[^\x00]*@[^\x00]*$"),
]
Weight = Literal["stops", "note", "fine"]
Cure = Literal[
    "connect", "resume_host", "resume_event", "switch_on", "kinds_on", "include", "write", "retry",
    "link_campaign", "settings", "mapping",
]  # fmt: skip


class WhoIsMissing(BaseModel):
    """A registration by its id, or all of an e-mail address; of one event or of any. Without either only what
    holds for everybody is looked at.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    event_id: OpaqueId | None = None
    registration_id: OpaqueId | None = None
    email: Address | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.registration_id and self.email:
            raise ValueError("give a registration_id or an email, not both")
        return self

    @property
    def names_somebody(self) -> bool:
        return bool(self.registration_id or self.email)


class EventNamed(BaseModel):
    """The event that a finding is about."""

    id: str
    title: str


class DiagnosisFinding(BaseModel):
    """One thing that was found. `weight`: it `stops` what is written, is a `note`, or all is `fine`. `cure`:
    what would change it; `kinds`: the kinds of write that it is about.
    """

    code: str
    weight: Weight
    cure: Cure | None = None
    kinds: list[str] = Field(default_factory=list)
    event: EventNamed | None = None
    registration_id: str | None = None
    person: PersonLink | None = None
    advice: Advice


class Diagnosis(BaseModel):
    """What was found, what decides first. `registrations`: how many were looked at; `last_news_at`: when a
    registration of the host came in or changed last.
    """

    findings: list[DiagnosisFinding]
    registrations: int
    last_news_at: datetime | None
    checked_at: datetime
