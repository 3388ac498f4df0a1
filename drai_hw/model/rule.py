"""The float learning rule: g over a window, gates, decay, saturation, stabilisers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from drai_hw.errors import SpecError
from drai_hw.model import g as learning_functions
from drai_hw.model import gates, stabilisers
from drai_hw.model.gates.base import Bools, Floats, Observed
from drai_hw.model.machine import Counters
from drai_hw.model.window import window_mean
from drai_hw.spec import Spec
from drai_hw.units import TAU


class Rule:
    """The learning rule of a network file, put together from parts found by name.

    One application after a window of T steps is, for every pair::

        w := clip(w + [all gates open] eta T <g>_T, +-w_max)
        w := w (1 - decay)^T
        w := each stabiliser in turn, then the structural mask and +-w_max again

    which is the expectation of T learning steps of the twin, as long as neither gates nor
    saturation change within the window. Pairs with an inactive oscillator neither learn nor decay.

    Parameters
    ----------
    spec : Spec
        The network.
    mask : array of bool, shape (N, N), optional
        Links that exist; all by default.

    Raises
    ------
    SpecError
        Unknown parts or parameters.
    """

    def __init__(self, spec: Spec, mask: Bools | None = None) -> None:
        rule = spec.learning
        self.eta, self.decay = rule.eta, rule.decay
        self.w_max = float(2 ** (spec.formats.weight_bits - 1) - 1)
        self.g = learning_functions.make(rule.g, rule.g_parameters)
        width_rad = rule.theta_r * TAU / 2 ** (spec.formats.frequency_bits + 1)
        given = _parameters("gate", rule.gates, rule.gate_parameters)
        if given.get("resonance"):
            raise SpecError(
                "gate_parameters.resonance: the width of this gate is learning.theta_r, in LSB"
            )
        given["resonance"] = {"width_rad": width_rad}
        self.gates = [gates.KIND.make(name, given.get(name)) for name in rule.gates]
        given = _parameters("stabiliser", rule.stabilisers, rule.stabiliser_parameters)
        self.stabilisers = [
            stabilisers.KIND.make(name, given.get(name)) for name in rule.stabilisers
        ]
        n = spec.network.oscillators
        self._links = ~np.eye(n, dtype=bool) if mask is None else mask & ~np.eye(n, dtype=bool)

    def apply(self, seen: Observed) -> tuple[Floats, Counters]:
        """Return the weights after a window, and what happened.

        A pair whose gates are open counts as written, in each step of the window: the expectation
        has no events.

        Parameters
        ----------
        seen : Observed
            The window.
        """
        steps = seen.phases_rad.shape[-2]
        active = seen.amplitudes != 0
        both = active[..., :, None] & active[..., None, :] & self._links
        may = both
        for gate in self.gates:
            may = may & gate.open(seen)
        new = seen.weights
        if may.any():
            change = self.eta * steps * window_mean(self.g, seen.phases_rad)
            new = np.clip(new + np.where(may, change, 0.0), -self.w_max, self.w_max)
        if self.decay:
            new = np.where(both, new * (1.0 - self.decay) ** steps, new)
        for stabiliser in self.stabilisers:
            new = stabiliser.apply(new, seen)
        if self.stabilisers:
            new = np.where(self._links, np.clip(new, -self.w_max, self.w_max), 0.0)
        shape = np.broadcast_shapes(may.shape, new.shape)
        visited, opened, changed = (
            int(np.count_nonzero(np.broadcast_to(pairs, shape))) // 2
            for pairs in (both, may, new != seen.weights)
        )
        return new, Counters(visited * steps, opened * steps, opened * steps, changed)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return what the stabilisers remember, by ``index.name``."""
        return {
            f"{index}.{name}": value
            for index, stabiliser in enumerate(self.stabilisers)
            for name, value in stabiliser.state().items()
        }

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Return to a state taken by `state`."""
        for index, stabiliser in enumerate(self.stabilisers):
            own = {
                name.partition(".")[2]: value
                for name, value in state.items()
                if name.partition(".")[0] == str(index)
            }
            stabiliser.restore(own)


def _parameters(
    what: str, listed: tuple[str, ...], given: dict[str, dict[str, float]] | None
) -> dict[str, dict[str, float]]:
    """Return the parameters by part; refuse those of parts that are not in use."""
    for name in given or {}:
        if name not in listed:
            raise SpecError(
                f"{what}_parameters.{name}: learning.{what}s does not list {name!r}; it lists "
                f"{', '.join(listed) or 'none'}"
            )
    return dict(given or {})
