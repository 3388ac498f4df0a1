"""The second engine: ngspice's shared library, in a process that may crash or hang alone."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from drai_hw.errors import ConvergenceError, ToolError
from drai_hw.spice.engine import NO_SOLUTION, Waves
from drai_hw.spice.pyspice import run_in_library


def simulate_shared(text: str, *, stop_s: float, timeout_s: float = 600.0) -> Waves:
    """
    Run a netlist in ngspice's shared library and return what it saved.

    The same numbers as `drai_hw.spice.engine.simulate`, to the last bit with the same ngspice.

    Parameters
    ----------
    text : str
        Netlist with its analysis and ``.save`` lines.
    stop_s : float
        Time that the run must reach.
    timeout_s : float
        Wall-clock limit.

    Returns
    -------
    Waves
        The saved vectors.

    Raises
    ------
    ConvergenceError
        ngspice found no solution, or ended early; the message quotes it.
    ToolError
        The library is missing, rejected the netlist, crashed, or took too long.
    """
    with tempfile.TemporaryDirectory(prefix="drai_hw_spice_") as folder:
        netlist, table = Path(folder, "circuit.cir"), Path(folder, "waves.npz")
        netlist.write_text(text, encoding="utf-8")
        try:
            done = subprocess.run(
                [sys.executable, "-m", "drai_hw.spice.shared", netlist.name, table.name],
                cwd=folder, timeout=timeout_s, capture_output=True, text=True, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise ToolError(
                f"ngspice's library ran longer than {timeout_s:g} s and was stopped: allow more "
                "time or simulate fewer cycles"
            ) from None
        said = (done.stderr + done.stdout).strip()
        if done.returncode != 0 or not table.exists():
            raise _failure(done.returncode, said)
        with np.load(table) as kept:
            vectors = {name: kept[name] for name in kept.files}
    time_s = vectors.pop("time")
    if time_s[-1] < stop_s * (1.0 - 1e-9):
        raise ConvergenceError(f"ngspice's library ended at {time_s[-1]:.6g} s of {stop_s:.6g} s")
    columns = {_plain(name): k for k, name in enumerate(vectors)}
    return Waves(time_s, np.column_stack(list(vectors.values())), columns, 0.0)


def _failure(status: int, said: str) -> ToolError:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    line = next((line for line in lines if NO_SOLUTION.search(line)), None)
    if line is not None:
        return ConvergenceError(f"ngspice's library found no solution: {line!r}")
    last = lines[-1] if lines else "it printed nothing"
    return ToolError(f"ngspice's library failed (exit status {status}): {last!r}")


def _plain(name: str) -> str:
    """Return the name a netlist uses: ``p0`` is ``v(p0)``, ``lt0#branch`` is ``i(lt0)``."""
    return f"i({name[:-7]})" if name.endswith("#branch") else f"v({name})"


def main(arguments: list[str]) -> int:
    """Run the netlist of the first argument and write its vectors to the second."""
    try:
        vectors = run_in_library(Path(arguments[0]).read_text(encoding="utf-8"))
    except ToolError as error:
        print(error, file=sys.stderr)
        return 1
    np.savez(arguments[1], **vectors)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
