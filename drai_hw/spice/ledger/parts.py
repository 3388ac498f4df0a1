"""The parts of the ledger, each a run that is kept as JSON, so that an interruption loses none."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from functools import partial

import numpy as np
from scipy.constants import Boltzmann

from drai_hw.model import plan, tasks
from drai_hw.model.twin import Twin
from drai_hw.spice.crossbar.array import Crossbar
from drai_hw.spice.crossbar.export import ngspice_currents
from drai_hw.spice.crossbar.mapping import map_weights
from drai_hw.spice.drawn import Rings
from drai_hw.spice.kept_parts import Part
from drai_hw.spice.learning_network.cases import cases as learning_cases
from drai_hw.spice.learning_network.parts import booked, spent
from drai_hw.spice.learning_network.runs import run as run_learning
from drai_hw.spice.ledger.backprop import Trained, trained
from drai_hw.spice.ledger.couplings import couplings
from drai_hw.spice.ledger.recalls import SIZES, Stored, of_design, small, stored
from drai_hw.spice.ledger.ring_cycle import ring_cycle
from drai_hw.spice.ledger.synapse import synapse_ledger
from drai_hw.spice.ledger.tank_cycle import tank_cycle
from drai_hw.spice.ledger.updates import updates
from drai_hw.spice.spread.circuits import RingSort
from drai_hw.spice.surroundings.buffer import buffer
from drai_hw.spice.transistors import SETS, Transistors, models_folder
from drai_hw.units import TAU

READ_V, READ_S, SEGMENT_OHM = 0.2, 10e-9, 2.5
LOW_S, HIGH_S = 1.0 / 1500.0, 1.0 / 500.0
TRIALS = 3
"""Starts of `letters` in drawn rings."""
HIDDEN = (5, 10, 20, 35)
"""Hidden units that back-propagation may choose from."""


def _ring(transistors: Transistors) -> Part:
    rows = []
    for stages in (5, 7):
        found = ring_cycle(transistors, stages=stages)
        row = asdict(found)
        row.pop("transistors")
        rows.append(row | {"closed_j": found.closed_j, "balance": found.balance,
                           "split_j": found.split_j, "vdd_v": transistors.vdd_v})  # fmt: skip
    return {"title": transistors.title, "rows": rows}


def _tank() -> Part:
    found = tank_cycle()
    return asdict(found) | {"balance": found.balance}


def _buffer(transistors: Transistors) -> Part:
    return asdict(buffer(RingSort(Rings(transistors, points_per_cycle=100))))


def _coupling() -> Part:
    found = couplings()
    rows = [(psi, *found.at(psi)) for psi in (2.8, TAU / 4, 0.5)]
    return {"branch_s": found.branch_s, "rows": rows, "worst": found.worst,
            "balance": found.balance}  # fmt: skip


def _read(known: Stored) -> Part:
    """One read of the learned weights of `letters` by one of its patterns."""
    mapped = map_weights(known.weights, LOW_S, HIGH_S, word_ohm=SEGMENT_OHM, rounds=20)
    array = Crossbar(mapped.conductance_s, SEGMENT_OHM)
    volt = READ_V * known.patterns[0].astype(float)
    solution = array.solve(volt)
    energy_j = float(solution.read_energy_j(READ_S))
    by_ngspice = ngspice_currents(array, volt)
    differ = np.abs(by_ngspice - solution.currents_a).max() / np.abs(solution.currents_a).max()
    return {"energy_j": energy_j, "devices": int(mapped.conductance_s.size),
            "pairs": int(np.count_nonzero(known.weights)),
            "device_share": float(solution.device_power_w / solution.power_w),
            "currents_differ": float(differ)}  # fmt: skip


def _updates() -> Part:
    return {"rows": [asdict(each) | {"balance": each.balance} for each in updates()]}


def _synapse() -> Part:
    found = synapse_ledger()
    return asdict(found) | {"balance": found.balance, "per_update_j": found.per_update_j,
                            "device_j": found.device_j}  # fmt: skip


def _pattern() -> Part:
    """Learn one pattern in four tanks, every source booked while it is shown."""
    case = next(iter(learning_cases().values()))
    return {"title": case.title} | booked(spent(case, run_learning(case.network)))


def _small(transistors: Transistors, n: int) -> Part:
    return asdict(small(transistors, n))


def _trial(known: Callable[[], Stored], transistors: Transistors, trial: int) -> Part:
    return asdict(of_design(known(), transistors, trial))


def _learned(known: Stored) -> Part:
    return {"n": known.spec.network.oscillators, "patterns": len(known.patterns),
            "presentations": known.presentations, "counters": known.counters.figures()}  # fmt: skip


def _backprop(known: Stored) -> Part:
    """Train hidden layers of some sizes; keep those that recall every start."""
    starts = tasks.trials_of(known.spec, known.given, 100)
    found: list[Trained] = [
        trained(known.patterns, starts.starts, starts.target, wanted=1.0,
                flips=known.spec.task.flips, hidden=units)
        for units in HIDDEN
    ]  # fmt: skip
    good = [each for each in found if each.exact_rate == 1.0]
    rows = [asdict(each) | {"train_j": each.train_j, "recall_j": each.recall_j} for each in good]
    return {"rows": rows, "starts": len(starts.starts)}


def _activity(known: Stored) -> Part:
    """Count what a recall moves in the FPGA core, in its twin; without a coefficient no energy."""
    spec = known.spec
    formats = plan.formats_of(spec)
    twin = Twin(formats)
    tasks.prepare(twin, spec)
    twin.load_weights(known.weights.astype(np.int64))
    seen = tasks.recall(twin, spec, known.trials, known.patterns[known.trials.target])
    bits = formats.accumulator_bits
    words = np.rint(seen.trace_rad / TAU * 2**bits).astype(np.int64) % 2**bits
    flipped = np.bitwise_count(words[1:] ^ words[:-1]).sum()
    n = spec.network.oscillators
    return {"steps": spec.task.steps, "exact_rate": seen.exact_rate,
            "phase_bits_per_step": float(flipped) / spec.task.steps,
            "pairs_per_step": n * (n - 1) // 2}  # fmt: skip


def _noise() -> Part:
    """E >= 2 pi^2 k T F / (Q^2 sigma^2) for a tank; Q = F = 1 is kT/C noise of a ring's edges."""
    kt_j = Boltzmann * 300.0
    rows = [
        {"what": what, "q": q, "factor": factor, "sigma_rad": sigma,
         "bound_j": 2.0 * math.pi**2 * kt_j * factor / (q * sigma) ** 2}
        for what, q, factor in (("tank", 15.9, 2.0), ("ring", 1.0, 1.0))
        for sigma in (0.01, 0.1)
    ]  # fmt: skip
    return {"rows": rows, "landauer_j": kt_j * math.log(2.0)}


def makers() -> dict[str, Callable[[], Part]]:
    """Return what makes each part, by its name."""
    kept: list[Stored] = []

    def known() -> Stored:
        if not kept:
            kept.append(stored())
        return kept[0]

    def drawn(transistors: Transistors, make: Callable[[], Part]) -> Callable[[], Part]:
        def guarded() -> Part:
            if transistors.technology:
                models_folder()
            return make()

        return guarded

    found: dict[str, Callable[[], Part]] = {
        "noise": _noise,
        "tank": _tank,
        "coupling": _coupling,
        "updates": _updates,
        "synapse": _synapse,
        "pattern": _pattern,
        "learned": lambda: _learned(known()),
        "read": lambda: _read(known()),
        "backprop": lambda: _backprop(known()),
        "activity": lambda: _activity(known()),
    }
    for name, some in SETS.items():
        found[f"ring-{name}"] = drawn(some, partial(_ring, some))
        found[f"buffer-{name}"] = drawn(some, partial(_buffer, some))
        for n in SIZES:
            found[f"recall-{name}-{n}"] = drawn(some, partial(_small, some, n))
        for trial in range(TRIALS):
            found[f"recall-{name}-letters-{trial}"] = drawn(
                some, partial(_trial, known, some, trial)
            )
    return found
