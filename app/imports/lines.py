"""Parse one line of an import to a registration's state, or to the reason why it is invalid."""

import codecs
import hashlib
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from app.api.errors import FieldError, field_errors
from app.webhooks.parse import ParsedDelivery
from app.webhooks.schemas import EventIn, HostRef, Moment, PayloadPart, RegistrationIn, Text255
from app.webhooks.snapshot import event_fields, registration_fields
from app.webhooks.state_merge import EventState, RegistrationState, ReportedFacts, SnapshotVersion
from app.webhooks.strict_json import InvalidJson, parse_object

IMPORTED = "registration.imported"
ERRORS_MAX = 10


class ImportedRegistration(RegistrationIn):
    """A confirmed registration, or one cancelled since; it says itself when it was made."""

    status: Literal["confirmed", "cancelled"]
    registered_at: Moment


class ImportLine(PayloadPart):
    """The `data` of a `registration.confirmed`, with `checked_in_at` or `cancelled_at` where they apply."""

    host: HostRef
    event: EventIn
    registration: ImportedRegistration
    reason: Text255 | None = None


class LineAnswer(BaseModel):
    """What became of one line; `line` counts from 1."""

    line: int
    registration_id: str | None
    outcome: Literal["accepted", "unchanged", "rejected"]
    errors: list[FieldError]


@dataclass(frozen=True)
class ParsedLine:
    """A parsed line: its state, or its errors."""

    number: int
    delivery: ParsedDelivery | None = field(default=None, repr=False)
    registration_id: str | None = None
    errors: tuple[FieldError, ...] = ()

    def answer(self, *, is_changed: bool) -> bytes:
        outcome: Literal["accepted", "unchanged", "rejected"] = "accepted" if is_changed else "unchanged"
        answer = LineAnswer(
            line=self.number,
            registration_id=self.registration_id,
            outcome=outcome if self.delivery is not None else "rejected",
            errors=list(self.errors),
        )
        return answer.model_dump_json().encode() + b"\n"


async def split_lines(chunks: AsyncIterable[bytes], *, bytes_max: int) -> AsyncIterator[bytes | None]:
    """The lines of a stream without their ends; None for one of more than `bytes_max`, never held whole."""
    rest, is_too_long = bytearray(), False
    async for chunk in chunks:
        *ended, tail = chunk.split(b"\n")
        for piece in ended:
            is_too_long = is_too_long or len(rest) + len(piece) > bytes_max
            yield None if is_too_long else bytes(rest) + piece
            rest.clear()
            is_too_long = False
        is_too_long = is_too_long or len(rest) + len(tail) > bytes_max
        rest = bytearray() if is_too_long else rest + tail
    if rest or is_too_long:
        yield None if is_too_long else bytes(rest)


def parse_line(number: int, raw: bytes | None) -> ParsedLine | None:
    """Parse the line; None for an empty one."""
    if raw is None:
        return _rejected(number, "", "the line is too long")
    raw = raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw
    if not raw.strip():
        return None
    try:
        payload = parse_object(raw)
    except InvalidJson as error:
        return _rejected(number, "", f"is not usable JSON ({error.reason})")
    try:
        line = ImportLine.model_validate(payload)
    except ValidationError as error:
        return ParsedLine(
            number,
            registration_id=_named(payload),
            errors=tuple(field_errors(error.errors())[:ERRORS_MAX]),
        )
    if line.registration.status == "cancelled" and line.registration.cancelled_at is None:
        lacking = _rejected(number, "registration.cancelled_at", "must be given when cancelled")
        return replace(lacking, registration_id=line.registration.id)
    return ParsedLine(number, _delivery_of(line), line.registration.id)


def not_storable(line: ParsedLine) -> ParsedLine:
    """The line again, rejected because the database refuses its values."""
    return replace(_rejected(line.number, "", "cannot be stored"), registration_id=line.registration_id)


def _rejected(number: int, path: str, message: str) -> ParsedLine:
    return ParsedLine(number, errors=(FieldError(path=path, message=message),))


def _named(payload: Any) -> str | None:
    """The registration's id, where one can be made out, so that the sender finds the line again."""
    registration = payload.get("registration")
    named = registration.get("id") if isinstance(registration, dict) else None
    return named[:64] if isinstance(named, str) else None


def _delivery_of(line: ImportLine) -> ParsedDelivery:
    registration = line.registration
    at = registration.registered_at
    event = event_fields(line.event, SnapshotVersion(line.event.version, at))
    state = registration_fields(
        registration, SnapshotVersion(registration.version, at), event_id=line.event.id
    )
    return ParsedDelivery(
        webhook_id="",
        host_id=line.host.id,
        host_name=line.host.name,
        type=IMPORTED,
        occurred_at=at,
        body_sha256=hashlib.sha256().digest(),
        payload="{}",
        event_id=line.event.id,
        registration_id=registration.id,
        event=EventState(event),
        registration=RegistrationState(state, _facts(line)),
    )


def _facts(line: ImportLine) -> ReportedFacts:
    registration = line.registration
    cancelled_at, checked_in_at = registration.cancelled_at, registration.checked_in_at
    return ReportedFacts(
        first_told_at=registration.registered_at,
        is_confirmed=True,
        check_ins=frozenset({checked_in_at} if checked_in_at else ()),
        cancelled=(cancelled_at, line.reason or "") if cancelled_at else None,
    )
