"""Each login host and each org under its own name; an old name leads on or refuses."""

from typing import Any

import httpx
import pytest

from support.client import OrgClient
from test_oauth import ASKED, USER, code, exchange, refresh, returned

LOGIN, TEST = "login.localhost:8100", "test.localhost:8100"
OWN, OTHER = "northwind.my.localhost:8100", "southwind.my.localhost:8100"
SANDBOX = "northwind--dev.sandbox.my.localhost:8100"
SANDBOX_USER = f"{USER}.sandbox"
NO_SESSION = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


async def at(org: OrgClient, host: str, path: str = "/services/data/v62.0/limits") -> httpx.Response:
    return await org.http.get(path, headers={"Host": host, "Authorization": f"Bearer {org.token}"})


async def signed_in(org: OrgClient, host: str, username: str = USER) -> Any:
    """The tokens of somebody who signed in at this host, with the access token in use from now on."""
    org.http.headers["host"] = host
    answer = await exchange(org, await code(org, username=username))
    del org.http.headers["host"]
    org.token = answer.json()["access_token"]
    return answer.json()


@pytest.mark.parametrize(
    ("host", "username", "login", "instance"),
    [
        (LOGIN, USER, LOGIN, OWN),
        (LOGIN, "sam.sales@southwind.example", LOGIN, OTHER),
        (TEST, SANDBOX_USER, TEST, SANDBOX),
        (OWN, USER, LOGIN, OWN),
        (SANDBOX, SANDBOX_USER, TEST, SANDBOX),
    ],
)
async def test_tokens_name_the_orgs_own_host(
    org: OrgClient, host: str, username: str, login: str, instance: str
) -> None:
    body = await signed_in(org, host, username)
    assert body["instance_url"] == f"http://{instance}"
    assert body["id"].startswith(f"http://{login}/id/00D")
    identity = (await at(org, login, body["id"].partition(login)[2])).json()
    assert (identity["username"], identity["id"]) == (username, body["id"])
    assert identity["urls"]["custom_domain"] == f"http://{instance}"
    assert (await at(org, instance)).status_code == 200
    assert (await at(org, instance, "/services/data/v62.0/")).json()["identity"] == body["id"]


@pytest.mark.parametrize(
    ("host", "username"),
    [(LOGIN, SANDBOX_USER), (TEST, USER), (OTHER, USER), (SANDBOX, USER), (OWN, SANDBOX_USER)],
)
async def test_who_belongs_elsewhere_does_not_log_in(org: OrgClient, host: str, username: str) -> None:
    answer = await org.http.post(
        "/services/oauth2/authorize",
        data={**ASKED, "username": username, "decision": "allow"},
        headers={"Host": host},
    )
    assert (answer.status_code, f'value="{username}"' in answer.text) == (200, False)


@pytest.mark.parametrize("host", [LOGIN, TEST])
async def test_login_hosts_have_no_data(org: OrgClient, host: str) -> None:
    answer = await at(org, host)
    message = "Destination URL not reset. The URL returned from login must be set"
    assert (answer.status_code, answer.json()) == (
        400,
        [{"errorCode": "URL_NOT_RESET", "message": message}],
    )


@pytest.mark.parametrize("host", [OTHER, SANDBOX])
async def test_token_of_one_org_is_no_session_of_another(org: OrgClient, host: str) -> None:
    body = await signed_in(org, LOGIN)
    answer = await at(org, host)
    assert (answer.status_code, answer.json()) == (401, NO_SESSION)
    identity = await at(org, host, body["id"].partition(LOGIN)[2])
    assert (identity.status_code, identity.text) == (403, "Bad_OAuth_Token")
    org.http.headers["host"] = host
    assert (await refresh(org, body["refresh_token"])).status_code == 400


@pytest.mark.parametrize("path", ["/", "/_simulator/orgs", "/people"])
async def test_control_pages_stay_off_these_names(org: OrgClient, path: str) -> None:
    for host in (LOGIN, OWN, "nobody.my.localhost"):
        assert (await at(org, host, path)).status_code == 404
    for host in ("localhost:8100", "127.0.0.1:8100"):
        assert (await at(org, host, path)).status_code == 200


async def test_name_of_nobody_is_gone(org: OrgClient) -> None:
    answer = await at(org, "nobody.my.localhost:8100", "/services/data")
    assert (answer.status_code, "URL No Longer Exists" in answer.text) == (404, True)


async def test_old_name_leads_to_the_new_one_whatever_is_asked(org: OrgClient) -> None:
    body = await signed_in(org, LOGIN)
    named = await org.door("POST", "rename", {"my_domain": "eastwind"})
    assert named == {"host": "eastwind.my.localhost", "old_hosts": ["northwind.my.localhost"]}
    for path in ("/services/data/v62.0/query?q=SELECT+Id+FROM+Lead", "/services/oauth2/userinfo"):
        answer = await at(org, OWN, path)
        assert answer.status_code == 301
        assert answer.headers["location"] == f"http://eastwind.my.localhost:8100{path}"
    assert (await at(org, "eastwind.my.localhost:8100")).json() == NO_SESSION
    org.http.headers["host"] = LOGIN
    refreshed = (await refresh(org, body["refresh_token"])).json()
    assert refreshed["instance_url"] == "http://eastwind.my.localhost:8100"
    del org.http.headers["host"]
    org.token = refreshed["access_token"]
    assert (await at(org, "eastwind.my.localhost:8100")).status_code == 200


@pytest.mark.parametrize(
    ("answers", "status", "text"),
    [("not_owned", 400, "ORG_NOT_OWNED_BY_INSTANCE"), ("gone", 404, "URL No Longer Exists")],
)
async def test_old_name_can_refuse_instead(org: OrgClient, answers: str, status: int, text: str) -> None:
    await org.configure(old_my_domain_answers=answers)
    await org.door("POST", "rename", {"my_domain": "eastwind"})
    answer = await at(org, OWN)
    assert (answer.status_code, text in answer.text) == (status, True)


async def test_org_can_take_its_old_name_back_and_no_other_orgs(org: OrgClient) -> None:
    for name in ("eastwind", "northwind"):
        await org.door("POST", "rename", {"my_domain": name})
    assert (await at(org, OWN, "/services/data")).status_code == 200
    assert (await at(org, "eastwind.my.localhost", "/services/data")).status_code == 301
    for wrong in ("southwind", "a.b", "", None):
        answer = await org.http.post("/_simulator/rename", json={"my_domain": wrong})
        assert (answer.status_code, "my_domain" in answer.json()["error"]) == (400, True)


async def test_any_other_name_serves_everything(org: OrgClient) -> None:
    await org.door("POST", "rename", {"my_domain": "eastwind"})
    session = await org.sign_in()
    for host in ("127.0.0.1:8100", "localhost:8100", "simulator:8100"):
        assert (await at(org, host)).status_code == 200
    assert session["instance_url"] == str(org.http.base_url).rstrip("/")
    orgs = (await org.door("GET", "orgs"))["orgs"]
    assert [one["host"] for one in orgs] == [
        "eastwind.my.localhost",
        "southwind.my.localhost",
        "northwind--dev.sandbox.my.localhost",
    ]


async def test_authorization_ends_at_the_app_from_a_login_host(org: OrgClient) -> None:
    org.http.headers["host"] = LOGIN
    answer = await org.http.post(
        "/services/oauth2/authorize", data={**ASKED, "username": USER, "decision": "deny"}
    )
    assert returned(answer)["error"] == "access_denied"
