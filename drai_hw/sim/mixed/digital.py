"""The digital side: a synapse unit on an RTL simulator, clocked pair by pair at every exchange."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from drai_hw.errors import SpecError
from drai_hw.files import write_whole
from drai_hw.model.numbers import Formats
from drai_hw.model.unit_rules import rule_of
from drai_hw.rtl import emit_unit
from drai_hw.sim.units.connection import connect_ports, parameters_of
from drai_hw.sim.units.portmap import MAX_LATENCY, PortMap
from drai_hw.sim.units.session import SETTLE_CLOCKS
from drai_hw.sim.units.simulate import SIMULATORS, TIME_LIMIT_S, SimulatorPlayer
from drai_hw.sim.units.stimulus import idle
from drai_hw.sim.units.vhdl import translated


@dataclass(frozen=True)
class Design:
    """
    Name a module that is the learning unit; without files, this project's own synapse.

    Parameters
    ----------
    files : tuple of Path
        Its sources.
    top : str
        Its name.
    connect : PortMap
        Names, latency and reset where they differ.
    simulator : {"icarus", "verilator", "cxxrtl"}
        Simulator.
    """

    files: tuple[Path, ...] = ()
    top: str = ""
    connect: PortMap = field(default_factory=PortMap)
    simulator: str = "icarus"


class LearningUnit:
    """
    The unit in a running simulator; its time stands still between exchanges.

    Parameters
    ----------
    formats : Formats
        Widths and features.
    design : Design
        The module.
    folder : Path
        Working folder.

    Raises
    ------
    SpecError
        The module does not compile, does not fit, or has a handshake.
    ToolError
        The simulator is missing.
    """

    def __init__(self, formats: Formats, design: Design, folder: Path) -> None:
        if design.simulator not in SIMULATORS:
            raise SpecError(f"simulator = {design.simulator!r}: known are {', '.join(SIMULATORS)}")
        if design.connect.handshake:
            raise SpecError(
                "unit.handshake: this bench takes units with a fixed latency; needed is "
                "unit.handshake = 'none'"
            )
        self._rule = rule_of("synapse", formats)
        self._latency = design.connect.latency
        sources, top = list(design.files), design.top
        for path in sources:
            if not path.is_file():
                raise SpecError(f"cannot read {str(path)!r}: needs a file of Verilog or VHDL")
        folder.mkdir(parents=True, exist_ok=True)
        if not sources:
            top = emit_unit.unit_name("synapse")
            sources = [folder / f"{top}.v"]
            texts = emit_unit.unit_texts("synapse", formats, command="drai-hw rtl --unit synapse")
            write_whole(sources[0], texts[sources[0].name])
        asked = parameters_of(design.connect, sources, "synapse", formats)
        made, parameters = translated(sources, top, folder, TIME_LIMIT_S, asked)
        self._player = SimulatorPlayer(
            made, top, folder, simulator=design.simulator, parameters=parameters
        )
        try:
            connect_ports(self._player, self._rule, design.connect, made, top)
            self._player.play([idle(self._rule) | {"rst": 1}] * SETTLE_CLOCKS)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> LearningUnit:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the simulator."""
        self._player.close()

    def update(self, pairs: Sequence[Mapping[str, int]]) -> tuple[list[int], int]:
        """
        Give one pair a clock; return their new weights and the clocks until all are there.

        Parameters
        ----------
        pairs : sequence of mapping
            Inputs of the unit for each pair; ``en`` is set here.

        Raises
        ------
        SpecError
            The unit gave fewer or more results than pairs, or unknown bits.
        """
        rest = idle(self._rule)
        cycles = [rest | dict(pair) | {"en": 1} for pair in pairs]
        drain = self._latency if self._latency is not None else MAX_LATENCY
        _, seen, _ = self._player.play([*cycles, *[rest] * (drain + 1)])
        if self._latency is not None:
            at = [k + self._latency for k in range(len(pairs))]
        else:
            at = [k for k, outputs in enumerate(seen) if outputs["valid"]]
            if at:
                self._latency = at[0]
        if len(at) != len(pairs):
            raise SpecError(
                f"the learning unit raised valid {len(at)} times for {len(pairs)} pairs: needed is "
                f"one result a pair, at most {MAX_LATENCY} clocks after it"
            )
        weights = [seen[k]["w_out"] for k in at]
        known = [w for w in weights if w is not None]
        if len(known) != len(weights):
            raise SpecError(
                "the learning unit gave a weight with unknown bits: is all of it reset?"
            )
        return known, at[-1] + 1
