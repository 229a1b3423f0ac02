"""The org as a person sees it: people with their timelines, campaigns with their members."""

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from salesforce_simulator.http import HTML, Request, Response
from salesforce_simulator.org import Org
from salesforce_simulator.pages.activities import calendar, cases, timeline
from salesforce_simulator.pages.faults import buttons, faults
from salesforce_simulator.pages.layout import document, table
from salesforce_simulator.pages.packages import button, packages
from salesforce_simulator.pages.records import SHOWN, last, link, text
from salesforce_simulator.rules.campaigns import statuses
from salesforce_simulator.simulator import Simulator
from salesforce_simulator.soql.fields import read
from salesforce_simulator.store import Row

_RECENT = 10
_COUNTED = (
    "Lead",
    "Contact",
    "Account",
    "Campaign",
    "CampaignMember",
    "Task",
    "Event",
    "Case",
    "EmailMessage",
)


def page(simulator: Simulator, request: Request) -> Response:
    """Any page under /; 404 for an unknown place."""
    org = simulator.org_of(request.query.get("org"))
    first, _, rest = request.path.strip("/").partition("/")
    render = _PAGES.get(first)
    body = render(simulator, org, rest or request.query.get("q", "")) if render and org else None
    if body is None or org is None:
        return Response(404, document("Not found", "<h1>Not found</h1>"), content_type=HTML)
    return Response(200, document(org.name, body, org_id=org.id), content_type=HTML)


def _overview(simulator: Simulator, org: Org, rest: str) -> str:
    counts = "".join(_card(name, sum(1 for _ in org.store.live(name))) for name in _COUNTED)
    usage = _card("API calls counted", org.calls.by_endpoint.total())
    limit = _card("of the day's limit", f"{org.api_used:,} / {org.config.api_limit.max:,}")
    others = " · ".join(
        f'<a href="/?org={other.id}">{escape(other.name)}</a>' for other in simulator.orgs.values()
    )
    return (
        f'<h1>{escape(org.name)} <span class="dim">{org.id}</span></h1><p class="dim">Orgs: {others}</p>'
        f'<div class="cards">{counts}{usage}{limit}</div>'
        f"<h2>Latest people</h2>{_people_table(org, _latest(org, '')[:_RECENT])}"
        f"<h2>Latest campaigns</h2>{_campaign_table(org, last(org, 'Campaign', _RECENT))}"
        f"<h2>Start over</h2>{buttons(('reset', 'Reset all orgs'))}"
    )


def _card(label: str, value: Any) -> str:
    return f'<div class="card"><b>{escape(str(value))}</b><span class="dim">{escape(label)}</span></div>'


def _people(simulator: Simulator, org: Org, rest: str) -> str:
    if rest and _person_row(org, rest):
        return _person(org, rest)
    form = (
        f'<form><input type="hidden" name="org" value="{org.id}">'
        f'<input type="search" name="q" value="{escape(rest)}" placeholder="Name or e-mail"> '
        '<button class="quiet">Search</button></form><br>'
    )
    note = f'<p class="dim">The latest {SHOWN} are shown.</p>'
    return f"<h1>People</h1>{form}{_people_table(org, _latest(org, rest))}{note}"


def _latest(org: Org, search: str) -> list[tuple[str, Row]]:
    found = [(name, row) for name in ("Contact", "Lead") for row in last(org, name, SHOWN, search=search)]
    return sorted(found, key=lambda item: (item[1]["CreatedDate"], item[1]["Id"]), reverse=True)[:SHOWN]


def _people_table(org: Org, people: list[tuple[str, Row]]) -> str:
    rows = [
        [
            link(org, "people", row["Id"], row["Name"]),
            f"{name}{' · converted' if row.get('IsConverted') else ''}",
            text(row["Email"]),
            text(_short(row.get("Company") or _account(org, row))),
            timeline(org, row["Id"]),
            _memberships(org, f"{name}Id", row["Id"]),
        ]
        for name, row in people
    ]
    return table(["Name", "Object", "E-mail", "Company", "Timeline", "Campaigns"], rows)


def _short(text: str | None) -> str | None:
    return text if text is None or len(text) <= 60 else f"{text[:59]}…"


def _account(org: Org, row: Row) -> Any:
    account = org.store.get("Account", row.get("AccountId"))
    return account["Name"] if account else None


def _memberships(org: Org, field: str, person_id: str) -> str:
    items = []
    for member in org.store.find("CampaignMember", field, person_id):
        campaign = org.store.get("Campaign", member["CampaignId"]) or {}
        items.append(f"<li>{text(campaign.get('Name'))}: {_status(member)}</li>")
    return f"<ul>{''.join(items)}</ul>"


def _status(member: Row) -> str:
    return f'<span class="{"good" if member["HasResponded"] else "dim"}">{text(member["Status"])}</span>'


def _person_row(org: Org, record_id: str) -> tuple[str, Row] | None:
    for name in ("Lead", "Contact"):
        row = org.store.get(name, record_id)
        if row is not None:
            return name, row
    return None


def _person(org: Org, record_id: str) -> str:
    found = _person_row(org, record_id)
    assert found is not None
    name, row = found
    fields = [[escape(key), text(value)] for key, value in row.items() if value not in {None, False}]
    return (
        f'<h1>{text(row["Name"])} <span class="dim">{name} {row["Id"]}</span></h1>'
        f"{button(org, name, row)}"
        f"<h2>Timeline</h2>{timeline(org, record_id)}"
        f"<h2>Campaigns</h2>{_memberships(org, f'{name}Id', record_id)}"
        f"<h2>Fields</h2>{table(['Field', 'Value'], fields)}"
    )


def _campaigns(simulator: Simulator, org: Org, rest: str) -> str | None:
    if not rest:
        return f"<h1>Campaigns</h1>{_campaign_table(org, last(org, 'Campaign', SHOWN))}"
    campaign = org.store.get("Campaign", rest)
    return _campaign(org, campaign) if campaign else None


def _campaign_table(org: Org, campaigns: list[Row]) -> str:
    rows = [
        [
            link(org, "campaigns", row["Id"], row["Name"]),
            text(row["Status"]),
            text(row["StartDate"]),
            _breakdown(org, row["Id"]),
        ]
        for row in campaigns
    ]
    return table(["Name", "Status", "Starts", "Members"], rows)


def _breakdown(org: Org, campaign_id: str) -> str:
    counts: dict[str, int] = {status["Label"]: 0 for status in statuses(org, campaign_id)}
    for member in org.store.find("CampaignMember", "CampaignId", campaign_id):
        counts[member["Status"]] = counts.get(member["Status"], 0) + 1
    return ", ".join(f"{text(label)} <b>{count}</b>" for label, count in counts.items())


def _campaign(org: Org, campaign: Row) -> str:
    members = org.store.find("CampaignMember", "CampaignId", campaign["Id"])
    rows = [
        [
            link(org, "people", member["ContactId"] or member["LeadId"], read_member(org, member, "Name")),
            text(read_member(org, member, "Email")),
            _status(member),
            text(member["CreatedDate"]),
        ]
        for member in members[-SHOWN * 5 :]
    ]
    return (
        f'<h1>{text(campaign["Name"])} <span class="dim">{campaign["Id"]}</span></h1>'
        f"<p>{_breakdown(org, campaign['Id'])}</p>"
        f"{table(['Person', 'E-mail', 'Status', 'Added'], rows)}"
    )


def read_member(org: Org, member: Row, name: str) -> Any:
    """A field of a member, those of its person too."""
    return read(org, "CampaignMember", org.schema.objects["CampaignMember"].fields[name], member)


def _requests(simulator: Simulator, org: Org, rest: str) -> str:
    rows = [
        [
            text(entry["at"]),
            text(f"{entry['method']} {entry['path']}"),
            str(entry["status"]),
            f"<pre>{escape(entry['body'])}</pre>" if entry["body"] else "",
        ]
        for entry in (each.shown() for each in reversed(simulator.default_org.calls.recent))
    ]
    return f"<h1>Last requests</h1>{table(['When', 'Request', 'Status', 'Body'], rows)}"


_PAGES: Mapping[str, Callable[[Simulator, Org, str], str | None]] = {
    "": _overview,
    "people": _people,
    "campaigns": _campaigns,
    "calendar": lambda simulator, org, rest: calendar(org),
    "cases": lambda simulator, org, rest: cases(org),
    "packages": lambda simulator, org, rest: packages(org),
    "requests": _requests,
    "faults": faults,
}
