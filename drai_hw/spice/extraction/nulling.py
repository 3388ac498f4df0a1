"""Nulling the lag of a coupling by a capacitor beside each resistor."""

from __future__ import annotations

import math
from dataclasses import replace

from drai_hw.errors import SpecError
from drai_hw.spice import ring
from drai_hw.spice.extraction.phase_response import phase_response
from drai_hw.spice.extraction.phasemap import PhaseMap
from drai_hw.spice.require import require_resistive
from drai_hw.spice.settings import Circuit


def null_lag(
    circuit: Circuit, found: PhaseMap | None = None, *, timeout_s: float = 600.0
) -> Circuit:
    """
    Return the circuit with the capacitor beside each coupling resistor that nulls its lag.

    A branch ``G + i omega C_c`` advances the pull by atan(omega C_c / G); that angle is made the
    extracted lag. The k-th harmonic is advanced by ``atan(k omega C_c / G)``: where the lag comes
    of a delay, as in rings, the higher ones are nulled with the first. A wire from another stage
    would not do with resistors, whatever the stage: it turns what one of a pair feels as far
    forward as it turns back what the other feels, and the lag stays.

    Parameters
    ----------
    circuit : Circuit
        Settings with resistors.
    found : PhaseMap, optional
        Its map with a coupling; extracted by phase response when omitted.
    timeout_s : float
        Wall-clock limit of the extraction.

    Raises
    ------
    SpecError
        The couplings have capacitors already, the map has no coupling, or the lag is not between
        0 and 90 degrees.
    ConvergenceError, ToolError
        As in `phase_response`.
    """
    require_resistive(circuit, "the lag is nulled of")
    if found is None:
        found = phase_response(circuit, timeout_s=timeout_s).map
    if not found.sine:
        raise SpecError(
            f"a phase map by {found.way} has no coupling: give one by phase response or pair "
            "transient"
        )
    lag_rad = found.lag_rad
    if not 0 < lag_rad < math.pi / 2:
        raise SpecError(
            f"lag {math.degrees(lag_rad):.3g} degrees: a capacitor nulls one between 0 and 90 "
            "degrees; needed is an oscillator whose coupling lags"
        )
    # the branch is laid out at the nominal frequency and works at the measured one
    nominal_hz = ring.nominal_hz(circuit) if circuit.kind == "ring" else circuit.f0_hz
    tangent = math.tan(lag_rad) * nominal_hz / found.frequency_hz
    return replace(circuit, coupling="parallel-rc", coupling_rad=math.atan(tangent))
