"""Scoreboard of the core bench: the RTL's whole state beside the twin's."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drai_hw.model.schedule import schedule
from drai_hw.model.twin import Twin
from drai_hw.sim.bus import MemoryWindow

DIFF_LIMIT = 1000  # entries of a mismatch report


class DisagreementError(Exception):
    """RTL and twin differ: the job ends here, all that follows would differ too."""


class Scoreboard:
    """State of the RTL beside the state of the twin.

    Parameters
    ----------
    dut : handle
        Top module.
    twin : Twin
        Reference.
    memories : dict
        Metadata of the memories.
    """

    def __init__(self, dut: Any, twin: Twin, memories: dict[str, Any]) -> None:
        self.twin = twin
        self._theta = MemoryWindow(dut, memories["theta"])
        self._marks = MemoryWindow(dut, memories["marks"])
        self._weights = MemoryWindow(dut, memories["weights"])
        self._schedule = schedule(twin.formats.lanes, twin.formats.pages)
        self._digest = hashlib.sha256()
        self.mismatches: list[dict[str, Any]] = []
        self.count = 0
        self.compared = 0
        self.coverage: Counter[str] = Counter()
        self.toggles: Counter[str] = Counter()
        self._before: dict[str, NDArray[np.int64]] = {}

    @property
    def digest(self) -> str:
        """SHA-256 over the RTL's whole state after every step."""
        return self._digest.hexdigest()

    def compare(self, step: int) -> None:
        """Compare all phases, margin bits, smoothed frequencies and weights."""
        f, twin = self.twin.formats, self.twin
        marks = self._marks.words()
        words = self._weights.words()
        got = {
            "theta": self._theta.field(self._theta.words(), "theta"),
            "margin": self._marks.field(marks, "margin"),
            "weight": np.column_stack(
                [self._weights.field(words, f"lane_{k}", signed=True) for k in range(f.lanes)]
            ),
        }
        want = {
            "theta": twin.theta,
            "margin": twin.margin.astype(np.int64),
            "weight": twin.weight_words(),
        }
        if f.resonance:
            got["frequency"] = self._marks.field(marks, "ema", signed=True)
            want["frequency"] = twin.ema
        for name, values in got.items():
            self._digest.update(values.tobytes())
            for place in np.argwhere(values != want[name]):
                where = tuple(int(k) for k in place)
                self.note(step, name, self._index(name, where), want[name][where], values[where])
        for name, bits in (("theta", f.accumulator_bits), ("weight", f.weight_bits)):
            if name in self._before:
                flipped = (got[name] ^ self._before[name]) & ((1 << bits) - 1)
                self.toggles[name] += int(np.bitwise_count(flipped).sum())
            self._before[name] = got[name]
        self.compared += 1
        self.settle()

    def settle(self) -> None:
        """Raise `DisagreementError`, with the first difference, if there is one."""
        if self.count:
            first = self.mismatches[0]
            raise DisagreementError(
                "step {step}: {what} {index} is {got}, the twin has {expected}".format(**first)
                + f" ({self.count} differences in all)"
            )

    def _index(self, name: str, where: tuple[int, ...]) -> int | list[int]:
        if name != "weight":
            return where[0]
        return [int(self._schedule.i[where]), int(self._schedule.j[where])]

    def note(self, step: int, what: str, index: Any, expected: Any, got: Any) -> None:
        """Record a difference."""
        self.count += 1
        if len(self.mismatches) < DIFF_LIMIT:
            self.mismatches.append(
                {
                    "step": step,
                    "what": what,
                    "index": index,
                    "expected": int(expected),
                    "got": int(got),
                }
            )
