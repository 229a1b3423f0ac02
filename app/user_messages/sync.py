"""Advice for what goes wrong while writing to Salesforce, in words for people who organise events.

Places: `{object}` is the Salesforce object that was written, `{field}` the fields that Salesforce names.
"""

from typing import Final

from app.user_messages.row import AdviceRow

RETRY: Final = "Click Retry."
DOCS: Final = "/docs/errors#"
MAPPING: Final = "/docs/mapping#"

DATA_ROWS: Final[tuple[AdviceRow, ...]] = (
    (
        "validation_rule",
        "A validation rule refused the record",
        "Your org has a rule on {object} that this registration does not meet.",
        (
            "Read Salesforce's message: it is the text that your admin gave the rule.",
            "Correct the attendee's data, or let your admin exempt the connected user from the rule.",
            RETRY,
        ),
        DOCS + "validation_rule",
    ),
    (
        "lookup_filter",
        "A lookup filter refused the record",
        "A field on {object} only accepts records that pass a filter in your org, and this one does not.",
        ("Ask your Salesforce admin to widen the lookup filter or make it optional.", RETRY),
        DOCS + "lookup_filter",
    ),
    (
        "value_not_accepted",
        "Salesforce did not accept a value",
        "A value of this registration does not fit the {object} in your org.",
        ("Read Salesforce's message for the field and the reason.", "Correct the attendee's data.", RETRY),
        DOCS + "value_not_accepted",
    ),
    (
        "value_too_long",
        "A value is longer than its field in Salesforce",
        "What the attendee entered does not fit into {field} on {object}.",
        ("Shorten the value, or let your admin make the field longer.", RETRY),
        DOCS + "value_too_long",
    ),
    (
        "number_out_of_range",
        "A number is outside what its field allows",
        "Your org's {object} does not take a number this large in {field}.",
        ("Correct the value, or let your admin widen the field.", RETRY),
        DOCS + "number_out_of_range",
    ),
    (
        "invalid_email",
        "Salesforce does not accept this e-mail address",
        "The address is malformed or longer than 80 characters. We never cut or guess an address.",
        ("Correct the attendee's e-mail address in Eventship.", RETRY),
        DOCS + "invalid_email",
    ),
    (
        "value_wrong_type",
        "A value has the wrong type for its field",
        "Salesforce could not read a value as what the field holds, such as text in a date field.",
        ("Map the answer to a field of the fitting type, or correct the answer.", RETRY),
        DOCS + "value_wrong_type",
    ),
    (
        "record_gone",
        "A record in Salesforce is no longer there",
        "The {object}, or a record it points to, was deleted in Salesforce or cannot be found.",
        ("Restore the record from the Recycle Bin if it is still needed.", RETRY),
        DOCS + "record_gone",
    ),
    (
        "lead_converted",
        "The Lead was converted meanwhile",
        "Salesforce does not change a converted Lead. Retry follows it to its Contact.",
        (RETRY,),
        DOCS + "lead_converted",
    ),
    (
        "automation_failed",
        "An automation in Salesforce failed on the record",
        "A trigger or flow in your org stopped the {object} from being saved.",
        (
            "Show Salesforce's message to your admin: it names the trigger or flow.",
            "Once it is corrected, click Retry.",
        ),
        DOCS + "automation_failed",
    ),
    (
        "duplicate_no_match",
        "A duplicate rule refused the record",
        "A duplicate rule or unique field in your org stopped the {object}, and Salesforce did not name a "
        "record that we may use instead.",
        ("Resolve the duplicate in Salesforce, then click Retry on the failed row.",),
        DOCS + "duplicate_no_match",
    ),
    (
        "duplicate_named",
        "A duplicate rule points to another record",
        "A duplicate rule or unique field in your org stopped the {object}, because of the record that "
        "is linked here. The mapping says under people.adopt_duplicates not to take it for the attendee.",
        (
            "If it is the same person, give that record the attendee's e-mail address.",
            "If it is somebody else, change the rule in Salesforce so that it warns only.",
            RETRY,
        ),
        DOCS + "duplicate_named",
    ),
)

CONFIGURATION_ROWS: Final[tuple[AdviceRow, ...]] = (
    (
        "required_field_missing",
        "A required field has no value",
        "Your org requires {field} on {object}, and nothing is mapped to it.",
        (
            "Map a field or a fixed value to it, or make the field optional in Salesforce.",
            "Retry the failed rows.",
        ),
        MAPPING + "required",
    ),
    (
        "restricted_picklist",
        "A picklist does not have this value",
        "Your org's {object} only takes the values in the list of {field}.",
        ("Add the value to the picklist, or map the answer to one that is there.", "Retry the failed rows."),
        DOCS + "restricted_picklist",
    ),
    (
        "field_not_available",
        "A mapped field is not available",
        "A field we write to on {object} was deleted, renamed, or is hidden from the connected user.",
        ("Check the mapping and the field-level security of the connected user.", "Retry the failed rows."),
        DOCS + "field_not_available",
    ),
    (
        "field_not_writeable",
        "The connected user may not write a field",
        "The user who connected Salesforce may not write {field} on {object}.",
        ("Give the user edit access to the field, or remove it from the mapping.", "Retry the failed rows."),
        DOCS + "field_not_writeable",
    ),
    (
        "object_not_available",
        "The connected user cannot use this object",
        "The user who connected Salesforce has no access to {object}.",
        ("Give the user access to the object.", "Retry the failed rows."),
        DOCS + "object_not_available",
    ),
    (
        "person_accounts_on",
        "Person Accounts need another setting",
        "Your org uses Person Accounts, and the record was written the way of ordinary Accounts.",
        ("Choose how people are created in the settings.", "Retry the failed rows."),
        DOCS + "person_accounts_on",
    ),
    (
        "owner_inactive",
        "The chosen owner is not active",
        "Records cannot belong to a user who was deactivated in Salesforce.",
        ("Choose another owner, or reactivate the user.", "Retry the failed rows."),
        DOCS + "owner_inactive",
    ),
    (
        "owner_without_access",
        "The owner may not see such records",
        "Salesforce gives a record only to an owner who may read records of its kind.",
        (
            "Let the owner read {object}, or let an assignment rule choose somebody else.",
            "Retry the failed rows.",
        ),
        DOCS + "owner_without_access",
    ),
    (
        "option_not_mapped",
        "An answer is not in the value map",
        "The attendee chose an option that the mapping of {field} on {object} has no value for.",
        ("Add the option to the value map, or choose a value for all others.", "Saving the mapping retries."),
        MAPPING + "wrong",
    ),
    (
        "record_type_missing",
        "The chosen record type is not available",
        "The connected user has no record type of this name for {object}, or Person Accounts are off.",
        (
            "Choose another record type in the mapping, or assign it to the connected user's profile.",
            "Saving the mapping retries.",
        ),
        MAPPING + "wrong",
    ),
    (
        "reference_not_there",
        "A chosen owner, record type or record is not there",
        "What was chosen for new {object} records does not exist in your org, or not for the connected user.",
        ("Choose the owner and the record type anew in the mapping.", "Saving the mapping retries."),
        DOCS + "reference_not_there",
    ),
    (
        "required_value_unfit",
        "A required field got a value that does not fit",
        "{field} on {object} must have a value, and what the attendee gave cannot stand there.",
        ("Choose a fallback value in the mapping, or correct the attendee's data.", RETRY),
        MAPPING + "wrong",
    ),
    (
        "setup_mismatch",
        "The mapping does not fit the org",
        "Something we write does not exist in your org, or does not take the value.",
        ("Read Salesforce's message, then correct the mapping or the org.", "Retry the failed rows."),
        DOCS + "setup_mismatch",
    ),
)

ACCESS_ROWS: Final[tuple[AdviceRow, ...]] = (
    (
        "insufficient_access",
        "The connected user may not save this record",
        "The user who connected Salesforce lacks the right to create or change this {object}.",
        ("Give the user access to the record and the object.", RETRY),
        DOCS + "insufficient_access",
    ),
    (
        "record_not_shared",
        "Sharing hides a record from the connected user",
        "A record that we need belongs to somebody else and your sharing rules hide it. We do not create a "
        "second one.",
        ("Share the record with the connected user, for example by a sharing rule.", RETRY),
        DOCS + "record_not_shared",
    ),
    (
        "record_not_visible",
        "A record that we wrote was deleted, or is hidden",
        "The {object} that we wrote for this attendee shows no more. Salesforce does not say whether "
        "it was deleted or only hidden from the connected user, so we create no second one by ourselves.",
        (
            "If it is hidden: share it with the connected user.",
            "If it was deleted: Retry looks for the person anew, and creates one where the mapping says so.",
            "A user with View All Records on the object and View Setup and Configuration sees what was "
            "deleted: with these, such people are looked for anew without a Retry.",
            RETRY,
        ),
        DOCS + "record_not_visible",
    ),
    (
        "create_not_allowed",
        "The connected user may not create this record",
        "Salesforce does not let the connected user create {object} records.",
        ("Give the user the Create permission on the object.", RETRY),
        DOCS + "create_not_allowed",
    ),
    (
        "marketing_user_missing",
        "The connected user may not work with campaigns",
        "Salesforce lets only users with the Marketing User setting and access to campaigns add members.",
        (
            "Tick Marketing User on the user's record in Salesforce Setup.",
            "Make sure that the user can read and edit the campaign.",
            RETRY,
        ),
        DOCS + "marketing_user_missing",
    ),
    (
        "security_policy",
        "A transaction security policy stopped the write",
        "Your org has a security policy that does not let this change through.",
        ("Ask your Salesforce admin to exempt the connected user.", RETRY),
        DOCS + "security_policy",
    ),
    (
        "feature_not_enabled",
        "A Salesforce feature is switched off",
        "The record needs a feature that your org has not enabled.",
        ("Read Salesforce's message and let your admin enable the feature.", RETRY),
        DOCS + "feature_not_enabled",
    ),
    (
        "record_in_approval",
        "The record is locked by an approval",
        "The {object} waits in an approval process, and nobody may change it meanwhile.",
        ("Finish or recall the approval in Salesforce.", RETRY),
        DOCS + "record_in_approval",
    ),
)

TIME_ROWS: Final[tuple[AdviceRow, ...]] = (
    (
        "record_busy",
        "The record was in use too often",
        "Each time we tried, somebody or something else in Salesforce was changing the same records.",
        ("Click Retry; if it happens often, look for automations on the campaign.",),
        DOCS + "record_busy",
    ),
    (
        "attempts_used_up",
        "Salesforce could not be reached often enough",
        "We tried several times over a while, and Salesforce could not take the record.",
        (RETRY,),
        DOCS + "attempts_used_up",
    ),
    (
        "salesforce_unreachable",
        "Salesforce could not be reached",
        "No connection to your org came about. Nothing was written, nothing is lost.",
        ("Look at status.salesforce.com for your instance.", RETRY),
        DOCS + "salesforce_unreachable",
    ),
    (
        "storage_full",
        "The Salesforce org has no storage left",
        "Your org is over its data storage, so Salesforce takes no new records.",
        ("Free storage or buy more (Setup, Storage Usage).", RETRY),
        DOCS + "storage_full",
    ),
    (
        "api_limit_reached",
        "The org's API calls are used up for now",
        "Salesforce counts calls of all integrations over 24 hours. We wait and go on by ourselves.",
        ("Nothing to do; or ask your Salesforce account team for more calls.",),
        DOCS + "api_limit_reached",
    ),
    (
        "outcome_unknown",
        "We could not find out whether the record was written",
        "Salesforce's answer was lost and looking for the record did not settle it. We do not write again "
        "unasked, to keep from making a second one.",
        (
            "Look in Salesforce whether the record is there.",
            "Click Retry: we look once more before we write.",
        ),
        DOCS + "outcome_unknown",
    ),
    (
        "not_processed",
        "A fault of ours stopped this registration",
        "Our software failed on it each time it was tried by itself; the other registrations go on.",
        ("Write to Eventship support with the registration's id.", "Click Retry once it is mended."),
        DOCS + "not_processed",
    ),
    (
        "unknown_error",
        "Salesforce refused the record",
        "Salesforce gave a reason that we have no advice for; its own message stands beside this.",
        ("Show Salesforce's message to your admin.", RETRY),
        DOCS + "unknown_error",
    ),
)

CAMPAIGN_ROWS: Final[tuple[AdviceRow, ...]] = (
    (
        "campaign_broken",
        "The linked campaign cannot be used",
        "The campaign was deleted, is hidden from the connected user, or lost a status that you chose. "
        "People and activities go on; campaign members wait.",
        ("Restore the campaign or its status in Salesforce.", "Or unlink it and link another one."),
        "/docs/campaigns#broken",
    ),
    (
        "campaign_deleted",
        "The linked campaign was deleted in Salesforce",
        "People and activities go on; campaign members wait.",
        ("Restore the campaign from the Recycle Bin.", "Or unlink it and link another one."),
        "/docs/campaigns#broken",
    ),
    (
        "campaign_not_visible",
        "The connected user cannot see the linked campaign",
        "People and activities go on; campaign members wait.",
        ("Share the campaign with the connected user.", "Or unlink it and link another one."),
        "/docs/campaigns#broken",
    ),
    (
        "campaign_status_gone",
        "A chosen status no longer exists on the campaign",
        "People and activities go on; campaign members wait until another status is chosen.",
        ("Choose statuses again.", "Or add the status to the campaign in Salesforce."),
        "/docs/campaigns#broken",
    ),
)

SYNC_ROWS: Final = (*DATA_ROWS, *CONFIGURATION_ROWS, *ACCESS_ROWS, *TIME_ROWS, *CAMPAIGN_ROWS)
