"""Every table, one file per theme."""

from app.models.audit import AuditEntry, AuditHead, IdempotencyKey, KeyCheck
from app.models.base import Base
from app.models.campaigns import Backfill, CampaignLink
from app.models.connections import (
    Connection,
    OAuthAttempt,
    OwnApp,
    PendingRevocation,
    Preflight,
    SalesforceUser,
    SupersededGrant,
    UnconfirmedGrant,
    UnconfirmedUser,
)
from app.models.flow import FlowInterval
from app.models.hosts import Event, Host
from app.models.mapping import DescribeCache, Mapping
from app.models.notifications import (
    Notification,
    NotificationReceiver,
    NotificationSequence,
    NotifiedCondition,
)
from app.models.registrations import Delivery, Erasure, Quarantined, Registration, UnknownBody
from app.models.sync import (
    BACKFILL,
    LIVE,
    ChoreRun,
    CreateLock,
    OrgLease,
    Restore,
    SyncAttempt,
    SyncJob,
    WorkerHeartbeat,
    WrittenRecord,
)
from app.models.verifications import Verification, VerificationDifference
