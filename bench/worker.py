"""A worker that may talk to several simulated orgs: settings allow one, and production none."""

import os

import uvloop

from app.config.settings import load_settings
from app.infrastructure.telemetry import configure_logging
from workers.main import run_worker


def main() -> None:
    settings = load_settings()
    configure_logging(settings.log_level)
    # The settings are frozen; what they derive is kept in the instance.
    vars(settings)["extra_hosts"] = frozenset(os.environ["BENCH_ORGS"].split(","))
    uvloop.run(run_worker(settings))


if __name__ == "__main__":
    main()
