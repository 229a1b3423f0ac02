"""The objects of an org, put together: the standard ones, those added by configuration, those hidden."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

from salesforce_simulator.metadata import activities, campaigns, organization, people
from salesforce_simulator.metadata.schema import Field, SObject, parse_field, parse_object

# What administrators make in Setup, and no row resource.
_SET_UP = "no-create no-update no-delete"

_STANDARD: tuple[tuple[str, str], ...] = (
    ("Account 001 Account/Accounts", people.ACCOUNT),
    (f"AssignmentRule 01Q Assignment_Rule/Assignment_Rules {_SET_UP}", organization.ASSIGNMENT_RULE),
    (f"Calendar 023 Calendar/Calendars {_SET_UP}", organization.CALENDAR),
    ("Campaign 701 Campaign/Campaigns", campaigns.CAMPAIGN),
    ("CampaignMember 00v Campaign_Member/Campaign_Members", campaigns.CAMPAIGN_MEMBER),
    (
        "CampaignMemberStatus 01Y Campaign_Member_Status/Campaign_Member_Statuses",
        campaigns.CAMPAIGN_MEMBER_STATUS,
    ),
    ("Case 500 Case/Cases", activities.CASE),
    (f"CaseStatus 01T Case_Status/Case_Status {_SET_UP}", organization.ACTIVITY_STATUS),
    ("Contact 003 Contact/Contacts", people.CONTACT),
    (f"DuplicateRule 0Bm Duplicate_Rule/Duplicate_Rules {_SET_UP}", organization.DUPLICATE_RULE),
    ("EmailMessage 02s Email_Message/Email_Messages", activities.EMAIL_MESSAGE),
    # The public tables do not name its prefix.
    (
        "EmailMessageRelation 0Em Email_Message_Relation/Email_Message_Relations no-update",
        activities.EMAIL_MESSAGE_RELATION,
    ),
    ("Event 00U Event/Events", activities.EVENT),
    ("Group 00G Group/Group", organization.GROUP),
    ("Lead 00Q Lead/Leads", people.LEAD),
    (
        f"ObjectPermissions 110 Object_Permissions/Object_Permissions {_SET_UP}",
        organization.OBJECT_PERMISSIONS,
    ),
    ("Organization 00D Organization/Organizations no-create no-delete", organization.ORGANIZATION),
    (f"PermissionSet 0PS Permission_Set/Permission_Sets {_SET_UP}", organization.PERMISSION_SET),
    (
        f"PermissionSetAssignment 0Pa Permission_Set_Assignment/Permission_Set_Assignments {_SET_UP}",
        organization.PERMISSION_SET_ASSIGNMENT,
    ),
    ("RecordType 012 Record_Type/Record_Types no-delete", organization.RECORD_TYPE),
    ("Task 00T Task/Tasks", activities.TASK),
    (f"TaskStatus 01U Task_Status/Task_Status {_SET_UP}", organization.ACTIVITY_STATUS),
    ("User 005 User/Users no-delete", organization.USER),
    (
        f"UserRecordAccess 0Ra User_Record_Access/User_Record_Access {_SET_UP}",
        organization.USER_RECORD_ACCESS,
    ),
)
_RECORD_TYPE = parse_field("RecordTypeId | reference | CUN | Record Type ID | -> RecordType as RecordType")

# What a recycle bin never gives back.
NEVER_UNDELETED = frozenset({"CampaignMember"})

Listed = tuple[tuple[str, ...], str | None]
"""The values of a picklist, and which of them is its default."""


@dataclass(frozen=True)
class Child:
    """A child relationship: rows of `sobject` whose `field` points here."""

    sobject: str
    field: Field


@dataclass(frozen=True)
class Schema:
    """All objects of an org by API name."""

    objects: Mapping[str, SObject]

    @cached_property
    def _names(self) -> dict[str, str]:
        return {name.lower(): name for name in self.objects}

    @cached_property
    def _prefixes(self) -> dict[str, str]:
        return {sobject.prefix: name for name, sobject in self.objects.items()}

    def find(self, name: str) -> SObject | None:
        """An object by API name, in any case."""
        canonical = self._names.get(name.lower())
        return self.objects[canonical] if canonical else None

    def of_id(self, record_id: str) -> str | None:
        """The object that an id's key prefix belongs to."""
        return self._prefixes.get(record_id[:3])

    @cached_property
    def children(self) -> dict[str, list[Child]]:
        """Child relationships by parent object."""
        found: dict[str, list[Child]] = {name: [] for name in self.objects}
        for sobject in self.objects.values():
            for field in sobject.fields.values():
                for parent in () if field.junction else field.reference_to:
                    if parent in found:
                        found[parent].append(Child(sobject.name, field))
        return found


@cache
def standard_schema() -> Schema:
    """The objects every simulated org starts with."""
    parsed = (parse_object(heading, lines) for heading, lines in _STANDARD)
    return Schema({sobject.name: sobject for sobject in parsed})


def configured_schema(
    schema: Schema,
    *,
    extra_fields: Mapping[str, Sequence[str]],
    absent_objects: Sequence[str],
    flagged_fields: Mapping[str, str],
    listed: Mapping[str, Listed],
    labels: Mapping[str, Mapping[str, str]],
    places: Mapping[str, Mapping[str, str]],
    restricted_picklists: Mapping[str, Sequence[str]],
    with_record_types: Sequence[str] = (),
    has_person_accounts: bool = False,
) -> Schema:
    """The schema as one org's configuration changes it; `restricted_picklists` keys are `Lead.LeadSource`."""
    objects = dict(schema.objects)
    if has_person_accounts:
        company = objects["Lead"].fields["Company"]
        objects["Lead"] = objects["Lead"].with_fields([replace(company, flags=company.flags + "N")])
        objects["Account"] = objects["Account"].with_fields(map(parse_field, people.PERSON_ACCOUNT))
        objects["Contact"] = objects["Contact"].with_fields([parse_field(people.IS_PERSON_ACCOUNT)])
    for name in with_record_types:
        objects[name] = objects[name].with_fields([_RECORD_TYPE])
    objects = _without(objects, absent_objects)
    for name, lines in extra_fields.items():
        objects[name] = objects[name].with_fields(parse_field(line) for line in lines)
    for path, (values, default) in listed.items():
        _change_field(objects, path, values=values, default=default)
    for path, flags in flagged_fields.items():
        _change_field(objects, path, flags)
    for path, options in restricted_picklists.items():
        _change_field(objects, path, "R", values=tuple(options))
    for path, words in labels.items():
        _change_field(objects, path, labels=tuple(words.items()))
    for kind, names in places.items():
        objects = {
            name: sobject.with_fields(_codes(sobject, kind, names)) for name, sobject in objects.items()
        }
    if has_person_accounts and {"Account", "Contact"} <= objects.keys():
        objects["Account"] = objects["Account"].with_fields(_of_persons(objects["Contact"]))
    return Schema(objects)


def _without(objects: Mapping[str, SObject], absent: Sequence[str]) -> dict[str, SObject]:
    """The objects without some of them, which no lookup leads to then."""
    return {
        name: sobject.with_fields(
            replace(field, reference_to=tuple(each for each in field.reference_to if each not in absent))
            for field in sobject.fields.values()
            if not set(absent).isdisjoint(field.reference_to)
        )
        for name, sobject in objects.items()
        if name not in absent
    }


def _change_field(objects: dict[str, SObject], path: str, flags: str = "", **members: Any) -> None:
    """Add flags to the field of a path such as `Lead.LeadSource`, and set `members` of it."""
    name, _, field_name = path.partition(".")
    field = objects[name].fields[field_name]
    objects[name] = objects[name].with_fields([replace(field, flags=field.flags + flags, **members)])


def narrowed(
    schema: Schema, hidden_objects: Sequence[str], hidden_fields: Mapping[str, Sequence[str]]
) -> Schema:
    """The schema as a user sees it from whom objects and fields are hidden."""
    hidden = {name: fields for name, fields in hidden_fields.items() if name not in hidden_objects}
    objects = {name: sobject for name, sobject in schema.objects.items() if name not in hidden_objects}
    for name, fields in hidden.items():
        objects[name] = objects[name].without_fields(fields)
    return Schema(objects)


def _codes(sobject: SObject, kind: str, names: Mapping[str, str]) -> list[Field]:
    """The picklists of codes beside what an object has of states or countries."""
    return [
        Field(
            f"{field.name}Code",
            "picklist",
            10,
            f"{field.label} Code",
            "CUN",
            values=tuple(names),
            labels=tuple(names.items()),
        )
        for field in sobject.fields.values()
        if field.name.endswith(kind) and field.type == "string" and field.has("C")
    ]


def _of_persons(contact: SObject) -> list[Field]:
    """A Contact's custom fields as the Accounts of persons carry them."""
    custom = (field for name, field in contact.fields.items() if name.endswith("__c"))
    return [replace(field, name=f"{field.name[:-1]}pc") for field in custom]
