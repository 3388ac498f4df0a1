"""The phase map of a tank, and what there is of a ring's, by formulae."""

from __future__ import annotations

import math

from drai_hw.spice import ring
from drai_hw.spice.extraction.phasemap import PhaseMap
from drai_hw.spice.lc import design_tank
from drai_hw.spice.require import require_behavioural
from drai_hw.spice.settings import Circuit, branch_of
from drai_hw.units import TAU

NO_RING = "no closed form of a ring's phase response is trusted; see the other two ways"


def tank_map(circuit: Circuit) -> PhaseMap:
    """
    Return the phase map of a van der Pol tank to first order in eps = (g1 - 1/R) sqrt(2L/C).

    ``a_1 = 1/(2C)``; the lag is eps/4: coupling out of phase damps the tank, a smaller tank is
    shifted less by its core (omega = omega0 (1 - eps^2/16)) and runs ahead. So
    ``b_0 = -b_1 = a_1 eps/4``. A branch of a phase theta turns the first harmonic by it: a
    capacitor (theta = pi/2) pulls in quadrature, ``b_1 = 1/(2C)``, and as a load takes b_1 off the
    frequency. The second harmonic of the phase response is 0 by symmetry, and a
    pumped conductance g_p between the sides gives ``K_s = g_p/(2C)``.

    Parameters
    ----------
    circuit : Circuit
        Settings.

    Raises
    ------
    SpecError
        (gain - 1)/Q is 0.4 or more: no sine oscillator.
    """
    tank = design_tank(
        circuit.f0_hz, circuit.q, circuit.amplitude_v, circuit.capacitance_f, gain=circuit.gain
    )
    eps = (circuit.gain - 1.0) / circuit.q
    w = 1.0 / (2.0 * tank.capacitance_f)
    first = complex(1.0, -eps / 4.0) * branch_of(circuit, circuit.f0_hz).admittance(
        TAU * circuit.f0_hz
    )
    return PhaseMap(
        way="closed form",
        frequency_hz=tank.f0_hz,
        amplitude_v=tank.amplitude_v,
        sine=(w * first.real,),
        cosine=(-w * first.imag, w * first.imag),
        shil_per_ampere=0.0,
        pump_per_siemens=1.0 / (2.0 * tank.capacitance_f),
    )


def ring_map(circuit: Circuit) -> PhaseMap:
    """
    Return what formulae say of a ring: its frequency, and the fundamental of a rail-to-rail swing.

    Parameters
    ----------
    circuit : Circuit
        Settings. The amplitude is that of a trapezoid between the rails whose edges last a stage
        delay on either side of the middle: ``VDD sinc(1/N) 4/pi`` between two mirror images,
        and cos(pi/2N) of it between the first two stages of one chain.
    """
    edge = math.pi / circuit.ring_stages
    fundamental = 4.0 / math.pi * math.sin(edge) / edge
    return PhaseMap(
        way="closed form",
        frequency_hz=ring.nominal_hz(circuit),
        amplitude_v=circuit.ring_vdd_v * fundamental * math.cos(0.5 * ring.tap_rad(circuit)),
        missing=dict.fromkeys(("coupling", "k_s"), NO_RING),
    )


def closed_form(circuit: Circuit) -> PhaseMap:
    """Return the phase map by formulae, for either kind of circuit; drawn cores have none."""
    require_behavioural(circuit, "the closed form of tanks has")
    return tank_map(circuit) if circuit.kind == "lc" else ring_map(circuit)
