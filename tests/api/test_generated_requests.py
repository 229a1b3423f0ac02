"""Requests generated from the OpenAPI document, valid and invalid: no 5xx, and no undocumented answer."""

import json
import os
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, reject
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from pydantic import SecretStr
from schemathesis import GenerationMode
from schemathesis.core import NotSet
from schemathesis.core.result import Ok

from app.cli.serve import DrainingServer
from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.main import create_app
from devtools.local_stack.processes import listening_socket
from devtools.local_stack.webhook_sender import signed_headers
from tests.factories import ENCRYPTION_KEY, WEBHOOK_KEY
from tests.factories_events import event_for, job_for, registration_for
from tests.openapi_check import mismatch
from tests.simulated_org import SimulatedOrg
from tests.tokens import TokenMint
from tools.openapi.command import describe_api

EXAMPLES = int(os.environ.get("DRIVEN_EXAMPLES", "4"))
STOP_SECONDS = 10.0
WEBHOOKS = "/webhooks/eventship"
NDJSON = "application/x-ndjson"
NAMES = {"host_id": "host_a", "event_id": "evt_otters", "registration_id": "reg_00001"}
LAST = ("/disconnect", "/app-credentials", "/attendees/erase", "/leases/")
"""What ends something comes last, so that all else meets a connected host."""


@schemathesis.serializer(NDJSON)
def ndjson(context: Any, value: Any) -> bytes:
    return json.dumps(value).encode()


Case = schemathesis.Case[Any]


def generated_by() -> dict[str, Any]:
    """The document with a line's schema in the place of the text of lines, whose lines it cannot make."""
    document = describe_api()
    media = document["paths"]["/v1/imports/registrations"]["post"]["requestBody"]["content"][NDJSON]
    media["schema"] = media["schema"]["contentSchema"]
    return document


schema = schemathesis.openapi.from_dict(generated_by())
OPERATIONS = sorted(
    (found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)),
    key=lambda operation: (any(part in operation.path for part in LAST), operation.label),
)
DECLARED = ("idempotency-key", "last-event-id", "webhook-id", "webhook-timestamp", "webhook-signature")


@dataclass(frozen=True)
class Caller:
    """Sends generated requests with a token that opens everything."""

    http: httpx.Client
    token: dict[str, str]

    def send(self, case: Case, *, is_known: bool) -> httpx.Response:
        """`is_known` puts names in the path that exist, so that requests get further than to a 404."""
        if is_known:
            case.path_parameters |= {name: NAMES[name] for name in case.path_parameters.keys() & NAMES.keys()}
        body = body_of(case)
        headers = self.token | {k: v for k, v in (case.headers or {}).items() if k.lower() in DECLARED}
        if body is not None:
            headers["content-type"] = case.media_type or "application/json"
        if case.path == WEBHOOKS and is_known:
            headers |= signed_headers(
                WEBHOOK_KEY, f"msg_{time.monotonic_ns()}", int(time.time()), body or b""
            )
        try:
            return self.http.request(
                case.method, case.formatted_path, params=case.query, headers=headers, content=body
            )
        except (httpx.LocalProtocolError, UnicodeEncodeError):
            reject()


def body_of(case: Case) -> bytes | None:
    if isinstance(case.body, NotSet):
        return None
    return case.body if isinstance(case.body, bytes) else json.dumps(case.body).encode()


@contextmanager
def serving(app: Any) -> Iterator[httpx.Client]:
    """A caller of the app over a socket; it stops with the block."""
    listener = listening_socket("127.0.0.1", 0)
    listener.listen()
    config = uvicorn.Config(app, lifespan="on", log_config=None, access_log=False)
    server = DrainingServer(config, app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=30, trust_env=False
        ) as http:
            http.get("/livez")
            yield http
    finally:
        server.should_exit = True
        thread.join(STOP_SECONDS)
    assert not thread.is_alive()


@pytest.fixture
async def caller(settings: Settings, database: Database, mint: TokenMint) -> AsyncIterator[Caller]:
    """A connected host with two registrations, and a simulated org behind it."""
    org = await SimulatedOrg.open()
    async with database.system() as session:
        session.add_all((org.connection(Encryptor.from_texts([ENCRYPTION_KEY])), event_for()))
        session.add_all((registration_for(1), registration_for(2), job_for(1, org_id=org.org_id)))
    known = {
        "salesforce_client_id": org.session["client_id"],
        "salesforce_client_secret": SecretStr(org.session["client_secret"]),
    }
    app = create_app(settings.model_copy(update=known), transport=org.transport)
    token = mint.headers(hosts={"host_a": "owner"}, scope="ops import")
    with serving(app) as http:
        app.state.feeds.close()  # a stream would go on for minutes
        yield Caller(http, token)


def check(caller: Caller, operation: Any, mode: GenerationMode) -> None:
    @hypothesis_settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), is_known=st.sampled_from([True, True, False]))
    def holds(case: Case, is_known: bool) -> None:
        answer = caller.send(case, is_known=is_known)
        payload = (
            f"{case.method} {answer.request.url} {body_of(case)!r}: {answer.status_code} {answer.text[:500]}"
        )
        assert answer.status_code < 500, payload
        assert (wrong := mismatch(answer)) is None, f"{wrong}; {payload}"

    holds()


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: str(mode.value))
async def test_no_request_meets_a_fault_or_an_answer_that_is_not_documented(
    caller: Caller, mode: GenerationMode
) -> None:
    wrong: dict[str, str] = {}
    for operation in OPERATIONS:
        try:
            check(caller, operation, mode)
        except AssertionError as error:
            wrong[operation.label] = str(error)
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE, operation.label
    assert wrong == {}
