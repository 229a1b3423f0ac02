"""Activities of long ago: `queryAll` finds them, `query` does not."""

from collections.abc import Callable
from datetime import timedelta

from salesforce_simulator.clock import whole_second
from salesforce_simulator.org import Org
from salesforce_simulator.store import Row


def archived(org: Org, name: str) -> Callable[[Row], bool] | None:
    """Whether a row of an object is archived; None where none of them is.

    An Event by its end, a closed Task by its due date, or by its creation when it has none.
    """
    days = org.config.archive_days
    if days is None or name not in {"Task", "Event"}:
        return None
    before = whole_second(org.clock() - timedelta(days=days))
    if name == "Event":
        return lambda event: (event["EndDateTime"] or before) < before
    return lambda task: task["IsClosed"] and (task["ActivityDate"] or task["CreatedDate"]) < before[:10]
