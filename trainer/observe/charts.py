"""Line charts as inline SVG: no library, no script, readable in light and dark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

Points = Sequence[tuple[float, float]]

WIDTH, HEIGHT = 460, 240
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 30
COLOURS = 8
"""The page's style sheet has so many classes ``c0`` … ``c7``."""


def line_chart(title: str, series: Mapping[str, Points], markers: Mapping[str, Points] | None = None) -> str:
    """A chart of named lines over steps; ``markers`` are drawn as dots joined by thin lines (evaluations).

    With many points the line is an exponential average, and the raw values are drawn faintly behind it.
    """
    lines = {name: _finite(points) for name, points in series.items()}
    dots = {name: _finite(points) for name, points in (markers or {}).items()}
    everything = [p for points in [*lines.values(), *dots.values()] for p in points]
    if not everything:
        return ""
    scale = _Scale(everything)
    parts = [scale.grid()]
    for index, points in enumerate(lines.values()):
        smooth = _smooth(points)
        if smooth is not points:
            parts.append(scale.path(points, f"raw c{index % COLOURS}"))
        parts.append(scale.path(smooth, f"line c{index % COLOURS}"))
    for index, points in enumerate(dots.values(), len(lines)):
        parts.append(scale.path(points, f"thin c{index % COLOURS}"))
        parts += [scale.dot(p, f"dot c{index % COLOURS}") for p in points]
    parts.append(scale.hover({**lines, **dots}))
    legend = "".join(
        f'<span class="key c{i % COLOURS}"><i></i>{escape(name)} <b>{_tick(points[-1][1])}</b></span>'
        for i, (name, points) in enumerate([*lines.items(), *dots.items()])
        if points
    )
    return (
        f'<figure class="chart"><figcaption>{escape(title)}</figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">{"".join(parts)}</svg>'
        f'<div class="legend">{legend}</div></figure>'
    )


class _Scale:
    """From data to the drawing's coordinates."""

    def __init__(self, points: Points) -> None:
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        self.x0, self.x1 = min(xs), max(max(xs), min(xs) + 1)
        self.ticks = nice_ticks(min(ys), max(ys))
        self.y0, self.y1 = min(self.ticks[0], min(ys)), max(self.ticks[-1], max(ys))

    def x(self, value: float) -> float:
        return round(LEFT + (value - self.x0) / (self.x1 - self.x0) * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        return round(HEIGHT - BOTTOM - (value - self.y0) / (self.y1 - self.y0) * (HEIGHT - TOP - BOTTOM), 1)

    def grid(self) -> str:
        lines = [
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{self.y(t)}" y2="{self.y(t)}"/>'
            f'<text class="tick" x="{LEFT - 6}" y="{self.y(t) + 3.5}" text-anchor="end">{_tick(t)}</text>'
            for t in self.ticks
        ]
        for t in nice_ticks(self.x0, self.x1):
            if self.x0 <= t <= self.x1 and t == int(t):
                at = f'x="{self.x(t)}" y="{HEIGHT - BOTTOM + 16}"'
                lines.append(f'<text class="tick" {at} text-anchor="middle">{int(t)}</text>')
        lines.append(f'<text class="tick" x="{WIDTH - RIGHT}" y="{HEIGHT - 2}" text-anchor="end">step</text>')
        return "".join(lines)

    def path(self, points: Points, kind: str) -> str:
        moves = " ".join(f"{'M' if i == 0 else 'L'}{self.x(x)} {self.y(y)}" for i, (x, y) in enumerate(points))
        return f'<path class="{kind}" d="{moves}"/>' if points else ""

    def dot(self, point: tuple[float, float], kind: str) -> str:
        return f'<circle class="{kind}" cx="{self.x(point[0])}" cy="{self.y(point[1])}" r="3.2"/>'

    def hover(self, series: Mapping[str, Points]) -> str:
        """Invisible columns that show the values of a step."""
        at: dict[float, list[str]] = {}
        for name, points in series.items():
            for x, y in points:
                at.setdefault(x, []).append(f"{name} {y:.4g}")
        steps = sorted(at)[:: max(1, len(at) // 200)]
        width = max(2.0, (WIDTH - LEFT - RIGHT) / max(1, len(steps)))
        return "".join(
            f'<rect class="hit" x="{self.x(s) - width / 2:.1f}" y="{TOP}" width="{width:.1f}" '
            f'height="{HEIGHT - TOP - BOTTOM}"><title>step {s:g}\n{escape(chr(10).join(at[s]))}</title></rect>'
            for s in steps
        )


def nice_ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round numbers that cover [low, high], about ``count`` intervals apart."""
    if not high > low:
        pad = abs(low) * 0.1 or 0.5
        low, high = low - pad, high + pad
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if raw <= m * power * 1.0001)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def _smooth(points: Points) -> Points:
    if len(points) < 40:
        return points
    keep = 1 - 1 / max(2.0, len(points) / 25)
    average, weight, smooth = 0.0, 0.0, []
    for x, y in points:
        average, weight = keep * average + (1 - keep) * y, keep * weight + (1 - keep)
        smooth.append((x, average / weight))
    return smooth


def _finite(points: Points) -> Points:
    return [(x, y) for x, y in points if y is not None and math.isfinite(y)]


def _tick(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
