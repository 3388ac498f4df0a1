"""`python -m drai_hw.report.energy_bars [OUT.svg|OUT.png]`: the energy ledger as bars."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from drai_hw.errors import DraiError
from drai_hw.files import write_together
from drai_hw.report.drawing import drawn_png, drawn_svg
from drai_hw.spice.ledger.bars import KINDS, Bar, read
from drai_hw.units import si

FIGURE = Path("docs/reference/energy-ledger.svg")
_COLOURS = dict(
    zip(KINDS, ("#1f5a92", "#8fb6d9", "#c9ced4", "#b5562c", "#5c7f3a", "#777777"), strict=True)
)


def paint(figure: Any, bars: Sequence[Bar]) -> None:
    """Paint bars on a logarithmic axis, a block for each group."""
    panel = figure.subplots()
    known = [bar.joule for bar in bars if bar.joule is not None]
    left, right = min(known) / 3.0, max(known) * 60.0
    places, names, place, before = [], [], 0.0, ""
    for bar in bars:
        if bar.group != before:
            place += 1.7
            panel.text(left * 1.2, place - 0.85, bar.group, fontsize=8, fontweight="bold",
                       va="center")  # fmt: skip
            before = bar.group
        else:
            place += 1.0
        places.append(place)
        names.append(bar.label)
        if bar.joule is None:
            panel.text(left * 1.2, place, bar.why, fontsize=7.5, va="center", style="italic")
            continue
        end = bar.high_j or bar.joule
        panel.barh(place, bar.joule - left, left=left, height=0.72, color=_COLOURS[bar.kind])
        told = si(bar.joule, "J")
        if bar.high_j is not None:
            panel.barh(place, end - bar.joule, left=bar.joule, height=0.72, alpha=0.45,
                       color=_COLOURS[bar.kind])  # fmt: skip
            told += f" to {si(bar.high_j, 'J')}"
        panel.text(end * 1.3, place, told, fontsize=7.5, va="center")
    panel.set(xscale="log", xlim=(left, right), ylim=(place + 0.8, 0.4), yticks=places,
              xlabel="energy (J)")  # fmt: skip
    panel.set_yticklabels(names, fontsize=7.5)
    panel.tick_params(axis="y", length=0)
    handles = [panel.barh([0], [0], color=_COLOURS[kind], label=KINDS[kind]) for kind in KINDS]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, fontsize=7.5)


def drawn(bars: Sequence[Bar], form: str = "svg") -> str | bytes:
    """Return the picture, as SVG text or PNG bytes."""
    size = (7.6, 1.2 + 0.21 * len(bars) + 0.16 * len({bar.group for bar in bars}))
    if form == "png":
        return drawn_png(size, lambda figure: paint(figure, bars))
    return drawn_svg(size, "energy", lambda figure: paint(figure, bars))


def main(arguments: list[str]) -> int:
    """Draw the recorded figures of the ledger."""
    if len(arguments) > 1 or any(Path(word).suffix not in (".svg", ".png") for word in arguments):
        print(f"{' '.join(arguments)}: needed is [OUT.svg or OUT.png]", file=sys.stderr)
        return 2
    path = Path(arguments[0]) if arguments else FIGURE
    try:
        write_together({path: drawn(read(), path.suffix[1:])})
    except DraiError as error:
        print(f"drai-hw: error: {error}", file=sys.stderr)
        return 2
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
