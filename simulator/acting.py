"""Who writes a row, at which version and under which headers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Write:
    """`raw` is the request's body, for the positions in parser errors."""

    user_id: str
    version: float = 62.0
    raw: str = ""
    allow_save: bool = False
    include_record_details: bool = False
    auto_assign: bool = True
