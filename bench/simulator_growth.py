"""What a request costs the simulator, from 1,000 to 100,000 people.

In process and without HTTP, so that nothing but the simulator's own work is measured. In microseconds, the
median of the repetitions; the last column is the largest size against the smallest.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

from bench.rig import Rig
from bench.sizes import Size
from salesforce_simulator.grants import Grant, new_refresh_token
from salesforce_simulator.http import Request
from salesforce_simulator.rest.endpoint import data
from salesforce_simulator.simulator import Simulator, open_simulator

REPETITIONS = 60
# Growth beyond this over a hundredfold size is a fault; what is measured lies near 1.
ALLOWED = 3.0
ROOT = "/services/data/v62.0"
EMAIL = "SELECT Id FROM Lead WHERE Email = '{}'"


@dataclass
class Org:
    """A simulated org with so many Leads, one campaign and a counter that makes every request a new one."""

    simulator: Simulator
    token: str
    size: int
    ids: list[str] = field(default_factory=list)
    campaign: str = ""
    number: int = 0

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The parsed answer; raises AssertionError on an error status."""
        path, _, query = path.partition("?")
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        content = b"" if body is None else json.dumps(body).encode()
        answer = data(self.simulator, Request(method, f"{ROOT}{path}", query, headers, content))
        assert answer.status < 400, answer.body
        answer.encoded()
        return answer.body

    def next_one(self) -> int:
        self.number += 7919
        return self.number % self.size


async def measure(rig: Rig, size: Size) -> dict[str, Any]:
    """Microseconds of each kind of request at each size, and how much the largest costs over the smallest."""
    return await asyncio.to_thread(_measure, size.simulated)


def _measure(sizes: tuple[int, ...]) -> dict[str, Any]:
    orgs = [prepared(size) for size in sizes]
    costs = {name: [cost(org, request) for org in orgs] for name, request in REQUESTS.items()}
    return {
        "people": list(sizes),
        "microseconds": costs,
        "ratio_growth": max(found[-1] / found[0] for found in costs.values()),
        "allowed": ALLOWED,
    }


def prepared(size: int) -> Org:
    """An org of that size, filled through collections as a client would."""
    simulator = open_simulator(None, base_url="http://simulator")
    org = simulator.default_org
    org.configure({"api_limit": {"max": 10**9}})
    token = _token(simulator)
    made = Org(simulator, token, size)
    made.campaign = made.ask("POST", "/sobjects/Campaign", {"Name": "Fair"})["id"]
    for start in range(0, size, 200):
        rows = [{"attributes": {"type": "Lead"}, **person(n)} for n in range(start, min(start + 200, size))]
        results = made.ask("POST", "/composite/sobjects", {"records": rows})
        made.ids += [result["id"] for result in results]
    return made


def _token(simulator: Simulator) -> str:
    org = simulator.default_org
    grant = Grant(org.admin_id, simulator.apps[0].client_id, "api", new_refresh_token(), 0)
    org.grants.add(grant, at_most=5)
    return org.grants.issue(grant, org.id, org.clock().timestamp())


def person(number: int) -> dict[str, str]:
    return {
        "LastName": f"Last{number}",
        "Company": f"Company {number % 997}",
        "Email": f"person{number}@example.com",
        "External_Id__c": f"E{number}",
    }


def cost(org: Org, request: Callable[[Org], Any]) -> float:
    """Median microseconds of a request."""
    spent = []
    for _ in range(REPETITIONS):
        begun = time.perf_counter()
        request(org)
        spent.append(time.perf_counter() - begun)
    return statistics.median(spent) * 1e6


def by_query(org: Org, soql: str) -> Any:
    return org.ask("GET", f"/query?q={quote_plus(soql)}")


def created(org: Org) -> Any:
    org.number += 1
    return org.ask("POST", "/sobjects/Lead", person(10**7 + org.number))


def member(org: Org) -> Any:
    lead = created(org)["id"]
    return org.ask("POST", "/sobjects/CampaignMember", {"CampaignId": org.campaign, "LeadId": lead})


def composite(org: Org) -> Any:
    emails = [person(org.next_one())["Email"] for _ in range(5)]
    parts = [
        {
            "method": "GET",
            "url": f"{ROOT}/query?q={quote_plus(EMAIL.format(email))}",
            "referenceId": f"r{number}",
        }
        for number, email in enumerate(emails)
    ]
    return org.ask("POST", "/composite", {"compositeRequest": parts})


def in_list(org: Org) -> Any:
    emails = ", ".join(f"'{person(org.next_one())['Email']}'" for _ in range(200))
    return by_query(org, f"SELECT Id, Email FROM Lead WHERE IsConverted = false AND Email IN ({emails})")


REQUESTS: dict[str, Callable[[Org], Any]] = {
    "read a row": lambda org: org.ask("GET", f"/sobjects/Lead/{org.ids[org.next_one()]}"),
    "create a row": created,
    "update a row": lambda org: org.ask("PATCH", f"/sobjects/Lead/{org.ids[org.next_one()]}", {"Title": "x"}),
    "upsert by external id": lambda org: org.ask(
        "PATCH", f"/sobjects/Lead/External_Id__c/E{org.next_one()}", {"Title": "y"}
    ),
    "create a lead and its membership": member,
    "query by e-mail": lambda org: by_query(org, EMAIL.format(person(org.next_one())["Email"])),
    "query 200 e-mails": in_list,
    "query a page with LIMIT 200": lambda org: by_query(
        org, f"SELECT Id, Email FROM Lead WHERE LastName = 'Last{org.next_one()}' LIMIT 200"
    ),
    "composite of five queries": composite,
    "parameterized search": lambda org: org.ask(
        "GET", f"/parameterizedSearch?q={quote_plus(person(org.next_one())['Email'])}&sobject=Lead&in=EMAIL"
    ),
    "basic information of an object": lambda org: org.ask("GET", "/sobjects/Lead"),
    "describe": lambda org: org.ask("GET", "/sobjects/Lead/describe"),
    "limits": lambda org: org.ask("GET", "/limits"),
}
