"""What the connected user may not see: objects that are not asked for, and problems that work waits for.

A problem stays with the connection until a look shows that it is over. It is looked at again hourly, and by
every preflight; meanwhile Salesforce is not asked for what it refuses.
"""

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Self

from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure.database import database_now
from app.models.kept_plan import kept_plan
from app.notifications.facts import problems_are
from app.salesforce.describe import SObjectDescribe
from app.salesforce.error_codes import ErrorClass
from app.salesforce.errors import ApiError, RequestRejected
from app.states import WaitReason
from app.sync.model.cases import CaseStatuses
from app.sync.model.records import CAMPAIGN_MEMBER, CASE, CONTACT, LEAD
from app.sync.model.retry_policy import ErrorAction, action_for

log = logging.getLogger(__name__)

Key = tuple[str, str | None, str | None]

RECHECK_AFTER: Final = timedelta(hours=1)

EMAIL_NOT_SEARCHABLE: Final = "email_not_searchable"
LOOKUP_REJECTED: Final = "lookup_refused"
MARKETING_USER_MISSING: Final = "marketing_user_missing"
NEW_LEADS_HIDDEN: Final = "new_leads_hidden"
CASES_NOT_CREATEABLE: Final = "cases_not_createable"
SEARCH_PROBLEMS: Final = frozenset({EMAIL_NOT_SEARCHABLE, LOOKUP_REJECTED})
"""The problems that a look shows to be over."""

EMAIL: Final = "Email"

# That the user sees every record is believed for minutes only: once it is taken away, what is hidden would
# be taken for deleted, and made a second time. That the user does not may be old.
LOAD_ACCESS = kept_plan("""
    SELECT clock_timestamp() AS now,
           (SELECT problems FROM connections WHERE host_id = :host_id AND org_id = :org_id) AS problems,
           (SELECT body FROM describe_cache
            WHERE host_id = :host_id AND org_id = :org_id AND sobject = 'TaskStatus'
              AND NOT is_stale AND fetched_at > clock_timestamp() - interval '24 hours') AS statuses,
           (SELECT body FROM describe_cache
            WHERE host_id = :host_id AND org_id = :org_id AND sobject = 'CaseStatus'
              AND NOT is_stale AND fetched_at > clock_timestamp() - interval '24 hours') AS case_statuses,
           (SELECT body FROM describe_cache
            WHERE host_id = :host_id AND org_id = :org_id AND sobject = 'EventLength'
              AND NOT is_stale AND fetched_at > clock_timestamp() - interval '24 hours') AS event_length,
           (SELECT coalesce(nullif(body -> 'fully_visible', 'null'), '[]') FROM describe_cache
            WHERE host_id = :host_id AND org_id = :org_id AND sobject = 'ObjectPermissions'
              AND NOT is_stale AND body ->> 'user_id' = (
                  SELECT user_id FROM connections WHERE host_id = :host_id AND org_id = :org_id
              )
              AND fetched_at > clock_timestamp() - CASE body -> 'fully_visible'
                  WHEN '[]' THEN interval '24 hours'
                  WHEN 'null' THEN interval '1 hour'
                  ELSE interval '5 minutes' END) AS fully_visible,
           (SELECT array_agg(sobject) FROM describe_cache
            WHERE host_id = :host_id AND org_id = :org_id AND sobject IN ('Lead', 'Contact')
              AND body = '{}' AND NOT is_stale AND fetched_at > clock_timestamp() - interval '15 minutes'
           ) AS hidden
""")
LOCK_PROBLEMS = text(
    "SELECT problems FROM connections WHERE host_id = :host_id AND org_id = :org_id FOR UPDATE"
)
STORE_PROBLEMS = text("""
    UPDATE connections SET problems = CAST(:problems AS jsonb), version = version + :step
    WHERE host_id = :host_id AND org_id = :org_id
""")
RELEASE_WAITING_JOBS = text("""
    UPDATE sync_jobs SET due_at = clock_timestamp(), waiting_for = NULL, state = 'pending'
    WHERE host_id = :host_id AND org_id = :org_id AND waiting_for = :what AND state IN ('pending', 'held')
""").bindparams(what=WaitReason.SALESFORCE_ACCESS)


@dataclass(frozen=True)
class AccessProblem:
    """Something that the connected user lacks. `checked_at`: when Salesforce said so last."""

    code: str
    sobject: str | None = None
    field: str | None = None
    error_code: str | None = None
    since: datetime | None = None
    checked_at: datetime | None = None

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        return cls(
            stored["code"],
            stored.get("sobject"),
            stored.get("field"),
            stored.get("error_code"),
            since=_time(stored.get("since")),
            checked_at=_time(stored.get("checked_at")),
        )

    @property
    def bare(self) -> "AccessProblem":
        """Without what changes from look to look."""
        return replace(self, since=None, checked_at=None)

    @property
    def key(self) -> Key:
        return self.code, self.sobject, self.field


@dataclass(frozen=True)
class UserAccess:
    """What the connected user may see. `hidden` objects are not queried, those `without_email` not by e-mail.

    `problems` are those on record, `rejected` the one for which a look-up is not tried, `is_due` says whether
    one is to be checked again. `closed_statuses` close a Task; no record of the objects in `fully_visible`
    is hidden; these and `case_statuses` are None where that is not known. With `hides_new_leads` the user
    loses access to each new Lead. With `has_day_events_only` the org takes no calendar Event of several days.
    """

    hidden: frozenset[str] = frozenset()
    without_email: frozenset[str] = frozenset()
    problems: tuple[AccessProblem, ...] = ()
    rejected: AccessProblem | None = None
    is_due: bool = False
    closed_statuses: tuple[str, ...] | None = None
    case_statuses: CaseStatuses | None = None
    lacks_campaign_access: bool = False
    hides_new_leads: bool = False
    fully_visible: frozenset[str] | None = None
    has_day_events_only: bool = False

    @property
    def search_problems(self) -> list[AccessProblem]:
        """The problems that these describes and queries show."""
        return [AccessProblem(EMAIL_NOT_SEARCHABLE, sobject, EMAIL) for sobject in sorted(self.without_email)]

    @property
    def has_inaccessible_leads(self) -> bool:
        """Whether the user lost access to Leads that we created, and has not seen them since."""
        return any(each.code == NEW_LEADS_HIDDEN for each in self.problems)

    def with_describes(
        self, describes: Mapping[str, SObjectDescribe], queried: Collection[str]
    ) -> "UserAccess":
        """Add what the describes of the `queried` objects show."""
        people = {LEAD, CONTACT} & set(queried)
        seen = people & describes.keys()
        blind = {sobject for sobject in seen if not _has_email(describes[sobject])}
        return replace(
            self,
            hidden=(self.hidden - seen) | (people - seen),
            without_email=(self.without_email - seen) | blind,
        )

    def after_rejection(self, refused: "LookupRejected") -> "UserAccess":
        """Add what a rejected query by e-mail shows where the describe does not."""
        failure, sobject = refused.failure, refused.sobject
        is_email = failure.error_code.startswith("INVALID_FIELD") and EMAIL in failure.message
        if sobject not in (LEAD, CONTACT) or not is_email:
            return self
        return replace(self, without_email=self.without_email | {sobject})


class LookupRejected(RequestRejected):
    """A look-up was refused; `sobject` is what was asked for."""

    def __init__(self, failures: tuple[ApiError, ...], sobject: str | None) -> None:
        super().__init__(failures)
        self.sobject = sobject


class RecentlyRejected(LookupRejected):
    """Salesforce refused this a short while ago: it is not asked again yet."""

    def __init__(self, problem: AccessProblem) -> None:
        failure = ApiError(problem.error_code or "INSUFFICIENT_ACCESS", "refused within the hour")
        super().__init__((failure,), problem.sobject)


def is_lasting(refused: RequestRejected) -> bool:
    """Whether only a person can change that this is refused, and nothing about the connection itself."""
    failure = refused.failure
    lasting = (ErrorClass.ACCESS, ErrorClass.CONFIGURATION)
    return failure.error_class in lasting and action_for(failure) is ErrorAction.FAIL


def problem_from(refused: RequestRejected) -> AccessProblem:
    failure = refused.failure
    sobject = refused.sobject if isinstance(refused, LookupRejected) else None
    named = failure.fields[0] if failure.fields else None
    return AccessProblem(LOOKUP_REJECTED, sobject, named, failure.error_code)


async def load_access(session: AsyncSession, *, host_id: str, org_id: str) -> UserAccess:
    """What is known already: nothing is asked for that was refused within the hour."""
    row = (await session.execute(LOAD_ACCESS, {"host_id": host_id, "org_id": org_id})).one()
    problems = tuple(AccessProblem.of(each) for each in row.problems or ())
    current = [each for each in problems if each.checked_at and row.now - each.checked_at < RECHECK_AFTER]
    return UserAccess(
        hidden=frozenset(row.hidden or ()),
        without_email=frozenset(
            each.sobject for each in current if each.code == EMAIL_NOT_SEARCHABLE and each.sobject
        ),
        problems=problems,
        rejected=next((each for each in current if each.code == LOOKUP_REJECTED), None),
        is_due=len(current) < len(problems),
        lacks_campaign_access=any(each.code == MARKETING_USER_MISSING for each in current),
        hides_new_leads=any(each.code == NEW_LEADS_HIDDEN for each in current),
        closed_statuses=tuple(row.statuses["closed"]) if row.statuses else None,
        case_statuses=_case_statuses(row.case_statuses),
        fully_visible=None if row.fully_visible is None else frozenset(row.fully_visible),
        has_day_events_only=row.event_length is not None,
    )


async def store_problems(
    session: AsyncSession,
    found: Iterable[AccessProblem],
    *,
    host_id: str,
    org_id: str,
    about: Collection[str],
) -> None:
    """Keep what was found, and end the problems of the codes `about` that were not: their work goes on."""
    values = {"host_id": host_id, "org_id": org_id}
    stored = (await session.execute(LOCK_PROBLEMS, values)).scalar_one_or_none()
    if stored is None:
        return
    now = await database_now(session)
    before = {each.key: each for each in map(AccessProblem.of, stored)}
    seen = {
        each.key: replace(each, since=(before.get(each.key) or each).since or now, checked_at=now)
        for each in found
    }
    kept = {key: each for key, each in before.items() if each.code not in about} | seen
    step = int(kept.keys() != before.keys())
    problems = to_json([asdict(each) for each in kept.values()]).decode()
    await session.execute(STORE_PROBLEMS, values | {"problems": problems, "step": step})
    await problems_are(session, host_id, kept)
    _log_change("connection_problem", kept.keys() - before.keys(), values)
    if solved := before.keys() - kept.keys():
        _log_change("connection_problem_solved", solved, values)
        await session.execute(RELEASE_WAITING_JOBS, values)


def _log_change(event: str, keys: Iterable[Key], whose: Mapping[str, str]) -> None:
    for code, sobject, field in sorted(keys, key=str):
        log.warning(event, extra={**whose, "problem": code, "object": sobject, "field": field})


async def recheck_problems(
    session: AsyncSession, *, host_id: str, org_id: str, except_codes: Collection[str]
) -> None:
    """Try the problems anew with the next work, which goes on now; `except_codes` were just looked at."""
    values = {"host_id": host_id, "org_id": org_id}
    stored = (await session.execute(LOCK_PROBLEMS, values)).scalar_one_or_none()
    if any(each["code"] not in except_codes for each in stored or ()):
        problems = to_json(
            [each if each["code"] in except_codes else {**each, "checked_at": None} for each in stored or ()]
        ).decode()
        await session.execute(STORE_PROBLEMS, values | {"problems": problems, "step": 0})
        await session.execute(RELEASE_WAITING_JOBS, values)


def _case_statuses(stored: Mapping[str, Any] | None) -> CaseStatuses | None:
    return CaseStatuses(tuple(stored["closed"]), tuple(stored["initial"])) if stored else None


def _has_email(describe: SObjectDescribe) -> bool:
    known = describe.fields.get(EMAIL)
    return known is not None and known.is_filterable


def _time(stored: object) -> datetime | None:
    return datetime.fromisoformat(stored) if isinstance(stored, str) else None


FULL_ACCESS: Final = UserAccess()
NO_CAMPAIGN_ACCESS: Final = AccessProblem(MARKETING_USER_MISSING, CAMPAIGN_MEMBER)
"""Members cannot be seen or written by the connected user, whatever the campaign."""
NO_CASE_ACCESS: Final = AccessProblem(CASES_NOT_CREATEABLE, CASE)
"""Meetings shall have Cases, and the connected user cannot create any: registrations go without."""
NO_NEW_LEAD_ACCESS: Final = AccessProblem(NEW_LEADS_HIDDEN, LEAD)
"""Private sharing, and assignment rules that give a new Lead to somebody else: we cannot write to it."""
