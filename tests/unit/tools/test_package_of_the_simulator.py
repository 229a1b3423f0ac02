"""The simulator has a table of the package's fields of its own: it is the source's."""

import itertools

import pytest

from app.salesforce.package import ACTIVITY, KEY, PACKAGE_FIELDS
from salesforce_simulator.config_parts import Package
from salesforce_simulator.installed_package import BUTTONS, FIELDS, button_link, package_fields
from salesforce_simulator.metadata.schema import parse_field
from tools.salesforce_package.files import TEXTS

TYPES = {"Text": "string", "Picklist": "picklist", "TextArea": "textarea", "DateTime": "datetime"}
TEXT_AREA = 255


@pytest.mark.parametrize("is_activity_unique", [True, False])
def test_the_fields_are_the_packages(is_activity_unique: bool) -> None:
    lines = package_fields(Package(namespace="evs"), is_activity_unique=is_activity_unique)
    fields = {home: [parse_field(line) for line in lines[home]] for home in lines}
    assert {
        home: tuple(field.name.removeprefix("evs__") for field in fields[home]) for home in fields
    } == dict(PACKAGE_FIELDS)
    for home, field in itertools.chain(*([(home, each) for each in fields[home]] for home in fields)):
        source = TEXTS["fields"][field.name.removeprefix("evs__")]
        assert (field.type, field.label) == (TYPES[source["type"]], source["label"]["en"])
        assert field.length == (TEXT_AREA if field.type == "textarea" else source.get("length", field.length))
        assert list(field.values) == [value["en"] for value in source.get("values", ())]
        is_key = source.get("is_key", False)
        assert is_key == (field.name == f"evs__{KEY}") == field.has("X")
        assert field.has("Q") == (is_key and (home != ACTIVITY or is_activity_unique))
        assert all(map(field.has, "CUN"))


def test_the_names_have_no_prefix_without_a_namespace() -> None:
    lines = package_fields(Package(), is_activity_unique=True)
    assert {home: tuple(parse_field(line).name for line in lines[home]) for home in lines} == dict(
        PACKAGE_FIELDS
    )
    assert package_fields(None, is_activity_unique=True) == {}
    assert set(FIELDS) == set(PACKAGE_FIELDS)


def test_the_button_is_the_packages() -> None:
    label = TEXTS["buttons"]["Schedule_with_Eventship"]
    assert dict(BUTTONS) == dict.fromkeys(label["objects"], label["label"]["en"])
    link = "https://events.acme.example/summit?salesforce_id="
    person = "00Q000000000001EAA"
    assert button_link(Package(registration_link=link), person) == f"{link}00Q000000000001"
    assert button_link(Package(registration_link=link, id_length=18), person) == f"{link}{person}"
    assert button_link(Package(), person) is None
