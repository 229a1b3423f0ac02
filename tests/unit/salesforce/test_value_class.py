"""Values that are made by the thousand: as frozen dataclasses, but for what setting their fields costs."""

from dataclasses import field, replace

from app.salesforce.value_class import value_class


@value_class(frozen=True)
class Place:
    city: str
    street: str = ""
    note: str = field(default="", compare=False, hash=False)


def test_a_value_is_compared_and_hashed_by_its_fields() -> None:
    place = Place("Graz", "Hauptplatz", "by the river")

    assert place == Place("Graz", "Hauptplatz")
    assert len({place, Place("Graz", "Hauptplatz"), Place("Graz")}) == 2
    assert replace(place, street="Ring") == Place("Graz", "Ring")


def test_its_fields_are_set_without_a_call() -> None:
    assert Place.__setattr__ is object.__setattr__
