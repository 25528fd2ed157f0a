"""Who answers whom, laid out in three columns by leaning: no force-directed hairball, the same picture every time."""

from __future__ import annotations

from dataclasses import dataclass

from stance.report.figures import Figures
from stance.report.people import Answers, Person

#: People in a column; the table beside the picture has them all.
_ROWS = 10

#: Of the picture, in its own units.
WIDTH = 720
_COLUMN = {"favor": 150, "none": 360, "against": 570}
_TOP, _STEP = 56, 44


@dataclass(frozen=True, slots=True)
class Dot:
    """A person in the picture: place, and a radius that grows with the number of posts."""

    person: Person
    x: float
    y: float
    radius: float


@dataclass(frozen=True, slots=True)
class Line:
    """All answers of one person to another, as an SVG path that ends at the rim of the dot it points to."""

    answers: Answers
    path: str
    width: float


@dataclass(frozen=True, slots=True)
class Picture:
    """Dots and lines, and how many people it leaves out."""

    dots: tuple[Dot, ...]
    lines: tuple[Line, ...]
    left_out: int
    height: int


def picture(figures: Figures) -> Picture:
    """Lay out those who dispute or answer most, in three columns by the side they take."""
    active = dict.fromkeys((person.name for person in figures.people), 0)
    for pair in figures.answers:
        for name in (pair.author, pair.answered):
            active[name] += pair.n + 3 * pair.disputes
    ranked = sorted(
        (person for person in figures.people if active[person.name]), key=lambda p: (-active[p.name], p.name)
    )
    columns = {side: [person for person in ranked if person.leaning == side][:_ROWS] for side in _COLUMN}
    dots = {
        person.name: _dot(person, side, row) for side, people in columns.items() for row, person in enumerate(people)
    }
    lines = [
        _line(pair, dots[pair.author], dots[pair.answered])
        for pair in figures.answers
        if pair.author in dots and pair.answered in dots
    ]
    height = _TOP + _STEP * max((len(people) for people in columns.values()), default=0)
    # Disputes last: they are drawn on top.
    return Picture(tuple(dots.values()), tuple(reversed(lines)), len(figures.people) - len(dots), height)


def _dot(person: Person, side: str, row: int) -> Dot:
    posts = person.favor + person.against + person.none
    return Dot(person, _COLUMN[side], _TOP + _STEP * row, min(14.0, 5 + 1.8 * posts**0.5))


def _line(pair: Answers, start: Dot, end: Dot) -> Line:
    width = min(6.0, 1 + 0.9 * pair.n**0.5)
    if start.x == end.x:
        # Within a column: a bow toward the middle of the picture, longer jumps bow wider.
        bow = (1 if start.x < WIDTH / 2 else -1) * (26 + 0.28 * abs(end.y - start.y))
        middle = (start.x + bow, (start.y + end.y) / 2)
    else:
        # There and back are two lines: each bows to its own side.
        middle = ((start.x + end.x) / 2, (start.y + end.y) / 2 + (14 if start.x < end.x else -14))
    tip = _toward(end, middle, end.radius + 5)
    path = f"M{start.x:.1f} {start.y:.1f}Q{middle[0]:.1f} {middle[1]:.1f} {tip[0]:.1f} {tip[1]:.1f}"
    return Line(pair, path, round(width, 2))


def _toward(dot: Dot, point: tuple[float, float], distance: float) -> tuple[float, float]:
    across, down = point[0] - dot.x, point[1] - dot.y
    length = (across**2 + down**2) ** 0.5 or 1.0
    return dot.x + across / length * distance, dot.y + down / length * distance
