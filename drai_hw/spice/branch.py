"""The branch that couples a pair: a resistor, a capacitor, or both in series or side by side."""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass

from drai_hw.spice.pyspice import Deck

BRANCHES = ("resistive", "capacitive", "series-rc", "parallel-rc")


@dataclass(frozen=True)
class Branch:
    """
    Hold what each branch of a coupling is made of, for any size of its admittance.

    An admittance of phase theta between equal oscillators adds theta to the phase at which they
    pull: ``sin(psi + theta - alpha) - sin(theta - alpha)`` times abs(Y)/2C, with the lag alpha that
    a resistor has.

    Parameters
    ----------
    kind : {"resistive", "capacitive", "series-rc", "parallel-rc"}
        Elements.
    phase_rad : float
        Phase of the admittance at ``omega_rad_per_s``: 0 of a resistor, pi/2 of a capacitor.
    omega_rad_per_s : float
        Nominal angular frequency; of no effect for resistors.
    """

    kind: str = "resistive"
    phase_rad: float = 0.0
    omega_rad_per_s: float = 1.0

    @property
    def damping(self) -> float:
        """Return the share of the admittance that damps: cosine of the phase, exactly 0 or 1."""
        return {"resistive": 1.0, "capacitive": 0.0}.get(self.kind, math.cos(self.phase_rad))

    def elements(self, siemens: float) -> tuple[float | None, float | None]:
        """
        Return the resistor in ohm and the capacitor in farad of a branch, None where there is none.

        Parameters
        ----------
        siemens : float
            Size of the branch's admittance at the nominal frequency, above 0.
        """
        farad = siemens / self.omega_rad_per_s
        cosine, sine = math.cos(self.phase_rad), math.sin(self.phase_rad)
        if self.kind == "resistive":
            return 1.0 / siemens, None
        if self.kind == "capacitive":
            return None, farad
        if self.kind == "parallel-rc":
            return 1.0 / (siemens * cosine), farad * sine
        return cosine / siemens, farad / sine

    def admittance(self, omega_rad_per_s: float) -> complex:
        """
        Return the admittance at any frequency for 1 S at the nominal one.

        Parameters
        ----------
        omega_rad_per_s : float
            Angular frequency, of a harmonic for instance.
        """
        ohm, farad = self.elements(1.0)
        through = None if farad is None else 1j * omega_rad_per_s * farad
        if through is None or ohm is None:
            return complex(through if ohm is None else 1.0 / ohm)  # type: ignore[arg-type]
        if self.kind == "parallel-rc":
            return 1.0 / ohm + through
        return 0j if through == 0 else 1.0 / (ohm + 1.0 / through)

    def add(
        self, deck: Deck, name: str, ends: tuple[str, str], siemens: float, start: complex
    ) -> None:
        """
        Add a branch to a deck, charged as it is in the steady state.

        Parameters
        ----------
        deck : Deck
            Where it goes.
        name : str
            Of its elements, and of the node between them in a series.
        ends : tuple of (str, str)
            Nodes.
        siemens : float
            Size of the admittance at the nominal frequency.
        start : complex
            Phasor, in volt, of the voltage across it at time 0.
        """
        one, other = ends
        ohm, farad = self.elements(siemens)
        middle = name if self.kind == "series-rc" else other
        if ohm is not None:
            deck.resistor(name, one, middle, ohm)
        if farad is not None:
            turned = start
            if self.kind == "series-rc":
                turned = start * cmath.rect(math.sin(self.phase_rad), self.phase_rad - math.pi / 2)
            first = middle if self.kind == "series-rc" else one
            deck.capacitor(name, first, other, farad, turned.real)
