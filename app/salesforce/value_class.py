"""Dataclasses whose fields only the type checker keeps from being set: a batch makes tens of thousands, and a
frozen one takes six times as long to make, since it sets each field by a call.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as value_class
else:

    def value_class(*, frozen: bool) -> Any:
        """To the type checker `dataclass(frozen=True)`; it compares and hashes as that does."""
        return dataclass(unsafe_hash=frozen)


__all__ = ["value_class"]
