"""Which language a request gets, and that every language says everything."""

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.api.errors import HostNotFound, Problem
from app.user_messages.catalog import ADVICE, LANGUAGES, advice_on_problem, advise, load_languages, say
from app.user_messages.language import best_language, current_language, in_language
from app.user_messages.phrases import Phrase, phrase_of, stored, worded
from app.user_messages.rows import FOLDER, CatalogInvalid


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        pytest.param("de", "de", id="plain"),
        pytest.param("de-AT", "de", id="region"),
        pytest.param("DE-at, en;q=0.5", "de", id="case"),
        pytest.param("en;q=0.4, de;q=0.9", "de", id="weights"),
        pytest.param("de;q=0.4, en;q=0.9", "en", id="weights, English first"),
        pytest.param("de, en", "de", id="equal weights: the first"),
        pytest.param("fr-CH, fr;q=0.9, de;q=0.8, en;q=0.7", "de", id="the next best that is spoken"),
        pytest.param("de;q=0, en", "en", id="refused"),
        pytest.param("fr, de;q=0", "en", id="unknown, and refused"),
        pytest.param("*", "en", id="anything"),
        pytest.param("", "en", id="nothing"),
        pytest.param("de;q=otter", "en", id="no weight"),
        pytest.param("de;q=nan", "en", id="a weight that is no number"),
        pytest.param(";;,=,-de", "en", id="nonsense"),
        pytest.param(",".join(["xx"] * 20 + ["de"]), "en", id="beyond the bound"),
    ],
)
def test_the_language_that_a_header_prefers(header: str, expected: str) -> None:
    assert best_language(header, LANGUAGES) == expected


def test_every_language_has_words_of_its_own_for_everything() -> None:
    english = LANGUAGES["en"]
    for language, spoken in LANGUAGES.items():
        assert spoken.advice.keys() == english.advice.keys()
        assert spoken.findings.keys() == english.findings.keys()
        assert spoken.group_titles.keys() == english.group_titles.keys()
        assert spoken.texts.keys() == english.texts.keys()
        if language != "en":
            same = [code for code, row in ADVICE.items() if spoken.advice[code].title == row.title]
            assert same == []
    assert "de" in LANGUAGES


def test_every_error_of_the_api_has_a_title() -> None:
    for kind in Problem.__subclasses__():
        if kind.__module__.startswith("app."):
            assert kind.title()


def test_links_and_codes_are_the_same_in_every_language() -> None:
    with in_language("de"):
        for code, row in ADVICE.items():
            assert (LANGUAGES["de"].advice[code].code, LANGUAGES["de"].advice[code].link) == (code, row.link)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        pytest.param("[fault.grant_doubted]", "[fault.x]", "fault.grant_doubted is missing", id="row"),
        pytest.param("[fault.grant_doubted]", "[fault.x]", "fault.x is no code", id="strange row"),
        pytest.param('NotConnected = "', 'Notted = "', "texts.problem.NotConnected is missing", id="text"),
        pytest.param('NotConnected = "', 'Notted = "', "texts.problem.Notted is no code", id="odd text"),
        pytest.param("{redirect_uri}", "uns", "explanation lacks {redirect_uri}", id="place lost"),
        pytest.param("{redirect_uri}", "{redirect_url}", "{redirect_url}, which nobody fills", id="place"),
        pytest.param("explanation = ", "explanation_ = ", "explanation is missing", id="word"),
        pytest.param('steps = ["', 'steps = ["Zuerst das.", "', "lines, not", id="steps"),
        pytest.param("[texts.page]", "[texts.page", "line", id="no TOML"),
    ],
)  # fmt: skip
def test_a_half_file_is_named_with_what_it_lacks(tmp_path: Path, old: str, new: str, fault: str) -> None:
    folder = Path(shutil.copytree(FOLDER, tmp_path / "catalog"))
    file = folder / "de.toml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(CatalogInvalid) as refused:
        load_languages(folder)
    assert "de.toml" in str(refused.value)
    assert fault in str(refused.value)


def test_a_third_language_is_one_file(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(FOLDER, tmp_path / "catalog"))
    french = (
        (folder / "de.toml")
        .read_text()
        .replace("Salesforce ist nicht verbunden", "Salesforce n'est pas connecté")
    )
    (folder / "fr.toml").write_text(french)
    languages = load_languages(folder)
    assert list(languages) == ["en", "de", "fr"]
    assert languages["fr"].advice["not_connected"].title == "Salesforce n'est pas connecté"


def test_what_is_said_is_said_in_the_language_of_the_request() -> None:
    assert advise("insufficient_access", object="Contact").explanation.endswith("change this Contact.")
    with in_language("de"):
        assert advise("insufficient_access", object="Contact").explanation.endswith("zu ändern: Kontakt.")
        assert advise("insufficient_access", object="Otter__c").explanation.endswith("zu ändern: Otter__c.")
        assert say("card.many_waiting", count=12_345).startswith("12.345 Änderungen")
        assert HostNotFound().title() == "Veranstalter nicht gefunden"
        advice = advice_on_problem("NotConnected")
        assert advice is not None
        assert advice.title == "Salesforce ist nicht verbunden"
    assert current_language() == "en"
    assert say("card.many_waiting", count=12_345).startswith("12,345 changes")


def test_a_phrase_is_english_until_somebody_reads_it_and_outlives_its_row() -> None:
    inner = Phrase("detail.object_hidden", object="Contact")
    outer = Phrase("detail.linked_to", campaign=inner)
    assert outer == "The event is linked to The connected user cannot see Contact.."
    again = phrase_of(stored(outer))
    assert again == outer
    with in_language("de"):
        assert Phrase("detail.object_hidden", object="Contact") == inner
        hidden = "Der verbundene Benutzer kann das Objekt Kontakt nicht sehen."
        assert worded(again) == f"Die Veranstaltung ist mit {hidden} verknüpft."
        assert worded("Salesforce's own words") == "Salesforce's own words"
    kept = stored(outer)
    assert isinstance(kept, dict)
    assert phrase_of({**kept, "key": "detail.no_more"}) == outer


SPEAKS_TO_PEOPLE = {each.__name__ for each in Problem.__subclasses__()} | {
    "ConversionError", "NotInPicklist", "NotANumber", "UnclearNumber", "ItemWarning", "MappingIssue",
    "MappingError", "RowWarning", "FieldTrouble",
}  # fmt: skip


def sentences_in(path: Path) -> Iterator[str]:
    """Where code gives a sentence of its own to something that people read."""
    for call in ast.walk(ast.parse(path.read_text())):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            continue
        if call.func.id in SPEAKS_TO_PEOPLE:
            given = [*call.args, *(each.value for each in call.keywords if each.arg in ("text", "detail"))]
            for each in given:
                is_text = isinstance(each, ast.Constant) and " " in str(each.value)
                if is_text or isinstance(each, ast.JoinedStr):
                    yield f"{path.name}:{call.lineno}: {call.func.id}"


def test_what_people_read_comes_from_the_catalog() -> None:
    app = FOLDER.parent
    assert [place for path in sorted(app.rglob("*.py")) for place in sentences_in(path)] == []


def test_a_sentence_in_the_code_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "one.py"
    file.write_text('raise NotFound("Nothing is here.")\nItemWarning("cut", "Lead", None, f"Cut to {n}")\n')
    assert list(sentences_in(file)) == ["one.py:1: NotFound", "one.py:2: ItemWarning"]
