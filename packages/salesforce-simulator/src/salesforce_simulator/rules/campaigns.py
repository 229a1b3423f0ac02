"""Campaigns, their statuses and their members."""

from typing import Any

from salesforce_simulator.errors import ErrorItem, SalesforceError, save_refusal
from salesforce_simulator.field_types import required_missing
from salesforce_simulator.org import Org
from salesforce_simulator.rules import lead_conversion
from salesforce_simulator.store import Row

# Label, sort order, is default, has responded: what a new campaign gets.
FIRST_STATUSES = (("Sent", 1, True, False), ("Responded", 2, False, True))


def statuses(org: Org, campaign_id: str) -> list[Row]:
    """The living statuses of a campaign in their order."""
    found = org.store.find("CampaignMemberStatus", "CampaignId", campaign_id)
    return sorted(found, key=lambda row: (row["SortOrder"] or 0, row["Id"]))


def campaign_after_insert(org: Org, campaign: Row) -> None:
    audit = {name: campaign[name] for name in ("CreatedDate", "CreatedById", "LastModifiedDate")}
    audit |= {name: campaign[name] for name in ("LastModifiedById", "SystemModstamp")}
    for label, order, is_default, has_responded in FIRST_STATUSES:
        row = {
            "Id": org.store.next_id("CampaignMemberStatus"),
            "CampaignId": campaign["Id"],
            "Label": label,
            "SortOrder": order,
            "IsDefault": is_default,
            "HasResponded": has_responded,
            "IsDeleted": False,
            **audit,
        }
        org.store.upsert("CampaignMemberStatus", row)


def member_on_insert(org: Org, row: Row, user_id: str) -> Row:
    """One person once; both ids given keep only the Contact; an unknown status becomes the default."""
    if row["CampaignId"] is None:
        raise required_missing(["CampaignId"])
    if row["LeadId"] is None and row["ContactId"] is None:
        raise required_missing(["LeadId", "ContactId"])
    if row["ContactId"] is not None:
        row = {**row, "LeadId": None}
    lead_conversion.check_referable(org, row["LeadId"])
    field = "ContactId" if row["ContactId"] else "LeadId"
    for other in org.store.find("CampaignMember", field, row[field]):
        if other["CampaignId"] == row["CampaignId"]:
            fields = () if org.config.member_duplicate_has_fields else None
            raise SalesforceError(400, ErrorItem("DUPLICATE_VALUE", "Already a campaign member.", fields))
    return with_status(org, row, None)


def member_on_update(org: Org, before: Row, row: Row) -> Row:
    return with_status(org, row, before)


def with_status(org: Org, row: Row, before: Row | None) -> Row:
    known = {status["Label"].lower(): status for status in statuses(org, row["CampaignId"])}
    default = next((status for status in known.values() if status["IsDefault"]), None)
    chosen = known.get((row["Status"] or "").lower()) or default
    if chosen is None:
        return {**row, "HasResponded": False}
    has_responded = chosen["HasResponded"]
    was = before["FirstRespondedDate"] if before else None
    responded_on = was or org.today() if has_responded else was
    return {
        **row,
        "Status": chosen["Label"],
        "HasResponded": has_responded,
        "FirstRespondedDate": responded_on,
    }


def status_on_insert(org: Org, row: Row, user_id: str) -> Row:
    """Labels and sort orders are unique in a campaign; the next order is given when none is."""
    if row["CampaignId"] is None:
        raise required_missing(["CampaignId"])
    siblings = statuses(org, row["CampaignId"])
    if row["SortOrder"] is None:
        row = {**row, "SortOrder": 1 + max((s["SortOrder"] or 0 for s in siblings), default=0)}
    _check_status(row, siblings)
    return row


def status_on_update(org: Org, before: Row, row: Row) -> Row:
    siblings = [s for s in statuses(org, row["CampaignId"]) if s["Id"] != before["Id"]]
    _check_status(row, siblings)
    if before["IsDefault"] and not row["IsDefault"]:
        raise save_refusal(
            "FIELD_INTEGRITY_EXCEPTION", "A campaign must have a default member status.", "IsDefault"
        )
    if before["HasResponded"] and not row["HasResponded"] and not any(s["HasResponded"] for s in siblings):
        text = "A campaign must have at least one responded member status."
        raise save_refusal("FIELD_INTEGRITY_EXCEPTION", text, "HasResponded")
    return row


def _check_status(row: Row, siblings: list[Row]) -> None:
    label = (row["Label"] or "").lower()
    if any(s["Label"].lower() == label for s in siblings):
        _refuse_double("Label")
    if any(s["SortOrder"] == row["SortOrder"] for s in siblings):
        _refuse_double("SortOrder")


def _refuse_double(field: str) -> None:
    text = f"duplicate value found: {field} duplicates value on record with id: <unknown>"
    raise save_refusal("DUPLICATE_VALUE", text)


def status_after_write(org: Org, row: Row) -> None:
    """A new default ends the old one."""
    if not row["IsDefault"]:
        return
    for other in statuses(org, row["CampaignId"]):
        if other["IsDefault"] and other["Id"] != row["Id"]:
            org.store.update("CampaignMemberStatus", other["Id"], {"IsDefault": False})


def status_after_update(org: Org, before: Row, row: Row) -> None:
    """Members follow a renamed label and a changed meaning."""
    status_after_write(org, row)
    changes: dict[str, Any] = {"Status": row["Label"], "HasResponded": row["HasResponded"]}
    for member in org.store.find("CampaignMember", "CampaignId", row["CampaignId"]):
        if member["Status"] == before["Label"]:
            org.store.update("CampaignMember", member["Id"], changes)


def status_before_delete(org: Org, row: Row) -> None:
    members = org.store.find("CampaignMember", "CampaignId", row["CampaignId"])
    if row["IsDefault"] or any(member["Status"] == row["Label"] for member in members):
        text = "The default member status and those in use cannot be deleted."
        raise save_refusal("DELETE_FAILED", text)
