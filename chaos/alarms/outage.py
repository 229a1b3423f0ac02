"""`make outage`: a bad hour in two minutes: what breaks, which alerts ring, which runbook cures it."""

import shutil
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chaos.alarms.acts import Deed
from chaos.alarms.playing import END_SECONDS, playing, say
from chaos.alarms.prometheus import SCALE, SEVERITIES, NotInstalled, Watch
from chaos.checker import OrgState, check
from chaos.environment import Site
from chaos.nemeses import trouble
from chaos.run import OBJECTS
from chaos.stage import Stage
from chaos.workload import HostPlan, confirmation
from devtools.demo.dashboard import Dashboard
from devtools.demo.scenario import HOST_ID
from devtools.local_stack.local_services import free_port
from tools.monitoring.files import RUNBOOKS

ORGS: Final = 3
HOSTS: Final = (HostPlan(HOST_ID, 0), HostPlan("host_brook", 1), HostPlan("host_creek", 2))
PEOPLE: Final = 700
RATE: Final = 8.0
CALM_SECONDS: Final = 4.0
RING_SECONDS: Final = 60.0
REST_SECONDS: Final = 60.0
SUMMARY_WIDTH: Final = 96


@dataclass(frozen=True)
class Scene:
    """Something breaks, or nothing more does; `step` is what the runbook of its first alert says to do."""

    tells: str
    rings: tuple[str, ...]
    step: str
    fault: Deed
    cure: Deed


def revoke(stage: Stage) -> None:
    stage.site.control.revoke(stage.machine.org_ids[0])


def connect_again(stage: Stage) -> None:
    """As a person does: through the pages of the service and of Salesforce, in a browser."""
    token = stage.site.secrets.token({HOST_ID: "owner"})
    with Dashboard(stage.machine.api_urls[0], token) as dashboard:
        dashboard.connect()


SCENES: Final = (
    Scene(
        "Postgres stops at once; a standby must take over",
        ("PostgresAway", "WebhooksFail"),
        "Bring Postgres back, or fail over.",
        lambda stage: stage.machine.stop_postgres(),
        lambda stage: stage.machine.start_postgres(),
    ),
    Scene(
        "a worker is killed in the middle of its work",
        ("ProcessDown",),
        "eventship-salesforce worker",
        lambda stage: stage.machine.kill("worker-1"),
        lambda stage: stage.machine.start_all(),
    ),
    Scene(
        "Salesforce answers 503 to everything",
        ("SalesforceAway",),
        "Work goes on by itself within a minute of the first answer.",
        lambda stage: trouble(stage, "error", 1.0),
        Stage.disarm,
    ),
    Scene(
        "nothing more breaks, but Acme does not notice that it is not connected any more",
        ("WaitsForReconnect",),
        "on its Salesforce page it presses *Connect*",
        lambda stage: None,
        connect_again,
    ),
)


def main() -> int:
    """0 when every alert of the story rang and ended and nothing was lost; without Prometheus, 0."""
    home = Path(tempfile.mkdtemp(prefix="eventship-outage-"))
    home.chmod(0o755)  # Postgres may run as `nobody`
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    given = {"PUBLIC_URL": url, "DASHBOARD_URL": url, "BATCH_SIZE_MAX": "100"}
    say(f"A bad hour: a minute takes {60 / SCALE:g} s, and so do the windows of the alerts. One moment …")
    try:
        with (
            Site(home, ORGS, 1) as site,
            playing(
                site, HOSTS, home, tell=tell, given=given, ports={"api-1": port}, people=PEOPLE, rate=RATE
            ) as (
                stage,
                watch,
            ),
        ):
            faults = list(told(stage, watch))
    except NotInstalled as missing:
        say(f"left out: {missing}, and nothing else can ring the alerts")
        return 0
    if not faults:
        shutil.rmtree(home, ignore_errors=True)
    say("\n".join(f"WRONG {fault}" for fault in faults) or "Every alert rang, and ended with its cure.")
    return 1 if faults else 0


def told(stage: Stage, watch: Watch) -> Iterator[str]:
    """The story; what did not go as it should."""
    show(watch, f"all is well: {ORGS} hosts, 2 APIs, 4 workers, {RATE:g} people register in a second")
    stage.post([confirmation(one) for one in stage.people])
    stage.sleep(CALM_SECONDS)
    show(watch, "*** the administrator of Acme's org revokes our access, by mistake")
    revoke(stage)
    for scene in SCENES:
        show(watch, f"*** {scene.tells}")
        scene.fault(stage)
        if not watch.all_ring(scene.rings, RING_SECONDS):
            yield f"of {', '.join(scene.rings)} only {', '.join(sorted(watch.rung))} rang"
        show(watch, f"    {scene.rings[0]}.md: “{scene.step}”: done")
        scene.cure(stage)
    rings = [name for scene in SCENES for name in scene.rings]
    if not watch.all_end(rings, END_SECONDS):
        yield f"{', '.join(sorted(watch.ringing))} ring on"
    yield from counted(stage, watch)


def counted(stage: Stage, watch: Watch) -> Iterator[str]:
    """What became of the registrations."""
    stage.await_posted()
    if not stage.await_rest(REST_SECONDS):
        yield "work is left"
    orgs = [
        OrgState(*(stage.site.control.records(sobject, org_id) for sobject in OBJECTS))
        for org_id in stage.machine.org_ids
    ]
    found = check(stage.people, stage.history.acked, orgs=orgs, grants=stage.machine.grants)
    refused = stage.history.ended.total() - len(stage.history.acked)
    show(
        watch,
        f"{found.acked} registrations were acknowledged ({refused} tries were not), "
        f"{len(found.lost)} lost, {len(found.duplicates)} doubled in Salesforce",
    )
    yield from (*found.lost, *found.duplicates)


def tell(at: float, name: str, news: str) -> None:
    label = f"{SEVERITIES[name].upper()} {name}" if news else f"     {name} is over"
    text = f"{label}: {news}" if news else label
    say(f"{clock(at)}  {textwrap.shorten(text, SUMMARY_WIDTH, placeholder=' …') if news else text}")


def show(watch: Watch, text: str) -> None:
    say(f"{clock(watch.now)}  {text}")


def clock(seconds: float) -> str:
    """The time of the story, in minutes."""
    minutes, rest = divmod(round(seconds * SCALE), 60)
    return f"{minutes:3}:{rest:02}"


def steps() -> Sequence[tuple[str, str]]:
    """The runbooks that the story quotes, and what it quotes of each."""
    return [((RUNBOOKS / f"{scene.rings[0]}.md").read_text(), scene.step) for scene in SCENES]


if __name__ == "__main__":
    sys.exit(main())
