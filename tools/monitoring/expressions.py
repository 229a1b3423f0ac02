"""Expressions of PromQL: durations that can be scaled, and the metrics and labels that they name."""

import re
from collections.abc import Iterator
from typing import Final

SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
DURATION: Final = r"(\d+)([smhd])"
WINDOW: Final = re.compile(rf"\[{DURATION}\]")
LIMIT: Final = re.compile(rf"(seconds|bucket)\({DURATION}\)")
TEXT: Final = re.compile(r'"[^"]*"')
GROUPING: Final = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
SELECTOR: Final = re.compile(r"\b([a-zA-Z_:][\w:]*)\b(?!\s*\()(?:\{([^}]*)\})?")
LABEL: Final = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"')
WORDS: Final = frozenset({"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring"})


def seconds_of(duration: str) -> int:
    """`5m` is 300."""
    found = re.fullmatch(DURATION, duration)
    assert found is not None, duration
    return int(found[1]) * SECONDS[found[2]]


def scaled(duration: str, scale: int) -> str:
    """A duration that is so many times shorter, in Prometheus' words."""
    return duration if scale == 1 else f"{max(1, round(seconds_of(duration) / scale))}s"


def rendered(expression: str, scale: int = 1) -> str:
    """The expression as Prometheus reads it, its windows and limits so many times shorter.

    `seconds(5m)` is written as a number, `bucket(5m)` as a histogram's `le`.
    """
    windows = WINDOW.sub(lambda found: f"[{scaled(found[1] + found[2], scale)}]", expression)
    return LIMIT.sub(lambda found: _limit(found[1], seconds_of(found[2] + found[3]) / scale), windows)


def named_metrics(expression: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Each metric that a rendered expression names, with the labels that its selector asks for."""
    plain = GROUPING.sub(" ", WINDOW.sub("", expression))
    for found in SELECTOR.finditer(_without_texts(plain)):
        if found[1] not in WORDS:
            yield found[1], frozenset(LABEL.findall(found[2] or ""))


def grouped_labels(expression: str) -> frozenset[str]:
    """The labels that a rendered expression keeps or drops."""
    lists = (found[1].split(",") for found in GROUPING.finditer(expression))
    return frozenset(label.strip() for each in lists for label in each if label.strip())


def _without_texts(expression: str) -> str:
    """Empty label values: they may hold braces and words."""
    return TEXT.sub('""', expression)


def _limit(kind: str, value: float) -> str:
    return str(value) if kind == "bucket" else f"{value:g}"
