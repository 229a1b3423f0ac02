"""Which of a campaign's member statuses fits which of our meanings: a table of labels, then fall-backs."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from app.states import StatusMeaning
from app.sync.field_values.text import utf16_length


@dataclass(frozen=True)
class MemberStatus:
    """One CampaignMemberStatus of a campaign; exactly one of them is its default."""

    label: str
    is_default: bool
    has_responded: bool
    sort_order: int


@dataclass(frozen=True)
class Guess:
    """A proposed label and why: `label`, `universal`, `default` or `none`."""

    label: str | None
    because: str


class LabelRow(NamedTuple):
    """A pattern over normalised labels (no accents, lower case, single spaces) and what it means."""

    meaning: StatusMeaning
    language: str
    pattern: re.Pattern[str]


# Somebody may register for a replay, or not watch it.
_UNLESS: Final = r"^(?!.*(?:regist|inscri|meldet|\bsigned|\bnot?\b|\bdidn\b|\bnicht\b|\bpas\b|\bnon\b))"

# The first pattern that matches a label decides, so what negates another meaning stands above it.
PATTERNS: Final[Mapping[StatusMeaning, Sequence[tuple[str, str]]]] = {
    StatusMeaning.NO_SHOW: (
        ("en", r"\bno ?shows?(?:ed)?\b"),
        ("en", r"\b(?:did not|didn t|not|never|non) (?:attend\w*|show\w*|appear|com(?:e|ing)|present)\b"),
        ("en", r"\b(?:absent|missed)\b"),
        ("fr", r"\b(?:absente?s?|(?:non|pas) (?:presente?s?|venue?s?|participee?s?|assiste))\b"),
        ("fr", r"\bne s est pas present"),
        ("de", r"\bnicht (?:erschienen|teilgenommen|anwesend|gekommen|da)\b"),
        ("de", r"\b(?:abwesend|ferngeblieben)\b"),
        ("es", r"\bno (?:asisti\w*|asistentes?|acudi\w*|participo|vino|presentad[oa]s?|se presento)\b"),
        ("es", r"\bausentes?\b"),
    ),
    StatusMeaning.CANCELLED: (
        ("en", r"\b(?:cancel|withdr[ae]w)\w*"),
        ("en", r"\b(?:un|de) ?registered\b"),
        ("fr", r"\b(?:annulee?s?|annulation|desistee?s?|desinscrite?s?)\b"),
        ("de", r"\b(?:storniert\w*|stornierung|abgesagt\w*|absage|abgemeldet\w*|zuruckgetreten)\b"),
        ("es", r"\b(?:anulad[oa]s?|anulacion)\b"),
    ),
    StatusMeaning.REPLAY_WATCHED: (
        ("en", rf"{_UNLESS}.*\b(?:replays?|on demand|recording)\b"),
        ("fr", rf"{_UNLESS}.*\b(?:rediffusion|differe|a la demande)\b"),
        ("de", rf"{_UNLESS}.*\b(?:aufzeichnung|auf abruf)\b"),
        ("es", rf"{_UNLESS}.*\b(?:grabacion|repeticion|diferido|a la carta)\b"),
    ),
    StatusMeaning.ATTENDED: (
        ("en", r"\b(?:attended|checked in|showed up|participated)\b"),
        ("en", r"\b(?:attendees?|present|joined|participante?s?)\b"),
        ("fr", r"\b(?:presente?s?|participee?s?|venue?s?|a assiste)\b"),
        ("de", r"\b(?:teilgenommen|anwesend|erschienen|eingecheckt|gekommen|teilnehmer\w*)\b"),
        ("es", r"\b(?:asistio|asistid[oa]s?|asistentes?|participo|acudio)\b"),
    ),
    StatusMeaning.REGISTERED: (
        ("en", r"(?<!not )(?<!non )\b(?:registered|registrants?|signed up)\b"),
        ("en", r"\b(?:enrolled|confirmed|rsvp(?! no\b)\w*)\b"),
        ("fr", r"(?<!non )(?<!pas )\b(?:inscrite?s?|enregistree?s?)\b"),
        ("de", r"(?<!nicht )\b(?:angemeldet\w*|registriert\w*|zugesagt)\b"),
        ("es", r"(?<!no )\b(?:inscrit[oa]s?|registrad[oa]s?|apuntad[oa]s?)\b"),
    ),
}
LABELS: Final = tuple(
    LabelRow(meaning, language, re.compile(pattern))
    for meaning, rows in PATTERNS.items()
    for language, pattern in rows
)

# Every campaign starts with these two:
# https://help.salesforce.com/s/articleView?id=sales.campaigns_member_status.htm
DEFAULT_LABELS: Final = {StatusMeaning.REGISTERED: "sent", StatusMeaning.ATTENDED: "responded"}

STATUS_MAX: Final = 40
"""Characters that a member's Status holds, where a label may have 765: a longer one cannot be chosen."""


def choosable(statuses: Sequence[MemberStatus]) -> tuple[MemberStatus, ...]:
    """Return the statuses whose label fits into a member's Status."""
    return tuple(each for each in statuses if utf16_length(each.label) <= STATUS_MAX)


def propose_statuses(statuses: Sequence[MemberStatus]) -> dict[str, Guess]:
    """A guess per meaning; `registered` and `attended` always have one. `statuses` must not be empty."""
    ordered = sorted(statuses, key=lambda status: status.sort_order)
    return {meaning: _guess(meaning, ordered) for meaning in StatusMeaning}


def meaning_of_label(label: str) -> StatusMeaning | None:
    """Return the meaning of a label by the table; None for an unknown one."""
    found = _place(label)
    return LABELS[found].meaning if found is not None else None


def _guess(meaning: StatusMeaning, ordered: Sequence[MemberStatus]) -> Guess:
    fitting = [status for status in ordered if meaning_of_label(status.label) == meaning]
    if fitting:
        return Guess(min(fitting, key=_distance).label, "label")
    universal = next((each for each in ordered if _normal(each.label) == DEFAULT_LABELS.get(meaning)), None)
    if universal is not None:
        return Guess(universal.label, "universal")
    if meaning in DEFAULT_LABELS:
        return Guess(_default(meaning, ordered).label, "default")
    return Guess(None, "none")


def _default(meaning: StatusMeaning, ordered: Sequence[MemberStatus]) -> MemberStatus:
    default = next((status for status in ordered if status.is_default), ordered[0])
    if meaning == StatusMeaning.ATTENDED:
        return next((status for status in ordered if status.has_responded), default)
    return default


def _distance(status: MemberStatus) -> tuple[bool, int]:
    # "Registered" before "Pre-registered (VIP)", and the table's first words before its looser ones.
    place = _place(status.label)
    assert place is not None
    return LABELS[place].pattern.fullmatch(_normal(status.label)) is None, place


def _place(label: str) -> int | None:
    normal = _normal(label)
    return next((place for place, row in enumerate(LABELS) if row.pattern.search(normal)), None)


def _normal(label: str) -> str:
    # Inclusive spellings close up: "Inscrit(e)", "Inscrit·e", "Teilnehmer*in" -> one word.
    closed = re.sub(r"(?<=\w)[(·*](\w{1,3})\)?", r"\1", label)
    bare = "".join(each for each in unicodedata.normalize("NFKD", closed) if not unicodedata.combining(each))
    return " ".join(re.sub(r"[^a-z0-9]+", " ", bare.casefold()).split())
