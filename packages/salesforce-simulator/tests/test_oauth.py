"""The authorize pages, tokens, revocation and identity."""

import base64
import hashlib
import hmac
import json
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from salesforce_simulator.simulator import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET
from support.client import BASE_URL, OrgClient

CALLBACK = "https://app.example.com/callback"
USER = "ada.admin@northwind.example"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ASKED = {
    "response_type": "code",
    "client_id": DEFAULT_CLIENT_ID,
    "redirect_uri": CALLBACK,
    "scope": "api refresh_token id",
    "state": "s t&1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


async def authorize(org: OrgClient, **changes: str | None) -> httpx.Response:
    asked = {
        k: v for k, v in ({**ASKED, "username": USER, "decision": "allow"} | changes).items() if v is not None
    }
    return await org.http.post("/services/oauth2/authorize", data=asked)


def returned(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 302
    location = answer.headers["location"]
    assert location.startswith(CALLBACK)
    return dict(parse_qsl(urlsplit(location).query))


async def code(org: OrgClient, **changes: str | None) -> str:
    return returned(await authorize(org, **changes))["code"]


async def token(org: OrgClient, **changes: str | None) -> httpx.Response:
    form = {"client_id": DEFAULT_CLIENT_ID, "client_secret": DEFAULT_CLIENT_SECRET, **changes}
    sent = {name: value for name, value in form.items() if value is not None}
    return await org.http.post("/services/oauth2/token", data=sent)


async def exchange(org: OrgClient, text: str | None = None, **changes: str | None) -> httpx.Response:
    given: dict[str, str | None] = {
        "grant_type": "authorization_code",
        "code": text or await code(org),
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    return await token(org, **{**given, **changes})


async def refresh(org: OrgClient, text: str, **changes: str | None) -> httpx.Response:
    return await token(org, **{"grant_type": "refresh_token", "refresh_token": text, **changes})


async def limits(org: OrgClient, access_token: str) -> httpx.Response:
    return await org.http.get(
        "/services/data/v62.0/limits", headers={"Authorization": f"Bearer {access_token}"}
    )


class TestAuthorize:
    async def test_the_pages_lead_to_a_code(self, org: OrgClient) -> None:
        login = await org.http.get("/services/oauth2/authorize", params=ASKED)
        assert (login.status_code, "Log in" in login.text, USER in login.text) == (200, True, True)
        approval = await org.http.post("/services/oauth2/authorize", data={**ASKED, "username": USER})
        assert "Event Registrations" in approval.text
        assert 'value="allow"' in approval.text
        assert 'name="state" value="s t&amp;1"' in approval.text
        values = returned(await authorize(org))
        assert values["state"] == "s t&1"
        assert values["code"].endswith("==")

    async def test_the_code_is_encoded_in_the_redirect(self, org: OrgClient) -> None:
        answer = await authorize(org, redirect_uri=f"{CALLBACK}?tenant=1")
        location = answer.headers["location"]
        assert location.startswith(f"{CALLBACK}?tenant=1&code=aPrx")
        assert "%3D%3D" in location

    async def test_a_login_hint_skips_the_login_page(self, org: OrgClient) -> None:
        answer = await org.http.get("/services/oauth2/authorize", params={**ASKED, "login_hint": USER})
        assert "Allow access?" in answer.text

    async def test_a_missing_challenge_is_served_without_a_type(self, org: OrgClient) -> None:
        assert (await authorize(org, code_challenge=None)).headers["content-type"] == ""

    async def test_only_configured_redirects_are_followed(self, org: OrgClient) -> None:
        await org.configure(apps=[{"client_id": "own", "client_secret": "s3", "redirect_uris": [CALLBACK]}])
        assert "code" in returned(await authorize(org, client_id="own"))
        answer = await authorize(org, client_id="own", redirect_uri="https://evil.example.com/")
        assert "redirect_uri_mismatch" in answer.text

    async def test_state_is_not_invented(self, org: OrgClient) -> None:
        assert list(returned(await authorize(org, state=None))) == ["code"]

    async def test_an_inactive_user_cannot_log_in(self, org: OrgClient) -> None:
        user_id = org.app.simulator.default_org.admin_id
        await org.data("PATCH", f"/sobjects/User/{user_id}", {"IsActive": False})
        page = await authorize(org)
        assert (page.status_code, f'value="{USER}"' in page.text) == (200, False)


class TestSignIn:
    """Who asks for nothing but who signs in."""

    async def test_a_token_of_the_identity_alone_reads_no_records(self, org: OrgClient) -> None:
        body = (await exchange(org, await code(org, scope="id"))).json()
        assert {"refresh_token", "id_token"}.isdisjoint(body)
        assert body["scope"] == "id"
        answer = await limits(org, body["access_token"])
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")
        whose = {"Authorization": f"Bearer {body['access_token']}"}
        assert (await org.http.get(body["id"], headers=whose)).json()["username"] == USER

    async def test_openid_brings_a_token_that_names_the_user(self, org: OrgClient) -> None:
        body = (await exchange(org, await code(org, scope="openid"))).json()
        claims = json.loads(base64.urlsafe_b64decode(body["id_token"].split(".")[1] + "=="))
        assert (claims["sub"], claims["aud"]) == (body["id"], DEFAULT_CLIENT_ID)
        assert "refresh_token" not in body

    async def test_its_only_token_takes_the_approval_along(self, org: OrgClient) -> None:
        grants = org.app.simulator.default_org.grants
        before = len(grants)
        body = (await exchange(org, await code(org, scope="id"))).json()
        assert len(grants) == before + 1
        await org.http.post("/services/oauth2/revoke", data={"token": body["access_token"]})
        assert len(grants) == before


class TestTokens:
    async def test_a_code_becomes_tokens_once(self, org: OrgClient) -> None:
        text = await code(org)
        body = (await exchange(org, text)).json()

        session = await org.sign_in()
        identity = f"{BASE_URL}/id/{session['org_id']}/{session['user_id']}"
        assert set(body) == {
            *("access_token", "refresh_token", "signature", "scope"),
            *("instance_url", "id", "token_type", "issued_at"),
        }
        assert (body["id"], body["instance_url"], body["token_type"]) == (identity, BASE_URL, "Bearer")
        assert body["access_token"].startswith(session["org_id"][:15] + "!")
        assert body["issued_at"] == "1795255200000"
        signed = hmac.new(
            DEFAULT_CLIENT_SECRET.encode(), (identity + body["issued_at"]).encode(), hashlib.sha256
        )
        assert body["signature"] == base64.b64encode(signed.digest()).decode()
        again = await exchange(org, text)
        expected = {"error": "invalid_grant", "error_description": "expired authorization code"}
        assert (again.status_code, again.json()) == (400, expected)

    async def test_without_the_scope_there_is_no_refresh_token(self, org: OrgClient) -> None:
        body = (await exchange(org, await code(org, scope="api"))).json()
        assert "refresh_token" not in body

    async def test_a_code_dies_after_fifteen_minutes(self, org: OrgClient) -> None:
        text = await code(org)
        org.clock.advance(minutes=15, seconds=1)
        assert (await exchange(org, text)).json()["error_description"] == "expired authorization code"

    async def test_a_code_belongs_to_its_app(self, org: OrgClient) -> None:
        await org.configure(apps=[{"client_id": "own", "client_secret": "s3"}])
        answer = await exchange(org, await code(org), client_id="own", client_secret="s3")
        assert answer.json()["error_description"] == "invalid authorization code"

    async def test_without_pkce_the_secret_must_come(self, org: OrgClient) -> None:
        await org.configure(pkce_required=False)
        plain = await code(org, code_challenge=None, code_challenge_method=None)
        refused = await exchange(org, plain, client_secret=None, code_verifier=None)
        assert refused.json()["error"] == "invalid_client"
        assert (await exchange(org, plain, code_verifier=None)).status_code == 200

    async def test_a_public_client_proves_itself_by_pkce(self, org: OrgClient) -> None:
        await org.configure(apps=[{"client_id": "public"}])
        text = await code(org, client_id="public")
        answer = await exchange(org, text, client_id="public", client_secret=None)
        assert answer.status_code == 200

    async def test_a_refresh_gives_a_new_access_token_only(self, org: OrgClient) -> None:
        first = (await exchange(org)).json()
        second = (await refresh(org, first["refresh_token"])).json()
        assert "refresh_token" not in second
        assert second["access_token"] != first["access_token"]
        assert (await limits(org, second["access_token"])).status_code == 200

    async def test_rotation_replaces_the_refresh_token_and_punishes_reuse(self, org: OrgClient) -> None:
        await org.configure(rotation=True)
        first = (await exchange(org)).json()
        second = (await refresh(org, first["refresh_token"])).json()
        assert second["refresh_token"] != first["refresh_token"]

        reused = await refresh(org, first["refresh_token"])

        expected = {"error": "invalid_grant", "error_description": "expired access/refresh token"}
        assert (reused.status_code, reused.json()) == (400, expected)
        assert (await refresh(org, second["refresh_token"])).status_code == 400
        assert (await limits(org, second["access_token"])).status_code == 401

    async def test_the_sixth_approval_revokes_the_first(self, org: OrgClient) -> None:
        bodies = [(await exchange(org)).json() for _ in range(6)]
        statuses = [(await refresh(org, body["refresh_token"])).status_code for body in bodies]
        assert statuses == [400, 200, 200, 200, 200, 200]
        assert (await limits(org, bodies[0]["access_token"])).status_code == 401
        assert (await limits(org, org.token)).status_code == 200

    async def test_revoking_a_refresh_token_ends_its_access_tokens(self, org: OrgClient) -> None:
        body = (await exchange(org)).json()
        answer = await org.http.post("/services/oauth2/revoke", data={"token": body["refresh_token"]})
        assert (answer.status_code, answer.content) == (200, b"")
        assert (await limits(org, body["access_token"])).status_code == 401
        again = await org.http.post("/services/oauth2/revoke", data={"token": body["refresh_token"]})
        assert (again.status_code, again.json()["error"]) == (400, "invalid_token")

    async def test_revoking_an_access_token_leaves_the_grant(self, org: OrgClient) -> None:
        body = (await exchange(org)).json()
        await org.http.get("/services/oauth2/revoke", params={"token": body["access_token"]})
        assert (await limits(org, body["access_token"])).status_code == 401
        assert (await refresh(org, body["refresh_token"])).status_code == 200

    async def test_introspection_tells_what_lives(self, org: OrgClient) -> None:
        body = (await exchange(org)).json()
        asked = {"client_id": DEFAULT_CLIENT_ID, "client_secret": DEFAULT_CLIENT_SECRET}
        for text, kind in ((body["access_token"], "access_token"), (body["refresh_token"], "refresh_token")):
            answer = (
                await org.http.post("/services/oauth2/introspect", data={**asked, "token": text})
            ).json()
            assert (answer["active"], answer["username"], answer["token_type"]) == (True, USER, kind)
        gone = await org.http.post("/services/oauth2/introspect", data={**asked, "token": "x"})
        assert gone.json() == {"active": False}
        refused = await org.http.post("/services/oauth2/introspect", data={"client_id": "x"})
        assert refused.status_code == 400


class TestSessions:
    @pytest.mark.parametrize(
        ("header", "code_", "message"),
        [
            (None, "INVALID_SESSION_ID", "Session expired or invalid"),
            ("Bearer 00D!nonsense", "INVALID_SESSION_ID", "Session expired or invalid"),
            ("Bearer nonsense", "INVALID_SESSION_ID", "Session expired or invalid"),
            ("Basic abc", "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE"),
        ],
        ids=["none", "unknown", "no token", "another scheme"],
    )
    async def test_a_bad_session_is_401(
        self, org: OrgClient, header: str | None, code_: str, message: str
    ) -> None:
        headers = {"Authorization": header} if header else {}
        answer = await org.http.get("/services/data/v62.0/limits", headers=headers)
        assert (answer.status_code, answer.json()) == (401, [{"message": message, "errorCode": code_}])

    async def test_without_the_api_scope_refreshing_does_not_help(self, org: OrgClient) -> None:
        body = (await exchange(org, await code(org, scope="id refresh_token"))).json()
        answer = await limits(org, body["access_token"])
        message = "This session is not valid for use with the REST API"
        assert (answer.status_code, answer.json()) == (
            401,
            [{"message": message, "errorCode": "INVALID_SESSION_ID"}],
        )

    async def test_a_session_slides_until_its_timeout(self, org: OrgClient) -> None:
        await org.configure(session_minutes=15)
        token_text = (await exchange(org)).json()["access_token"]
        for _ in range(3):
            org.clock.advance(minutes=10)
            assert (await limits(org, token_text)).status_code == 200
        org.clock.advance(minutes=16)
        assert (await limits(org, token_text)).status_code == 401

    async def test_tokens_can_be_expired_and_grants_revoked_from_inside(self, org: OrgClient) -> None:
        body = (await exchange(org)).json()
        assert (await org.door("POST", "expire-tokens"))["expired"] == 2
        assert (await limits(org, body["access_token"])).status_code == 401
        assert (await refresh(org, body["refresh_token"])).status_code == 200
        assert await org.door("POST", "revoke", {"client_id": "other"}) == {"revoked": 0}
        assert await org.door("POST", "revoke") == {"revoked": 2}
        assert (await refresh(org, body["refresh_token"])).status_code == 400


class TestIdentity:
    async def test_it_names_the_user_and_the_org(self, org: OrgClient) -> None:
        body = (await exchange(org)).json()
        headers = {"Authorization": f"Bearer {body['access_token']}"}
        identity = (await org.http.get(body["id"], headers=headers)).json()
        info = (await org.http.get("/services/oauth2/userinfo", headers=headers)).json()
        assert (identity["username"], identity["display_name"], identity["id"]) == (
            USER,
            "Ada Admin",
            body["id"],
        )
        assert identity["urls"]["rest"] == f"{BASE_URL}/services/data/v{{version}}/"
        assert (info["preferred_username"], info["sub"]) == (USER, body["id"])
        by_query = await org.http.get(body["id"], params={"access_token": body["access_token"]})
        assert by_query.json() == identity

    @pytest.mark.parametrize("path", ["/id/{org}/{user}", "/services/oauth2/userinfo"])
    @pytest.mark.parametrize(
        ("header", "text"), [("Bearer 00D!x", "Bad_OAuth_Token"), ("", "Missing_OAuth_Token")]
    )
    async def test_a_bad_token_is_403_in_plain_text(
        self, org: OrgClient, path: str, header: str, text: str
    ) -> None:
        session = await org.sign_in()
        url = path.format(org=session["org_id"], user=session["user_id"])
        answer = await org.http.get(url, headers={"Authorization": header} if header else {})
        assert (answer.status_code, answer.text) == (403, text)
        assert answer.headers["content-type"].startswith("text/plain")

    async def test_another_org_or_user_is_refused(self, org: OrgClient) -> None:
        session = await org.sign_in()
        headers = {"Authorization": f"Bearer {org.token}"}
        wrong_org = await org.http.get(f"/id/00D000000000000EAA/{session['user_id']}", headers=headers)
        wrong_user = await org.http.get(f"/id/{session['org_id']}/005000000000000AAA", headers=headers)
        assert (wrong_org.text, wrong_user.text) == ("Wrong_Org", "Bad_Id")


async def test_each_org_has_its_own_users_and_rows(org: OrgClient) -> None:
    orgs = (await org.door("GET", "orgs"))["orgs"]
    other = orgs[1]
    text = await code(org, username=other["users"][0])
    body = (await exchange(org, text)).json()
    await org.lead()

    assert other["org_id"] in body["id"]
    headers = {"Authorization": f"Bearer {body['access_token']}"}
    answer = await org.http.get("/services/data/v62.0/query?q=SELECT+Id+FROM+Lead", headers=headers)
    assert answer.json()["totalSize"] == 0
    session = (await org.http.get("/_simulator/session", params={"org": other["org_id"]})).json()
    assert session["org_id"] == other["org_id"]
    assert [one["is_sandbox"] for one in orgs] == [False, False, True]
    assert (await refresh(org, body["refresh_token"])).status_code == 200
