"""What a restored database has forgotten: until when it may have been written without our knowing."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from app.sync.model.batch import RegistrationFacts

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far the platform's clock may be ahead of ours."""


class RestoredWindow(NamedTuple):
    """Between `since` and `restored_at` a service of which we know nothing may have written to Salesforce."""

    since: datetime
    restored_at: datetime

    def may_have_written(self, facts: RegistrationFacts) -> bool:
        """Whether the registration existed by then."""
        return facts.is_counted and facts.registered_at <= self.restored_at + CLOCK_SKEW
