"""Production, sandbox and My Domain: where people sign in, and what happens when they mix them up."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.connections.tokens.provider import ConnectionTokens
from tests.api.conftest import Service
from tests.factories import SIMULATOR_URL

HOSTILE = (
    "", "login.salesforce.com", "test.salesforce.com", "https://test.salesforce.com", "evil.example",
    "acme.my.salesforce.com.evil.example", "acme.my.salesforce.com@evil.example", "acme.force.com",
    "http://acme.my.salesforce.com", "acme.my.salesforce.com/x", "acme.my.salesforce.com:8443",
    "acme.lightning.force.com.evil.example", "my.salesforce.com", "https://a b.my.salesforce.com",
)  # fmt: skip


async def sign_in(service: Service, username: str, **wish: Any) -> dict[str, Any]:
    """An attempt of this user, as it ended."""
    attempt = await service.start(**wish)
    async with service.browser() as browser:
        page = await browser.open(attempt["start_url"])
        page = await browser.submit(page, username=username)
        landed = await browser.submit(page, decision="allow")
    if "salesforce=confirm" in landed.headers["location"]:
        await service.complete(landed)
    return await service.attempt(attempt["attempt_id"])


def users(service: Service, *, is_sandbox: bool) -> list[str]:
    orgs = service.simulator.simulator.orgs.values()
    org = next(org for org in orgs if org.is_sandbox is is_sandbox)
    return [str(user["Username"]) for user in org.store.live("User")]


async def login_host_of(service: Service, **wish: Any) -> str:
    attempt = await service.start(**wish)
    answer = await service.http.post(attempt["start_url"])
    return urlsplit(answer.headers["location"]).netloc


async def test_sandbox_connects_at_the_sandbox_login_host(service: Service) -> None:
    view = await sign_in(service, users(service, is_sandbox=True)[0], environment="sandbox")
    card = await service.card()
    assert (view["state"], view["environment"]) == ("connected", "sandbox")
    assert (card["connection"]["environment"], card["connection"]["org"]["is_sandbox"]) == ("sandbox", True)


@pytest.mark.parametrize(
    ("wish", "host"),
    [
        pytest.param({}, "login.otter.my.salesforce.com", id="production"),
        pytest.param({"environment": "sandbox"}, "test.salesforce.com", id="sandbox"),
        pytest.param(
            {"environment": "my_domain", "my_domain": "acme--uat.sandbox.my.salesforce.com"},
            "acme--uat.sandbox.my.salesforce.com",
            id="my domain",
        ),
        pytest.param(
            {"environment": "my_domain", "my_domain": " https://Acme.lightning.force.com/ "},
            "acme.my.salesforce.com",
            id="pasted from lightning",
        ),
    ],
)
async def test_each_environment_has_its_login_host(service: Service, wish: dict[str, Any], host: str) -> None:
    hosts = {
        "salesforce_login_url": "https://login.otter.my.salesforce.com",
        "salesforce_sandbox_login_url": "https://test.salesforce.com",
    }
    settings = service.settings.model_copy(update=hosts)
    service.app.state.resources = replace(service.resources, settings=settings)
    assert await login_host_of(service, **wish) == host


@pytest.mark.parametrize("my_domain", HOSTILE)
async def test_anything_but_a_my_domain_is_refused(service: Service, my_domain: str) -> None:
    wish = {"environment": "my_domain", "my_domain": my_domain}
    answer = await service.http.post("/v1/hosts/host_a/salesforce/connect", json=wish)
    body = answer.json()
    assert (answer.status_code, body["code"], body["errors"][0]["path"]) == (
        422,
        "PayloadInvalid",
        "body.my_domain",
    )
    assert body["advice"]["code"] == "my_domain_invalid"


@pytest.mark.parametrize("my_domain", ["acme.my.salesforce.mil", "https://acme.lightning.sfcrmapps.cn/"])
async def test_partition_is_refused_in_its_own_words_until_it_is_switched_on(
    service: Service, my_domain: str
) -> None:
    wish = {"environment": "my_domain", "my_domain": my_domain}
    answer = await service.http.post("/v1/hosts/host_a/salesforce/connect", json=wish)
    assert (answer.status_code, answer.json()["advice"]["code"]) == (422, "partition_off")
    settings = service.settings.model_copy(update={"salesforce_partitions": ("mil", "cn")})
    settings.__dict__.pop("extra_hosts", None)
    service.app.state.resources = replace(service.resources, settings=settings)
    assert (await service.http.post("/v1/hosts/host_a/salesforce/connect", json=wish)).status_code == 201


@pytest.mark.parametrize(
    ("environment", "is_sandbox", "code"),
    [
        pytest.param("production", True, "not_for_production", id="sandbox user at production"),
        pytest.param("sandbox", False, "not_for_sandbox", id="production user at sandbox"),
    ],
)
async def test_mix_up_is_named_and_leaves_no_grant(
    service: Service, environment: str, is_sandbox: bool, code: str
) -> None:
    user = users(service, is_sandbox=is_sandbox)[0]
    view = await sign_in(service, user, environment=environment)
    assert (view["state"], view["problem"]["code"]) == ("failed", code)
    assert all(len(org.grants) == 0 for org in service.simulator.simulator.orgs.values())


async def test_my_domain_is_used_for_every_refresh(service: Service) -> None:
    wish = {"environment": "my_domain", "my_domain": SIMULATOR_URL}
    view = await sign_in(service, users(service, is_sandbox=False)[0], **wish)
    assert view["state"] == "connected"
    assert await ConnectionTokens(service.resources, "host_a").keep_alive()
    card = await service.card()
    assert (card["connection"]["environment"], card["connection"]["login_host"]) == (
        "my_domain",
        urlsplit(SIMULATOR_URL).netloc,
    )


async def test_start_link_carries_the_challenge_in_every_environment(service: Service) -> None:
    for wish in ({"environment": "sandbox"}, {"environment": "my_domain", "my_domain": SIMULATOR_URL}):
        attempt = await service.start(**wish)
        answer = await service.http.post(attempt["start_url"])
        requests = parse_qs(urlsplit(answer.headers["location"]).query)
        assert requests["code_challenge_method"] == ["S256"]
