"""Components of one die: capacitors as they were drawn, and the codes that a calibration finds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from drai_hw.spice.bank import Banks, Capacitors
from drai_hw.spice.settings import Circuit, Floats
from drai_hw.spice.tuning import kinds
from drai_hw.spice.tuning.calibrate import Calibration, Counter, calibrate
from drai_hw.spice.tuning.mismatch import closed_form_hz, draw, draw_plain

METHOD = "successive approximation by counters; frequencies by closed form"
ENERGY_METHODS = {
    ("lc", "behavioural"): "tank loss, a lower bound (behavioural cores, no counters)",
    ("lc", "cross-coupled"): "tail and reference currents from VDD (level-1, no counters)",
    ("ring", "behavioural"): (
        "charging of the loads, a lower bound (no crossing currents, no counters)"
    ),
}


def trim(
    banks: Banks, circuit: Circuit, seed: int, *, wires_f: Floats | None = None
) -> Calibration:
    """
    Calibrate banks to the frequency of an oscillator without mismatch, by the closed form.

    Of tanks with the solver's step, which ngspice meets to 10 ppm, a twelfth of a count; of rings
    within what `closed_form_hz` says.

    Parameters
    ----------
    banks : Banks
        The capacitors.
    circuit : Circuit
        The oscillators.
    seed : int
        Of the phases at which counting begins.
    wires_f : ndarray, shape (N,), optional
        What each side has beside them, farad: the calibration takes it back.
    """

    def measure(some: Capacitors, circuit: Circuit) -> Floats:
        if wires_f is not None and some.n == wires_f.size:
            some = replace(some, fixed_f=some.fixed_f + wires_f[:, None])
        return closed_form_hz(some, circuit, solver=True)

    nominal = draw(banks.bank, circuit, 1, 0.0, 0, unit_sigma=0.0)
    target_hz = float(closed_form_hz(nominal, circuit, solver=True)[0])
    return calibrate(banks, circuit, measure, target_hz, seed=seed)


@dataclass(frozen=True)
class Die:
    """
    Hold the capacitors of a network.

    Parameters
    ----------
    circuit : Circuit
        The oscillators.
    mismatch : float
        Relative standard deviation of each side's capacitor.
    drawn : Capacitors
        As they were drawn; banks at their middle code.
    calibration : Calibration or None
        Of the banks, if there are any.
    wires_f : ndarray, shape (N,)
        What each side of a tank has from wires above their mean, farad.
    """

    circuit: Circuit
    mismatch: float
    drawn: Capacitors
    calibration: Calibration | None
    wires_f: Floats

    @property
    def trimmed(self) -> Capacitors:
        """Return the capacitors with the codes found; without banks those drawn."""
        return self.calibration.banks if self.calibration else self.drawn

    def deviation(self, capacitors: Capacitors) -> Floats:
        """Return by how much each oscillator's frequency is off the nominal, relative."""
        wired = replace(capacitors, fixed_f=capacitors.fixed_f + self.wires_f[:, None])
        return closed_form_hz(wired, self.circuit) / kinds.nominal_hz(self.circuit) - 1.0

    def summary(self) -> dict[str, Any]:
        """Return what was drawn and found as JSON-ready values, units in the key names."""
        before, found = self.deviation(self.drawn), self.calibration
        values: dict[str, Any] = {
            "mismatch": self.mismatch,
            "frequency_deviation_before": before.tolist(),
            "frequency_deviation_before_rms": _rms(before),
        }
        if found is None:
            return values
        after = self.deviation(found.banks)
        bank = found.banks.bank
        return {
            **values,
            "frequency_deviation_after": after.tolist(),
            "frequency_deviation_after_rms": _rms(after),
            "bits": bank.bits,
            "range": (made := kinds.design_of(bank, self.circuit)).range_share,
            "step": made.step_share,
            "unit_f": bank.unit_f,
            "codes": found.banks.codes.tolist(),
            "codes_at_an_end": int(np.isin(found.banks.codes, (0, bank.codes - 1)).sum()),
            "calibration_time_s": found.time_s,
            "calibration_energy_j": found.energy_j,
            "calibration_edges": found.edges,
            "calibration_window_cycles": Counter().window_cycles,
            "calibration_method": METHOD,
            "calibration_energy_method": ENERGY_METHODS[self.circuit.kind, self.circuit.core],
        }


def _rms(values: Floats) -> float:
    return float(np.sqrt(np.mean(values**2)))


def die_of(
    circuit: Circuit, n: int, seed: int, *, mismatch: float, bits: int, reach: float,
    wires_f: Floats | None = None,
) -> Die | None:  # fmt: skip
    """
    Draw the capacitors of a network and calibrate its banks; None where all are nominal.

    Parameters
    ----------
    circuit : Circuit
        The oscillators.
    n : int
        How many.
    seed : int
        Of the draws.
    mismatch : float
        Relative standard deviation of each side's capacitor, 0 to 0.2.
    bits : int
        Of the banks, 2 to 12; 0: no bank.
    reach : float
        Of the banks, to either side of the nominal frequency, relative.
    wires_f : ndarray, shape (N,), optional
        What each side of a tank has from wires above their mean, farad.

    Raises
    ------
    SpecError
        No such bank, or it is larger than a side.
    """
    if not mismatch and not bits:
        return None
    wires = np.zeros(n) if wires_f is None else wires_f
    if not bits:
        return Die(circuit, mismatch, draw_plain(circuit, n, mismatch, seed), None, wires)
    banks = draw(kinds.bank_for(circuit, reach, bits), circuit, n, mismatch, seed)
    return Die(circuit, mismatch, banks, trim(banks, circuit, seed, wires_f=wires), wires)
