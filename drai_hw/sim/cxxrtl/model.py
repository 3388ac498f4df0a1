"""A compiled CXXRTL model in Python: bus accesses, runs, memories and toggle counts."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drai_hw.errors import ToolError
from drai_hw.rtl.registers import REGISTERS
from drai_hw.sim.core_ports import misfit
from drai_hw.sim.units.portmap import PortMap

ACCESS_LIMIT_CLOCKS = 20_000  # an SDRAM rests for 200 us before it takes the first word
RESET_CLOCKS = 3

_U32 = np.ctypeslib.ndpointer(np.uint32, flags="C_CONTIGUOUS")
_I64 = np.ctypeslib.ndpointer(np.int64, flags="C_CONTIGUOUS")
_VOID, _TEXT, _SIZE, _INT = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int
_U64, _WORD = ctypes.c_uint64, ctypes.c_uint32
_SIZE_OUT, _U64_OUT = ctypes.POINTER(ctypes.c_size_t), ctypes.POINTER(ctypes.c_uint64)

_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "drai_open": (_VOID, [_TEXT]),
    "drai_connect": (_INT, [_VOID, _TEXT, _TEXT]),
    "drai_reset_low": (None, [_VOID]),
    "drai_hold": (_INT, [_VOID, _TEXT, _WORD]),
    "drai_close": (None, [_VOID]),
    "drai_width": (_SIZE, [_VOID, _TEXT]),
    "drai_clocks": (_U64, [_VOID]),
    "drai_endless": (_INT, [_VOID]),
    "drai_reset": (None, [_VOID, _WORD]),
    "drai_access": (_SIZE, [_VOID, _INT, _U32, _U32, _SIZE, _WORD]),
    "drai_wait": (_INT, [_VOID, _INT, _U64]),
    "drai_tick": (None, [_VOID, _WORD]),
    "drai_memory": (_VOID, [_VOID, _TEXT, _SIZE_OUT, _SIZE_OUT]),
    "drai_unpack": (None, [_VOID, _SIZE, _SIZE, _U32, _U32, _SIZE, _INT, _I64]),
    "drai_watch": (_SIZE, [_VOID, _TEXT]),
    "drai_count": (None, [_VOID, _INT]),
    "drai_toggles": (None, [_VOID, _U64_OUT, _U64_OUT]),
}


class Model:
    """A model and its harness, just reset.

    Parameters
    ----------
    library : Path
        As `drai_hw.sim.cxxrtl.build.compiled` returned it.
    top : str
        Top module.
    connect : PortMap, optional
        Names of its ports, level of its reset and constant inputs.

    Raises
    ------
    ToolError
        A port of the core is missing or has another width, or the design does not settle.
    """

    def __init__(self, library: Path, top: str, connect: PortMap | None = None) -> None:
        self._library = ctypes.CDLL(str(library))
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(self._library, name)
            function.restype, function.argtypes = result, arguments
        self._model = _VOID(self._library.drai_open(top.encode()))
        self.accesses = 0
        connect = connect or PortMap()
        for ours, theirs in connect.names.items():
            self._library.drai_connect(self._model, ours.encode(), theirs.encode())
        if connect.reset_low:
            self._library.drai_reset_low(self._model)
        lost = [
            name
            for name, value in connect.constants.items()
            if not self._library.drai_hold(self._model, name.encode(), value & 0xFFFFFFFF)
        ]
        wrong = misfit(
            top, lambda name: self._library.drai_width(self._model, name.encode()), connect, lost
        )
        if wrong:
            self.close()
            raise ToolError(wrong)
        self.reset()

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the model; all that was taken from it must not be used any more."""
        if self._model:
            self._library.drai_close(self._model)
            self._model = _VOID(None)

    @property
    def clocks(self) -> int:
        """Clocks since the first edge."""
        # The first of n edges stands at time 0.
        return int(self._library.drai_clocks(self._model)) - 1

    def write(self, names: Sequence[str], values: NDArray[np.int64]) -> None:
        """Write registers one after the other."""
        addresses = np.array([REGISTERS[name].address for name in names], dtype=np.uint32)
        words = (np.asarray(values, dtype=np.int64) & 0xFFFFFFFF).astype(np.uint32)
        self._access(False, addresses, words, names)

    def write_all(self, name: str, values: NDArray[np.int64]) -> None:
        """Write one register once for every value."""
        addresses = np.full(len(values), REGISTERS[name].address, dtype=np.uint32)
        words = (np.asarray(values, dtype=np.int64) & 0xFFFFFFFF).astype(np.uint32)
        self._access(False, addresses, words, [name])

    def read(self, name: str, count: int = 1) -> NDArray[np.int64]:
        """Read a register ``count`` times; signed ones come sign-extended."""
        register = REGISTERS[name]
        words = np.zeros(count, dtype=np.uint32)
        self._access(True, np.full(count, register.address, dtype=np.uint32), words, [name])
        return words.view(np.int32).astype(np.int64) if register.signed else words.astype(np.int64)

    def _access(
        self, reads: bool, addresses: NDArray[Any], words: NDArray[Any], names: Sequence[str]
    ) -> None:
        done = self._library.drai_access(
            self._model, reads, addresses, words, len(words), ACCESS_LIMIT_CLOCKS
        )
        self.accesses += done
        self._check_settled()
        if done < len(words):
            name = names[min(done, len(names) - 1)]
            raise ToolError(f"register {name}: no acknowledge within {ACCESS_LIMIT_CLOCKS} clocks")

    def until_step_done(self, limit_clocks: int) -> None:
        """Let clocks pass until STEP_DONE rises."""
        self._wait(False, limit_clocks, "STEP_DONE")

    def until_rest(self, limit_clocks: int) -> None:
        """Let clocks pass until BUSY falls."""
        self._wait(True, limit_clocks, "the end of BUSY")

    def _wait(self, busy: bool, limit_clocks: int, what: str) -> None:
        came = self._library.drai_wait(self._model, busy, limit_clocks)
        self._check_settled()
        if not came:
            raise ToolError(f"{what} did not come within {limit_clocks} clocks of a run")

    def reset(self) -> None:
        """Reset the design, whatever it is at; a clock later it is at rest."""
        self._library.drai_reset(self._model, RESET_CLOCKS)
        self._check_settled()

    def tick(self, clocks: int = 1) -> None:
        """Let clocks pass."""
        self._library.drai_tick(self._model, clocks)
        self._check_settled()

    def _check_settled(self) -> None:
        if self._library.drai_endless(self._model):
            raise ToolError(
                "the design does not settle: a loop of logic in it oscillates; needs a flip-flop "
                "in every loop"
            )

    def memory(self, path: str) -> tuple[int, int, int]:
        """Return where a memory's words stand, its width in bits and its depth in words."""
        width, depth = ctypes.c_size_t(), ctypes.c_size_t()
        found = self._library.drai_memory(
            self._model, path.encode(), ctypes.byref(width), ctypes.byref(depth)
        )
        if found is None:
            raise ToolError(
                f"the design has no {path}: the bench reads the state there after every step"
            )
        return found, width.value, depth.value

    def fill(self, path: str, words: NDArray[Any]) -> None:
        """Set a memory of at most 32 bits a word to contents that it has before any write."""
        place, width, depth = self.memory(path)
        if width > 32 or depth != len(words):
            raise ToolError(
                f"memory {path} has {depth} words of {width} bits; {len(words)} words of at most "
                "32 bits were to be put there"
            )
        values = np.ascontiguousarray(words & ((1 << width) - 1), dtype=np.uint32)
        ctypes.memmove(place, values.ctypes.data, values.nbytes)

    def unpack(
        self, words: int, chunks: int, depth: int, first: NDArray[Any], bits: NDArray[Any],
        signed: bool,
    ) -> NDArray[np.int64]:  # fmt: skip
        """Return fields of words in memory, shape (depth, fields)."""
        out = np.empty((depth, len(first)), dtype=np.int64)
        self._library.drai_unpack(words, chunks, depth, first, bits, len(first), signed, out)
        return out

    def watch(self, paths: Sequence[str]) -> int:
        """Choose the registers whose toggles `counting` counts; return their bits."""
        return sum(int(self._library.drai_watch(self._model, path.encode())) for path in paths)

    def counting(self, on: bool) -> None:
        """Begin or end counting toggles."""
        self._library.drai_count(self._model, on)

    def toggles(self) -> tuple[int, int]:
        """Return toggles counted, and the clocks they were counted in."""
        toggles, clocks = ctypes.c_uint64(), ctypes.c_uint64()
        self._library.drai_toggles(self._model, ctypes.byref(toggles), ctypes.byref(clocks))
        return toggles.value, clocks.value


class MemoryWindow:
    """View of one memory of a model, field by field (`drai_hw.sim.comparison.Window`).

    Parameters
    ----------
    model : Model
        The model.
    description : dict
        Entry of ``memories`` in the metadata of `drai_hw.rtl.emit.metadata`.
    """

    def __init__(self, model: Model, description: dict[str, Any]) -> None:
        self._model = model
        path, fields = description["path"], description["fields"]
        self._words, width, depth = model.memory(path)
        needed = max(field["first_bit"] + field["bits"] for field in fields.values())
        if width < needed or depth < description["depth"]:
            raise ToolError(
                f"memory {path} of the design has {depth} words of {width} bits; needs "
                f"{description['depth']} of {needed}"
            )
        self._chunks, self._depth, self._fields = -(-width // 32), description["depth"], fields

    def sample(self) -> None:
        """Do nothing: the words of a model at rest are what they are."""

    def columns(self, names: Sequence[str], *, signed: bool = False) -> NDArray[np.int64]:
        """Return fields of all words, shape (depth, len(names))."""
        places = [self._fields[name] for name in names]
        first = np.array([place["first_bit"] for place in places], dtype=np.uint32)
        bits = np.array([place["bits"] for place in places], dtype=np.uint32)
        return self._model.unpack(self._words, self._chunks, self._depth, first, bits, signed)
