"""What one way of extraction finds: frequency, amplitude and the coupling as a Fourier list."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from drai_hw.model.coupling import FourierCoupling, keys_of
from drai_hw.spice.settings import Floats
from drai_hw.units import TAU

HARMONICS = 5


@dataclass(frozen=True)
class PhaseMap:
    """
    Hold the phase model of an oscillator and its coupling by a pair of straight branches.

    With G the conductance of each of the two resistors between oscillators i and j (with a
    capacitor, the size of the admittance at the nominal frequency),
    ``dphi_i/dt = omega + G (sum_k a_k sin(k psi) + b_k cos(k psi))``, psi = phi_j - phi_i.

    Parameters
    ----------
    way : str
        "closed form", "phase response" or "pair transient".
    frequency_hz : float
        Free-running frequency.
    amplitude_v : float or None
        Peak of the fundamental between the two sides, uncoupled.
    sine : tuple of float
        a_1, a_2, ... in rad/s per siemens; empty when this way does not give the coupling.
    cosine : tuple of float
        b_0, b_1, ... in rad/s per siemens.
    shil_per_ampere : float or None
        K_s of ``-K_s sin 2 phi`` for a current of 1 A peak at twice the frequency into both sides,
        rad/s per ampere.
    pump_per_siemens : float or None
        K_s for a conductance between the sides pumped with 1 S peak at twice the frequency.
    missing : dict of str to str
        Why a quantity is not given, by its name.
    """

    way: str
    frequency_hz: float
    amplitude_v: float | None
    sine: tuple[float, ...] = ()
    cosine: tuple[float, ...] = ()
    shil_per_ampere: float | None = None
    pump_per_siemens: float | None = None
    missing: dict[str, str] | None = None

    @property
    def unit_per_siemens(self) -> float:
        """
        Return the unit of the Fourier list in rad/s per siemens.

        The larger of a_1 and abs(b_1): a_1 while the lag is within 45 degrees, as with resistors.
        """
        return max(abs(self.sine[0]), abs(self.cosine[1]))

    @property
    def first_per_siemens(self) -> float:
        """Return the size of the first harmonic in rad/s per siemens, whatever the lag."""
        return math.hypot(self.sine[0], self.cosine[1])

    @property
    def coupling(self) -> FourierCoupling:
        """Return the coupling in units of ``unit_per_siemens``, as the float model takes it."""
        unit = self.unit_per_siemens
        return FourierCoupling(
            tuple(a / unit for a in self.sine), tuple(b / unit for b in self.cosine)
        )

    @property
    def lag_rad(self) -> float:
        """Return alpha of ``sin(psi - alpha)``, the phase of the first harmonic."""
        return math.atan2(-self.cosine[1], self.sine[0])

    @property
    def even_odd_ratio(self) -> float:
        """
        Return the rms of the even part of H over that of its odd part, 0 for a gradient system.

        The constant b_0 is left out: it moves all oscillators of equal load alike.
        """
        odd = math.hypot(*self.sine)
        return math.hypot(*self.cosine[1:]) / odd if odd else math.inf

    def crossed(self, tap_rad: float) -> PhaseMap:
        """
        Return the map of a pair of crossed branches that pull as strongly, psi from antiphase.

        Branches at ``psi - tap`` and ``psi + tap`` leave ``cos(k tap)`` of each harmonic, and are
        larger by 1/cos(tap); their load beyond that of straight ones is made up for as far as the
        first harmonic says.

        Parameters
        ----------
        tap_rad : float
            By how much more than half a turn side n follows side p; 0 leaves the map as it is.
        """
        larger = 1.0 / math.cos(tap_rad)
        passed = [larger * math.cos(k * tap_rad) for k in range(HARMONICS + 1)]
        load = larger * self.cosine[0] + (larger - 1.0) * self.cosine[1]
        return replace(
            self,
            sine=tuple(a * c for a, c in zip(self.sine, passed[1:], strict=False)),
            cosine=(load, *(b * c for b, c in zip(self.cosine[1:], passed[1:], strict=False))),
        )

    def pull_per_siemens(self, psi: Floats) -> Floats:
        """Return H(psi)/G in rad/s per siemens."""
        return self.unit_per_siemens * self.coupling(psi)

    def odd_per_siemens(self, psi: Floats) -> Floats:
        """Return the odd part of H(psi)/G."""
        return 0.5 * (self.pull_per_siemens(psi) - self.pull_per_siemens(-psi))

    def even_per_siemens(self, psi: Floats) -> Floats:
        """Return the even part of H(psi)/G."""
        return 0.5 * (self.pull_per_siemens(psi) + self.pull_per_siemens(-psi))

    def summary(self) -> dict[str, Any]:
        """Return JSON-ready values; null where this way does not give one, with the reason."""
        known = bool(self.sine)
        coupling = self.coupling if known else FourierCoupling()
        return {
            "frequency_hz": self.frequency_hz,
            "omega_rad_per_s": TAU * self.frequency_hz,
            "amplitude_v": self.amplitude_v,
            "w_per_siemens_rad_per_s": self.sine[0] if known else None,
            "unit_per_siemens_rad_per_s": self.unit_per_siemens if known else None,
            "sine": list(coupling.sine) if known else None,
            "cosine": list(coupling.cosine) if known else None,
            "lag_rad": self.lag_rad if known else None,
            "even_odd_ratio": self.even_odd_ratio if known else None,
            "k_s_per_ampere_rad_per_s": self.shil_per_ampere,
            "k_s_per_pumped_siemens_rad_per_s": self.pump_per_siemens,
            "missing": dict(self.missing or {}),
        }

    def network_keys(self) -> dict[str, list[float]]:
        """Return the keys of ``[dynamics]`` with which the float model predicts the circuit."""
        return keys_of(self.coupling.sine, self.coupling.cosine)


def harmonics(values: Floats, theta_rad: Floats, count: int) -> Floats:
    """
    Return complex Fourier coefficients c_0 ... c_count of samples by least squares.

    Parameters
    ----------
    values : ndarray, shape (K,)
        Real samples.
    theta_rad : ndarray, shape (K,)
        Their phases, spread over a turn.
    count : int
        Highest harmonic; K must be above 2 * count.

    Returns
    -------
    ndarray of complex, shape (count + 1,)
        ``values = c_0 + 2 Re sum_k c_k exp(i k theta)``.
    """
    k = np.arange(1, count + 1)
    angle = theta_rad[:, None] * k
    table = np.hstack([np.ones((theta_rad.size, 1)), np.cos(angle), np.sin(angle)])
    found, *_ = np.linalg.lstsq(table, values, rcond=None)
    return np.concatenate([found[:1], 0.5 * (found[1 : count + 1] - 1j * found[count + 1 :])])
