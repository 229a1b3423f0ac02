"""Messages in the language of the user; codes, field names and administrators' own texts stay."""

import re
from collections.abc import Sequence
from dataclasses import replace

from salesforce_simulator.errors import ErrorItem

# What the English says, and the German with its parts. The words are ours: nobody may depend on them.
_GERMAN: Sequence[tuple[str, str]] = (
    (r"Required fields are missing: (\[.*\])", r"Erforderliche Felder fehlen: \1"),
    (
        r"duplicate value found: (\S*) duplicates value on record with id: (.*)",
        r"Doppelter Wert gefunden: \1 enthält denselben Wert wie der Datensatz mit der ID: \2",
    ),
    (r"Already a campaign member\.", "Bereits Kampagnenmitglied."),
    (
        r"(.+): data value too large: (.*) \(max length=(\d+)\)",
        r"\1: Datenwert zu groß: \2 (maximale Länge=\3)",
    ),
    (r"(.+): invalid email address: (.*)", r"\1: Ungültige E-Mail-Adresse: \2"),
    (
        r"(.+): bad value for restricted picklist field: (.*)",
        r"\1: Ungültiger Wert für eingeschränktes Auswahllistenfeld: \2",
    ),
    (
        r"(.+): value outside of valid range on numeric field: (.*)",
        r"\1: Wert außerhalb des gültigen Bereichs im numerischen Feld: \2",
    ),
    (r"(.+): id value of incorrect type: (.*)", r"\1: ID-Wert mit falschem Typ: \2"),
    (
        r"There's a problem with this (?:state|country), .*: (.+)",
        r"Es liegt ein Problem mit diesem Wert vor, obwohl er richtig erscheinen kann. "
        r"Wählen Sie einen Wert aus der Liste gültiger Werte aus.: \1",
    ),
    (
        r"A country/territory must be specified before specifying a state value for field: (.+)",
        r"Geben Sie vor dem Bundesland ein Land an für das Feld: \1",
    ),
    (r"cannot reference converted lead", "Verweis auf konvertierten Lead nicht möglich"),
    (r"entity is deleted", "Element wurde gelöscht"),
    (r"the entity is locked for editing", "Das Element ist für die Bearbeitung gesperrt"),
    (r"entity type cannot be inserted: (.+)", r"Elementtyp kann nicht eingefügt werden: \1"),
    (r"invalid cross reference id", "Ungültige Querverweis-ID"),
    (r"insufficient access rights on object id", "Unzureichende Zugriffsrechte für Objekt-ID"),
    (
        r"insufficient access rights on cross-reference id",
        "Unzureichende Zugriffsrechte für Querverweis-ID",
    ),
    (r"storage limit exceeded", "Speicherplatzlimit überschritten"),
    (
        r"Unable to create/update fields: (.+)\. Please check the security settings .*",
        r"Felder können nicht erstellt/aktualisiert werden: \1. Überprüfen Sie die Sicherheitseinstellungen "
        r"dieses Feldes.",
    ),
    (
        r"We can't save this record because the “(.+)” process failed\. "
        r"Give your Salesforce admin these details\. (.*)",
        r"Dieser Datensatz kann nicht gespeichert werden, da der Prozess “\1” fehlgeschlagen ist. "
        r"Geben Sie Ihrem Salesforce-Administrator diese Details. \2",
    ),
    (
        r"Record rolled back because not all records were valid .*",
        "Datensatz wurde zurückgesetzt, da nicht alle Datensätze gültig waren",
    ),
)
_LANGUAGES = {"de": [(re.compile(english, re.DOTALL), german) for english, german in _GERMAN]}


def translate(item: ErrorItem, language: str) -> ErrorItem:
    """The error with its message in that language; a message without a translation stays English."""
    for english, other in _LANGUAGES.get(language, ()):
        found = english.fullmatch(item.message)
        if found:
            return replace(item, message=found.expand(other))
    return item
