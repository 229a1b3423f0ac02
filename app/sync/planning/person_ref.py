"""The person that Tasks and members point to: one that exists, or one that the same composite creates."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.salesforce.value_class import value_class
from app.sync.model.work_item import WorkItem


@value_class(frozen=True)
class ExistingPerson:
    """A Lead or Contact in Salesforce."""

    sobject: str
    id: str


@dataclass(frozen=True)
class NewPerson:
    """A person that an earlier subrequest of the same composite creates."""

    sobject: str
    reference_id: str

    @property
    def id(self) -> str:
        """What stands for the id in the records of later subrequests."""
        return f"@{{{self.reference_id}.id}}"


PersonRef = ExistingPerson | NewPerson
Persons = Mapping[str, PersonRef]
"""The persons of a batch by registration id."""


def existing_persons(items: Iterable[WorkItem]) -> Persons:
    """The persons of the items that have one."""
    return {
        item.registration_id: ExistingPerson(item.person.sobject, item.person.id)
        for item in items
        if item.person is not None
    }
