"""The history of a batch: what was sent for each row and what came back, written with the batch's end."""

from collections.abc import Sequence
from typing import Any, Final

from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.salesforce.composite import RowResult, api_path, sobject_path
from app.salesforce.errors import MESSAGE_LENGTH, ApiError, BrokenOff, DuplicateMatch, ResponseLost
from app.salesforce.ids import to18
from app.states import JobReason, Milestone
from app.sync.jobs.write_store import WriteStore
from app.sync.matching.duplicate_matching import full_name
from app.sync.matching.person_matching import PersonIndex
from app.sync.model.cooperative import yielding
from app.sync.model.job_outcome import JobOutcome
from app.sync.model.record_kinds import milestones
from app.sync.model.work_item import LoggedRequest, WorkItem, WriteOperation

USER_REQUESTED: Final = frozenset(JobReason) - {JobReason.LIVE, JobReason.UNLINK}

# An attendee who was erased while the call was under way leaves nothing behind.
INSERT_ATTEMPTS = text("""
    INSERT INTO sync_attempts (host_id, registration_id, at, event_id, org_id, kind, reason, requested_by,
                               outcome, requests, responses, error)
    SELECT :host_id, told.registration_id, clock_timestamp(), told.event_id, :org_id, told.kind, told.reason,
           told.requested_by, told.outcome, told.requests, told.responses, told.error
    FROM jsonb_to_recordset(CAST(:told AS jsonb)) AS told (
        registration_id text, event_id text, kind text, reason text, requested_by text, outcome text,
        requests jsonb, responses jsonb, error jsonb
    )
    JOIN registrations AS known ON known.host_id = :host_id AND known.registration_id = told.registration_id
    WHERE known.erased_at IS NULL
    ON CONFLICT DO NOTHING
""")


def log_response(operation: WriteOperation, result: RowResult, *, api_version: str, is_alone: bool) -> None:
    """Tell the operation's rows what Salesforce said of it."""
    errors = _errors(result.failures)
    answer = {"success": result.is_success, "id": result.id, "errors": errors, "is_lost": False}
    matches = [_match(each) for failure in result.failures for each in failure.matches]
    answer |= {"matches": matches} if matches else {}
    _log(operation, answer, api_version=api_version, is_alone=is_alone)


def log_lost_response(
    operation: WriteOperation, error: ResponseLost, *, api_version: str, is_alone: bool
) -> None:
    """Tell the operation's rows that nobody knows, and by which word of Salesforce's the call ended."""
    errors = _errors(error.failures) if isinstance(error, BrokenOff) else []
    answer: dict[str, Any] = {"success": None, "id": None, "errors": errors, "is_lost": True}
    _log(operation, answer, api_version=api_version, is_alone=is_alone)


def _errors(failures: Sequence[ApiError]) -> list[dict[str, Any]]:
    return [
        {
            "error_code": failure.error_code,
            "message": failure.message[:MESSAGE_LENGTH],
            "fields": list(failure.fields),
        }
        for failure in failures
    ]


def name_matches(item: WorkItem, people: PersonIndex) -> None:
    """Say who the records are that a duplicate rule named, as far as they may be seen."""
    for match in (match for each in item.exchanges for match in each.answer.get("matches", ())):
        found = people.rows.get(match["id"])
        if found is not None:
            match |= {"name": full_name(found), "email": found.email_key}


async def insert_attempts(
    session: AsyncSession, store: WriteStore, outcomes: Sequence[tuple[WorkItem, JobOutcome]], *, calls: int
) -> None:
    """One statement for the whole batch; rows that Salesforce never heard of leave no trace."""
    told = [
        _attempt_row(row, outcome)
        async for row, outcome in yielding(outcomes if calls else ())
        if _has_reached(row, outcome)
    ]
    if told:
        values = {
            "host_id": store.batch.host_id,
            "org_id": store.batch.org_id,
            "told": to_json(told).decode(),
        }
        await session.execute(INSERT_ATTEMPTS, values)


def request_of(operation: WriteOperation, *, api_version: str, is_alone: bool) -> dict[str, Any]:
    """The request that carries this record, without the records that travel with it."""
    record = operation.record
    method = "POST" if record.id is None else "PATCH"
    if is_alone:
        return {"method": method, "path": sobject_path(api_version, record.sobject), "body": record.fields}
    known = {} if record.id is None else {"id": to18(record.id)}
    row = {"attributes": {"type": record.sobject}, **known, **record.fields}
    path = f"{api_path(api_version)}/composite/sobjects"
    return {"method": method, "path": path, "body": {"allOrNone": False, "records": [row]}}


def _log(operation: WriteOperation, answer: dict[str, Any], *, api_version: str, is_alone: bool) -> None:
    request = request_of(operation, api_version=api_version, is_alone=is_alone)
    exchange = LoggedRequest(operation.key.slot, operation.milestone, request, answer)
    for row in operation.rows:
        row.exchanges.append(exchange)


def _match(match: DuplicateMatch) -> dict[str, Any]:
    return {
        "object": match.sobject,
        "id": match.id,
        "name": None,
        "email": None,
        "engine": match.engine,
        "confidence": match.confidence,
    }


def _has_reached(item: WorkItem, outcome: JobOutcome) -> bool:
    return bool(item.exchanges) or item.is_processed or outcome.error is not None


def _attempt_row(item: WorkItem, outcome: JobOutcome) -> dict[str, Any]:
    job, error = item.job, outcome.error
    return {
        "registration_id": job.registration_id,
        "event_id": job.event.event_id,
        "kind": _kind(item, outcome),
        "reason": job.reason,
        "requested_by": job.requested_by if job.reason in USER_REQUESTED else None,
        "outcome": outcome.state,
        "requests": [each.request for each in item.exchanges],
        "responses": [each.answer for each in item.exchanges],
        "error": {**error.as_json(), "group_id": error.group_id} if error else None,
    }


def _kind(item: WorkItem, outcome: JobOutcome) -> str:
    """The latest happening that this run was about."""
    kinds = {each.milestone for each in item.exchanges} | (
        {outcome.error.milestone} if outcome.error else set()
    )
    is_checked_in = item.job.facts.checked_in_at is not None
    fallback = Milestone.CHECKED_IN if is_checked_in else Milestone.REGISTERED
    return next((each for each in reversed(milestones()) if each in kinds), fallback)
