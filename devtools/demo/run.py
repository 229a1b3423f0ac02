"""`make run`: the scenario on kept state, shown to a person, and up until Ctrl-C."""

from collections.abc import Callable, Mapping

from devtools.demo.console_output import draining, print_table, say, what_happened, where_to_look
from devtools.demo.deliveries import deliveries, event_published
from devtools.demo.scenario import REGISTRANTS, Registrant, wave
from devtools.demo.simulator_client import campaign_in, prepare
from devtools.demo.steps import ConnectionEnded, DemoClients, Stats, clients_of, post, wait_until_drained
from devtools.local_stack.signals import sigterm_interrupts
from devtools.local_stack.stack import Plan, Stack
from devtools.local_stack.up import addresses, stay

DRAIN_SECONDS = 300.0


def run(plan: Plan, *, until: Callable[[Stack], None] = stay) -> int:
    """Start, play and stay. With a Salesforce login given there is no org to play in: it only stays."""
    try:
        with sigterm_interrupts(), Stack(plan, say=say) as stack:
            if stack.plan.simulator_url is not None:
                _play(stack)
            for line in addresses(stack):
                say(line)
            until(stack)
    except KeyboardInterrupt:
        say("stopped")
    return 0


def _play(stack: Stack) -> None:
    with clients_of(stack) as clients:
        post(clients, [event_published()])
        _connect(clients)
        known = clients.dashboard.stats()["counts"]["total"]
        registrants = REGISTRANTS + _later(known)
        calls_before = clients.org.calls()
        outcomes = post(clients, deliveries(registrants))
        say(f"posted {outcomes.total()} signed webhooks: {_told(outcomes)}")
        with draining(len(registrants)) as show:
            _drain(clients, len(registrants), show=show)
        print_table(what_happened(registrants, clients.dashboard.rows()))
        _tell_costs(clients, new=len(registrants) - known, calls=clients.org.calls() - calls_before)
    for line in where_to_look(stack.plan.url, stack.plan.simulator_url):
        say(line)


def _connect(clients: DemoClients) -> None:
    campaign_id = campaign_in(clients.org) or prepare(clients.org).campaign_id
    if clients.dashboard.card()["state"] != "connected":
        say("connecting through the OAuth pages")
        clients.dashboard.connect()
    if not clients.dashboard.stats()["is_linked"]:
        say("linking the campaign")
        clients.dashboard.link(campaign_id)


def _drain(clients: DemoClients, total: int, *, show: Callable[[Stats], None]) -> None:
    """Wait until all are at rest. A connection that Salesforce ended meanwhile is made again, once."""
    try:
        wait_until_drained(clients.dashboard, total, within=DRAIN_SECONDS, show=show)
    except ConnectionEnded as ended:
        say(f"{ended.why}: connecting again through the OAuth pages")
        clients.dashboard.connect()
        wait_until_drained(clients.dashboard, total, within=DRAIN_SECONDS, show=show)


def _later(known: int) -> tuple[Registrant, ...]:
    """Those who registered in earlier runs after the first, and six more."""
    if known < len(REGISTRANTS):
        return ()
    say(f"going on from before: {known} registrations are known, six more come in")
    return wave(len(REGISTRANTS) + 1, known - len(REGISTRANTS) + 6)


def _told(outcomes: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))


def _tell_costs(clients: DemoClients, *, new: int, calls: int) -> None:
    say(f"{calls} API calls for {new} new attendees: {calls / max(new, 1):.2f} per attendee")
    counts = clients.dashboard.stats()["counts"]
    if counts["failed"]:
        say(f"{counts['failed']} was refused by a validation rule of the org: that is part of the story.")
