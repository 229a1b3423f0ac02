"""Personalised links: the parameter is put into an address, and nothing else of it changes."""

import csv
import io

import pytest

from app.registrations.campaign_links import _cells
from app.registrations.export import as_csv, safe_cell
from app.registrations.personal_links import with_salesforce_id

LEAD = "00Q5g00000AbCdEEAV"


@pytest.mark.parametrize(
    ("page", "link"),
    [
        ("https://e.example/a", "https://e.example/a?salesforce_id=X"),
        ("https://e.example", "https://e.example?salesforce_id=X"),
        ("https://e.example/a?", "https://e.example/a?salesforce_id=X"),
        ("https://e.example/a?utm=b%20c&d", "https://e.example/a?utm=b%20c&d&salesforce_id=X"),
        ("https://e.example/a#tickets", "https://e.example/a?salesforce_id=X#tickets"),
        ("https://e.example/a?salesforce_id=Y&b=1", "https://e.example/a?b=1&salesforce_id=X"),
        ("https://e.example/ä?q=%26x", "https://e.example/ä?q=%26x&salesforce_id=X"),
    ],
)
def test_parameter_is_added_and_the_rest_kept(page: str, link: str) -> None:
    assert with_salesforce_id(page, "X") == link


def test_merge_field_is_not_encoded() -> None:
    assert with_salesforce_id("https://e.example/a", "{{{Recipient.Id}}}").endswith("={{{Recipient.Id}}}")


@pytest.mark.parametrize(
    "page", ["https://e.example/a?b=1;=c", "https://e.example/;@x;-1", "https://e.example/a"]
)
def test_no_link_is_a_formula_nor_broken_by_a_mark(page: str) -> None:
    [[record_id, link]] = list(csv.reader(io.StringIO(as_csv(_cells(page, [LEAD])).decode())))
    assert (record_id, safe_cell(link)) == (LEAD, link)
    assert "'" not in link
    assert link.replace("%3B", ";") == with_salesforce_id(page, LEAD)
