"""What was sent to Salesforce for one registration, attempt by attempt."""

from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.errors import RegistrationNotFound
from app.api.pagination import Cursor, SortOrder
from app.models import Registration, SyncAttempt
from app.registrations.context import load_context
from app.registrations.history_schemas import AnswerShown, AttemptShown, History, RequestShown
from app.registrations.row_view import error_view

ORDER: Final = SortOrder(Cursor("history", (datetime,)), (SyncAttempt.at,))


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
    registration = await session.get(Registration, (host_id, registration_id))
    if registration is None or registration.event_id != event_id:
        raise RegistrationNotFound
    query = ORDER.page(
        select(SyncAttempt).where(
            SyncAttempt.host_id == host_id, SyncAttempt.registration_id == registration_id
        ),
        limit=limit,
        cursor=cursor,
    )
    found = [] if registration.erased_at is not None else (await session.scalars(query)).all()
    page, next_cursor = ORDER.cut(found, limit=limit, keys=lambda attempt: (attempt.at,))
    return History(items=[attempt_shown(each) for each in page], next_cursor=next_cursor)


def attempt_shown(attempt: SyncAttempt) -> AttemptShown:
    """The attempt as it was kept."""
    return AttemptShown(
        at=attempt.at,
        kind=attempt.kind,
        why=attempt.reason,
        requests=[RequestShown.model_validate(each) for each in attempt.requests],
        answers=[AnswerShown.model_validate(each) for each in attempt.responses],
        outcome=attempt.outcome,
        error=error_view(attempt.error, first_at=attempt.at, last_at=attempt.at) if attempt.error else None,
        by=attempt.requested_by,
    )
