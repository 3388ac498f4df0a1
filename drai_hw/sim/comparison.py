"""What every simulator's bench compares: the RTL's whole state beside the twin's."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from drai_hw.model.schedule import schedule
from drai_hw.model.twin import Twin

DIFF_LIMIT = 1000  # entries of a mismatch report
MEMORIES = ("theta", "marks", "weights")


class DisagreementError(Exception):
    """RTL and twin differ: the job ends here, all that follows would differ too."""


class Window(Protocol):
    """A view of one memory of the simulated design."""

    def sample(self) -> None:
        """Take the words as they are now; `columns` reads these."""

    def columns(self, names: Sequence[str], *, signed: bool = False) -> NDArray[np.int64]:
        """Return fields of all words, shape (depth, len(names))."""


class JoinedWindow:
    """Window on words that lie in several memories.

    Parameters
    ----------
    description : mapping
        With ``pieces``, as `drai_hw.rtl.stores.weight_memory` describes them.
    window : callable
        Makes a `Window` of the description of one memory.
    """

    def __init__(
        self, description: Mapping[str, Any], window: Callable[[dict[str, Any]], Window]
    ) -> None:
        self._depth, self._fields = description["depth"], description["fields"]
        self._pieces: list[tuple[slice, Window, dict[str, int]]] = []
        for piece in description["pieces"]:
            first, end = piece["first_bit"], piece["first_bit"] + piece["bits"]
            fields: dict[str, dict[str, int]] = {}
            shifts: dict[str, int] = {}
            for name, field in self._fields.items():
                low = max(first, field["first_bit"])
                bits = min(end, field["first_bit"] + field["bits"]) - low
                if bits > 0:
                    fields[name] = {"first_bit": low - first, "bits": bits}
                    shifts[name] = low - field["first_bit"]
            rows = slice(piece["first_word"], piece["first_word"] + piece["words"])
            memory = {"path": piece["path"], "depth": piece["words"], "fields": fields}
            self._pieces.append((rows, window(memory), shifts))

    def sample(self) -> None:
        """Take the words as they are now."""
        for _, window, _ in self._pieces:
            window.sample()

    def columns(self, names: Sequence[str], *, signed: bool = False) -> NDArray[np.int64]:
        """Return fields of all words, shape (depth, len(names))."""
        out = np.zeros((self._depth, len(names)), dtype=np.int64)
        for rows, window, shifts in self._pieces:
            at = [k for k, name in enumerate(names) if name in shifts]
            if at:
                part = window.columns([names[k] for k in at])
                out[rows, at] |= part << np.array([shifts[names[k]] for k in at])
        if signed:
            bits = np.array([self._fields[name]["bits"] for name in names])
            out -= (out >> (bits - 1)) << bits
        return out


def windows_of(
    memories: Mapping[str, dict[str, Any]], window: Callable[[dict[str, Any]], Window]
) -> dict[str, Window]:
    """Return windows on the compared memories of a design; see `JoinedWindow`."""
    return {
        name: JoinedWindow(memories[name], window)
        if "pieces" in memories[name]
        else window(memories[name])
        for name in MEMORIES
        if name in memories
    }


_MARKS = {
    "margin": ("margin", False),
    "frequency": ("ema", True),
    "over budget": ("over", False),
    "lean": ("lean", True),
    "low": ("low", False),
}
"""Field of the words in the memory ``marks``, and whether it is signed, of what is compared."""


def state_of(twin: Twin, weights: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """Return what is compared of a twin, as the core stores it, by its name in messages.

    Parameters
    ----------
    twin : Twin
        The twin.
    weights : array of int64, shape (pair_slots, lanes)
        Its weights as `Twin.weight_words` returns them.
    """
    f = twin.formats
    out = {"theta": twin.theta, "margin": twin.margin.astype(np.int64), "weight": weights}
    if f.resonance:
        out["frequency"] = twin.ema
    if f.budget:
        out["over budget"] = twin.over.astype(np.int64)
    if f.centring:
        out["lean"] = twin.lean
    if f.edge:
        out["low"] = (twin.edge_signs < 0).astype(np.int64)
    return out


class Comparison:
    """State of the RTL beside the state of the twin.

    Parameters
    ----------
    twin : Twin
        Reference.
    windows : mapping of str to Window
        On the memories ``theta``, ``marks`` and ``weights``.
    others : sequence of (Twin, windows), optional
        Twins of the replicas from 1 on, and windows on their ``theta`` and ``marks``.
    """

    def __init__(
        self,
        twin: Twin,
        windows: Mapping[str, Window],
        others: Sequence[tuple[Twin, Mapping[str, Window]]] = (),
    ) -> None:
        self.twin = twin
        self.twins = [twin, *(other for other, _ in others)]
        self._others = [(other, found["theta"], found["marks"]) for other, found in others]
        self._windows = [windows[name] for name in MEMORIES]
        self._lanes = [f"lane_{lane}" for lane in range(twin.formats.lanes)]
        self._schedule = schedule(twin.formats.lanes, twin.formats.pages)
        self._digest = hashlib.sha256()
        self.mismatches: list[dict[str, Any]] = []
        self.count = 0
        self.compared = 0
        self.coverage: Counter[str] = Counter()
        self.toggles: Counter[str] = Counter()
        self.weights = twin.weight_words()
        self._names = list(state_of(twin, self.weights))
        self.got: dict[str, NDArray[np.int64]] = {}
        self._before: dict[str, NDArray[np.int64]] = {}

    @property
    def digest(self) -> str:
        """SHA-256 over the RTL's whole state after every step."""
        return self._digest.hexdigest()

    def expect(self) -> None:
        """Take the twin's weights as the core stores them, made anew with every call: once a step.

        ``weights`` holds them for `compare` and for others.
        """
        self.weights = self.twin.weight_words()

    def compare(self, step: int) -> None:
        """Compare all phases, margin bits, smoothed frequencies, flags and weights."""
        f, twin = self.twin.formats, self.twin
        for window in self._windows:
            window.sample()
        own, want = self.state(), state_of(twin, self.weights)
        got = {name: own[name] for name in ("theta", "margin", "weight")}
        for number, (other, its_theta, its_marks) in enumerate(self._others, 1):
            its_theta.sample()
            its_marks.sample()
            got[f"theta of replica {number}"] = its_theta.columns(["theta"])[:, 0]
            want[f"theta of replica {number}"] = other.theta
            got[f"margin of replica {number}"] = its_marks.columns(["margin"])[:, 0]
            want[f"margin of replica {number}"] = other.margin.astype(np.int64)
        got |= own  # behind the replicas: the order is that of `digest`
        self.got = got
        for name, values in got.items():
            self._digest.update(np.ascontiguousarray(values).data)
            if np.array_equal(values, want[name]):
                continue
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

    def state(self) -> dict[str, NDArray[np.int64]]:
        """Return the RTL's state of the last `Window.sample`, by the names of `state_of`."""
        theta, marks, weights = self._windows
        out = {}
        for name in self._names:
            if name == "theta":
                out[name] = theta.columns([name])[:, 0]
            elif name == "weight":
                out[name] = weights.columns(self._lanes, signed=True)
            else:
                mark, signed = _MARKS[name]
                out[name] = marks.columns([mark], signed=signed)[:, 0]
        return out

    def adopt(self) -> None:
        """Let the twin take over from the RTL what a host cannot load: marks of oscillators."""
        for window in self._windows:
            window.sample()
        got = self.state()
        self.twin.margin = got["margin"].astype(bool)
        if "frequency" in got:
            self.twin.ema = got["frequency"]
        if "over budget" in got:
            self.twin.over = got["over budget"].astype(bool)
        if "lean" in got:
            self.twin.lean = got["lean"]

    def forget(self) -> None:
        """Forget the differences that were found."""
        self.count = 0
        self.mismatches = []

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
