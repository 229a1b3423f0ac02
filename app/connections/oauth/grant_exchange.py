"""A new grant: traded for the code, checked for who made it and where it points, and tried out."""

import re
from dataclasses import dataclass
from typing import Final

from app.api.dependencies import Resources
from app.config.origins import callback_at
from app.connections.grants.approval_limit import GrantKey
from app.connections.model.app_credentials import AppNotConfigured, credentials_for
from app.connections.model.encrypted_columns import CODE_VERIFIER
from app.connections.model.login_urls import ENVIRONMENT_MISMATCHES
from app.connections.oauth.attempts import address_of
from app.connections.oauth.error_mapping import AWAY, ConnectFailed, from_api, from_oauth
from app.models import Connection, OAuthAttempt
from app.salesforce import oauth
from app.salesforce.allowed_hosts import HostNotAllowed, check_instance_url, check_login_host
from app.salesforce.auth import AccessToken, ConnectionEnded, SessionAuth, ends_at
from app.salesforce.client import SalesforceClient
from app.salesforce.errors import SalesforceError
from app.salesforce.identity import Identity, parse_identity, text_in
from app.salesforce.ids import MalformedId, to18
from app.salesforce.oauth import OAuthError, TokenResponse
from app.salesforce.soql import quote

CALL_SECONDS: Final = 15.0
ANOTHER_ORG: Final = "user_of_another_org"
ORGANIZATION: Final = "SELECT Id, Name, OrganizationType, IsSandbox FROM Organization"
OF_IDENTITY: Final = frozenset({"id", "openid", "profile", "full"})

FIELDS_OF_IDENTITY: Final = {
    "user_id": "Id",
    "username": "Username",
    "display_name": "Name",
    "email": "Email",
    "active": "IsActive",
    "user_type": "UserType",
    "language": "LanguageLocaleKey",
    "locale": "LocaleSidKey",
}
_IDENTITY_URL: Final = re.compile(r"(?P<origin>[^?#]+?)/id/(?P<org>\w{15,18})/(?P<user>\w{15,18})", re.ASCII)


@dataclass(frozen=True)
class Traded:
    """The tokens of a code; `is_genuine`: the signature matches the app's secret, where there is a signature.

    Salesforce signs nothing beside a JWT; the org is asked then.
    """

    tokens: TokenResponse
    is_genuine: bool


@dataclass(frozen=True)
class NewGrant:
    """Verified tokens and their user."""

    tokens: TokenResponse
    identity: Identity
    instance_url: str
    api_version: str
    org_name: str | None
    org_edition: str | None
    org_is_sandbox: bool | None

    def key(self, client_id: str) -> GrantKey:
        """What Salesforce counts the grant under."""
        return self.identity.organization_id, self.identity.user_id, client_id


@dataclass(frozen=True)
class SignedInUser:
    """Who signed in for themselves, and the tokens that are to be given back."""

    tokens: TokenResponse
    identity: Identity
    instance_url: str

    def key(self, client_id: str) -> GrantKey:
        """What Salesforce counts the sign-in under."""
        return self.identity.organization_id, self.identity.user_id, client_id


@dataclass(frozen=True)
class StaticTokenSource:
    """The TokenSource of a grant that is not stored yet: there is no second token."""

    token: AccessToken

    async def current(self) -> AccessToken:
        return self.token

    async def renew(self, used: AccessToken) -> AccessToken:
        raise ConnectionEnded("session_not_for_api")


def may_read_identity(scope: str) -> bool:
    """Whether a grant of this scope may ask the identity service; another asks the org itself."""
    return not OF_IDENTITY.isdisjoint(scope.split())


async def exchange(resources: Resources, attempt: OAuthAttempt, code: str) -> Traded:
    """Trade the code at the host where the attempt began. Raises ConnectFailed."""
    assert attempt.code_verifier is not None
    settings = resources.settings
    verifier = resources.vault.open(attempt.code_verifier, host_id=attempt.host_id, column=CODE_VERIFIER)
    try:
        app = await credentials_for(resources, attempt.host_id, attempt.client_id)
        answer = await oauth.exchange_code(
            resources.http,
            check_login_host(attempt.login_url, extra=settings.extra_hosts),
            code=code,
            client_id=app.client_id,
            client_secret=app.client_secret,
            redirect_uri=callback_at(address_of(settings, attempt)),
            code_verifier=verifier,
            within=settings.times.refresh_total,
        )
    except OAuthError as error:
        raise from_oauth(error) from error
    except (AppNotConfigured, HostNotAllowed) as error:
        raise ConnectFailed("client_rejected") from error
    secret = app.client_secret
    is_bare = not answer.signature and ends_at(answer.access_token) is not None
    return Traded(answer, is_genuine=secret is None or is_bare or oauth.verify_signature(answer, secret))


async def verify_grant(resources: Resources, attempt: OAuthAttempt, traded: Traded) -> NewGrant:
    """Look with the new token: who, which org, which API versions. Raises ConnectFailed."""
    answer = traded.tokens
    if not traded.is_genuine:
        raise ConnectFailed("answer_not_genuine")
    if answer.refresh_token is None:
        raise ConnectFailed("scope_missing")
    client = _client(resources, answer)
    try:
        api_version = choose_version(await client.versions(), resources.settings.salesforce_api_version)
        client.api_version = api_version
        identity = await _identity(resources, client, answer)
        organization = (await client.query(ORGANIZATION))[0]
    except SalesforceError as error:
        raise from_api(error) from error
    except IndexError as error:
        raise ConnectFailed(AWAY) from error
    is_sandbox = organization.get("IsSandbox")
    mixed_up = ENVIRONMENT_MISMATCHES.get((attempt.environment, is_sandbox))
    if mixed_up is not None:
        raise ConnectFailed(mixed_up)
    return NewGrant(
        tokens=answer,
        identity=identity,
        instance_url=client.instance_url,
        api_version=api_version,
        org_name=text_in(organization, "Name") or None,
        org_edition=text_in(organization, "OrganizationType") or None,
        org_is_sandbox=is_sandbox if isinstance(is_sandbox, bool) else None,
    )


async def verify_user(resources: Resources, attempt: OAuthAttempt, traded: Traded) -> SignedInUser:
    """Look with the new token who signed in: a user of the host's org, or ConnectFailed is raised."""
    answer = traded.tokens
    if not traded.is_genuine:
        raise ConnectFailed("answer_not_genuine")
    client = _client(resources, answer)
    claimed = parse_identity_url(answer.identity_url, extra=resources.settings.extra_hosts)
    try:
        identity = await client.identity(answer.identity_url)
    except SalesforceError as error:
        raise from_api(error) from error
    _check_identity(identity, claimed)
    async with resources.database.tenant(attempt.host_id) as session:
        connection = await session.get(Connection, attempt.host_id)
    if connection is None or connection.org_id != identity.organization_id:
        raise ConnectFailed(ANOTHER_ORG)
    return SignedInUser(answer, identity, client.instance_url)


def choose_version(offered: list[str], wanted: str) -> str:
    """Return the configured API version, or the newest older one of the org. Raises ConnectFailed."""
    known = [version for version in offered if re.fullmatch(r"\d{2,3}\.0", version)]
    older = [version for version in known if float(version) <= float(wanted)]
    if not older:
        raise ConnectFailed("api_version_missing")
    return max(older, key=float)


def parse_identity_url(url: str, *, extra: frozenset[str] = frozenset()) -> tuple[str, str]:
    """Org and user id (18 characters) of an identity URL on a login host. Raises ConnectFailed."""
    parts = _IDENTITY_URL.fullmatch(url)
    if parts is None:
        raise ConnectFailed("host_not_allowed")
    try:
        check_login_host(parts["origin"], extra=extra)
        return to18(parts["org"]), to18(parts["user"])
    except (HostNotAllowed, MalformedId) as error:
        raise ConnectFailed("host_not_allowed") from error


def _client(resources: Resources, answer: TokenResponse) -> SalesforceClient:
    try:
        instance_url = check_instance_url(answer.instance_url, extra=resources.settings.extra_hosts)
    except HostNotAllowed as error:
        raise ConnectFailed("partition_off" if error.is_partition else "host_not_allowed") from error
    return SalesforceClient(
        resources.http,
        SessionAuth(StaticTokenSource(AccessToken(answer.access_token, 0, instance_url))),
        instance_url=instance_url,
        api_version=resources.settings.salesforce_api_version,
        answer_within=CALL_SECONDS,
    )


async def _identity(resources: Resources, client: SalesforceClient, answer: TokenResponse) -> Identity:
    extra = resources.settings.extra_hosts
    may_be_read = may_read_identity(answer.scope)
    named = answer.identity_url if may_be_read else await client.named_identity()
    claimed = parse_identity_url(answer.identity_url or named, extra=extra)
    if may_be_read:
        identity = await client.identity(named)
    else:
        identity = await _user(client, *parse_identity_url(named, extra=extra))
    _check_identity(identity, claimed)
    return identity


def _check_identity(identity: Identity, claimed: tuple[str, str]) -> None:
    """Whether it is an active user, and whom the token answer named."""
    if claimed != (identity.organization_id, identity.user_id):
        raise ConnectFailed("answer_not_genuine")
    if not identity.is_active:
        raise ConnectFailed("user_inactive")


async def _user(client: SalesforceClient, org_id: str, user_id: str) -> Identity:
    """Query the user's names where the app may not call the identity service."""
    soql = f"SELECT {', '.join(FIELDS_OF_IDENTITY.values())} FROM User WHERE Id = {quote(user_id)}"  # noqa: S608
    row = (await client.query(soql))[0]
    body = {name: row.get(field) for name, field in FIELDS_OF_IDENTITY.items()}
    return parse_identity(body | {"organization_id": org_id})
