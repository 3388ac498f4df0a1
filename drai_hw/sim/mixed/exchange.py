"""What one learning pass is given, the same for circuit and model."""

from __future__ import annotations

from collections.abc import Sequence

from drai_hw.model import prng
from drai_hw.model.machine import PROBABILITY_ONE
from drai_hw.model.unit_rules import SynapseRule, Values
from drai_hw.sim.mixed.circuit import pairs_of
from drai_hw.sim.mixed.settings import Mixed
from drai_hw.sim.units.stimulus import idle


class Exchanger:
    """
    Form the inputs of the learning unit, pass by pass.

    Passes go through the core's threshold sweep; every pair has an LFSR of its own that says
    whether its update event happens. Both count passes, not exchanges: a shorter exchange step
    has the same events.

    Parameters
    ----------
    mixed : Mixed
        The experiment.
    """

    def __init__(self, mixed: Mixed) -> None:
        self._mixed, self._formats = mixed, mixed.formats
        self._rule = SynapseRule(mixed.formats)
        self._quiet = idle(self._rule)
        self.pairs = pairs_of(mixed.n)
        self._states = list(prng.spread_seeds(mixed.seed, "mixed", len(self.pairs)))
        self._number = 0
        chance = mixed.event_probability if mixed.learn else 0.0
        self._chance = round(chance * PROBABILITY_ONE)

    def inputs(self, phases: Sequence[int], weights: Sequence[int]) -> list[Values]:
        """
        Return the unit's inputs for every pair in the next pass.

        Parameters
        ----------
        phases : sequence of int
            Phase words of the oscillators.
        weights : sequence of int
            Weights of the pairs.
        """
        threshold = self._formats.learning_pass(self._number).threshold
        self._number += 1
        events = [int(s % PROBABILITY_ONE < self._chance) for s in self._states]
        self._states = [prng.leap(state, prng.LEAP) for state in self._states]
        return [
            {
                "phi_i": phases[i], "phi_j": phases[j], "act_i": 1, "act_j": 1,
                "u_g": threshold, "r_eta": event, "w_in": weight,
            }
            for (i, j), event, weight in zip(self.pairs, events, weights, strict=True)
        ]  # fmt: skip

    def by_rule(self, inputs: Sequence[Values]) -> list[int]:
        """Return the weights that the synapse's rule gives for the inputs of a pass."""
        return [self._rule.apply({**self._quiet, **pair})["w_out"] for pair in inputs]
