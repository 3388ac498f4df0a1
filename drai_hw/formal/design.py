"""The core under proof: what `drai-hw rtl` writes, or a version of it that was edited."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from drai_hw.errors import SpecError
from drai_hw.formal.btor2 import System
from drai_hw.formal.frontend import read_system
from drai_hw.formal.machine import Machine, Values
from drai_hw.model.numbers import Formats
from drai_hw.rtl import emit
from drai_hw.rtl.core import Core
from drai_hw.rtl.registers import REGISTERS
from drai_hw.rtl.timing import ENTER_STAGE
from drai_hw.rtl.wrap import Bus

ACCESS_CLOCKS = 40
"""More than any access of the register bus takes."""


class Design:
    """Verilog of a core and the modules in it.

    Parameters
    ----------
    formats : Formats
        Number formats and geometry.
    files : sequence of Path
        Verilog or RTLIL.
    top : str
        Its top module; the parts are ``<top>.<part>``, as `drai-hw rtl` names them.
    """

    def __init__(self, formats: Formats, files: Sequence[Path], top: str) -> None:
        self.formats, self.files, self.top = formats, tuple(files), top
        self._systems: dict[str, System] = {}

    def system(self, part: str = "") -> System:
        """Return the transition system of a part, or of all."""
        if part not in self._systems:
            top = f"{self.top}.{part}" if part else self.top
            self._systems[part] = read_system(self.files, top)
        return self._systems[part]

    def require(self, system: System, names: Sequence[str]) -> None:
        """Refuse a design that lacks signals that a proof looks at.

        Raises
        ------
        SpecError
            Naming them.
        """
        missing = [name for name in names if name not in system.names]
        if missing:
            raise SpecError(
                f"{self.top}: no signal {', '.join(missing[:5])}; this proof follows the signals "
                "of the core that `drai-hw rtl` writes, under the same names"
            )


@contextmanager
def own_design(formats: Formats, bus: Bus | None = None) -> Iterator[Design]:
    """Write the core of a network and yield it as a design."""
    bus = bus or Bus()
    with TemporaryDirectory(prefix="drai-hw-core-") as scratch:
        path = Path(scratch) / f"{bus.top}.v"
        component: Any = bus.around(Core(formats))
        path.write_text(emit.verilog(component, name=bus.top, command="drai-hw prove"))
        yield Design(formats, [path], bus.top)


IDLE = {"addr": 0, "wdata": 0, "we": 0, "re": 0, "rst": 0}


def after_reset(machine: Machine, given: dict[str, Any]) -> Values:
    """Return the states after a reset, from any state before it, and some rest.

    Parameters
    ----------
    machine : Machine
        The core.
    given : dict of str to value
        Contents of memories by name, loaded then.
    """
    states = machine.start(reset=False)
    for clock in range(2 * ENTER_STAGE):  # what was under way leaves the pipelines
        states = machine.after(machine.evaluate(states, IDLE | {"rst": int(clock == 0)}))
    return states | {machine.system.names[name]: value for name, value in given.items()}


def write(machine: Machine, states: Values, register: str, value: int) -> Values:
    """Return the states after a write access of the host.

    Raises
    ------
    SpecError
        It is not acknowledged.
    """
    access = IDLE | {"addr": REGISTERS[register].address, "wdata": int(value), "we": 1}
    for _ in range(ACCESS_CLOCKS):
        values = machine.evaluate(states, access)
        states = machine.after(values)
        if machine.at(values, "ack") == 1:
            return states
    raise SpecError(
        f"a write to {register} is not acknowledged within {ACCESS_CLOCKS} clocks of a reset; "
        "needs a core that answers the host"
    )


def run(
    machine: Machine,
    states: Values,
    limit: int,
    look: Callable[[int, Values], None],
    given: Callable[[int, Values], Values] = lambda clock, states: states,
) -> int | None:
    """Go on until ``busy`` ends; return the clocks it stood for, None if it never ends.

    Parameters
    ----------
    machine : Machine
        The core, its run just begun.
    states : dict
        Its states.
    limit : int
        Most clocks.
    look : callable
        Gets the number of each clock and its values.
    given : callable
        Gets the number of each clock and the states; returns the states to go on with.
    """
    for clock in range(limit):
        states = given(clock, states)
        values = machine.evaluate(states, IDLE)
        look(clock, values)
        if clock and machine.at(values, "busy") == 0:
            return clock
        states = machine.after(values)
    return None
