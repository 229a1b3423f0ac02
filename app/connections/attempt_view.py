"""One attempt to connect, as the dashboard shows it."""

from datetime import datetime
from typing import Final

from app.advice.connections import HINT_ROWS
from app.advice.table import Advice
from app.connections.advice import explain
from app.connections.apps import is_own
from app.connections.schemas import Attempt, AttemptState, SalesforceWords
from app.models import OAuthAttempt
from app.settings import Settings

HINTS: Final = tuple(row[0] for row in HINT_ROWS)


def view_attempt(settings: Settings, attempt: OAuthAttempt, *, now: datetime) -> Attempt:
    """The attempt at `now`. While nothing came back, it lists what the person may have seen at Salesforce."""
    state = _state(attempt, now)
    is_unheard = state in ("waiting", "expired")
    return Attempt(
        attempt_id=attempt.attempt_id,
        state=state,
        environment=attempt.environment,
        problem=_problem(settings, attempt, state),
        salesforce=_words(attempt),
        hints=_hints(settings, attempt) if is_unheard else [],
        started_at=attempt.started_at,
        finished_at=attempt.expires_at if state == "expired" else attempt.finished_at,
    )


def _hints(settings: Settings, attempt: OAuthAttempt) -> list[Advice]:
    return [explain(settings, code, is_own=is_own(attempt.client_id)) for code in HINTS]


def _state(attempt: OAuthAttempt, now: datetime) -> AttemptState:
    if attempt.state == "waiting" and attempt.expires_at <= now:
        return "expired"
    state: AttemptState = attempt.state  # type: ignore[assignment]
    return state


def _problem(settings: Settings, attempt: OAuthAttempt, state: AttemptState) -> Advice | None:
    if state == "expired":
        return explain(settings, "attempt_expired")
    return explain(settings, attempt.problem_code) if attempt.problem_code else None


def _words(attempt: OAuthAttempt) -> SalesforceWords | None:
    said = attempt.salesforce_error
    return SalesforceWords.model_validate(said) if said else None
