"""One org: its schema, rows, switches, grants and counters."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from salesforce_simulator import config as configuration
from salesforce_simulator.api_usage import ApiUsage
from salesforce_simulator.clock import Clock, format_date, whole_second
from salesforce_simulator.config import Config
from salesforce_simulator.grants import Grants
from salesforce_simulator.ids import new_id
from salesforce_simulator.metadata.schema import SObject
from salesforce_simulator.metadata.standard import Schema
from salesforce_simulator.persistence import Journal
from salesforce_simulator.presets import PRESETS
from salesforce_simulator.query_cursors import Cursor
from salesforce_simulator.rights import (
    PermissionSet,
    Rights,
    common_rights,
    own_rights,
    permission_rows,
    permission_sets,
    whole_schema,
)
from salesforce_simulator.store import Row, Store

MAX_CURSORS = 10


class Org:
    """A Salesforce org. Everything that changes it ends with `commit`."""

    def __init__(
        self,
        number: int,
        name: str,
        my_domain: str,
        *,
        clock: Clock,
        journal: Journal,
        is_sandbox: bool = False,
        on_row_write: Callable[[str, Mapping[str, Any]], None] = lambda sobject, changes: None,
    ) -> None:
        self.number = number
        self.id = new_id("00D", number)
        self.name = name
        self.first_domain = my_domain
        self.is_sandbox = is_sandbox
        self.clock = clock
        self.journal = journal
        self.on_row_write = on_row_write
        self._reset_state()
        self._load()

    def _reset_state(self) -> None:
        # Whom the call that is being answered acts as; nobody outside of one, and triggers, may do all.
        self.acting_id: str | None = None
        self._apply(Config())
        self.store = Store(self.whole)
        self.calls = ApiUsage()
        self.grants = Grants()
        self.api_used = 0
        self.cursors: OrderedDict[str, Cursor] = OrderedDict()
        self.cursor_number = 0
        self.schema_changed_at = self.clock()

    def _apply(self, config: Config) -> None:
        """The configuration, and the org as its users have it; raises KeyError or ValueError."""
        whole = whole_schema(config)
        common, own = common_rights(config, whole), own_rights(config, whole)
        self._everything, self._common, self._own = Rights(config, whole), common, own

    @property
    def whole(self) -> Schema:
        """Every object and field of the org, whoever sees them."""
        return self._everything.schema

    @property
    def config(self) -> Config:
        """The switches as they are for whom the call acts as."""
        return self.rights_of(self.acting_id).config

    @property
    def schema(self) -> Schema:
        """The objects and fields that whom the call acts as sees."""
        return self.rights_of(self.acting_id).schema

    def rights_of(self, user_id: str | None) -> Rights:
        """What a user may do; nobody in particular may do all."""
        if user_id is None:
            return self._everything
        user = self.store.get("User", user_id) if self._own else None
        return self._own.get((user["Username"] or "").lower(), self._common) if user else self._common

    @contextmanager
    def acting_as(self, user_id: str | None) -> Iterator[None]:
        """Answer a call as a user, or do as nobody in particular what no permission stops."""
        before, self.acting_id = self.acting_id, user_id
        try:
            yield
        finally:
            self.acting_id = before

    def _load(self) -> None:
        facts = self.journal.load_state(self.id)
        if facts:
            self._restore(facts)
        else:
            seed(self)
            self.commit()

    def _restore(self, facts: Mapping[str, Any]) -> None:
        self._rebuild_schema(Config.model_validate(facts["config"]))
        self.calls = ApiUsage.load(facts["calls"])
        self.api_used = facts["api_used"]
        self.grants = Grants.load(facts["grants"])
        self.store.load(self.journal.rows(self.id))

    def _rebuild_schema(self, config: Config) -> None:
        before = self._schemas()
        self._apply(config)
        if self._schemas() != before:
            self.schema_changed_at = self.clock()
        self.store.migrate_schema(self.whole)

    def _schemas(self) -> tuple[Schema, Schema, dict[str, Schema]]:
        return self.whole, self._common.schema, {name: each.schema for name, each in self._own.items()}

    def configure(self, update: Mapping[str, Any]) -> Config:
        """Merge a partial configuration; raises MalformedConfig and changes nothing then.

        A `preset` names switches that come first; those beside it win.
        """
        own = dict(update)
        preset = own.pop("preset", None)
        if preset is not None and preset not in PRESETS:
            raise configuration.MalformedConfig(f"preset: {preset} is none of {', '.join(PRESETS)}")
        config = self.current_config()
        if preset is not None:
            config = configuration.merged(config, PRESETS[preset](self.number))
        return self.apply_config(configuration.merged(config, own))

    def apply_config(self, config: Config) -> Config:
        """Take a whole configuration; raises MalformedConfig when it names what the org does not have."""
        before = self.config
        user_ids = self.user_ids()
        unknown = [each.username for each in config.users if each.username.lower() not in user_ids]
        if unknown:
            raise configuration.MalformedConfig(f"users: no such username: {', '.join(unknown)}")
        try:
            self._rebuild_schema(config)
        except (KeyError, ValueError) as error:
            raise configuration.MalformedConfig(f"no such object or field: {error}") from error
        self.api_used = config.api_limit.used
        put_record_types(self)
        put_statuses(self)
        put_rules(self)
        if config.private_objects != before.private_objects:
            access = "None" if "Lead" in config.private_objects else "ReadEditTransfer"
            self.store.update("Organization", self.id, {"DefaultLeadAccess": access})
        if (config.is_marketing_user, config.users) != (before.is_marketing_user, before.users):
            for user in list(self.store.live("User")):
                is_one = self.rights_of(user["Id"]).config.is_marketing_user
                self.store.update("User", user["Id"], {"UserPermissionsMarketingUser": is_one})
        if config.user_language != before.user_language:
            for user in list(self.store.live("User")):
                self.store.update("User", user["Id"], {"LanguageLocaleKey": config.user_language})
        self.commit()
        return self.current_config()

    def user_ids(self) -> dict[str, str]:
        """The users by username, without case; rows put in past every rule may have none."""
        return {user["Username"].lower(): user["Id"] for user in self.store.live("User") if user["Username"]}

    def current_config(self) -> Config:
        """The configuration with today's API usage in it."""
        limit = self.config.api_limit.model_copy(update={"used": self.api_used})
        return self.config.model_copy(update={"api_limit": limit})

    @property
    def my_domain(self) -> str:
        return self.config.my_domains[-1] if self.config.my_domains else self.first_domain

    @property
    def old_my_domains(self) -> tuple[str, ...]:
        """What it was called before."""
        return tuple(each for each in (self.first_domain, *self.config.my_domains) if each != self.my_domain)

    def rename(self, my_domain: str) -> None:
        """Take another My Domain; every session ends, as Salesforce resets all connections.

        https://help.salesforce.com/s/articleView?id=xcloud.domain_name_auth_update_determine.htm
        """
        self.configure({"my_domains": [*self.config.my_domains, my_domain]})
        self.grants.expire_all()
        self.commit()

    def reset(self) -> None:
        """Back to the first day: no rows but users, no grants, default switches."""
        self.journal.clear(self.id)
        self._reset_state()
        seed(self)
        self.commit()

    def commit(self) -> None:
        """Hand everything that changed since the last commit to the journal."""
        if not self.journal.is_durable:
            self.store.forget_changes()
            return
        facts = {
            "config": self.config.model_dump(mode="json"),
            "calls": self.calls.dump(),
            "api_used": self.api_used,
            "grants": self.grants.dump(),
        }
        self.journal.append(self.id, self.store.take_changes(), facts.items())

    def now(self) -> str:
        """The moment, as audit fields keep it."""
        return whole_second(self.clock())

    def today(self) -> str:
        return format_date(self.clock())

    def sobject(self, name: str) -> SObject | None:
        return self.schema.find(name)

    def is_visible(self, row: Row) -> bool:
        """Whether sharing lets the API user see the row."""
        return self.sees(self.acting_id, row)

    def sees(self, user_id: str | None, row: Row) -> bool:
        """Whether sharing lets a user see the row; nobody in particular is a user who may view all."""
        rights = self.rights_of(user_id)
        if row["Id"] in rights.config.hidden_records:
            return False
        if self.edits(user_id, row):
            return True
        name = self.whole.of_id(row["Id"])
        sets = rights.config.permission_sets
        return name in rights.view_all or any(name in s.view_all and user_id in s.users for s in sets)

    def edits(self, user_id: str | None, row: Row) -> bool:
        """Whether sharing lets a user change a row that he sees; to view all is not to modify all."""
        private = self._everything.config.private_objects
        return (
            not private or user_id in {None, row.get("OwnerId")} or self.whole.of_id(row["Id"]) not in private
        )

    def permission_sets(self) -> list[PermissionSet]:
        """Those that are configured, and the profiles' of users who have rights of their own."""
        return permission_sets(self.config, self._own, self.user_ids())

    def expire_bin(self) -> None:
        """Rows that were deleted long enough ago are gone."""
        age = timedelta(days=self.config.bin_days)
        self.store.empty_bin(deleted_before=whole_second(self.clock() - age))

    def remember(self, cursor: Cursor) -> None:
        """Keep a query cursor; the eleventh closes the oldest, as Salesforce does."""
        self.cursors[cursor.locator] = cursor
        while len(self.cursors) > MAX_CURSORS:
            self.cursors.popitem(last=False)

    @property
    def admin_id(self) -> str:
        """The first user, whom the control API acts as."""
        return new_id("005", self.number * 100 + 1)


def seed(org: Org) -> None:
    """The rows every org has on its first day: the organization itself, three users and a queue."""
    slug = org.name.split()[0].lower()
    now = org.now()
    audit = {
        "IsDeleted": False,
        "CreatedDate": now,
        "LastModifiedDate": now,
        "SystemModstamp": now,
        "CreatedById": org.admin_id,
        "LastModifiedById": org.admin_id,
    }
    organization = {
        "Id": org.id,
        "Name": org.name,
        "OrganizationType": "Enterprise Edition",
        "InstanceName": "SIM1",
        "IsSandbox": org.is_sandbox,
        "TimeZoneSidKey": "Europe/Berlin",
        "LanguageLocaleKey": "en_US",
        "DefaultLocaleSidKey": "en_US",
        "Country": "DE",
        "DefaultLeadAccess": "ReadEditTransfer",
    }
    org.store.upsert("Organization", {**_empty(org, "Organization"), **organization, **audit})
    people = (("Ada", "Admin"), ("Sam", "Sales"), ("Ines", "Integration"))
    for offset, (first, last) in enumerate(people, start=1):
        user = _user(first, last, slug, is_sandbox=org.is_sandbox) | {
            "Id": new_id("005", org.number * 100 + offset)
        }
        org.store.upsert("User", {**_empty(org, "User"), **user, **audit})
    queue = {"Id": new_id("00G", org.number * 100 + 1), "Name": "Event Leads", "DeveloperName": "Event_Leads"}
    org.store.upsert("Group", {**_empty(org, "Group"), **queue, "Type": "Queue", **audit})
    put_statuses(org)


def put_record_types(org: Org) -> None:
    """Rows for the configured record types; those no longer configured become inactive."""
    for row in list(org.store.live("RecordType")):
        org.store.update("RecordType", row["Id"], {"IsActive": False})
    rows = [
        {
            "Name": kind.name or kind.developer_name.replace("_", " "),
            "DeveloperName": kind.developer_name,
            "SobjectType": kind.sobject,
            "IsActive": kind.is_active,
            "IsPersonType": kind.is_person_type,
        }
        for kind in org.config.every_record_type
    ]
    _put_numbered(org, "RecordType", rows)


def put_statuses(org: Org) -> None:
    """Rows for the statuses of Tasks and Cases."""
    listed = (("TaskStatus", org.config.task_statuses), ("CaseStatus", org.config.case_statuses))
    for name, statuses in listed:
        rows = [
            {
                "ApiName": status.value,
                "MasterLabel": status.label or status.value,
                "IsClosed": status.is_closed,
                "IsDefault": status.is_default,
                "SortOrder": number,
            }
            for number, status in enumerate(statuses, start=1)
        ]
        _replace(org, name, rows)


def put_rules(org: Org) -> None:
    """Rows for duplicate rules, assignment rules and permission sets."""
    config = org.config
    duplicates = [
        {"DeveloperName": name, "MasterLabel": name, "SobjectType": rule.sobject, "IsActive": rule.is_active}
        for rule in config.duplicate_rules
        for name in (rule.name or f"Standard_{rule.sobject}_Duplicate_Rule",)
    ]
    assignments = [
        {"Name": "Standard", "SobjectType": rule.sobject, "Active": rule.is_active}
        for rule in config.assignment_rules
    ]
    _replace(org, "DuplicateRule", duplicates)
    _replace(org, "AssignmentRule", assignments)
    for name, rows in permission_rows(org.permission_sets()).items():
        _replace(org, name, rows)


def _replace(org: Org, name: str, rows: Iterable[Row]) -> None:
    """Let an object that nobody writes have these rows and no others."""
    if name in org.schema.objects:
        for row in list(org.store.live(name)):
            org.store.update(name, row["Id"], {"IsDeleted": True})
        _put_numbered(org, name, rows)


def _put_numbered(org: Org, name: str, rows: Iterable[Row]) -> None:
    audit = {"IsDeleted": False, "CreatedById": org.admin_id, "LastModifiedById": org.admin_id}
    audit |= dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), org.now())
    for number, row in enumerate(rows, start=1):
        record_id = {"Id": new_id(org.schema.objects[name].prefix, number)}
        org.store.upsert(name, {**_empty(org, name), **row, **record_id, **audit})


def _empty(org: Org, sobject: str) -> Row:
    fields = org.schema.objects[sobject].fields.values()
    return {f.name: False if f.type == "boolean" else None for f in fields}


def _user(first: str, last: str, slug: str, *, is_sandbox: bool) -> Row:
    """A user; usernames are unique over all orgs, so a sandbox appends its name to them."""
    address = f"{first}.{last}@{slug}.example".lower()
    return {
        "Username": f"{address}.sandbox" if is_sandbox else address,
        "FirstName": first,
        "LastName": last,
        "Name": f"{first} {last}",
        "Email": address,
        "Alias": (first[0] + last).lower()[:8],
        "TimeZoneSidKey": "Europe/Berlin",
        "LocaleSidKey": "en_US",
        "LanguageLocaleKey": "en_US",
        "UserType": "Standard",
        "IsActive": True,
        "UserPermissionsMarketingUser": True,
    }
