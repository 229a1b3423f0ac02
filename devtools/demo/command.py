"""`python -m devtools.demo run` and `python -m devtools.demo smoke [--fault …] [--org …]`."""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from devtools.demo.browser import Lost
from devtools.demo.dashboard import ApiRefused
from devtools.demo.faults import FAULTS, FaultMissed
from devtools.demo.orgs import ORGS
from devtools.demo.run import run
from devtools.demo.simulator_client import SimulatorRefused
from devtools.demo.smoke import NotAsExpected, smoke
from devtools.demo.steps import ConnectionEnded, NotDrained, WebhookRefused
from devtools.local_stack.stack import DEFAULT_PORT, DEFAULT_SIMULATOR_PORT, STACK_FAULTS, Plan

ENDS = (
    *STACK_FAULTS,
    Lost,
    ConnectionEnded,
    ApiRefused,
    SimulatorRefused,
    FaultMissed,
    NotDrained,
    WebhookRefused,
)


def main(arguments: list[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    """0 when all went as expected, 1 when not, 2 when it could not start."""
    chosen = _parser().parse_args(arguments)
    try:
        if chosen.what == "smoke":
            return _smoke(chosen.fault, chosen.org, environment)
        home = Path(environment.get("LOCAL_HOME", ".local"))
        port = int(environment.get("PORT", DEFAULT_PORT))
        simulator_port = int(environment.get("SIMULATOR_PORT", DEFAULT_SIMULATOR_PORT))
        return run(Plan(home, port, simulator_port, given=dict(environment)))
    except NotAsExpected as wrong:
        sys.stdout.write(f"smoke: {wrong}\n")
        return 1
    except ENDS as fault:
        sys.stderr.write(f"{chosen.what}: {fault}\n")
        return 2


def _smoke(fault: str | None, org: str | None, environment: Mapping[str, str]) -> int:
    for what, name, table in (("FAULT", fault, FAULTS), ("ORG", org, ORGS)):
        if name not in table:
            known = ", ".join(each for each in table if each is not None)
            sys.stderr.write(f"smoke: {what}={name} is none of {known}\n")
            return 2
    if fault is not None and ORGS[org].cures:
        sys.stderr.write(f"smoke: FAULT needs an org that takes registrations at once, not ORG={org}\n")
        return 2
    return smoke(fault, org, dict(environment))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m devtools.demo", description=__doc__)
    what = parser.add_subparsers(dest="what", required=True)
    what.add_parser("run", help="play on kept state and stay until Ctrl-C")
    checked = what.add_parser("smoke", help="play on fresh state and compare")
    checked.add_argument("--fault")
    checked.add_argument("--org")
    return parser
