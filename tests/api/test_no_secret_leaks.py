"""Secrets over the life of a connection: none appears in a log, answer, metric, dump or wake-up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field

import httpx
import pytest

from app.config.settings import Settings
from app.connections.tokens.provider import ConnectionTokens
from app.infrastructure.database import Database
from app.operations.gauges import Gauges
from app.salesforce.auth import ConnectionEnded, RefreshUnavailable
from devtools.local_stack.local_services import LocalServices
from salesforce_simulator.app import SimulatorApp
from tests.api.browser import brought_back
from tests.api.conftest import Service, running
from tests.api.intercepting_transport import Interceptor
from tests.api.secret_search import (
    RecordedCommands,
    RecordedResponses,
    database_dump,
    logging_into,
    secrets_found,
    valkey_contents,
)
from tests.deliveries import post, webhook
from tests.factories import ENCRYPTION_KEY, WEBHOOK_SECRET
from tests.spans import collected_spans
from tests.tokens import TokenMint

KEY, SECRET, MISTAKE = "3MVG9.canary.own.key", "canary-own-secret", "canary-typing-mistake"
PEPPER = "ca" * 32
ATTENDEE = "canary.attendee@otter.example"
APP_CREDENTIALS = "/v1/hosts/host_a/salesforce/app-credentials"


@dataclass
class Life:
    """A service, its intercepting transport, and every secret that it received, by name."""

    service: Service
    interceptor: Interceptor
    secrets: dict[str, str] = field(default_factory=dict)

    def remember_tokens(self, when: str) -> None:
        for number, grant in enumerate(self.service.simulator.simulator.default_org.grants):
            self.secrets[f"refresh token {when} {number}"] = grant.refresh_token
            for place, token in enumerate(grant.access_tokens):
                self.secrets[f"access token {when} {number}.{place}"] = token

    def remember_what_was_sent(self) -> None:
        for request in self.interceptor.requests:
            form = httpx.QueryParams(request.content.decode(errors="replace"))
            for name in ("code", "code_verifier", "client_secret", "refresh_token", "token"):
                if name in form:
                    self.secrets[f"{name} {form[name]}"] = form[name]
            if "authorization" in request.headers:
                bearer = request.headers["authorization"].removeprefix("Bearer ")
                self.secrets[f"bearer {bearer}"] = bearer

    async def sign_in(self, host_id: str = "host_a") -> None:
        attempt = await self.service.start(host_id)
        async with self.service.browser() as browser:
            landed = await browser.sign_in(attempt["start_url"])
            for cookie in browser.http.cookies.jar:
                self.secrets[f"cookie {cookie.value}"] = str(cookie.value)
        await self.service.attempt(attempt["attempt_id"], host_id)
        if "salesforce=confirm" in landed.headers["location"]:
            self.secrets[f"code {attempt['attempt_id']}"] = brought_back(landed)[1]
            await self.service.complete(landed, host_id)
        self.secrets[f"ticket {attempt['attempt_id']}"] = attempt["start_url"].partition("ticket=")[2]


@pytest.fixture
async def life(
    settings: Settings, database: Database, simulator: SimulatorApp, mint: TokenMint
) -> AsyncIterator[Life]:
    interceptor = Interceptor(httpx.ASGITransport(simulator))
    secret = settings.model_copy(update={"pepper": type(settings.encryption_keys[0])(PEPPER)})
    async with running(secret, simulator, mint=mint, transport=interceptor) as service:
        given = {
            "webhook secret": WEBHOOK_SECRET,
            "encryption key": ENCRYPTION_KEY.partition(":")[2],
            "pepper": PEPPER,
            "own key": KEY,
            "own secret": SECRET,
            "mistaken secret": MISTAKE,
            "caller's token": service.http.headers["authorization"].removeprefix("Bearer "),
        }
        yield Life(service, interceptor, given)


async def lived(life: Life) -> None:
    """Connect, take a webhook, refresh, be refused with an echo, crash, bring an own app, and let go."""
    service, org = life.service, life.service.simulator.simulator.default_org
    service.configure(rotation=True)
    await life.sign_in()
    life.remember_tokens("first")
    await take_a_webhook(service)
    org.grants.expire_all()
    await ConnectionTokens(service.resources, "host_a").keep_alive()
    life.remember_tokens("renewed")
    await be_refused_with_an_echo(life)
    await crash(life)
    await bring_an_own_app(life)
    await service.http.post("/v1/hosts/host_a/salesforce/disconnect", json={"confirm": True})
    life.remember_what_was_sent()


async def take_a_webhook(service: Service) -> None:
    attendee = {"email": ATTENDEE, "first_name": "Canary", "last_name": "Otter"}
    payload = webhook()
    payload["data"]["registration"]["attendee"] |= attendee
    assert (await post(service.http, payload)).status_code == 202
    assert (
        await post(service.http, payload, "msg_2", key=b"a-forged-key-of-the-right-length")
    ).status_code == 401


async def be_refused_with_an_echo(life: Life) -> None:
    """Salesforce says no, and repeats in its words what it was given."""

    def echo(request: httpx.Request, _: httpx.Response) -> httpx.Response:
        said = httpx.QueryParams(request.content.decode())
        words = f"no: {said.get('refresh_token')} {said.get('client_secret')} {said.get('code_verifier')}"
        return httpx.Response(400, json={"error": "invalid_request", "error_description": words})

    life.interceptor.changes["/oauth2/token"] = echo
    with suppress(RefreshUnavailable, ConnectionEnded):
        await ConnectionTokens(life.service.resources, "host_a").keep_alive()
    await life.sign_in("host_b")
    life.interceptor.changes.clear()


async def crash(life: Life) -> None:
    """A fault of our own, in the middle of a sign-in, that names what it held."""

    def fail(request: httpx.Request, _: httpx.Response) -> httpx.Response:
        bearer = request.headers["authorization"]
        grant = next(iter(life.service.simulator.simulator.default_org.grants))
        raise RuntimeError(f"cannot go on with {bearer} and refresh_token={grant.refresh_token}")

    life.interceptor.changes["/id/"] = fail
    await life.sign_in("host_b")
    life.interceptor.changes.clear()


async def bring_an_own_app(life: Life) -> None:
    service = life.service
    shared = {"client_id": "3MVG9otter", "client_secret": "otter-secret"}
    service.configure(apps=[shared, {"client_id": KEY, "client_secret": SECRET}])
    pair = {"mode": "own", "consumer_key": KEY, "consumer_secret": SECRET}
    assert (await service.http.put(APP_CREDENTIALS, json=pair)).status_code == 200
    await life.sign_in()
    life.remember_tokens("own app")
    await service.http.put(APP_CREDENTIALS, json=pair | {"consumer_secret": MISTAKE})
    await service.http.put(APP_CREDENTIALS, json=pair | {"consumer_secret": f"{MISTAKE} with a space"})
    await service.http.put(APP_CREDENTIALS, json=pair)


async def test_no_secret_turns_up_anywhere(
    life: Life, engines: LocalServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, service = RecordedResponses(), life.service
    service.http.event_hooks = {"request": [], "response": [answers]}
    async with RecordedCommands(engines.redis_url) as recorded_commands:
        with logging_into(monkeypatch) as log, collected_spans() as spans:
            await lived(life)
        metrics = (await Gauges(service.resources.database, service.resources.wakeups).text()).decode()
        kept = await valkey_contents(engines.redis_url)
        await asyncio.sleep(0)
    places = {
        "log": log.getvalue(),
        "spans": spans.text,
        "answers": "\n".join(answers.texts),
        "metrics": metrics,
        "valkey": kept,
        "said to valkey": "\n".join(recorded_commands.commands),
        "database": database_dump(engines),
    }
    assert not {place for place, text in places.items() if landmark(place) not in text}
    assert len(life.secrets) > 25
    assert secrets_found(places, life.secrets.items()) <= {("answers", name) for name in tickets(life)}
    personal = {place for place, _ in secrets_found(places, [("attendee", ATTENDEE)])}
    assert personal == {"database"}


def landmark(place: str) -> str:
    """Something harmless that must be there: a place that is empty would prove nothing."""
    known = {
        "log": "connect_unexpected",
        "spans": "record_deliveries",
        "metrics": "webhook_requests_total",
        "valkey": "arq:queue",
        "said to valkey": "PUBLISH",
        "database": "Northwind Events",
    }
    return known.get(place, "Northwind Events")


def tickets(life: Life) -> list[str]:
    """The start link is an answer: who asks for a ticket is given it, once."""
    return [name for name in life.secrets if name.startswith("ticket ")]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("before canary-own-secret after", id="plain"),
        pytest.param("\\\\x63616e6172792d6f776e2d736563726574", id="bytes of a dump"),
    ],
)
def test_secret_that_did_turn_up_would_be_found(text: str) -> None:
    assert secrets_found({"here": text, "there": ""}, [("own secret", SECRET)]) == {("here", "own secret")}


def test_secret_in_an_address_would_be_found() -> None:
    assert secrets_found({"here": "?code=aPrx%3D%3D"}, [("code", "aPrx==")]) == {("here", "code")}
