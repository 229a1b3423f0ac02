"""Which Account a Contact belongs to: its company by exact name, then by the name's essence. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from app.sync.field_values.lead_fields import FREE_MAIL_DOMAINS, NO_COMPANY
from app.sync.field_values.text import normalize_text, shortened, without_accents

NAME_LENGTH: Final = 255
NON_COMPANIES: Final = "n/a|na|none|self|self-employed|self employed|freelance|freelancer|private|privat"
NON_COMPANY_NAMES: Final = frozenset(NON_COMPANIES.split("|"))
"""What people write who have no company."""

LEGAL: Final = """
ab ag aps as asa bv bvba co company corp corporation ev eurl gbr gmbh gmbhcokg inc incorporated kft kg kgaa
limited llc llp lp ltd ltda mbh nv ohg oy oyj plc pty pvt sa sarl sas sasu sca scop se sl slu snc spa sprl
srl ug
"""
LEGAL_FORMS: Final = frozenset(LEGAL.split())
AND: Final = "and"
ARTICLES: Final = frozenset({"the"})
SHORT: Final = 4
WORD: Final = re.compile(r"[^\W_]+")
DOTS: Final = re.compile(r"[.'’`´]")


@dataclass(frozen=True)
class AccountRow:
    """An Account as a query shows it."""

    id: str
    name: str
    created_at: str


def company_of(given: str | None) -> str | None:
    """Return the company as an Account's name, truncated to its length; None for no usable company."""
    company = normalize_text(given)
    if company is None or company == NO_COMPANY:
        return None
    plain = company.casefold()
    is_free_mail = plain.removeprefix("www.").rpartition("@")[2] in FREE_MAIL_DOMAINS
    if is_free_mail or plain in NON_COMPANY_NAMES or not any(char.isalnum() for char in plain):
        return None
    return shortened(company, NAME_LENGTH)


def normalized_name(company: str) -> str:
    """Normalize a company name: no case, accents, punctuation, spaces, or legal forms at its end.

    A name of nothing but legal forms keeps them.
    """
    words = _words(company)
    while len(words) > 1 and (words[-1] in LEGAL_FORMS or words[-1] == AND):
        words.pop()
    if len(words) > 1 and words[0] in ARTICLES:
        words.pop(0)
    return "".join(words) or company.casefold().strip()


def name_prefixes(company: str) -> tuple[str, ...]:
    """Return prefixes of candidate Account names for LIKE; the results are normalized afterwards.

    LIKE ignores case; article, accents and dots are queried with and without. An accent or a dot that only
    the Account has is not guessed.
    """
    words = company.split()
    if len(words) > 1 and words[0].casefold() in ARTICLES:
        words.pop(0)
    begin = dict.fromkeys((_begin(words), _begin(without_accents(DOTS.sub("", " ".join(words))).split())))
    return tuple(f"{article}{each}" for each in begin if each for article in ("", "The "))


def match_account(company: str, accounts: Iterable[AccountRow]) -> AccountRow | None:
    """The Account of exactly this name, else of the same essence; of several the oldest."""
    rows = sorted(accounts, key=lambda row: (row.created_at, row.id))
    exact = next((row for row in rows if row.name.strip().casefold() == company.casefold()), None)
    wanted = normalized_name(company)
    return exact or next((row for row in rows if normalized_name(row.name) == wanted), None)


def _begin(words: list[str]) -> str:
    """Return the letters of the first word; of a short one all, with the next word."""
    first, *rest = words or [""]
    letters = WORD.match(first)
    if letters and len(letters[0]) >= SHORT:
        return letters[0]
    return f"{first} {rest[0]}" if rest and len(first) < SHORT else first


def _words(company: str) -> list[str]:
    return WORD.findall(without_accents(DOTS.sub("", company).casefold().replace("&", f" {AND} ")))
