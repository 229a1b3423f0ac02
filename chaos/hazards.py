"""What is laid in the service's way, and which of it nothing met: a run without it proves nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chaos.proxy import Trap


@dataclass(frozen=True)
class Hazard:
    """A fault of the simulator, or one trap on several proxies. `is_certain`: every request meets it."""

    name: str
    is_certain: bool
    met: int


def hazard_of_fault(fault: Mapping[str, Any]) -> Hazard:
    """A fault as the simulator lists it."""
    match = {name: value for name, value in fault["match"].items() if value is not None}
    return Hazard(f"{fault['kind']} {match}", fault["probability"] >= 1, fault["fired"])


def hazard_of_traps(traps: Sequence[Trap]) -> Hazard:
    """The same trap on several proxies: one of them must spring."""
    trap = traps[0]
    return Hazard(
        f"{trap.does} {trap.then}", trap.probability >= 1, sum(each.fired.is_set() for each in traps)
    )


def unmet(hazards: Sequence[Hazard]) -> list[str]:
    """Each certain hazard that nothing met; all of them where nothing met any, however unlikely each was."""
    is_any_met = any(each.met for each in hazards)
    missed = [each.name for each in hazards if not each.met and (each.is_certain or not is_any_met)]
    return [f"nothing met this: {name}" for name in missed]
