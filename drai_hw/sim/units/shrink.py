"""From a long failing test to the shortest sequence of clocks that still fails."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from drai_hw.model.unit_rules import UnitRule
from drai_hw.sim.units.judge import Mismatch, Timing, differences, origin, predict
from drai_hw.sim.units.session import Outputs, Part, Player, again
from drai_hw.sim.units.stimulus import Values

MAX_PLAYS = 300
MAX_CLOCKS = 20_000


class Shrinker:
    """Tries shorter and simpler sequences on the module itself.

    Parameters
    ----------
    player : Player
        The module.
    rule : UnitRule
        What is asked of it.
    timing : Timing
        Its latency and handshake.
    """

    def __init__(self, player: Player, rule: UnitRule, timing: Timing) -> None:
        self._player, self._rule, self._timing = player, rule, timing
        self._plays = self._clocks = 0

    def shortest(
        self, cycles: Sequence[Values], trace: Sequence[Outputs], wrong: Mismatch
    ) -> list[Values] | None:
        """Return the shortest failing sequence that was found, to be played after a reset.

        None where the failure does not come again.
        """
        begin = origin(cycles, trace, wrong, self._timing)
        found = None
        back = 0
        while found is None:
            piece = list(cycles[max(0, begin - back) : wrong.clock + 1])
            if self._fails(piece):
                found = piece
            elif back > begin:
                return None
            back = back * 2 if back else 1
        return self._simpler(self._fewer(found))

    def _fails(self, cycles: Sequence[Values]) -> bool:
        """Return whether the module fails on a sequence after a reset."""
        if self._plays >= MAX_PLAYS or self._clocks >= MAX_CLOCKS or not self._steady(cycles):
            return False
        part = self.play(cycles)
        expected = predict(self._rule, part.cycles, part.trace, self._timing)
        return bool(differences(expected, part.trace, limit=1))

    def play(self, cycles: Sequence[Values]) -> Part:
        """Play a sequence after a reset."""
        part = again(
            self._player, self._rule, cycles,
            latency=self._timing.latency, handshake=self._timing.handshake,
        )  # fmt: skip
        self._plays += 1
        self._clocks += len(part.trace)
        return part

    def _steady(self, cycles: Sequence[Values]) -> bool:
        """Return whether settings change only while no sample is under way."""
        names = [port.name for port in self._rule.inputs if port.setting]
        busy = 0
        for before, after in pairwise(cycles):
            busy = self._timing.latency if before.get("en") else busy - 1
            if names and busy > 0 and any(before[name] != after[name] for name in names):
                return False
        return True

    def _fewer(self, cycles: list[Values]) -> list[Values]:
        """Leave clocks out, large pieces first."""
        size = max(1, len(cycles) // 2)
        while cycles:
            place = 0
            while place < len(cycles):
                left = cycles[:place] + cycles[place + size :]
                if self._fails(left):
                    cycles = left
                else:
                    place += size
            if size == 1:
                break
            size //= 2
        return cycles

    def _simpler(self, cycles: list[Values]) -> list[Values]:
        """Put zeros where they do no harm; settings in all clocks at once."""
        for port in self._rule.inputs:
            if port.setting and any(cycle[port.name] for cycle in cycles):
                plain = [{**cycle, port.name: 0} for cycle in cycles]
                cycles = plain if self._fails(plain) else cycles
        groups = [("om_i", "om_j"), *((p.name,) for p in self._rule.inputs if not p.setting)]
        for place in range(len(cycles) - 1, -1, -1):
            for names in groups:
                if not any(cycles[place].get(name) for name in names):
                    continue
                plain = [*cycles]
                plain[place] = {**cycles[place], **dict.fromkeys(names, 0)}
                if self._rule.allowed(plain[place]) and self._fails(plain):
                    cycles = plain
        return cycles
