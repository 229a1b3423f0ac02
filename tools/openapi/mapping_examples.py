"""Examples of mappings: what was chosen, what holds, and what may be named."""

from typing import Any, Final

from app.field_mapping.request_schemas import EXAMPLE
from tools.openapi.operation_examples import ROW, E, H, Shown, shown

CHOSEN: Final[dict[str, Any]] = EXAMPLE
TITLE_RULE: Final[dict[str, Any]] = {
    "object": "Contact",
    "field": "Title",
    "from": "attendee.job_title",
    "constant": None,
    "template": None,
    "mode": "empty",
    "values": {},
    "otherwise": None,
    "fallback": None,
    "set_by": "host",
}
MAPPING: Final[dict[str, Any]] = {
    "host_id": "host_acme",
    "event_id": None,
    "chosen": CHOSEN,
    "effective": {
        "people": {
            "create": "contact",
            "update_existing": True,
            "match_by": None,
            "bypass_alert_rules": False,
            "adopt_duplicates": "always",
            "opt_out_field": None,
            "fill_required": False,
            "leave_company_blank": False,
            "account_for_nobody": None,
        },
        "record_types": {"Contact": "Event_Guest"},
        "owner": {"how": "organizer", "id": None, "run_assignment_rules": True},
        "task_status": None,
        "fields": [TITLE_RULE],
    },
    "findings": [],
    "required_without_value": [
        {
            "object": "Contact",
            "field": "Region__c",
            "label": "Region",
            "type": "picklist",
            "is_filled": False,
        }
    ],
    "is_checked": True,
    "unchecked_because": None,
    "retried": 0,
    "version": 3,
    "updated_at": "2026-11-21T10:01:00Z",
    "updated_by": "user_17",
}
OF_EVENT: Final[dict[str, Any]] = MAPPING | {
    "event_id": "evt_summit",
    "chosen": {"fields": CHOSEN["fields"][:1]},
    "version": 1,
}
CLEARED: Final[dict[str, Any]] = OF_EVENT | {"chosen": {}, "version": 2}
SOURCES: Final[dict[str, Any]] = {
    "items": [
        {
            "path": "attendee.job_title",
            "label": "Job title",
            "example": "Head of Data",
            "options": [],
            "is_answer": False,
        },
        {
            "path": "answers.diet",
            "label": "Food",
            "example": None,
            "options": ["no nuts", "vegetarian"],
            "is_answer": True,
        },
    ]
}
FIELDS: Final[dict[str, Any]] = {
    "object": "Contact",
    "label": "Contact",
    "is_written": True,
    "fields": [
        {
            "name": "Diet__c",
            "label": "Diet",
            "type": "multipicklist",
            "length": 4099,
            "is_required": False,
            "is_createable": True,
            "is_updateable": True,
            "is_external_id": False,
            "is_restricted": True,
            "is_mappable": True,
            "why_not": None,
            "values": [{"value": "Vegetarian", "label": "Vegetarian"}],
        }
    ],
    "record_types": [
        {"developer_name": "Event_Guest", "name": "Event guest", "is_available": True, "is_default": False}
    ],
}

PREVIEW: Final[dict[str, Any]] = {
    "registration_id": "reg_8842",
    "outcome": "synced",
    "waiting_for": None,
    "skipped_because": None,
    "records": [
        {
            "part": "person",
            "object": "Contact",
            "record": {
                "object": "Contact",
                "id": "0035g00000RtUvWAAV",
                "url": "https://acme.lightning.force.com/lightning/r/Contact/0035g00000RtUvWAAV/view",
            },
            "action": "update",
            "fields": [
                {
                    "object": "Contact",
                    "field": "Title",
                    "label": "Title",
                    "now": None,
                    "then": "Head of Data",
                    "mode": "empty",
                    "from": "attendee.job_title",
                    "why": "new",
                    "text": None,
                }
            ],
        }
    ],
    "error": None,
    "warnings": [],
    "calls_spent": 1,
    "as_of": "2026-11-21T10:00:33Z",
}

EXAMPLES: Final[dict[str, Shown]] = {
    f"GET {ROW}/preview": shown(200, PREVIEW),
    f"GET {H}/mapping": shown(200, MAPPING),
    f"PUT {H}/mapping": shown(200, MAPPING, sent=CHOSEN | {"version": 2}),
    f"POST {H}/mapping/validate": shown(200, MAPPING, sent=CHOSEN),
    f"POST {H}/mapping/copy": shown(200, MAPPING, sent={"from_host_id": "host_other"}),
    f"GET {H}/mapping/sources": shown(200, SOURCES),
    f"GET {H}/mapping/objects/{{sobject}}/fields": shown(200, FIELDS),
    f"GET {E}/mapping": shown(200, OF_EVENT),
    f"PUT {E}/mapping": shown(200, OF_EVENT, sent={"fields": CHOSEN["fields"][:1]}),
    f"DELETE {E}/mapping": shown(200, CLEARED),
    f"POST {E}/mapping/validate": shown(200, OF_EVENT, sent={"fields": CHOSEN["fields"][:1]}),
    f"POST {E}/mapping/copy": shown(200, OF_EVENT, sent={"from_event_id": "evt_spring"}),
    f"GET {E}/mapping/sources": shown(200, SOURCES),
}
