"""Advice about connections with the places filled that settings know."""

from app.advice import Advice, advise
from app.settings import Settings


def explain(settings: Settings, code: str) -> Advice:
    """The advice for `code`. Raises KeyError for a code that has no row."""
    return advise(
        code,
        support_email=settings.support_email,
        redirect_uri=settings.redirect_uri,
        api_version=settings.salesforce_api_version,
    )
