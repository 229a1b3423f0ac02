"""Fields that are computed when they are read, because they belong to other rows."""

from collections.abc import Callable, Mapping
from typing import Any

from salesforce_simulator.org import Org
from salesforce_simulator.soql.archive import archived
from salesforce_simulator.store import Row

Derivation = Callable[[Org, Row], Any]


def _person(org: Org, member: Row) -> Row:
    contact = org.store.get("Contact", member.get("ContactId"))
    return contact or org.store.get("Lead", member.get("LeadId")) or {}


def _of_person(name: str) -> Derivation:
    return lambda org, member: _person(org, member).get(name)


def _company(org: Org, member: Row) -> Any:
    person = _person(org, member)
    account = org.store.get("Account", person.get("AccountId"))
    return account["Name"] if account else person.get("Company")


def _members(org: Org, campaign: Row) -> list[Row]:
    return org.store.find("CampaignMember", "CampaignId", campaign["Id"])


def _converted(org: Org, campaign: Row) -> int:
    leads = (org.store.get("Lead", member["LeadId"]) for member in _members(org, campaign))
    return sum(1 for lead in leads if lead and lead["IsConverted"])


def _related(kind: str) -> Derivation:
    """The people whom an e-mail is related to in one way."""

    def ids(org: Org, email: Row) -> list[str]:
        relations = org.store.find("EmailMessageRelation", "EmailMessageId", email["Id"])
        return [
            each["RelationId"] for each in relations if each["RelationType"] == kind and each["RelationId"]
        ]

    return ids


def _of_contact(name: str) -> Derivation:
    return lambda org, case: (org.store.get("Contact", case.get("ContactId")) or {}).get(name)


def _archived(name: str) -> Derivation:
    def is_archived(org: Org, activity: Row) -> bool:
        found = archived(org, name)
        return found is not None and found(activity)

    return is_archived


DERIVED: Mapping[tuple[str, str], Derivation] = {
    **{
        ("CampaignMember", name): _of_person(name)
        for name in (
            "Name",
            "FirstName",
            "LastName",
            "Salutation",
            "Title",
            "Email",
            "Phone",
            "MobilePhone",
            "LeadSource",
        )
    },
    ("CampaignMember", "CompanyOrAccount"): _company,
    ("CampaignMember", "LeadOrContactId"): lambda org, row: row["ContactId"] or row["LeadId"],
    ("CampaignMember", "LeadOrContactOwnerId"): _of_person("OwnerId"),
    ("CampaignMember", "Type"): lambda org, row: "Contact" if row["ContactId"] else "Lead",
    ("Task", "IsArchived"): _archived("Task"),
    ("Event", "IsArchived"): _archived("Event"),
    ("Case", "ContactEmail"): _of_contact("Email"),
    ("Case", "ContactMobile"): _of_contact("MobilePhone"),
    ("Case", "ContactPhone"): _of_contact("Phone"),
    ("EmailMessage", "ToIds"): _related("ToAddress"),
    ("EmailMessage", "CcIds"): _related("CcAddress"),
    ("EmailMessage", "BccIds"): _related("BccAddress"),
    ("Campaign", "NumberOfLeads"): lambda org, row: sum(1 for m in _members(org, row) if not m["ContactId"]),
    ("Campaign", "NumberOfConvertedLeads"): _converted,
    ("Campaign", "NumberOfContacts"): lambda org, row: sum(1 for m in _members(org, row) if m["ContactId"]),
    ("Campaign", "NumberOfResponses"): lambda org, row: sum(
        1 for m in _members(org, row) if m["HasResponded"]
    ),
}
