"""The page of twin == RTL at size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drai_hw.sim.exactness import LEAST_PAIR_UPDATES, Found, total

COLUMNS = (
    "N", "weights in", "L x M", "W", "steps", "pair updates", "weights changed", "mismatches",
    "seconds", "pair updates/s", "RTL", "states",
)  # fmt: skip

HEAD = """# Twin and RTL at size

The core on CXXRTL beside the twin: after every step all phases, all weights, margin bits and
smoothed frequencies are read from the model's memories and compared, bit for bit; every step
learns, with decay and the gates of margin and resonance, half of them after a field pass. Made by
`python -m drai_hw.sim.exactness` on {date}; `--check` says in a minute whether the page still
stands for the RTL, and running it again with `--again` repeats everything.

- Steps: a few parts a row, each from random weights; every 64 steps new phases, inputs, clamps,
  masks of activity and settings. Weights go in over the bus and come out over it at the end of a
  part, when the event counters are compared too; so are the clocks of every run.
- Pair updates: pairs that learning passes visited, as the core counts them. Field passes and
  inactive oscillators do not count.
- Single-port memory is the vendor's primitive with a model that answers a write with a wrong word
  and starts with wrong words, in the small profile (P = 4, 5 levels); the others have P = 6.
- SDRAM is the controller with a model of the chip that counts what a chip does not allow
  (`drai_hw/rtl/sdram_model.py`); the chip's delays in clocks of 50 MHz.
- Seconds are wall time of one core of the machine at hand, bus and comparison included,
  compilation not.
- After synthesis: `drai-hw sim SPEC --netlist ecp5` or `ice40` does the same with the netlist of
  cells that yosys makes of the core, up to N = 35; `tests/test_sim_netlist.py` at N = 4 and 11,
  64 steps that learn, and with a LUT flipped, which it must find. Names of memories do not
  outlive synthesis, so all is read over the bus after every step; smoothed frequencies, which are
  not there, show in the weights. Cells have the models that yosys brings, ECP5's multiplier one
  of ours (`drai_hw/sim/mult18x18d.v`). Block memory of ECP5 has no model: LUT memory takes its
  place (`synth_ecp5 -nobram`). Placed and routed netlists and delays are not simulated.
- RTL is a digest of the core's RTLIL, `states` one of the whole state after every step.

"""


def line(row: dict[str, Any]) -> str:
    """Return a row of the page."""
    cells = (
        row["n"], row["memory"], f"{row['lanes']} x {row['pages']}", row["weight_bits"],
        f"{row['steps']:,}", f"{row['pair_updates']:,}", f"{row['changed']:,}", row["mismatches"],
        f"{row['seconds']:.0f}", f"{row['pair_updates_per_s']:,}", f"`{row['rtl']}`",
        f"`{row['state']}`",
    )  # fmt: skip
    return "| " + " | ".join(map(str, cells)) + " |\n"


def table(found: Sequence[Found]) -> str:
    """Return the table alone."""
    head = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}\n"
    return head + "".join(line(item.row()) for item in found)


def page(found: Sequence[Found], date: str) -> str:
    """Return the whole page.

    Parameters
    ----------
    found : sequence of Found
        All cases.
    date : str
        Day of the run, year first.
    """
    return HEAD.format(date=date) + table(found) + f"\n{summary(found)}\n"


def summary(found: Sequence[Found]) -> str:
    """Return the sums in a sentence."""
    return (
        f"In all {total(found, 'pair_updates'):,} pair updates in {total(found, 'steps'):,} "
        f"steps, {total(found, 'mismatches')} mismatches (asked: at least "
        f"{LEAST_PAIR_UPDATES:,} and 0)."
    )


def rows_of(text: str) -> list[dict[str, str]]:
    """Return the rows of a page as they stand, by column."""
    lines = [row for row in text.splitlines() if row.startswith("| ") and row[2].isdigit()]
    return [
        dict(zip(COLUMNS, (cell.strip() for cell in row.strip("|").split("|")), strict=True))
        for row in lines
    ]
