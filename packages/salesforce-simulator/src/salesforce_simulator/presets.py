"""Ready-made orgs: the switches of one as it may be found, not as it comes out of the box."""

from collections.abc import Callable, Mapping
from typing import Any

from salesforce_simulator.ids import new_id

Switches = dict[str, Any]

_COUNTRIES = {"DE": "Deutschland", "AT": "Österreich", "CH": "Schweiz", "US": "Vereinigte Staaten"}
_STATES = (
    ("BY", "Bayern", "DE"),
    ("BE", "Berlin", "DE"),
    ("NW", "Nordrhein-Westfalen", "DE"),
    ("SN", "Sachsen", "DE"),
    ("ZH", "Zürich", "CH"),
    ("CA", "Kalifornien", "US"),
)
_LIMIT = "Zu viele SOQL-Abfragen: 101"


def _difficult(org_number: int) -> Switches:
    """All that a client can survive: a German org with rules, a slow server and a user who may do little."""
    return {
        "user_language": "de",
        "task_statuses": [
            {"value": "Nicht begonnen", "is_default": True},
            {"value": "In Bearbeitung"},
            {"value": "Erledigt", "is_closed": True},
            {"value": "Abgesagt", "is_closed": True},
        ],
        "case_statuses": [{"value": "Neu", "is_default": True}, {"value": "Geschlossen", "is_closed": True}],
        "picklist_labels": {"Lead.Status": {"Open - Not Contacted": "Offen – nicht kontaktiert"}},
        "countries": _COUNTRIES,
        "states": [{"code": code, "name": name, "country": country} for code, name, country in _STATES],
        "duplicate_rules": [
            {
                "sobject": "Lead",
                "name": "Leads_mit_gleicher_Nummer",
                "action": "alert",
                "fields": ["Phone"],
                "against": ["Lead", "Contact"],
                "message": "Jemand hat diese Nummer schon.",
            },
            {
                "sobject": "Lead",
                "name": "Leads_die_sich_gleichen",
                "action": "block",
                "matching": "fuzzy",
                "fields": [],
                "against": ["Lead"],
                "message": "Einen solchen Lead gibt es schon.",
            },
        ],
        "automations": [
            {"sobject": name, "max_rows": 50, "message": _LIMIT}
            for name in ("Lead", "Task", "CampaignMember")
        ],
        # What an integration user needs not: Setup, service, money, and anything about
        # Accounts, Campaigns and Contacts but reading.
        "hidden_objects": [
            *("AssignmentRule", "DuplicateRule"),
            *("ObjectPermissions", "PermissionSet", "PermissionSetAssignment"),
            *("Calendar", "Case", "CaseStatus", "Event"),
        ],
        "hidden_fields": {
            "Lead": ["AnnualRevenue", "Rating"],
            "Campaign": ["ActualCost", "BudgetedCost", "ExpectedRevenue"],
        },
        "read_only_objects": ["Account", "Campaign", "Contact"],
        "has_multiday_events": False,
        "has_enhanced_email": True,
        "latency_ms": 100,
        "query_latency_ms": 300,
    }


def _blocked(org_number: int) -> Switches:
    """What no client can survive alone: an administrator has to do something."""
    return {
        "hidden_fields": {"Lead": ["Email"]},
        "is_marketing_user": False,
        "private_objects": ["Lead"],
        # To the second user of the org.
        "assignment_rules": [{"sobject": "Lead", "owner_id": new_id("005", org_number * 100 + 2)}],
    }


def _packaged(org_number: int) -> Switches:
    """An org that installed the package; `{"package": {"namespace": ""}}` beside it takes the prefix away."""
    return {"package": {"namespace": "evs"}}


PRESETS: Mapping[str, Callable[[int], Switches]] = {
    "difficult": _difficult,
    "blocked": _blocked,
    "packaged": _packaged,
}
