"""The page of tuning: bank, locking range, recall against mismatch, cost of a calibration."""

from __future__ import annotations

from collections.abc import Sequence

from drai_hw.model.readout import wilson_interval
from drai_hw.spice.settings import Circuit
from drai_hw.spice.tuning import kinds
from drai_hw.spice.tuning.calibrate import Calibration, Counter
from drai_hw.spice.tuning.locking import RHO, Beat
from drai_hw.spice.tuning.recall import DESIGN, FLIPS, N, Row

HEAD = """\
# Tuning and mismatch

Tanks whose capacitors differ have different frequencies, and a network recalls only while its
couplings can pull them together. Each side of a tank may have a bank of switched capacitors
(`drai_hw.spice.bank`); a calibration finds its code (`drai_hw.spice.tuning`). Made by
`python -m drai_hw.spice.tuning` on {date}.

"""


def _share(hits: int, runs: int) -> str:
    if runs == 0:
        return "not run"
    low, high = wilson_interval(hits, runs)
    return f"{hits} of {runs} ({low:.2f} to {high:.2f})"


def _bank() -> list[str]:
    circuit = Circuit()
    bank = DESIGN.bank(circuit.capacitance_f)
    made = kinds.design_of(bank, circuit)
    switch = bank.switch
    return [
        "## The bank",
        "",
        "Bit k is 2^k unit capacitors behind 2^k unit switches to ground, on resistance and off",
        "capacitance in the netlist. With Y the switch's admittance a bit is 1/(1/jωC + 1/Y), and",
        "f goes with C^-1/2. `BankDesign(range, step).bank(C)` gives unit and bits,",
        "`BankDesign.of(bank, C, f0)` goes back.",
        "",
        f"Asked for: {100 * DESIGN.range_share:.2g} % to either side in steps of",
        f"{100 * DESIGN.step_share:.3g} % at most. Bank: {bank.bits} bits, unit",
        f"{1e15 * bank.unit_f:.1f} fF, switch {switch.on_ohm:g} Ω and",
        f"{1e15 * (switch.off_f + switch.overlap_f):g} fF off. It gives",
        f"{100 * made.range_share:.3f} % and {100 * made.step_share:.4f} %. ngspice has the closed",
        "form's frequencies within 10 ppm and its steps of two codes and more within 0.5 per mille",
        "(tests, at 40 points a period, with the trapezoidal rule's own shift).",
        "",
    ]


def _locking(beats: Sequence[Beat]) -> list[str]:
    lines = [
        "## Locking range",
        "",
        f"A pair at rho = {RHO:g}, one of its codes moved: locked for |Δω| < 2w, beyond it a beat",
        "of √(Δω² - (2w)²)/2π.",
        "",
        "| codes apart | Δω/2w | beat, closed form | ngspice |",
        "|---|---|---|---|",
    ]
    for each in beats:
        lines.append(
            f"| {each.offset} | {each.detuning:.3f} | {each.told_hz:,.0f} Hz | "
            f"{'locked' if each.seen_hz == 0 else f'{each.seen_hz:,.0f} Hz'} |"
        )
    return [*lines, ""]


def _recall(rows: Sequence[Row]) -> list[str]:
    lines = [
        "## Recall against mismatch",
        "",
        f"N = {N}, all to all, one pattern in signed weights with a fifth of the pairs frustrated,",
        f"{FLIPS} signs turned at the start, rho = 0.3 (the largest row sum is 0.94 % of the",
        "frequency), 300 periods; every seed is another network with other capacitors. σ is of",
        "each side's own capacitor, 1 % that of a bank's unit. Exact recalls with Wilson's 95 %",
        "interval;",
        "the float model has the closed form's frequencies and coupling. Frequencies: standard",
        "deviation over the tanks of a network, the mean of all networks. What the model does not",
        "recall without mismatch starts in another attractor: the weights are frustrated.",
        "",
        "| σ | frequencies, before | after | ngspice, untrimmed | trimmed | model, untrimmed "
        "| trimmed |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [_share(hits, row.circuit[2]) for hits in row.circuit[:2]]
        cells += [_share(hits, row.model[2]) for hits in row.model[:2]]
        lines.append(
            f"| {100 * row.sigma:g} % | {100 * row.spread:.3f} % "
            f"| {100 * row.spread_trimmed:.3f} % | " + " | ".join(cells) + " |"
        )
    return [*lines, ""]


def _cost(found: Calibration) -> list[str]:
    counter, banks = Counter(), found.banks
    return [
        "## The calibration",
        "",
        "Couplings are open. Each oscillator has a counter of rising edges; a bit is set, the",
        "amplitude settles, edges are counted in a window, and the bit stays if the count is above",
        "that of half a step below the target; then the next bit. All oscillators at once. The",
        "window resolves 1/window of the frequency.",
        "",
        f"{banks.n} oscillators, {banks.bank.bits} bits, {counter.settle_cycles} +",
        f"{counter.window_cycles:,} periods a bit: **{1e3 * found.time_s:.1f} ms** and",
        f"**{1e6 * found.energy_j:.1f} µJ** of tank loss, a lower bound (behavioural cores). The",
        f"counters' own energy is not in it: they count {found.edges:,} edges.",
        "",
    ]


def text(rows: Sequence[Row], beats: Sequence[Beat], cost: Calibration, date: str) -> str:
    """
    Return the page.

    Parameters
    ----------
    rows : sequence of Row
        Recall by mismatch.
    beats : sequence of Beat
        Pairs.
    cost : Calibration
        Of one network.
    date : str
        Day of the page, ISO.
    """
    lines = [*_bank(), *_locking(beats), *_recall(rows), *_cost(cost)]
    return HEAD.format(date=date) + "\n".join(lines).rstrip("\n") + "\n"
