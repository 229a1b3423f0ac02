"""Why no further call of a batch is made."""

from collections.abc import Iterable

from app.salesforce.errors import RequestRejected, ResponseLost, SalesforceError

Interruption = ResponseLost | RequestRejected
"""A response was lost, or a rejection would meet all other operations.

After a lost response the other collections of its call are still finished, and so is the call that was out at
the same time: what they refused is sent again.
"""


def raise_interruption(found: Iterable[SalesforceError | None]) -> None:
    """Raise a lost response before what would meet all others; nothing where all went well."""
    interruptions = [each for each in found if each is not None]
    lost = [each for each in interruptions if isinstance(each, ResponseLost)]
    if interruptions:
        raise lost[-1] if lost else interruptions[0]
