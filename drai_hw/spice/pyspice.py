"""The one module that touches PySpice: a deck that collects elements and prints itself."""

from __future__ import annotations

import ctypes.util
import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from drai_hw.errors import ToolError


def digits(value: float) -> float:
    """Return a value rounded to the 12 significant digits that netlists carry."""
    return float(f"{float(value):.12g}")


def _circuit_class() -> Any:
    try:
        with warnings.catch_warnings():
            # PySpice 1.5 predates Python 3.11 and warns about its own docstrings when compiled
            warnings.simplefilter("ignore")
            from PySpice.Spice.Netlist import Circuit
    except ImportError as error:
        raise ToolError(
            f"PySpice is missing ({error}): it is needed to write netlists and is an extra because "
            "of its licence (GPLv3); install it with: pip install 'drai_hw[spice]'"
        ) from error
    return Circuit


class Deck:
    """
    Collect the elements of one circuit and print it as a netlist.

    All values are SI floats, printed with 12 significant digits: equal inputs give equal bytes even
    where two machines' sine functions differ in the last bit.

    Parameters
    ----------
    title : str
        First line of the netlist.

    Raises
    ------
    ToolError
        PySpice is not installed.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self._circuit = _circuit_class()(title)

    def resistor(self, name: str, plus: str, minus: str, ohm: float) -> None:
        """Add resistor ``R<name>``."""
        self._circuit.R(name, plus, minus, digits(ohm))

    def capacitor(
        self, name: str, plus: str, minus: str, farad: float, start_v: float | None = None
    ) -> None:
        """Add capacitor ``C<name>``, charged to ``start_v`` when given."""
        start = {} if start_v is None else {"initial_condition": digits(start_v)}
        self._circuit.C(name, plus, minus, digits(farad), **start)

    def inductor(self, name: str, plus: str, minus: str, henry: float, start_a: float) -> None:
        """Add inductor ``L<name>`` carrying ``start_a`` from plus to minus at the start."""
        self._circuit.L(name, plus, minus, digits(henry), initial_condition=digits(start_a))

    def current(self, name: str, plus: str, minus: str, expression: str) -> None:
        """Add behavioural source ``B<name>``: current in ampere from plus through it to minus."""
        self._circuit.BehavioralSource(name, plus, minus, current_expression=expression)

    def voltage(self, name: str, plus: str, minus: str, volt: float) -> None:
        """Add DC source ``V<name>``."""
        self._circuit.V(name, plus, minus, digits(volt))

    def model(self, name: str, device: str, parameters: Mapping[str, float]) -> None:
        """Add a model card."""
        self._circuit.model(name, device, **parameters)

    def mosfet(self, name: str, nodes: Sequence[str], model: str, w_m: float, l_m: float) -> None:
        """Add MOSFET ``M<name>`` with nodes drain, gate, source, bulk."""
        self._circuit.MOSFET(name, *nodes, model=model, w=digits(w_m), l=digits(l_m))

    def text(self, comments: Sequence[str], commands: Sequence[str]) -> str:
        """
        Print the netlist.

        Parameters
        ----------
        comments : sequence of str
            Lines below the title, without the leading asterisk.
        commands : sequence of str
            Analysis lines before ``.end``.

        Returns
        -------
        str
            The netlist, ending in a newline.
        """
        title, _, body = str(self._circuit).partition("\n")
        head = [title, *(f"* {line}".rstrip() for line in comments)]
        return "\n".join([*head, body.strip("\n"), *commands, ".end", ""])


def run_in_library(text: str) -> dict[str, Any]:
    """
    Run a netlist in ngspice's shared library, inside this process.

    One library is one simulator, and its crash is this process's: `drai_hw.spice.shared` runs this
    in a process of its own.

    Parameters
    ----------
    text : str
        Netlist with its analysis.

    Returns
    -------
    dict of str to ndarray
        Every saved vector by the library's name (``p0``, ``lt0#branch``, ``time``).

    Raises
    ------
    ToolError
        PySpice or the library is missing, or ngspice failed; the message has its own words.
    """
    _circuit_class()
    if ctypes.util.find_library("ngspice"):
        # PySpice looks for the unversioned name, which only the library's developer package has
        os.environ.setdefault("NGSPICE_LIBRARY_PATH", "libngspice.so.0")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from PySpice.Spice.NgSpice.Shared import NgSpiceCommandError, NgSpiceShared

            simulator = NgSpiceShared.new_instance()
    except (ImportError, OSError) as error:
        raise ToolError(
            f"ngspice's shared library is missing ({error}); install it with: apt-get install "
            "libngspice0, or use the engine 'batch'"
        ) from error
    # as the .spiceinit of the batch engine: OpenMP only slows circuits of this size down
    simulator.exec_command("set num_threads=1")
    try:
        simulator.load_circuit(text)
        simulator.run()
    except NgSpiceCommandError as error:
        raise ToolError(f"ngspice's shared library failed: {error}") from error
    plot = simulator.plot(simulation=None, plot_name=simulator.last_plot)
    return {name: plot[name]._data for name in plot}
