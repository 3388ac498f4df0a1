"""VHDL sources: translated to Verilog by GHDL, so that every simulator takes them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from drai_hw.errors import SpecError, ToolError
from drai_hw.sim.runner import tail
from drai_hw.sim.units.simulate import run_limited

SUFFIXES = (".vhd", ".vhdl")
_ERRORS = "ghdl.log"


def is_vhdl(path: Path) -> bool:
    """Return whether a source is VHDL, by its name."""
    return path.suffix.lower() in SUFFIXES


def translated(
    sources: Sequence[Path],
    top: str,
    folder: Path,
    limit_s: float,
    parameters: Mapping[str, int],
) -> tuple[tuple[Path, ...], dict[str, int]]:
    """Return the sources, those of VHDL as one file of Verilog, and the parameters still to be set.

    Parameters
    ----------
    sources : sequence of Path
        Files; VHDL by its suffix, in the order in which they are to be analysed.
    top : str
        The entity.
    folder : Path
        Working folder.
    limit_s : float
        Wall time, in seconds.
    parameters : mapping of str to int
        Parameters of the module; those of an entity, its generics, are set here.

    Raises
    ------
    SpecError
        GHDL does not accept the sources, or both languages are mixed.
    ToolError
        GHDL is missing.
    """
    written = [path for path in sources if is_vhdl(path)]
    if not written:
        return tuple(sources), dict(parameters)
    if len(written) != len(sources):
        raise SpecError("--dut: VHDL and Verilog together; give files of one language")
    if shutil.which("ghdl") is None:
        raise ToolError(
            f"ghdl not found: VHDL ({written[0].name}) is translated by it to Verilog; install it "
            "with `sudo apt-get install ghdl`"
        )
    folder.mkdir(parents=True, exist_ok=True)
    verilog, errors = folder / f"{top}_from_vhdl.v", folder / _ERRORS
    command = ["ghdl", "synth", "--std=08", "--out=verilog"]
    command += [f"-g{name}={value}" for name, value in parameters.items()]
    command += [*(str(path.resolve()) for path in written), "-e", top]
    if run_limited(command, folder, verilog, limit_s, errors=errors):
        raise SpecError(
            f"ghdl does not accept {', '.join(path.name for path in written)} with entity {top}:\n"
            f"{tail(errors)}"
        )
    return (verilog,), {}
