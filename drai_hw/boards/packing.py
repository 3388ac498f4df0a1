"""Counting a design's area without placing it: synthesis and nextpnr's packing."""

from __future__ import annotations

import json
import math
import re
import subprocess
from pathlib import Path
from typing import Any

from drai_hw.boards.boardfile import Board
from drai_hw.boards.build import plan_build
from drai_hw.boards.families import FAMILIES
from drai_hw.boards.nextpnr import ice40_flip_flops, place_command
from drai_hw.boards.toolchain import find_tools
from drai_hw.errors import ToolError

# On Gowin a flip-flop without a table of its own is fed through one once it is placed; packing
# shows only how many might be. Of 1,808 in two routed cores 1,130 and 1,339 were.
_FED_THROUGH = 0.68
_GOWIN_RAM_FLIP_FLOPS = 6  # sites that a logic memory blocks and packing counts


def pack(design: Any, board: Board, folder: str | Path) -> dict[str, int]:
    """Synthesise and pack a design; return the resources it takes, counted as by `build`.

    Placement, which takes most of a build's time, is left out; a design too large for the device
    is counted, too.

    Parameters
    ----------
    design : Elaboratable
        As for `drai_hw.boards.build.build`.
    board : Board
        Its device may be too small.
    folder : str or Path
        For the tools' files.

    Raises
    ------
    ToolError
        If a tool is missing, or fails before it has counted.
    """
    work = Path(folder)
    work.mkdir(parents=True, exist_ok=True)
    clock = board.plan_clock()
    plan = plan_build(design, board, clock, "top")
    plan.extract(str(work))
    tools = find_tools(board.family)
    synthesis, place, _ = json.loads(plan.files["build_top.json"])["commands"]
    _run([*tools["yosys"].command, *synthesis[1:]], work)
    place = place_command(place, board.family, clock.output_hz)
    words = [word for word in place[1:] if word != "--quiet"]
    text = _run([*tools[place[0]].command, *words, "--pack-only"], work, allow_failure=True)
    found = re.findall(r"Info:\s+(\w+):\s+(\d+)/", text)
    if not found:
        raise ToolError(f"{place[0]} counted nothing; it said: {text.strip()[-200:]}")
    return _counts(board.family, {name: int(count) for name, count in found}, text)


def _counts(family: str, found: dict[str, int], log: str) -> dict[str, int]:
    counted = {
        resource: math.ceil(sum(found.get(name, 0) * sites for name, sites in parts.items()))
        for resource, parts in FAMILIES[family].counted.items()
    }
    if family == "ice40":
        counted["ff"] = ice40_flip_flops(log)
    if family == "gowin":
        # Before placement carry cells and logic memories stand among the tables as blocked ones.
        counted["ff"] -= _GOWIN_RAM_FLIP_FLOPS * found.get("RAM16SDP4", 0)
        paired = re.search(r"Constrained (\d+) LUTFF pairs", log)
        alone = counted["ff"] - (int(paired[1]) if paired else 0)
        counted["lut"] = found["LUT4"] + round(_FED_THROUGH * alone)
    return counted


def _run(words: list[str], folder: Path, *, allow_failure: bool = False) -> str:
    said = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    text = said.stdout + said.stderr
    if said.returncode != 0 and not allow_failure:
        raise ToolError(f"{words[0]} ended with status {said.returncode}: {text.strip()[-200:]}")
    return text
