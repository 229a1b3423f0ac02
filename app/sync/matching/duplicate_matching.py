"""Decide what to do where a duplicate rule or a unique field names an existing record. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from app.salesforce.errors import ApiError
from app.sync.field_values.text import without_accents
from app.sync.matching.person_matching import NeedsLookup, PersonIndex, follow, oldest
from app.sync.model.item_errors import ItemWarning
from app.sync.model.mapping_rules import ALWAYS, NEVER, SAME_NAME
from app.sync.model.records import ACCOUNT, CONTACT, LEAD, FoundPerson, PersonRow
from app.user_messages.phrases import Phrase

MATCHED_OTHER_NAME: Final = "matched_other_name"
DUPLICATE_ALERT: Final = "duplicate_alert"
NAMELESS: Final = "a record without a name"


class Decision(StrEnum):
    """ADOPT: use the record. ADOPT_WARNED: use it, and warn that its name differs. SAVE_AS_NEW: create the
    person beside it, with a warning. FAIL: a user must decide.
    """

    ADOPT = "adopt"
    ADOPT_WARNED = "adopt_warned"
    SAVE_AS_NEW = "save_as_new"
    FAIL = "fail"


ADOPT, ADOPT_WARNED, SAVE_AS_NEW, FAIL = Decision

# By whether the rule only alerts and whether the names are equal; then by what the host chose.
DECISIONS: Final[Mapping[tuple[bool, bool], Mapping[str, Decision]]] = {
    (False, True): {ALWAYS: ADOPT, SAME_NAME: ADOPT, NEVER: FAIL},
    (False, False): {ALWAYS: ADOPT_WARNED, SAME_NAME: FAIL, NEVER: FAIL},
    (True, True): {ALWAYS: ADOPT, SAME_NAME: ADOPT, NEVER: SAVE_AS_NEW},
    (True, False): {ALWAYS: SAVE_AS_NEW, SAME_NAME: SAVE_AS_NEW, NEVER: SAVE_AS_NEW},
}


def decide(failure: ApiError, *, is_same: bool, adopts: str) -> Decision:
    """Decide about a create that was rejected for an existing record; `is_same`: the names are equal.

    A unique field rejects a record as a rule in Block mode does.
    """
    return DECISIONS[failure.allow_save is True, is_same][adopts]


def is_same_name(fields: Mapping[str, Any], match: PersonRow) -> bool:
    """First and last name, accents and case aside."""
    sent = (fields.get("FirstName"), fields.get("LastName"))
    return [_folded(each) for each in sent] == [_folded(each) for each in (match.first_name, match.last_name)]


def pick_match(
    ids: Iterable[str], people: PersonIndex, fields: Mapping[str, Any]
) -> PersonRow | NeedsLookup | None:
    """The record that is meant, of those named: of the same name, then Contact before Lead, the oldest.

    None where the connected user may see none of them.
    """
    ends = [follow(id_, people) for id_ in ids]
    missing = frozenset(id_ for end in ends if isinstance(end, NeedsLookup) for id_ in end.ids)
    if missing:
        return NeedsLookup(missing)
    rows = [people.rows[end.id] for end in ends if isinstance(end, FoundPerson)]
    equal = [row for row in rows if is_same_name(fields, row)]
    return _first(equal) or _first(rows)


def other_name_warning(match: PersonRow) -> ItemWarning:
    text = Phrase("note.matched_other_name", match=record_title(match))
    return ItemWarning(MATCHED_OTHER_NAME, match.sobject, "LastName", text)


def alert_warning(title: str, matched: str, created: str) -> ItemWarning:
    text = Phrase("note.duplicate_alert", match=title, object=created)
    return ItemWarning(DUPLICATE_ALERT, matched, None, text)


def other_account_warning(named_account: str) -> ItemWarning:
    text = Phrase("note.matched_other_account", match=named_account)
    return ItemWarning(MATCHED_OTHER_NAME, ACCOUNT, "Name", text)


def update_alert_warning(sobject: str) -> ItemWarning:
    text = Phrase("note.duplicate_alert_on_change", object=sobject)
    return ItemWarning(DUPLICATE_ALERT, sobject, None, text)


def full_name(row: PersonRow) -> str | None:
    return " ".join(part for part in (row.first_name, row.last_name) if part) or None


def record_title(row: PersonRow) -> str:
    """Describe the record: its name, object and id."""
    return f"{full_name(row) or NAMELESS} ({row.sobject} {row.id})"


def _first(rows: Sequence[PersonRow]) -> PersonRow | None:
    return oldest(rows, CONTACT) or oldest(rows, LEAD)


def _folded(text: object) -> str:
    return " ".join(without_accents(str(text or "").casefold()).casefold().split())
