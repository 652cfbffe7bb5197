"""A city's stylesheet and motif, made from its one colour and its division code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import lru_cache
from math import cos, pi, sin

from smartcity_saas.configuration.colors import WHITE, Palette, palette


@lru_cache(maxsize=512)
def stylesheet(color: str, motif_url: str) -> str:
    """The variables of a city's palette, and where its motif is."""
    roles = {name.replace("_", "-"): value for name, value in asdict(palette(color)).items()}
    lines = "".join(f"  --{name}: {value};\n" for name, value in roles.items())
    return f':root {{\n{lines}  --motif: url("{motif_url}");\n}}\n'


@lru_cache(maxsize=512)
def motif(color: str, division_code: str) -> str:
    """An SVG for the city's head. It only moves the ground away from the text's colour."""
    roles = palette(color)
    draw = _MOTIFS[int(division_code[:4]) % len(_MOTIFS)]
    seed = int(division_code) % 97
    shapes = "".join(draw(seed))
    fill, opacity = _ground(roles)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 320" '
        f'preserveAspectRatio="xMaxYMax slice"><g fill="{fill}" fill-opacity="{opacity}">'
        f"{shapes}</g></svg>"
    )


def _ground(roles: Palette) -> tuple[str, str]:
    return (roles.deep, "0.34") if roles.on == WHITE else (WHITE, "0.3")


def _hills(seed: int) -> Iterator[str]:
    for step in range(3):
        top = 150 + step * 50 + seed % 20
        yield (
            f'<path d="M0 {top + 50} Q {120 + seed} {top - 70} 300 {top + 20} '
            f'T 640 {top - 30} V 320 H 0 Z"/>'
        )


def _ripples(seed: int) -> Iterator[str]:
    for step in range(6):
        radius = 60 + step * 46
        yield (
            f'<path fill-rule="evenodd" d="{_ring(520 - seed, 330, radius)} '
            f'{_ring(520 - seed, 330, radius - 16)}"/>'
        )


def _waves(seed: int) -> Iterator[str]:
    for row in range(4):
        y = 140 + row * 48
        humps = "".join(f"q 40 {-46 - seed % 12} 80 0 " for _ in range(9))
        yield f'<path d="M{-40 + row * 24} {y} {humps} V {y + 22} H -40 Z"/>'


def _petals(seed: int) -> Iterator[str]:
    for x, y, size in ((500, 110, 150), (330, 250, 90), (610, 280, 110)):
        for petal in range(5):
            angle = 2 * pi * petal / 5 + seed
            tip_x, tip_y = x + size * cos(angle), y + size * sin(angle)
            side_x, side_y = size * 0.36 * -sin(angle), size * 0.36 * cos(angle)
            yield (
                f'<path d="M{x} {y} Q {(x + tip_x) / 2 + side_x:.0f} '
                f"{(y + tip_y) / 2 + side_y:.0f} {tip_x:.0f} {tip_y:.0f} "
                f'Q {(x + tip_x) / 2 - side_x:.0f} {(y + tip_y) / 2 - side_y:.0f} {x} {y} Z"/>'
            )


def _lattice(seed: int) -> Iterator[str]:
    step = 56 + seed % 16
    for column in range(12):
        for row in range(6):
            x, y = 100 + column * step + (row % 2) * step // 2, 20 + row * step
            if (column * 7 + row * 3 + seed) % 4:
                half = step * 0.42
                yield (
                    f'<path d="M{x} {y - half:.0f} L{x + half:.0f} {y} L{x} {y + half:.0f} '
                    f'L{x - half:.0f} {y} Z"/>'
                )


def _ring(x: int, y: int, radius: int) -> str:
    return (
        f"M{x - radius} {y} a{radius} {radius} 0 1 0 {2 * radius} 0 "
        f"a{radius} {radius} 0 1 0 {-2 * radius} 0"
    )


_MOTIFS: tuple[Callable[[int], Iterator[str]], ...] = (_hills, _ripples, _waves, _petals, _lattice)
