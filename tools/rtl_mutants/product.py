"""A mutant of the sequencer beside the right one, in all states that the two can reach together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drai_hw.formal.btor2 import System
from drai_hw.formal.machine import Machine, Values
from drai_hw.model.numbers import Formats
from drai_hw.rtl.sequencer import STEP_BITS
from tools.rtl_mutants.independence import LEFT, counts, matter, miscounts
from tools.rtl_mutants.listening import ENDS, FLUSH_CLOCKS, FLUSHED, controls, listened
from tools.rtl_mutants.rtlil import SELECT
from tools.rtl_mutants.vectors import Many, specialised

Numbers = NDArray[np.int64]
Said = dict[str, NDArray[Any]]
MOST_STATES = 2**21
COUNT = "another count of steps"
"""What differs if more of the steps left may matter than whether there are some, or they do."""
_CHUNK = 1 << 13
"""Cases at a time: as many as stay in a processor's cache."""
_GIVEN = ("clk", "steps", SELECT)


@dataclass(frozen=True)
class Met:
    """What the search found.

    Attributes
    ----------
    states : int
        Pairs of states that were reached.
    differs : str
        The control that differs where the core listens; "" if none ever does.
    clock : int
        Clocks from the reset until then.
    reset : array of int64, shape (K, 2)
        Pairs of states that a reset leads to from any of them.
    """

    states: int
    differs: str = ""
    clock: int = 0
    reset: Numbers = field(default_factory=lambda: np.zeros((0, 2), dtype=np.int64))


class Side:
    """A sequencer whose count of steps is "some left" or "none left", as the input says.

    Parameters
    ----------
    system : System
        The sequencer with all mutants.
    number : int
        Which of them; 0 for none.
    formats : Formats
        Of the core.
    """

    def __init__(self, system: System, number: int, formats: Formats) -> None:
        self.formats = formats
        self.system = specialised(system, SELECT, number)
        self.machine = Machine(self.system, Many())
        kept = [n for n in self.machine.states if n in self.system.next]
        self.left = [n for n in kept if self.width(n) == STEP_BITS]
        self.states = [n for n in kept if n not in self.left]
        self.bits = sum(map(self.width, self.states))
        if self.bits + MOST_STATES.bit_length() > 63:
            raise ValueError(f"{self.bits} bits of registers: a pair of states needs 63 at most")
        self.undefined = [n for n in self.machine.states if n not in self.system.next]

    def width(self, number: int) -> int:
        """Return the bits of a register."""
        return self.system.nodes[number].sort.bits

    def register(self, name: str) -> int:
        """Return the register behind a wire, that shows it whatever its value."""
        rng = np.random.default_rng(1)
        states: Values = {n: rng.integers(0, 1 << self.width(n), 1000) for n in self.machine.states}
        values = self.machine.evaluate(
            states, {k: 0 for k in self.system.inputs.values() if k}
        )  # fmt: skip
        shown = values[self.system.names[name]]
        return next(n for n in self.states if np.array_equal(shown, states[n]))

    def packed(self, values: Values) -> Numbers:
        """Return the states as one number a case."""
        out: Any = np.zeros(1, dtype=np.int64)
        for number in self.states:
            out = out << self.width(number) | values[number]
        return np.asarray(out)

    def unpacked(self, codes: Numbers) -> Values:
        """Undo `packed`."""
        out: Values = {}
        for number in reversed(self.states):
            out[number] = codes & (1 << self.width(number)) - 1
            codes = codes >> self.width(number)
        return out

    def clock(self, codes: Numbers, inputs: dict[str, Any]) -> tuple[Numbers, dict[str, Any]]:
        """Return the next states and all controls in each case."""
        states = self.unpacked(codes) | dict.fromkeys(self.undefined, 0)
        states |= dict.fromkeys(self.left, inputs[LEFT])
        given = {name: value for name, value in inputs.items() if name != LEFT}
        values = self.machine.evaluate(states, given | dict.fromkeys(_GIVEN, 0))
        after = {n: values[self.system.next[n]] for n in self.states}
        said = {name: self.machine.at(values, name) for name in self.system.outputs}
        return np.broadcast_to(self.packed(after), codes.shape), controls(said, self.formats)


class Product:
    """Searches over all states of the right sequencer and a mutant, from a reset on.

    In every clock all inputs are free: what the host asks for, whether steps are left, a reset.
    Only ``run`` never comes while ``busy`` stands, which the host port sees to.

    Parameters
    ----------
    system : System
        The sequencer with all mutants.
    formats : Formats
        Of the core.
    """

    def __init__(self, system: System, formats: Formats) -> None:
        self.system, self.formats = system, formats
        widths = {
            name: system.nodes[number].sort.bits
            for number, name in system.inputs.items() if name and name not in _GIVEN
        } | {LEFT: 1}  # fmt: skip
        self.asked = tuple(name for name in widths if name not in ("rst", LEFT))
        self.inputs: dict[str, Numbers] = {}
        rest = np.arange(1 << sum(widths.values()), dtype=np.int64)
        for name, width in widths.items():
            self.inputs[name] = rest & (1 << width) - 1
            rest = rest >> width
        self.right = Side(system, 0, formats)
        self.phase = self.right.register("phase_state")
        if not self._simple(self.right):
            raise ValueError("the sequencer looks at inputs in clocks in which it should not")
        # For each row of inputs the one that stands for it, at rest and in a run.
        reset = self._row(("rst", LEFT, *self.asked))
        self.images = [
            np.where(self.inputs["rst"] != 0, reset, self._row(names))
            for names in ((LEFT,), self.asked)
        ]
        self._known: dict[int, int] = {}
        self._codes: list[int] = []
        self._place(self._begun(self.right))

    def _row(self, cleared: tuple[str, ...]) -> Numbers:
        """Return the number of each row of inputs with some cleared; of ``rst``, set."""
        out = np.zeros(len(self.inputs["rst"]), dtype=np.int64)
        at = 0
        for name, values in self.inputs.items():
            kept = np.ones_like(values) if name == "rst" and name in cleared else values
            out |= (0 if name in cleared and name != "rst" else kept) << at
            at += int(values.max()).bit_length()
        return out

    def _simple(self, side: Side) -> bool:
        """Return whether inputs matter only where `images` says so: nothing is stored of others."""
        return not (
            matter(side, (LEFT, *self.asked), {"rst": 1}, outputs=False)
            or matter(side, (LEFT,), {"rst": 0, self.phase: 0})
            or matter(side, self.asked, {"rst": 0}, {self.phase: 0})
        )

    def _place(self, code: int) -> int:
        if code not in self._known:
            self._known[code] = len(self._codes)
            self._codes.append(code)
        return self._known[code]

    def _begun(self, side: Side) -> int:
        code = np.zeros(1, dtype=np.int64)
        for _ in range(2):
            code, _said = side.clock(code, dict.fromkeys(self.inputs, 0) | {"rst": 1})
        return int(code[0])

    def _clocks(self, side: Side, codes: Numbers, cases: Numbers) -> tuple[Numbers, Said]:
        """Return what follows on states, each with the inputs of a row, and the controls."""
        parts = []
        for at in range(0, len(codes), _CHUNK):
            here = codes[at : at + _CHUNK]
            rows = cases[at : at + _CHUNK]
            after, said = side.clock(here, {name: v[rows] for name, v in self.inputs.items()})
            parts.append((after, {k: np.broadcast_to(v, here.shape) for k, v in said.items()}))
        return np.concatenate([after for after, _ in parts]), {
            name: np.concatenate([said[name] for _, said in parts]).astype(np.int8)
            for name in parts[0][1]
        }

    @cached_property
    def table(self) -> tuple[Numbers, Said]:
        """Number of the next state (-1: cannot come) and controls, by state and row of inputs."""
        count = len(self.images[0])
        following, spoken, done = [], [], 0
        while done < len(self._codes):
            codes = np.array(self._codes[done:], dtype=np.int64)
            done = len(self._codes)
            runs = self.right.unpacked(codes)[self.phase] != 0
            at, cases = self._rows([~runs, runs])
            after, said = self._clocks(self.right, codes[at], cases)
            new, back = np.unique(after, return_inverse=True)
            places = np.array([self._place(int(code)) for code in new], dtype=np.int64)
            then = np.full((len(codes), count), -1, dtype=np.int64)
            then[at, cases] = places[back]
            words = {name: np.zeros((len(codes), count), dtype=np.int8) for name in said}
            for name, value in said.items():
                words[name][at, cases] = value
            for part, image in zip((~runs, runs), self.images, strict=True):
                for table in (then, *words.values()):
                    table[part] = table[part][:, image]
            then[~self._can_run(codes, words["busy"], then)] = -1
            following.append(then)
            spoken.append(words)
        return np.concatenate(following), {
            name: np.concatenate([part[name] for part in spoken]) for name in spoken[0]
        }

    def _can_run(self, codes: Numbers, busy: Numbers, then: Numbers) -> NDArray[np.bool_]:
        """Return which rows of inputs can come in each state, their next states being known."""
        after = np.array(self._codes, dtype=np.int64)[then]
        # The registers that hold what the host asks for, of the clock before.
        rest = np.flatnonzero(busy[:, 0] == 0)
        asked = (self.inputs["rst"] == 0) & (self.inputs["run"] == 0)
        held = np.bitwise_or.reduce(
            (after[rest][:, asked] ^ after[rest][:, asked][:, :1]).ravel(), initial=0
        )
        stood = ((codes[:, None] ^ after) & held) == 0
        return (self.inputs["run"] == 0) | ((busy == 0) & stood)

    def _rows(self, parts: list[NDArray[np.bool_]]) -> tuple[Numbers, Numbers]:
        """Pair places with rows of inputs: those at rest, in a run, and all the others."""
        wanted = [np.unique(image) for image in self.images] + [np.arange(len(self.images[0]))]
        at = [np.flatnonzero(part) for part in parts]
        pairs = list(zip(at, wanted, strict=False))
        return (
            np.concatenate([np.repeat(places, len(rows)) for places, rows in pairs]),
            np.concatenate([np.tile(rows, len(places)) for places, rows in pairs]),
        )

    def meet(self, number: int) -> Met:
        """Search for a clock in which a mutant says something else to a core that listens."""
        wrong = Side(self.system, number, self.formats)
        if counts(wrong) or miscounts(self.right, wrong, self.phase):
            return Met(0, COUNT)
        simple = self._simple(wrong)
        _ = self.table
        found = None
        if len(wrong.states) == len(self.right.states):
            # From all states with the same in both: more than can be reached, but in one go.
            same = np.array(self._codes, dtype=np.int64)
            found = self._search(wrong, simple, np.stack([np.arange(len(same)), same], axis=1))
        if found is None or found.differs:
            begun = np.array([[0, self._begun(wrong)]], dtype=np.int64)
            found = self._search(wrong, simple, begun)
        if found.differs:
            return found
        # Once more from what a reset makes of all these, while the pipelines empty themselves.
        early = self._search(wrong, simple, found.reset, FLUSH_CLOCKS)
        return replace(found, differs=early.differs, clock=early.clock)

    def _search(self, wrong: Side, simple: bool, pairs: Numbers, flush: int | None = None) -> Met:
        """Go on from pairs of states, with ``flush`` for so many clocks behind a reset."""
        following, said = self.table
        right = np.array(self._codes, dtype=np.int64)
        seen = set(map(tuple, pairs.tolist()))
        resets: set[int] = set()
        clock, mask = 0, (1 << wrong.bits) - 1
        while len(pairs) and clock != flush:
            phases = [
                side.unpacked(codes)[self.phase] for side, codes in (
                    (self.right, right[pairs[:, 0]]), (wrong, pairs[:, 1])
                )
            ]  # fmt: skip
            rest = (phases[0] == 0) & (phases[1] == 0) & simple
            runs = (phases[0] != 0) & (phases[1] != 0) & simple
            row, cases = self._rows([rest, runs, ~(rest | runs)])
            at = pairs[row, 0]
            after, out = self._clocks(wrong, pairs[row, 1], cases)
            then = following[at, cases]
            comes, reset = then >= 0, self.inputs["rst"][cases] != 0
            if (comes & (phases[0] != phases[1])[row]).any():
                return Met(len(seen), "phase", clock)  # steps are counted by the phase
            now = {name: values[at, cases] for name, values in said.items()}
            moment = now | {
                ENDS: now["busy"] & (said["busy"][then, 0] == 0), FLUSHED: int(flush is None)
            }  # fmt: skip
            for name, value in now.items():
                heard = comes & ~reset & (listened(name, moment) != 0)
                if ((value != out[name]) & heard).any():
                    return Met(len(seen), name, clock)
            both = then << wrong.bits | after
            resets.update(np.unique(both[comes & reset]).tolist())
            both = np.unique(both[comes])
            split = zip((both >> wrong.bits).tolist(), (both & mask).tolist(), strict=True)
            fresh = [pair for pair in split if pair not in seen]
            seen.update(fresh)
            if len(seen) > MOST_STATES:
                raise ValueError(f"mutant: more than {MOST_STATES} pairs of states")
            pairs = np.array(fresh, dtype=np.int64).reshape(-1, 2)
            clock += 1
        split = [(code >> wrong.bits, code & mask) for code in sorted(resets)]
        return Met(len(seen), reset=np.array(split, dtype=np.int64).reshape(-1, 2))
