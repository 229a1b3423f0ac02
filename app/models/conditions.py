"""What is said of registrations and their jobs in SQL: each condition once."""

from typing import Final

from sqlalchemy import and_, func, or_

from app.models.registrations import Registration
from app.models.sync import SyncJob

IS_COUNTED: Final = or_(Registration.confirmed_at.is_not(None), Registration.checked_in_at.is_not(None))
"""Confirmed once, or checked in: the dashboard lists and counts these."""

IS_ERASED: Final = Registration.erased_at.is_not(None)

IS_WRITABLE: Final = and_(IS_COUNTED, ~IS_ERASED)
"""What a backfill writes."""

IS_CHECKED_IN: Final = and_(
    Registration.checked_in_at.is_not(None),
    or_(
        Registration.check_in_reverted_at.is_(None),
        Registration.check_in_reverted_at < Registration.checked_in_at,
    ),
)
"""Checked in, and not undone later."""

IS_EXCEPTION: Final = or_(~IS_COUNTED, IS_ERASED, Registration.check_in_reverted_at.is_not(None))
"""Of a registration that stays in its event, what stats show of it is not what its job alone says."""

SHOWN_STATE: Final = func.coalesce(SyncJob.settled_state, SyncJob.state)
"""The job's state apart from parts that it does not depend on."""
