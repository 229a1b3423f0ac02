"""What an org tells about itself, in the recorded shapes."""

from dataclasses import replace
from email.utils import parsedate_to_datetime

import pytest

from salesforce_simulator.metadata.schema import MalformedFieldLine, parse_field
from support.client import BASE_URL, OrgClient

# Recorded at v59 from a scratch org, with the defaults of a field left out.
STATUS = {
    "aggregatable": True,
    "byteLength": 765,
    "createable": True,
    "defaultValue": "Open - Not Contacted",
    "defaultedOnCreate": True,
    "filterable": True,
    "idLookup": False,
    "label": "Status",
    "length": 255,
    "nillable": False,
    "restrictedPicklist": False,
    "soapType": "xsd:string",
    "type": "picklist",
    "updateable": True,
}
EMAIL = {
    "byteLength": 240,
    "createable": True,
    "defaultedOnCreate": False,
    "externalId": False,
    "groupable": True,
    "idLookup": True,
    "label": "Email",
    "length": 80,
    "nillable": True,
    "permissionable": True,
    "picklistValues": [],
    "soapType": "xsd:string",
    "type": "email",
    "unique": False,
}
FIELD_KEYS = (
    "aggregatable aiPredictionField autoNumber byteLength calculated calculatedFormula cascadeDelete "
    "caseSensitive compoundFieldName controllerName createable custom defaultValue defaultValueFormula "
    "defaultedOnCreate dependentPicklist deprecatedAndHidden digits displayLocationInDecimal encrypted "
    "externalId extraTypeInfo filterable filteredLookupInfo formulaTreatNullNumberAsZero groupable "
    "highScaleNumber htmlFormatted idLookup inlineHelpText label length mask maskType name nameField "
    "namePointing nillable permissionable picklistValues polymorphicForeignKey precision "
    "queryByDistance referenceTargetField referenceTo relationshipName relationshipOrder "
    "restrictedDelete restrictedPicklist scale searchPrefilterable soapType sortable type unique "
    "updateable writeRequiresMasterRead"
)
OBJECT_KEYS = (
    "actionOverrides activateable associateEntityType associateParentEntity childRelationships "
    "compactLayoutable createable custom customSetting deepCloneable defaultImplementation deletable "
    "deprecatedAndHidden extendedBy extendsInterfaces feedEnabled fields hasSubtypes implementedBy "
    "implementsInterfaces isInterface isSubtype keyPrefix label labelPlural layoutable listviewable "
    "lookupLayoutable mergeable mruEnabled name namedLayoutInfos networkScopeFieldName queryable "
    "recordTypeInfos replicateable retrieveable searchLayoutable searchable sobjectDescribeOption "
    "supportedScopes triggerable undeletable updateable urls"
)


async def test_a_describe_has_the_recorded_keys(org: OrgClient) -> None:
    body = (await org.data("GET", "/sobjects/lead/describe")).json()
    assert sorted(body) == OBJECT_KEYS.split()
    assert {tuple(sorted(field)) for field in body["fields"]} == {tuple(FIELD_KEYS.split())}
    assert (body["keyPrefix"], body["sobjectDescribeOption"]) == ("00Q", "FULL")
    assert body["recordTypeInfos"][0]["recordTypeId"] == "012000000000000AAA"
    urls = body["urls"]
    assert urls["describe"] == "/services/data/v62.0/sobjects/Lead/describe"
    assert urls["layouts"] == "/services/data/v62.0/sobjects/Lead/describe/layouts"
    assert urls["uiNewRecord"] == f"{BASE_URL}/00Q/e"


@pytest.mark.parametrize(("name", "recorded"), [("Status", STATUS), ("Email", EMAIL)])
async def test_a_field_is_described_as_recorded(
    org: OrgClient, name: str, recorded: dict[str, object]
) -> None:
    fields = (await org.data("GET", "/sobjects/Lead/describe")).json()["fields"]
    (field,) = [field for field in fields if field["name"] == name]
    assert {key: field[key] for key in recorded} == recorded


async def test_picklist_values_have_the_recorded_shape(org: OrgClient) -> None:
    fields = (await org.data("GET", "/sobjects/Lead/describe")).json()["fields"]
    (status,) = [field for field in fields if field["name"] == "Status"]
    assert status["picklistValues"][:2] == [
        {
            "active": True,
            "defaultValue": True,
            "label": "Open - Not Contacted",
            "validFor": None,
            "value": "Open - Not Contacted",
        },
        {
            "active": True,
            "defaultValue": False,
            "label": "Working - Contacted",
            "validFor": None,
            "value": "Working - Contacted",
        },
    ]


async def test_children_are_described_as_recorded(org: OrgClient) -> None:
    children = (await org.data("GET", "/sobjects/Lead/describe")).json()["childRelationships"]
    member = {
        "cascadeDelete": True,
        "childSObject": "CampaignMember",
        "deprecatedAndHidden": False,
        "field": "LeadId",
        "junctionIdListNames": [],
        "junctionReferenceTo": [],
        "relationshipName": "CampaignMembers",
        "restrictedDelete": False,
    }
    unnamed = {**member, "cascadeDelete": False, "field": "LeadOrContactId", "relationshipName": None}
    task = {**member, "childSObject": "Task", "field": "WhoId", "relationshipName": "Tasks"}
    assert all(expected in children for expected in (member, unnamed, task))


async def test_the_external_id_is_one(org: OrgClient) -> None:
    fields = (await org.data("GET", "/sobjects/Lead/describe")).json()["fields"]
    (field,) = [field for field in fields if field["name"] == "External_Id__c"]
    names = ("custom", "externalId", "unique", "idLookup", "length", "nillable")
    assert tuple(field[name] for name in names) == (True, True, True, True, 64, True)


async def test_the_global_describe_lists_every_object(org: OrgClient) -> None:
    answer = await org.data("GET", "/sobjects")
    body = answer.json()
    assert (body["encoding"], body["maxBatchSize"]) == ("UTF-8", 200)
    prefixes = {one["name"]: one["keyPrefix"] for one in body["sobjects"]}
    assert {
        n: prefixes[n] for n in ("Lead", "Contact", "CampaignMember", "CampaignMemberStatus", "Task")
    } == {
        "Lead": "00Q",
        "Contact": "003",
        "CampaignMember": "00v",
        "CampaignMemberStatus": "01Y",
        "Task": "00T",
    }


@pytest.mark.parametrize("path", ["/sobjects", "/sobjects/Lead/describe"])
async def test_an_unchanged_describe_is_304(org: OrgClient, path: str) -> None:
    seen = (await org.data("GET", path)).headers["last-modified"]
    assert parsedate_to_datetime(seen) == org.clock.moment
    unchanged = await org.data("GET", path, If_Modified_Since=seen)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert (await org.data("GET", path, If_Modified_Since="nonsense")).status_code == 200
    org.clock.advance(minutes=1)
    await org.configure(extra_fields={"Lead": ["Badge__c | string(10) | CUN"]})
    assert (await org.data("GET", path, If_Modified_Since=seen)).status_code == 200


async def test_a_describe_follows_the_configuration_the_version_and_the_user(org: OrgClient) -> None:
    async def described(of: OrgClient) -> tuple[list[str], str]:
        body = (await of.data("GET", "/sobjects/Lead/describe")).json()
        return [field["name"] for field in body["fields"]], body["urls"]["sobject"]

    before, url = await described(org)
    await org.configure(extra_fields={"Lead": ["Shirt__c | string(10) | CUN | Shirt"]})
    user = "sam.sales@northwind.example"
    hidden = {"hidden_fields": {"Lead": ["Email"]}}
    await org.configure(users=[{"username": user, "permissions": hidden}])

    assert await described(org) == ([*before, "Shirt__c"], url)
    assert (await described(replace(org, version="61.0")))[1] == url.replace("62", "61")
    assert (await described(await org.other(user)))[0] == [*(n for n in before if n != "Email"), "Shirt__c"]


async def test_the_basic_description_shows_the_latest_row(org: OrgClient) -> None:
    assert (await org.data("GET", "/sobjects/Lead")).json()["recentItems"] == []
    lead_id = await org.lead()
    body = (await org.data("GET", "/sobjects/Lead")).json()
    assert body["objectDescribe"]["name"] == "Lead"
    assert [(row["Id"], row["Name"]) for row in body["recentItems"]] == [(lead_id, "Doe")]


async def test_the_root_lists_resources(org: OrgClient) -> None:
    assert (await org.data("GET", "/")).json()["query"] == "/services/data/v62.0/query"


@pytest.mark.parametrize("line", ["", "Name", "Na me | string(3)", "Name | what is this"])
def test_a_malformed_field_line_is_refused(line: str) -> None:
    with pytest.raises(MalformedFieldLine):
        parse_field(line)


async def test_rows_are_counted_by_object(org: OrgClient) -> None:
    await org.lead()
    answer = await org.data("GET", "/limits/recordCount?sObjects=Lead,Task,Unicorn")
    assert answer.json() == {"sObjects": [{"count": 1, "name": "Lead"}, {"count": 0, "name": "Task"}]}
    everything = await org.data("GET", "/limits/recordCount")
    assert len(everything.json()["sObjects"]) == 24


@pytest.mark.parametrize(
    ("name", "properties"),
    [
        ("LastName", {"compoundFieldName": "Name", "extraTypeInfo": "personname", "permissionable": False}),
        ("Name", {"compoundFieldName": None, "extraTypeInfo": "personname"}),
        ("Company", {"compoundFieldName": None, "extraTypeInfo": None}),
        ("Description", {"extraTypeInfo": "plaintextarea", "filterable": False}),
        ("IsConverted", {"aggregatable": False, "filterable": True}),
        ("AnnualRevenue", {"groupable": False}),
        ("OwnerId", {"searchPrefilterable": False, "namePointing": True}),
        ("EmailBouncedReason", {"permissionable": False}),
    ],
)
async def test_a_field_has_the_recorded_properties(
    org: OrgClient, name: str, properties: dict[str, object]
) -> None:
    fields = (await org.data("GET", "/sobjects/Lead/describe")).json()["fields"]
    field = next(one for one in fields if one["name"] == name)
    assert {key: field[key] for key in properties} == properties
