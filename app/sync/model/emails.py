"""What the platform told of a registration's e-mails, fact by fact. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

EMAIL_SENT, EMAIL_OPENED, EMAIL_REPLIED = "email_sent", "email_opened", "email_replied"
SLOT_OF_FACT: Final = {"sent": EMAIL_SENT, "opened": EMAIL_OPENED, "replied": EMAIL_REPLIED}
"""The slot of each fact, which bears the name of its switch."""

EMAIL_SLOTS: Final = frozenset(SLOT_OF_FACT.values())

OF_MESSAGE: Final = ("subject", "kind", "url")
"""What the sending says of an e-mail, and what holds for its opening and reply as well."""

StoredEmails = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""By an e-mail's id and fact, what was told of it."""


@dataclass(frozen=True)
class EmailFact:
    """That an e-mail was sent, opened or replied, as its `slot` says.

    `sender_name` and `sender_email` are of this fact: of a reply, who replied.
    """

    message_id: str
    slot: str
    at: datetime
    subject: str | None = None
    kind: str | None = None
    url: str | None = None
    snippet: str | None = None
    sender_name: str | None = None
    sender_email: str | None = None


def email_facts(emails: StoredEmails) -> Iterator[EmailFact]:
    """Every fact, e-mail by e-mail."""
    for message_id, facts in emails.items():
        sent = facts.get("sent", {})
        of_message = {name: sent[name] for name in OF_MESSAGE if name in sent}
        for fact, slot in SLOT_OF_FACT.items():
            if fact in facts:
                yield _email_fact(message_id, slot, {**of_message, **facts[fact]})


def new_email_kinds(before: StoredEmails, after: StoredEmails) -> frozenset[str]:
    """The kinds of write of the facts that were not known before."""
    return frozenset(
        SLOT_OF_FACT[fact]
        for message_id, facts in after.items()
        for fact in facts
        if fact not in before.get(message_id, {}) and fact in SLOT_OF_FACT
    )


def _email_fact(message_id: str, slot: str, told: Mapping[str, Any]) -> EmailFact:
    sender = told.get("from") or {}
    return EmailFact(
        message_id,
        slot,
        datetime.fromisoformat(told["at"]),
        subject=told.get("subject"),
        kind=told.get("kind"),
        url=told.get("url"),
        snippet=told.get("snippet"),
        sender_name=sender.get("name"),
        sender_email=sender.get("email"),
    )
