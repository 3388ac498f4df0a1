"""Phases as a run goes on, from any machine."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from drai_hw.errors import SpecError
from drai_hw.model.machine import Machine


def stream_phases(
    machine: Machine, steps: int, every: int = 1, *, resume: bool = False, **passes: bool
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Run a machine, and yield its phases every so many steps.

    A running core answers nothing but STATUS, so the run is made in parts; the second harmonic's
    ramp goes on from one to the next, and the bits are those of one long run. The core stands
    still while the receiver of the phases does; leaving the loop leaves the rest of the steps out.

    Parameters
    ----------
    machine : Machine
        A board or simulated core (`drai_hw.boards.host.Device`), or a twin.
    steps : int
        Steps in all, >= 0.
    every : int
        Steps between two readings, >= 1; the last part is shorter where it does not divide.
    resume : bool
        Go on with the ramp that a run before has begun.
    **passes : bool
        ``field``, ``couple``, ``learn`` as for `Machine.run`.

    Returns
    -------
    iterator of (int, array of N int)
        Steps done so far, and the phase accumulators.

    Raises
    ------
    SpecError
        ``steps`` or ``every`` is out of its range.
    """
    if steps < 0:
        raise SpecError(f"steps = {steps!r} given; 0 or more are needed")
    if every < 1:
        raise SpecError(f"every = {every!r} given; 1 step or more is needed between two readings")

    def parts() -> Iterator[tuple[int, NDArray[np.int64]]]:
        for start in range(0, steps, every):
            part = min(every, steps - start)
            machine.run(part, resume=resume or start > 0, **passes)
            yield start + part, machine.read_phases()

    return parts()
