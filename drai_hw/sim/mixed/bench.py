"""The bench: ngspice runs, the learning unit is clocked at every exchange, a model judges both."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from drai_hw.errors import ConvergenceError, SpecError
from drai_hw.sim.mixed.analogue import Analogue
from drai_hw.sim.mixed.circuit import kappa_rad_per_s, netlist_of
from drai_hw.sim.mixed.digital import Design, LearningUnit
from drai_hw.sim.mixed.exchange import Exchanger
from drai_hw.sim.mixed.meter import edge_of, phase_word
from drai_hw.sim.mixed.model import crossing_phase, run_model
from drai_hw.sim.mixed.settings import Mixed
from drai_hw.spice.engine import Waves
from drai_hw.spice.readout import rising_crossings_s
from drai_hw.spice.settings import Floats
from drai_hw.spice.simulate import free_running_hz

# of a clock: a crossing nearer than this to a clock edge may be latched on either side of it
EDGE_TOLERANCE = 0.01
STOPPED_PERIODS = 2.0


@dataclass(frozen=True)
class MixedRun:
    """
    Hold what a run did and what its judges found.

    Parameters
    ----------
    mixed : Mixed
        The experiment.
    time_s : ndarray, shape (K,)
        Times of the exchanges.
    words : ndarray of int, shape (K, N)
        Phases given to the learning unit.
    weights : ndarray of int, shape (K + 1, pairs)
        At the start and after every exchange.
    phases_rad : ndarray, shape (K, N)
        Of the latched crossings before quantisation, in the frame of the mean free-running
        frequency.
    clocks : int
        Clocks from an exchange to the change of the weights.
    accepted, rejected : int
        Time points of ngspice, and its attempts that were not accepted.
    rule_mismatches : int
        Weights of the RTL that are not those of the rule for the same phases and events.
    phase_mismatches : int
        Phase words that a second reading of the whole waveform does not confirm.
    weight_mismatches : int
        Intervals in which a coupling did not have the weight of the RTL.
    phase_distance_rad : float
        Largest distance of a phase difference from the phase model that has the run's weights.
    model_weights : ndarray of int, shape (K + 1, pairs)
        Of the phase model that learns by itself.
    model_phases_rad : ndarray, shape (K, N)
        Its phases.
    """

    mixed: Mixed
    time_s: Floats
    words: np.ndarray
    weights: np.ndarray
    phases_rad: Floats
    clocks: int
    accepted: int
    rejected: int
    rule_mismatches: int
    phase_mismatches: int
    weight_mismatches: int
    phase_distance_rad: float
    model_weights: np.ndarray
    model_phases_rad: Floats

    @property
    def mismatches(self) -> int:
        """Return the sum of what must be 0."""
        return self.rule_mismatches + self.phase_mismatches + self.weight_mismatches

    @property
    def weight_distance(self) -> int:
        """Return the largest distance from the weights of the model that learns by itself, LSB."""
        return int(np.abs(self.weights - self.model_weights).max())

    @property
    def final_distance_rad(self) -> float:
        """Return the largest distance of the last phase differences from that model's."""
        return distance_rad(self.phases_rad[-1:], self.model_phases_rad[-1:])

    @property
    def pattern(self) -> list[int]:
        """Return the side of every oscillator at the end, that of the first is +1."""
        return [1 if c >= 0 else -1 for c in np.cos(self.phases_rad[-1] - self.phases_rad[-1, 0])]

    def record(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "name": self.mixed.name,
            "exchange_periods": self.mixed.exchange_periods,
            "exchanges": len(self.words),
            "clock_ratio": self.mixed.clock_ratio,
            "clocks_to_weights": self.clocks,
            "pair_updates": int(self.weights[1:].size) * self.mixed.passes,
            "accepted": self.accepted,
            "rejected": self.rejected,
            "rule_mismatches": self.rule_mismatches,
            "phase_mismatches": self.phase_mismatches,
            "weight_mismatches": self.weight_mismatches,
            "phase_distance_rad": self.phase_distance_rad,
            "weight_distance": self.weight_distance,
            "final_distance_rad": self.final_distance_rad,
            "pattern": self.pattern,
            "weights": [int(w) for w in self.weights[-1]],
        }


def distance_rad(one: Floats, other: Floats) -> float:
    """Return the largest distance, on the circle, of phases against the first oscillator's."""
    apart = (one - one[:, :1]) - (other - other[:, :1])
    return float(np.abs(np.angle(np.exp(1j * apart))).max())


def run_mixed(
    mixed: Mixed,
    design: Design | None = None,
    *,
    folder: Path | None = None,
    timeout_s: float = 600.0,
) -> MixedRun:
    """
    Run circuit and learning unit together, and judge both.

    Parameters
    ----------
    mixed : Mixed
        The experiment.
    design : Design, optional
        The learning unit; this project's own on Icarus when omitted.
    folder : Path, optional
        Where the unit is compiled; a temporary folder otherwise.
    timeout_s : float
        Wall-clock limit of the circuit.

    Raises
    ------
    SpecError
        The unit does not fit, or is too slow for the exchange step.
    ConvergenceError
        ngspice found no solution, or an oscillator stopped.
    ToolError
        ngspice's library or the RTL simulator is missing or failed.
    """
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="drai_hw_mixed_") as made:
            return run_mixed(mixed, design, folder=Path(made), timeout_s=timeout_s)
    formats, circuit = mixed.formats, mixed.circuit
    exchanger = Exchanger(mixed)
    stop_s = (mixed.exchanges * mixed.exchange_clocks + 1) / mixed.clock_hz
    netlist, sources = netlist_of(
        circuit, np.array(mixed.start_phases_rad), np.array(mixed.detuning),
        kappa_rad_per_s(circuit, mixed.n, formats.w_max), stop_s,
    )  # fmt: skip
    order = {
        "netlist": netlist,
        "pairs": [[f"p{i}", f"n{i}"] for i in range(mixed.n)],
        "sources": sources,
        "weights": [float(w) for w in mixed.start_weights],
        "clock_hz": mixed.clock_hz,
        "hysteresis_v": mixed.hysteresis_v,
        "exchange_clocks": mixed.exchange_clocks,
        "exchanges": mixed.exchanges,
        "reject_every": mixed.reject_every,
    }
    times, words, crossings = [], [], []
    history: list[list[int]] = [list(mixed.start_weights)]
    mismatches, clocks = 0, 0
    ended: dict[str, int] = {}
    with (
        LearningUnit(formats, design or Design(), folder) as unit,
        Analogue(order, timeout_s) as analogue,
    ):
        for message in analogue.exchanges():
            if "accepted" in message:
                ended = message
                break
            _oscillating(message, circuit.f0_hz)
            phases = [
                phase_word(e, mixed.clock_ratio, formats.phase_bits) for e in message["edges"]
            ]
            weights, clocks = history[-1], 0
            for _ in range(mixed.passes):
                pairs = exchanger.inputs(phases, weights)
                weights, taken = unit.update(pairs)
                clocks += taken
                expected = exchanger.by_rule(pairs)
                mismatches += sum(a != b for a, b in zip(weights, expected, strict=True))
            _fast_enough(clocks, mixed)
            analogue.answer([float(w) for w in weights], message["edge"] + clocks)
            times.append(message["time_s"])
            words.append(phases)
            crossings.append(message["crossings_s"])
            history.append(weights)
        waves = analogue.waves()
    free_hz = free_running_hz(replace(circuit, kind="lc"))
    phases_rad = crossing_phase(mixed, np.array(crossings), free_hz)
    same = run_model(mixed, free_hz, clocks, history[1:])
    alone = run_model(mixed, free_hz, clocks)
    return MixedRun(
        mixed=mixed,
        time_s=np.array(times),
        words=np.array(words),
        weights=np.array(history),
        phases_rad=phases_rad,
        clocks=clocks,
        accepted=ended["accepted"],
        rejected=ended["rejected"],
        rule_mismatches=mismatches,
        phase_mismatches=_unconfirmed_phases(mixed, waves, words),
        weight_mismatches=_unconfirmed_weights(mixed, waves, sources, history, clocks),
        phase_distance_rad=distance_rad(phases_rad, same.phases_rad),
        model_weights=alone.weights,
        model_phases_rad=alone.phases_rad,
    )


def step_distance(run: MixedRun, finer: MixedRun) -> tuple[int, float]:
    """
    Return how far two runs that differ in the exchange step are apart at their common times.

    Parameters
    ----------
    run, finer : MixedRun
        The exchange step of the first is a multiple of that of the second.

    Returns
    -------
    tuple of (int, float)
        Largest distance of weights in LSB and of phase differences in radian.
    """
    every = run.mixed.exchange_periods // finer.mixed.exchange_periods
    weights = finer.weights[::every][: len(run.weights)]
    phases_rad = finer.phases_rad[every - 1 :: every]
    return (
        int(np.abs(run.weights - weights).max()),
        distance_rad(run.phases_rad, phases_rad),
    )


def _oscillating(message: dict[str, Any], f0_hz: float) -> None:
    for k, at_s in enumerate(message["crossings_s"]):
        if at_s is None or message["time_s"] - at_s > STOPPED_PERIODS / f0_hz:
            raise ConvergenceError(
                f"oscillator {k} had not crossed its comparator for {STOPPED_PERIODS:g} periods at "
                f"{message['time_s']:.4g} s: it stopped, or its amplitude is below the hysteresis; "
                "lower rho or hysteresis_v"
            )


def _fast_enough(clocks: int, mixed: Mixed) -> None:
    if clocks >= mixed.exchange_clocks:
        raise SpecError(
            f"the learning unit took {clocks} clocks for {mixed.passes} passes: "
            f"needed are fewer than the {mixed.exchange_clocks} clocks of an exchange step; raise "
            "exchange_periods or clock_ratio"
        )


def _unconfirmed_phases(mixed: Mixed, waves: Waves, words: list[list[int]]) -> int:
    """Count phase words that the saved waveform, read as a whole, does not give."""
    wrong = 0
    for i in range(mixed.n):
        sides = waves.select([f"v(p{i})", f"v(n{i})"])
        level_v = 0.5 * mixed.hysteresis_v
        at = rising_crossings_s(waves.time_s, sides[:, 0] - sides[:, 1] - level_v)
        at_clocks = at * mixed.clock_hz
        for number, given in enumerate(words):
            edge = (number + 1) * mixed.exchange_clocks
            # either side of an edge where the crossing is too near to tell
            wanted = {
                phase_word(
                    edge_of(float(seen[-1]) / mixed.clock_hz, mixed.clock_hz),
                    mixed.clock_ratio, mixed.formats.phase_bits,
                )
                for shift in (-EDGE_TOLERANCE, EDGE_TOLERANCE)
                if (seen := at_clocks[at_clocks + shift <= edge - 1] + shift).size
            }  # fmt: skip
            wrong += given[i] not in wanted
    return wrong


def _unconfirmed_weights(
    mixed: Mixed, waves: Waves, sources: list[str], history: list[list[int]], clocks: int
) -> int:
    """Count intervals in which a coupling's voltage is not the weight that it should have."""
    volts = waves.select([f"v({name[1:]})" for name in sources])
    edges = waves.time_s * mixed.clock_hz
    wrong = 0
    for number, weights in enumerate(history[:-1]):
        begin = number * mixed.exchange_clocks + (clocks if number else 0)
        end = (number + 1) * mixed.exchange_clocks + clocks
        inside = (edges > begin + 1e-3) & (edges < end - 1e-3)
        if number == 0:
            inside &= edges > edges[0]
        wrong += int((volts[inside] != np.array(weights)).any(axis=0).sum()) + (not inside.any())
    return wrong
