"""Converted and merged people."""

from salesforce_simulator.errors import SalesforceError, refusal, save_refusal
from salesforce_simulator.org import Org
from salesforce_simulator.store import Row

CONVERTED_STATUS = "Closed - Converted"


def converted_lead() -> SalesforceError:
    return save_refusal("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")


def check_editable(org: Org, row: Row) -> None:
    """A converted Lead is read-only through the API, for administrators too."""
    if row["IsConverted"] and not org.config.view_and_edit_converted_leads:
        raise converted_lead()


def check_referable(org: Org, lead_id: str | None) -> None:
    """A converted Lead takes no more Tasks, Events or memberships."""
    lead = org.store.get("Lead", lead_id)
    if lead is not None:
        check_editable(org, lead)


def after_insert(org: Org, lead: Row) -> None:
    """The before-insert automation of some orgs: a new Lead becomes the Contact that it already is."""
    if not org.config.convert_leads_on_insert or not lead["Email"]:
        return
    contacts = org.store.find("Contact", "Email", lead["Email"])
    if contacts:
        convert(org, lead, contacts[0])


def convert(org: Org, lead: Row, contact: Row | None) -> Row:
    """Convert a Lead into a Contact (a new one when None) with an Account; returns the Contact."""
    if lead["IsConverted"]:
        raise converted_lead()
    with org.store.savepoint():
        target = contact or _new_contact(org, lead)
        changes = {
            "IsConverted": True,
            "Status": CONVERTED_STATUS,
            "ConvertedDate": org.today(),
            "ConvertedContactId": target["Id"],
            "ConvertedAccountId": target.get("AccountId"),
            "LastModifiedDate": org.now(),
            "SystemModstamp": org.now(),
        }
        org.store.update("Lead", lead["Id"], changes)
        _move_members(org, lead["Id"], target["Id"])
        _move(org, ("Task", "Event"), lead["Id"], target["Id"])
    return target


def merge(org: Org, sobject: str, winner: Row, loser: Row) -> None:
    """Merge one record into another: the loser is deleted and points to the winner."""
    if winner["Id"] == loser["Id"]:
        raise refusal("INVALID_ARGUMENT", "a record cannot be merged with itself")
    with org.store.savepoint():
        changes = {"IsDeleted": True, "MasterRecordId": winner["Id"], "LastModifiedDate": org.now()}
        org.store.update(sobject, loser["Id"], changes)
        _move(org, ("Task", "Event"), loser["Id"], winner["Id"])
        _reparent_members(org, sobject, loser["Id"], winner["Id"])


def _new_contact(org: Org, lead: Row) -> Row:
    shared = (
        "FirstName",
        "LastName",
        "Name",
        "Salutation",
        "Title",
        "Email",
        "Phone",
        "MobilePhone",
        "LeadSource",
    )
    same = org.store.find("Account", "Name", lead["Company"])
    account_id = same[0]["Id"] if same else _insert(org, "Account", {"Name": lead["Company"]}, lead)
    values = {name: lead[name] for name in shared} | {"AccountId": account_id}
    contact = org.store.get("Contact", _insert(org, "Contact", values, lead))
    assert contact is not None
    return contact


def _insert(org: Org, name: str, values: Row, lead: Row) -> str:
    fields = org.whole.objects[name].fields.values()
    now = org.now()
    audit = {"CreatedDate": now, "LastModifiedDate": now, "SystemModstamp": now}
    actor = lead["LastModifiedById"]
    owner = {"OwnerId": lead["OwnerId"], "CreatedById": actor, "LastModifiedById": actor}
    blank = {f.name: False if f.type == "boolean" else None for f in fields}
    row = {**blank, **values, **audit, **owner, "Id": org.store.next_id(name)}
    org.store.upsert(name, row)
    return str(row["Id"])


def _move(org: Org, names: tuple[str, ...], old_id: str, new_id: str) -> None:
    for name in names:
        for row in org.store.find(name, "WhoId", old_id):
            org.store.update(name, row["Id"], {"WhoId": new_id})


def _move_members(org: Org, lead_id: str, contact_id: str) -> None:
    """A Lead's memberships gain the Contact; of two in one campaign, the switch says which survives."""
    survivor = org.config.double_member_survivor
    taken = {
        row["CampaignId"]: row["Id"] for row in org.store.find("CampaignMember", "ContactId", contact_id)
    }
    for member in org.store.find("CampaignMember", "LeadId", lead_id):
        double = taken.get(member["CampaignId"])
        if double and survivor == "lead":
            org.store.update("CampaignMember", double, {"IsDeleted": True})
        loses = bool(double) and survivor == "contact"
        keeps_lead = bool(double) and survivor == "both"
        changes = {"IsDeleted": True} if loses else {} if keeps_lead else {"ContactId": contact_id}
        org.store.update("CampaignMember", member["Id"], changes)


def _reparent_members(org: Org, sobject: str, loser_id: str, winner_id: str) -> None:
    field = f"{sobject}Id"
    if field not in {"LeadId", "ContactId"}:
        return
    taken = {row["CampaignId"] for row in org.store.find("CampaignMember", field, winner_id)}
    for member in org.store.find("CampaignMember", field, loser_id):
        changes = {"IsDeleted": True} if member["CampaignId"] in taken else {field: winner_id}
        org.store.update("CampaignMember", member["Id"], changes)
