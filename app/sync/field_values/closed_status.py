"""Which status closes a Task: an org may have renamed it, or speak another language. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

COMPLETED: Final = "Completed"
TASK_STATUS: Final = "TaskStatus"
SOQL: Final = "SELECT ApiName, MasterLabel, IsClosed, IsDefault, SortOrder FROM TaskStatus"


def closed_statuses(rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Those that close a Task, the one to take first: Completed, else the default, else the first listed.

    https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_taskstatus.htm
    """
    closed = [row for row in rows if row.get("IsClosed")]
    ranked = sorted(
        closed, key=lambda row: (_name(row) != COMPLETED, not row.get("IsDefault"), row.get("SortOrder") or 0)
    )
    return tuple(map(_name, ranked))


def _name(row: Mapping[str, Any]) -> str:
    return str(row.get("ApiName") or row.get("MasterLabel") or "")
