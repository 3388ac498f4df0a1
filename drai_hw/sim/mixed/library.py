"""ngspice's shared library with the callbacks that a co-simulation needs, in this process."""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable
from ctypes import POINTER, c_bool, c_char_p, c_double, c_int, c_void_p
from typing import Any

from drai_hw.errors import ToolError

_MISSING = (
    "ngspice's shared library is missing: it runs the circuit of the mixed-signal bench; install "
    "it with: apt-get install libngspice0"
)


class _Value(ctypes.Structure):
    _fields_ = (
        ("name", c_char_p), ("real", c_double), ("imaginary", c_double), ("scale", c_bool),
        ("complex", c_bool),
    )  # fmt: skip


class _Values(ctypes.Structure):
    _fields_ = (("count", c_int), ("index", c_int), ("values", POINTER(POINTER(_Value))))


_SEND_CHAR = ctypes.CFUNCTYPE(c_int, c_char_p, c_int, c_void_p)
_EXIT = ctypes.CFUNCTYPE(c_int, c_int, c_bool, c_bool, c_int, c_void_p)
_SEND_DATA = ctypes.CFUNCTYPE(c_int, POINTER(_Values), c_int, c_int, c_void_p)
_SEND_INIT = ctypes.CFUNCTYPE(c_int, c_void_p, c_int, c_void_p)
_RUNNING = ctypes.CFUNCTYPE(c_int, c_bool, c_int, c_void_p)
_SOURCE = ctypes.CFUNCTYPE(c_int, POINTER(c_double), c_double, c_char_p, c_int, c_void_p)
_SYNC = ctypes.CFUNCTYPE(
    c_int, c_double, POINTER(c_double), c_double, c_int, c_int, c_int, c_void_p
)

Accepted = Callable[[float, list[float]], None]
Source = Callable[[str, float], float]
Before = Callable[[float, float], float]
After = Callable[[float, float], bool]


class Library:
    """
    One ngspice that asks for source voltages and for the length of its steps.

    Parameters
    ----------
    accepted : callable
        ``accepted(time_s, values)`` at every accepted time point, once each, in order of time.
    source : callable
        ``source(name, time_s)`` returns the voltage of an ``external`` source, also for time points
        that ngspice rejects afterwards: it must be a function of time.
    before : callable
        ``before(time_s, step_s)`` returns how long the step from an accepted point may be; asked
        again, with the same time, after a rejection.
    after : callable
        ``after(time_s, step_s)`` may reject a step that ngspice would accept (True); it is then
        tried again with half its length.
    failed : callable
        Takes an exception that one of them raised; must not return.

    Attributes
    ----------
    text : list of str
        What ngspice printed.
    rejected : int
        Steps that were not accepted.

    Raises
    ------
    ToolError
        The library is missing.
    """

    def __init__(
        self, accepted: Accepted, source: Source, before: Before, after: After,
        failed: Callable[[BaseException], None],
    ) -> None:  # fmt: skip
        name = ctypes.util.find_library("ngspice")
        if name is None:
            raise ToolError(_MISSING)
        self.text: list[str] = []
        self.rejected = 0
        self.left = False
        self._columns: list[int] | None = None
        self._names: list[str] = []
        self._hooks = accepted, source, before, after
        self._failed = failed
        self._library = ctypes.CDLL(name)
        # kept: ngspice holds the addresses for as long as it lives
        self._callbacks = (
            _SEND_CHAR(self._say), _SEND_CHAR(lambda *_: 0), _EXIT(self._exit),
            _SEND_DATA(self._guarded(self._data)), _SEND_INIT(lambda *_: 0),
            _RUNNING(lambda *_: 0), _SOURCE(self._guarded(self._source)),
            _SYNC(self._guarded(self._sync)),
        )  # fmt: skip
        self._library.ngSpice_Init(*self._callbacks[:6], None)
        self._library.ngSpice_Init_Sync(
            self._callbacks[6], None, self._callbacks[7], ctypes.byref(c_int(0)), None
        )

    def run(self, netlist: str, vectors: list[str]) -> None:
        """
        Run a netlist with a ``.tran`` line to its end.

        Parameters
        ----------
        netlist : str
            The text.
        vectors : list of str
            Vectors given to ``accepted``, by the library's names (``p0`` for ``v(p0)``).

        Raises
        ------
        ToolError
            ngspice refused it or gave up; ``text`` says why.
        """
        self._names, self._columns = vectors, None
        lines = [line.encode() for line in netlist.splitlines()]
        array = (c_char_p * (len(lines) + 1))(*lines, None)
        # OpenMP only slows circuits of this size down
        for what, status in (
            ("set num_threads", self._library.ngSpice_Command(b"set num_threads=1")),
            ("the netlist", self._library.ngSpice_Circ(array)),
            ("run", self._library.ngSpice_Command(b"run")),
        ):
            if status or self.left:
                raise ToolError(f"ngspice failed at {what}: " + " / ".join(self.text[-8:]))

    def _guarded(self, function: Callable[..., int]) -> Callable[..., int]:
        def call(*arguments: Any) -> int:
            try:
                return function(*arguments)
            except BaseException as error:
                self._failed(error)
                raise

        return call

    def _say(self, line: bytes, _ident: int, _user: Any) -> int:
        self.text.append(line.decode("utf-8", "replace"))
        return 0

    def _exit(self, _status: int, _now: bool, _quit: bool, _ident: int, _user: Any) -> int:
        self.left = True
        return 0

    def _data(self, table: Any, _count: int, _ident: int, _user: Any) -> int:
        values = table.contents.values
        if self._columns is None:
            found = [values[k].contents.name.decode() for k in range(table.contents.count)]
            self._columns = [found.index(name) for name in ("time", *self._names)]
        row = [values[k].contents.real for k in self._columns]
        self._hooks[0](row[0], row[1:])
        return 0

    def _source(self, volt: Any, time_s: float, name: bytes, _ident: int, _user: Any) -> int:
        volt[0] = self._hooks[1](name.decode(), time_s)
        return 0

    def _sync(
        self, time_s: float, step: Any, old_s: float, again: int, _ident: int, place: int,
        _user: Any,
    ) -> int:  # fmt: skip
        """
        Take part in ngspice's choice of the step.

        Called before a step from an accepted point (place 0), after a rejection with the time
        set back (again), and after a step that ngspice would accept, whose time is then its end.
        """
        before, after = self._hooks[2:]
        if place and not again:
            if not after(time_s, old_s):
                return 0
            self.rejected += 1
            step[0] = before(time_s - old_s, 0.5 * old_s)
            return 1
        self.rejected += again
        step[0] = before(time_s, step[0])
        return 0
