"""Nemeses of load and limits: refusals by the hundred, used-up allowances, a sick org, one id very often."""

import asyncio
import statistics
import time
from collections.abc import Iterable
from dataclasses import replace

from chaos.nemeses import await_end, trouble
from chaos.stage import Stage
from chaos.workload import Registrant, Webhook, confirmation

STORM_SECONDS, HALF_STORM_SECONDS = 10.0, 5.0
USED_UP = {"max": 100_000, "used": 100_000}
NEARLY_CAPPED = {"max": 100_000, "used": 79_998}
FRESH = {"max": 100_000, "used": 0}
PROBE_SECONDS = 1_000.0
COPIES = 100
OLD = "80 hours"
PICKED_SECONDS, PICKED_SECONDS_ALONE = 10.0, 10.0
"""Generous, for machines with other work; what was measured is printed."""
OTHERS_MAY_WAIT = 2.0
MOST_HALVINGS = 8
OTHERS_REST_SECONDS = 30.0


def storm(stage: Stage) -> None:
    """T12: every call answers 503, then every other one; while all fail an org is probed, not stormed."""
    trouble(stage, "error", 1.0)
    stage.sleep(STORM_SECONDS)
    probes = sum(stage.site.control.fired())
    orgs = len({host.org for host in stage.hosts})
    stage.measured["probes_per_org"] = round(probes / orgs, 1)
    most = STORM_SECONDS + 1
    stage.expect(f"at most one probe a second and org: {probes / orgs:.1f}", holds=probes / orgs <= most)
    stage.disarm()
    trouble(stage, "error", 0.5)
    stage.sleep(HALF_STORM_SECONDS)
    await_end(stage)


def use_up_allowance(stage: Stage) -> None:
    """T13: one org refuses by its daily limit, one comes over the host's cap; both wait, the others go on."""
    control, ledger, (first, second, *_) = stage.site.control, stage.machine.ledger, stage.machine.org_ids
    control.configure(first, api_limit=USED_UP)
    control.configure(second, api_limit=NEARLY_CAPPED)
    await_end(stage)
    _await_others(stage, {0, 1})
    calls = control.calls(second)
    stage.sleep(3)
    stage.expect("the capped org is left alone", holds=control.calls(second) == calls)
    stage.expect("nothing was written to the used-up org", holds=not control.records("Task", first))
    drains = stage.do(ledger.ask("SELECT fence FROM org_leases WHERE org_id = :org", org=first))
    stage.measured["drains_of_used_up_org"] = drains
    stage.expect(f"the used-up org is asked rarely: {drains} drains", holds=drains <= 2)
    for org_id in (first, second):
        control.configure(org_id, api_limit=FRESH)
    stage.do(ledger.pass_time(PROBE_SECONDS))


def make_one_org_sick(stage: Stage) -> None:
    """T14: one org hangs, another has a row that makes every call with it fail; the others do not notice."""
    numbered = [one for one in stage.people if not one.checks_in]
    half = len(stage.people) // 2
    victims = [one for one in stage.people[half:] if one.org == 1 and not (one.checks_in or one.is_known)]
    alone = {one.email for one in victims if sum(one.email == other.email for other in stage.people) == 1}
    poison = min(alone)
    stage.refused.add(poison)
    match = {"body": poison.replace(".", r"\."), "is_write": True}
    trouble(stage, "error", 1.0, status=400, error_code="JSON_PARSER_ERROR", message="bad row", match=match)
    stage.until_progress(0.5)
    # Not by record ids: every simulated org counts them from one.
    hang = {"body": r"@org0\.example|host_0"}
    trouble(stage, "hang", 1.0, seconds=30.0, match=hang)
    await_end(stage)
    _await_others(stage, {0})
    isolating, *_ = stage.site.control.fired()
    stage.measured["calls_refused_for_one_row"] = isolating
    stage.expect(f"the bad row is found by halving: {isolating} calls", holds=0 < isolating <= MOST_HALVINGS)
    took = stage.do(stage.machine.ledger.seconds_by_registration())
    before = [one for one in numbered if one.org > 1 and one in stage.people[:half]]
    after = [one for one in numbered if one.org > 1 and one in stage.people[half:]]
    healthy, sick = _p95(before, took), _p95(after, took)
    stage.measured |= {"p95_before": round(healthy, 2), "p95_while_sick": round(sick, 2)}
    holds = sick - healthy < OTHERS_MAY_WAIT
    stage.expect(f"others wait {sick:.1f} s instead of {healthy:.1f} s", holds=holds)


def _await_others(stage: Stage, sick: set[int]) -> None:
    """The orgs that are well come to rest while the others are still sick."""
    hosts = [host.host_id for host in stage.hosts if host.org not in sick]
    deadline = time.monotonic() + OTHERS_REST_SECONDS
    while (moving := stage.do(stage.machine.ledger.moving_of(hosts))) and time.monotonic() < deadline:
        stage.sleep(0.2)
    stage.expect(f"the other orgs are done meanwhile, not {moving} left", holds=not moving)


def _p95(people: Iterable[Registrant], took: dict[str, float]) -> float:
    # Who was not written at all by now has waited for ever.
    waits = [took.get(one.registration_id, 999.0) for one in people]
    return statistics.quantiles(waits, n=20)[-1]


def miss_wake_ups(stage: Stage) -> None:
    """T5: registrations one by one, timed into the last moments of drains; then without Valkey at all."""
    half = len(stage.people) // 2
    with_valkey, without = stage.people[:half], stage.people[half:]
    _trickle(stage, with_valkey)
    stage.expect("all at rest", holds=stage.await_rest(20))
    stage.machine.kill_valkey()
    _trickle(stage, without)
    stage.expect("all at rest without Valkey", holds=stage.await_rest(20))
    took = stage.do(stage.machine.ledger.seconds_by_registration())
    for people, what, most in (
        (with_valkey, "slowest", PICKED_SECONDS),
        (without, "slowest_without_valkey", PICKED_SECONDS_ALONE),
    ):
        slowest = max(took.get(one.registration_id, 999.0) for one in people)
        stage.measured[what] = round(slowest, 2)
        stage.expect(f"{what}: written within {most:.0f} s, not {slowest:.1f} s", holds=slowest <= most)


def _trickle(stage: Stage, people: list[Registrant]) -> None:
    pauses = [stage.chance.uniform(0, 0.08) for _ in people]

    async def posted() -> None:
        async with stage.sender.http() as http, asyncio.TaskGroup() as group:
            for number, (one, pause) in enumerate(zip(people, pauses, strict=True)):
                group.create_task(stage.sender.post(http, confirmation(one), first=number))
                await asyncio.sleep(pause)

    stage.do(posted())


def repeat_one_id(stage: Stage) -> None:
    """T19: one id a hundred times at once, again 80 hours later, with another body, and at another host."""
    one = stage.people[0]
    stranger = next(other for other in stage.people if other.host_id != one.host_id and not other.is_known)
    webhook = confirmation(one)
    _post_at_once(stage, [webhook] * COPIES)
    _post_at_once(stage, [confirmation(one, company="Another Pond")] * 2)
    _post_at_once(stage, [Webhook(webhook.webhook_id, confirmation(stranger).body)] * 2)
    stage.expect("every copy is taken", holds=set(stage.history.ended) == {"202"})
    name = stage.machine.name
    aged = f"UPDATE deliveries SET received_at = received_at - interval '{OLD}'"  # noqa: S608 -- constants
    stage.site.run_sql(aged, database=name)
    stage.do(stage.machine.ledger.purge())
    _post_at_once(stage, [webhook] * 2)
    for who in (one, stranger):
        query = "SELECT sum(requested_version) FROM sync_jobs WHERE registration_id = :id"
        wanted = stage.do(stage.machine.ledger.ask(query, id=who.registration_id))
        stage.expect(f"{who.registration_id} is wanted once, not {wanted} times", holds=wanted == 1)
    query = "SELECT attendee ->> 'company' FROM registrations WHERE registration_id = :id"
    company = stage.do(stage.machine.ledger.ask(query, id=one.registration_id))
    stage.expect(f"the first body stays: {company}", holds=company == "Pond")
    stage.people[:] = [one, replace(stranger, checks_in=False)]


def _post_at_once(stage: Stage, webhooks: list[Webhook]) -> None:
    async def posted() -> None:
        async with stage.sender.http() as http, asyncio.TaskGroup() as group:
            for number, webhook in enumerate(webhooks):
                group.create_task(stage.sender.post(http, webhook, first=number))

    stage.do(posted())
