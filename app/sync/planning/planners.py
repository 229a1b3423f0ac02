"""The planner of each kind of record, in the order in which they plan."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol

from app.sync.lookup.lookup import LookupResult
from app.sync.model.batch import Batch
from app.sync.model.clock import Clock
from app.sync.model.decisions import Plan
from app.sync.model.work_item import WorkItem
from app.sync.planning.members import plan_members
from app.sync.planning.person_ref import Persons
from app.sync.planning.person_updates import plan_person_updates
from app.sync.planning.tasks import plan_tasks


class Planner(Protocol):
    """Plans one kind for items whose person is known; it heeds the kind's switch itself."""

    def __call__(
        self, items: Sequence[WorkItem], persons: Persons, found: LookupResult, *, batch: Batch, clock: Clock
    ) -> Iterable[Plan]: ...


def _plan_people(
    items: Sequence[WorkItem], persons: Persons, found: LookupResult, *, batch: Batch, clock: Clock
) -> Iterator[Plan]:
    """People are created before all else (`people.py`): here they are updated."""
    yield plan_person_updates(items, persons, found, batch=batch, clock=clock)


PLANNERS: Final[Mapping[str, Planner]] = {
    "task": plan_tasks,
    "member": plan_members,
    "person": _plan_people,
}
"""By the switch of the kinds that it plans."""
