"""`python -m chaos`: every scenario with every seed, each guard's control run, and one line at the end."""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from chaos.environment import Site
from chaos.run import Outcome, play
from chaos.scenarios import ALL_WITH_PACKAGE, MOST_ORGS, SCENARIOS, SIZES, Scenario


def main(environment: Mapping[str, str] = os.environ) -> int:
    """0 when nothing was lost, doubled or stuck and every control run showed damage, else 1."""
    chosen = parser(environment).parse_args()
    begun = time.monotonic()
    home = Path(tempfile.mkdtemp(prefix="eventship-chaos-"))
    home.chmod(0o755)  # Postgres may run as `nobody`
    outcomes: list[Outcome] = []
    try:
        with Site(home, MOST_ORGS, chosen.seeds[0]) as site:
            for scenario, seed in chosen_scenarios(chosen):
                if scenario.is_small and site.volume is None:
                    _say(
                        f"{scenario.name} ({scenario.test}) SKIPPED, a volume is needed: {site.lacks_volume}"
                    )
                    continue
                for guard in (None, *scenario.guards):
                    outcomes.append(play(site, scenario, seed=seed, size=SIZES[chosen.size], guard=guard))
                    _say(_line(outcomes[-1]))
    except KeyboardInterrupt:
        _say("interrupted")
        return 130
    is_right = all(outcome.is_right for outcome in outcomes)
    if is_right:
        shutil.rmtree(home, ignore_errors=True)
    _say(_summary(outcomes, time.monotonic() - begun))
    return 0 if is_right else 1


def chosen_scenarios(chosen: argparse.Namespace) -> list[tuple[Scenario, int]]:
    """What to play with which seed, in order."""
    is_short = chosen.size == "short" and not (chosen.scenario or chosen.package)
    pool = ALL_WITH_PACKAGE if chosen.package else SCENARIOS
    by_name = {scenario.name: scenario for scenario in (*ALL_WITH_PACKAGE, *SCENARIOS)}
    if chosen.scenario in by_name:
        wanted = [by_name[chosen.scenario]]
    else:
        of_test = [each for each in pool if chosen.scenario in ("", each.test)]
        wanted = list(one_control_a_guard(each for each in of_test if each.is_short)) if is_short else of_test
    if not wanted:
        names = ", ".join(f"{scenario.name} ({scenario.test})" for scenario in by_name.values())
        raise SystemExit(f"chaos: no scenario {chosen.scenario!r}: choose one of {names}")
    return [(scenario, seed) for seed in chosen.seeds for scenario in wanted]


def one_control_a_guard(scenarios: Iterable[Scenario]) -> Iterator[Scenario]:
    """The same scenarios; a guard is left out beside the first that names it alone."""
    known: set[str] = set()
    for each in scenarios:
        yield replace(each, guards=tuple(guard for guard in each.guards if guard not in known))
        known.update(each.guards)


def _line(outcome: Outcome) -> str:
    found, scenario = outcome.findings, outcome.scenario
    what = f"  control without {outcome.guard}:" if outcome.guard else f"{scenario.name} ({scenario.test})"
    counts = f"acked={found.acked} lost={len(found.lost)} duplicates={len(found.duplicates)}"
    rest = f"kills={outcome.kills} seconds={outcome.seconds:.0f}"
    if outcome.guard:
        return f"{what} seed={outcome.seed} {counts} damage={found.damage} {rest} {_verdict(outcome)}"
    measured = "".join(f" {name}={value:g}" for name, value in outcome.measured.items())
    line = f"{what} seed={outcome.seed} {counts} stuck={len(found.stuck)} {rest}{measured}"
    return line if outcome.is_right else "\n".join([line, *_violations(outcome)])


def _verdict(outcome: Outcome) -> str:
    """Of a control run."""
    if outcome.is_right:
        return "as it should"
    why = outcome.unmet or ["no damage"]
    return f"WRONG: {', '.join(why)}, so the run proves nothing"


def _violations(outcome: Outcome) -> list[str]:
    found = outcome.findings
    lines = [*found.lost[:5], *found.duplicates[:5], *found.stuck[:5], *outcome.wrong, *outcome.unmet]
    return [f"  WRONG {line}" for line in lines] + [
        f"  again: make chaos SCENARIO={outcome.scenario.name} SEEDS={outcome.seed}",
        f"  history: {outcome.history}",
    ]


def _summary(outcomes: Sequence[Outcome], seconds: float) -> str:
    guarded = [outcome for outcome in outcomes if outcome.guard is None]
    found = [outcome.findings for outcome in guarded]
    return (
        f"chaos: scenarios={len(guarded)} acked={sum(each.acked for each in found)}"
        f" lost={sum(len(each.lost) for each in found)}"
        f" duplicates={sum(len(each.duplicates) for each in found)}"
        f" stuck={sum(len(each.stuck) for each in found)}"
        f" kills={sum(outcome.kills for outcome in guarded)} seconds={seconds:.0f}"
    )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    given = environment.get
    parser.add_argument("--seeds", type=_seeds, default=_seeds(given("SEEDS") or "1"), help="1-3 or 4,7")
    parser.add_argument("--scenario", default=given("SCENARIO") or "", help="a name or a T number")
    parser.add_argument(
        "--package", action="store_true", default=bool(given("PACKAGE")), help="every org has the package"
    )
    parser.add_argument("--size", choices=sorted(SIZES), default=given("SIZE") or "normal")
    return parser


def _seeds(text: str) -> list[int]:
    seeds: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        seeds += range(int(first), int(last or first) + 1)
    return seeds


if __name__ == "__main__":
    sys.exit(main())
