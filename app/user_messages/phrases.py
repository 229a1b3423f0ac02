"""Sentences that are stored or passed on before anybody reads them, and worded when somebody does.

The engine writes English beside the key and the values of a sentence; a reader gets it in their own language.
"""

from collections.abc import Mapping
from typing import Any, Final, Self

from app.user_messages.catalog import LANGUAGES, words
from app.user_messages.language import ENGLISH

PHRASE: Final = "phrase"
"""The name of what is stored beside a text."""


class Phrase(str):
    """A sentence of the catalog in English that knows its key and its values; these may be phrases, too."""

    key: str
    values: Mapping[str, object]

    def __new__(cls, key: str, /, **values: object) -> Self:
        phrase = super().__new__(cls, LANGUAGES[ENGLISH].say(key, **values))
        phrase.key, phrase.values = key, values
        return phrase

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, object]]:
        return (self.key,), dict(self.values)


def worded(text: str) -> str:
    """The text in the language that is spoken now; what is no phrase stays as it is."""
    if not isinstance(text, Phrase):
        return text
    values = {name: worded(each) if isinstance(each, Phrase) else each for name, each in text.values.items()}
    return words().say(text.key, **values)


def stored(text: str) -> str | dict[str, Any]:
    """The text as JSON that keeps its key and values."""
    if not isinstance(text, Phrase):
        return text
    values = {name: stored(each) if isinstance(each, str) else each for name, each in text.values.items()}
    return {"key": text.key, "values": values, "text": str(text)}


def as_phrase(text: str) -> dict[str, Any]:
    """What is stored beside a text so that it can be worded again; nothing for a text of others."""
    return {PHRASE: stored(text)} if isinstance(text, Phrase) else {}


def kept_text(kept: Mapping[str, Any], name: str) -> str:
    """The text of this name, as the phrase that was stored beside it."""
    return phrase_of(kept.get(PHRASE) or str(kept.get(name) or ""))


def phrase_of(kept: str | Mapping[str, Any]) -> str:
    """What `stored` kept. A sentence that the catalog no longer has stays in English."""
    if isinstance(kept, str):
        return kept
    values = {
        name: phrase_of(each) if isinstance(each, Mapping) else each for name, each in kept["values"].items()
    }
    try:
        return Phrase(kept["key"], **values)
    except KeyError:
        return str(kept["text"])
