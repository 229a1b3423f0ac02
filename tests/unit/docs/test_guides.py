"""docs/: made of the advice, every link of it leads somewhere, and what is served is what is written."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from app.console import documents
from app.console.documents import FILES, GUIDES, guide_path, page, rendered
from app.user_messages.catalog import ADVICE, codes_of
from tools.check import check_guides
from tools.generated_docs import guides

ROOT = Path(__file__).parents[3]
ELEMENTS = """
a blockquote body br code em h1 h2 h3 h4 head hr html img li link main meta nav ol p pre strong table tbody
td th thead title tr ul
"""
HARMLESS = set(ELEMENTS.split())
FAILURES = codes_of("data", "configuration", "access", "time")


class Elements(HTMLParser):
    """The elements of a page, the places in it, and where its links lead."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.ids |= {value for name, value in attrs if name == "id" and value}
        self.links |= {value for name, value in attrs if tag == "a" and name == "href" and value}


@pytest.mark.parametrize("name", GUIDES)
def test_tables_are_the_ones_of_the_advice(name: str) -> None:
    text = guide_path(name).read_text()
    assert guides.with_tables(text) == text


def test_changed_section_is_rewritten() -> None:
    text = guide_path("errors").read_text()
    assert guides.with_tables(text.replace("A validation rule refused", "An otter refused")) == text


def test_every_link_to_a_guide_leads_to_a_place() -> None:
    assert guides.lost_links() == []


def test_a_link_that_leads_nowhere_is_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = ADVICE["validation_rule"].model_copy(update={"link": "/docs/errors#otters"})
    monkeypatch.setitem(ADVICE, "validation_rule", lost)
    assert check_guides() == 1
    assert "/docs/errors#otters" in capsys.readouterr().err


@pytest.mark.parametrize("code", FAILURES)
def test_every_failure_is_in_a_guide(code: str) -> None:
    link = ADVICE[code].link or ""
    name, _, anchor = link.removeprefix("/docs/").partition("#")
    elements = Elements(page(name))
    assert anchor in elements.ids


def test_errors_name_the_codes_of_salesforce() -> None:
    text = guide_path("errors").read_text()
    section = text.partition('<a id="automation_failed"></a>')[2].partition("<a id=")[0]
    assert "`CANNOT_EXECUTE_FLOW_TRIGGER`" in section
    assert "1. Show Salesforce's message to your admin" in section


@pytest.mark.parametrize("name", GUIDES)
def test_pages_hold_nothing_that_the_policy_forbids(name: str) -> None:
    elements = Elements(page(name))
    assert elements.names <= HARMLESS
    assert "style" not in elements.attributes
    assert not any(each.startswith("on") for each in elements.attributes)


@pytest.mark.parametrize("name", GUIDES)
def test_links_of_a_page_lead_to_pages(name: str) -> None:
    for link in Elements(page(name)).links:
        if link.startswith("https://") or link in FILES.values():
            continue
        guide, _, place = link.removeprefix("/docs/").partition("#")
        assert guide in GUIDES or not guide
        assert not place or place in Elements(page(guide or name)).ids


def test_a_link_to_a_document_that_is_not_served_is_text() -> None:
    html = rendered("See [the API](api.md#x) and [errors](errors.md#data), or [here](#y).")
    assert (
        html == '<p>See the API and <a href="/docs/errors#data">errors</a>, or <a href="#y">here</a>.</p>\n'
    )


def test_guides_come_with_the_wheel_and_the_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = (ROOT / "pyproject.toml").read_text()
    assert set(re.findall(r'"docs/(\w+)\.md"', project)) == set(GUIDES)
    assert "COPY docs docs" in (ROOT / "Dockerfile").read_text()
    (tmp_path / "errors.md").write_text("# Installed")
    monkeypatch.setattr(documents, "SOURCE", tmp_path / "nowhere")
    monkeypatch.setattr(documents, "INSTALLED", tmp_path)
    assert guide_path("errors").read_text() == "# Installed"
