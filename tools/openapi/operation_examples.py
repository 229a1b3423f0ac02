"""One operation's examples, and the paths that they stand under."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

HOST = "/v1/hosts/{host_id}"
H = f"{HOST}/salesforce"
E = f"{HOST}/events/{{event_id}}/salesforce"
ROW = f"{E}/registrations/{{registration_id}}"

Examples = Mapping[str, Any]


@dataclass(frozen=True)
class Shown:
    """Examples by name: of what is sent, and of what is answered by status."""

    sent: Examples = field(default_factory=dict)
    answered: Mapping[int, Examples] = field(default_factory=dict)


def shown(status: int, answer: Any, *, sent: Any = None) -> Shown:
    """One example of each side."""
    return Shown({} if sent is None else {"example": sent}, {status: {"example": answer}})
