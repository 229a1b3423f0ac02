"""What refuses a row that is saved."""

from refusal_table.row import LEAD, UNKNOWN, Row, create, met, refused, unsaved, update
from support.client import OrgClient

LONG = "x" * 81
NO_ACCESS = "insufficient access rights on {}"
STATE = (
    "There's a problem with this state, even though it may appear correct. "
    "Please select a state from the list of valid states.: {}"
)
LOCKED_FIELD = (
    "Unable to create/update fields: {}. Please check the security settings of this field and verify "
    "that it is read/write for your profile or permission set."
)


async def convert_the_lead(org: OrgClient) -> None:
    rows = await org.rows("SELECT Id FROM Lead")
    await org.door("POST", "convert", {"leadId": rows[0]["Id"]})


SAVING: dict[str, Row] = {
    "required field missing": Row(
        "rule",
        400,
        unsaved("REQUIRED_FIELD_MISSING", "Required fields are missing: [Company]", "Company"),
        create("Lead", LastName="Doe"),
    ),
    "validation rule": Row(
        "rule",
        400,
        unsaved("FIELD_CUSTOM_VALIDATION_EXCEPTION", "No leads of Acme."),
        switches={
            "validation_rules": [
                {"sobject": "Lead", "when": "Company = 'Acme'", "message": "No leads of Acme."}
            ]
        },
    ),
    "validation rule at a field": Row(
        "rule",
        400,
        unsaved("FIELD_CUSTOM_VALIDATION_EXCEPTION", "No.", "Company"),
        switches={
            "validation_rules": [
                {"sobject": "Lead", "when": "Company != null", "message": "No.", "field": "Company"}
            ]
        },
    ),
    "restricted picklist": Row(
        "rule",
        400,
        unsaved(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "Lead Source: bad value for restricted picklist field: X",
            "LeadSource",
        ),
        create("Lead", **LEAD, LeadSource="X"),
        switches={"restricted_picklists": {"Lead.LeadSource": ["Web"]}},
    ),
    "too long": Row(
        "rule",
        400,
        unsaved("STRING_TOO_LONG", f"Last Name: data value too large: {LONG} (max length=80)", "LastName"),
        create("Lead", LastName=LONG, Company="Acme"),
    ),
    "number of nine digits": Row(
        "rule",
        400,
        unsaved(
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Employees: value outside of valid range on numeric field: 100000000",
            "NumberOfEmployees",
        ),
        create("Lead", **LEAD, NumberOfEmployees=100_000_000),
    ),
    "no e-mail address": Row(
        "rule",
        400,
        unsaved("INVALID_EMAIL_ADDRESS", "Email: invalid email address: not an email", "Email"),
        create("Lead", **LEAD, Email="not an email"),
    ),
    "object that may only be read": Row(
        "rule",
        400,
        unsaved("INSUFFICIENT_ACCESS_OR_READONLY", NO_ACCESS.format("object id")),
        switches={"read_only_objects": ["Lead"]},
    ),
    "the same with the other status": Row(
        "rule",
        403,
        unsaved("INSUFFICIENT_ACCESS_OR_READONLY", NO_ACCESS.format("object id")),
        switches={"read_only_objects": ["Lead"], "access_status": 403},
    ),
    "lookup to a row that sharing hides": Row(
        "rule",
        400,
        unsaved("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", NO_ACCESS.format("cross-reference id")),
        create("Task", WhoId="<Lead>"),
        seeds={"Lead": LEAD},
        switches={"hidden_records": ["<Lead>"]},
    ),
    "lookup to nobody": Row(
        "rule",
        400,
        unsaved("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"),
        create("Task", WhoId=UNKNOWN),
    ),
    "deleting nobody": Row(
        "rule",
        404,
        unsaved("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"),
        ("DELETE", f"/sobjects/Lead/{UNKNOWN}", None),
    ),
    "failing trigger": Row(
        "rule",
        400,
        unsaved(
            "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
            "LeadTrigger: execution of AfterInsert\n\ncaused by: System.DmlException: Boom\n\n"
            "Trigger.LeadTrigger: line 1, column 1",
        ),
        switches={"automations": [{"sobject": "Lead", "when": "Company = 'Acme'", "message": "Boom"}]},
    ),
    "failing flow": Row(
        "rule",
        400,
        unsaved(
            "CANNOT_EXECUTE_FLOW_TRIGGER",
            "We can't save this record because the “Lead process” process failed. "
            "Give your Salesforce admin these details. Something went wrong.",
        ),
        switches={"automations": [{"sobject": "Lead", "kind": "flow"}]},
    ),
    "campaign without Marketing User": Row(
        "rule",
        400,
        unsaved("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "entity type cannot be inserted: Campaign"),
        create("Campaign", Name="Fair"),
        switches={"is_marketing_user": False},
    ),
    "converted lead": Row(
        "rule",
        400,
        unsaved("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead"),
        update("Lead", Title="CTO"),
        seeds={"Lead": LEAD},
        arrange=convert_the_lead,
    ),
    "state that is not listed": Row(
        "rule",
        400,
        unsaved("FIELD_INTEGRITY_EXCEPTION", STATE.format("Billing State/Province"), "BillingState"),
        create("Account", Name="Acme", BillingState="Nowhere"),
        switches={"states": ["Bavaria"]},
    ),
    "country that is not listed": Row(
        "rule",
        400,
        unsaved(
            "FIELD_INTEGRITY_EXCEPTION",
            "There's a problem with this country, even though it may appear correct. "
            "Please select a country from the list of valid countries.: Country",
            "Country",
        ),
        create("Lead", **LEAD, Country="Germany"),
        switches={"countries": {"DE": "Deutschland"}},
    ),
    "state without its country": Row(
        "rule",
        400,
        unsaved(
            "FIELD_INTEGRITY_EXCEPTION",
            "A country/territory must be specified before specifying a state value for field: State/Province",
            "State",
        ),
        create("Lead", **LEAD, State="Bayern"),
        switches={
            "countries": {"DE": "Deutschland"},
            "states": [{"name": "Bayern", "code": "BY", "country": "DE"}],
        },
    ),
    "lookup to another object": Row(
        "rule",
        400,
        unsaved("FIELD_INTEGRITY_EXCEPTION", "Name ID: id value of incorrect type: <Account>", "WhoId"),
        create("Task", WhoId="<Account>"),
        seeds={"Account": {"Name": "Acme"}},
    ),
    "activity of a lead related to a campaign": Row(
        "rule",
        400,
        unsaved(
            "FIELD_INTEGRITY_EXCEPTION",
            "Related To ID: a lead cannot be related to another record",
            "WhoId",
            "WhatId",
        ),
        create("Task", WhoId="<Lead>", WhatId="<Campaign>"),
        seeds={"Lead": LEAD, "Campaign": {"Name": "Fair"}},
    ),
    "field that may only be read": Row(
        "rule",
        400,
        unsaved("INVALID_FIELD_FOR_INSERT_UPDATE", LOCKED_FIELD.format("Title"), "Title"),
        create("Lead", **LEAD, Title="CTO"),
        switches={"read_only_fields": {"Lead": ["Title"]}},
    ),
    "unknown field": Row(
        "rule",
        400,
        refused("INVALID_FIELD", "No such column 'X' on sobject of type Lead"),
        create("Lead", **LEAD, X="1"),
    ),
    "field that permissions hide": Row(
        "rule",
        400,
        refused("INVALID_FIELD", "No such column 'Title' on sobject of type Lead"),
        create("Lead", **LEAD, Title="CTO"),
        switches={"hidden_fields": {"Lead": ["Title"]}},
    ),
    "unknown key in a lookup": Row(
        "rule",
        400,
        unsaved("INVALID_FIELD", "Foreign key external ID: x not found for field Username in entity User"),
        create("Contact", LastName="Doe", Owner={"Username": "x"}),
    ),
    "malformed id": Row(
        "rule",
        400,
        unsaved("MALFORMED_ID", "malformed id 00Q5g0000000001AAA", "Id"),
        ("GET", "/sobjects/Lead/00Q5g0000000001AAA", None),
    ),
    "malformed id in a lookup": Row(
        "rule",
        400,
        unsaved("MALFORMED_ID", "Name ID: id value of incorrect type: nonsense", "WhoId"),
        create("Task", WhoId="nonsense"),
    ),
    "member twice": Row(
        "rule",
        400,
        unsaved("DUPLICATE_VALUE", "Already a campaign member."),
        create("CampaignMember", CampaignId="<Campaign>", LeadId="<Lead>"),
        seeds={
            "Lead": LEAD,
            "Campaign": {"Name": "Fair"},
            "CampaignMember": {"CampaignId": "<Campaign>", "LeadId": "<Lead>"},
        },
    ),
    "member twice, without the key": Row(
        "rule",
        400,
        refused("DUPLICATE_VALUE", "Already a campaign member."),
        create("CampaignMember", CampaignId="<Campaign>", LeadId="<Lead>"),
        seeds={
            "Lead": LEAD,
            "Campaign": {"Name": "Fair"},
            "CampaignMember": {"CampaignId": "<Campaign>", "LeadId": "<Lead>"},
        },
        switches={"member_duplicate_has_fields": False},
    ),
    "unique field twice": Row(
        "rule",
        400,
        unsaved(
            "DUPLICATE_VALUE",
            "duplicate value found: External_Id__c duplicates value on record with id: <15:Lead>",
        ),
        create("Lead", **LEAD, External_Id__c="A"),
        seeds={"Lead": {**LEAD, "External_Id__c": "A"}},
    ),
    "record in an approval": Row(
        "rule",
        400,
        unsaved("ENTITY_IS_LOCKED", "the entity is locked for editing"),
        update("Lead", Title="CTO"),
        seeds={"Lead": LEAD},
        switches={"locked_records": ["<Lead>"]},
    ),
    "storage full": Row(
        "rule",
        400,
        unsaved("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded"),
        switches={"max_records": 0},
    ),
    "record type of another object": Row(
        "rule",
        400,
        unsaved(
            "INVALID_CROSS_REFERENCE_KEY",
            "Record Type ID: this ID value isn't valid for the user: 0125g0000000002AAA",
            "RecordTypeId",
        ),
        create("Lead", **LEAD, RecordTypeId="0125g0000000002"),
        switches={
            "record_types": [
                {"sobject": "Lead", "developer_name": "Event"},
                {"sobject": "Contact", "developer_name": "Guest"},
            ]
        },
    ),
    "row locked by another transaction": met(
        "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record or 1 records: 0035g0000000001"
    ),
}
