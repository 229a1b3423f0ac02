"""The headers of every answer for browsers and caches; none is built from the request's Host."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, get_args

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from app.api.security_headers import ALWAYS, OF_DATA
from app.config.settings import Settings
from app.main import ROUTERS
from tests.api.service import caller, running
from tests.deliveries import post, registration, webhook
from tests.tokens import TokenMint

H = "/v1/hosts/host_a/salesforce"
E = "/v1/hosts/host_a/events/ev1/salesforce"
ASKED = [
    *(("GET", path) for path in ("/livez", "/readyz", "/docs/mapping", "/docs/none", "/nothing")),
    *(
        ("GET", path)
        for path in (H, f"{H}/audit", f"{H}/preflight", f"{H}/mapping", f"{H}/settings", "/v1/hosts")
    ),
    *(
        ("GET", path)
        for path in (f"{E}/stats", f"{E}/registrations", f"{E}/registrations.csv", "/ops/overview")
    ),
    ("GET", "/oauth/salesforce/callback?state=x"),
    ("POST", f"{H}/mapping/validate"),
    ("PUT", f"{H}/mapping"),
    ("PATCH", H),
    ("POST", "/webhooks/eventship"),
    ("POST", "/webhooks/eventship/test"),
    ("GET", "/platform/deliveries"),
    ("POST", "/v1/imports/registrations"),
    ("OPTIONS", H),
]


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    async with running(settings) as app:
        yield app


@pytest.fixture
def owner_of_all(mint: TokenMint) -> dict[str, str]:
    return mint.headers(hosts={"host_a": "owner"}, scope="ops import")


def lacking(answer: httpx.Response) -> dict[str, str]:
    """The headers that should be there and are not."""
    expected = set(ALWAYS.items())
    if "json" in answer.headers.get("content-type", ""):
        expected |= set(OF_DATA.items())
    return {name: value for name, value in expected if answer.headers.get(name) != value}


@pytest.mark.parametrize(("method", "path"), ASKED)
@pytest.mark.parametrize("is_known", [True, False], ids=["token", "none"])
async def test_every_answer_has_them(
    app: FastAPI, owner_of_all: dict[str, str], method: str, path: str, is_known: bool
) -> None:
    async with caller(app, owner_of_all if is_known else {}) as client:
        assert lacking(await client.request(method, path)) == {}


async def test_accepted_webhook_has_them(app: FastAPI) -> None:
    async with caller(app) as client:
        answer = await post(client, webhook(registration=registration()), "msg_1")
    assert (answer.status_code, lacking(answer)) == (202, {})


@pytest.mark.parametrize("path", [f"{H}/", f"{H}/pause/", "/v1/hosts/", "/webhooks/eventship/", "/livez/"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_slash_too_many_leads_nowhere(
    app: FastAPI, owner_of_all: dict[str, str], method: str, path: str
) -> None:
    async with caller(app, owner_of_all | {"Host": "evil.example"}) as client:
        answer = await client.request(method, path)
    assert (answer.status_code, answer.headers.get("location")) == (404, None)


def booleans(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """The boolean members of a body, and of what is in it."""
    for name, field in model.model_fields.items():
        if is_boolean(field.annotation):
            yield f"{model.__name__}.{name}", field
        for inner in inside(field.annotation):
            yield from booleans(inner)


def is_boolean(annotation: Any) -> bool:
    return annotation is bool or any(is_boolean(each) for each in get_args(annotation))


def inside(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from inside(each)


BODIES = [
    model
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute) and route.body_field is not None
    for model in inside(route.body_field.field_info.annotation)
]
ALSO_IN_ADDRESSES = {"DeliveryFilter.is_quarantined"}
BOOLEANS = {
    name: field for model in BODIES for name, field in booleans(model) if name not in ALSO_IN_ADDRESSES
}


def test_there_are_booleans() -> None:
    assert {"ActOnJobs.dry_run", "Act.dry_run", "RetryRequest.dry_run", "RetryFilter.all"} <= BOOLEANS.keys()


@pytest.mark.parametrize("name", BOOLEANS)
@pytest.mark.parametrize("value", ["false", "true", 0, 1, "no"])
def test_body_takes_true_and_false_alone(name: str, value: object) -> None:
    field = BOOLEANS[name]
    member: TypeAdapter[Any] = TypeAdapter(field.rebuild_annotation())
    with pytest.raises(ValidationError):
        member.validate_python(value)
    assert member.validate_python(False) is False


async def test_dry_run_as_text_is_refused(app: FastAPI, owner_of_all: dict[str, str]) -> None:
    async with caller(app, owner_of_all) as client:
        for value in ("false", 0):
            body = {"filter": {"host_id": "host_a"}, "dry_run": value}
            assert (await client.post("/ops/jobs/retry", json=body)).status_code == 422
