"""Bar charts as SVG: a few lines of text and rectangles, readable on a light and on a dark page."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, ROW, TOP, LEFT, RIGHT = 720, 26, 46, 230, 110
OURS, BESIDE = "#0b6bcb", "#8a94a6"
TEXT = 'font-family="system-ui, sans-serif" font-size="13" fill="#6b7280"'


@dataclass(frozen=True)
class Bar:
    """One bar; ours is drawn in colour."""

    label: str
    value: float
    is_ours: bool = False


def bars(title: str, unit: str, rows: Sequence[Bar], *, is_logarithmic: bool = False) -> str:
    """The chart as a whole SVG document."""
    height = TOP + ROW * len(rows) + 12
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        f'<text x="0" y="18" {TEXT} font-weight="600">{escape(title)} ({escape(unit)}'
        f"{', logarithmic' if is_logarithmic else ''})</text>",
    ]
    lengths = _lengths([row.value for row in rows], is_logarithmic=is_logarithmic)
    for number, (row, length) in enumerate(zip(rows, lengths, strict=True)):
        lines += _row(row, TOP + ROW * number, length)
    return "\n".join([*lines, "</svg>", ""])


def _lengths(values: Sequence[float], *, is_logarithmic: bool) -> list[float]:
    room = WIDTH - LEFT - RIGHT
    if not is_logarithmic:
        return [room * value / max(values) for value in values]
    low = math.log10(min(values)) - 0.3
    span = math.log10(max(values)) - low
    return [room * (math.log10(value) - low) / span for value in values]


def _row(row: Bar, y: int, length: float) -> list[str]:
    colour = OURS if row.is_ours else BESIDE
    return [
        f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end" {TEXT}>{escape(row.label)}</text>',
        f'<rect x="{LEFT}" y="{y}" width="{max(length, 1):.1f}" height="17" rx="3" fill="{colour}"/>',
        f'<text x="{LEFT + length + 6:.1f}" y="{y + 13}" {TEXT}>{row.value:.4g}</text>',
    ]
