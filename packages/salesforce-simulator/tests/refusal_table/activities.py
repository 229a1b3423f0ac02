"""What refuses an Event, a Case or an e-mail that is saved."""

from refusal_table.row import LEAD, Row, create, query, refused, unsaved, update

TIMES = {"StartDateTime": "2026-11-24T09:00:00Z", "EndDateTime": "2026-11-24T17:00:00Z"}
FIXED = "Only drafts of emails can be changed"


def at_odds(message: str, *fields: str) -> list[dict[str, object]]:
    return unsaved("FIELD_INTEGRITY_EXCEPTION", message, *fields)


ACTIVITIES: dict[str, Row] = {
    "event without a start": Row(
        "rule",
        400,
        unsaved(
            "REQUIRED_FIELD_MISSING", "Required fields are missing: [ActivityDateTime]", "ActivityDateTime"
        ),
        create("Event", Subject="Summit"),
    ),
    "event without a length": Row(
        "rule",
        400,
        unsaved(
            "REQUIRED_FIELD_MISSING", "Required fields are missing: [DurationInMinutes]", "DurationInMinutes"
        ),
        create("Event", StartDateTime=TIMES["StartDateTime"]),
    ),
    "event whose times disagree": Row(
        "rule",
        400,
        at_odds("Event duration, start and end do not agree", "DurationInMinutes"),
        create("Event", **TIMES, DurationInMinutes=5),
    ),
    "event of more than 14 days": Row(
        "rule",
        400,
        at_odds("Event duration cannot be more than 14 days", "EndDateTime"),
        create("Event", **{**TIMES, "EndDateTime": "2026-12-24T09:00:00Z"}),
    ),
    "event of several days without the setting": Row(
        "rule",
        400,
        at_odds("Event duration cannot be more than 24 hours", "EndDateTime"),
        create("Event", **{**TIMES, "EndDateTime": "2026-11-26T17:00:00Z"}),
        switches={"has_multiday_events": False},
    ),
    "the same in other words": Row(
        "rule",
        400,
        unsaved(
            "REQUIRED_FIELD_MISSING", "Mehr nicht: Event duration cannot be more than 24 hours", "EndDateTime"
        ),
        create("Event", **{**TIMES, "EndDateTime": "2026-11-26T17:00:00Z"}),
        switches={
            "has_multiday_events": False,
            "event_times_code": "REQUIRED_FIELD_MISSING",
            "event_times_message": "Mehr nicht: {}",
        },
    ),
    "private event of a person": Row(
        "rule",
        400,
        at_odds("Private events cannot be related to a person", "IsPrivate"),
        create("Event", **TIMES, IsPrivate=True, WhoId="<Lead>"),
        seeds={"Lead": LEAD},
    ),
    "case without an address for the auto-response": Row(
        "rule",
        400,
        unsaved("REQUIRED_FIELD_MISSING", "Required fields are missing: [SuppliedEmail]", "SuppliedEmail"),
        create("Case", Subject="Meeting"),
        switches={"auto_response_rules": [{}]},
    ),
    "case in an org without cases": Row(
        "rule",
        404,
        [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}],
        create("Case", Subject="Meeting"),
        switches={"has_case": False},
    ),
    "task of a cadence": Row(
        "rule",
        400,
        unsaved(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "Task Subtype: bad value for restricted picklist field: Cadence",
            "TaskSubtype",
        ),
        create("Task", TaskSubtype="Cadence"),
    ),
    "sent e-mail that changes": Row(
        "rule",
        400,
        unsaved("INSUFFICIENT_ACCESS_OR_READONLY", FIXED, "Subject"),
        update("EmailMessage", Subject="Other"),
        seeds={"EmailMessage": {"Status": "3"}},
    ),
    "e-mail of no case that is not sent": Row(
        "rule",
        400,
        at_odds("Status: emails that are not related to a case must be sent", "Status"),
        create("EmailMessage", Status="0"),
    ),
    "e-mail of no case that names its activity": Row(
        "rule",
        400,
        at_odds("Activity ID: only emails of cases name their activity", "ActivityId"),
        create("EmailMessage", Status="3", ActivityId="<Task>"),
        seeds={"Task": {"Subject": "Call"}},
    ),
    "e-mail to a lead about a campaign": Row(
        "rule",
        400,
        at_odds("Related To ID: a lead cannot be related to another record", "WhoId", "WhatId"),
        create("EmailMessage", Status="3", ToIds=["<Lead>"], RelatedToId="<Campaign>"),
        seeds={"Lead": LEAD, "Campaign": {"Name": "Fair"}},
    ),
    "e-mail of no case without Enhanced Email": Row(
        "rule",
        400,
        unsaved("REQUIRED_FIELD_MISSING", "Required fields are missing: [ParentId]", "ParentId"),
        create("EmailMessage", Status="3"),
        switches={"has_enhanced_email": False, "has_email_to_case": True},
    ),
    "filter by a list of ids": Row(
        "rule",
        400,
        refused(
            "INVALID_FIELD",
            "\nSELECT Id FROM EmailMessage WHERE ToIds = 'x'\n                                  ^\n"
            "ERROR at Row:1:Column:35\nfield 'ToIds' can not be filtered in a query call",
        ),
        query("SELECT Id FROM EmailMessage WHERE ToIds = 'x'"),
    ),
}
