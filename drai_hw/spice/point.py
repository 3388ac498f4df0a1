"""Operating points and small signals: one run of ngspice, one number for each saved vector."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from drai_hw.errors import ToolError
from drai_hw.spice.engine import failure, find_ngspice, prepare, read_complex, read_table

T = TypeVar("T")


def operating_point(text: str, *, timeout_s: float = 600.0) -> dict[str, float]:
    """
    Run a netlist with an ``.op`` line in ``ngspice -b``.

    Parameters
    ----------
    text : str
        The netlist.
    timeout_s : float
        Wall-clock limit.

    Returns
    -------
    dict of str to float
        Saved vectors by their names in the netlist, in lower case: ``v(n)``, ``i(v1)``.

    Raises
    ------
    ConvergenceError
        ngspice found no solution.
    ToolError
        ngspice is missing, rejected the netlist or took too long.
    """
    names, table = _run(text, timeout_s, read_table)
    return {name: float(value) for name, value in zip(names, table[-1], strict=True)}


def small_signal(text: str, *, timeout_s: float = 600.0) -> dict[str, complex]:
    """
    Run a netlist with an ``.ac`` line in ``ngspice -b``; return its last frequency.

    Parameters
    ----------
    text : str
        The netlist.
    timeout_s : float
        Wall-clock limit.

    Returns
    -------
    dict of str to complex
        Saved vectors by their names, as in `operating_point`.

    Raises
    ------
    ConvergenceError, ToolError
        As in `operating_point`.
    """
    names, table = _run(text, timeout_s, read_complex)
    return {name: complex(value) for name, value in zip(names, table[-1], strict=True)}


def _run(text: str, timeout_s: float, read: Callable[[Path], T]) -> T:
    program = find_ngspice()
    with tempfile.TemporaryDirectory(prefix="drai_hw_spice_") as folder:
        netlist, raw, _ = prepare(Path(folder), "point", text)
        try:
            done = subprocess.run(
                [program, "-b", "-r", raw.name, netlist.name],
                cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                errors="replace", timeout=timeout_s, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise ToolError(
                f"ngspice ran longer than {timeout_s:g} s and was stopped: allow more time or "
                "take a smaller circuit"
            ) from error
        if done.returncode != 0 or not raw.exists():
            raise failure(done.returncode, done.stderr + done.stdout)
        return read(raw)
