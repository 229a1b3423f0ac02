"""What the rules of a batch's jobs ask to be read, beyond what every look reads. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from app.salesforce.describe import SObjectDescribe
from app.states import WriteState
from app.sync.field_values.builder import fields_to_read
from app.sync.field_values.system_fields import object_of
from app.sync.lookup.access import FULL_ACCESS, UserAccess
from app.sync.matching.person_matching import external_id_of
from app.sync.model.batch import CALENDAR_EVENT, PERSON, Job
from app.sync.model.cases import CASE_KEY
from app.sync.model.mapping_rules import (
    CREATE_CONTACT,
    CREATE_PERSON_ACCOUNT,
    DEFAULT_FIELDS,
    EXTERNAL_ID_TYPES,
    MappingRules,
)
from app.sync.model.record_key import NO_KEY_RULES, KeyRules, key_fields
from app.sync.model.record_kinds import CALENDAR_EVENT_KIND, RECORD_KINDS, always_written, objects_of
from app.sync.model.records import ACCOUNT, CAMPAIGN_MEMBER, CASE, CONTACT, EVENT, LEAD, PERSON_ACCOUNT

PERSON_ACCOUNT_FIELDS: Final = ("IsPersonAccount", "AccountId")
EXTERNAL_ID_LENGTH: Final = 255
"""Characters that a text field holds at most: a longer external id is nobody's."""

EVENT_READ: Final = frozenset({"Subject", "StartDateTime", "EndDateTime", "Location", "ShowAs", "OwnerId"})
ALWAYS_SELECTED: Final = frozenset({"Id", "Email"})


@dataclass(frozen=True)
class KnownOwners:
    """Salesforce user ids by the organizer's e-mail (`address_key`); `unknown` are still to be asked for."""

    ids: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


NO_OWNERS: Final = KnownOwners()


@dataclass(frozen=True)
class LookupRequirements:
    """`fields` are read of each record of an object; `external_ids` find people, by field; the describes of
    `undescribed` are asked for with the rest. `key_fields` are those for unique keys, by object, as far as
    known; the describes of `undescribed_keyed` say it of others.
    """

    describes: Mapping[str, SObjectDescribe] = field(default_factory=dict)
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    external_ids: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    access: UserAccess = FULL_ACCESS
    owners: KnownOwners = NO_OWNERS
    undescribed: tuple[str, ...] = ()
    key_rules: KeyRules = NO_KEY_RULES
    key_fields: Mapping[str, str] = field(default_factory=dict)
    undescribed_keyed: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        jobs: Iterable[Job],
        describes: Mapping[str, SObjectDescribe],
        access: UserAccess = FULL_ACCESS,
        owners: KnownOwners = NO_OWNERS,
    ) -> "LookupRequirements":
        """Without describes nothing is wanted: the default rules need none."""
        if not describes:
            return cls(access=access, owners=owners)
        jobs = list(jobs)
        rules = distinct_rules(job.rules for job in jobs)
        objects = (LEAD, CONTACT, CAMPAIGN_MEMBER, PERSON_ACCOUNT)
        fields = {sobject: _fields(sobject, rules, describes) for sobject in objects}
        fields[EVENT] = _event_fields(rules, describes)
        return cls(describes, fields, _external_ids(jobs), access, owners)

    def with_keys(
        self, rules: KeyRules, keyed: Iterable[str], known: Mapping[str, SObjectDescribe | None]
    ) -> "LookupRequirements":
        """With what is known of the fields for unique keys; None is known of a hidden object."""
        described = {**{name: each for name, each in known.items() if each}, **self.describes}
        found = key_fields({name: described[name] for name in keyed if name in described}, rules.namespace)
        missing = {*keyed}.difference(known, self.describes, self.undescribed)
        return replace(self, key_rules=rules, key_fields=found, undescribed_keyed=tuple(sorted(missing)))

    @property
    def people(self) -> tuple[str, ...]:
        """The objects that are asked for people."""
        return tuple(sobject for sobject in (CONTACT, LEAD) if sobject not in self.access.hidden)

    def external_ids_of(self, sobject: str) -> dict[str, tuple[str, ...]]:
        """The external ids that this object has a text field for, those left out that it cannot hold."""
        describe = self.describes.get(sobject)
        known = describe.fields if describe else {}
        found = {
            name: tuple(value for value in values if len(value) <= (known[name].length or EXTERNAL_ID_LENGTH))
            for name, values in self.external_ids.items()
            if name in known and known[name].type in EXTERNAL_ID_TYPES and name not in ALWAYS_SELECTED
        }
        return {name: values for name, values in found.items() if values}


def required_objects(jobs: Iterable[Job]) -> frozenset[str]:
    """The objects whose describes these jobs need; none for the default rules."""
    jobs = list(jobs)
    named = {ACCOUNT for job in jobs if _names_account(job)} | {
        CASE for job in jobs if job.writes.case or _may_have_lost_case(job)
    }
    named |= {EVENT for job in jobs if job.writes.calendar_event}
    return frozenset(named.union(*(_objects(rules) for rules in distinct_rules(job.rules for job in jobs))))


def keyed_objects(jobs: Iterable[Job], rules: KeyRules) -> frozenset[str]:
    """The objects of the records that these jobs may create with a unique key."""
    chosen = {(job.rules.creates, job.writes) for job in jobs}
    written = (
        kind.sobject
        for kind in RECORD_KINDS
        for creates, writes in chosen
        if getattr(writes, kind.toggle) and creates in (kind.create_modes or (creates,))
    )
    return rules.objects(frozenset(written))


def described_beside(jobs: Sequence[Job]) -> frozenset[str]:
    """The objects whose describes matter to new records alone, so that nothing is read by them: a calendar
    Event by default rules, while none stands.
    """
    has_none = not any((slot := job.slot(CALENDAR_EVENT)) and slot.exists_in_org for job in jobs)
    needed = required_objects(jobs)
    return needed if has_none and needed == {EVENT} else frozenset()


def distinct_rules(rules: Iterable[MappingRules]) -> list[MappingRules]:
    """Each of them once: the jobs of one event share theirs."""
    return list({id(each): each for each in rules}.values())


def _objects(rules: MappingRules) -> set[str]:
    if rules.is_default:
        return set()
    mapped = {rule.sobject for rule in rules.fields if rule not in DEFAULT_FIELDS} | set(rules.record_types)
    always = set(objects_of(always_written()))
    has_accounts = rules.creates in (CREATE_CONTACT, CREATE_PERSON_ACCOUNT) or updates_people(rules)
    return {
        LEAD,
        CONTACT,
        *({ACCOUNT} if has_accounts else ()),
        *((mapped | (always if rules.fills_required else set())) & {ACCOUNT, *always}),
    }


def updates_people(rules: MappingRules) -> bool:
    """Whether people who stand already may be written to."""
    return rules.is_updating or rules.opt_out_field is not None


def _may_have_lost_case(job: Job) -> bool:
    case = job.written.get(CASE_KEY)
    return case is not None and case.state == WriteState.AMBIGUOUS


def _names_account(job: Job) -> bool:
    person = job.slot(PERSON)
    ids = (job.salesforce_id, person.sf_id if person else None)
    return any(id_ is not None and id_.startswith("001") for id_ in ids)


def _fields(
    sobject: str, rules: Iterable[MappingRules], describes: Mapping[str, SObjectDescribe]
) -> tuple[str, ...]:
    describe = describes.get(object_of(sobject))
    if describe is None or (sobject == PERSON_ACCOUNT and "IsPersonAccount" not in describe.fields):
        return ()
    rules = list(rules)
    names = [name for each in rules for name in fields_to_read(sobject, each, describe=describe)]
    names += [each.external_id.field for each in rules if each.external_id and sobject in (LEAD, CONTACT)]
    if sobject == CONTACT and names:
        names += PERSON_ACCOUNT_FIELDS
    return tuple(name for name in dict.fromkeys(names) if name in describe.fields)


def _event_fields(rules: Iterable[MappingRules], describes: Mapping[str, SObjectDescribe]) -> tuple[str, ...]:
    """What is read of a calendar Event before it is changed."""
    describe = describes.get(EVENT)
    if describe is None:
        return ()
    ours = [name for name in describe.fields if name in EVENT_READ or CALENDAR_EVENT_KIND.is_of_package(name)]
    return tuple(dict.fromkeys((*ours, *_fields(EVENT, rules, describes))))


def _external_ids(jobs: Iterable[Job]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for job in jobs:
        key = external_id_of(job)
        if key is not None:
            found.setdefault(key[0], {})[key[1]] = None
    return {name: tuple(values) for name, values in found.items()}
