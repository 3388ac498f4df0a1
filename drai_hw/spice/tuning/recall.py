"""Recall against mismatch, before and after trimming: ngspice, and the float model beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from drai_hw.errors import ConvergenceError
from drai_hw.model.readout import is_exact, read_pattern
from drai_hw.spice.at_size.cases import Case
from drai_hw.spice.bank import Banks
from drai_hw.spice.bank_design import BankDesign
from drai_hw.spice.extraction import closed_form, predict
from drai_hw.spice.netlist import Netlist
from drai_hw.spice.settings import Circuit, Floats
from drai_hw.spice.simulate import create, run
from drai_hw.spice.starts import start_phases_of
from drai_hw.spice.tuning.calibrate import Calibration
from drai_hw.spice.tuning.mismatch import closed_form_hz, draw
from drai_hw.spice.tuning.trim import trim

N = 12
FLIPS = 2
DESIGN = BankDesign(range_share=0.024, step_share=0.00045)
SIGMAS = (0.0, 0.001, 0.003, 0.01, 0.02)
"""Of the tanks' own capacitors; three standard deviations of the largest are within the bank."""


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
    """

    sigma: float
    seed: int

    @property
    def case(self) -> Case:
        """Return weights and pattern, as of the circuits at size."""
        return Case(N, 0.3, self.seed, points_per_cycle=40, cycles=300)

    @property
    def circuit(self) -> Circuit:
        """Return the tanks."""
        return self.case.circuit

    def untrimmed(self) -> Banks:
        """Return the capacitors with all codes in the middle."""
        bank = DESIGN.bank(self.circuit.capacitance_f)
        return draw(bank, self.circuit, N, self.sigma, self.seed)

    def trimmed(self) -> Calibration:
        """Return the capacitors calibrated to the frequency of a nominal tank."""
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
    """Return whether the float model with these frequencies and the closed form's coupling does."""
    netlist = trial.netlist(banks)
    hz = closed_form_hz(banks, trial.circuit)
    detuned = replace(netlist, detuning=hz / trial.circuit.f0_hz - 1.0)
    times = np.array([0.0, netlist.stop_s])
    phases = predict(closed_form(trial.circuit), detuned, times, step_rad=0.02)
    return is_exact(read_pattern(phases[-1]), trial.case.pattern())


@dataclass(frozen=True)
class Row:
    """
    Hold what was recalled at one mismatch.

    Parameters
    ----------
    sigma : float
        Of the capacitors.
    spread, spread_trimmed : float
        Standard deviation of the frequencies over f0, before and after trimming.
    circuit, model : tuple of (int, int, int)
        Exact recalls untrimmed and trimmed, and how many of each were run.
    """

    sigma: float
    spread: float
    spread_trimmed: float
    circuit: tuple[int, int, int]
    model: tuple[int, int, int]


def row(sigma: float, seeds: int, model_seeds: int, told: Callable[[str], None]) -> Row:
    """
    Run the networks of one mismatch.

    Parameters
    ----------
    sigma : float
        Of the capacitors.
    seeds, model_seeds : int
        Networks in ngspice and in the float model; the first are among the second.
    told : callable
        Called with what was found of each network.
    """
    plain: list[Floats] = []
    trim: list[Floats] = []
    hits = np.zeros((2, 2), dtype=int)
    for seed in range(max(seeds, model_seeds)):
        trial = Trial(sigma, seed)
        both = (trial.untrimmed(), trial.trimmed().banks)
        for values, banks in zip((plain, trim), both, strict=True):
            values.append(closed_form_hz(banks, trial.circuit))
        found = [by_model(trial, banks) for banks in both] if seed < model_seeds else [False] * 2
        hits[1] += found
        if seed < seeds:
            seen = [by_ngspice(trial, banks) for banks in both]
            hits[0] += seen
            told(f"sigma {sigma:g} seed {seed}: ngspice {seen}, model {found}")
    f0_hz = Trial(sigma, 0).circuit.f0_hz
    return Row(
        sigma=sigma,
        spread=float(np.std(plain, axis=1).mean() / f0_hz),
        spread_trimmed=float(np.std(trim, axis=1).mean() / f0_hz),
        circuit=(int(hits[0, 0]), int(hits[0, 1]), seeds),
        model=(int(hits[1, 0]), int(hits[1, 1]), model_seeds),
    )
