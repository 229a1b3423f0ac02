"""`python -m chaos.alarms`: every alert of the rules is rung once by its fault, and ends with the cure."""

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from chaos.alarms.acts import ACTS, PLATFORM, Act
from chaos.alarms.playing import END_SECONDS, SEED, playing, say
from chaos.alarms.prometheus import SCALE, SEVERITIES, NotInstalled, Watch
from chaos.environment import Site
from chaos.stage import Stage
from chaos.workload import hosts_for

ORGS: Final = 5
PEOPLE: Final = 1500
RATE: Final = 20.0
RING_SECONDS: Final = 150.0
NEWS_HEAD: Final = "    {at:6.1f} s  {name} {what}"


def main(names: Sequence[str]) -> int:
    """0 when each alert of the chosen acts rang and ended, else 1; without Prometheus 0, and a line."""
    acts = [act for act in ACTS if not names or set(names) & {act.name, *act.rings, *act.later}]
    home = Path(tempfile.mkdtemp(prefix="eventship-alarms-"))
    home.chmod(0o755)  # Postgres may run as `nobody`
    try:
        with (
            Site(home, ORGS, SEED) as site,
            playing(site, hosts_for(ORGS), home, tell=tell, people=PEOPLE, rate=RATE, platform=PLATFORM) as (
                stage,
                watch,
            ),
        ):
            faults = [fault for act in acts for fault in played(act, stage, watch)]
            faults += ended(acts, watch)
    except NotInstalled as missing:
        say(f"left out: no alert was rung, {missing}")
        return 0
    if not faults:
        shutil.rmtree(home, ignore_errors=True)
    say(summary(acts, watch, faults))
    return 1 if faults else 0


def played(act: Act, stage: Stage, watch: Watch) -> list[str]:
    """What did not go as it should."""
    early = [name for name in act.rings if name in watch.rung]
    say(f"{act.name}: {', '.join(act.rings)} must ring")
    act.fault(stage)
    watch.all_ring(act.rings, RING_SECONDS)
    silent = [name for name in act.rings if name not in watch.rung]
    act.cure(stage)
    say(f"    {watch.now:6.1f} s  cured")
    stage.await_posted()
    return [f"{name} rang before its fault" for name in early] + [
        f"{name} did not ring within {RING_SECONDS:.0f} s" for name in silent
    ]


def ended(acts: Sequence[Act], watch: Watch) -> list[str]:
    """The alerts that ring on when everything is cured, and those that come late and did not."""
    names = [name for act in acts for name in act.rings]
    later = [name for act in acts for name in act.later]
    watch.all_end(names, END_SECONDS)
    watch.all_ring(later, RING_SECONDS)
    silent = [f"{name} did not ring at all" for name in later if name not in watch.rung]
    return silent + [f"{name} rings on" for name in names if name in watch.ringing]


def summary(acts: Sequence[Act], watch: Watch, faults: Sequence[str]) -> str:
    rung = [name for act in acts for name in (*act.rings, *act.later) if name in watch.rung]
    lines = [f"  WRONG {fault}" for fault in faults]
    lines.append(f"alarms: {len(rung)} of {len(SEVERITIES)} alerts rung, a minute in {60 / SCALE:g} s,")
    return "\n".join([*lines[:-1], f"{lines[-1]} {len(faults)} wrong, {watch.now:.0f} s"])


def tell(at: float, name: str, news: str) -> None:
    what = f"rings ({SEVERITIES[name]}): {news}" if news else "ends"
    say(NEWS_HEAD.format(at=at, name=name, what=what))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
