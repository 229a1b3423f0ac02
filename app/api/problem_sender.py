"""Answer a problem where no route and none of its handlers is reached."""

from fastapi import Request
from starlette.types import Receive, Scope, Send

from app.api.dependencies import Resources
from app.api.error_handlers import note_access_refusal, problem_response, request_id_of
from app.api.errors import Problem
from app.api.security_headers import with_headers


async def send_problem(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    """The problem as the application's own handlers would answer it."""
    resources: Resources = scope["app"].state.resources
    request_id = request_id_of(Request(scope))
    note_access_refusal(problem, request_id)
    answer = problem_response(
        problem,
        base_url=resources.settings.problem_base_url,
        request_id=request_id,
    )
    await answer(scope, receive, with_headers(send))
