"""Plots as SVG: lines over cases that have a place on the x axis.

Gives       Plot, as_svg.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from bench.results import Results

_WIDTH: Final = 760
_HEIGHT: Final = 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 190, 40, 50
_COLOURS: Final = (
    "#0b6e4f",
    "#d1495b",
    "#edae49",
    "#30638e",
    "#8d5b9a",
    "#5c4033",
    "#7a7a7a",
    "#2a9d8f",
)
_TICKS: Final = 5


@dataclass(frozen=True, slots=True)
class Plot:
    """One quantity of a row against its cases; `only` takes the cases whose name holds this."""

    name: str
    title: str
    x_title: str
    y_title: str
    key: str
    is_log_x: bool = False
    only: str = ""


Line = tuple[str, list[tuple[float, float]]]


def as_svg(plot: Plot, results: Results) -> str:
    """The picture; "" when there is nothing to show."""
    lines = _lines(plot, results)
    if not lines:
        return ""
    axes = _Axes(lines, plot.is_log_x)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        _text(_LEFT, 22, plot.title, size=15),
        _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 10, plot.x_title, anchor="middle"),
        _text(_LEFT, _TOP - 4, plot.y_title, anchor="end"),
        *axes.grid(),
    ]
    for number, (name, points) in enumerate(lines):
        parts += _drawn(name, points, axes, number)
    return "\n".join([*parts, "</svg>\n"])


def _lines(plot: Plot, results: Results) -> list[Line]:
    cases = [case for case in results.samples if plot.only in case and case in results.x]
    names = dict.fromkeys(name for case in cases for name in results.samples[case])
    lines: list[Line] = []
    for name in names:
        values = [(results.x[case], results.median(case, name, plot.key)) for case in cases]
        points = [(x, y) for x, y in values if y is not None]
        if points:
            lines.append((name, sorted(points)))
    return lines


class _Axes:
    """From what was measured to a place in the picture."""

    def __init__(self, lines: Sequence[Line], is_log_x: bool) -> None:
        self._is_log = is_log_x
        xs = sorted({x for _, points in lines for x, _ in points})
        self._xs = xs
        self._low, self._high = self._along(xs[0]), self._along(xs[-1])
        self._most = _rounded_up(max(y for _, points in lines for _, y in points))

    def _along(self, x: float) -> float:
        return math.log10(x + 1) if self._is_log else x

    def at(self, x: float, y: float) -> tuple[float, float]:
        share = (self._along(x) - self._low) / ((self._high - self._low) or 1)
        across = _LEFT + share * (_WIDTH - _LEFT - _RIGHT)
        return across, _HEIGHT - _BOTTOM - y / self._most * (_HEIGHT - _TOP - _BOTTOM)

    def grid(self) -> list[str]:
        parts = []
        for tick in range(_TICKS + 1):
            value = self._most * tick / _TICKS
            x, y = self.at(self._xs[0], value)
            parts.append(f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="#ddd"/>')
            parts.append(_text(_LEFT - 6, y + 4, f"{value:,.6g}", anchor="end"))
        for one in self._xs:
            x, y = self.at(one, 0)
            parts.append(_text(x, y + 18, f"{one:,.6g}", anchor="middle"))
        return parts


def _rounded_up(value: float) -> float:
    """To a number that is easily divided."""
    power = 10 ** math.floor(math.log10(value)) if value > 0 else 1
    return float(next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value))


def _drawn(name: str, points: list[tuple[float, float]], axes: _Axes, number: int) -> list[str]:
    colour = _COLOURS[number % len(_COLOURS)]
    places = [axes.at(x, y) for x, y in points]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
    row = _TOP + 18 * number
    legend = f'<rect x="{_WIDTH - _RIGHT + 14}" y="{row}" width="12" height="12" fill="{colour}"/>'
    line = f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    return [line, *dots, legend, _text(_WIDTH - _RIGHT + 32, row + 10, name)]


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'
