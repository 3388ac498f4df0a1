"""The page of learning at size."""

from __future__ import annotations

from collections.abc import Sequence

from drai_hw.model.storage import WAYS, Outcome

RECALLED = 0.95
"""Share of exact recalls from which a load counts as recalled."""

HEAD = f"""# Learning at size

How many patterns are stored and recalled when the core's own rule learns them in 5-bit weights,
beside one-shot Hebb in the same bits and beside sign updates (a Hopfield network) on the same
weights, from the same corrupted starts. Made by `python -m drai_hw.model.storage` on the twin,
which equals the RTL bit for bit; `--check` runs everything again and compares (`--check --quick`:
only N = 484). The design is the catalog's `memory` at each size; but for the margin in weight LSB,
all rows have one setting.

- Patterns: `random:M` are M independent ones, `glyphs:A-Z` the 26 capitals of an outline font;
  both have 22 x 22 pixels at N = 484.
- `flips`: so many distinct pixels of every start are inverted. Recalled means: equal to the stored
  pattern, up to a global sign.
- Rates are over all seeds, with Wilson's 95 % interval; *hits* are those of each seed, first of the
  oscillators, then of Hopfield, both on learned weights. *Shown* is how often each pattern was
  presented; *held* says whether every oscillator of every pattern reached the margin.
- Hebb: w_ij is the sum of x_i x_j over the patterns, scaled where it exceeds the range
  (`drai_hw.model.storage.hebb`).

| N | patterns | stored | load | flips | margin | shown | held | {" | ".join(WAYS)} | hits |
|---|---|---|---|---|---|---|---|{"---|" * len(WAYS)}---|
"""


def line(found: Outcome) -> str:
    """Return a row of the page."""
    case = found.case
    rates = []
    for way in WAYS:
        low, high = found.interval(way)
        rates.append(f"{found.rate(way):.3f} ({low:.3f} to {high:.3f})")
    hits = [" ".join(map(str, found.hits[way])) for way in WAYS[:2]]
    cells = (
        str(case.n), f"`{case.patterns}`", str(found.stored), f"{found.stored / case.n:.3f}",
        f"{case.flips:.0%}", f"{case.spec(0).margin_lsb:.0f}",
        " ".join(map(str, found.presentations)), "yes" if found.held else "no",
        *rates, f"{'; '.join(hits)} of {case.trials}",
    )  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def highest_load(found: Sequence[Outcome], n: int) -> Outcome | None:
    """Return the largest load of N oscillators up to which every load studied was recalled."""
    best = None
    for outcome in sorted((o for o in found if o.case.n == n), key=lambda o: o.stored):
        if outcome.rate(WAYS[0]) < RECALLED:
            break
        best = outcome
    return best


def page(found: Sequence[Outcome]) -> str:
    """Return the whole page."""
    text = HEAD + "".join(line(outcome) + "\n" for outcome in found)
    best = highest_load(found, 1024)
    if best is not None:
        text += (
            f"\nThe highest load studied at N = 1,024 of which at least {RECALLED:.0%} is recalled "
            f"by the oscillators: {best.stored} patterns, {best.stored / 1024:.3f} N.\n"
        )
    return text


def outcomes_of(text: str) -> list[str]:
    """Return the rows of a page."""
    return [row for row in text.splitlines() if row.startswith("| ") and row[2].isdigit()]
