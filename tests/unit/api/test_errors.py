"""Problems: one shape for every refusal, and no more in it than the caller may know."""

import inspect
import socket
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError, OperationalError

from app.api import errors
from app.api.error_handlers import install_problem_handlers
from app.api.errors import CampaignIdInvalid, DatabaseUnavailable, Problem, TooManyRequests
from app.salesforce.errors import ApiError
from app.user_messages.catalog import ADVICE, advise

STATUSES = {
    400: {
        "CampaignIdInvalid", "StatusUnknown", "StatusesIncomplete", "FilterEmpty", "ReturnToInvalid",
        "CursorInvalid",
    },
    401: {"TokenInvalid"},
    403: {"RoleInsufficient"},
    404: {"HostNotFound", "EventNotFound", "RegistrationNotFound", "CampaignNotLinked", "AttemptNotFound"},
    409: {
        "NotConfigured", "NotConnected", "ConnectionNeedsReconnect", "CredentialsMissing", "CampaignIsLocked",
        "CampaignsNotReadable", "BackfillRunning", "VerifyRunning", "ApprovalNeedsConfirmation",
        "AttemptNotConfirmable",
    },
    413: {"BodyTooLarge"},
    422: {"PayloadInvalid"},
    429: {"TooManyRequests"},
    502: {"SalesforceRefused"},
    503: {"SalesforceUnavailable", "ApiBudgetReached"},
}  # fmt: skip
TITLES = {
    "NotConfigured": "Salesforce integration is not configured on this environment.",
    "CampaignIdInvalid": "Invalid Campaign Id",
    "CredentialsMissing": "Complete Step 1 (save credentials) before connecting.",
    "CampaignIsLocked": "The Campaign Id is locked. Unlink first, then link the new Campaign Id.",
}
SHAPE = {"type", "title", "status", "detail", "code", "reason", "advice", "salesforce", "request_id"}


class Payload(BaseModel):
    number: int


def app_raising(raised: Exception) -> FastAPI:
    app = FastAPI()

    @app.get("/raise")
    async def fail() -> None:
        raise raised

    @app.post("/take")
    async def take(payload: Payload) -> None: ...

    install_problem_handlers(app, base_url="https://eventship.example")
    return app


async def answer_of(raised: Exception) -> httpx.Response:
    transport = httpx.ASGITransport(app_raising(raised), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service.test") as http:
        return await http.get("/raise")


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app_raising(Problem()), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service.test") as client:
        yield client


def classes() -> dict[str, type[Problem]]:
    found = inspect.getmembers(errors, inspect.isclass)
    return {name: kind for name, kind in found if issubclass(kind, Problem) and kind is not Problem}


@pytest.mark.parametrize(
    ("status", "code"), [(status, code) for status, codes in STATUSES.items() for code in sorted(codes)]
)
def test_every_code_has_its_status(status: int, code: str) -> None:
    assert classes()[code].status == status


@pytest.mark.parametrize(("code", "title"), TITLES.items())
def test_fixed_titles_are_word_for_word(code: str, title: str) -> None:
    assert classes()[code].title() == title


async def test_full_problem() -> None:
    failure = ApiError("NOT_FOUND", "no such record", ("Id",), http_status=404)
    answer = await answer_of(
        CampaignIdInvalid(
            "No Campaign.", reason="not_found", advice=advise("campaign_not_in_org"), salesforce=failure
        )
    )
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert body.pop("request_id").startswith("req_")
    assert body == {
        "type": "https://eventship.example/problems/CampaignIdInvalid",
        "title": "Invalid Campaign Id",
        "status": 400,
        "detail": "No Campaign.",
        "code": "CampaignIdInvalid",
        "reason": "not_found",
        "advice": ADVICE["campaign_not_in_org"].model_dump(mode="json"),
        "salesforce": {
            "error_code": "NOT_FOUND",
            "message": "no such record",
            "fields": ["Id"],
            "http_status": 404,
        },
    }


@pytest.mark.parametrize("kind", classes().values(), ids=classes())
async def test_every_problem_has_every_field(kind: type[Problem]) -> None:
    answer = await answer_of(kind())
    assert answer.status_code == kind.status
    assert set(answer.json()) == SHAPE


async def test_headers_go_out_with_the_answer() -> None:
    answer = await answer_of(TooManyRequests(headers={"Retry-After": "7"}))
    assert answer.headers["retry-after"] == "7"


async def test_headers_of_a_kind_go_out_whoever_raises_it_and_one_of_the_case_goes_before() -> None:
    answer = await answer_of(DatabaseUnavailable())
    assert answer.headers["retry-after"] == "5"
    assert DatabaseUnavailable(headers={"Retry-After": "9"}).headers == {"Retry-After": "9"}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"number": "hunter2"}', b"{}"], ids=["none", "cut", "list", "text", "empty"]
)
async def test_wrong_shape_says_where_and_never_what(http: httpx.AsyncClient, body: bytes) -> None:
    answer = await http.post("/take", content=body, headers={"content-type": "application/json"})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "PayloadInvalid")
    assert problem["errors"]
    assert all(set(error) == {"path", "message"} for error in problem["errors"])
    assert "hunter2" not in answer.text


class Refused(Exception):
    """What the driver raises, with the code that Postgres gave."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__("a value that nobody may see")
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("sqlstate", "status", "code"),
    [("22021", 422, "PayloadInvalid"), ("54000", 422, "PayloadInvalid"), ("42703", 500, "Unexpected")],
    ids=["nul", "too-long-for-an-index", "fault-of-ours"],
)
async def test_value_that_cannot_be_stored_is_the_callers(sqlstate: str, status: int, code: str) -> None:
    answer = await answer_of(DBAPIError("SELECT", {}, Refused(sqlstate)))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "nobody may see" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/nowhere", 404, "NotFound"), ("DELETE", "/take", 405, "MethodNotAllowed")],
)
async def test_frameworks_own_refusals_are_problems_too(
    http: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await http.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert set(answer.json()) == SHAPE


@pytest.mark.parametrize(
    "raised",
    [
        pytest.param(OperationalError("SELECT 1", {}, OSError("refused")), id="operational"),
        pytest.param(ConnectionRefusedError("refused"), id="refused"),
        pytest.param(TimeoutError(), id="no-connection-in-time"),
        pytest.param(socket.gaierror("unknown"), id="no-such-name-just-now"),
        pytest.param(DBAPIError("UPDATE", {}, Refused("53100")), id="disk-full"),
        pytest.param(DBAPIError("UPDATE", {}, Refused("58030")), id="io-error"),
        # The ingest connection: nothing has wrapped them.
        pytest.param(asyncpg.InternalServerError("could not write init file"), id="connect-disk-full"),
        pytest.param(asyncpg.TooManyConnectionsError("sorry"), id="connect-too-many"),
        pytest.param(asyncpg.InvalidPasswordError("changed"), id="connect-password"),
    ],
)
async def test_database_that_is_away_is_not_our_fault(raised: Exception) -> None:
    answer = await answer_of(raised)
    assert (answer.status_code, answer.json()["code"]) == (503, "DatabaseUnavailable")
    assert answer.headers["retry-after"] == "5"


async def test_fault_of_ours_tells_nothing_but_its_request_id(caplog: pytest.LogCaptureFixture) -> None:
    answer = await answer_of(ZeroDivisionError("hunter2"))
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["code"]) == (500, "Unexpected")
    assert "hunter2" not in answer.text
    assert body["request_id"]
    # Its id is in the line by the context that the application around opens for each request.
    assert [record.message for record in caplog.records if record.exc_info] == ["unexpected_error"]


@pytest.mark.parametrize("body", [b"l\x02c\xdf", b"{", b"\xff\xfe{}"], ids=["bytes", "cut", "utf-16"])
async def test_body_that_is_no_json_is_refused_as_such(http: httpx.AsyncClient, body: bytes) -> None:
    answer = await http.post("/take", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "PayloadInvalid")
    assert answer.json()["errors"]
