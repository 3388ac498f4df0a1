"""From weights to a netlist, and from a netlist to phases, pattern and energies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from drai_hw.errors import SpecError
from drai_hw.spice import cross_coupled, lc, ring
from drai_hw.spice.bank import Capacitors
from drai_hw.spice.energy import Ledger, ring_ledger, tank_ledger
from drai_hw.spice.engine import Progress, Waves
from drai_hw.spice.engine import simulate as run_ngspice
from drai_hw.spice.ladder import LADDER, Rung, climb
from drai_hw.spice.netlist import Netlist
from drai_hw.spice.readout import align, frequency_hz, read_out
from drai_hw.spice.results import CircuitResult, SourcePower
from drai_hw.spice.settings import (
    Circuit,
    CircuitLike,
    Floats,
    check_circuit,
    check_vector,
    check_weights,
    settings_of,
)
from drai_hw.spice.shared import simulate_shared
from drai_hw.spice.starts import start_phases_of
from drai_hw.units import TAU

_BUILDERS = {
    ("lc", "behavioural"): lc.build,
    ("lc", "cross-coupled"): cross_coupled.build,
    ("ring", "behavioural"): ring.build,
}
_FREE_CYCLES = 40
ENGINES = ("batch", "shared")


def create(
    weights: ArrayLike,
    circuit: CircuitLike | None = None,
    *,
    start_phases: ArrayLike | None = None,
    detuning: ArrayLike | None = None,
    seed: int = 0,
    name: str = "network",
    command: str | None = None,
    banks: Capacitors | None = None,
) -> Netlist:
    """
    Write the netlist of an oscillator network.

    Parameters
    ----------
    weights : array_like, shape (N, N)
        Dimensionless, symmetric, zero diagonal; ``circuit.rho`` sets the scale.
    circuit : CircuitLike, optional
        Settings; the reference working point of differential tanks when omitted.
    start_phases : array_like, shape (N,), optional
        Radian; drawn uniformly from ``seed`` when omitted.
    detuning : array_like, shape (N,), optional
        Relative frequency deviations, above -0.5; none when omitted.
    seed : int
        Seed of the drawn start phases.
    name : str
        Design name; letters, digits, ``_`` and ``-``.
    command : str, optional
        Command that makes the file again, for its header.
    banks : Capacitors, optional
        As they were drawn, with tuning banks or without (`drai_hw.spice.bank`).

    Returns
    -------
    Netlist
        Equal arguments give equal bytes.

    Raises
    ------
    SpecError
        An argument is out of range.
    ToolError
        PySpice is missing.
    """
    if circuit is None:
        circuit = Circuit()
    settings = settings_of(circuit)
    check_circuit(settings)
    matrix = check_weights(weights)
    n = matrix.shape[0]
    if not name or not all(c.isalnum() or c in "_-" for c in name):
        raise SpecError(f"name {name!r}: needed are letters, digits, '_' and '-' (it names files)")
    if start_phases is None:
        start = np.array(np.random.default_rng(seed).uniform(0.0, TAU, n))
    else:
        start = check_vector(start_phases, n, "start_phases", "rad")
    offsets = np.zeros(n) if detuning is None else check_vector(detuning, n, "detuning", "f/f0")
    if np.any(offsets <= -0.5):
        raise SpecError(
            f"detuning {float(offsets.min()):g}: needed is a relative deviation above -0.5"
        )
    shape = (n, 2 if settings.kind == "lc" else ring.nodes_of(settings))
    if banks is not None and banks.fixed_f.shape != shape:
        raise SpecError(
            f"capacitors of shape {banks.fixed_f.shape} for {n} oscillators of kind "
            f"{settings.kind!r}: needed are {shape[1]} sides of each, {shape}"
        )
    return _BUILDERS[settings.kind, settings.core](
        matrix,
        settings,
        start,
        offsets,
        name=name,
        command=command or f"drai-hw spice {name} --circuit {settings.kind}",
        seed=seed,
        banks=banks,
    )


def _waves(
    netlist: Netlist,
    workdir: Path | None,
    timeout_s: float,
    progress: Progress | None,
    rung: Rung = LADDER[0],
    engine: str = "batch",
) -> Waves:
    text = rung.apply(netlist.file_text)
    if engine == "shared":
        return simulate_shared(text, stop_s=netlist.stop_s, timeout_s=timeout_s)
    # rings get about three steps per requested one from ngspice's own error control
    points = netlist.circuit.cycles * netlist.circuit.points_per_cycle
    return run_ngspice(
        text,
        stop_s=netlist.stop_s,
        expected_points=points if netlist.kind == "lc" else int(2.4 * points),
        vectors=len(netlist.saved),
        workdir=workdir,
        name=netlist.name,
        timeout_s=timeout_s,
        progress=progress,
    )


def _sides(netlist: Netlist, waves: Waves) -> tuple[Floats, Floats]:
    p_v = waves.select([f"v({p})" for p, _ in netlist.pairs])
    n_v = waves.select([f"v({m})" for _, m in netlist.pairs])
    return p_v, n_v


def voltages(
    netlist: Netlist, *, timeout_s: float = 600.0, rung: Rung = LADDER[0]
) -> tuple[Floats, Floats, Floats]:
    """
    Run a netlist as it stands and return times and the voltages of all sides p and n.

    Parameters
    ----------
    netlist : Netlist
        What `create` returns.
    timeout_s : float
        Wall-clock limit.
    rung : Rung
        Changes of the solver's settings.

    Returns
    -------
    tuple of ndarray, shapes (K,), (K, N) and (K, N)
        Seconds, volts, volts.

    Raises
    ------
    ConvergenceError, ToolError
        As in `drai_hw.spice.engine.simulate`.
    """
    waves = _waves(netlist, None, timeout_s, None, rung)
    return (waves.time_s, *_sides(netlist, waves))


def free_running_hz(
    circuit: CircuitLike, *, timeout_s: float = 60.0, rung: Rung = LADDER[0]
) -> float:
    """
    Measure one uncoupled oscillator with the solver settings of the network.

    The step shifts the frequency (trapezoidal rule: about -(2 pi / points)^2 / 12), so a nominal
    frequency is no reference for phases.

    Parameters
    ----------
    circuit : CircuitLike
        Settings.
    timeout_s : float
        Wall-clock limit.
    rung : Rung
        Changes of the solver's settings, where the network needed them.

    Returns
    -------
    float
        Hertz.

    Raises
    ------
    ConvergenceError
        It does not oscillate.
    """
    settings = replace(settings_of(circuit), cycles=_FREE_CYCLES)
    netlist = _BUILDERS[settings.kind, settings.core](
        np.zeros((1, 1)), settings, np.zeros(1), np.zeros(1),
        name="free", command="free_running_hz", seed=0,
    )  # fmt: skip
    time_s, p_v, n_v = voltages(netlist, timeout_s=timeout_s, rung=rung)
    return frequency_hz(time_s, (p_v - n_v)[:, 0])


def _ledger(netlist: Netlist, waves: Waves, p_v: Floats, n_v: Floats, f_hz: float) -> Ledger:
    if netlist.circuit.core == "cross-coupled":
        return cross_coupled.ledger(netlist, waves, f_hz)
    middle_v = waves.select([f"v({middle})" for middle in netlist.parts.middles])
    if netlist.kind == "lc":
        inductor_a = waves.select([f"i(lt{i})" for i in range(netlist.n)])
        return tank_ledger(netlist, waves.time_s, p_v, n_v, inductor_a, f_hz, middle_v)
    stages = netlist.circuit.ring_stages
    shape = (waves.time_s.size, netlist.n, stages)

    def side(letter: str) -> Floats:
        names = [f"v({letter}{i}_{k})" for i in range(netlist.n) for k in range(stages)]
        return waves.select(names).reshape(shape)

    supply_a = waves.select(["i(vdd)"])[:, 0]
    chains_v = [side(letter) for letter in ring.chains_of(netlist.circuit)]
    return ring_ledger(netlist, waves.time_s, chains_v, supply_a, f_hz, middle_v)


def run(
    netlist: Netlist,
    *,
    workdir: Path | None = None,
    timeout_s: float = 600.0,
    progress: Progress | None = None,
    engine: str = "batch",
    reference_hz: float | None = None,
) -> CircuitResult:
    """
    Run a netlist in ngspice and read phases, pattern and energies.

    Where ngspice finds no solution, the rungs of `drai_hw.spice.ladder` are tried in turn.

    Parameters
    ----------
    netlist : Netlist
        As made by ``create``.
    workdir : Path, optional
        Folder that keeps the netlist and ngspice's log; nothing is kept when omitted.
    timeout_s : float
        Wall-clock limit.
    progress : callable, optional
        Called with the finished fraction.
    engine : {"batch", "shared"}
        ``ngspice -b``, or ngspice's shared library by PySpice; both give the same numbers.
    reference_hz : float, optional
        Free-running frequency in which phases are counted; measured when omitted.

    Returns
    -------
    CircuitResult
        The outcome.

    Raises
    ------
    SpecError
        No such engine.
    ConvergenceError
        ngspice found no solution on any rung, or an oscillator stopped.
    ToolError
        ngspice is missing, failed, or took too long.
    """
    if engine not in ENGINES:
        raise SpecError(f"engine = {engine!r}: needed is one of {', '.join(ENGINES)}")
    waves, rung = climb(lambda rung: _waves(netlist, workdir, timeout_s, progress, rung, engine))
    if reference_hz is None:
        reference_hz = free_running_hz(netlist.circuit, timeout_s=timeout_s, rung=rung)
    p_v, n_v = _sides(netlist, waves)
    signals = p_v - n_v
    read = read_out(waves.time_s, signals, reference_hz)
    ledger = _ledger(netlist, waves, p_v, n_v, reference_hz)
    marks = {mark.element: mark for mark in netlist.behavioural}
    sources = tuple(
        SourcePower(
            element=element,
            role=marks[element].role if element in marks else "supply",
            behavioural=element in marks,
            ideal=element in marks and marks[element].ideal,
            power_w=power_w,
        )
        for element, power_w in ledger.source_w.items()
    )
    tail = waves.time_s >= waves.time_s[-1] - 5.0 / reference_hz
    span_s = float(waves.time_s[tail][-1] - waves.time_s[tail][0])
    mean_square = np.trapezoid(signals[tail] ** 2, waves.time_s[tail], axis=0) / span_s
    start = np.where(np.cos(netlist.start_phases_rad) >= 0, 1, -1).astype(np.int64)
    return CircuitResult(
        time_s=read.time_s,
        phases_rad=read.phases_rad,
        pattern=align(read.pattern, start),
        settled=read.settled,
        settled_cycle=read.settled_cycle,
        energies=ledger,
        sources=sources,
        power_w=ledger.headline_j / ledger.duration_s,
        frequency_hz=reference_hz,
        amplitude_v=np.sqrt(2.0 * mean_square),
        balance=ledger.balance,
        seconds=waves.seconds,
        solver=rung.name,
    )


def recall(
    weights: ArrayLike,
    pattern: ArrayLike,
    circuit: CircuitLike | None = None,
    *,
    detuning: ArrayLike | None = None,
    seed: int = 0,
    name: str = "recall",
    workdir: Path | None = None,
    timeout_s: float = 600.0,
    progress: Progress | None = None,
) -> CircuitResult:
    """
    Start the network from a corrupted pattern and let it settle.

    Parameters
    ----------
    weights : array_like, shape (N, N)
        Learned couplings, symmetric.
    pattern : array_like, shape (N,)
        Start pattern, +1/-1.
    circuit : CircuitLike, optional
        Settings; the reference working point when omitted.
    detuning : array_like, shape (N,), optional
        Relative frequency deviations.
    seed : int
        Seed of the jitter.
    name : str
        Base of file names.
    workdir, timeout_s, progress
        As in ``run``.

    Returns
    -------
    CircuitResult
        ``pattern`` is the recalled one.

    Raises
    ------
    SpecError
        Weights, pattern or settings are out of range.
    ConvergenceError, ToolError
        As in ``run``.
    """
    settings = Circuit() if circuit is None else circuit
    start = start_phases_of(pattern, settings.jitter_rad, seed)
    netlist = create(weights, settings, start_phases=start, detuning=detuning, seed=seed, name=name)
    return run(netlist, workdir=workdir, timeout_s=timeout_s, progress=progress)
