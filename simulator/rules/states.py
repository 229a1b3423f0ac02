"""State picklists: once switched on, an address takes listed states only."""

from collections.abc import Iterable

from simulator.errors import ErrorItem
from simulator.metadata.schema import SObject
from simulator.org import Org
from simulator.store import Row

_MESSAGE = (
    "There's a problem with this state, even though it may appear correct. "
    "Please select a state from the list of valid states.: {}"
)


def wrong(org: Org, sobject: SObject, row: Row, names: Iterable[str]) -> list[ErrorItem]:
    """The errors of those of the named fields that hold a state which is not listed."""
    if not org.config.states:
        return []
    known = {state.lower() for state in org.config.states}
    fields = (sobject.fields[name] for name in names if name.endswith("State"))
    return [
        ErrorItem("FIELD_INTEGRITY_EXCEPTION", _MESSAGE.format(field.label), (field.name,))
        for field in fields
        if row.get(field.name) is not None and row[field.name].lower() not in known
    ]
