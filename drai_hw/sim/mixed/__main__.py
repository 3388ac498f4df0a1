"""``python -m drai_hw.sim.mixed``: circuit and RTL in one run, judged; or the table of the page."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from drai_hw.errors import DraiError, SpecError
from drai_hw.sim.mixed.bench import MixedRun, run_mixed, step_distance
from drai_hw.sim.mixed.digital import Design
from drai_hw.sim.mixed.settings import EXPERIMENTS, FOUR, PAIR, Mixed, recall_of
from drai_hw.sim.units.portmap import load_port_map
from drai_hw.sim.units.simulate import SIMULATORS

STEPS = (16, 8, 4, 2)


def parser() -> argparse.ArgumentParser:
    """Return the reader of the command line."""
    made = argparse.ArgumentParser(
        prog="python -m drai_hw.sim.mixed",
        description="Oscillators in ngspice and a learning unit in RTL, in one run. Exit status 1 "
        "if a weight is not the rule's, or did not come through; 2 for bad input.",
    )
    made.add_argument("experiment", choices=EXPERIMENTS, nargs="?", default="pair")
    made.add_argument(
        "--exchange", type=int, default=PAIR.exchange_periods, metavar="H",
        help="exchange step in periods (%(default)s)",
    )  # fmt: skip
    made.add_argument(
        "--clock-ratio", type=int, default=PAIR.clock_ratio, metavar="R",
        help="clocks of the unit a period (%(default)s)",
    )  # fmt: skip
    made.add_argument(
        "--hysteresis", type=float, default=PAIR.hysteresis_v, metavar="V",
        help="of the comparators, volt (%(default)s)",
    )  # fmt: skip
    made.add_argument("--periods", type=int, metavar="N", help="length; default: the experiment's")
    made.add_argument(
        "--reject-every", type=int, default=0, metavar="N",
        help="reject every N-th step that ngspice would accept",
    )  # fmt: skip
    made.add_argument("--simulator", choices=SIMULATORS, default="icarus", help="of the RTL")
    made.add_argument(
        "--dut", action="append", default=[], metavar="FILE",
        help="Verilog of a synapse of your own; may be repeated",
    )  # fmt: skip
    made.add_argument("--top", metavar="NAME", help="with --dut: its module")
    made.add_argument("--ports", type=Path, metavar="FILE", help="with --dut: port map")
    made.add_argument(
        "--table", action="store_true", help="the table of docs/reference/mixed-signal.md"
    )
    made.add_argument("--json", action="store_true", help="one JSON object on standard output")
    return made


def main(words: list[str] | None = None) -> int:
    """Run an experiment: 0 agrees, 1 mismatch, 2 bad input."""
    given = parser().parse_args(words)
    try:
        if given.table:
            print("\n".join(table()))
            return 0
        if bool(given.dut) != bool(given.top):
            raise SpecError("--dut FILE and --top NAME, the module in it, go together")
        if given.ports and not given.dut:
            raise SpecError("--ports connects a module of --dut; give its file, too")
        known = EXPERIMENTS[given.experiment]
        mixed = replace(
            known, exchange_periods=given.exchange, clock_ratio=given.clock_ratio,
            hysteresis_v=given.hysteresis, reject_every=given.reject_every,
            periods=known.periods if given.periods is None else given.periods,
        )  # fmt: skip
        connect = load_port_map(given.ports, "synapse", mixed.formats)
        files = tuple(Path(path) for path in given.dut)
        run = run_mixed(mixed, Design(files, given.top or "", connect, given.simulator))
    except DraiError as error:
        print(f"drai-hw: error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(run.record(), indent=2) if given.json else in_words(run))
    return 1 if run.mismatches else 0


def in_words(run: MixedRun) -> str:
    """Return a run in a few lines."""
    found = run.record()
    return "\n".join(
        (
            f"{found['name']}: {found['exchanges']} exchanges of {found['exchange_periods']} "
            f"periods, {found['pair_updates']} pair updates, {found['clocks_to_weights']} clocks "
            "from phases to weights",
            f"ngspice: {run.accepted} points accepted, {run.rejected} steps rejected",
            f"weights against the rule: {run.rule_mismatches} mismatches",
            f"phase words against the waveform: {run.phase_mismatches} mismatches",
            f"couplings against the weights: {run.weight_mismatches} mismatches",
            f"phases against the phase model with these weights: {run.phase_distance_rad:.4f} rad",
            f"weights against the model that learns alone: {run.weight_distance} LSB",
            f"pattern {found['pattern']}, weights {found['weights']}",
        )
    )


def _row(run: MixedRun, coarser: MixedRun | None) -> str:
    apart = step_distance(coarser, run) if coarser else None
    values: Sequence[Any] = (
        run.mixed.name, run.mixed.exchange_periods, run.mixed.clock_ratio,
        f"{run.mixed.hysteresis_v:g}", run.mixed.reject_every or "-", f"{run.accepted:,}",
        f"{run.rejected:,}", f"{run.record()['pair_updates']:,}", run.mismatches,
        f"{run.phase_distance_rad:.4f}", run.weight_distance, f"{run.final_distance_rad:.4f}",
        f"{apart[0]} LSB, {apart[1]:.3f} rad" if apart else "-",
        " ".join("+" if side > 0 else "−" for side in run.pattern),
    )  # fmt: skip
    return "| " + " | ".join(map(str, values)) + " |"


def table() -> list[str]:
    """Return the table of the page: both experiments by step, ratio, hysteresis, rejections."""
    heads = (
        "run", "h, periods", "clocks a period", "hysteresis, V", "every n-th step rejected",
        "points", "rejected", "pair updates", "mismatches", "phases from model, rad",
        "weights from model, LSB", "last phases from model, rad", "from twice the h", "pattern",
    )  # fmt: skip
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    learned = FOUR
    weights: tuple[int, ...] = ()
    for mixed in (PAIR, FOUR):
        coarser = None
        for step in STEPS:
            run = run_mixed(replace(mixed, exchange_periods=step))
            lines.append(_row(run, coarser))
            coarser = run
            if (mixed, step) == (FOUR, FOUR.exchange_periods):
                weights = tuple(int(w) for w in run.weights[-1])
    others: list[Mixed] = [
        recall_of(learned, weights, flipped=1),
        replace(PAIR, clock_ratio=256),
        replace(PAIR, hysteresis_v=0.2),
        replace(PAIR, reject_every=7),
    ]
    return lines + [_row(run_mixed(mixed), None) for mixed in others]


if __name__ == "__main__":
    sys.exit(main())
