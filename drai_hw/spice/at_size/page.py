"""The page of circuits at size: a table made from the kept runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from drai_hw.spice.at_size.cases import Case, cases
from drai_hw.spice.at_size.judge import Row, halving, judge
from drai_hw.spice.at_size.runs import Record, load

HEAD = """\
# Circuits at size beside the float model

All-to-all networks of differential LC tanks (ngspice), started at random phases, beside the float
model from the same start. Made by `python -m drai_hw.spice.at_size` on {date}; a run goes on from
what is kept of it, so it may be interrupted at any time, and stands here as far as it came ("120 of
300" cycles). A run lasts 17.8 units of 1/(kappa R); N = 64 takes about 1 s of a core for each
period, and the command lists more runs than this page has.

- Weights: x_i x_j m_ij with a random pattern x, m of 1 to 5, wrong sign in a fifth of the pairs;
  cores trimmed for the couplings they see (`damping = "trimmed"`), reference tank, Q = 15.9. With
  cores that are not trimmed amplitudes differ: 0.15 and 0.26 rad instead of 0.03 and 0.11 in two
  starts at N = 16, rho = 0.3.
- Order: |sum x_i exp(i phi_i)|/N at the start and at the end; above 0.9 the pattern is recalled.
- Distance: rms over oscillators, one common phase taken off at each moment; its **largest value
  over time**, its mean over time, and at the end. The model couples by the closed form (lag eps/4,
  [extraction](extraction.md)); the next column has the largest with a plain sine.
- Same end: the same pattern, less than 0.2 rad apart. Sensitive: the float model itself ends
  elsewhere when its start is moved by 1e-3 rad; such starts say nothing about the circuit.
- Halved: largest rms distance between the run and the same run at half the step.
- Seconds are wall time in ngspice on a machine shared with other work.

"""
COLUMNS = (
    "N", "rho", "seed", "points", "cycles", "order", "largest, rad", "mean", "end",
    "sine, largest", "same end", "sensitive", "halved", "seconds",
)  # fmt: skip


def rows(folder: Path, wanted: Sequence[Case] | None = None) -> list[Row]:
    """Return the judged runs that are kept, in the order of the cases; too short ones left out."""
    found = []
    for case in cases() if wanted is None else wanted:
        record = load(folder, case)
        if record is not None and record.cycles_done >= 20:
            found.append(judge(record))
    return found


def _halved(row: Row, others: Sequence[Record]) -> str:
    fine = replace(row.record.case, points_per_cycle=2 * row.record.case.points_per_cycle)
    for other in others:
        if other.case == fine:
            return f"{halving(row.record, other):.4f}"
    return ""


def text(found: Sequence[Row], date: str) -> str:
    """
    Return the page.

    Parameters
    ----------
    found : sequence of Row
        The runs.
    date : str
        Day of the page, ISO.
    """
    records = [row.record for row in found]
    lines = ["| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|"]
    for row in found:
        case, done = row.record.case, row.record.cycles_done
        cells = [
            case.n, f"{case.rho:g}", case.seed, case.points_per_cycle,
            f"{done:,}" if row.record.finished else f"{done:,} of {case.cycles:,}",
            f"{row.order[0]:.2f} to {row.order[1]:.3f}", f"**{row.rms_max_rad:.4f}**",
            f"{row.rms_mean_rad:.4f}", f"{row.rms_end_rad:.4f}", f"{row.sine_max_rad:.4f}",
            "yes" if row.same else "no", "yes" if row.sensitive else "no",
            _halved(row, records), f"{row.record.seconds:,.0f}",
        ]  # fmt: skip
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return HEAD.format(date=date) + "\n".join(lines) + "\n\n" + _summary(found)


def _summary(found: Sequence[Row]) -> str:
    told = []
    for n, rho in dict.fromkeys((row.record.case.n, row.record.case.rho) for row in found):
        some = [
            row for row in found
            if (row.record.case.n, row.record.case.rho) == (n, rho)
            and row.record.case.points_per_cycle == 100 and not row.sensitive
        ]  # fmt: skip
        if some:
            worst = max(some, key=lambda row: row.rms_max_rad)
            same = sum(row.same for row in some)
            told.append(
                f"- N = {n}, rho = {rho:g}: worst of {len(some)} "
                f"{'seed' if len(some) == 1 else 'seeds'} {worst.rms_max_rad:.4f} rad (seed "
                f"{worst.record.case.seed}); same end {same} of {len(some)}."
            )
    return "\n".join(told) + "\n"
