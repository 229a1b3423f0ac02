"""Every exception as an RFC 9457 problem, by one handler."""

import logging
import socket
from functools import partial

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from app.api.answer_language import language_of, note_language
from app.api.dependencies import Resources
from app.api.errors import (
    DatabaseUnavailable,
    FieldError,
    HostNotFound,
    MethodNotAllowed,
    NotFound,
    PayloadInvalid,
    Problem,
    ProblemBody,
    SalesforceAnswer,
    Unexpected,
    field_errors,
)
from app.api.request_log import request_id_from
from app.api.security_headers import with_headers
from app.infrastructure.database_errors import DRIVER_FAULTS, first_line, is_away, is_of_a_value
from app.infrastructure.log_limit import LogLimit
from app.metrics import ACCESS_REFUSALS
from app.user_messages.catalog import advice_on_problem
from app.user_messages.language import in_language

log = logging.getLogger(__name__)
limit = LogLimit(log)
KEPT_OUT = frozenset({401, 403, 429})
PROBLEM_JSON = "application/problem+json"
OF_DATABASE = (SQLAlchemyError, *DRIVER_FAULTS, ConnectionError, TimeoutError, socket.gaierror)
"""What comes of asking Postgres; the intake's own connection gives the driver's errors as they are."""
HTTP_PROBLEMS: dict[int, type[Problem]] = {404: NotFound, 405: MethodNotAllowed}


def install_problem_handlers(app: FastAPI, *, base_url: str) -> None:
    """Answer every exception as a problem; of a fault of ours the caller gets the request id only."""

    answer = partial(answer_problem, base_url=base_url)

    async def expected(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Problem)
        return answer(request, error)

    async def wrong_shape(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return answer(request, PayloadInvalid(errors=field_errors(error.errors())))

    async def framework(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return answer(request, _problem_of_framework(error))

    async def of_database(request: Request, error: Exception) -> JSONResponse:
        if is_away(error):
            cause, kind = first_line(error), type(error).__name__
            limit.log(logging.WARNING, "database_unavailable", key=cause, error=kind, cause=cause)
            return answer(request, DatabaseUnavailable())
        if not is_of_a_value(error):
            return await unexpected(request, error)
        log.error("values_not_storable")
        return answer(request, PayloadInvalid(errors=[FieldError(path="", message="cannot be stored")]))

    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        log.error("unexpected_error", exc_info=error)
        return answer(request, Unexpected())

    app.add_exception_handler(Problem, expected)
    app.add_exception_handler(RequestValidationError, wrong_shape)
    app.add_exception_handler(HTTPException, framework)
    for kind in OF_DATABASE:
        app.add_exception_handler(kind, of_database)
    app.add_exception_handler(Exception, unexpected)


def _problem_of_framework(error: HTTPException) -> Problem:
    if error.status_code == 400:  # the framework could not read the body: not even as text
        return PayloadInvalid(errors=[FieldError(path="body", message="is not JSON")])
    kind = HTTP_PROBLEMS.get(error.status_code, Unexpected)
    return kind(headers=error.headers)


def answer_problem(request: Request, problem: Problem, *, base_url: str) -> JSONResponse:
    """The problem as the answer to a request; one that keeps somebody out is counted and logged."""
    code, request_id = type(problem).__name__, request_id_of(request)
    if problem.status in KEPT_OUT or isinstance(problem, HostNotFound):
        ACCESS_REFUSALS.labels(code).inc()
        limit.log(logging.WARNING, "access_refused", key=code, problem=code)
    language = language_of(request.scope)
    with in_language(language):
        answer = problem_response(problem, base_url=base_url, request_id=request_id)
    note_language(answer.headers, language)
    return answer


def problem_response(problem: Problem, *, base_url: str, request_id: str) -> JSONResponse:
    """The problem in the language that is spoken now."""
    code = type(problem).__name__
    body = ProblemBody(
        type=f"{base_url}/problems/{code}",
        title=problem.title(),
        status=problem.status,
        detail=problem.detail,
        code=code,
        reason=problem.reason,
        advice=problem.advice or advice_on_problem(code),
        salesforce=SalesforceAnswer.of(problem.salesforce) if problem.salesforce else None,
        request_id=request_id,
        errors=list(problem.errors) if problem.errors is not None else None,
    )
    content = body.model_dump(mode="json")
    if problem.errors is None:
        del content["errors"]
    headers = {"Cache-Control": "no-store", **problem.headers}
    return JSONResponse(content, problem.status, headers=headers, media_type=PROBLEM_JSON)


def request_id_of(request: Request) -> str:
    """The request's id, as its answer names it too."""
    return request_id_from(request.scope)


async def send_problem(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    """The problem as the application's own handlers would answer it."""
    resources: Resources = scope["app"].state.resources
    answer = answer_problem(Request(scope), problem, base_url=resources.settings.problem_base_url)
    await answer(scope, receive, with_headers(send))
