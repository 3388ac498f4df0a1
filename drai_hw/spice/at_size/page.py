"""The page of circuits at size: a table made from the recorded rows."""

from __future__ import annotations

from collections.abc import Sequence

from drai_hw.spice.at_size.cases import EQUATIONS, NGSPICE, Case
from drai_hw.spice.at_size.judge import Row

HEAD = """\
# Circuits at size beside the models

All-to-all networks of differential LC tanks, started at random phases, beside the float model and
beside the model with amplitudes, from the same start. Made by `python -m drai_hw.spice.at_size`; a
run goes on from what is kept of it, so it may be interrupted at any time, and stands here as far as
it came ("120 of 300" periods). `--check` says whether the netlists are still those that were run.

- Weights: x_i x_j m_ij with a random pattern x, m of 1 to 5, wrong sign in a fifth of the pairs;
  cores trimmed for the couplings they see (`damping = "trimmed"`), reference tank, Q = 15.9.
- By: `ngspice`, or `equations`: the netlist's equations, not averaged, integrated in Python
  (`drai_hw.spice.equations`, order 8, 1e-8 a step). N = 64 takes ngspice about 0.8 s of a free core
  a period, the equations about 0.01 s.
- Order: |sum x_i exp(i phi_i)|/N at the start and at the end; above 0.9 the pattern is recalled.
- Distance: rms over oscillators, one common phase taken off at each moment; its **largest value
  over time**. *Phase*: the float model with the coupling of the closed form (lag eps/4,
  [extraction](extraction.md)); its distance at the end stands beside it. *Sine*: without the lag.
  *Amplitudes*: Stuart-Landau equations, which let amplitudes follow the couplings
  (`drai_hw.spice.extraction.predict_amplitudes`); their range stands beside it. All start where
  uncoupled tanks settle from the netlist's start (`settled_start_rad`).
- Same end: the same pattern, less than 0.2 rad apart. Sensitive: the float model itself ends
  elsewhere when its start is moved by 1e-3 rad; such starts say nothing about the circuit.
- From the equations, halved: largest distance of the run in ngspice from the equations' run, and
  from itself at half the step.
- Seconds are wall time, on a machine shared with other work.

"""
COLUMNS = (
    "N", "rho", "seed", "by", "points", "periods", "order", "phase, rad", "end", "sine",
    "amplitudes, rad", "A/A0", "same end", "sensitive", "from the equations", "halved", "seconds",
)  # fmt: skip


def text(rows: Sequence[Row]) -> str:
    """
    Return the page.

    Parameters
    ----------
    rows : sequence of Row
        What is recorded.
    """
    lines = ["| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|"]
    for row in rows:
        case, done = row.case, row.cycles_done
        cells = [
            case.n, f"{case.rho:g}", case.seed, case.way, case.points_per_cycle,
            f"{done:,}" if done >= case.cycles else f"{done:,} of {case.cycles:,}",
            f"{row.order_start:.2f} to {row.order_end:.3f}", f"**{row.phase_max_rad:.4f}**",
            f"{row.phase_end_rad:.4f}", f"{row.sine_max_rad:.4f}",
            f"**{row.amplitude_max_rad:.4f}**",
            f"{row.amplitudes[0]:.2f} to {row.amplitudes[1]:.2f}",
            "yes" if row.same else "no", "yes" if row.sensitive else "no",
            _optional(row.equations_max_rad), _optional(row.halved_max_rad),
            f"{row.seconds:,.0f}",
        ]  # fmt: skip
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return HEAD + "\n".join(lines) + "\n\n" + _summary(rows)


def _optional(distance_rad: float | None) -> str:
    return "" if distance_rad is None else f"{distance_rad:.4f}"


def _summary(rows: Sequence[Row]) -> str:
    told = []
    for n, rho in dict.fromkeys((row.case.n, row.case.rho) for row in rows):
        for way in (EQUATIONS, NGSPICE):
            some = [
                row for row in rows
                if (row.case.n, row.case.rho, row.case.way) == (n, rho, way)
                and row.case.points_per_cycle == Case.points_per_cycle and not row.sensitive
            ]  # fmt: skip
            if not some:
                continue
            worst = max(some, key=lambda row: row.phase_max_rad)
            closest = max(some, key=lambda row: row.amplitude_max_rad)
            told.append(
                f"- N = {n}, rho = {rho:g}, {way}: worst of {len(some)} "
                f"{'seed' if len(some) == 1 else 'seeds'} {worst.phase_max_rad:.4f} rad from the "
                f"phase model (seed {worst.case.seed}), {closest.amplitude_max_rad:.4f} rad from "
                f"the model with amplitudes (seed {closest.case.seed}); same end as the phase "
                f"model {sum(row.same for row in some)} of {len(some)}."
            )
    return "\n".join(told) + "\n"
