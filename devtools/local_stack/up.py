"""`up`: the whole service on this machine until Ctrl-C."""

import sys
import time
from collections.abc import Callable

from app.console.built import is_built
from devtools.local_stack.console import console_address
from devtools.local_stack.signals import sigterm_interrupts
from devtools.local_stack.stack import Plan, Stack

LOOK_SECONDS = 0.5


def up(plan: Plan, *, until: "Callable[[Stack], None] | None" = None) -> int:
    """Start everything, say where it is, and stay. Raises ChildDied when a part ends by itself."""
    try:
        with sigterm_interrupts(), Stack(plan, say=say) as stack:
            for line in addresses(stack):
                say(line)
            (until or stay)(stack)
    except KeyboardInterrupt:
        say("stopped")
    return 0


def stay(stack: Stack) -> None:
    """Until somebody interrupts. Raises ChildDied when a part ends by itself."""
    while True:
        time.sleep(LOOK_SECONDS)
        stack.check()


def addresses(stack: Stack) -> list[str]:
    """Where to look, one line each."""
    plan = stack.plan
    simulator = plan.simulator_url
    return [
        *([f"Console     {console_address(plan.url, stack.secrets)}"] if is_built() else []),
        f"API         {plan.url}",
        *([f"Salesforce  {simulator}  (simulator: people, timelines, campaigns)"] if simulator else []),
        f"State       {plan.home}/  (logs in {plan.home}/logs)",
        "Ctrl-C stops everything; the state stays.",
    ]


def say(line: str) -> None:
    """One line at once, even into a pipe."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
