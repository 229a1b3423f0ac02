"""What was sent to Salesforce for one registration, attempt by attempt."""

from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.pagination import Cursor, SortOrder
from app.models import SyncAttempt
from app.registrations.context import load_context, require_registration
from app.registrations.row_view import error_view
from app.registrations.schemas import RowError

ORDER: Final = SortOrder(Cursor("history", (datetime,)), (SyncAttempt.at,))


class RequestShown(BaseModel):
    """One request to Salesforce; never with a token. `path` is relative to the org's instance URL."""

    method: str
    path: str
    body: dict[str, Any] | None


class MatchShown(BaseModel):
    """A record that a duplicate rule named; name and e-mail where the connected user may see it."""

    object: str
    id: str
    name: str | None
    email: str | None
    engine: str | None
    confidence: float | None


class AnswerShown(BaseModel):
    """Salesforce's word on the request of the same position; nobody knows where `is_lost`."""

    success: bool | None
    id: str | None
    errors: list[dict[str, Any]]
    is_lost: bool
    matches: list[MatchShown] = Field(default_factory=list)


class AttemptShown(BaseModel):
    """One run that reached Salesforce. `by`: who asked for it, null where nobody had to."""

    at: datetime
    kind: str
    why: str = Field(validation_alias="reason")
    requests: list[RequestShown]
    answers: list[AnswerShown] = Field(validation_alias="responses")
    outcome: str
    error: RowError | None
    by: str | None = Field(validation_alias="requested_by")


class History(BaseModel):
    """One page of attempts, the latest first. Kept for 90 days; nothing remains of an erased attendee."""

    items: list[AttemptShown]
    next_cursor: str | None


async def read_history(
    session: AsyncSession,
    host_id: str,
    event_id: str,
    *,
    registration_id: str,
    limit: int,
    cursor: str | None,
) -> History:
    """One page, the latest first. Raises EventNotFound, RegistrationNotFound, CursorInvalid."""
    await load_context(session, host_id, event_id)
    registration = await require_registration(session, host_id, event_id, registration_id)
    query = ORDER.page(
        select(SyncAttempt).where(
            SyncAttempt.host_id == host_id, SyncAttempt.registration_id == registration_id
        ),
        limit=limit,
        cursor=cursor,
    )
    found = [] if registration.erased_at is not None else (await session.scalars(query)).all()
    page, next_cursor = ORDER.cut(found, limit=limit, keys=lambda attempt: (attempt.at,))
    return History(items=[_attempt_view(each) for each in page], next_cursor=next_cursor)


def _attempt_view(attempt: SyncAttempt) -> AttemptShown:
    error = error_view(attempt.error, first_at=attempt.at, last_at=attempt.at) if attempt.error else None
    return AttemptShown.model_validate({**vars(attempt), "error": error})
