"""The scenarios as a table: what is broken, and which guards are left out in control runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from chaos import life_nemeses, nemeses, outages, pressure, restores, servers
from chaos.stage import Stage

Nemesis = Callable[[Stage], None]


@dataclass(frozen=True)
class Size:
    """How much is posted at which rate (per second), and how long a nemesis goes on at least."""

    registrations: int
    rate: float
    seconds: float


SIZES: Mapping[str, Size] = {
    "short": Size(150, 60, 5),
    "normal": Size(300, 80, 8),
    "large": Size(3000, 120, 25),
}


@dataclass(frozen=True)
class Scenario:
    """One row. `guards` are left out one by one in control runs; `share` scales the crowd.

    `is_small`: its data is on a volume of 64 MB.

    `preset` is the simulator's: which kind of org all of them are; `settings` are the hosts'.
    `is_whole_life`: every kind of write is on. `has_package`: the orgs have the package, with its
    unique keys.
    """

    name: str
    test: str
    nemesis: Nemesis
    guards: tuple[str, ...] = ()
    orgs: int = 5
    share: float = 1.0
    shared: float = 0.15
    tries: int = 200
    posts: bool = True
    is_small: bool = False
    is_short: bool = False
    is_whole_life: bool = False
    preset: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    has_package: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


PACKAGE = "package"
"""The guard that is left out by leaving out the package."""
UNDOUBTED = {
    "TIMES_IN_DOUBT": "0",
    "PEPPER": "5e" * 32,  # without it people have no keys
}


def with_package(scenario: Scenario, *guards: str, **changes: Any) -> Scenario:
    """The same in orgs with the package, where no write is waited for: what carries a key stands once."""
    name, environment = f"{scenario.name}-with-package", {**scenario.environment, **UNDOUBTED}
    given = {"is_short": False, **changes, "environment": environment}
    return replace(scenario, name=name, guards=guards, has_package=True, **given)


WITHOUT_PACKAGE = (
    Scenario("kill-workers", "T1", nemeses.kill_workers, guards=("reconcile",), is_short=True),
    Scenario("difficult-orgs", "T1", nemeses.kill_workers, orgs=2, is_short=True, preset="difficult"),
    Scenario("kill-apis", "T2", nemeses.kill_apis, tries=5),
    Scenario("no-valkey", "T4", nemeses.take_valkey_away, is_short=True),
    Scenario("lost-wake-ups", "T5", pressure.miss_wake_ups, posts=False, shared=0.0),
    Scenario("postgres-restarts", "T6", outages.restart_postgres),
    Scenario("postgres-away", "T6", servers.take_postgres_away),
    Scenario("few-connections", "T6", servers.allow_few_connections, orgs=8),
    Scenario("demoted-postgres", "T6", servers.demote_postgres, is_short=True),
    Scenario("full-volume", "T7", servers.fill_volume, is_small=True, is_short=True),
    Scenario("newer-schema", "T18", servers.add_to_schema, share=2.0),
    Scenario("silent-postgres", "T6", outages.silence_postgres, is_short=True),
    Scenario("late-writes", "T8", nemeses.late_writes, guards=("quiet",), is_short=True),
    Scenario("late-people", "T8", nemeses.late_people, guards=("open_creates",), orgs=2, shared=0.9),
    Scenario(
        "frozen-looking",
        "T9",
        outages.freeze_while_looking,
        guards=("fence",),
        orgs=2,
        share=0.5,
        posts=False,
        environment={"TIMES_HTTP_TOTAL": "60"},
    ),
    Scenario(
        "frozen-sending", "T9", outages.freeze_before_sending, guards=("send_window",), orgs=2, share=0.5
    ),
    Scenario("garbled-answers", "T10", outages.garble_answers),
    Scenario(
        "broken-off-calls",
        "T10",
        outages.break_calls_off,
        guards=("reconcile",),
        is_short=True,
    ),
    Scenario("storm-of-503", "T12", pressure.storm),
    Scenario("used-up-limits", "T13", pressure.use_up_allowance),
    Scenario("one-sick-org", "T14", pressure.make_one_org_sick, orgs=8),
    Scenario("rolling-deploy", "T18", nemeses.rolling_deploy, is_short=True),
    Scenario("one-id-often", "T19", pressure.repeat_one_id, share=0.1, shared=0.0, posts=False),
    Scenario("swizzle", "T37", outages.swizzle),
    Scenario(
        "whole-life",
        "T1",
        life_nemeses.lose_answers_of_lives,
        guards=("reconcile",),
        orgs=2,
        share=0.3,
        posts=False,
        is_short=True,
        is_whole_life=True,
    ),
    Scenario(
        "late-life",
        "T8",
        life_nemeses.let_lives_land_late,
        guards=("quiet",),
        orgs=2,
        share=0.3,
        posts=False,
        is_whole_life=True,
    ),
    Scenario(
        "outages-of-life",
        "T6",
        life_nemeses.take_engines_away_from_lives,
        orgs=2,
        share=0.3,
        posts=False,
        is_whole_life=True,
    ),
    Scenario(
        "restored-over-a-living-org",
        "T39",
        restores.restore_over_a_living_org,
        guards=(restores.DECLARATION,),
        orgs=2,
        share=0.3,
        posts=False,
        is_whole_life=True,
    ),
)
_BY_NAME = {scenario.name: scenario for scenario in WITHOUT_PACKAGE}
_OF_THEIR_OWN = {
    # Its control is that of late-writes.
    "late-writes": with_package(_BY_NAME["late-writes"], nemesis=nemeses.late_writes_of_keys, is_short=True),
    "late-people": with_package(_BY_NAME["late-people"], PACKAGE, nemesis=nemeses.very_late_people),
    # E-mails that are no Tasks have no key, and a change has none.
    "late-life": with_package(
        _BY_NAME["late-life"],
        PACKAGE,
        nemesis=life_nemeses.let_creates_of_lives_land_late,
        settings={"email": {"as": "task"}},
    ),
}
ALL_WITH_PACKAGE = tuple(_OF_THEIR_OWN.get(each.name) or with_package(each) for each in WITHOUT_PACKAGE)
_LOSE_ANSWERS = frozenset(
    ("kill-workers", "difficult-orgs", "frozen-sending", "garbled-answers", "broken-off-calls", "whole-life")
)
SCENARIOS = (
    *WITHOUT_PACKAGE,
    *(
        packaged
        for scenario, packaged in zip(WITHOUT_PACKAGE, ALL_WITH_PACKAGE, strict=True)
        if scenario.name in _LOSE_ANSWERS.union(_OF_THEIR_OWN)
    ),
)
MOST_ORGS = max(scenario.orgs for scenario in SCENARIOS)
