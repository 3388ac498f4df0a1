"""Dies of a network's circuit: components drawn anew for each, recall before and after trimming."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drai_hw import spice
from drai_hw.errors import ConvergenceError, SpecError
from drai_hw.flow.circuit import detuning_of, start_of
from drai_hw.flow.components import die_for
from drai_hw.model.readout import is_exact
from drai_hw.spec import Spec
from drai_hw.spice import cross_coupled
from drai_hw.spice.bank import Banks, Capacitors
from drai_hw.spice.energy import LC_METHOD, RING_METHOD
from drai_hw.spice.engine import Progress
from drai_hw.spice.kept_parts import Part, made_side_by_side
from drai_hw.spice.netlist import Netlist
from drai_hw.spice.readout import frequency_hz
from drai_hw.spice.settings import Circuit, Floats
from drai_hw.spice.simulate import voltages
from drai_hw.spice.spread.circuits import Corner
from drai_hw.spice.spread.deviate import Mismatch, deviate
from drai_hw.spice.spread.summary import summary
from drai_hw.spice.tuning.calibrate import calibrate
from drai_hw.spice.tuning.trim import Die

MOST_DIES = 100_000
METHODS = {
    ("lc", "behavioural"): LC_METHOD,
    ("lc", "cross-coupled"): cross_coupled.METHOD,
    ("ring", "behavioural"): RING_METHOD,
}
_FREE_CYCLES = 40
_SUPPLY = re.compile(r"^Vdd vdd 0 \S+$", re.MULTILINE)


def require_dies(spec: Spec, corner: Corner) -> None:
    """
    Refuse a network whose dies have nothing to show.

    Parameters
    ----------
    spec : Spec
        The network.
    corner : Corner
        Where its dies work.

    Raises
    ------
    SpecError
        The task is no recall, nothing is drawn, or the circuit has no such corner.
    """
    if spec.task.kind != "recall":
        raise SpecError(
            f"dies with task.kind = {spec.task.kind!r}: needed is 'recall', their share of exact "
            "recalls is what is asked for"
        )
    if not spec.circuit.mismatch:
        raise SpecError(
            "dies with circuit.mismatch = 0: all would be equal; needed is a relative deviation "
            "above 0 to 0.2, e.g. mismatch = 0.01"
        )
    if _supply_key(spice.settings_of(spec.circuit)) is None and corner != Corner():
        raise SpecError(
            f"temperature {corner.temperature_c:g} degrees Celsius and supply {corner.supply:g} of "
            "the nominal with circuit.kind = 'lc': tanks with behavioural cores have neither; "
            "needed are 27 and 1, or circuit.core = 'cross-coupled', or circuit.kind = 'ring'"
        )


def _supply_key(circuit: Circuit) -> str | None:
    """Return which setting is the supply; None for tanks with behavioural cores."""
    if circuit.kind == "ring":
        return "ring_vdd_v"
    return "core_vdd_v" if circuit.core == "cross-coupled" else None


@dataclass(frozen=True)
class Dies:
    """
    Hold a network whose dies are to be run.

    Parameters
    ----------
    spec : Spec
        The network; die d has the components of seed ``task.seed + d``.
    weights : ndarray, shape (N, N)
        Learned.
    starts, stored : ndarray, shapes (T, N) and (M, N)
        Corrupted starts, and the patterns; die d has the start d modulo T.
    target : ndarray, shape (T,)
        Pattern of each start.
    corner : Corner
        Supply over the nominal and temperature, of rings and of tanks with drawn cores.
    scale : float
        Of the deviations of `Mismatch` that everything but capacitors has: inductors, resistors,
        transistors; 0 for none, up to 20. Banks are then calibrated by frequencies that ngspice
        measures.

    Raises
    ------
    SpecError
        As `require_dies`.
    """

    spec: Spec
    weights: Floats
    starts: NDArray[np.int64]
    stored: NDArray[np.int64]
    target: NDArray[np.int64]
    corner: Corner = field(default_factory=Corner)
    scale: float = 0.0

    def __post_init__(self) -> None:
        require_dies(self.spec, self.corner)
        self.others()

    def others(self) -> Mismatch:
        """Return how far everything but capacitors deviates."""
        return Mismatch(capacitor=0.0, scale=self.scale)

    def deviated(self, netlist: Netlist, die: int) -> Netlist:
        """Return a netlist with the resistors, inductors and transistors of a die."""
        return replace(netlist, text=deviate(netlist.text, self.others(), self.seed(die)))

    def seed(self, die: int) -> int:
        """Return the seed of a die's components."""
        return self.spec.task.seed + die

    @property
    def circuit(self) -> Circuit:
        """Return the nominal circuit."""
        return spice.settings_of(self.spec.circuit)

    def at_corner(self, netlist: Netlist) -> Netlist:
        """Return a netlist, made for the nominal supply, at the corner: its resistors stay."""
        key = _supply_key(netlist.circuit)
        if key is None or self.corner == Corner():
            return netlist
        volt = getattr(netlist.circuit, key) * self.corner.supply
        text = _SUPPLY.sub(f"Vdd vdd 0 {volt!r}", netlist.text)
        title, _, rest = text.partition("\n")
        text = f"{title}\n.temp {self.corner.temperature_c!r}\n{rest}"
        return replace(netlist, text=text, circuit=replace(netlist.circuit, **{key: volt}))

    def free(self, capacitors: Capacitors | None, n: int) -> Netlist:
        """Return N oscillators on their own, at the corner."""
        circuit = replace(self.circuit, cycles=_FREE_CYCLES, damping="none")
        netlist = spice.create(
            np.zeros((n, n)), circuit, start_phases=np.zeros(n), banks=capacitors, name="free"
        )
        return self.at_corner(netlist)

    def network(self, capacitors: Capacitors, die: int) -> Netlist:
        """Return the network of a die, at the corner."""
        spec = self.spec.in_row_sums(float(np.abs(self.weights).sum(axis=1).max()))
        netlist = spice.create(
            self.weights, self.circuit, start_phases=start_of(spec, self.starts, self.trial(die)),
            detuning=detuning_of(spec), banks=capacitors, seed=self.seed(die),
            name=spec.network.name,
        )  # fmt: skip
        return self.deviated(self.at_corner(netlist), die)

    def trial(self, die: int) -> int:
        """Return which start a die has."""
        return die % len(self.starts)

    def drawn(self, die: int) -> Die:
        """Return the components of a die."""
        found = die_for(self.spec, self.weights, self.seed(die))
        assert found is not None
        return found

    def free_hz(self, capacitors: Capacitors, die: int) -> Floats:
        """Measure the frequency of each oscillator of a die on its own."""
        return frequencies_hz(self.deviated(self.free(capacitors, capacitors.n), die))

    def trimmed(self, die: int, reference_hz: float) -> Capacitors:
        """Return the capacitors of a die, its banks at the codes that a calibration finds."""
        drawn = self.drawn(die)
        if not self.scale:
            return drawn.trimmed
        assert isinstance(drawn.drawn, Banks)

        def measure(banks: Banks, circuit: Circuit) -> Floats:
            return self.free_hz(banks, die)

        circuit = self.circuit
        return calibrate(drawn.drawn, circuit, measure, reference_hz, seed=self.seed(die)).banks


def frequencies_hz(netlist: Netlist) -> Floats:
    """Return the frequency of each oscillator of a netlist without couplings, by ngspice."""
    time_s, p_v, n_v = voltages(netlist)
    return np.array([frequency_hz(time_s, v) for v in (p_v - n_v).T])


def measured(dies: Dies, die: int, state: str, reference_hz: float, progress: Progress) -> Part:
    """
    Run a die, "untrimmed" or "trimmed": its oscillators on their own, then the recall.

    Returns
    -------
    dict
        ``exact``, ``settled_s`` (absent where it did not settle), ``energy_per_recall_j``,
        ``frequency_hz`` and ``frequency_spread`` (mean and relative standard deviation over the
        oscillators); ``fault`` with ngspice's words where there is no solution.
    """
    try:
        capacitors = dies.drawn(die).drawn
        if state == "trimmed":
            capacitors = dies.trimmed(die, reference_hz)
        hz = dies.free_hz(capacitors, die)
        netlist = dies.network(capacitors, die)
        result = spice.run(netlist, reference_hz=reference_hz, progress=progress)
    except ConvergenceError as error:
        return {"fault": str(error), "exact": False}
    wanted = dies.stored[dies.target[dies.trial(die)]]
    found: Part = {
        "exact": bool(is_exact(result.pattern, wanted)),
        "frequency_hz": float(hz.mean()),
        "frequency_spread": float(hz.std() / hz.mean()),
        "energy_per_recall_j": result.energies.per_recall_j,
    }
    if result.settled_cycle is not None:
        found["settled_s"] = result.settled_cycle / reference_hz
    return found


def run(
    dies: Dies,
    count: int,
    folder: Path,
    *,
    processes: int | None = None,
    fresh: bool = False,
    tell: Callable[[int, int, str], None] | None = None,
) -> dict[str, Any]:
    """
    Run dies side by side and return their distributions, JSON-ready.

    Parameters
    ----------
    dies : Dies
        The network.
    count : int
        How many, 1 to 100000.
    folder : Path
        Where each finished die is kept, under a name that follows from its netlist: what is there
        is not run again.
    processes : int, optional
        ngspice processes side by side; as many as there are cores when omitted.
    fresh : bool
        Run kept dies again.
    tell : callable, optional
        Called with the finished and all parts, and the name of the last.

    Raises
    ------
    SpecError
        No such number of dies, or banks that cannot be built.
    ToolError
        ngspice is missing or failed.
    """
    if not 1 <= count <= MOST_DIES:
        raise SpecError(f"dies = {count!r}: needed are 1 to {MOST_DIES}")
    reference_hz = float(frequencies_hz(dies.free(None, 1))[0])
    states = ["untrimmed", *(["trimmed"] if dies.spec.circuit.tuning_bits else [])]
    work: list[tuple[str, Callable[[Progress], Part]]] = []
    for die in range(count):
        for state in states:
            drawn = dies.drawn(die)
            # codes that ngspice finds are not known yet; they follow from what is drawn
            known = drawn.drawn if dies.scale or state == "untrimmed" else drawn.trimmed
            key = dies.network(known, die).text + json.dumps(
                [dies.stored[dies.target[dies.trial(die)]].tolist(), reference_hz]
            )
            name = f"die{die}-{state}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
            work.append((name, partial(measured, dies, die, state, reference_hz)))
    parts = made_side_by_side(folder, work, processes=processes, fresh=fresh, tell=tell)
    results = {state: parts[k :: len(states)] for k, state in enumerate(states)}
    return {
        "count": count,
        "seeds": [dies.spec.task.seed, dies.spec.task.seed + count - 1],
        "mismatch": dies.spec.circuit.mismatch,
        "scale": dies.scale,
        "temperature_c": dies.corner.temperature_c,
        "supply": dies.corner.supply,
        "reference_hz": reference_hz,
        "energy_method": METHODS[dies.circuit.kind, dies.circuit.core],
        **{state: summary(each) for state, each in results.items()},
        "each": [
            {state: results[state][die] for state in states} for die in range(count)
        ],
        "folder": str(folder),
    }  # fmt: skip
