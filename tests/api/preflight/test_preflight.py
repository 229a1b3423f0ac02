"""The preflight endpoint: its queries, its findings, and their consequences."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select, update

from app.connections.tokens.connection_state import disconnect_by_salesforce
from app.connections.tokens.probe import probe_closed
from app.models import AuditEntry, CampaignLink, Connection, Preflight
from app.preflight.service import run_preflight, run_requested_preflights
from salesforce_simulator.faults import Fault
from tests.api.conftest import Service
from tests.factories_events import event_for, registration_for
from tests.tokens import TokenMint

PATH = "/v1/hosts/host_a/salesforce/preflight"
MAPPING = "/v1/hosts/host_a/salesforce/mapping"
FIELDS = {
    "verdict", "checked_at", "is_running", "api_calls", "org", "user", "budget", "objects", "findings",
    "passed", "package",
}  # fmt: skip
FINDING_FIELDS = {
    "code", "severity", "area", "object", "field", "title", "consequence", "advice", "setup_url", "blocks",
}  # fmt: skip
ADA, SAM = "ada.admin@northwind.example", "sam.sales@northwind.example"
REGION = {"Lead": ["Region__c | string(40) | CU | Region"]}


async def looked(service: Service) -> dict[str, Any]:
    answer = await service.http.post(PATH)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def codes(view: dict[str, Any], severity: str | None = None) -> list[tuple[str, str | None]]:
    return [
        (each["code"], each["object"]) for each in view["findings"] if severity in (None, each["severity"])
    ]


async def closed(service: Service, reason: str) -> None:
    async with service.resources.database.tenant("host_a") as session:
        await disconnect_by_salesforce(session, "host_a", reason_code=reason)


async def test_host_without_a_connection_has_no_preflight(service: Service) -> None:
    answers = [await service.http.get(PATH), await service.http.post(PATH)]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(409, "NotConnected")] * 2


async def test_connecting_asks_for_a_look_that_the_workers_take(service: Service) -> None:
    card = await service.connect()
    waiting = (await service.http.get(PATH)).json()
    assert (card["preflight"], waiting["verdict"], waiting["is_running"]) == (None, "unknown", True)
    assert await run_requested_preflights(service.resources) == 1
    assert await run_requested_preflights(service.resources) == 0
    seen = (await service.http.get(PATH)).json()
    card = await service.card()
    assert (seen["verdict"], seen["is_running"]) == ("ready", False)
    assert card["preflight"] == {
        "verdict": "ready",
        "blockers": 0,
        "warnings": 0,
        "checked_at": seen["checked_at"],
        "package": {"state": "not_seen", "missing": [], "unique_keys": []},
    }


async def test_ordinary_org_is_ready_after_one_call(service: Service) -> None:
    await service.connect()
    view = await looked(service)
    assert set(view) == FIELDS
    assert (view["verdict"], view["api_calls"], codes(view, "blocker")) == ("ready", 1, [])
    assert view["org"]["name"] == "Northwind Events"
    assert (view["org"]["is_sandbox"], view["org"]["default_time_zone"]) == (False, "Europe/Berlin")
    assert view["user"]["has_marketing_user"] is True
    assert view["budget"]["org_limit"] == 100_000
    expected = {"api_enabled", "lead_createable", "contact_readable", "task_createable", "campaign_readable"}
    assert expected | {"campaign_member_createable"} <= set(view["passed"])
    assert [each["object"] for each in view["objects"]][:3] == ["Lead", "Contact", "Task"]


@pytest.mark.parametrize(
    ("config", "severity", "finding"),
    [
        pytest.param({"hidden_objects": ["Task"]}, "warning", ("object_not_readable", "Task"), id="hidden"),
        pytest.param(
            {"read_only_objects": ["Lead"]}, "blocker", ("object_not_createable", "Lead"), id="read-only"
        ),
        pytest.param(
            {"read_only_objects": ["CampaignMember"]},
            "blocker",
            ("object_not_createable", "CampaignMember"),
            id="members",
        ),
        pytest.param(
            {"extra_fields": REGION}, "blocker", ("required_field_without_value", "Lead"), id="required field"
        ),
        pytest.param(
            {"hidden_fields": {"Lead": ["Title"]}}, "warning", ("field_not_writeable", "Lead"), id="field"
        ),
        pytest.param(
            {"restricted_picklists": {"Lead.LeadSource": ["Web", "Other"]}},
            "warning",
            ("lead_source_restricted", "Lead"),
            id="lead source",
        ),
        pytest.param({"api_limit": {"max": 1000, "used": 780}}, "warning", ("budget_low", None), id="budget"),
        pytest.param(
            {"hidden_fields": {"Lead": ["Email"]}},
            "blocker",
            ("email_not_searchable", "Lead"),
            id="e-mail hidden",
        ),
        pytest.param(
            {"encrypted_fields": {"Contact.Email": "probabilistic"}},
            "blocker",
            ("email_not_searchable", "Contact"),
            id="e-mail encrypted",
        ),
        pytest.param(
            {"task_statuses": [{"value": "Offen", "is_default": True}]},
            "warning",
            ("no_closed_task_status", "Task"),
            id="no closed status",
        ),
        pytest.param(
            {"is_marketing_user": False}, "warning", ("marketing_user_missing", None), id="Marketing User"
        ),
    ],
)
async def test_what_will_fail_is_found_before_it_does(
    service: Service, config: dict[str, Any], severity: str, finding: tuple[str, str | None]
) -> None:
    await service.connect()
    service.configure(**config)
    view = await looked(service)
    assert finding in codes(view, severity)
    assert view["verdict"] == ("blocked" if severity == "blocker" else "ready_with_warnings")
    for each in view["findings"]:
        assert set(each) == FINDING_FIELDS
        assert each["title"] == each["advice"]["title"]
        assert "{" not in str([each["title"], each["consequence"], each["advice"]["steps"]])
    card = await service.card()
    assert card["preflight"]["verdict"] == view["verdict"]


async def test_each_host_is_judged_by_the_user_who_connected_it(service: Service) -> None:
    """Two hosts of one org: the first user may do all, the second may not see e-mails or write members."""
    few = {
        "hidden_fields": {"Lead": ["Email"]},
        "read_only_objects": ["CampaignMember"],
        "is_marketing_user": False,
    }
    service.configure(users=[{"username": SAM, "permissions": few}])
    await service.connect("host_a")
    answer = await service.complete(await service.sign_in("host_b", user=1), "host_b")
    assert answer.status_code == 200, answer.text
    assert await run_requested_preflights(service.resources) == 2
    seen = {}
    for host in ("host_a", "host_b"):
        view = (await service.http.get(PATH.replace("host_a", host))).json()
        found = (view["user"]["username"], view["user"]["has_marketing_user"], view["verdict"])
        seen[host] = (*found, set(codes(view, "blocker")), set(codes(view, "warning")))
    assert seen == {
        "host_a": (ADA, True, "ready", set(), set()),
        "host_b": (
            SAM,
            False,
            "blocked",
            {("email_not_searchable", "Lead"), ("object_not_createable", "CampaignMember")},
            {
                ("marketing_user_missing", None),
                ("field_not_writeable", "Lead"),
                ("object_not_updateable", "CampaignMember"),
            },
        ),
    }


async def test_an_alert_rule_and_listed_places_are_noted_before_anybody_meets_them(service: Service) -> None:
    await service.connect()
    rule = {"object": "Lead", "field": "State", "from": "answers.state"}
    answer = await service.http.put(MAPPING, json={"fields": [rule]})
    assert answer.status_code == 200, answer.text
    service.configure(
        duplicate_rules=[{"sobject": "Lead", "fields": ["Phone"], "action": "alert"}],
        countries={"DE": "Germany"},
        states=[{"name": "Bavaria", "code": "BY", "country": "DE"}],
    )
    view = await looked(service)
    assert view["verdict"] == "ready_with_warnings"
    assert codes(view, "warning") == [("state_without_country", "Lead")]
    noted = {each["code"]: each for each in view["findings"] if each["severity"] == "note"}
    assert {"duplicate_rule_seen", "places_listed"} <= noted.keys()
    assert noted["duplicate_rule_seen"]["advice"]["link"] == "/docs/mapping#duplicates"
    assert "saved as new with a warning where it only alerts" in noted["duplicate_rule_seen"]["consequence"]
    assert noted["places_listed"]["title"] == "Lead: State/Province takes listed values only"


async def test_required_field_is_named_by_its_label(service: Service) -> None:
    await service.connect()
    service.configure(extra_fields=REGION)
    view = await looked(service)
    [finding] = [each for each in view["findings"] if each["severity"] == "blocker"]
    assert (finding["field"], finding["blocks"]) == ("Region__c", ["create_lead"])
    assert finding["title"] == "Lead needs a value for Region"
    lead = next(each for each in view["objects"] if each["object"] == "Lead")
    assert lead["required_without_value"] == ["Region__c"]


@pytest.mark.parametrize(
    ("namespace", "locked"),
    [
        ("evs", {("Contact", "evs__Eventship_Key__c is left out of every new Contact.")}),
        (None, {("Contact", "evs__Eventship_Key__c is left out of every new Contact.")}),
        ("x", set()),
    ],
)
async def test_the_packages_fields_are_looked_for_under_its_namespace(
    service: Service, namespace: str | None, locked: set[tuple[str, str]]
) -> None:
    await service.connect()
    key = "evs__Eventship_Key__c | string(64) | CUNXQ | Eventship Key"
    service.configure(extra_fields={"Lead": [key]})
    chosen = {"salesforce_package_namespace": namespace, "pepper": SecretStr("07" * 32)}
    settings = service.settings.model_copy(update=chosen)
    view = await run_preflight(replace(service.resources, settings=settings), "host_a")
    found = {
        (each.object, each.consequence) for each in view.findings if each.code == "package_fields_locked"
    }
    assert {each for each in found if each[0] in {"Lead", "Contact"}} == locked
    assert bool(found) == bool(locked)
    assert view.package is not None
    assert (view.package.state, view.package.unique_keys) == (
        ("incomplete", ["Lead"]) if locked else ("not_seen", [])
    )
    assert (await service.card())["preflight"]["package"] == view.package.model_dump()


async def test_registrations_without_a_company_are_noted(service: Service) -> None:
    await service.connect()
    async with service.resources.database.system() as session:
        session.add(event_for())
        for number in range(12):
            registration = registration_for(number)
            registration.attendee = {**registration.attendee, "company": None}
            session.add(registration)
    assert ("company_not_asked", "Lead") in codes(await looked(service), "note")


async def test_org_that_closed_its_api_is_reported_with_its_edition(service: Service) -> None:
    await service.connect()
    async with service.resources.database.tenant("host_a") as session:
        await session.execute(update(Connection).values(org_edition="Professional Edition"))
    service.configure(is_api_enabled=False)
    view = await looked(service)
    assert (view["verdict"], codes(view, "blocker")) == ("blocked", [("edition_needs_api_addon", None)])
    card = await service.card()
    assert (card["state"], card["reason"]["code"]) == ("needs_reconnect", "api_disabled")
    assert card["reason"]["title"] == "Professional Edition needs the API add-on"


async def test_preflight_opens_what_an_admin_has_cured(service: Service) -> None:
    await service.connect()
    service.configure(is_api_enabled=False)
    await looked(service)
    service.configure(is_api_enabled=True)
    view = await looked(service)
    assert (view["verdict"], (await service.card())["state"]) == ("ready", "connected")


async def test_ended_grant_must_be_reconnected_first(service: Service) -> None:
    await service.connect()
    await closed(service, "access_revoked")
    answer = await service.http.post(PATH)
    assert (answer.status_code, answer.json()["code"]) == (409, "ConnectionNeedsReconnect")
    assert (await service.http.get(PATH)).json()["is_running"] is False


async def test_salesforce_that_is_away_leaves_an_unknown(service: Service) -> None:
    await service.connect()
    service.configure(is_maintenance=True)
    view = await looked(service)
    assert (view["verdict"], codes(view)) == ("unknown", [("could_not_look", None)])
    assert (await service.card())["state"] == "connected"


async def in_a_sandbox(service: Service) -> None:
    await service.connect()
    async with service.resources.database.tenant("host_a") as session:
        await session.execute(update(Connection).values(org_is_sandbox=True))


@pytest.mark.parametrize(
    "trouble",
    [
        {"status": 500, "error_code": "QUERY_TIMEOUT", "message": "Your query request was running too long"},
        {"status": 500, "error_code": "UNKNOWN_EXCEPTION", "message": "An unexpected error occurred"},
        {"status": 400, "error_code": "INVALID_FIELD", "message": "No such column 'Email'"},
        {"kind": "truncate"},
    ],
    ids=["too long", "unexpected", "hidden", "lost"],
)
async def test_optional_question_that_fails_leaves_that_one_fact_unknown(
    service: Service, trouble: dict[str, Any]
) -> None:
    await in_a_sandbox(service)
    fault = Fault.model_validate({"kind": "error", "match": {"body": "invalid"}, "count": 1, **trouble})
    service.simulator.simulator.faults.add(fault)
    view = await looked(service)
    assert view["verdict"] == "ready"
    unknown = [each["title"] for each in view["findings"] if each["code"] == "fact_unknown"]
    assert unknown == ["Salesforce did not say whether addresses end in .invalid"]
    assert view["org"]["name"] == "Northwind Events"


async def test_unusable_addresses_are_asked_for_in_sandboxes_alone(service: Service) -> None:
    await service.connect()
    assert (await looked(service))["api_calls"] == 1
    async with service.resources.database.tenant("host_a") as session:
        await session.execute(update(Connection).values(org_is_sandbox=None))
    assert (await looked(service))["api_calls"] == 1


async def test_member_may_read_it_and_not_run_it(service: Service, mint: TokenMint) -> None:
    await service.connect()
    headers = mint.headers(hosts={"host_a": "member"})
    assert (await service.http.get(PATH, headers=headers)).status_code == 200
    assert (await service.http.post(PATH, headers=headers)).json()["code"] == "RoleInsufficient"


async def test_result_of_another_org_is_not_shown(service: Service) -> None:
    await service.connect()
    await looked(service)
    async with service.resources.database.tenant("host_a") as session:
        await session.execute(update(Connection).values(org_id="00D000000000009EAA"))
    assert (await service.http.get(PATH)).json()["checked_at"] is None
    assert (await service.card())["preflight"] is None


@pytest.mark.parametrize(
    ("config", "reason"),
    [({"is_api_enabled": False}, "api_disabled"), ({"ip_restricted": True}, "ip_restricted")],
)
async def test_hourly_probe_opens_what_was_cured_and_nothing_else(
    service: Service, config: dict[str, bool], reason: str
) -> None:
    await service.connect()
    await closed(service, reason)
    service.configure(**config)
    service.simulator.simulator.default_org.grants.expire_all()
    assert await probe_closed(service.resources) == 0
    assert (await service.card())["reason"]["code"] == reason
    service.configure(**{name: not value for name, value in config.items()})
    assert await probe_closed(service.resources) == 1
    assert (await service.card())["state"] == "connected"
    async with service.resources.database.tenant("host_a") as session:
        actions = list(await session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)))
    assert actions[-1] == "salesforce.connection_reopened"


async def test_probe_that_meets_a_revoked_grant_says_so_and_asks_no_more(service: Service) -> None:
    await service.connect()
    await closed(service, "api_disabled")
    grants = service.simulator.simulator.default_org.grants
    for grant in list(grants):
        grants.revoke(grant)
    assert await probe_closed(service.resources) == 0
    card = await service.card()
    assert (card["state"], card["reason"]["code"]) == ("needs_reconnect", "access_revoked")
    async with service.resources.database.tenant("host_a") as session:
        marker = await session.scalar(select(Connection.refresh_started_at))
    assert marker is None


async def add_link(service: Service, campaign_id: str, **statuses: str) -> None:
    async with service.resources.database.system() as session:
        session.add(event_for())
        await session.flush()
        session.add(
            CampaignLink(
                host_id="host_a",
                event_id="evt_otters",
                org_id="00D000000000009EAA",
                campaign_id=campaign_id,
                campaign_name="Otter Summit",
                is_active=True,
                statuses={"registered": "Sent", "attended": "Responded"} | statuses,
                available_statuses=["Sent", "Responded"],
                linked_by="user_17",
            )
        )


async def link_state(service: Service) -> tuple[str, str | None]:
    path = "/v1/hosts/host_a/events/evt_otters/salesforce/campaign"
    body = (await service.http.get(path)).json()
    return body["state"], body["problem"] and body["problem"]["code"]


async def campaign_in(service: Service) -> str:
    async with service.control() as control:
        rows = [{"Name": "Otter Summit", "IsActive": True}]
        answer = await control.post("/_simulator/records/Campaign", json=rows)
    return str(answer.json()["ids"][0])


async def test_link_made_in_another_org_is_broken_until_it_is_found_here(service: Service) -> None:
    await service.connect()
    await add_link(service, await campaign_in(service))
    assert await link_state(service) == ("broken", "campaign_in_other_org")
    await looked(service)
    assert await link_state(service) == ("linked", None)


async def test_link_whose_campaign_is_not_here_stays_broken(service: Service) -> None:
    await service.connect()
    await add_link(service, "7015g000000KqRsAAK")
    await looked(service)
    assert (await link_state(service))[0] == "broken"


async def test_found_campaign_without_a_chosen_status_is_broken(service: Service) -> None:
    await service.connect()
    await add_link(service, await campaign_in(service), registered="Registered")
    await looked(service)
    assert await link_state(service) == ("broken", "campaign_broken")


async def test_look_that_died_is_taken_up_again(service: Service) -> None:
    await service.connect()
    async with service.resources.database.tenant("host_a") as session:
        await session.execute(update(Preflight).values(started_at=func.clock_timestamp()))
    assert await run_requested_preflights(service.resources) == 0
    async with service.resources.database.tenant("host_a") as session:
        await session.execute(update(Preflight).values(started_at=datetime(2026, 1, 1, tzinfo=UTC)))
    assert await run_requested_preflights(service.resources) == 1


async def test_preflight_is_judged_with_the_hosts_mapping(service: Service) -> None:
    await service.connect()
    service.configure(extra_fields=REGION)
    assert (await looked(service))["verdict"] == "blocked"
    rule = {"object": "Lead", "field": "Region__c", "constant": "North"}
    gone = {"object": "Lead", "field": "Gone__c", "constant": "North"}
    answer = await service.http.put(MAPPING, json={"fields": [rule, gone]})
    assert answer.status_code == 200, answer.text
    view = await looked(service)
    assert (view["verdict"], codes(view, "blocker")) == ("ready_with_warnings", [])
    assert codes(view, "warning") == [("mapped_field_gone", "Lead")]


async def test_what_a_preflight_read_is_not_asked_for_again(service: Service) -> None:
    await service.connect()
    await looked(service)
    async with service.control() as control:
        before = (await control.get("/_simulator/calls")).json()["total"]
        view = (await service.http.get(MAPPING)).json()
        after = (await control.get("/_simulator/calls")).json()["total"]
    assert (view["is_checked"], after - before) == (True, 0)
