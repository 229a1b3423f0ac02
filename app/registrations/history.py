"""What was sent to Salesforce for one registration, attempt by attempt."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.errors import CursorInvalid, RegistrationNotFound
from app.api.pagination import decode_cursor, encode_cursor
from app.models import Registration, SyncAttempt
from app.registrations.context import load_context
from app.registrations.history_schemas import AnswerShown, AttemptShown, History, RequestShown
from app.registrations.row_view import MESSAGE_LENGTH, UNGROUPED, VALUE_LENGTH, advice_for, matches_shown
from app.registrations.schemas import RowError


async def read_history(
    session: AsyncSession,
    host_id: str,
    event_id: str,
    *,
    registration_id: str,
    limit: int = 50,
    cursor: str | None = None,
) -> History:
    """One page, the latest first. Raises EventNotFound, RegistrationNotFound, CursorInvalid."""
    await load_context(session, host_id, event_id)
    registration = await session.get(Registration, (host_id, registration_id))
    if registration is None or registration.event_id != event_id:
        raise RegistrationNotFound
    query = (
        select(SyncAttempt)
        .where(SyncAttempt.host_id == host_id, SyncAttempt.registration_id == registration_id)
        .order_by(SyncAttempt.at.desc())
        .limit(limit + 1)
    )
    if cursor is not None:
        query = query.where(SyncAttempt.at < _instant(decode_cursor(cursor, "history", width=1)[0]))
    found = [] if registration.erased_at is not None else list(await session.scalars(query))
    shown = found[:limit]
    next_cursor = encode_cursor("history", [shown[-1].at.isoformat()]) if len(found) > limit else None
    return History(items=[attempt_shown(each) for each in shown], next_cursor=next_cursor)


def attempt_shown(attempt: SyncAttempt) -> AttemptShown:
    """The attempt as it was kept."""
    return AttemptShown(
        at=attempt.at,
        kind=attempt.kind,
        why=attempt.why,
        requests=[RequestShown.model_validate(each) for each in attempt.requests],
        answers=[AnswerShown.model_validate(each) for each in attempt.answers],
        outcome=attempt.outcome,
        error=error_of(attempt.error, at=attempt.at) if attempt.error else None,
        by=attempt.asked_by,
    )


def error_of(error: dict[str, Any], *, at: datetime, group_id: str | None = None) -> RowError:
    """A row's error as one run saw it; counts and times of the row are not the run's."""
    value = error.get("value")
    return RowError(
        group_id=group_id or error.get("group_id") or UNGROUPED,
        error_class=error.get("class") or "other",
        kind=error.get("kind"),
        object=error.get("object"),
        error_code=error.get("error_code") or "OTHER",
        message=str(error.get("message") or "")[:MESSAGE_LENGTH],
        fields=list(error.get("fields") or ()),
        field_label=error.get("field_label"),
        value=None if value is None else str(value)[:VALUE_LENGTH],
        matches=matches_shown(error, None),
        advice=advice_for(error),
        attempts=1,
        first_at=at,
        last_at=at,
        next_attempt_at=None,
    )


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise CursorInvalid from None
    if at.tzinfo is None:
        raise CursorInvalid
    return at
