"""Advice about connections: the row for a case, with the places filled that settings and the org know."""

from typing import Final

from app.config.origins import callback_at
from app.config.settings import Settings
from app.sync.lookup.access import AccessProblem
from app.user_messages.catalog import OWN_APP_ADVICE, advise, say
from app.user_messages.rows import Advice

# What Organization.OrganizationType says of a suite is not documented; both spellings are looked for.
WITHOUT_API: Final = ("starter", "pro suite", "essentials", "group", "team", "base", "contact manager")
NEEDS_ADD_ON: Final = ("professional",)
WITH_API: Final = ("enterprise", "unlimited", "performance", "developer")


def explain(
    settings: Settings,
    code: str,
    *,
    is_own: bool = False,
    edition: str | None = None,
    address: str | None = None,
) -> Advice:
    """The advice for `code`, as it is for an own app, and at this address of ours. Raises KeyError."""
    return advise(
        OWN_APP_ADVICE.get(code, code) if is_own else code,
        support_email=settings.support_email,
        redirect_uri=callback_at(address or settings.public_url),
        api_version=settings.salesforce_api_version,
        edition=edition or say("word.this_edition"),
    )


def explain_reason(settings: Settings, code: str, *, is_own: bool, edition: str | None) -> Advice:
    """Return the card's advice: its code is the reason's, its text fits the app and the edition."""
    chosen = api_advice(edition) if code == "api_disabled" else code
    advice = explain(settings, chosen, is_own=is_own, edition=edition)
    return advice.model_copy(update={"code": code})


def explain_problem(settings: Settings, problem: AccessProblem) -> Advice:
    """The advice for what the connected user lacks."""
    return advise(
        problem.code,
        object=problem.sobject or say("word.a_record"),
        field=problem.field or say("word.a_field"),
        label=problem.field or say("word.a_field"),
        error_code=problem.error_code or say("word.a_refusal"),
        support_email=settings.support_email,
    )


def api_advice(edition: str | None) -> str:
    """The advice code for an org that refuses the API, by its edition.

    https://help.salesforce.com/s/articleView?id=000385436
    """
    name = (edition or "").lower()
    table = (
        (WITHOUT_API, "edition_without_api"),
        (NEEDS_ADD_ON, "edition_needs_api_addon"),
        (WITH_API, "api_not_enabled_for_user"),
    )
    found = (code for words, code in table if any(word in name for word in words))
    return next(found, "api_disabled")
