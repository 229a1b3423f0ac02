"""State and country picklists: an address takes listed places only, and codes stand beside them."""

from collections.abc import Collection, Mapping
from typing import Any

from salesforce_simulator.errors import ErrorItem
from salesforce_simulator.metadata.schema import SObject
from salesforce_simulator.org import Org
from salesforce_simulator.store import Row

_WRONG = (
    "There's a problem with this {kind}, even though it may appear correct. "
    "Please select a {kind} from the list of valid {plural}.: {label}"
)
_NO_COUNTRY = "A country/territory must be specified before specifying a state value for field: {label}"
_PLURAL = {"State": "states", "Country": "countries"}


def fill_codes(
    places: Mapping[str, Mapping[str, str]], sobject: SObject, row: Row, changed: Mapping[str, Any]
) -> Row:
    """The row with the code of each listed name that was given, and the name of each code."""
    row = dict(row) if places else row
    for kind, names in places.items():
        known = {name.lower(): code for code, name in names.items()}
        codes = {code.lower(): code for code in names}
        for field in (name for name in sobject.fields if name.endswith(kind) and f"{name}Code" in row):
            by_code = changed.get(f"{field}Code") is not None
            text = changed.get(f"{field}Code") if by_code else row[field]
            code = (codes if by_code else known).get(str(text).lower())
            if code is not None and (by_code or field in changed):
                row |= {field: names[code], f"{field}Code": code}
            elif text is None and field in changed:
                row[f"{field}Code"] = None
    return row


def invalid_places(org: Org, sobject: SObject, row: Row, names: Collection[str]) -> list[ErrorItem]:
    """An error for each named field that holds a place which is not listed, or not of the country."""
    places = org.config.places
    return [
        ErrorItem("FIELD_INTEGRITY_EXCEPTION", text, (name,))
        for kind in places
        for name in names
        if row.get(name) is not None and (text := _error_message(org, sobject, row, kind, name))
    ]


def _error_message(org: Org, sobject: SObject, row: Row, kind: str, name: str) -> str | None:
    place = name.removesuffix("Code")
    if not place.endswith(kind):
        return None
    words = {"kind": kind.lower(), "plural": _PLURAL[kind], "label": sobject.fields[name].label}
    known = {text.lower() for text in org.config.places[kind].values()}
    if str(row.get(place)).lower() not in known:
        return _WRONG.format(**words)
    if kind == "Country" or name != place:
        return None
    code = row.get(f"{place}Code")
    own = next((each.country for each in org.config.states if (each.code or each.name) == code), "")
    country = row.get(f"{place.removesuffix('State')}CountryCode")
    if own not in org.config.countries or own == country:
        return None
    return (_WRONG if country else _NO_COUNTRY).format(**words)
