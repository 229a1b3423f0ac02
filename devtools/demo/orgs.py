"""The orgs that `make smoke ORG=…` plays in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

IN_BAVARIA, IN_ATLANTIS, HAS_A_COLLEAGUES_PHONE = "reg_0021", "reg_0022", "reg_0028"
ADDRESS = (
    {"object": "Lead", "field": "Country", "from": "answers.country", "mode": "empty"},
    {"object": "Lead", "field": "State", "from": "answers.state", "mode": "empty"},
)


@dataclass(frozen=True)
class Cure:
    """A problem as card, rows and overview name it, and what an administrator switches to end it."""

    code: str
    sobject: str
    field: str | None
    deed: str
    switches: Mapping[str, Any]


@dataclass(frozen=True)
class OrgKind:
    """`preset` is one of the simulator's; `fields` the host's rules for fields. By registration: `leads` has
    what must stand in its Lead, `warnings` the one that its row must carry.

    With `is_heap` the host pauses while registrations come in, so that all are written together. `cures` are
    needed one after the other before everything is written.
    """

    preset: str | None = None
    fields: tuple[dict[str, str], ...] = ()
    leads: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    is_heap: bool = False
    warnings: Mapping[str, str] = field(default_factory=dict)
    cures: tuple[Cure, ...] = ()


BLOCKED = (
    Cure(
        "email_not_searchable",
        "Lead",
        "Email",
        "shows Lead.Email to the connected user",
        {"hidden_fields": {"Lead": []}},
    ),
    Cure(
        "new_leads_hidden",
        "Lead",
        None,
        "gives the connected user every Lead to see",
        {"private_objects": []},
    ),
    Cure(
        "marketing_user_missing",
        "CampaignMember",
        None,
        "ticks Marketing User",
        {"is_marketing_user": True},
    ),
)
ORGS: Mapping[str | None, OrgKind] = {
    None: OrgKind(),
    "difficult": OrgKind(
        "difficult",
        fields=ADDRESS,
        leads={
            IN_BAVARIA: {"Country": "Deutschland", "State": "Bayern", "StateCode": "BY"},
            IN_ATLANTIS: {"Country": None, "State": None},
        },
        is_heap=True,
        warnings={IN_ATLANTIS: "field_dropped", HAS_A_COLLEAGUES_PHONE: "duplicate_alert"},
    ),
    "blocked": OrgKind("blocked", cures=BLOCKED),
}
