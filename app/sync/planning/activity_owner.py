"""Who owns an activity: the user who connected, or the organizer where the host wants that. Pure."""

from typing import Final

from app.states import ActivityOwner
from app.sync.lookup.lookup import LookupResult
from app.sync.model.batch import Job
from app.sync.model.item_errors import ItemWarning
from app.sync.model.records import TASK
from app.user_messages.phrases import Phrase

CONNECTED_USER: Final = "connected_user"
NO_USER: Final = Phrase("note.organizer_without_user")


def activity_owner(
    job: Job, how: ActivityOwner, lookup: LookupResult, *, sobject: str = TASK
) -> tuple[str | None, tuple[ItemWarning, ...]]:
    """The Salesforce user to write as `OwnerId`; None leaves it to the connected user.

    A warning says where the organizer has no user. One whom Salesforce refused before is left out, and warned
    of, by `build_record`, as every refused field is.
    """
    if how == CONNECTED_USER:
        return None, ()
    owner_id = lookup.owners.get(job.organizer_key or "")
    return owner_id, () if owner_id else (ItemWarning("fallback_used", sobject, "OwnerId", NO_USER),)
