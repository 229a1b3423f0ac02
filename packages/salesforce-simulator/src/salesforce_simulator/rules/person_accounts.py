"""Person accounts: an Account that is a person, with a Contact of its own behind it.

The Contact follows the Account and cannot be created, renamed, moved or deleted by itself
(Object Reference for the Salesforce Platform, "Person Account Record Types").
"""

from salesforce_simulator.errors import SalesforceError, save_refusal
from salesforce_simulator.field_types import required_missing
from salesforce_simulator.org import Org
from salesforce_simulator.rules import names, record_types
from salesforce_simulator.store import Row

_MAILING = ("MailingStreet", "MailingCity", "MailingState", "MailingPostalCode", "MailingCountry")
# Fields of the Contact by the Account's name for them; custom ones end with __pc there.
_STANDARD = {
    **{name: name for name in ("FirstName", "LastName", "Salutation", "Name", "Phone", "OwnerId")},
    **{
        f"Person{name}": name
        for name in ("Email", "Title", "MobilePhone", "HomePhone", "Department", "LeadSource", "Birthdate")
    },
    "PersonHasOptedOutOfEmail": "HasOptedOutOfEmail",
    **{f"Person{name}": name for name in _MAILING},
}
_OF_BOTH = frozenset({"Name", "Phone", "OwnerId"})
_FIXED = ("FirstName", "LastName", "AccountId")


def account_on_insert(org: Org, row: Row, user_id: str) -> Row:
    if not org.config.has_person_accounts:
        return row
    if record_types.is_person(org, row):
        if row["Name"]:
            raise _bad_names(["Name"])
        return _as_person(row)
    return _as_business(org, row)


def account_on_update(org: Org, before: Row, row: Row) -> Row:
    if not org.config.has_person_accounts:
        return row
    if record_types.is_person(org, row):
        if row["Name"] != before["Name"]:
            raise _bad_names(["Name"])
        return _as_person(row)
    return _as_business(org, row)


def _as_person(row: Row) -> Row:
    if not row.get("LastName"):
        raise required_missing(["LastName"])
    return {**row, "Name": names.full_name(row), "IsPersonAccount": True}


def _as_business(org: Org, row: Row) -> Row:
    personal = [name for name in _shared(org) if name not in _OF_BOTH and row.get(name)]
    if personal:
        raise _bad_names(personal)
    if not row["Name"]:
        raise required_missing(["Name"])
    return row


def _bad_names(fields: list[str]) -> SalesforceError:
    message = f"Account: bad field names on insert/update call: {', '.join(fields)}"
    return save_refusal("INVALID_FIELD_FOR_INSERT_UPDATE", message, *fields)


def account_after_insert(org: Org, row: Row) -> None:
    """Put the Contact behind a new person account."""
    if not row.get("IsPersonAccount"):
        return
    blank = {
        f.name: False if f.type == "boolean" else None for f in org.whole.objects["Contact"].fields.values()
    }
    audit = {
        name: row[name] for name in ("CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById")
    }
    own = {"Id": org.store.next_id("Contact"), "AccountId": row["Id"], "IsPersonAccount": True}
    org.store.upsert(
        "Contact", {**blank, **audit, "SystemModstamp": row["SystemModstamp"], **_of_account(org, row), **own}
    )
    org.store.update("Account", row["Id"], {"PersonContactId": own["Id"]})


def account_after_update(org: Org, before: Row, row: Row) -> None:
    if row.get("IsPersonAccount"):
        org.store.update("Contact", row["PersonContactId"], _of_account(org, row))


def _of_account(org: Org, row: Row) -> Row:
    return {contact: row.get(account) for account, contact in _shared(org).items()}


def _shared(org: Org) -> dict[str, str]:
    contact = org.whole.objects["Contact"].fields
    custom = {f"{name[:-1]}pc": name for name in contact if name.endswith("__c")}
    return {account: name for account, name in {**_STANDARD, **custom}.items() if name in contact}


def contact_on_insert(org: Org, row: Row, user_id: str) -> Row:
    account = org.store.get("Account", row.get("AccountId"))
    if account is not None and account.get("IsPersonAccount"):
        raise _not_by_itself(org)
    return row


def contact_on_update(org: Org, before: Row, row: Row) -> Row:
    if row.get("IsPersonAccount") and any(row[name] != before[name] for name in _FIXED):
        raise _not_by_itself(org)
    return row


def contact_after_update(org: Org, before: Row, row: Row) -> None:
    if row.get("IsPersonAccount"):
        org.store.update("Account", row["AccountId"], {a: row.get(c) for a, c in _shared(org).items()})


def contact_before_delete(org: Org, row: Row) -> None:
    if row.get("IsPersonAccount"):
        raise _not_by_itself(org)


def _not_by_itself(org: Org) -> SalesforceError:
    return save_refusal("INVALID_PERSON_ACCOUNT_OPERATION", org.config.person_contact_message)
