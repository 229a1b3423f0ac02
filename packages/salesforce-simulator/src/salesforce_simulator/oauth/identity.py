"""The identity URL and userinfo: who the token belongs to."""

from typing import Any

from salesforce_simulator.grants import Grant
from salesforce_simulator.hosts import instance_url, login_url, logs_in
from salesforce_simulator.http import TEXT, Request, Response
from salesforce_simulator.org import Org
from salesforce_simulator.simulator import Simulator
from salesforce_simulator.store import Row

_RESOURCES = {
    "enterprise": "/services/Soap/c/{version}/",
    "metadata": "/services/Soap/m/{version}/",
    "partner": "/services/Soap/u/{version}/",
    "rest": "/services/data/v{version}/",
    "sobjects": "/services/data/v{version}/sobjects/",
    "search": "/services/data/v{version}/search/",
    "query": "/services/data/v{version}/query/",
    "recent": "/services/data/v{version}/recent/",
    "tooling_soap": "/services/Soap/T/{version}/",
    "tooling_rest": "/services/data/v{version}/tooling/",
    "feeds": "/services/data/v{version}/chatter/feeds",
    "groups": "/services/data/v{version}/chatter/groups",
    "users": "/services/data/v{version}/chatter/users",
    "feed_items": "/services/data/v{version}/chatter/feed-items",
    "feed_elements": "/services/data/v{version}/chatter/feed-elements",
}
_OF_IDENTITY = frozenset(("id", "openid", "profile", "full"))


def identity(simulator: Simulator, request: Request) -> Response:
    """/id/{org}/{user}; a bad token is 403 in plain text, neither JSON nor 401."""
    found = _token_user(simulator, request)
    if isinstance(found, Response):
        return found
    org, user = found
    parts = request.path.strip("/").split("/")
    if len(parts) != 3 or parts[1][:15] != org.id[:15]:
        return Response(403, "Wrong_Org", content_type=TEXT)
    if parts[2][:15] != user["Id"][:15]:
        return Response(403, "Bad_Id", content_type=TEXT)
    return Response(200, _identity(org, user, request.base_url))


def userinfo(simulator: Simulator, request: Request) -> Response:
    """The OpenID Connect form of the same."""
    found = _token_user(simulator, request)
    return found if isinstance(found, Response) else Response(200, _userinfo(*found, request.base_url))


def _token_user(simulator: Simulator, request: Request) -> tuple[Org, Row] | Response:
    _, _, token = request.headers.get("authorization", "").partition(" ")
    token = token or request.query.get("access_token", "")
    if not token:
        return Response(403, "Missing_OAuth_Token", content_type=TEXT)
    found = simulator.by_access_token(token.strip())
    user = found[0].store.get("User", found[1].user_id) if found else None
    host = request.headers.get("host", "")
    if found is None or user is None or not _may_ask(*found) or not logs_in(found[0], host):
        return Response(403, "Bad_OAuth_Token", content_type=TEXT)
    return found[0], user


def _may_ask(org: Org, grant: Grant) -> bool:
    return not org.config.identity_needs_scope or not _OF_IDENTITY.isdisjoint(grant.scope.split())


def _identity(org: Org, user: Row, base_url: str) -> dict[str, Any]:
    own = f"{login_url(org, base_url)}/id/{org.id}/{user['Id']}"
    base_url = instance_url(org, base_url)
    return {
        "id": own,
        "asserted_user": True,
        "user_id": user["Id"],
        "organization_id": org.id,
        "username": user["Username"],
        "nick_name": user["Alias"],
        "display_name": user["Name"],
        "email": user["Email"],
        "email_verified": True,
        "first_name": user["FirstName"],
        "last_name": user["LastName"],
        "timezone": user["TimeZoneSidKey"],
        "photos": _photos(base_url),
        **dict.fromkeys(("addr_street", "addr_city", "addr_state", "addr_country", "addr_zip")),
        "mobile_phone": user["MobilePhone"],
        "mobile_phone_verified": False,
        "is_lightning_login_user": False,
        "status": {"created_date": None, "body": None},
        "urls": _urls(user, base_url),
        "active": user["IsActive"],
        "user_type": "STANDARD",
        "language": user["LanguageLocaleKey"],
        "locale": user["LocaleSidKey"],
        "utcOffset": 3600000,
        "last_modified_date": user["LastModifiedDate"],
        "is_app_installed": True,
    }


def _userinfo(org: Org, user: Row, base_url: str) -> dict[str, Any]:
    own = f"{login_url(org, base_url)}/id/{org.id}/{user['Id']}"
    base_url = instance_url(org, base_url)
    return {
        "sub": own,
        "user_id": user["Id"],
        "organization_id": org.id,
        "preferred_username": user["Username"],
        "nickname": user["Alias"],
        "name": user["Name"],
        "email": user["Email"],
        "email_verified": True,
        "given_name": user["FirstName"],
        "family_name": user["LastName"],
        "zoneinfo": user["TimeZoneSidKey"],
        "photos": _photos(base_url),
        "profile": f"{base_url}/{user['Id']}",
        "picture": f"{base_url}/profilephoto/005/F",
        "address": {},
        "is_salesforce_integration_user": False,
        "urls": _urls(user, base_url),
        "active": user["IsActive"],
        "user_type": "STANDARD",
        "language": user["LanguageLocaleKey"],
        "locale": user["LocaleSidKey"],
        "utcOffset": 3600000,
        "updated_at": user["LastModifiedDate"],
    }


def _photos(base_url: str) -> dict[str, str]:
    return {"picture": f"{base_url}/profilephoto/005/F", "thumbnail": f"{base_url}/profilephoto/005/T"}


def _urls(user: Row, base_url: str) -> dict[str, str]:
    urls = {name: base_url + path for name, path in _RESOURCES.items()}
    return {**urls, "profile": f"{base_url}/{user['Id']}", "custom_domain": base_url}
