"""Login CSRF and replay: a ticket, a state and a browser belong together, once, and to somebody who may."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.config.settings import Settings
from app.connections.oauth import attempts, endpoints, flow
from app.infrastructure.database import Database
from salesforce_simulator.app import SimulatorApp
from tests.api.browser import Forms
from tests.api.conftest import Service, running
from tests.api.connections.steps import BROWSER_HEADERS, audited, code_for, expire, grants, query_of, stored
from tests.tokens import TokenMint


async def test_ticket_works_once(service: Service) -> None:
    attempt = await service.start()
    looks = [await service.http.get(attempt["start_url"]) for _ in range(3)]
    assert {look.status_code for look in looks} == {200}
    assert not any("set-cookie" in look.headers for look in looks)
    first = await service.http.post(attempt["start_url"])
    second = await service.http.post(attempt["start_url"])
    assert (first.status_code, second.status_code) == (303, 410)
    assert "set-cookie" not in second.headers


async def test_ticket_used_by_two_at_once_works_for_one(service: Service) -> None:
    attempt = await service.start()
    answers = await asyncio.gather(*(service.http.post(attempt["start_url"]) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [303, 410, 410, 410, 410]


@pytest.mark.parametrize(
    "ticket", ["", "x", "%00", "é", "a" * 501], ids=["none", "short", "nul", "é", "long"]
)
async def test_invented_ticket_is_refused(service: Service, ticket: str) -> None:
    url = f"/oauth/salesforce/start?ticket={ticket}"
    for answer in (await service.http.get(url), await service.http.post(url)):
        assert answer.status_code in (410, 422)


async def test_expired_ticket_is_refused(service: Service) -> None:
    attempt = await service.start()
    await expire(service, attempt["attempt_id"])
    assert (await service.http.post(attempt["start_url"])).status_code == 410


async def test_late_return_connects_nothing(service: Service) -> None:
    attempt = await service.start()
    async with service.browser() as browser:
        page = await browser.open(attempt["start_url"])
        await expire(service, attempt["attempt_id"])
        page = await browser.submit(page, username=Forms(page.text).choices[0])
        landed = await browser.submit(page, decision="allow")
    assert query_of(landed.headers["location"])["salesforce"] == "failed"
    assert await stored(service) is None
    assert grants(service) == []


async def test_state_trades_one_code_and_the_same_address_brings_a_fresh_one(service: Service) -> None:
    attempt = await service.start()
    async with service.browser() as browser:
        back = await code_for(service, browser, attempt["start_url"])
        first = await browser.http.get(back)
        second = await browser.http.get(back)
    assert (first.status_code, second.status_code) == (303, 303)
    assert len(grants(service)) == 1
    assert (await service.complete(first)).json()["code"] == "AttemptNotConfirmable"
    assert (await service.complete(second)).json()["state"] == "connected"


async def test_callback_fetched_by_four_at_once_makes_one_grant_and_one_code_that_works(
    service: Service,
) -> None:
    attempt = await service.start()
    async with service.browser() as browser:
        back = await code_for(service, browser, attempt["start_url"])
        answers = await asyncio.gather(*(browser.http.get(back) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {303}
    completed = [await service.complete(answer) for answer in answers]
    assert sorted(answer.status_code for answer in completed) == [200, 409, 409, 409]
    assert (len(grants(service)), await audited(service)) == (1, ["salesforce.connected"])


async def test_callback_that_looks_while_the_first_one_commits_brings_a_code(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, go = asyncio.Event(), asyncio.Event()
    receive, renew_code = flow.receive_callback, attempts.renew_code

    async def receive_later(*args: Any) -> str | None:
        held.set()
        await go.wait()
        return await receive(*args)

    async def renew_and_let_the_first_commit(session: AsyncSession, attempt_id: str) -> str | None:
        code = await renew_code(session, attempt_id)
        go.set()
        await first
        return code

    monkeypatch.setattr(endpoints, "receive_callback", receive_later)
    monkeypatch.setattr(attempts, "renew_code", renew_and_let_the_first_commit)
    attempt = await service.start()
    async with service.browser() as browser:
        back = await code_for(service, browser, attempt["start_url"])
        first = asyncio.create_task(browser.http.get(back))
        await held.wait()
        second = asyncio.create_task(browser.http.get(back))
        await asyncio.sleep(0.5)
        go.set()
        answers = [await first, await second]
    assert [query_of(answer.headers["location"])["salesforce"] for answer in answers] == [
        "confirm",
        "confirm",
    ]
    assert (await service.complete(answers[1])).json()["state"] == "connected"


async def test_callback_in_another_browser_connects_nothing(service: Service) -> None:
    attempt = await service.start()
    async with service.browser() as attacker, service.browser() as victim:
        back = await code_for(service, attacker, attempt["start_url"])
        other = await service.start()
        await victim.http.post(other["start_url"])
        answer = await victim.http.get(back)
        late = await attacker.http.get(back)
    assert (answer.status_code, late.status_code) == (400, 303)
    assert "location" not in answer.headers
    assert query_of(late.headers["location"])["salesforce"] == "failed"
    body = await service.attempt(attempt["attempt_id"])
    assert (body["state"], body["problem"]["code"]) == ("failed", "other_browser")
    assert await stored(service) is None
    assert grants(service) == []


async def test_callback_without_the_cookie_connects_nothing(service: Service) -> None:
    attempt = await service.start()
    async with service.browser() as browser:
        back = await code_for(service, browser, attempt["start_url"])
    answer = await service.http.get(back, headers={"cookie": ""})
    assert answer.status_code == 400
    assert await stored(service) is None


@pytest.mark.parametrize(
    "state", ["", "x", "%00%01", "%ff", "a" * 9000], ids=["none", "x", "nul", "ff", "long"]
)
async def test_invented_state_is_a_plain_page(service: Service, state: str) -> None:
    answer = await service.http.get(f"/oauth/salesforce/callback?code=abc&state={state}")
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert answer.headers["content-type"].startswith("text/html")
    assert BROWSER_HEADERS.items() <= dict(answer.headers).items()


ROLE_LOST = [
    pytest.param({"host_a": "member"}, id="member now"),
    pytest.param({"host_b": "owner"}, id="removed from the host"),
    pytest.param({"host_a": "guest"}, id="a role that we do not know"),
]


async def seen_with(service: Service, mint: TokenMint, hosts: dict[str, str]) -> int:
    """The platform's newest word on the user, as the dashboard brings it along."""
    answer = await service.http.get("/v1/hosts/host_a/salesforce", headers=mint.headers(hosts=hosts))
    return answer.status_code


@pytest.mark.parametrize("hosts", ROLE_LOST)
async def test_role_lost_during_the_sign_in_ends_the_attempt(
    service: Service, mint: TokenMint, hosts: dict[str, str]
) -> None:
    attempt = await service.start()
    async with service.browser() as browser:
        back = await code_for(service, browser, attempt["start_url"])
        assert await seen_with(service, mint, hosts) == (200 if hosts == {"host_a": "member"} else 404)
        answer = await browser.http.get(back)
    assert query_of(answer.headers["location"])["salesforce"] == "failed"
    assert (await service.attempt(attempt["attempt_id"]))["problem"]["code"] == "role_lost"
    assert await stored(service) is None
    assert grants(service) == []


@pytest.mark.parametrize("hosts", ROLE_LOST)
async def test_role_lost_before_the_ticket_was_used_ends_the_attempt(
    service: Service, mint: TokenMint, hosts: dict[str, str]
) -> None:
    attempt = await service.start()
    await seen_with(service, mint, hosts)
    assert (await service.http.post(attempt["start_url"])).status_code == 410


@dataclass
class Meanwhile(httpx.AsyncBaseTransport):
    """Lets something happen once, between our request to a path and its answer."""

    inner: httpx.AsyncBaseTransport
    path: str
    act: Callable[[], Awaitable[object]] | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self.inner.handle_async_request(request)
        act, is_it = self.act, request.url.path.endswith(self.path)
        if act is not None and is_it:
            self.act = None
            await act()
        return answer


@pytest.mark.parametrize("hosts", ROLE_LOST)
async def test_role_lost_while_the_code_is_traded_stores_nothing_and_gives_the_grant_back(
    settings: Settings, database: Database, simulator: SimulatorApp, mint: TokenMint, hosts: dict[str, str]
) -> None:
    meanwhile = Meanwhile(httpx.ASGITransport(simulator), "/oauth2/token")
    async with running(settings, simulator, mint=mint, transport=meanwhile) as service:
        attempt = await service.start()
        meanwhile.act = partial(seen_with, service, mint, hosts)
        async with service.browser() as browser:
            landed = await browser.sign_in(attempt["start_url"])
        assert query_of(landed.headers["location"])["salesforce"] == "failed"
        assert (await service.attempt(attempt["attempt_id"]))["problem"]["code"] == "role_lost"
        assert (await stored(service), grants(service), await audited(service)) == (None, [], [])


async def test_other_members_do_not_end_an_attempt(service: Service, mint: TokenMint) -> None:
    attempt = await service.start()
    member = mint.headers(sub="user_other", hosts={"host_a": "member"})
    await service.http.get("/v1/hosts/host_a/salesforce", headers=member)
    assert (await service.attempt(attempt["attempt_id"]))["state"] == "waiting"
