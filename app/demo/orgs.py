"""The orgs that `make smoke ORG=…` plays in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

HAS_A_COLLEAGUES_PHONE = "reg_0028"


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
    """`preset` is one of the simulator's; `warnings` are those that rows must carry, by registration.

    With `is_heap` the host pauses while registrations come in, so that all are written together. `cures` are
    needed one after the other before everything is written.
    """

    preset: str | None = None
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
    "difficult": OrgKind("difficult", is_heap=True, warnings={HAS_A_COLLEAGUES_PHONE: "duplicate_alert"}),
    "blocked": OrgKind("blocked", cures=BLOCKED),
}
