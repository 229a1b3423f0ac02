"""What the commands of one machine need beside the service, and how to install it."""

import importlib.util
from pathlib import Path
from typing import Final

SIMULATOR_MODULE: Final = "salesforce_simulator"
INSTALL_LOCAL: Final = "pip install -e '.[local]'"
INSTALL_SIMULATOR: Final = "pip install ./packages/salesforce-simulator"


class ExtraMissing(Exception):
    """A package that only some commands need is not installed; the message says how to install it."""


def require_simulator() -> None:
    """Raises ExtraMissing where the simulator's package is not installed."""
    if importlib.util.find_spec(SIMULATOR_MODULE) is None:
        raise ExtraMissing(f"the simulator is not installed: {INSTALL_SIMULATOR}")


def local_package(name: str) -> Path:
    """The directory of a package of the extra `local`, not imported. Raises ExtraMissing."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ExtraMissing(f"{name} of the extra `local` is not installed: {INSTALL_LOCAL}")
    return Path(spec.submodule_search_locations[0])
