"""States and countries of orgs that list them, and synonyms."""

import pytest

from app.salesforce.describe import Field
from app.sync.field_values.converters import ConversionError
from app.sync.field_values.states_and_countries import is_place, listed_place
from app.sync.field_values.text import comparison_key
from tests.unit.sync.builders import field


def codes(**names: str) -> Field:
    return field(type="picklist", picklist_values=tuple(names), picklist_labels=tuple(names.values()))


GERMAN = codes(DE="Deutschland", US="Vereinigte Staaten", GB="Vereinigtes Königreich", LI="Liechtenstein")
ENGLISH = codes(DE="Germany", US="United States", CI="Côte d’Ivoire")
STATES = field(
    type="picklist",
    picklist_values=("CA", "CA", "BY", "NY"),
    picklist_labels=("California", "Cagliari", "Bayern", "New York"),
)


@pytest.mark.parametrize(
    ("name", "listed", "text", "sent"),
    [
        ("Country", GERMAN, "Germany", "Deutschland"),
        ("Country", GERMAN, "DEUTSCHLAND ", "Deutschland"),
        ("Country", GERMAN, "de", "Deutschland"),
        ("Country", GERMAN, "DEU", "Deutschland"),
        ("Country", GERMAN, "U.S.A.", "Vereinigte Staaten"),
        ("Country", GERMAN, "liechtenstein", "Liechtenstein"),
        ("MailingCountry", ENGLISH, "Allemagne", "Germany"),
        ("Country", ENGLISH, "Côte d'Ivoire", "Côte d’Ivoire"),
        ("CountryCode", ENGLISH, "Deutschland", "DE"),
        ("CountryCode", ENGLISH, "US", "US"),
        ("State", STATES, "california", "California"),
        ("State", STATES, "NY", "New York"),
        ("StateCode", STATES, "New  York", "NY"),
        ("StateCode", STATES, "ca", "CA"),
    ],
)
def test_a_place_is_written_as_the_org_lists_it(name: str, listed: Field, text: str, sent: str) -> None:
    assert listed_place(name, listed, text) == sent


@pytest.mark.parametrize(
    ("name", "listed", "text"),
    [
        ("Country", ENGLISH, "Atlantis"),
        ("Country", ENGLISH, "Frankreich"),
        ("Country", ENGLISH, ""),
        ("State", STATES, "CA"),
        ("State", STATES, "Germany"),
    ],
)
def test_what_is_not_listed_or_not_clear_does_not_fit(name: str, listed: Field, text: str) -> None:
    with pytest.raises(ConversionError, match=r"It is no (country|state) that your org lists\."):
        listed_place(name, listed, text)


def test_places_are_the_states_and_countries_of_addresses() -> None:
    assert all(map(is_place, ("State", "MailingCountry", "PersonMailingStateCode", "BillingCountryCode")))
    assert not any(map(is_place, ("City", "State__c", "StatusCode", "CountryRisk")))


@pytest.mark.parametrize("text", ["Don’t know", "don't  KNOW", " DON`T know", "Don＇t know", "don′t know\n"])
def test_apostrophes_case_and_spaces_make_no_other_word(text: str) -> None:
    assert comparison_key(text) == "don't know"
