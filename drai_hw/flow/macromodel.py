"""A network file as phase macromodels in ngspice, and their run beside the float model's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from drai_hw import spice
from drai_hw.errors import SpecError
from drai_hw.flow.circuit import with_branches
from drai_hw.flow.components import die_for, with_detuning
from drai_hw.model.coupling import FourierCoupling
from drai_hw.model.readout import is_exact, read_pattern
from drai_hw.spec import Spec
from drai_hw.spice import macromodel, ring
from drai_hw.spice.extraction import rms_rad

Floats = NDArray[np.float64]
NO_ENERGY = "a phase macromodel has no energy: --circuit lc or ring"


def macromodel_of(
    spec: Spec, weights: Floats, phases_rad: Floats, command: str
) -> macromodel.Macromodel:
    """
    Return the macromodels of the circuit that a network file describes.

    The coupling is the network's Fourier list (`drai-hw extract` gives it), or the sine, turned as
    the branches turn it; strength, frequency and length of the run are those of its circuit, and
    frequencies deviate as its drawn components make them.

    Parameters
    ----------
    spec : Spec
        The network.
    weights : ndarray, shape (N, N)
        Learned weights.
    phases_rad : ndarray, shape (N,)
        Start phases.
    command : str
        For the header.

    Raises
    ------
    SpecError
        The coupling function is neither a sine nor a Fourier list.
    """
    spec = with_branches(spec.in_row_sums(float(np.abs(weights).sum(axis=1).max())))
    if die := die_for(spec, weights):
        spec = with_detuning(spec, die.deviation(die.trimmed))
    dynamics, circuit = spec.dynamics, spec.circuit
    listed = bool(dynamics.coupling_sine or dynamics.coupling_cosine)
    if not listed and dynamics.coupling_table != "sine":
        raise SpecError(
            f"dynamics.coupling_table = {dynamics.coupling_table!r}: phase macromodels need 'sine' "
            "or a list in dynamics.coupling_sine and coupling_cosine"
        )
    found = FourierCoupling((1.0,))
    if listed:
        found = FourierCoupling(dynamics.coupling_sine, dynamics.coupling_cosine)
    settings = spice.settings_of(circuit)
    f_hz = settings.f0_hz if settings.kind == "lc" else ring.nominal_hz(settings)
    per_cycle_rad = spice.advance_per_cycle_rad(circuit)
    return macromodel.create(
        weights,
        found,
        rate_rad_per_s=f_hz * per_cycle_rad,
        duration=circuit.cycles * per_cycle_rad,
        start_phases=phases_rad,
        detuning=dynamics.frequencies or None,
        name=spec.network.name,
        command=command,
        notes=[f"stands for kind {circuit.kind}, rho {circuit.rho:g}, {circuit.cycles} periods"],
    )


def compared(model: macromodel.Macromodel, seen: macromodel.MacroRun) -> dict[str, Any]:
    """
    Return how far a run is from the float model with the same coupling.

    Parameters
    ----------
    model : Macromodel
        The network.
    seen : MacroRun
        Its run in ngspice.

    Returns
    -------
    dict
        ``phase_error_rad`` at the end and ``phase_error_largest_rad`` over time, each rms over
        oscillators with one common phase taken off; ``same_as_float``, whether both read the same
        pattern at the end; ``points`` and ``seconds`` of ngspice.
    """
    reference = macromodel.float_phases(model, seen.time_s)
    distance = rms_rad(seen.phases_rad, reference)
    ends = [read_pattern(phases[-1]) for phases in (seen.phases_rad, reference)]
    return {
        "phase_error_rad": float(distance[-1]),
        "phase_error_largest_rad": float(distance.max()),
        "same_as_float": is_exact(*ends),
        "points": len(seen.time_s),
        "seconds": seen.seconds,
    }
