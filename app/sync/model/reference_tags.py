"""Our reference tag: it ends the Description of every activity, and is the key of every e-mail."""

import base64
import hashlib
import re

REFERENCE = re.compile(r"\bEVS-[A-Z2-7]{16}\b")
MESSAGE_DOMAIN = "eventship"
MESSAGE_IDENTIFIER = re.compile(rf"<(evs-[a-z2-7]{{16}})@{MESSAGE_DOMAIN}>", re.IGNORECASE)


def reference_tag(host_id: str, org_id: str, registration_id: str, slot: str) -> str:
    """`EVS-` and 16 letters: the same for ever for one thing in one org, and different for any other."""
    text = "\x1f".join((host_id, org_id, registration_id, slot))
    digest = hashlib.blake2b(text.encode(), digest_size=10, person=b"evs-reference").digest()
    return "EVS-" + base64.b32encode(digest).decode()


def references_in(description: str | None) -> frozenset[str]:
    """All of our references in a text that users may have edited."""
    return frozenset(REFERENCE.findall(description or ""))


def message_identifier(reference: str) -> str:
    """The reference as the Message-ID of an e-mail."""
    return f"<{reference.lower()}@{MESSAGE_DOMAIN}>"


def reference_of_message(identifier: str | None) -> str | None:
    """The reference in a Message-ID of ours; None for anybody else's."""
    found = MESSAGE_IDENTIFIER.fullmatch(identifier or "")
    return found[1].upper() if found else None
