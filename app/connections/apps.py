"""Which Salesforce app a host connects through, and its credentials."""

from dataclasses import dataclass, field

from app.settings import Settings


class AppNotConfigured(Exception):
    """This process was not given the credentials of the app that a connection was made with."""


@dataclass(frozen=True)
class AppCredentials:
    """Consumer Key and Consumer Secret; a public client has no secret."""

    client_id: str
    client_secret: str | None = field(repr=False)


def shared_app(settings: Settings) -> AppCredentials:
    """The platform's own app. Raises AppNotConfigured."""
    if settings.salesforce_client_id is None:
        raise AppNotConfigured("SALESFORCE_CLIENT_ID is not set")
    secret = settings.salesforce_client_secret
    return AppCredentials(settings.salesforce_client_id, secret.get_secret_value() if secret else None)


def credentials_for(settings: Settings, client_id: str) -> AppCredentials:
    """The credentials behind a stored client id. Raises AppNotConfigured when they are not the ones here."""
    app = shared_app(settings)
    if app.client_id != client_id:
        raise AppNotConfigured("SALESFORCE_CLIENT_ID is not the app that the connection was made with")
    return app
