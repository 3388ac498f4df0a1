"""Draws schematics as SVG and reads them back: what is joined on paper is one node."""

from __future__ import annotations

from html import escape
from itertools import pairwise

Point = tuple[float, float]

_BODY = 20.0
"""Half the length of a symbol; leads fill the rest."""


class Sheet:
    """
    Hold a schematic: symbols with named terminals, wires, dots and words.

    Coordinates are pixels, x to the right, y down. Lines that cross are joined only where a wire
    ends or a dot is.

    Parameters
    ----------
    width, height : float
        Of the paper, in pixels.
    title : str
        What the drawing shows, for readers who don't see it.

    Attributes
    ----------
    wires : list of pairs of points
        Every straight piece of wire, and a piece of no length for each dot.
    """

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width, self.height, self.title = width, height, title
        self._shapes: list[str] = []
        self._parts: dict[str, tuple[Point, ...]] = {}
        self.wires: list[tuple[Point, Point]] = []
        self._names: list[tuple[Point, str]] = []

    def wire(self, *points: Point) -> None:
        """Join points by a wire."""
        self._path(_line(points))
        self.wires += pairwise(points)

    def dot(self, *points: Point) -> None:
        """Mark joints."""
        self._shapes += [f'<circle cx="{x:g}" cy="{y:g}" r="2.6" fill="#111"/>' for x, y in points]
        self.wires += [(point, point) for point in points]

    def net(self, at: Point, name: str, dx: float = 6, dy: float = -6, anchor: str = "") -> None:
        """Name the node at a point, and write the name beside it."""
        self._names.append((at, name))
        self.text((at[0] + dx, at[1] + dy), name, anchor, "#1f5a92")

    def text(self, at: Point, words: str, anchor: str = "", colour: str = "#111") -> None:
        """Write words; anchor "middle" or "end"."""
        more = f' text-anchor="{anchor}"' if anchor else ""
        self._shapes.append(
            f'<text x="{at[0]:g}" y="{at[1]:g}"{more} fill="{colour}">{escape(words)}</text>'
        )

    def ground(self, at: Point) -> None:
        """End a wire at node 0."""
        x, y = at
        self._path(f"M{x:g} {y:g}v6m-9 0h18m-15 4h12m-9 4h6")
        self._names.append((at, "0"))

    def supply(self, at: Point, name: str) -> None:
        """End a wire at a supply."""
        self._path(f"M{at[0]:g} {at[1]:g}v-6m-10 0h20")
        self.net(at, name, 14, -4)

    def resistor(self, name: str, a: Point, b: Point) -> None:
        """Draw a resistor from a to b."""
        self._between(name, a, b, "l3 -7l6 14l6 -14l6 14l6 -14l6 14l6 -14l1 7", 40)

    def capacitor(self, name: str, a: Point, b: Point) -> None:
        """Draw a capacitor from a to b."""
        self._between(name, a, b, "m0 -11v22m6 -22v22m0 -11", 6)

    def inductor(self, name: str, a: Point, b: Point) -> None:
        """Draw an inductor from a to b."""
        self._between(name, a, b, "a5 5 0 0 1 10 0" * 4, 40)

    def source(self, name: str, a: Point, b: Point) -> None:
        """Draw a controlled source from a to b: a diamond with an arrow."""
        self._between(name, a, b, "m0 0l20 -14l20 14l-20 14zm8 0h22m-6 -4l6 4l-6 4", 40)

    def memristor(self, name: str, a: Point, b: Point) -> None:
        """Draw a memristor from a to b; the thick bar is at b."""
        shape = "m0 -9h40v18h-40zm0 9h7v-5h7v10h7v-10h7v5h12m-4 -9v18m1 -18v18m1 -18v18m2 -9"
        self._between(name, a, b, shape, 40)

    def switch(self, name: str, a: Point, b: Point, control: str) -> None:
        """Draw a switch from a to b that a node controls; its third terminal is that node."""
        self._between(name, a, b, "m0 0l34 -13m6 13", 40, words=f"{name} ({control})")
        self._parts[name] = (a, b)
        for end in (a, b):
            middle = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
            x, y = _towards(middle, end, _BODY)
            self._shapes.append(
                f'<circle cx="{x:g}" cy="{y:g}" r="2.4" fill="#fff" stroke="#111"/>'
            )

    def nmos(self, name: str, at: Point, *, flip: bool = False) -> tuple[Point, Point, Point]:
        """
        Draw an n-type transistor and return where drain, gate and source are.

        Parameters
        ----------
        name : str
            Of the transistor.
        at : tuple
            Middle of its channel.
        flip : bool
            The gate is on the right.
        """
        x, y = at
        s = -1 if flip else 1
        self._path(
            f"M{x:g} {y - 24:g}v14h{-8 * s}m0 -4v28m0 -4h{8 * s}v14m{-8 * s} -38"
            f"m{-5 * s} 2v24m0 -12h{-13 * s}"
            f"M{x - 6 * s:g} {y + 6:g}l{6 * s} 4l{-6 * s} 4"
        )
        self.text((x + 6 * s, y + 4), name, "end" if flip else "")
        ends = ((x, y - 24), (x - 26 * s, y), (x, y + 24))
        self._parts[name] = ends
        return ends

    def inverter(self, name: str, a: Point, b: Point) -> None:
        """Draw an inverter whose input is a and whose output is b."""
        self._between(name, a, b, "h6m0 -13v26l26 -13zm26 13a4 4 0 1 1 8 0a4 4 0 1 1 -8 0",
                      40, apart=-22 if a[1] < b[1] else 26)  # fmt: skip

    def box(self, name: str, corner: Point, size: Point, words: str,
            **ports: Point) -> None:  # fmt: skip
        """
        Draw a block whose ports are told by name; words may have several lines.

        Parameters
        ----------
        name : str
            Of the block; port K is read back as the part ``name.K``.
        corner, size : tuple
            Upper left corner, and width and height.
        words : str
            Inside.
        **ports : tuple
            Points on its edge.
        """
        x, y = corner
        self._path(f"M{x:g} {y:g}h{size[0]:g}v{size[1]:g}h{-size[0]:g}z")
        lines = words.split("\n")
        top = y + size[1] / 2 + 4.5 - 7.5 * (len(lines) - 1)
        for k, line in enumerate(lines):
            self.text((x + size[0] / 2, top + 15 * k), line, "middle")
        for port, point in ports.items():
            self._parts[f"{name}.{port}"] = (point,)

    def arrow(self, *points: Point) -> None:
        """Join points by a wire that ends in an arrow head, to the right or down."""
        self.wire(*points)
        (x0, y0), (x, y) = points[-2:]
        if y == y0:
            back = -7 if x > x0 else 7
            self._path(f"M{x + back:g} {y - 4:g}L{x:g} {y:g}L{x + back:g} {y + 4:g}")
        else:
            back = -7 if y > y0 else 7
            self._path(f"M{x - 4:g} {y + back:g}L{x:g} {y:g}L{x + 4:g} {y + back:g}")

    def nodes(self) -> dict[str, tuple[str, ...]]:
        """
        Return the node of each terminal of each part, as the drawing joins them.

        Nodes without a name are called ``?1``, ``?2``, ... in the order of the parts.
        """
        points = [p for ends in self._parts.values() for p in ends]
        points += [p for run in self.wires for p in run] + [p for p, _ in self._names]
        group = {point: point for point in points}

        def root(point: Point) -> Point:
            while group[point] != point:
                point = group[point]
            return point

        for a, b in self.wires:
            for point in group:
                if _on(point, a, b):
                    group[root(point)] = root(a)
        names: dict[Point, str] = {}
        for at, name in self._names:
            if names.setdefault(root(at), name) != name:
                raise ValueError(f"{self.title}: {name} and {names[root(at)]} are joined")
        found = {}
        for part, ends in self._parts.items():
            for end in ends:
                names.setdefault(root(end), f"?{len(names)}")
            found[part] = tuple(names[root(end)] for end in ends)
        return found

    def svg(self) -> str:
        """Return the drawing, black on white."""
        size = f'width="{self.width:g}" height="{self.height:g}"'
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} '
            f'viewBox="0 0 {self.width:g} {self.height:g}" role="img" '
            f'aria-label="{escape(self.title)}" font-family="sans-serif" font-size="12">'
        )
        return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>',
                          *self._shapes, "</svg>", ""])  # fmt: skip

    def _path(self, shape: str, turn: str = "") -> None:
        self._shapes.append(
            f'<path d="{shape}" fill="none" stroke="#111" stroke-width="1.4"'
            f' stroke-linejoin="round"{turn}/>'
        )

    def _between(self, name: str, a: Point, b: Point, shape: str, length: float, *,
                 words: str = "", apart: float = 18) -> None:  # fmt: skip
        """Draw a symbol in the middle between two points, leads from there, its name beside it."""
        (ax, ay), (bx, by) = a, b
        span = abs(bx - ax) + abs(by - ay)
        lead = (span - length) / 2
        angle = {(1, 0): 0, (-1, 0): 180, (0, 1): 90, (0, -1): 270}[_sign(bx - ax), _sign(by - ay)]
        turn = f' transform="translate({ax:g} {ay:g}) rotate({angle})"'
        # closed outlines end where they began: the far lead is drawn by itself
        self._path(f"M0 0h{lead:g}{shape}M{lead + length:g} 0H{span:g}", turn)
        x, y = (ax + bx) / 2, (ay + by) / 2
        if ay == by:
            self.text((x, y - abs(apart)), words or name, "middle")
        else:
            self.text((x + apart - 2, y + 4), words or name, "end" if apart < 0 else "")
        self._parts[name] = (a, b)


def _sign(number: float) -> int:
    return (number > 0) - (number < 0)


def _towards(a: Point, b: Point, far: float) -> Point:
    return (a[0] + far * _sign(b[0] - a[0]), a[1] + far * _sign(b[1] - a[1]))


def _line(points: tuple[Point, ...]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)


def _on(point: Point, a: Point, b: Point) -> bool:
    """Return whether a point, which is an end of something or a dot, lies on a wire."""
    cross = (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])
    return abs(cross) < 1e-9 and all(
        min(s, e) <= p <= max(s, e) for s, p, e in zip(a, point, b, strict=True)
    )
