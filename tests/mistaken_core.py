"""A core in software, right or mistaken, behind the same machine as a simulated one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drai_hw.model.numbers import Formats
from drai_hw.model.twin import Twin
from drai_hw.sim.comparison import Comparison, state_of
from drai_hw.sim.mirror import MirroredMachine

FIELDS = {"ema": "frequency", "over": "over budget"}


class _Window:
    """What a bench sees of a twin."""

    def __init__(self, twin: Twin) -> None:
        self._twin = twin
        self._seen: Mapping[str, NDArray[np.int64]] = {}

    def sample(self) -> None:
        state = state_of(self._twin, self._twin.weight_words())
        self._seen = {name: values.copy() for name, values in state.items()}

    def columns(self, names: Sequence[str], *, signed: bool = False) -> NDArray[np.int64]:
        if names[0].startswith("lane"):
            return self._seen["weight"]
        return np.column_stack([self._seen[FIELDS.get(name, name)] for name in names])


class SoftwareCore(MirroredMachine):
    """A machine whose design is a twin, made by a function of the formats."""

    def __init__(self, formats: Formats, make: Callable[[Formats], Twin]) -> None:
        self.design = make(formats)
        window = _Window(self.design)
        super().__init__(
            Comparison(Twin(formats), dict.fromkeys(("theta", "marks", "weights"), window))
        )

    def run(self, steps: int, *, resume: bool = False, **passes: bool) -> None:
        wanted = self._passes(passes)
        for step in range(steps):
            self.design.run(1, resume=resume or step > 0, **asdict(wanted))
            self._stepped(step, wanted, resume)

    def configure(self, settings: Any) -> None:
        self.design.configure(settings)
        super().configure(settings)

    def load_phases(self, theta: Any) -> None:
        self.design.load_phases(theta)
        super().load_phases(theta)

    def load_omega(self, omega: Any) -> None:
        self.design.load_omega(omega)
        super().load_omega(omega)

    def load_inputs(self, psi: Any, strength: Any, clamp: Any, active: Any) -> None:
        self.design.load_inputs(psi, strength, clamp, active)
        super().load_inputs(psi, strength, clamp, active)

    def load_links(self, links: Any) -> None:
        self.design.load_links(links)
        super().load_links(links)

    def load_weights(self, weights: Any) -> None:
        self.design.load_weights(weights)
        super().load_weights(weights)

    def reseed(self) -> None:
        self.design.reseed()
        super().reseed()

    def _write(self, writes: list[tuple[str, int]]) -> None:
        """Registers are set by the calls above."""

    def _read(self, pointer: str, name: str, count: int) -> NDArray[np.int64]:
        raise NotImplementedError

    def read_phases(self) -> NDArray[np.int64]:
        return self.design.read_phases()

    def read_margins(self) -> NDArray[np.bool_]:
        return self.design.read_margins()

    def read_weights(self) -> NDArray[np.int64]:
        return self.design.read_weights()

    def _register(self, name: str) -> int:
        return int(getattr(self.design.counters(), name.lower()))

    def _reset(self, clocks: int) -> None:
        self.design.reseed()
