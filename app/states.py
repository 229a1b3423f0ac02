"""Every state, reason and meaning that is stored or returned by name, each once."""

from enum import StrEnum
from typing import Final, Literal


class JobState(StrEnum):
    """How far the work on a registration is. AMBIGUOUS: a write may have been applied, and is looked for."""

    PENDING = "pending"
    RUNNING = "running"
    SYNCED = "synced"
    FAILED = "failed"
    HELD = "held"
    AMBIGUOUS = "ambiguous"
    SKIPPED = "skipped"


class JobReason(StrEnum):
    """Why a job runs: news of the registration (LIVE), a person's retry, or one of the backfills.

    UNLINK lets go of jobs that waited for a broken link; BEFORE_CONNECTION writes what has no job yet;
    SWITCHED_ON what was skipped while its event was switched off; EVENT_CHANGED what shows a change of its
    event; RETRY_PARTS is a person's retry of parts that the registration's state does not depend on.
    """

    LIVE = "live"
    RETRY = "retry"
    LINK = "link"
    UNLINK = "unlink"
    REQUEST = "request"
    REAPPLY = "reapply"
    BEFORE_CONNECTION = "before_connection"
    SWITCHED_ON = "switched_on"
    EVENT_CHANGED = "event_changed"
    RETRY_PARTS = "retry_parts"


class WaitReason(StrEnum):
    """What a registration waits for. Jobs store the first five; the others are read from the gates.

    PERSON: somebody else's registration is making the person that it is written to.
    """

    CERTAINTY = "certainty"
    RETRY = "retry"
    CAMPAIGN = "campaign"
    SALESFORCE_ACCESS = "salesforce_access"
    PERSON = "person"
    QUEUE = "queue"
    CONNECTION = "connection"
    API_BUDGET = "api_budget"
    PAUSE = "pause"
    ORG_BACKOFF = "org_backoff"


class SkipReason(StrEnum):
    """Why a registration is not written."""

    NO_MATCH = "no_match"
    EXCLUDED = "excluded"
    NO_EMAIL = "no_email"
    BEFORE_CONNECTION = "before_connection"
    NOTHING_WANTED = "nothing_wanted"
    CANCELLED = "cancelled"
    ERASED = "erased"
    SWITCHED_OFF = "switched_off"


class WriteState(StrEnum):
    """How far the write of one slot is. INTENDED is committed before the call; AMBIGUOUS: no response."""

    INTENDED = "intended"
    WRITTEN = "written"
    AMBIGUOUS = "ambiguous"
    FAILED = "failed"


class WriteAction(StrEnum):
    """What the last write of a slot did."""

    CREATE = "create"
    UPDATE = "update"


class StatusMeaning(StrEnum):
    """What a campaign member's status says of the attendee."""

    REGISTERED = "registered"
    ATTENDED = "attended"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    REPLAY_WATCHED = "replay_watched"


class Milestone(StrEnum):
    """What happens to a registration and is written, and what is kept of it: the parts of a row."""

    REGISTERED = "registered"
    CHECKED_IN = "checked_in"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    REPLAY_WATCHED = "replay_watched"
    CALENDAR_EVENT = "calendar_event"
    CASE = "case"
    EMAIL_SENT = "email_sent"
    EMAIL_OPENED = "email_opened"
    EMAIL_REPLIED = "email_replied"


class RegistrationStatus(StrEnum):
    """What the platform says of a registration."""

    PENDING = "pending"
    WAITLISTED = "waitlisted"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    DECLINED = "declined"


class SyncState(StrEnum):
    """How far a registration is, as the dashboard counts it."""

    SYNCED = "synced"
    PENDING = "pending"
    FAILED = "failed"
    SKIPPED = "skipped"


class PendingReason(StrEnum):
    """Why a pending registration has not moved, as the dashboard counts it."""

    QUEUED = "queued"
    RUNNING = "running"
    RETRY_LATER = "retry_later"
    AMBIGUOUS = "ambiguous"
    CONNECTION = "connection"
    API_BUDGET = "api_budget"
    PAUSED = "paused"
    CAMPAIGN = "campaign"
    ORG_BACKOFF = "org_backoff"
    SALESFORCE_ACCESS = "salesforce_access"
    PERSON = "person"


class PartState(StrEnum):
    """How far one milestone of a registration is, the worst first."""

    FAILED = "failed"
    AMBIGUOUS = "ambiguous"
    HELD = "held"
    RUNNING = "running"
    PENDING = "pending"
    SYNCED = "synced"
    NOT_WANTED = "not_wanted"


class RetryRefusal(StrEnum):
    """Why a retry leaves a registration alone."""

    ERASED = "erased"
    AMBIGUOUS = "ambiguous"
    ALREADY_PENDING = "already_pending"
    ALREADY_SYNCED = "already_synced"
    SKIPPED = "skipped"


class ConnectionState(StrEnum):
    """A host's connection. The first two have no row: no app is configured, or the host never connected."""

    NOT_CONFIGURED = "not_configured"
    NOT_CONNECTED = "not_connected"
    CONNECTED = "connected"
    NEEDS_RECONNECT = "needs_reconnect"
    DISCONNECTED = "disconnected"


STORED_CONNECTION_STATES: Final = (
    ConnectionState.CONNECTED,
    ConnectionState.NEEDS_RECONNECT,
    ConnectionState.DISCONNECTED,
)


class AttemptState(StrEnum):
    """One attempt to connect."""

    WAITING = "waiting"
    CONFIRMING = "confirming"
    CONNECTED = "connected"
    FAILED = "failed"
    EXPIRED = "expired"


class SignInPurpose(StrEnum):
    """What a sign-in at Salesforce is for: the host's connection, or who a platform user is there."""

    HOST = "host"
    USER = "user"


class LinkState(StrEnum):
    """The link of an event to a campaign. A BROKEN one stops member writes only."""

    LINKED = "linked"
    BROKEN = "broken"
    CREATING = "creating"
    CREATE_FAILED = "create_failed"


class BackfillState(StrEnum):
    """One backfill of an event."""

    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"


class VerificationState(StrEnum):
    """One verification of an event. PAUSED: it waits and goes on by itself; ENDED: it never will."""

    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    ENDED = "ended"


class DifferenceKind(StrEnum):
    """How a record in Salesforce differs from what we wrote. NOT_VISIBLE: deleted or hidden; WITHOUT_KEY: it
    was made before the org had the field for its unique key.
    """

    MISSING_PERSON = "missing_person"
    MISSING_ACTIVITY = "missing_activity"
    MISSING_MEMBER = "missing_member"
    MISSING_CASE = "missing_case"
    MISSING_EMAIL = "missing_email"
    STATUS_DIFFERS = "status_differs"
    TIMES_DIFFER = "times_differ"
    OTHER_PERSON = "other_person"
    NOT_VISIBLE = "not_visible"
    WITHOUT_KEY = "without_key"


class NotificationType(StrEnum):
    """What the platform is notified of."""

    NEEDS_RECONNECT = "connection.needs_reconnect"
    RESTORED = "connection.restored"
    PROBLEM = "connection.problem"
    PROBLEM_SOLVED = "connection.problem_solved"
    FAILURES_STARTED = "event.failures_started"
    FAILURES_CLEARED = "event.failures_cleared"
    CAMPAIGN_BROKEN = "campaign.broken"
    CAMPAIGN_RESTORED = "campaign.restored"
    BACKFILL_FINISHED = "backfill.finished"
    BUDGET_STOPPED = "budget.stopped"
    BUDGET_RESUMED = "budget.resumed"


class NotificationState(StrEnum):
    """One notification. A pending one is DISABLED while the receiver is, and stored as pending."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    DISABLED = "disabled"


STORED_NOTIFICATION_STATES: Final = (
    NotificationState.PENDING,
    NotificationState.DELIVERED,
    NotificationState.FAILED,
)


class ConditionKind(StrEnum):
    """What begins with one notification and ends with another."""

    RECONNECT = "reconnect"
    PROBLEM = "problem"
    FAILURES = "failures"
    CAMPAIGN = "campaign"
    BUDGET = "budget"


class BackoffReason(StrEnum):
    """Why an org is left alone for a while, where it is not an error code of Salesforce."""

    API_LIMIT = "api_limit"
    CONCURRENCY = "concurrency"
    UNAVAILABLE = "unavailable"


class BacklogReason(StrEnum):
    """What keeps due work from being done. RECONNECT and PAUSED end by a person, BUDGET by the clock."""

    READY = "ready"
    BACKING_OFF = "backing_off"
    AMBIGUOUS = "ambiguous"
    BUDGET = "budget"
    PAUSED = "paused"
    RECONNECT = "reconnect"


ActivityOwner = Literal["connected_user", "organizer"]
"""Who owns an activity: the user who connected, or the organizer's own Salesforce user."""

ShowAs = Literal["busy", "free", "out_of_office"]
"""What a calendar shows of the time of an Event."""

EmailAs = Literal["auto", "email_message", "task"]
"""What an e-mail becomes; `auto`: an EmailMessage where the org has them, else a Task."""

GeneralLinks = Literal["as_mapping", "nobody", "lead", "contact"]
"""What a registration without a Salesforce id may create."""
