"""Design equations both ways: wanted behaviour to components, and what these components give."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from drai_hw.errors import SpecError
from drai_hw.model.coupling import FourierCoupling, keys_of
from drai_hw.spice import ring, ring_pull
from drai_hw.spice.lc import Tank, design_tank
from drai_hw.spice.ring_settings import LEAST_SUPPLY_V
from drai_hw.spice.settings import Circuit, CircuitLike, branch_of, settings_of
from drai_hw.units import TAU


def _positive(name: str, value: float, unit: str) -> None:
    if not (math.isfinite(value) and value > 0):
        raise SpecError(f"{name} = {value!r}: needed is a number above 0{unit}")


def advance_per_cycle_rad(circuit: CircuitLike) -> float:
    """
    Return kappa R of a network times a period: what a full row sum advances a phase in a period.

    Tanks: ``w = G/2C``, so rho half bandwidths are ``2 pi rho / 2Q``. Rings: ``w = pull G/C``, as
    extracted (`drai_hw.spice.ring_pull`), and rho is G over omega C. Where capacitors turn the
    coupling, the larger of its parts in phase and in quadrature, the unit of extracted lists, takes
    the place of w.

    Parameters
    ----------
    circuit : CircuitLike
        Settings.
    """
    if circuit.kind == "ring":
        settings = settings_of(circuit)
        size = ring_pull.pull(settings) / math.cos(ring_pull.lag_rad(settings))
        return TAU * circuit.rho * size * _larger_part(circuit)
    return TAU * circuit.rho / (2.0 * circuit.q) * _larger_part(circuit)


def model_keys(circuit: CircuitLike) -> dict[str, list[float]]:
    """
    Return the keys of ``[dynamics]`` with which the float model couples as capacitors do.

    Parameters
    ----------
    circuit : CircuitLike
        Settings; empty for resistors, whose small lag is left to ``drai-hw extract``.
    """
    if settings_of(circuit).coupling == "resistive":
        return {}
    found, unit = turned_sine(circuit), _larger_part(circuit)
    return keys_of([a / unit for a in found.sine], [b / unit for b in found.cosine])


def _larger_part(circuit: CircuitLike) -> float:
    found = turned_sine(circuit)
    return max(abs(found.sine[0]), abs(found.cosine[1]))


def turned_sine(circuit: CircuitLike) -> FourierCoupling:
    """
    Return the first harmonic of the coupling, of size 1, as the formulae and the branches say.

    Parameters
    ----------
    circuit : CircuitLike
        Settings. Tanks: without the lag of eps/4; rings: with the one extracted.
    """
    settings = settings_of(circuit)
    phase_rad = branch_of(settings, 1.0).phase_rad
    lag_rad = (ring_pull.lag_rad(settings) if settings.kind == "ring" else 0.0) - phase_rad
    return FourierCoupling((math.cos(lag_rad),), (math.sin(lag_rad), -math.sin(lag_rad)))


@dataclass(frozen=True)
class TankDesign:
    """
    What a tank shall do, or what a given tank does.

    Parameters
    ----------
    f0_hz : float
        Oscillation frequency, with the shift by the core.
    amplitude_v : float
        Peak voltage between the sides, uncoupled.
    q : float
        Quality factor of the bare tank.
    power_w : float
        Loss in the tank at that amplitude; a real core takes more.
    gain : float
        ``g1 R``, > 1.
    """

    f0_hz: float
    amplitude_v: float
    q: float
    power_w: float
    gain: float = 2.0

    @property
    def capacitance_f(self) -> float:
        """
        Return the capacitance from each side to ground.

        ``P = A^2 / 2R`` fixes R, ``Q = R omega C / 2`` then C, at the resonance that the core
        shifts down to ``f0_hz``.
        """
        parallel_ohm = self.amplitude_v**2 / (2.0 * self.power_w)
        resonance_hz = self.f0_hz / (1.0 - ((self.gain - 1.0) / self.q) ** 2 / 16.0)
        return 2.0 * self.q / (parallel_ohm * TAU * resonance_hz)

    def tank(self) -> Tank:
        """
        Return the components.

        Raises
        ------
        SpecError
            A value is not above 0, the gain not above 1, or the core too strong for the Q.
        """
        for name, value, unit in (
            ("f0_hz", self.f0_hz, " Hz"), ("amplitude_v", self.amplitude_v, " V"),
            ("q", self.q, ""), ("power_w", self.power_w, " W"),
        ):  # fmt: skip
            _positive(name, value, unit)
        if not self.gain > 1:
            raise SpecError(f"gain = {self.gain!r}: needed is above 1, or nothing oscillates")
        return design_tank(self.f0_hz, self.q, self.amplitude_v, self.capacitance_f, gain=self.gain)

    def circuit(self, base: Circuit | None = None) -> Circuit:
        """Return settings of a network of such tanks; what the design leaves open is the base's."""
        self.tank()
        return replace(
            base or Circuit(),
            kind="lc",
            f0_hz=self.f0_hz,
            q=self.q,
            amplitude_v=self.amplitude_v,
            capacitance_f=self.capacitance_f,
            gain=self.gain,
        )

    @classmethod
    def of(cls, tank: Tank) -> TankDesign:
        """Return what components give, the inverse of ``tank``."""
        return cls(
            f0_hz=tank.f0_hz,
            amplitude_v=tank.amplitude_v,
            q=tank.q,
            power_w=tank.loss_w,
            gain=tank.g1_s * tank.parallel_ohm,
        )


@dataclass(frozen=True)
class RingDesign:
    """
    What a ring shall do, or what given settings give.

    Frequency and power are set apart: ``P = 2 N C VDD^2 f`` (the charge of two chains) with
    ``f = 1/(2 N t_d)`` and ``t_d = 0.97 C VDD / I`` leaves ``P = I VDD / 0.97``, whatever C and N;
    so the power asks for a width of the transistors, and the frequency then for the load. One
    chain takes half, with 0.96.

    Parameters
    ----------
    f0_hz : float
        Oscillation frequency.
    swing_v : float
        Peak-to-peak voltage of a node, the supply: these rings swing from rail to rail.
    power_w : float
        Charging power of all chains; the latch adds to it (``spice.Circuit.ring_latch``).
    stages : int
        Inverters of a chain, odd, at least 3.
    topology : {"pseudo-differential", "single-ended"}
        Two chains, or one.
    """

    f0_hz: float
    swing_v: float
    power_w: float
    stages: int = 5
    topology: Literal["pseudo-differential", "single-ended"] = "pseudo-differential"

    def circuit(self, base: Circuit | None = None) -> Circuit:
        """
        Return settings of a network of such rings; what the design leaves open is the base's.

        Raises
        ------
        SpecError
            A value is not above 0, or the supply does not turn the transistors on.
        """
        for name, value, unit in (
            ("f0_hz", self.f0_hz, " Hz"), ("swing_v", self.swing_v, " V"),
            ("power_w", self.power_w, " W"),
        ):  # fmt: skip
            _positive(name, value, unit)
        if self.swing_v <= LEAST_SUPPLY_V:
            raise SpecError(
                f"swing_v = {self.swing_v!r}: needed is more than {LEAST_SUPPLY_V:g} V, twice the "
                "threshold of the transistors, or both of a stage are off midway"
            )
        narrow = replace(
            base or Circuit(), kind="ring", ring_topology=self.topology,
            ring_vdd_v=self.swing_v, ring_stages=self.stages, ring_width=1.0, ring_load_f=1e-15,
        )  # fmt: skip
        wide = replace(narrow, ring_width=self.power_w / ring.charging_w(narrow))
        load_f = wide.ring_load_f * ring.nominal_hz(wide) / self.f0_hz
        return replace(wide, ring_load_f=load_f)

    @classmethod
    def of(cls, circuit: Circuit) -> RingDesign:
        """Return what settings give, the inverse of ``circuit``."""
        return cls(
            f0_hz=ring.nominal_hz(circuit),
            swing_v=circuit.ring_vdd_v,
            power_w=ring.charging_w(circuit),
            stages=circuit.ring_stages,
            topology=circuit.ring_topology,
        )
