"""The page of tuning: bank, locking range, recall against mismatch, cost of a calibration."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from drai_hw.model.readout import wilson_interval
from drai_hw.spice import ring
from drai_hw.spice.settings import Circuit
from drai_hw.spice.tuning import kinds
from drai_hw.spice.tuning.calibrate import Calibration, Counter
from drai_hw.spice.tuning.locking import RHO, Beat
from drai_hw.spice.tuning.recall import (
    DESIGN,
    FLIPS,
    RING_BITS,
    RING_RANGE,
    RINGS,
    N,
    Row,
)
from drai_hw.units import si

HEAD = """\
# Tuning and mismatch

Oscillators whose capacitors differ have different frequencies, and a network recalls only while
its couplings can pull them together. Each side of a tank, and of one stage of a ring, may have a
bank of switched capacitors (`drai_hw.spice.bank`); a calibration finds its code
(`drai_hw.spice.tuning`). A network file asks for both by `mismatch` and `tuning_bits`
([how](../explanation/circuit.md#mismatch-and-tuning-banks)). Made by
`python -m drai_hw.spice.tuning`, which keeps every run in `build/tuning` (an interruption loses
none), on {date}.

"""
WHAT = {
    "lc": """\
rho = 0.3 (the largest row sum is 0.94 % of the frequency), 300 periods, the bank above.
""",
    "ring": f"""\
Rings of 5 stages, rho = {RINGS.rho:g} (the largest row sum is 1.6 % of the frequency),
{RINGS.cycles} periods; banks of {RING_BITS} bits and {100 * RING_RANGE:g} % at the middle stage.
The float model has the first harmonic of the [extracted](extraction.md) coupling with its lag.
""",
}
TITLES = {"lc": "Tanks", "ring": "Rings"}


def _paragraph(text: str) -> list[str]:
    return [*textwrap.wrap(text, 100), ""]


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
        "f of a tank goes with C^-1/2. `BankDesign(range, step).bank(C)` gives unit and bits,",
        "`BankDesign.of(bank, C, ω)` goes back.",
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
        *_paragraph(
            f"A pair of tanks at rho = {RHO:g}, one of its codes moved: locked for |Δω| < 2w, "
            "beyond it a beat of √(Δω² - (2w)²)/2π."
        ),
        "| codes apart | Δω/2w | beat, closed form | ngspice |",
        "|---|---|---|---|",
    ]
    for each in beats:
        lines.append(
            f"| {each.offset} | {each.detuning:.3f} | {each.told_hz:,.0f} Hz | "
            f"{'locked' if each.seen_hz == 0 else f'{each.seen_hz:,.0f} Hz'} |"
        )
    return [*lines, ""]


def _ring_bank() -> list[str]:
    bank = kinds.bank_for(RINGS, RING_RANGE, RING_BITS)
    made = kinds.design_of(bank, RINGS)
    on_ohm, off_f = bank.switch.on_ohm, bank.switch.off_f + bank.switch.overlap_f
    return _paragraph(
        "A ring's period is the sum of its stages' delays, each in proportion to its load: f goes "
        "with 1/C, C the mean over all nodes. The banks are at both sides of the middle stage, "
        "where the codes leave the coupling alone: a fifth more or less of its load moves a pair's "
        "coupling over the frequency by less than 0.5 %, at the coupled stage by 3 % (tests). A "
        f"switch's resistance counts as at the rate of an edge, C/(1 + {ring.EDGE:g} RC/t_d), t_d "
        f"the delay of a stage. Bank of the rings below: {bank.bits} bits, unit "
        f"{1e15 * bank.unit_f:.3f} fF, "
        f"switch {1e-3 * on_ohm:.1f} kΩ and {1e15 * off_f:.3f} fF off; it gives "
        f"{100 * made.range_share:.3g} % in steps of {100 * made.step_share:.3g} %. ngspice has "
        "the closed form's frequencies within 0.02 % and its steps within 1.5 % over 2.4 % to "
        "either side with 5 stages, within 0.15 % and 3 % with 3 and 7."
    )


def _recall(tables: Mapping[str, Sequence[Row]]) -> list[str]:
    lines = [
        "## Recall against mismatch",
        "",
        *_paragraph(
            f"N = {N}, all to all, one pattern in signed weights with a fifth of the pairs "
            f"frustrated, {FLIPS} signs turned at the start; every seed is another network with "
            "other capacitors. σ is of each side's own capacitor, of a ring each node's, 1 % that "
            "of a bank's unit. Exact recalls with Wilson's 95 % interval; the float model has the "
            "closed form's frequencies and coupling. Frequencies: standard deviation over the "
            "oscillators of a network, the mean of all networks. What the model does not recall "
            "without mismatch starts in another attractor: the weights are frustrated."
        ),
    ]
    for kind, rows in tables.items():
        lines += [f"### {TITLES[kind]}", "", WHAT[kind], *_table(rows), ""]
    return lines


def _table(rows: Sequence[Row]) -> list[str]:
    lines = [
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
    return lines


def _cost(costs: Mapping[str, Calibration]) -> list[str]:
    counter = Counter()
    lines = [
        "## The calibration",
        "",
        "Couplings are open. Each oscillator has a counter of rising edges; a bit is set, the",
        "amplitude settles, edges are counted in a window, and the bit stays if the count is above",
        "that of half a step below the target; then the next bit. All oscillators at once. The",
        "window resolves 1/window of the frequency. Energy is a lower bound: loss of the tanks",
        "(behavioural cores), charging of the rings' loads (2 S C VDD² a period and ring, without",
        "the crossing currents). The counters' own is not in it: the edges they count are told.",
        "",
        "| oscillators | bits | periods a bit | time | energy | edges |",
        "|---|---|---|---|---|---|",
    ]
    for kind, found in costs.items():
        banks = found.banks
        lines.append(
            f"| {banks.n} {TITLES[kind].lower()} | {banks.bank.bits} | {counter.settle_cycles} + "
            f"{counter.window_cycles:,} | {si(found.time_s, 's')} | {si(found.energy_j, 'J')} | "
            f"{found.edges:,} |"
        )
    return [*lines, ""]


def text(
    tables: Mapping[str, Sequence[Row]],
    beats: Sequence[Beat],
    costs: Mapping[str, Calibration],
    date: str,
) -> str:
    """
    Return the page.

    Parameters
    ----------
    tables : mapping of str to sequence of Row
        Recall by mismatch, of tanks and rings.
    beats : sequence of Beat
        Pairs.
    costs : mapping of str to Calibration
        Of one network each.
    date : str
        Day of the page, ISO.
    """
    lines = [*_bank(), *_ring_bank(), *_locking(beats), *_recall(tables), *_cost(costs)]
    return HEAD.format(date=date) + "\n".join(lines).rstrip("\n") + "\n"
