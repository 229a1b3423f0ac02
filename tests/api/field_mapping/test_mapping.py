"""The mapping endpoints: save, validate, override for an event, copy."""

from typing import Any

import httpx
import pytest
from sqlalchemy import delete, select, update

from app.models import Connection, DescribeCache, Mapping, Preflight
from tests.api.answers import body_of, problem
from tests.api.field_mapping.dashboard import DIET, EVENT, HOST, MappingDashboard
from tests.factories_events import event_for
from tests.tokens import TokenMint

DIET_RULE = {
    "object": "Lead",
    "field": "Diet__c",
    "from": "answers.diet",
    "values": {"vegetarian": "Vegetarian"},
    "otherwise": "None",
}


def rule(**changes: Any) -> dict[str, Any]:
    return {"fields": [{**DIET_RULE, **changes}]}


def found(body: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    return [(each["code"], each["severity"], each["path"]) for each in body["findings"]]


async def test_nothing_chosen_is_the_default_mapping(dashboard: MappingDashboard) -> None:
    body = await dashboard.get()
    assert (body["host_id"], body["event_id"], body["chosen"], body["version"]) == ("host_a", None, {}, 0)
    assert (body["is_checked"], body["findings"], body["required_without_value"]) == (True, [], [])
    assert body["effective"]["people"] == {
        "create": "lead",
        "update_existing": False,
        "match_by": None,
        "bypass_alert_rules": False,
        "adopt_duplicates": "always",
        "opt_out_field": None,
        "fill_required": False,
        "leave_company_blank": False,
        "account_for_nobody": None,
    }
    rules = {(each["object"], each["field"], each["mode"]) for each in body["effective"]["fields"]}
    assert rules == {
        (sobject, name, "empty") for sobject in ("Lead", "Contact") for name in ("Title", "Phone")
    }
    assert {each["set_by"] for each in body["effective"]["fields"]} == {"default"}


async def test_saved_mapping_is_returned(dashboard: MappingDashboard) -> None:
    saved = await dashboard.put(rule())
    assert (saved["chosen"], saved["version"], saved["updated_by"]) == (rule(), 1, "user_17")
    assert (await dashboard.get()) == saved
    [effective] = [each for each in saved["effective"]["fields"] if each["set_by"] == "host"]
    assert (effective["from"], effective["values"], effective["otherwise"]) == (
        "answers.diet", {"vegetarian": "Vegetarian"}, "None",
    )  # fmt: skip


async def test_event_overrides_its_host_member_by_member(dashboard: MappingDashboard) -> None:
    await dashboard.put({"people": {"update_existing": True, "create": "contact"}, **rule()})
    body = await dashboard.put({"people": {"create": "nobody"}, **rule(otherwise="Vegan")}, EVENT)
    assert (body["event_id"], body["version"]) == ("evt_otters", 1)
    people = body["effective"]["people"]
    assert (people["create"], people["update_existing"]) == ("nobody", True)
    [effective] = [each for each in body["effective"]["fields"] if each["field"] == "Diet__c"]
    assert (effective["set_by"], effective["otherwise"]) == ("event", "Vegan")
    assert (await dashboard.get())["effective"]["people"]["create"] == "contact"


async def test_event_without_choices_is_as_its_host(dashboard: MappingDashboard) -> None:
    await dashboard.put({"people": {"create": "nobody"}})
    await dashboard.put({"people": {"create": "lead"}, **rule()}, EVENT)
    cleared = body_of(await dashboard.http.delete(EVENT))
    assert (cleared["chosen"], cleared["version"]) == ({}, 2)
    assert cleared["effective"]["people"]["create"] == "nobody"
    assert "Diet__c" not in [each["field"] for each in cleared["effective"]["fields"]]


async def test_record_type_of_the_host_is_taken_away_for_one_event(dashboard: MappingDashboard) -> None:
    types = [{"sobject": "Lead", "developer_name": "Guest"}]
    await dashboard.rig.org.configure(record_types=types)
    await dashboard.put({"record_types": {"Lead": "Guest"}})
    body = await dashboard.put({"record_types": {"Lead": None}}, EVENT)
    assert (body["chosen"], body["effective"]["record_types"]) == ({"record_types": {"Lead": None}}, {})
    assert (await dashboard.get())["effective"]["record_types"] == {"Lead": "Guest"}


async def test_default_rule_is_taken_away_for_one_event(dashboard: MappingDashboard) -> None:
    body = await dashboard.put({"fields": [{"object": "Lead", "field": "Phone", "mode": "off"}]}, EVENT)
    assert ("Lead", "Phone") not in [(each["object"], each["field"]) for each in body["effective"]["fields"]]


async def test_validate_saves_nothing_and_says_what_saving_would_mean(dashboard: MappingDashboard) -> None:
    judged = await dashboard.validate(rule(field="Colour__c"))
    assert found(judged) == [("field_not_found", "error", "fields.0")]
    assert judged["chosen"] == rule(field="Colour__c")
    assert (await dashboard.get())["version"] == 0
    assert await dashboard.actions() == []
    async with dashboard.rig.database.system() as session:
        assert (await session.scalars(select(Mapping))).all() == []


@pytest.mark.parametrize(
    ("layer", "finding"),
    [
        pytest.param(rule(otherwise="Fish"), ("option_unfit", "error", "fields.0"), id="restricted"),
        pytest.param(
            rule(object="Campaign" + "Member", field="Note__c", values={}, otherwise=None, fallback="x" * 21),
            ("fallback_unfit", "warning", "fields.0"),
            id="too-long",
        ),
        pytest.param(
            {"people": {"opt_out_field": "Otter_Out__c"}},
            ("opt_out_not_found", "warning", "people.opt_out_field"),
            id="opt-out",
        ),
        pytest.param(
            {"people": {"match_by": {"field": "Legacy__c", "from": "attendee.id"}}},
            ("match_field_not_found", "warning", "people.match_by"),
            id="match-by",
        ),
        pytest.param(
            {"people": {"create": "person_account"}},
            ("person_accounts_off", "error", "people.create"),
            id="person-accounts",
        ),
        pytest.param(
            {"record_types": {"Lead": "Otter_Lead"}},
            ("record_type_not_found", "error", "record_types.Lead"),
            id="record-type",
        ),
        pytest.param(
            {"people": {"create": "contact"}, "owner": {"how": "fixed", "id": "00G5g000000AbCd"}},
            ("queue_owns_leads_only", "warning", "owner.id"),
            id="queue",
        ),
    ],
)
async def test_finding_says_where_in_the_mapping_it_is(
    dashboard: MappingDashboard, layer: dict[str, Any], finding: tuple[str, str, str]
) -> None:
    judged = await dashboard.validate(layer)
    assert finding in found(judged)
    assert all(each["message"] and each["link"].startswith("/docs/mapping#") for each in judged["findings"])


async def test_finding_about_the_hosts_choice_has_no_place_in_the_events(dashboard: MappingDashboard) -> None:
    await dashboard.put({"record_types": {"Lead": "Otter_Lead"}, **rule(field="Gone__c")})
    codes = {code: path for code, _, path in found(await dashboard.get(EVENT))}
    assert codes == {"record_type_not_found": None, "field_not_found": None}


async def test_hidden_object_of_a_rule_is_reported(dashboard: MappingDashboard) -> None:
    await dashboard.rig.org.configure(hidden_objects=["Account"])
    body = await dashboard.put(rule(object="Account", field="Note__c"))
    assert ("object_not_visible", "error", None) in found(body)


async def test_required_fields_without_a_value_are_listed_until_a_rule_fills_them(
    dashboard: MappingDashboard,
) -> None:
    region = {"Lead": ["Region__c | string(40) | CU | Region", *DIET["Lead"]]}
    await dashboard.rig.org.configure(extra_fields=region)
    [missing] = (await dashboard.get())["required_without_value"]
    assert missing == {
        "object": "Lead",
        "field": "Region__c",
        "label": "Region",
        "type": "string",
        "is_filled": False,
    }
    [filled] = (await dashboard.validate({"people": {"fill_required": True}}))["required_without_value"]
    assert filled["is_filled"]
    mapped = await dashboard.validate(
        {"fields": [{"object": "Lead", "field": "Region__c", "constant": "North"}]}
    )
    assert mapped["required_without_value"] == []
    nobody = await dashboard.validate({"people": {"create": "nobody"}})
    assert nobody["required_without_value"] == []


async def test_answers_given_so_far_are_held_against_a_rule(dashboard: MappingDashboard) -> None:
    for number in (1, 2):
        given = [{"key": "diet", "label": "Food", "value": ["Vegan", "Fish"]}]
        await dashboard.rig.registered(number, answers=given)
    plain = {"fields": [{"object": "Lead", "field": "Diet__c", "from": "answers.diet"}]}
    assert found(await dashboard.validate(plain)) == [("answer_not_in_picklist", "error", "fields.0")]
    half = {"fields": [{**plain["fields"][0], "values": {"Vegan": "Vegan"}}]}
    assert found(await dashboard.validate(half)) == [("answer_not_mapped", "error", "fields.0")]
    blank = {"fields": [{**plain["fields"][0], "values": {"Vegan": "Vegan", "Fish": ""}}]}
    assert found(await dashboard.validate(blank)) == [("option_blank", "warning", "fields.0")]


async def test_preflight_looks_again_after_the_hosts_mapping_was_changed(dashboard: MappingDashboard) -> None:
    async def has_reference() -> bool:
        async with dashboard.rig.database.system() as session:
            row = await session.get(Preflight, "host_a")
        return row is not None and row.requested_at is not None

    await dashboard.put(rule(), EVENT)
    assert not await has_reference()
    await dashboard.put(rule())
    assert await has_reference()
    async with dashboard.rig.database.system() as session:
        await session.execute(delete(Preflight))
    await dashboard.put(rule())
    assert not await has_reference()


async def test_mapping_can_be_saved_while_salesforce_is_away(dashboard: MappingDashboard) -> None:
    await dashboard.rig.org.fault("error", status=503)
    saved = await dashboard.put(rule())
    assert (saved["is_checked"], saved["unchecked_because"]) == (False, "SalesforceUnavailable")
    assert (saved["version"], saved["findings"]) == (1, [])
    assert (await dashboard.get())["is_checked"]


async def test_mapping_can_be_made_before_the_host_connects(dashboard: MappingDashboard) -> None:
    async with dashboard.rig.database.system() as session:
        await session.execute(delete(Connection))
    saved = await dashboard.put(rule())
    assert (saved["version"], saved["unchecked_because"], saved["retried"]) == (1, "NotConnected", 0)


async def test_used_up_budget_is_not_spent_on_a_look(dashboard: MappingDashboard) -> None:
    async with dashboard.rig.database.system() as session:
        await session.execute(update(Connection).values(api_used=90, api_limit=100))
    assert (await dashboard.get())["unchecked_because"] == "ApiBudgetReached"
    answer = await dashboard.http.get(f"{HOST}/objects/Lead/fields")
    assert problem(answer) == (503, "ApiBudgetReached")
    assert await dashboard.calls() == 0


async def test_fields_are_asked_for_once_a_day(dashboard: MappingDashboard) -> None:
    await dashboard.get()
    first = await dashboard.calls()
    await dashboard.get()
    assert (await dashboard.calls(), first > 0) == (first, True)
    async with dashboard.rig.database.system() as session:
        kept = set(await session.scalars(select(DescribeCache.sobject)))
        connection = await session.get_one(Connection, "host_a")
    assert kept == {"Lead", "Contact", "CampaignMember", "Task"}
    assert connection.calls_today == first


async def test_second_of_two_who_save_at_once_is_refused(dashboard: MappingDashboard) -> None:
    await dashboard.put({**rule(), "version": 0})
    late = await dashboard.http.put(HOST, json={"people": {"create": "contact"}, "version": 0})
    assert problem(late) == (409, "MappingChanged")
    assert "latest version is 1" in late.json()["detail"]
    assert late.json()["advice"]["code"] == "mapping_changed"
    assert (await dashboard.put({"people": {"create": "contact"}, "version": 1}))["version"] == 2


async def test_saving_the_same_again_changes_nothing(dashboard: MappingDashboard) -> None:
    first = await dashboard.put(rule())
    assert (await dashboard.put(rule()))["version"] == first["version"] == 1
    assert len(await dashboard.actions()) == 1


async def test_change_is_in_the_audit_log_by_name_and_without_values(dashboard: MappingDashboard) -> None:
    await dashboard.put({"people": {"create": "contact"}, **rule(fallback="Otters only")})
    await dashboard.put(rule(fallback="Otters and friends"))
    (_, first), (action, second) = await dashboard.actions()
    assert action == "salesforce.mapping_changed"
    assert first["changed"] == ["fields.Lead.Diet__c", "people.create"]
    assert second == {
        "event_id": None,
        "version": 2,
        "changed": ["fields.Lead.Diet__c", "people.create"],
        "changes": 2,
        "retried": 0,
    }
    assert "Otters" not in str([first, second])


async def test_same_key_saves_once(dashboard: MappingDashboard) -> None:
    headers = {"Idempotency-Key": "save-otters-1"}
    first = await dashboard.http.put(HOST, json=rule(), headers=headers)
    await dashboard.put({})
    again = await dashboard.http.put(HOST, json=rule(), headers=headers)
    assert (again.text, again.headers["Idempotent-Replayed"]) == (first.text, "true")
    german = await dashboard.http.put(HOST, json=rule(), headers=headers | {"Accept-Language": "de"})
    assert (german.text, german.headers["Content-Language"]) == (first.text, "en")
    assert (await dashboard.get())["chosen"] == {}
    assert len(await dashboard.actions()) == 2


async def test_refusal_says_where(dashboard: MappingDashboard) -> None:
    wrong = {"fields": [DIET_RULE, {**DIET_RULE, "field": "Note__c", "from": "attendee.shoe_size"}]}
    answer = await dashboard.http.put(HOST, json=wrong)
    assert problem(answer) == (422, "PayloadInvalid")
    assert answer.json()["errors"] == [
        {"path": "body.fields.1.from", "message": "no such source: …/mapping/sources lists them"}
    ]


async def test_unknown_event_has_no_mapping(dashboard: MappingDashboard) -> None:
    path = EVENT.replace("evt_otters", "evt_nobody")
    answers = [
        await dashboard.http.get(path),
        await dashboard.http.put(path, json={}),
        await dashboard.http.delete(path),
        await dashboard.http.post(f"{path}/validate", json={}),
        await dashboard.http.get(f"{path}/sources"),
        await dashboard.http.post(f"{EVENT}/copy", json={"from_event_id": "evt_nobody"}),
    ]
    assert [problem(each) for each in answers] == [(404, "EventNotFound")] * 6


async def test_copy_takes_the_mapping_of_another_host(dashboard: MappingDashboard) -> None:
    await dashboard.put({"people": {"create": "contact"}, **rule()})
    path = HOST.replace("host_a", "host_b")
    copied = body_of(await dashboard.http.post(f"{path}/copy", json={"from_host_id": "host_a"}))
    assert (copied["host_id"], copied["chosen"]) == ("host_b", {"people": {"create": "contact"}, **rule()})
    [*_, (_, details)] = await dashboard.actions()
    assert details["copied_from"] == {"host_id": "host_a", "event_id": None}


async def test_fixed_owner_is_copied_within_one_org_only(dashboard: MappingDashboard) -> None:
    owner = {"owner": {"how": "fixed", "id": "0055g00000AbCdEAAV"}}
    await dashboard.put({**owner, **rule()})
    path = f"{HOST.replace('host_a', 'host_b')}/copy"
    assert body_of(await dashboard.http.post(path, json={"from_host_id": "host_a"}))["chosen"] == rule()
    async with dashboard.rig.database.system() as session:
        session.add(dashboard.rig.org.connection(dashboard.rig.resources.vault, "host_b"))
    copied = body_of(await dashboard.http.post(path, json={"from_host_id": "host_a"}))
    assert copied["chosen"] == {**owner, **rule()}


async def test_copy_takes_the_overrides_of_another_event(dashboard: MappingDashboard) -> None:
    async with dashboard.rig.database.system() as session:
        session.add_all((event_for(event_id="evt_next"), event_for("host_b", "evt_theirs")))
    await dashboard.put(rule(), EVENT)
    path = f"{EVENT.replace('evt_otters', 'evt_next')}/copy"
    assert body_of(await dashboard.http.post(path, json={"from_event_id": "evt_otters"}))["chosen"] == rule()
    theirs = {"from_event_id": "evt_theirs", "from_host_id": "host_b"}
    assert body_of(await dashboard.http.post(path, json=theirs))["chosen"] == {}


async def test_copy_from_a_host_of_others_finds_no_host(dashboard: MappingDashboard, mint: TokenMint) -> None:
    answer = await dashboard.http.post(f"{HOST}/copy", json={"from_host_id": "host_c"})
    assert problem(answer) == (404, "HostNotFound")
    theirs = {"from_event_id": "evt_otters", "from_host_id": "host_c"}
    assert problem(await dashboard.http.post(f"{EVENT}/copy", json=theirs)) == (404, "HostNotFound")


async def test_host_sees_nothing_of_anothers_mapping(dashboard: MappingDashboard, mint: TokenMint) -> None:
    await dashboard.put(rule())
    theirs = await dashboard.get(HOST.replace("host_a", "host_b"))
    assert (theirs["chosen"], theirs["version"]) == ({}, 0)
    headers = mint.headers(hosts={"host_b": "owner"})
    answers: list[httpx.Response] = [
        await dashboard.http.get(HOST, headers=headers),
        await dashboard.http.put(HOST, json={}, headers=headers),
        await dashboard.http.get(EVENT, headers=headers),
        await dashboard.http.get(f"{HOST}/objects/Lead/fields", headers=headers),
    ]
    assert [problem(each) for each in answers] == [(404, "HostNotFound")] * 4


async def test_member_reads_and_cannot_save(dashboard: MappingDashboard, mint: TokenMint) -> None:
    headers = mint.headers(hosts={"host_a": "member"})
    assert (await dashboard.http.get(HOST, headers=headers)).status_code == 200
    answers = [
        await dashboard.http.put(HOST, json={}, headers=headers),
        await dashboard.http.delete(EVENT, headers=headers),
        await dashboard.http.post(f"{HOST}/copy", json={"from_host_id": "host_b"}, headers=headers),
    ]
    assert [problem(each) for each in answers] == [(403, "RoleInsufficient")] * 3
