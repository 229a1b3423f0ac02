"""Who writes a row, at which version and under which headers."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class WriteContext:
    """`raw` is the request's body, for the positions in parser errors.

    `rows` says how many rows of each object come in the same call, `created` which of them stand already.
    """

    user_id: str
    version: float = 62.0
    raw: str = ""
    allow_save: bool = False
    include_record_details: bool = False
    auto_assign: bool = True
    rows: Mapping[str, int] = field(default_factory=dict)
    created: set[str] = field(default_factory=set)
