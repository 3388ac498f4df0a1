"""Time steps for systems written as a right-hand side, shared by the float networks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from drai_hw.errors import SpecError

State = tuple[NDArray[np.float64], ...]
RightHandSide = Callable[[State], State]


def euler(rhs: RightHandSide, state: State, step_s: float) -> State:
    """Return the state after one Euler step, which is what the twin and the core do."""
    return tuple(x + step_s * v for x, v in zip(state, rhs(state), strict=True))


def runge_kutta(rhs: RightHandSide, state: State, step_s: float) -> State:
    """Return the state after one classical Runge-Kutta step (fourth order)."""

    def ahead(slope: State, share: float) -> State:
        return tuple(x + share * step_s * v for x, v in zip(state, slope, strict=True))

    k1 = rhs(state)
    k2 = rhs(ahead(k1, 0.5))
    k3 = rhs(ahead(k2, 0.5))
    k4 = rhs(ahead(k3, 1.0))
    return tuple(
        x + step_s / 6.0 * (a + 2.0 * b + 2.0 * c + d)
        for x, a, b, c, d in zip(state, k1, k2, k3, k4, strict=True)
    )


METHODS = {"euler": euler, "runge-kutta": runge_kutta}


def run(
    rhs: RightHandSide,
    state: State,
    step_s: float,
    steps: int,
    method: str = "runge-kutta",
    observe: Callable[[State], None] | None = None,
) -> State:
    """Return the state after ``steps`` steps.

    Parameters
    ----------
    rhs : callable
        Time derivative of each array of the state, in 1/s.
    state : tuple of arrays
        Start; it is not changed.
    step_s : float
        Length of a step, above 0.
    steps : int
        Number of steps.
    method : str
        ``euler`` or ``runge-kutta``.
    observe : callable, optional
        Called with the state after every step.

    Raises
    ------
    SpecError
        Unknown method, or a step that is not above 0.
    """
    if method not in METHODS:
        raise SpecError(f"method = {method!r}: known methods are {', '.join(METHODS)}")
    if not step_s > 0:
        raise SpecError(f"step_s = {step_s!r}: needs more than 0 s")
    advance = METHODS[method]
    for _ in range(steps):
        state = advance(rhs, state, step_s)
        if observe:
            observe(state)
    return state


def jacobian(rhs: RightHandSide, state: State, spacing: float = 1e-5) -> NDArray[np.float64]:
    """Return the derivative of the right-hand side by the state, all arrays flattened in turn.

    Central differences: the error is of the order of ``spacing**2``, here 1e-10.
    """
    sizes = [x.size for x in state]
    flat = np.concatenate([x.ravel() for x in state])

    def at(point: NDArray[np.float64]) -> NDArray[np.float64]:
        parts = np.split(point, np.cumsum(sizes)[:-1])
        shaped = tuple(part.reshape(x.shape) for part, x in zip(parts, state, strict=True))
        return np.concatenate([v.ravel() for v in rhs(shaped)])

    columns = []
    for index in range(flat.size):
        offset = np.zeros(flat.size)
        offset[index] = spacing
        columns.append((at(flat + offset) - at(flat - offset)) / (2.0 * spacing))
    return np.array(columns).T
