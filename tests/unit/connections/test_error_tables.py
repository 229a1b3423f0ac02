"""The tables of errors: every row leads to advice that exists and reads whole."""

import string

import pytest

from app.connections.model.messages import api_advice
from app.connections.oauth.browser_pages import Return, popup_page
from app.connections.oauth.error_mapping import (
    ADVICE_BY_API_CODE,
    ADVICE_BY_ERROR,
    ConnectFailed,
    advice_code_of,
    from_oauth,
)
from app.connections.oauth.grant_exchange import choose_version, parse_identity_url
from app.connections.tokens.connection_state import REASONS, disconnect_reason
from app.salesforce.oauth import OAuthRejected, OAuthResponseLost
from app.user_messages.catalog import ADVICE, OWN_APP_ADVICE, codes_of

OF_CONNECTIONS = codes_of("reason", "fault", "attempt", "hint", "warning", "own_app")
FILLED = {"support_email", "redirect_uri", "api_version", "edition"}
REASON_CODES = {
    "access_revoked",
    "user_inactive",
    "app_uninstalled",
    "app_blocked",
    "api_disabled",
    "session_not_for_api",
    "credentials_cleared",
    "credentials_rejected",
    "org_inactive",
    "ip_restricted",
    "grant_evicted",
    "restored",
    "disconnected_by_host",
    "environment_not_configured",
}


@pytest.mark.parametrize("reason", sorted(REASON_CODES))
def test_every_reason_has_advice_with_a_step(reason: str) -> None:
    assert ADVICE[reason].steps


@pytest.mark.parametrize(
    "code", sorted({row[2] for row in ADVICE_BY_ERROR} | set(ADVICE_BY_API_CODE.values()))
)
def test_every_connect_error_has_advice(code: str) -> None:
    assert ADVICE[code].explanation


@pytest.mark.parametrize("code", sorted(OF_CONNECTIONS))
def test_every_advice_leads_to_its_place_in_the_guide(code: str) -> None:
    link = ADVICE[code].link
    assert link is not None
    assert link.startswith("/docs/connecting#")


def test_connection_reasons_are_the_ones_of_the_card() -> None:
    assert {reason for _, _, reason in REASONS if reason} <= REASON_CODES


@pytest.mark.parametrize("row", REASONS, ids=lambda row: f"{row[0]}-{row[1] or 'any'}")
def test_each_refusal_of_a_refresh_has_its_reason(row: tuple[str, str, str | None]) -> None:
    error, words, reason = row
    assert disconnect_reason(OAuthRejected(error.upper(), f"the {words.upper()} said so", 400)) == reason


def test_unknown_refusal_may_pass() -> None:
    assert disconnect_reason(OAuthRejected("unknown_error", "retry your request", 400)) is None


@pytest.mark.parametrize("row", ADVICE_BY_ERROR, ids=lambda row: f"{row[0]}-{row[1] or 'any'}")
def test_each_connect_error_finds_its_advice(row: tuple[str, str, str]) -> None:
    error, words, code = row
    assert advice_code_of(error.upper(), f"the {words} said so") == code


def test_gateway_error_means_salesforce_is_away() -> None:
    assert advice_code_of("http_502", "") == "salesforce_away"


def test_lost_answer_means_salesforce_is_away() -> None:
    failed = from_oauth(OAuthResponseLost("no answer"))
    assert (failed.problem_code, failed.failure) == ("salesforce_away", None)


def test_long_words_of_salesforce_are_cut() -> None:
    failed = from_oauth(OAuthRejected("x" * 200, "y" * 900, 400))
    assert failed.failure is not None
    assert (len(failed.failure.error_code), len(failed.failure.message)) == (100, 500)


@pytest.mark.parametrize("code", sorted(ADVICE))
def test_advice_asks_only_for_what_somebody_fills_in(code: str) -> None:
    row = ADVICE[code]
    texts = (row.title, row.explanation, *row.steps)
    places = {name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name}
    is_ours = code in OF_CONNECTIONS
    assert not is_ours or places <= FILLED


@pytest.mark.parametrize("code", sorted(OWN_APP_ADVICE))
def test_own_app_never_hears_of_the_package(code: str) -> None:
    row = ADVICE[OWN_APP_ADVICE[code]]
    texts = " ".join((row.title, row.explanation, *row.steps))
    assert "package" not in texts.lower()
    assert "Eventship app" not in texts


@pytest.mark.parametrize(
    ("edition", "code"),
    [
        ("Starter Suite", "edition_without_api"),
        ("Pro Suite", "edition_without_api"),
        ("Essentials Edition", "edition_without_api"),
        ("Team Edition", "edition_without_api"),
        ("Professional Edition", "edition_needs_api_addon"),
        ("Enterprise Edition", "api_not_enabled_for_user"),
        ("Developer Edition", "api_not_enabled_for_user"),
        ("Something New", "api_disabled"),
        (None, "api_disabled"),
    ],
)
def test_advice_for_a_closed_api_depends_on_the_edition(edition: str | None, code: str) -> None:
    assert api_advice(edition) == code


@pytest.mark.parametrize(
    ("offered", "preferred", "chosen"),
    [
        pytest.param(["61.0", "62.0", "68.0"], "62.0", "62.0", id="offered"),
        pytest.param(["58.0", "60.0"], "62.0", "60.0", id="newest older"),
        pytest.param(["99.0", "100.0", "101.0"], "100.0", "100.0", id="three digits"),
        pytest.param(["next", "60.0"], "62.0", "60.0", id="odd names"),
    ],
)
def test_api_version_is_the_wanted_or_the_newest_older_one(
    offered: list[str], preferred: str, chosen: str
) -> None:
    assert choose_version(offered, preferred) == chosen


def test_org_without_a_usable_api_version_is_named() -> None:
    with pytest.raises(ConnectFailed, match="api_version_missing"):
        choose_version(["70.0"], "62.0")


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/id/00D5g000004XyZaEAK/0055g00000AbCdEAAV",
        "https://login.salesforce.com.evil.example/id/00D5g000004XyZaEAK/0055g00000AbCdEAAV",
        "https://login.salesforce.com@evil.example/id/00D5g000004XyZaEAK/0055g00000AbCdEAAV",
        "http://login.salesforce.com/id/00D5g000004XyZaEAK/0055g00000AbCdEAAV",
        "https://login.salesforce.com/id/00D5g000004XyZaEAK",
        "https://login.salesforce.com/id/00D5g000004XyZaEAB/0055g00000AbCdEAAV",
        "https://login.salesforce.com/id/00D5g000004XyZaEAK/0055g00000AbCdEAAV?x=1",
        "https://login.salesforce.com/id/00D5g000004XyZaEAK/0055g00000AbCdEAAV/../../x",
        "",
    ],
)
def test_identity_address_of_anybody_else_is_refused(url: str) -> None:
    with pytest.raises(ConnectFailed, match="host_not_allowed"):
        parse_identity_url(url)


def test_identity_address_names_org_and_user() -> None:
    url = "https://login.salesforce.com/id/00D5g000004XyZa/0055g00000AbCdEAAV"
    assert parse_identity_url(url) == ("00D5g000004XyZaEAK", "0055g00000AbCdEAAV")


def test_popup_page_cannot_be_broken_out_of() -> None:
    text = "</script><b>\u2028"
    page = popup_page(Return("https://app.example", f"https://app.example/{text}", text, "confirm", text))
    body = bytes(page.body).decode()
    assert body.count("</script>") == 1
    assert "\u2028" not in body
