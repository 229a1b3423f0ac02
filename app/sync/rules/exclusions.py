"""Whom a host never wants to be written: its own staff, tests, speakers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

UNSAID_KIND = "attendee"
"""What a ticket is for when nobody says."""


@dataclass(frozen=True)
class Exclusions:
    """Domains (with what is below them), addresses and kinds of ticket, all in lower case."""

    domains: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    ticket_kinds: frozenset[str] = frozenset()

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """As they stand in a host's settings."""
        chosen = settings.get("exclusions", {})
        return cls(
            frozenset(chosen.get("domains", ())),
            frozenset(chosen.get("addresses", ())),
            frozenset(chosen.get("ticket_kinds", ())),
        )

    def cover(self, email_key: str | None, ticket_kind: str | None) -> bool:
        """Whether this attendee is excluded; `email_key` is the address trimmed and in lower case."""
        if (ticket_kind or UNSAID_KIND).lower() in self.ticket_kinds:
            return True
        if email_key is None:
            return False
        domain = email_key.rpartition("@")[2]
        return email_key in self.addresses or any(
            domain == each or domain.endswith(f".{each}") for each in self.domains
        )
