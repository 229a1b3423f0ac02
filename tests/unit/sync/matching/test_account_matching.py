"""Which Account a company means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sync.matching.account_matching import (
    AccountRow,
    company_of,
    match_account,
    name_prefixes,
    normalized_name,
)


@pytest.mark.parametrize(
    ("given_company", "company"),
    [
        pytest.param(" River  Ltd ", "River Ltd", id="as given"),
        pytest.param("3M", "3M", id="a digit"),
        pytest.param("x" * 300, "x" * 255, id="as long as an Account's name"),
        *[
            pytest.param(nobody, None, id=f"nobody: {nobody!r}")
            for nobody in (None, "", " ", "-", "--", "n/a", "N/A", "Self", "none", "[not provided]", "?")
        ],
        pytest.param("gmail.com", None, id="free mail"),
        pytest.param("ada@gmail.com", None, id="a free-mail address"),
        pytest.param("river.example", "river.example", id="a domain of its own"),
    ],
)
def test_companies_that_count(given_company: str | None, company: str | None) -> None:
    assert company_of(given_company) == company


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("River Ltd", "RIVER LIMITED", id="case and legal form"),
        pytest.param("Müller GmbH & Co. KG", "Muller", id="accents and a long form"),
        pytest.param("River, Inc.", "river", id="punctuation"),
        pytest.param("Smith & Sons", "Smith and Sons", id="and"),
        pytest.param("The River Company", "River", id="article"),
        pytest.param("O'Brien S.A.", "OBrien", id="dots"),
        pytest.param("River-Bank", "Riverbank", id="hyphen"),
    ],
)
def test_names_with_one_essence(one: str, other: str) -> None:
    assert normalized_name(one) == normalized_name(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("River North", "River South"), ("SE", "AG"), ("River", "Rivers"), ("株式会社", "会社")],
)
def test_names_with_another_essence(one: str, other: str) -> None:
    assert normalized_name(one) != normalized_name(other)


def account(id_: str, name: str, created_at: str = "2020") -> AccountRow:
    return AccountRow(id_, name, created_at)


@pytest.mark.parametrize(
    ("company", "rows", "found"),
    [
        pytest.param("River", [], None, id="none"),
        pytest.param("River", [account("1", "Bank")], None, id="another"),
        pytest.param("River", [account("2", "River", "2021"), account("1", "river")], "1", id="oldest"),
        pytest.param(
            "River Ltd",
            [account("1", "River Inc", "2010"), account("2", "River Ltd", "2021")],
            "2",
            id="exact before similar",
        ),
        pytest.param(
            "River Ltd", [account("2", "River", "21"), account("1", "River GmbH")], "1", id="similar"
        ),
    ],
)
def test_matching(company: str, rows: list[AccountRow], found: str | None) -> None:
    chosen = match_account(company, rows)
    assert (chosen.id if chosen else None) == found


@pytest.mark.parametrize(
    ("company", "begin"),
    [
        pytest.param("River Bank Ltd", ("River", "The River"), id="the first word"),
        pytest.param("The River Ltd", ("River", "The River"), id="with and without the article"),
        pytest.param("River, Inc.", ("River", "The River"), id="no punctuation behind it"),
        pytest.param("3M", ("3M", "The 3M"), id="a short name"),
        pytest.param("C & A Mode", ("C &", "The C &"), id="a short word with the next"),
        pytest.param(
            "Müller GmbH", ("Müller", "The Müller", "Muller", "The Muller"), id="with and without accents"
        ),
        pytest.param(
            "A.B.C. Ltd", ("A.B.C.", "The A.B.C.", "ABC Ltd", "The ABC Ltd"), id="with and without dots"
        ),
        pytest.param("The", ("The", "The The"), id="nothing but the article"),
    ],
)
def test_stems(company: str, begin: tuple[str, ...]) -> None:
    assert name_prefixes(company) == begin


@given(st.text())
def test_any_text_is_a_company_or_none(text: str) -> None:
    company = company_of(text)
    if company is not None:
        assert normalized_name(company)
        assert company.casefold().startswith(tuple(each.casefold() for each in name_prefixes(company)))
        assert match_account(company, [account("1", company)]) is not None
