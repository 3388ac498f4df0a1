"""Judge a module as one of the units: stimulus, comparison, diagnosis, shortest failure."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drai_hw.errors import SpecError
from drai_hw.model.numbers import Formats
from drai_hw.model.unit_rules import rule_of
from drai_hw.sim.units import coverage
from drai_hw.sim.units.connection import connect_ports, parameters_of
from drai_hw.sim.units.failure import Failure, failure_of, stopped, with_waves
from drai_hw.sim.units.judge import Timing, differences, predict
from drai_hw.sim.units.portmap import PortMap
from drai_hw.sim.units.session import Record, examine
from drai_hw.sim.units.shrink import Shrinker
from drai_hw.sim.units.simulate import SIMULATORS, TIME_LIMIT_S, SimulatorPlayer
from drai_hw.sim.units.vhdl import translated

SAMPLES = 1000


@dataclass(frozen=True)
class PartResult:
    """One part of a test.

    Attributes
    ----------
    name : str
        Its name.
    clocks, mismatches : int
        Its clocks, and those of them that differ.
    """

    name: str
    clocks: int
    mismatches: int


@dataclass(frozen=True)
class UnitResult:
    """Outcome of a test.

    Attributes
    ----------
    unit, top, simulator : str
        What was tested, on what.
    seed : int
        Seed of the stimulus.
    latency : int or None
        Clocks from input to output; None with a handshake or a state.
    cycles, updates, mismatches : int
        Clocks simulated, samples judged, clocks that differ.
    seconds : float
        Wall time.
    coverage : dict of str to int
        How often each situation came up.
    parts : list of PartResult
        Parts of the test.
    failure : Failure or None
        The first difference.
    """

    unit: str
    top: str
    simulator: str
    seed: int
    latency: int | None
    cycles: int
    updates: int
    mismatches: int
    seconds: float
    coverage: dict[str, int]
    parts: list[PartResult] = field(repr=False)
    failure: Failure | None = None

    @property
    def missed(self) -> list[str]:
        """Situations that did not come up."""
        return [name for name, count in self.coverage.items() if not count]

    def record(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "unit": self.unit,
            "top": self.top,
            "simulator": self.simulator,
            "seed": self.seed,
            "latency": self.latency,
            "cycles": self.cycles,
            "updates": self.updates,
            "mismatches": self.mismatches,
            "first_mismatch": self.failure.record() if self.failure else None,
            "coverage": self.coverage,
            "coverage_missed": self.missed,
            "parts": [vars(part) for part in self.parts],
            "seconds": self.seconds,
        }


def verify_unit(
    unit: str,
    formats: Formats,
    sources: Sequence[Path],
    top: str,
    *,
    folder: Path,
    connect: PortMap | None = None,
    simulator: str = "icarus",
    seed: int = 1,
    samples: int = SAMPLES,
    time_limit_s: float = TIME_LIMIT_S,
) -> UnitResult:
    """Put a module under the bench of a unit.

    Parameters
    ----------
    unit : {"synapse", "neuron", "update", "prng"}
        What it is to be.
    formats : Formats
        Number formats and features of the network.
    sources : sequence of Path
        Its files: Verilog, what of SystemVerilog the simulator takes, or VHDL.
    top : str
        Its name.
    folder : Path
        Working folder; the waveform of a failure goes there.
    connect : PortMap, optional
        Connections, where names or reset differ or there is a handshake.
    simulator : str
        One of `SIMULATORS`.
    seed : int
        Seed of the stimulus.
    samples : int
        Samples in the part without gaps; all parts together have about twice as many.
    time_limit_s : float
        Wall time after which compilation or simulation is ended.

    Raises
    ------
    SpecError
        The module does not compile, or its ports do not fit.
    ToolError
        The simulator is missing, the module does not come to an end or ends the simulation.
    """
    started = time.monotonic()
    rule = rule_of(unit, formats)
    connect = connect or PortMap()
    if connect.handshake and not rule.pipeline:
        raise SpecError(f"unit {unit} has no samples: unit.handshake = 'none' is needed")
    if simulator not in SIMULATORS:
        raise SpecError(f"simulator = {simulator!r}: known are {', '.join(SIMULATORS)}")
    for path in sources:
        if not path.is_file():
            raise SpecError(f"cannot read {str(path)!r}: needs a file of Verilog or VHDL")
    parameters = parameters_of(connect, sources, unit, formats)
    sources, parameters = translated(sources, top, folder, time_limit_s, parameters)
    with SimulatorPlayer(
        sources, top, folder,
        simulator=simulator, parameters=parameters, time_limit_s=time_limit_s,
    ) as player:  # fmt: skip
        connect_ports(player, rule, connect, sources, top)
        record = examine(
            player, rule,
            seed=seed, samples=samples, latency=connect.latency, handshake=connect.handshake,
        )  # fmt: skip
        timing = Timing(record.latency if rule.pipeline else 1, connect.handshake)
        cycles = [cycle for part in record.parts for cycle in part.cycles]
        trace = [seen for part in record.parts for seen in part.trace]
        expected = predict(rule, cycles, trace, timing)
        wrong = differences(expected, trace) if record.timed else []
        failure = None
        if wrong:
            shrinker = Shrinker(player, rule, timing)
            failure = failure_of(rule, record, cycles, trace, expected, timing, wrong, shrinker)
            failure = with_waves(failure, shrinker, rule, timing, connect, top, folder)
        elif record.trouble:
            failure = stopped(record, cycles)
    bad = {item.clock for item in wrong}
    return UnitResult(
        unit=unit,
        top=top,
        simulator=simulator,
        seed=seed,
        latency=record.latency if rule.pipeline and not connect.handshake else None,
        cycles=len(cycles),
        updates=sum(bool(x) and len(x) > ("valid" in x) for x in expected if x is not None),
        mismatches=len(bad) or int(failure is not None),
        seconds=round(time.monotonic() - started, 3),
        coverage=coverage.measure(rule, cycles),
        parts=_parts(record, bad),
        failure=failure,
    )


def _parts(record: Record, bad: set[int]) -> list[PartResult]:
    out, begun = [], 0
    for part in record.parts:
        end = begun + len(part.trace)
        out.append(PartResult(part.name, len(part.trace), sum(begun <= x < end for x in bad)))
        begun = end
    return out
