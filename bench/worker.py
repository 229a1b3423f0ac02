"""A worker that may talk to several simulated orgs: settings allow one, and production none."""

import os

import uvloop

from app.config.settings import load_settings
from app.infrastructure.telemetry import configure_logging
from workers import main as worker

NO_CHORES = "BENCH_NO_CHORES"
"""Set where statements are counted: those of chores belong to no registration."""


def main() -> None:
    settings = load_settings()
    configure_logging(settings.log_level)
    # The settings are frozen; what they derive is kept in the instance.
    vars(settings)["extra_hosts"] = frozenset(os.environ["BENCH_ORGS"].split(","))
    if NO_CHORES in os.environ:
        vars(worker)["PERIODIC_TASKS"] = ()
    uvloop.run(worker.run_worker(settings))


if __name__ == "__main__":
    main()
