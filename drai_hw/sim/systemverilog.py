"""SystemVerilog for yosys: files by the name `.sv` are read by slang, which comes with it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from drai_hw.errors import SpecError

SUFFIX = ".sv"


def slang(
    folder: Path, names: Sequence[str], top: str, parameters: Mapping[str, int]
) -> str | None:
    """Return the command by which yosys reads a design of which a file is SystemVerilog.

    None where none is: Verilog is read by yosys itself.

    Parameters
    ----------
    folder : Path
        Where yosys runs.
    names : sequence of str
        The design's files there.
    top : str
        Top module.
    parameters : mapping of str to int
        Its parameters.

    Raises
    ------
    SpecError
        No file names one of the parameters: slang would take it without a word.
    """
    if not any(name.endswith(SUFFIX) for name in names):
        return None
    text = "\n".join((folder / name).read_text("utf-8", errors="replace") for name in names)
    for name in parameters:
        if not re.search(rf"\b{re.escape(name)}\b", text):
            raise unknown_parameter(name, top)
    given = [f"-G {name}={value}" for name, value in parameters.items()]
    return " ".join(["read_slang", "--no-proc", "--top", top, *given, *names])


def complaints(log: Sequence[str]) -> list[str]:
    """Return the lines of yosys's log that say what is wrong; none where none does."""
    wrong = [line for line in log if "error" in line.lower()]
    telling = [line for line in wrong if not re.match(r"Build |ERROR: Design elab", line)]
    return telling or wrong


def unknown_parameter(name: str, top: str) -> SpecError:
    """Return the error of a parameter that a module does not have."""
    return SpecError(f"{top} has no parameter {name}, which [parameters] of the port map sets")
