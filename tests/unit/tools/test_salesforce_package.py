"""The Salesforce package's source: rights and the preflight, texts, and what may not be in it."""

import itertools
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from app.field_mapping.source_catalog import SOURCES
from app.preflight.checks import required_permissions
from app.registrations.personal_links import PARAMETER, with_salesforce_id
from app.salesforce.package import (
    CANCEL_RESCHEDULE_REASON,
    EVENT_STATUS,
    PACKAGE_FIELDS,
    RECORDS_OF,
    fields_of,
    name_in_org,
)
from app.sync.model.calendar_status import CalendarStatus
from app.sync.model.mapping_rules import (
    CREATE_CONTACT,
    CREATE_LEAD,
    CREATE_NOBODY,
    CREATE_PERSON_ACCOUNT,
    MappingRules,
)
from app.sync.model.record_kind import Permission
from app.sync.model.record_kinds import CALENDAR_EVENT_KIND, CONTACT_KIND, LEAD_KIND
from tools.salesforce_package.files import LANGUAGES, SOURCE, TEXTS, behind, generated, write

ROOT = SOURCE.parent
MAIN = SOURCE / "force-app/main/default"
STANDARD = SOURCE / "unpackaged/permissionsets/Eventship_Standard_Access.permissionset-meta.xml"
FIELDS = MAIN / "permissionsets/Eventship_Fields.permissionset-meta.xml"
XML = "{http://soap.sforce.com/2006/04/metadata}"

RIGHTS = {"read": "allowRead", "create": "allowCreate", "update": "allowEdit"}
WITHOUT_RIGHTS_OF_ITS_OWN = {
    "CampaignMember": {"Campaign"},
    "CampaignMemberStatus": {"Campaign"},
    "EmailMessage": {"ActivitiesAccess"},
    "Event": {"ActivitiesAccess", "EditEvent"},
    "Task": {"ActivitiesAccess", "EditTask"},
}
"""What Salesforce asks for instead of rights on the object, in a permission set."""
NEVER_HIDDEN = {"FirstName", "LastName", "Company"}
WITHOUT_A_FINDING = {"ApiEnabled", "Case", "EditEvent"}
"""Needed though no row of the preflight names them: to connect at all, and for Cases and calendar Events."""


def every_permission() -> Iterator[Permission]:
    modes = (CREATE_LEAD, CREATE_CONTACT, CREATE_PERSON_ACCOUNT, CREATE_NOBODY)
    for creates, is_updating in itertools.product(modes, (False, True)):
        yield from required_permissions(MappingRules(creates=creates, is_updating=is_updating))


def rows(path: Path, kind: str) -> list[dict[str, str]]:
    root = ElementTree.parse(path).getroot()
    return [{part.tag.removeprefix(XML): part.text or "" for part in row} for row in root.findall(XML + kind)]


def granted() -> dict[str, dict[str, str]]:
    objects = {row["object"]: row for row in rows(STANDARD, "objectPermissions")}
    users = {row["name"]: row for row in rows(STANDARD, "userPermissions") if row["enabled"] == "true"}
    return objects | users


def test_everything_that_the_preflight_asks_for_is_granted() -> None:
    rights = granted()
    for each in every_permission():
        needed = WITHOUT_RIGHTS_OF_ITS_OWN.get(each.sobject, {each.sobject})
        assert needed <= set(rights), each
        if needed == {each.sobject}:
            assert rights[each.sobject][RIGHTS[each.action]] == "true", each


def test_nothing_is_granted_that_nobody_asks_for() -> None:
    asked = {each.sobject for each in every_permission()}
    reasons = asked.union(*(WITHOUT_RIGHTS_OF_ITS_OWN.get(sobject, set()) for sobject in asked))
    assert set(granted()) <= reasons | WITHOUT_A_FINDING
    for row in rows(STANDARD, "objectPermissions"):
        assert (row["allowDelete"], row["modifyAllRecords"]) == ("false", "false")


def test_the_hints_of_the_preflight_are_granted() -> None:
    """`sharing_may_hide` says View All on people, `member_status_not_createable` Edit on campaigns."""
    rights = granted()
    assert {name for name, row in rights.items() if row.get("viewAllRecords") == "true"} == {
        "Lead",
        "Contact",
    }
    assert rights["Campaign"]["allowEdit"] == "true"


def test_what_is_written_of_people_by_default_is_open() -> None:
    is_open = {row["field"] for row in rows(STANDARD, "fieldPermissions") if row["editable"] == "true"}
    for kind in (LEAD_KIND, CONTACT_KIND):
        mapped = {rule.field for rule in MappingRules().fields_of(kind.sobject)}
        written = ({*kind.written_fields} | mapped) - NEVER_HIDDEN
        assert {f"{kind.sobject}.{name}" for name in written} == {
            path for path in is_open if path.startswith(f"{kind.sobject}.")
        }


def test_every_field_of_the_source_is_open_on_every_object_that_has_it() -> None:
    paths = {path for path in MAIN.glob("objects/*/fields/*") if "Settings__c" not in str(path)}
    defined = {(path.parts[-3], path.name.removesuffix(".field-meta.xml")) for path in paths}
    assert defined == {(home, name) for home, names in PACKAGE_FIELDS.items() for name in names}
    expected = {f"{sobject}.{name}" for home, name in defined for sobject in RECORDS_OF.get(home, (home,))}
    assert {row["field"] for row in rows(FIELDS, "fieldPermissions") if row["editable"] == "true"} == expected
    assert not rows(FIELDS, "objectPermissions") + rows(FIELDS, "userPermissions")


def test_fields_of_activities_are_on_tasks_and_events() -> None:
    assert fields_of("Task") == fields_of("Event") == PACKAGE_FIELDS["Activity"]
    assert fields_of("Account") == ()
    assert name_in_org("Ticket__c", "evs") == "evs__Ticket__c"
    assert name_in_org("Ticket__c", None) == "Ticket__c"


def test_what_the_engine_writes_is_in_the_package() -> None:
    assert CALENDAR_EVENT_KIND.package_fields <= set(fields_of(CALENDAR_EVENT_KIND.sobject))
    assert {EVENT_STATUS, CANCEL_RESCHEDULE_REASON} == CALENDAR_EVENT_KIND.package_fields
    values = {row["en"] for row in TEXTS["fields"][EVENT_STATUS]["values"]}
    assert values == {str(status) for status in CalendarStatus}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language: str) -> None:
    for name, told in TEXTS["fields"].items():
        for text in (told["label"], told["help"], *told.get("values", ())):
            assert text[language].strip()
            assert text[language] != text["en"] or name == "Ticket__c", (name, text)
    folders = {path.name for path in MAIN.glob(f"objectTranslations/*-{language}")}
    assert folders == {f"{home}-{language}" for home in PACKAGE_FIELDS}


def test_sources_that_descriptions_name_exist() -> None:
    known = {path for path, _, _ in SOURCES}
    named = {
        source
        for told in TEXTS["fields"].values()
        for source in re.findall(r"mapping, from ([\w.]+)\.$", told["description"])
    }
    assert len(named) == 4
    assert named <= known


@pytest.mark.parametrize("sobject", ["Lead", "Contact"])
def test_the_button_opens_the_personal_link(sobject: str) -> None:
    button = MAIN / f"objects/{sobject}/webLinks/Schedule_with_Eventship.webLink-meta.xml"
    setting = MAIN / "objects/Eventship_Settings__c/fields/Registration_Link__c.field-meta.xml"
    text = ElementTree.parse(setting).getroot().findtext(f"{XML}inlineHelpText") or ""
    example = text.rpartition(" ")[2]
    assert example.endswith(f"{PARAMETER}=")
    url = ElementTree.parse(button).getroot().findtext(f"{XML}url") or ""
    merged = url.replace("{!$Setup.Eventship_Settings__c.Registration_Link__c}", example)
    assert merged == with_salesforce_id(example.partition("?")[0], f"{{!{sobject}.Id}}")


def test_files_that_are_behind_or_nobodys_are_named_and_mended(tmp_path: Path) -> None:
    write(tmp_path)
    assert behind(tmp_path) == []
    changed = next(name for name in generated() if name.endswith("Ticket__c.field-meta.xml"))
    nobodys = "force-app/main/default/objects/Lead/fields/Old__c.field-meta.xml"
    (tmp_path / changed).write_text("x")
    (tmp_path / nobodys).write_text("x")
    assert behind(tmp_path) == sorted([changed, nobodys])
    write(tmp_path)
    assert behind(tmp_path) == []


def test_no_keys_no_ids_and_no_addresses_of_registries() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "salesforce"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    paths = [ROOT / name for name in listed.stdout.splitlines()]
    assert len(paths) > 70
    for path in paths:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<consumer(Key|Secret)>|<certificate>", text), path
        assert not re.search(r"\b(00D|04t|05i|0Ho)[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?\b", text), path
    assert '"resolved"' not in (SOURCE / "package-lock.json").read_text()
