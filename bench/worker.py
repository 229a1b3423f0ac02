"""A worker that may talk to several simulated orgs: settings allow one, and production none."""

import os
from collections.abc import Sequence
from functools import partial

import uvloop

from app.config.settings import Settings, load_settings
from app.infrastructure.telemetry import configure_logging
from app.main import open_resources, public_transport
from app.salesforce.http_pool import PublicTransport
from workers import main as worker

NO_CHORES = "BENCH_NO_CHORES"
"""Set where statements are counted: those of chores belong to no registration."""


def main() -> None:
    settings = load_settings()
    configure_logging(settings.log_level)
    transport = reaching(settings, os.environ["BENCH_ORGS"].split(","))
    vars(worker)["open_resources"] = partial(open_resources, transport=transport)
    if NO_CHORES in os.environ:
        vars(worker)["PERIODIC_TASKS"] = ()
    uvloop.run(worker.run_worker(settings))


def reaching(settings: Settings, orgs: Sequence[str]) -> PublicTransport:
    """Let the settings trust these origins, and return the way there."""
    # The settings are frozen; what they derive is kept in the instance.
    vars(settings)["extra_hosts"] = frozenset(orgs)
    return public_transport(settings, *orgs)


if __name__ == "__main__":
    main()
