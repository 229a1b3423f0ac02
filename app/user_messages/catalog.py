"""What people are told: one catalog from a code to plain words and next steps, used wherever advice stands.

Every text is here in every language (`app.user_messages.translations`). Constants hold the English rows, as
the documents show them; the functions speak the language of the request that is being answered.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.user_messages.language import ENGLISH, current_language
from app.user_messages.rows import FOLDER, Advice, FindingMessage, Group, Message, judged, read_rows
from app.user_messages.translations import Texts, load_translation, read_texts, translations_in


@dataclass(frozen=True)
class Words:
    """Everything that is said in one language."""

    messages: tuple[Message, ...]
    advice: Mapping[str, Advice]
    findings: Mapping[str, FindingMessage]
    group_titles: Mapping[str, str]
    texts: Texts

    @classmethod
    def of(cls, messages: tuple[Message, ...], texts: Texts) -> "Words":
        """A code that has a row beside its finding keeps the words of the row."""
        findings = {row.code: row for row in messages if isinstance(row, FindingMessage)}
        others = (row for row in messages if row.group != "finding")
        return cls(
            messages=messages,
            advice={row.code: row.advice for row in (*findings.values(), *others)},
            findings=findings,
            group_titles={row.code: row.group_title for row in messages if row.group_title},
            texts=texts,
        )

    def say(self, key: str, **values: object) -> str:
        """The sentence with its places filled. Raises KeyError for a key that has no text."""
        return self.texts[key].format(**self.named(values))

    def named(self, values: Mapping[str, object]) -> dict[str, object]:
        """The values as they are written in this language: names of objects, and large numbers."""
        return {name: self._written(name, value) for name, value in values.items()}

    def _written(self, name: str, value: object) -> object:
        if name == "object" and isinstance(value, str):
            return self.texts.get(f"object.{value}", value)
        if isinstance(value, int) and not isinstance(value, bool):
            return f"{value:,}".replace(",", self.texts["word.between_thousands"])
        return value


def load_languages(folder: Path = FOLDER) -> dict[str, Words]:
    """Every language, English first. Raises CatalogInvalid for a file that is not whole."""
    rows, texts = read_rows(folder), read_texts(folder)
    translated = {
        language: load_translation(path, rows, texts) for language, path in translations_in(folder).items()
    }
    return {ENGLISH: Words.of(judged(rows), texts)} | {
        language: Words.of(*translation) for language, translation in translated.items()
    }


LANGUAGES: Final = load_languages()
MESSAGES: Final = LANGUAGES[ENGLISH].messages
FINDINGS: Final = LANGUAGES[ENGLISH].findings
ADVICE: Final = dict(LANGUAGES[ENGLISH].advice)
GROUP_TITLES: Final = LANGUAGES[ENGLISH].group_titles
CODE_BY_PROBLEM: Final = {row.problem: row.code for row in MESSAGES if row.problem}
"""What to tell a person whom the API refused with this problem code, if there is anything to do."""
OWN_APP_ADVICE: Final = {row.instead_of: row.code for row in MESSAGES if row.instead_of}
"""Where an own app needs another next step than the shared one."""


def codes_of(*groups: Group) -> tuple[str, ...]:
    """The codes of these groups, in the order of their rows."""
    return tuple(row.code for group in groups for row in MESSAGES if row.group == group)


def words() -> Words:
    """What is said in the language of the request that is being answered; English outside of requests."""
    return LANGUAGES[current_language()]


def advise(code: str, **values: object) -> Advice:
    """The advice for `code` with its places filled. Raises KeyError for a code that has no row."""
    spoken = words()
    return spoken.advice[code].filled(**spoken.named(values))


def finding_words(code: str, **values: object) -> tuple[Advice, str]:
    """A finding's advice and its consequence. Raises KeyError."""
    spoken = words()
    row, named = spoken.findings[code], spoken.named(values)
    return row.advice.filled(**named), row.consequence.format(**named)


def advice_on_problem(problem: str) -> Advice | None:
    """What to do about an error of the API; None where there is nothing to do."""
    code = CODE_BY_PROBLEM.get(problem)
    return words().advice[code] if code else None


def group_title(advice: Advice, sobject: str | None) -> str:
    """What happened to a group of rows with this advice."""
    spoken = words()
    said = spoken.group_titles.get(advice.code, advice.title)
    return said.format(**spoken.named({"object": sobject or spoken.texts["word.record"]}))


def say(key: str, **values: object) -> str:
    """The sentence with its places filled. Raises KeyError for a key that has no text."""
    return words().say(key, **values)
