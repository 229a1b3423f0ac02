"""The table of scenarios: each has its twin in orgs with the package, where no write is waited for."""

from dataclasses import replace

from chaos.__main__ import chosen_scenarios, parser
from chaos.checker import OrgState, keyed_rows
from chaos.scenarios import ALL_WITH_PACKAGE, PACKAGE, SCENARIOS, UNDOUBTED, WITHOUT_PACKAGE, Scenario


def played(*arguments: str) -> list[tuple[Scenario, int]]:
    return chosen_scenarios(parser({}).parse_args(arguments))


def test_every_name_is_one_scenarios() -> None:
    names = [scenario.name for scenario in (*WITHOUT_PACKAGE, *ALL_WITH_PACKAGE)]
    assert len(set(names)) == len(names)
    assert {scenario.name for scenario in SCENARIOS} <= set(names)


def test_every_scenario_has_a_twin_with_the_package_that_waits_for_nothing() -> None:
    for scenario, packaged in zip(WITHOUT_PACKAGE, ALL_WITH_PACKAGE, strict=True):
        assert packaged.name == f"{scenario.name}-with-package"
        assert packaged.environment == {**scenario.environment, **UNDOUBTED}
        assert (packaged.has_package, scenario.has_package) == (True, False)
        assert set(packaged.guards) <= {PACKAGE}


def test_late_writes_without_package_and_quiet_time_are_a_control() -> None:
    late = {scenario.name: scenario.guards for scenario in SCENARIOS if scenario.test == "T8"}
    assert late["late-writes"] == ("quiet",)
    assert late["late-people-with-package"] == late["late-life-with-package"] == (PACKAGE,)


def test_a_short_run_of_all_leaves_each_guard_out_once() -> None:
    short = [guard for scenario, _ in played("--size", "short") for guard in scenario.guards]
    assert sorted(short) == sorted(set(short)) == ["quiet", "reconcile"]
    [(alone, _)] = played("--size", "short", "--scenario", "whole-life")
    assert alone.guards == ("reconcile",)


def test_what_others_made_needs_no_key() -> None:
    ours, others = {"Description": "See you\n\nRef: EVS-ABCDEFGHIJKLMNOP"}, {"Description": "See you"}
    org = OrgState(leads=[], contacts=[others], tasks=[ours, others], members=[others], emails=[others])
    assert keyed_rows(org) == [ours]
    assert keyed_rows(replace(org, tasks=[], events=[ours], cases=[ours], leads=[ours])) == [ours] * 3


def test_a_short_run_has_one_twin_and_a_run_with_the_package_all_of_them() -> None:
    short = [each.name for each, _ in played("--size", "short")]
    assert [name for name in short if name.endswith("-with-package")] == ["late-writes-with-package"]
    whole = [each.name for each, _ in played("--size", "short", "--package")]
    assert whole == [scenario.name for scenario in ALL_WITH_PACKAGE]
    [(only, seed)] = played("--seeds", "4", "--scenario", "swizzle-with-package")
    assert (only.name, seed) == ("swizzle-with-package", 4)
