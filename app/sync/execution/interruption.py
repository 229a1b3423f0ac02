"""Why no further call of a batch is made."""

from collections.abc import Iterable

from app.salesforce.errors import RequestRejected, ResponseLost, SalesforceError
from app.sync.execution.stages import Halted

Interruption = ResponseLost | RequestRejected
"""A response was lost, or a rejection would meet all other operations.

After a lost response the other collections of its call are still finished, and so is the call that was out at
the same time: what they refused is sent again.
"""


def raise_interruption(found: Iterable[SalesforceError | Halted | None]) -> None:
    """Raise a lost response before what would meet all others, and what met another batch last; nothing where
    all went well.
    """
    interruptions = [each for each in found if each is not None]
    own = [each for each in interruptions if isinstance(each, SalesforceError)]
    lost = [each for each in own if isinstance(each, ResponseLost)]
    if interruptions:
        raise lost[-1] if lost else (own or interruptions)[0]
