"""State and country picklists of an org: a name matches its code and the other way round. Pure.

https://help.salesforce.com/s/articleView?id=sf.admin_state_country_picklists_overview.htm
"""

from collections.abc import Mapping
from typing import Final

from app.salesforce.describe import Field, SObjectDescribe
from app.sync.field_values.converters import ConversionError
from app.sync.field_values.text import comparison_key
from app.user_messages.phrases import Phrase

PARTS: Final = ("State", "Country", "StateCode", "CountryCode")

# Names that people write, by ISO 3166 code; an org lists its own names beside these codes.
COUNTRY_NAMES: Final = """
AT Austria|Österreich|Oesterreich|Autriche|AUT
AU Australia|Australien|AUS
BE Belgium|België|Belgique|Belgien|Bélgica|BEL
BR Brazil|Brasil|Brasilien|Brésil|BRA
CA Canada|Kanada|Canadá|CAN
CH Switzerland|Schweiz|Suisse|Svizzera|Suiza|CHE
CN China|Volksrepublik China|PRC|Chine|CHN
CZ Czech Republic|Czechia|Tschechien|Tschechische Republik|Česko|CZE
DE Germany|Deutschland|Bundesrepublik Deutschland|BRD|Allemagne|Alemania|Federal Republic of Germany|DEU
DK Denmark|Danmark|Dänemark|Danemark|Dinamarca|DNK
ES Spain|España|Spanien|Espagne|ESP
FI Finland|Suomi|Finnland|Finlande|Finlandia|FIN
FR France|Frankreich|Francia|FRA
GB United Kingdom|UK|U.K.|Great Britain|Britain|England|Scotland|Wales|Northern Ireland
GB Großbritannien|Vereinigtes Königreich|Royaume-Uni|Reino Unido|GBR
GR Greece|Griechenland|Hellas|Grèce|Grecia|GRC
HU Hungary|Ungarn|Magyarország|Hongrie|Hungría|HUN
IE Ireland|Éire|Irland|Irlande|Irlanda|IRL
IN India|Indien|Inde|IND
IT Italy|Italia|Italien|Italie|ITA
JP Japan|Japon|Japón|JPN
KR South Korea|Südkorea|Korea, Republic of|Republic of Korea|Corée du Sud|Corea del Sur|KOR
LU Luxembourg|Luxemburg|Luxemburgo|LUX
MX Mexico|México|Mexiko|Mexique|MEX
NL Netherlands|The Netherlands|Nederland|Niederlande|Holland|Pays-Bas|Países Bajos|NLD
NO Norway|Norge|Norwegen|Norvège|Noruega|NOR
PL Poland|Polska|Polen|Pologne|Polonia|POL
PT Portugal|PRT
RO Romania|România|Rumänien|Roumanie|Rumania|ROU
RU Russia|Russian Federation|Russland|Russie|Rusia|RUS
SE Sweden|Sverige|Schweden|Suède|Suecia|SWE
TR Turkey|Türkei|Türkiye|Turquie|Turquía|TUR
US United States|United States of America|USA|U.S.A.|U.S.|America|Vereinigte Staaten
US Vereinigte Staaten von Amerika|États-Unis|Estados Unidos
VN Vietnam|Viet Nam|VNM
ZA South Africa|Südafrika|Afrique du Sud|Sudáfrica|ZAF
"""
CODE_BY_NAME: Final[Mapping[str, str]] = {
    comparison_key(name): code
    for code, _, names in (line.partition(" ") for line in COUNTRY_NAMES.split("\n") if line)
    for name in names.split("|")
}


def is_place(name: str) -> bool:
    """Whether a field is a state or a country of an address, or the code of one."""
    return name.endswith(PARTS)


def countries_beside(name: str) -> tuple[str, ...]:
    """The fields that hold the country of a state's address; none for another field."""
    prefix, found, _ = name.removesuffix("Code").rpartition("State")
    return (f"{prefix}Country", f"{prefix}CountryCode") if found and is_place(name) else ()


def code_field(describe: SObjectDescribe | None, name: str) -> Field | None:
    """The picklist that lists the codes beside a state or country; None where the org lists none."""
    if describe is None or not is_place(name):
        return None
    found = describe.fields.get(name if name.endswith("Code") else f"{name}Code")
    return found if found is not None and found.type == "picklist" else None


def listed_place(name: str, codes: Field, text: str) -> str:
    """The listed name, or code for a field of codes, that a text means. Raises `ConversionError`.

    States of several countries may share one code: it alone says nothing.
    """
    listed = list(zip(codes.picklist_values, codes.picklist_labels or codes.picklist_values, strict=True))
    means = {comparison_key(text)} | (
        {comparison_key(CODE_BY_NAME.get(comparison_key(text), ""))} if "Country" in name else set()
    )
    found = [each for each in listed if comparison_key(each[1]) in means] or [
        each for each in listed if comparison_key(each[0]) in means
    ]
    meant = {code if name.endswith("Code") else label for code, label in found}
    if len(meant) != 1:
        raise ConversionError(Phrase("unfit.no_country" if "Country" in name else "unfit.no_state"))
    return meant.pop()
