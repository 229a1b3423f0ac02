"""Records as they exist in Salesforce."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.salesforce.ids import to18
from app.salesforce.value_class import value_class
from app.sync.model.item_errors import ItemWarning

PERSON_ACCOUNT: Final = "PersonAccount"
"""An Account of the person record type: Contact's rules fill it under the Account's names for its fields."""

ACCOUNT: Final = "Account"
CONTACT: Final = "Contact"
LEAD: Final = "Lead"
TASK: Final = "Task"
CAMPAIGN_MEMBER: Final = "CampaignMember"
EVENT: Final = "Event"
CASE: Final = "Case"
EMAIL_MESSAGE: Final = "EmailMessage"
PERSON_OBJECTS: Final = (LEAD, CONTACT)
"""The objects that people are looked for in."""


@dataclass(frozen=True)
class PersonRow:
    """A Lead or Contact as queryAll returns it; ids have 18 characters, `email_key` is lower case.

    A person's Account represents its Contact. `current_values` has the fields that the rules read; names are
    read only of records that a duplicate rule named.
    """

    sobject: str
    id: str
    email_key: str | None
    created_at: str
    is_deleted: bool = False
    is_converted: bool = False
    converted_contact_id: str | None = None
    master_record_id: str | None = None
    person_contact_id: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    current_values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def person_account_id(self) -> str | None:
        """The Account that this Contact is the person of."""
        account_id = (
            self.current_values.get("AccountId") if self.current_values.get("IsPersonAccount") else None
        )
        return to18(account_id) if account_id else None


@value_class(frozen=True)
class FoundPerson:
    """The person exists in Salesforce."""

    sobject: str
    id: str
    found_by: str
    warnings: tuple[ItemWarning, ...] = ()


@dataclass(frozen=True)
class MemberRow:
    """A CampaignMember as Salesforce returns it; `current_values` has the fields that the rules read."""

    id: str
    status: str
    has_responded: bool
    current_values: Mapping[str, Any] = field(default_factory=dict)
