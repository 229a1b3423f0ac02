"""People whom a host excludes from sync: its own staff, tests, speakers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from app.text.email_address import address_key

DEFAULT_TICKET_KIND = "attendee"
"""What a ticket is for when nobody says."""


@dataclass(frozen=True)
class ExclusionRules:
    """Domains (with their subdomains), addresses and kinds of ticket, in lower case."""

    domains: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    ticket_kinds: frozenset[str] = frozenset()

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """Read them from a host's settings."""
        chosen = settings.get("exclusions", {})
        return cls(
            _keys(chosen.get("domains", ())),
            _keys(chosen.get("addresses", ())),
            frozenset(chosen.get("ticket_kinds", ())),
        )

    def cover(self, email_key: str | None, ticket_kind: str | None) -> bool:
        """Whether this attendee is excluded; `email_key` is the address as it is compared."""
        if (ticket_kind or DEFAULT_TICKET_KIND).lower() in self.ticket_kinds:
            return True
        if email_key is None:
            return False
        domain = email_key.rpartition("@")[2]
        return email_key in self.addresses or any(
            domain == each or domain.endswith(f".{each}") for each in self.domains
        )


def _keys(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(key for each in texts if (key := address_key(each)))
