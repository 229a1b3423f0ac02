"""Aims are judged by their figures, printed when they are not met, and never left out."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from bench import queueing, report, results
from bench.aims import AIMS, Aim
from bench.chart import Bar, bars
from bench.report import aim_lines


def ratio_of(figures: Any) -> float:
    return float(figures["ratio"])


AT_MOST = Aim("drain", "drain", 1.3, ratio_of, floor=lambda _: 1.0)
AT_LEAST = Aim("intake", "intake", 0.8, ratio_of, floor=lambda _: 1.0, is_floor=True)


@pytest.mark.parametrize(
    ("aim", "ratio", "verdict"),
    [
        pytest.param(AT_MOST, 1.3, "met", id="at the bound"),
        pytest.param(AT_MOST, 1.31, "not met", id="above the bound"),
        pytest.param(AT_LEAST, 0.8, "met", id="at the lower bound"),
        pytest.param(AT_LEAST, 0.79, "not met", id="below the lower bound"),
    ],
)
def test_an_aim_says_whether_it_is_met(aim: Aim, ratio: float, verdict: str) -> None:
    assert aim.line({"ratio": ratio}).split(None, 7)[7] == verdict


def test_an_aim_shows_what_it_is_judged_by_beside_value_and_floor() -> None:
    aim = Aim("drain", "drain", 1.3, lambda _: 26.0, ratio_of, lambda _: 600.0, lambda _: 20.0)
    assert aim.line({"ratio": 1.25}).split() == ["drain", "26", "600", "20", "1.25", "<=", "1.3", "met"]


def test_every_aim_reads_its_figures_from_the_published_results() -> None:
    parts = results.read()
    for aim in AIMS:
        if aim.part in parts:
            assert aim.line(parts[aim.part]["figures"]).startswith(aim.name)


def test_an_aim_that_was_not_measured_is_still_printed() -> None:
    lines = aim_lines({})
    assert len(lines) == len(AIMS) + 1
    assert all(line.endswith("not measured") for line in lines[1:])


@pytest.mark.parametrize(
    ("page", "begin", "end"),
    [
        pytest.param(report.PAGE, report.BEGIN, report.END, id="performance"),
        pytest.param(queueing.PAGE, queueing.BEGIN, queueing.END, id="scaling"),
    ],
)
def test_a_page_has_one_place_for_what_a_run_writes(page: Path, begin: str, end: str) -> None:
    text = page.read_text()
    assert (text.count(begin), text.count(end)) == (1, 1)
    assert text.index(begin) < text.index(end)


@pytest.mark.parametrize("is_logarithmic", [False, True], ids=["linear", "logarithmic"])
def test_a_chart_is_well_formed_and_longer_for_more(is_logarithmic: bool) -> None:
    svg = bars("Calls & more", "<1>", [Bar("a", 1), Bar("b", 5)], is_logarithmic=is_logarithmic)
    root = ElementTree.fromstring(svg)
    widths = [float(each.attrib["width"]) for each in root.iter("{http://www.w3.org/2000/svg}rect")]
    assert widths[0] < widths[1]
