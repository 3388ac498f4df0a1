"""Components of a network's circuit as they were drawn, and what that does to its frequencies."""

from __future__ import annotations

from drai_hw import spice
from drai_hw.spec import Spec
from drai_hw.spice.settings import Floats
from drai_hw.spice.tuning.trim import Die, die_of
from drai_hw.spice.wiring import wiring_of
from drai_hw.units import TAU


def die_for(spec: Spec, weights: Floats, seed: int | None = None) -> Die | None:
    """
    Return the capacitors that a network's circuit has got; None where all are nominal.

    Parameters
    ----------
    spec : Spec
        The network: ``circuit.mismatch``, ``tuning_bits`` and ``tuning_range``.
    weights : ndarray, shape (N, N)
        Its couplings, for the wires that they need.
    seed : int, optional
        Of the draws; ``task.seed`` when omitted.

    Raises
    ------
    SpecError
        Banks that cannot be built.
    """
    section, circuit = spec.circuit, spice.settings_of(spec.circuit)
    wires = wiring_of(weights, circuit)
    return die_of(
        circuit, len(weights), spec.task.seed if seed is None else seed,
        mismatch=section.mismatch, bits=section.tuning_bits, reach=section.tuning_range,
        wires_f=wires.side_f - wires.mean_f,
    )  # fmt: skip


def with_detuning(spec: Spec, relative: Floats) -> Spec:
    """
    Return a network whose float model has such deviations of its frequencies, f/f0 - 1.

    They come on top of ``dynamics.frequencies``, which are in units of kappa R.
    """
    unit = spice.advance_per_cycle_rad(spec.circuit) / TAU
    given = spec.dynamics.frequencies or (0.0,) * len(relative)
    found = tuple(float(g + r / unit) for g, r in zip(given, relative, strict=True))
    return spec.model_copy(
        update={"dynamics": spec.dynamics.model_copy(update={"frequencies": found})}
    )
