"""The orgs that `make smoke ORG=…` plays in."""

from collections.abc import Mapping
from dataclasses import dataclass, field

REG_WITH_A_SHARED_PHONE = "reg_0028"


@dataclass(frozen=True)
class OrgKind:
    """`preset` is one of the simulator's; `warnings` are those that rows must carry, by registration.

    With `is_heap` the host pauses while registrations come in, so that all are written together.
    """

    preset: str | None = None
    is_heap: bool = False
    warnings: Mapping[str, str] = field(default_factory=dict)


ORGS: Mapping[str | None, OrgKind] = {
    None: OrgKind(),
    "difficult": OrgKind("difficult", is_heap=True, warnings={REG_WITH_A_SHARED_PHONE: "duplicate_alert"}),
}
