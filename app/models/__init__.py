"""Every table, one file per theme."""

from app.models.attempts import SyncAttempt
from app.models.audit import AuditEntry, AuditHead, IdempotentAnswer, KeyCheck
from app.models.base import Base
from app.models.campaigns import Backfill, CampaignLink
from app.models.connections import (
    Connection,
    LeftGrant,
    OAuthAttempt,
    OwnApp,
    PendingRevocation,
    Preflight,
    UnconfirmedGrant,
)
from app.models.hosts import Event, Host
from app.models.mapping import DescribeCache, Mapping
from app.models.registrations import Delivery, Erasure, Quarantined, Registration, UnknownBody
from app.models.sync import (
    BACKFILL,
    LIVE,
    OpenCreate,
    OrgLease,
    SyncJob,
    WorkerHeartbeat,
    WrittenRecord,
)

__all__ = [
    "BACKFILL",
    "LIVE",
    "AuditEntry",
    "AuditHead",
    "Backfill",
    "Base",
    "CampaignLink",
    "Connection",
    "Delivery",
    "DescribeCache",
    "Erasure",
    "Event",
    "Host",
    "IdempotentAnswer",
    "KeyCheck",
    "LeftGrant",
    "Mapping",
    "OAuthAttempt",
    "OpenCreate",
    "OrgLease",
    "OwnApp",
    "PendingRevocation",
    "Preflight",
    "Quarantined",
    "Registration",
    "SyncAttempt",
    "SyncJob",
    "UnconfirmedGrant",
    "UnknownBody",
    "WorkerHeartbeat",
    "WrittenRecord",
]
