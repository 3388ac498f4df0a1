"""Operating points: one run of ngspice, one number for each saved vector."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from drai_hw.errors import ToolError
from drai_hw.spice.engine import failure, find_ngspice, prepare, read_table


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
        names, table = read_table(raw)
    return {name: float(value) for name, value in zip(names, table[-1], strict=True)}
