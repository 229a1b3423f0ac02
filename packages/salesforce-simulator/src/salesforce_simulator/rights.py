"""What users may do: the org as each of them has it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from salesforce_simulator.config import Config
from salesforce_simulator.config_parts import Permissions, UserRights
from salesforce_simulator.ids import new_id
from salesforce_simulator.metadata.schema import SObject
from salesforce_simulator.metadata.standard import Schema, configured_schema, narrowed, standard_schema
from salesforce_simulator.store import Row
from salesforce_simulator.write_rules import WriteRules, write_rules

_T = TypeVar("_T")
Render = Callable[[Row], dict[str, Any]]

# Keys of permissions that are no switches of the org.
_OF_USERS = {"is_api_enabled", "view_all"}


@dataclass(frozen=True)
class Rights:
    """An org as a user has it: its switches, and the objects and fields that are not hidden from him."""

    config: Config
    schema: Schema
    view_all: frozenset[str] = frozenset()
    is_api_enabled: bool | None = None
    # What was worked out of these: the next configuration brings rights of its own.
    described: dict[tuple[str, ...], dict[str, Any]] = field(default_factory=dict, compare=False, repr=False)
    renderers: dict[tuple[str, str, bool], Render] = field(default_factory=dict, compare=False, repr=False)
    writing: dict[str, WriteRules] = field(default_factory=dict, compare=False, repr=False)

    def write_rules(self, sobject: SObject, whole: Schema) -> WriteRules:
        """The rules of writing an object of these rights."""
        found = self.writing.get(sobject.name)
        if found is None or found.sobject is not sobject:
            found = write_rules(self.config, sobject, whole.objects[sobject.name])
            self.writing[sobject.name] = found
        return found


def _had(config: Config, settings: Mapping[str, _T]) -> dict[str, _T]:
    """Settings by object or by field, without those of objects that the org does not have."""
    absent = config.absent_objects
    return {path: value for path, value in settings.items() if path.partition(".")[0] not in absent}


def whole_schema(config: Config) -> Schema:
    """Every object and field of an org."""

    return configured_schema(
        standard_schema(),
        extra_fields=_had(config, config.every_extra_field),
        absent_objects=config.absent_objects,
        flagged_fields=_had(config, config.flagged_fields),
        places=config.places,
        listed=_had(config, config.listed_statuses),
        labels=_had(config, config.every_picklist_label),
        restricted_picklists=_had(config, config.restricted_picklists),
        with_record_types=[kind.sobject for kind in config.every_record_type],
        has_person_accounts=config.has_person_accounts,
    )


def common_rights(config: Config, whole: Schema) -> Rights:
    """What every user has who has nothing of his own."""
    return Rights(config, narrowed(whole, config.hidden_objects, _had(config, config.every_hidden_field)))


def own_rights(config: Config, whole: Schema) -> dict[str, Rights]:
    """What users have who have something of their own, by username without case."""
    return {each.username.lower(): _own(config, whole, each.permissions) for each in config.users}


def _own(config: Config, whole: Schema, permissions: Permissions) -> Rights:
    given = {name: getattr(permissions, name) for name in Permissions.model_fields}
    replaced = {name: value for name, value in given.items() if name not in _OF_USERS and value is not None}
    common = common_rights(config.model_copy(update=replaced), whole)
    return Rights(common.config, common.schema, frozenset(permissions.view_all), permissions.is_api_enabled)


@dataclass(frozen=True)
class PermissionSet:
    """A permission set as rows; those of a profile come after all others."""

    row: Row
    users: tuple[str, ...]
    objects: tuple[Row, ...]


def permission_sets(
    config: Config, rights: Mapping[str, Rights], user_ids: Mapping[str, str]
) -> list[PermissionSet]:
    """The configured permission sets, and one of the profile of each user who has rights of his own."""
    sets = [
        PermissionSet(
            {"Name": each.name, "Label": each.name.replace("_", " ")},
            each.users,
            tuple({"SobjectType": name, **_VIEWED} for name in each.view_all),
        )
        for each in config.permission_sets
    ]
    return [*sets, *(_profile(each, rights[each.username.lower()], user_ids) for each in config.users)]


_VIEWED = {"PermissionsRead": True, "PermissionsViewAllRecords": True}


def _profile(user: UserRights, rights: Rights, user_ids: Mapping[str, str]) -> PermissionSet:
    name = user.username.partition("@")[0].replace(".", "_")
    row = {"Name": f"Profile_{name}", "Label": f"Profile {name}", "IsOwnedByProfile": True}
    return PermissionSet(row, (user_ids[user.username.lower()],), tuple(_objects(rights)))


def _objects(rights: Rights) -> Iterator[Row]:
    """What a profile says of each object that has rows of people's making."""
    for name, sobject in rights.schema.objects.items():
        if sobject.is_createable and sobject.is_deletable:
            may_write = name not in rights.config.read_only_objects
            written = dict.fromkeys(("PermissionsCreate", "PermissionsEdit", "PermissionsDelete"), may_write)
            views_all = name in rights.view_all
            yield {
                "SobjectType": name,
                "PermissionsRead": True,
                **written,
                "PermissionsViewAllRecords": views_all,
            }


def permission_rows(sets: list[PermissionSet]) -> dict[str, list[Row]]:
    """Permission sets, whom they are assigned to, and what they say of objects: rows by object."""
    numbered = [(new_id("0PS", number), each) for number, each in enumerate(sets, start=1)]
    return {
        "PermissionSet": [each.row for each in sets],
        "PermissionSetAssignment": [
            {"PermissionSetId": set_id, "AssigneeId": user_id}
            for set_id, each in numbered
            for user_id in each.users
        ],
        "ObjectPermissions": [
            {"ParentId": set_id, **row} for set_id, each in numbered for row in each.objects
        ],
    }
