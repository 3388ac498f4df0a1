"""Run a network that learns in ngspice and read its states and phases at the ends of stages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drai_hw.spice.engine import Waves, simulate
from drai_hw.spice.learning_network.network import Network, netlist, saved
from drai_hw.spice.readout import SETTLED_COSINE, SETTLED_CYCLES, patterns, phases
from drai_hw.spice.settings import Floats
from drai_hw.spice.simulate import free_running_hz

CHANGED = 1e-9
"""A memristor whose state moved by less did not change: the solver rounds."""


@dataclass(frozen=True)
class Course:
    """
    Hold where a network stands at the start and at the end of each of K stages.

    Parameters
    ----------
    states : ndarray, shape (K + 1, P, 2)
        Of the memristors.
    phases_rad : ndarray, shape (K + 1, N)
        In the frame of the reference.
    counters : dict of str to int
        ``visited``, ``gated_on``, ``written``, ``changed``: memristors, over all pulses due.
    """

    states: Floats
    phases_rad: Floats
    counters: dict[str, int]


@dataclass(frozen=True)
class Run(Course):
    """
    Hold a run in ngspice.

    Parameters
    ----------
    cycle_s, trace_rad : ndarray, shapes (T,) and (T, N)
        Times a period apart, and phases there.
    waves : Waves
        All that was saved.
    reference_hz : float
        Of the reference lines.
    """

    cycle_s: Floats
    trace_rad: Floats
    waves: Waves
    reference_hz: float


def run(network: Network, *, timeout_s: float = 1800.0) -> Run:
    """
    Run a network's transient in ngspice; Python reads the result.

    Parameters
    ----------
    network : Network
        All settings.
    timeout_s : float
        Wall-clock limit.

    Raises
    ------
    ConvergenceError, ToolError
        As in `drai_hw.spice.engine.simulate`.
    """
    settings = network.settings
    reference_hz = free_running_hz(settings)
    tanks, text = netlist(network, reference_hz)
    waves = simulate(
        text, stop_s=tanks.stop_s, expected_points=settings.cycles * settings.points_per_cycle,
        vectors=len(saved(network)), name=tanks.name, timeout_s=timeout_s,
    )  # fmt: skip
    sides = waves.select([f"v({side}{i})" for i in range(network.n) for side in "pn"])
    cycle_s, trace = phases(waves.time_s, sides[:, 0::2] - sides[:, 1::2], reference_hz)
    at_s = np.concatenate([[0.0], network.ends]) / settings.f0_hz
    states = waves.select([f"v(x{device}{tag})" for tag in network.tags for device in "mk"])
    return Run(
        states=np.stack(
            [states[_at(waves.time_s, t)].reshape(-1, 2) for t in at_s]
        ),
        phases_rad=np.stack([trace[_at(cycle_s, t)] for t in at_s]),
        counters=counters(network, waves),
        cycle_s=cycle_s,
        trace_rad=trace,
        waves=waves,
        reference_hz=reference_hz,
    )  # fmt: skip


def _at(time_s: Floats, t: float) -> int:
    """Return the last sample that is not after a time."""
    return max(int(np.searchsorted(time_s, t * (1.0 + 1e-12), side="right")) - 1, 0)


def due_cycles(network: Network, first: int = 0, last: int | None = None) -> list[float]:
    """Return the periods at which pulses may begin in those of the stages that learn."""
    begins = np.concatenate([[0.0], network.ends])
    return [
        float(slot) + network.synapse.first_cycle
        for stage, begin in list(zip(network.stages, begins, strict=False))[first:last]
        if stage.learns
        for slot in np.arange(begin, begin + stage.cycles, network.synapse.period_cycles)
    ]


def counters(
    network: Network, waves: Waves, first: int = 0, last: int | None = None
) -> dict[str, int]:
    """
    Count memristors at pulses: visited, gated on, written, changed.

    Parameters
    ----------
    network, waves : Network, Waves
        What was run.
    first, last : int
        Stages ``first:last``.
    """
    gates = waves.select([f"v(gate{tag})" for tag in network.tags for _ in "mk"])
    drive, states = (
        waves.select([f"v({kind}{device}{tag})" for tag in network.tags for device in "mk"])
        for kind in "wx"
    )
    found = dict.fromkeys(("visited", "gated_on", "written", "changed"), 0)
    for due in due_cycles(network, first, last):
        begin, end = (
            _at(waves.time_s, cycle / network.circuit.f0_hz)
            for cycle in (due, due + network.synapse.window_cycles + 1.0)
        )
        peak = np.abs(drive[begin : end + 1]).max(axis=0)
        found["visited"] += peak.size
        found["gated_on"] += int((gates[begin] > 0.5).sum())
        found["written"] += int((peak > network.synapse.threshold_v).sum())
        found["changed"] += int((np.abs(states[end] - states[begin]) > CHANGED).sum())
    return found


def recalled(seen: Run, network: Network, stage: int) -> NDArray[np.int64] | None:
    """
    Return the pattern that a run shows at the end of a stage, its sign free; None if unsettled.

    Settled: the same for 20 periods, and all phases within 60 degrees of the axis.

    Parameters
    ----------
    seen : Run
        The run.
    network : Network
        Of the run.
    stage : int
        Which one, from 0.
    """
    last = _at(seen.cycle_s, float(network.ends[stage]) / network.circuit.f0_hz)
    sides, _, distance = patterns(seen.trace_rad[last - SETTLED_CYCLES : last + 1])
    held = (sides == sides[-1]).all() and (distance > SETTLED_COSINE).all()
    return sides[-1] if held else None
