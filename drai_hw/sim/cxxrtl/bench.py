"""Bench of a compiled core: a job on the model, compared with the twin after every step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from drai_hw.errors import ToolError
from drai_hw.model.numbers import Formats
from drai_hw.model.twin import Twin
from drai_hw.rtl.spram import UNUSED_WORDS
from drai_hw.sim.comparison import Comparison, windows_of
from drai_hw.sim.core_failure.explain import explain, keep_history
from drai_hw.sim.cxxrtl.build import compiled
from drai_hw.sim.cxxrtl.machine import CxxrtlMachine
from drai_hw.sim.cxxrtl.model import MemoryWindow, Model
from drai_hw.sim.outcome import carry_out, report


def twin_of(formats: Formats) -> Twin:
    """Return the fastest twin there is: compiled, or else NumPy's, with the same bits."""
    from drai_hw.model.compiled import CompiledTwin

    try:
        return CompiledTwin(formats)
    except ToolError:
        return Twin(formats)


def run_order(
    order: Mapping[str, Any],
    source: Path,
    top: str,
    *,
    cache: Path,
    progress: Callable[[int, int], None] | None = None,
    models: Sequence[Path] = (),
) -> dict[str, Any]:
    """Carry an order of `drai_hw.sim.core.run_job` out on a compiled model.

    Parameters
    ----------
    order : mapping
        Job, formats, places of memories and ring registers, steps in all.
    source : Path
        The design, RTLIL or Verilog.
    top : str
        Its top module.
    cache : Path
        Folder of compiled models.
    progress : callable, optional
        Called with steps done and steps in all.
    models : sequence of Path
        Verilog of the primitives that the design instantiates.

    Raises
    ------
    ToolError
        Compiler or yosys is missing or fails, or the design does not answer on its bus.
    """
    total = order["total_steps"]

    def tell(steps: int) -> None:
        if progress:
            progress(steps, total)

    connect = order["connect"]
    parameters = connect.parameters if connect else {}
    library = compiled(source, top, cache, models, parameters=parameters)
    with Model(library, top, connect) as model:
        for path in order.get("undefined", ()):
            model.fill(path, UNUSED_WORDS)
        twin = twin_of(order["formats"])
        window = partial(MemoryWindow, model)
        windows = windows_of(order["memories"], window)
        others = [
            (twin_of(twin.formats.replica(r)), windows_of(memories, window))
            for r, memories in enumerate(order.get("replica_memories", []), 1)
        ]
        bits = model.watch(order["ring_registers"])
        board = Comparison(twin, windows, others)
        machine = CxxrtlMachine(model, board, order["check_clocks"], tell)
        machine.store = order.get("store")
        if order["explain"]:
            keep_history(machine)
        try:
            outcome = carry_out(order["job"], machine)
        except ToolError as error:
            raise ToolError(f"the bench on CXXRTL failed:\n{error}") from error
        tell(machine.steps)
        result = report(
            machine,
            outcome,
            cycles=model.clocks,
            accesses=model.accesses,
            rings=(*model.toggles(), bits),
        )
        if order["explain"] and board.count:
            result["failure"] = explain(machine, shorten=order["shorten"])
        return result
