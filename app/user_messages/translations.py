"""One file for each language beside English, found by its name: `de.toml` holds every word in German.

It has the codes of the English files, and of each code the same texts with the same `{places}`; what is no
text (links, severities, pages) stands in the English files alone. A file that is not whole ends the process
at start, and says what it lacks.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from app.user_messages.language import ENGLISH
from app.user_messages.rows import (
    CatalogInvalid,
    Message,
    Row,
    Text,
    judged,
    places_of,
    read_toml,
    rows_in,
    validated,
)

LANGUAGE: Final = re.compile(r"[a-z]{2,3}")
"""What the files of languages are called; the English ones have longer names."""
WORDS: Final = ("title", "group_title", "explanation", "steps", "consequence")
TEXTS_FILE: Final = "texts.toml"
TEXTS: Final = "texts"
FAULTS_MAX: Final = 20
TEXT_TABLES: Final = TypeAdapter(dict[str, dict[str, Text]])

Texts = Mapping[str, str]
"""Single sentences by `section.name`, beside the rows of advice."""

Rows = Mapping[tuple[str, str], Row]


def read_texts(folder: Path) -> Texts:
    """The English sentences. Raises CatalogInvalid."""
    path = folder / TEXTS_FILE
    return _texts(path, read_toml(path))


def translations_in(folder: Path) -> dict[str, Path]:
    """The files of the languages that are there."""
    paths = sorted(path for path in folder.glob("*.toml") if LANGUAGE.fullmatch(path.stem))
    return {path.stem: path for path in paths if path.stem != ENGLISH}


def load_translation(
    path: Path, english: Sequence[Row], english_texts: Texts
) -> tuple[tuple[Message, ...], Texts]:
    """The messages and sentences of a language. Raises CatalogInvalid, which names what is amiss."""
    parsed = read_toml(path)
    texts = _texts(path, parsed)
    theirs: Rows = {(row.group, row.code): row for row in rows_in(path, _without_texts(parsed))}
    faults = [*_faults_of_rows(english, theirs), *_faults_of_texts(english_texts, texts)]
    if faults:
        more = [f"and {len(faults) - FAULTS_MAX} more"] if len(faults) > FAULTS_MAX else []
        raise CatalogInvalid(f"{path}: {'; '.join(faults[:FAULTS_MAX] + more)}")
    return judged(_in_words_of(row, theirs[row.group, row.code]) for row in english), texts


def _texts(path: Path, parsed: Mapping[str, Any]) -> Texts:
    tables = validated(TEXT_TABLES, parsed.get(TEXTS, {}), str(path))
    return {f"{section}.{name}": text for section, table in tables.items() for name, text in table.items()}


def _without_texts(parsed: Mapping[str, Any]) -> dict[str, Any]:
    return {group: rows for group, rows in parsed.items() if group != TEXTS}


def _in_words_of(row: Row, translated: Row) -> Row:
    return row._replace(path=translated.path, values={**row.values, **translated.values})


def _faults_of_rows(english: Sequence[Row], theirs: Rows) -> Iterator[str]:
    known = {(row.group, row.code): row for row in english}
    for key, row in known.items():
        name = ".".join(key)
        if key not in theirs:
            yield f"{name} is missing"
            continue
        words = {word: row.values[word] for word in WORDS if word in row.values}
        translated = theirs[key].values
        yield from (f"{name}.{word} is missing" for word in words if word not in translated)
        yield from (f"{name}.{word} is not among its words" for word in translated if word not in words)
        for word in words.keys() & translated.keys():
            yield from _faults_of_text(f"{name}.{word}", words[word], translated[word])
    yield from (f"{'.'.join(key)} is no code" for key in theirs if key not in known)


def _faults_of_texts(english: Texts, theirs: Texts) -> Iterator[str]:
    for key, text in english.items():
        if key not in theirs:
            yield f"{TEXTS}.{key} is missing"
        else:
            yield from _faults_of_text(f"{TEXTS}.{key}", text, theirs[key])
    yield from (f"{TEXTS}.{key} is no code" for key in theirs if key not in english)


def _faults_of_text(name: str, english: Any, theirs: Any) -> Iterator[str]:
    """Other places than in English would stay empty, or end in an error when somebody reads the text."""
    lines, translated = _lines(english), _lines(theirs)
    if len(lines) != len(translated):
        yield f"{name} has {len(translated)} lines, not {len(lines)}"
    before = frozenset().union(*map(places_of, lines))
    after = frozenset().union(*map(places_of, translated))
    yield from (f"{name} lacks {{{place}}}" for place in sorted(before - after))
    yield from (f"{name} has {{{place}}}, which nobody fills" for place in sorted(after - before))


def _lines(text: Any) -> list[str]:
    return [str(each) for each in text] if isinstance(text, list) else [str(text)]
