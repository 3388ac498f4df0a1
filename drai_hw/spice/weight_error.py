"""Weights as a circuit has them, pair by pair with all other tanks as silent loads."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from drai_hw.errors import ConvergenceError
from drai_hw.spice.engine import simulate
from drai_hw.spice.extraction.pair import odd_part
from drai_hw.spice.learning import with_elements
from drai_hw.spice.memristive import Pairs, coupled, supplies
from drai_hw.spice.netlist import upper_pairs
from drai_hw.spice.readout import phases
from drai_hw.spice.settings import Circuit, Floats
from drai_hw.spice.simulate import create

START_RAD = {1: 2.3, -1: 0.85}
"""Start of a pair that locks in phase, and of one that locks in antiphase."""
SPAN_RAD = (0.5, 2.65)
_SKIPPED = 12


@dataclass(frozen=True)
class WeightError:
    """
    Hold the errors of weights in one line of the account, over the largest weight.

    Parameters
    ----------
    wanted, measured : ndarray, shape (K,)
        Couplings in rad/s, a pair each; measured at half the step and extrapolated to none.
    halving : float
        Largest change by halving the step, over the largest weight.
    """

    wanted: Floats
    measured: Floats
    halving: float

    @property
    def errors(self) -> Floats:
        """Return (measured - wanted) over the largest wanted one."""
        return np.asarray((self.measured - self.wanted) / np.abs(self.wanted).max())

    @property
    def rms(self) -> float:
        """Return the rms of the errors."""
        return float(np.sqrt(np.mean(self.errors**2)))

    @property
    def largest(self) -> float:
        """Return the largest error without its sign."""
        return float(np.abs(self.errors).max())


def pair_deck(found: Pairs, circuit: Circuit, i: int, j: int, *, devices: bool,
              start_rad: float) -> tuple[str, float]:  # fmt: skip
    """
    Return the netlist of tanks i and j, with all others silent, and its end.

    Silent tanks stand at 0 V: their couplings load i and j as conductances to ground. A third tank
    on its own keeps the time. The cores are trimmed for the conductance they see, by linear
    elements of their own beside them.

    Parameters
    ----------
    found : Pairs
        All pairs.
    circuit : Circuit
        Settings; cycles and points as given.
    i, j : int
        The pair.
    devices : bool
        Memristors with switches, or resistors.
    start_rad : float
        Phase of j.
    """
    plain = replace(circuit, damping="none")
    netlist = create(np.zeros((3, 3)), plain, start_phases=[0.0, start_rad, 0.0], name="pair")
    lines = supplies(found) if devices else []
    lines += coupled(("p0", "n0", "p1", "n1"), "p", found, i, j, devices=devices)
    for here, k in ((0, i), (1, j)):
        for other in range(found.plus_s.shape[0]):
            if other not in (i, j) and found.wanted[k, other] != 0:
                nodes = (f"p{here}", f"n{here}", "0", "0")
                lines += coupled(nodes, f"l{here}x{other}", found, k, other, devices=devices)
        lines.append(
            f"Btrim{here} p{here} n{here} i=-{float(found.seen_s[k])!r}*v(p{here},n{here})"
        )
    saved = [f"v({side}{k})" for k in range(3) for side in "pn"]
    return with_elements(netlist, lines, saved), netlist.stop_s


def pair_coupling(
    found: Pairs, circuit: Circuit, i: int, j: int, *, devices: bool, points: int
) -> float:
    """
    Return the coupling of a pair in rad/s by its transient.

    The first factor of `drai_hw.spice.extraction.pair.odd_part` is w.

    Parameters
    ----------
    found, circuit, i, j, devices
        As of `pair_deck`.
    points : int
        Steps per period.

    Raises
    ------
    ConvergenceError
        The pair moved too little to tell, or ngspice found no solution.
    """
    sign = 1 if found.wanted[i, j] > 0 else -1
    start = START_RAD[sign]
    # tan(psi/2) goes with exp(-2 w t); 2.2 of these from one end of the span to the other
    cycles = _SKIPPED + int(2.2 * circuit.f0_hz / (2.0 * abs(float(found.made[i, j]))))
    settings = replace(circuit, cycles=cycles, points_per_cycle=points)
    text, stop_s = pair_deck(found, settings, i, j, devices=devices, start_rad=start)
    waves = simulate(text, stop_s=stop_s, expected_points=cycles * points, vectors=6, name="pair",
                     timeout_s=1200.0)  # fmt: skip
    sides = waves.select([f"v({side}{k})" for k in range(3) for side in "pn"])
    time_s, table = phases(waves.time_s, sides[:, 0::2] - sides[:, 1::2], circuit.f0_hz)
    time_s, psi = time_s[_SKIPPED:], (table[:, 1] - table[:, 0])[_SKIPPED:]
    if abs(psi[-1] - psi[0]) < 0.5:
        raise ConvergenceError(
            f"pair {i}-{j} moved by {abs(psi[-1] - psi[0]):.3g} rad in {cycles} periods: needed "
            "is 0.5 rad to tell its coupling; is it coupled?"
        )
    factors, _ = odd_part(time_s, psi)
    return float(factors[0])


def weight_error(
    found: Pairs, circuit: Circuit, goal: Floats, *, devices: bool, points: int = 100
) -> WeightError:
    """
    Measure the couplings of all pairs and compare them with what they should be.

    Parameters
    ----------
    found : Pairs
        All pairs.
    circuit : Circuit
        Settings.
    goal : ndarray, shape (N, N)
        Couplings in rad/s.
    devices : bool
        Memristors with switches, or resistors.
    points : int
        Steps per period of the coarser of two runs; the error of the trapezoidal rule goes with the
        square of the step, so that the two give the value without it.
    """
    coarse, fine = (
        np.array([pair_coupling(found, circuit, i, j, devices=devices, points=count)
                  for i, j in upper_pairs(found.wanted)])
        for count in (points, 2 * points)
    )  # fmt: skip
    wanted = np.array([goal[i, j] for i, j in upper_pairs(found.wanted)])
    return WeightError(
        wanted=wanted,
        measured=(4.0 * fine - coarse) / 3.0,
        halving=float(np.abs(fine - coarse).max() / np.abs(wanted).max()),
    )
