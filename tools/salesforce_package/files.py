"""Every generated file of the package's source, and what of it is behind."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from app.salesforce.metadata_xml import Value, document
from app.salesforce.package import PACKAGE_FIELDS
from app.salesforce.permission_sets import FIELDS_SET, permission_sets

SOURCE: Final = Path(__file__).parents[2] / "salesforce"
PACKAGED: Final = Path("force-app/main/default")
HANDED_OUT: Final = Path("unpackaged")
TEXTS: Final = tomllib.loads(Path(__file__).with_name("texts.toml").read_text(encoding="utf-8"))
LANGUAGES: Final = ("de", "es", "fr")
SETTING: Final = "$Setup.Eventship_Settings__c.Registration_Link__c"
"""The host's registration link up to and with `salesforce_id=`: an admin enters it."""
PATTERNS: Final = (
    "force-app/main/default/objects/*/webLinks/*",
    "force-app/main/default/objectTranslations/*/*",
    "force-app/main/default/translations/*",
    "*/permissionsets/*",
    "force-app/main/default/permissionsets/*",
    *(f"force-app/main/default/objects/{home}/fields/*" for home in PACKAGE_FIELDS),
)
"""Where nothing but generated files lies."""


def generated() -> dict[str, str]:
    """Each file's text, by its path below `salesforce/`."""
    return dict(_files())


def behind(root: Path = SOURCE) -> list[str]:
    """The files that are not as they would be made, and those that would not be made."""
    made = generated()
    there = {path.relative_to(root).as_posix() for pattern in PATTERNS for path in root.glob(pattern)}
    return sorted({name for name in made if _read(root / name) != made[name]} | (there - set(made)))


def write(root: Path = SOURCE) -> None:
    """Bring the files up to date."""
    made = generated()
    for name in behind(root):
        path = root / name
        if name in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(made[name], encoding="utf-8")
        else:
            path.unlink()


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _files() -> Iterator[tuple[str, str]]:
    for home, names in PACKAGE_FIELDS.items():
        for name in names:
            yield _at(f"objects/{home}/fields/{name}.field"), document("CustomField", _field(name))
        for language in LANGUAGES:
            yield from _translations(home, names, language)
    for name, button in TEXTS["buttons"].items():
        for sobject in button["objects"]:
            text = document("WebLink", _button(name, button, sobject))
            yield _at(f"objects/{sobject}/webLinks/{name}.webLink"), text
    types = {
        f"{home}.{name}": TEXTS["fields"][name]["type"]
        for home, names in PACKAGE_FIELDS.items()
        for name in names
    }
    yield "fields.json", json.dumps(types, indent=2, sort_keys=True) + "\n"
    for language in LANGUAGES:
        report_types: list[Value] = [
            {"description": told["description"][language], "label": told["label"][language], "name": name}
            for name, told in TEXTS["report_types"].items()
        ]
        text = document("Translations", {"reportTypes": report_types})
        yield _at(f"translations/{language}.translation"), text
    for name, text in permission_sets().items():
        folder = PACKAGED if name == FIELDS_SET else HANDED_OUT
        yield str(folder / f"permissionsets/{name}.permissionset-meta.xml"), text


def _at(path: str) -> str:
    return str(PACKAGED / f"{path}-meta.xml")


def _field(name: str) -> dict[str, Value]:
    told: dict[str, Any] = TEXTS["fields"][name]
    members: dict[str, Value] = {
        "fullName": name,
        "description": told["description"],
        "inlineHelpText": told["help"]["en"],
        "label": told["label"]["en"],
        "required": False,
        "type": told["type"],
    }
    if "length" in told:
        members["length"] = told["length"]
    if told.get("is_key"):
        members |= {"caseSensitive": False, "externalId": True, "unique": True}
    elif told["type"] == "Text":
        members |= {"externalId": False, "unique": False}
    if "values" in told:
        values = [{"default": False, "fullName": each["en"], "label": each["en"]} for each in told["values"]]
        members["valueSet"] = {
            "restricted": False,
            "valueSetDefinition": {"sorted": False, "value": values},
        }
    return members


def _translations(home: str, names: tuple[str, ...], language: str) -> Iterator[tuple[str, str]]:
    folder = f"objectTranslations/{home}-{language}"
    buttons = [
        {"label": button["label"][language], "name": name}
        for name, button in TEXTS["buttons"].items()
        if home in button["objects"]
    ]
    of_object: dict[str, Value] = {"webLinks": buttons} if buttons else {}
    yield _at(f"{folder}/{home}-{language}.objectTranslation"), document("CustomObjectTranslation", of_object)
    for name in names:
        told = TEXTS["fields"][name]
        members: dict[str, Value] = {
            "help": told["help"][language],
            "label": told["label"][language],
            "name": name,
        }
        if "values" in told:
            members["picklistValues"] = [
                {"masterLabel": each["en"], "translation": each[language]} for each in told["values"]
            ]
        yield _at(f"{folder}/{name}.fieldTranslation"), document("CustomFieldTranslation", members)


def _button(name: str, button: dict[str, Any], sobject: str) -> dict[str, Value]:
    return {
        "fullName": name,
        "availability": "online",
        "description": button["description"],
        "displayType": "button",
        "encodingKey": "UTF-8",
        "hasMenubar": False,
        "hasScrollbars": True,
        "hasToolbar": False,
        "height": 800,
        "isResizable": True,
        "linkType": "url",
        "masterLabel": button["label"]["en"],
        "openType": "newWindow",
        # Salesforce refuses a new window without a position.
        "position": "none",
        "protected": False,
        "showsLocation": True,
        "showsStatus": False,
        "url": f"{{!{SETTING}}}{{!{sobject}.Id}}",
        "width": 1000,
    }
