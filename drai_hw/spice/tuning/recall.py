"""Recall against mismatch, before and after trimming: ngspice, and the float model beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from drai_hw.errors import ConvergenceError
from drai_hw.model.coupling import FourierCoupling
from drai_hw.model.readout import is_exact, read_pattern
from drai_hw.spice.at_size.cases import Case
from drai_hw.spice.bank import Bank, Banks
from drai_hw.spice.bank_design import BankDesign
from drai_hw.spice.design import advance_per_cycle_rad, turned_sine
from drai_hw.spice.extraction import closed_form, predict
from drai_hw.spice.extraction.predict import trajectory
from drai_hw.spice.netlist import Netlist
from drai_hw.spice.settings import Circuit, Floats
from drai_hw.spice.simulate import create, run
from drai_hw.spice.starts import start_phases_of
from drai_hw.spice.tuning import kinds
from drai_hw.spice.tuning.calibrate import Calibration
from drai_hw.spice.tuning.mismatch import closed_form_hz, draw
from drai_hw.spice.tuning.trim import trim
from drai_hw.units import TAU

Kind = Literal["lc", "ring"]
N = 12
FLIPS = 2
DESIGN = BankDesign(range_share=0.024, step_share=0.00045)
RINGS = Circuit(kind="ring", rho=0.1, points_per_cycle=40, cycles=180)
RING_RANGE, RING_BITS = 0.045, 6
SIGMAS: dict[Kind, tuple[float, ...]] = {
    "lc": (0.0, 0.001, 0.003, 0.01, 0.02),
    "ring": (0.0, 0.003, 0.01, 0.02, 0.05),
}
"""Of the sides' own capacitors; three standard deviations of the largest are within the bank."""


@dataclass(frozen=True)
class Trial:
    """
    Hold a network, its capacitors and its start.

    Parameters
    ----------
    sigma : float
        Standard deviation of the capacitors.
    seed : int
        Of pattern, weights, start and capacitors.
    kind : {"lc", "ring"}
        Tanks or rings.
    """

    sigma: float
    seed: int
    kind: Kind = "lc"

    @property
    def case(self) -> Case:
        """Return weights and pattern, as of the circuits at size."""
        return Case(N, 0.3, self.seed, points_per_cycle=40, cycles=300)

    @property
    def circuit(self) -> Circuit:
        """Return the oscillators."""
        return self.case.circuit if self.kind == "lc" else RINGS

    @property
    def bank(self) -> Bank:
        """Return the bank of a side."""
        if self.kind == "lc":
            return DESIGN.bank(self.circuit.capacitance_f)
        return kinds.bank_for(self.circuit, RING_RANGE, RING_BITS)

    def untrimmed(self) -> Banks:
        """Return the capacitors with all codes in the middle."""
        return draw(self.bank, self.circuit, N, self.sigma, self.seed)

    def trimmed(self) -> Calibration:
        """Return the capacitors calibrated to the frequency of a nominal oscillator."""
        return trim(self.untrimmed(), self.circuit, self.seed)

    def netlist(self, banks: Banks) -> Netlist:
        """Return the network, started from its pattern with two signs turned."""
        start = self.case.pattern()
        start[np.random.default_rng([self.seed, 3]).permutation(N)[:FLIPS]] *= -1
        phases = start_phases_of(start, self.circuit.jitter_rad, self.seed)
        return create(
            self.case.weights(), self.circuit, start_phases=phases, banks=banks, seed=self.seed,
            name="tuned",
        )  # fmt: skip


def by_ngspice(trial: Trial, banks: Banks) -> bool:
    """Return whether the circuit recalls its pattern; one whose oscillators stop does not."""
    try:
        found = run(trial.netlist(banks)).pattern
    except ConvergenceError:
        return False
    return is_exact(found, trial.case.pattern())


def by_model(trial: Trial, banks: Banks) -> bool:
    """
    Return whether the float model with these frequencies does.

    The coupling of tanks is that of the closed form, of rings the first harmonic with the lag that
    extraction finds.
    """
    netlist, circuit = trial.netlist(banks), trial.circuit
    off = closed_form_hz(banks, circuit) / kinds.nominal_hz(circuit) - 1.0
    if trial.kind == "ring":
        end = _ring_end(netlist, off)
    else:
        times = np.array([0.0, netlist.stop_s])
        found = closed_form(circuit)
        end = predict(found, replace(netlist, detuning=off), times, step_rad=0.02)[-1]
    return is_exact(read_pattern(end), trial.case.pattern())


def _ring_end(netlist: Netlist, off: Floats) -> Floats:
    sine, cosine = (turned_sine(netlist.circuit).sine, turned_sine(netlist.circuit).cosine)
    unit = max(abs(sine[0]), abs(cosine[1]))
    coupling = FourierCoupling(tuple(a / unit for a in sine), tuple(b / unit for b in cosine))
    advance = advance_per_cycle_rad(netlist.circuit)
    row_sum = float(np.abs(netlist.weights).sum(axis=1).max())
    phases = trajectory(
        coupling, netlist.weights / row_sum, netlist.start_phases_rad,
        np.array([0.0, netlist.circuit.cycles * advance]), detuning=off * TAU / advance,
        step_rad=0.02,
    )  # fmt: skip
    return np.asarray(phases[-1])


def of_circuit(kind: Kind, sigma: float, seed: int) -> dict[str, Any]:
    """Return whether a network recalls in ngspice, ``untrimmed`` and ``trimmed``."""
    trial = Trial(sigma, seed, kind)
    return {
        "untrimmed": by_ngspice(trial, trial.untrimmed()),
        "trimmed": by_ngspice(trial, trial.trimmed().banks),
    }


def of_models(kind: Kind, sigma: float, seeds: int) -> dict[str, Any]:
    """
    Return how many networks recall in the float model, and their spread.

    Returns
    -------
    dict
        ``runs``, recalls ``untrimmed`` and ``trimmed``, ``spread`` and ``spread_trimmed``: standard
        deviation of a network's frequencies over the nominal one, mean of all.
    """
    hits, spread = np.zeros(2, dtype=int), np.zeros((seeds, 2))
    for seed in range(seeds):
        trial = Trial(sigma, seed, kind)
        for k, banks in enumerate((trial.untrimmed(), trial.trimmed().banks)):
            hits[k] += by_model(trial, banks)
            hz = closed_form_hz(banks, trial.circuit)
            spread[seed, k] = np.std(hz) / kinds.nominal_hz(trial.circuit)
    before, after = spread.mean(axis=0)
    return {
        "runs": seeds, "untrimmed": int(hits[0]), "trimmed": int(hits[1]),
        "spread": float(before), "spread_trimmed": float(after),
    }  # fmt: skip


@dataclass(frozen=True)
class Row:
    """
    Hold what was recalled at one mismatch.

    Parameters
    ----------
    sigma : float
        Of the capacitors.
    spread, spread_trimmed : float
        Standard deviation of the frequencies over the nominal one, before and after trimming.
    circuit, model : tuple of (int, int, int)
        Exact recalls untrimmed and trimmed, and how many of each were run.
    """

    sigma: float
    spread: float
    spread_trimmed: float
    circuit: tuple[int, int, int]
    model: tuple[int, int, int]

    @classmethod
    def of(cls, sigma: float, circuits: Sequence[dict[str, Any]], models: dict[str, Any]) -> Row:
        """Return the row of what `of_circuit`, for some seeds, and `of_models` found."""
        before, after = (
            sum(bool(each[name]) for each in circuits) for name in ("untrimmed", "trimmed")
        )
        return cls(
            sigma, models["spread"], models["spread_trimmed"], (before, after, len(circuits)),
            (models["untrimmed"], models["trimmed"], models["runs"]),
        )  # fmt: skip
