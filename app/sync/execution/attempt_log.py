"""The history of a batch: what was sent for each row and what came back, written with the batch's end."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.infrastructure.joined_texts import Change
from app.infrastructure.json_rows import JSON_TYPE, as_rows, rows_of
from app.models.kept_plan import found_by, kept_plan
from app.salesforce.composite import RowResult, api_path, sobject_path
from app.salesforce.errors import MESSAGE_LENGTH, ApiError, BrokenOff, DuplicateMatch, ResponseLost
from app.salesforce.ids import to18
from app.states import JobReason, Milestone
from app.sync.jobs.write_store import WriteStore
from app.sync.matching.duplicate_matching import full_name
from app.sync.matching.person_matching import PersonIndex
from app.sync.model.cooperative import yielding
from app.sync.model.decisions import ItemDecision
from app.sync.model.job_outcome import JobOutcome
from app.sync.model.record_kinds import milestones
from app.sync.model.work_item import LoggedRequest, WorkItem, WriteOperation

USER_REQUESTED: Final = frozenset(JobReason) - {JobReason.LIVE, JobReason.UNLINK, JobReason.EVENT_CHANGED}

# An attendee who was erased while the call was under way leaves nothing behind.
ATTEMPT: Final = {
    "registration_id": "text",
    "event_id": "text",
    "kind": "text",
    "reason": "text",
    "requested_by": "text",
    "outcome": "text",
    "requests": JSON_TYPE,
    "responses": JSON_TYPE,
    "error": JSON_TYPE,
}
INSERT_ATTEMPTS = kept_plan(
    f"""
    INSERT INTO sync_attempts (host_id, registration_id, at, event_id, org_id, kind, reason, requested_by,
                               outcome, requests, responses, error)
    SELECT :host_id, attempt.registration_id, clock_timestamp(), attempt.event_id, :org_id, attempt.kind,
           attempt.reason, attempt.requested_by, attempt.outcome, attempt.requests, attempt.responses,
           attempt.error
    FROM ({rows_of("attempts", ATTEMPT)}) AS attempt
    CROSS JOIN LATERAL {
        found_by("registration_id", "attempt.registration_id", table="registrations", columns="erased_at")
    } AS known
    WHERE known.erased_at IS NULL
    ON CONFLICT DO NOTHING
    """  # noqa: S608 -- put together from constants
)


def response_answer(result: RowResult) -> dict[str, Any]:
    """What Salesforce said of one record."""
    errors = _errors(result.failures)
    answer = {"success": result.is_success, "id": result.id, "errors": errors, "is_lost": False}
    if not errors:
        return answer
    matches = [_match(each) for failure in result.failures for each in failure.matches]
    return answer | ({"matches": matches} if matches else {})


def lost_answer(error: ResponseLost) -> dict[str, Any]:
    """Nobody knows, and by which word of Salesforce's the call ended."""
    errors = _errors(error.failures) if isinstance(error, BrokenOff) else []
    return {"success": None, "id": None, "errors": errors, "is_lost": True}


def logged_request(
    operation: WriteOperation, answer: Mapping[str, Any], *, api_version: str, is_individual: bool
) -> LoggedRequest:
    """The operation's request and its answer, which belong to the history of all its items."""
    request = request_of(operation, api_version=api_version, is_individual=is_individual)
    slot, instance_key = operation.key
    return LoggedRequest(slot, operation.milestone, request, answer, instance_key)


def _errors(failures: Sequence[ApiError]) -> list[dict[str, Any]]:
    return [
        {
            "error_code": failure.error_code,
            "message": failure.message[:MESSAGE_LENGTH],
            "fields": list(failure.fields),
        }
        for failure in failures
    ]


def name_matches(item: WorkItem, people: PersonIndex) -> ItemDecision:
    """Say who the records are that a duplicate rule named, as far as they may be seen."""
    return ItemDecision(
        item, logged_requests=tuple(_with_names(each, people) for each in item.logged_requests)
    )


def _with_names(exchange: LoggedRequest, people: PersonIndex) -> LoggedRequest:
    matches = [_named(match, people) for match in exchange.answer.get("matches", ())]
    return exchange._replace(answer={**exchange.answer, "matches": matches}) if matches else exchange


def _named(match: Mapping[str, Any], people: PersonIndex) -> Mapping[str, Any]:
    found = people.rows.get(match["id"])
    return {**match, "name": full_name(found), "email": found.email_key} if found else match


async def insertion_of_attempts(
    store: WriteStore, outcomes: Sequence[tuple[WorkItem, JobOutcome]], *, calls: int
) -> list[Change]:
    """One change for the whole batch; rows that Salesforce never heard of leave no trace."""
    attempts = [
        attempt_row(item, outcome)
        async for item, outcome in yielding(outcomes if calls else ())
        if _has_reached(item, outcome)
    ]
    if not attempts:
        return []
    whose = {"host_id": store.batch.host_id, "org_id": store.batch.org_id}
    return [(INSERT_ATTEMPTS, whose | {"attempts": as_rows(attempts)})]


def request_of(operation: WriteOperation, *, api_version: str, is_individual: bool) -> dict[str, Any]:
    """The request that carries this record, without the records that travel with it."""
    record = operation.record
    method = "POST" if record.id is None else "PATCH"
    if is_individual:
        return {"method": method, "path": sobject_path(api_version, record.sobject), "body": record.fields}
    known = {} if record.id is None else {"id": to18(record.id)}
    row = {"attributes": {"type": record.sobject}, **known, **record.fields}
    path = f"{api_path(api_version)}/composite/sobjects"
    return {"method": method, "path": path, "body": {"allOrNone": False, "records": [row]}}


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
    return bool(item.logged_requests) or item.is_processed or outcome.error is not None


def attempt_row(item: WorkItem, outcome: JobOutcome) -> tuple[Any, ...]:
    """The values of `ATTEMPT`."""
    job, error = item.job, outcome.error
    return (
        job.registration_id,
        job.event.event_id,
        _kind(item, outcome),
        job.reason,
        job.requested_by if job.reason in USER_REQUESTED else None,
        str(outcome.settled_as or outcome.state),
        [each.request for each in item.logged_requests],
        [each.answer for each in item.logged_requests],
        {**error.as_json(), "group_id": error.group_id} if error else None,
    )


def _kind(item: WorkItem, outcome: JobOutcome) -> str:
    """The latest happening that this run was about."""
    kinds = {each.milestone for each in item.logged_requests} | (
        {outcome.error.milestone} if outcome.error else set()
    )
    is_checked_in = item.job.facts.checked_in_at is not None
    fallback = Milestone.CHECKED_IN if is_checked_in else Milestone.REGISTERED
    return str(next((each for each in reversed(milestones()) if each in kinds), fallback))
