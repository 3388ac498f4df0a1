"""Ising problems on the oscillators: an annealing schedule that a host writes into the registers.

The energy of spins is E = -sum_{i<j} J_ij s_i s_j. The phases feel J as weights, the dither is a
temperature, and a second harmonic that grows during the run makes the phases binary.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.model import plan
from drai_hw.model.ising import Energy, Reader, Solution, Spins
from drai_hw.model.machine import Machine, Settings, each_replica
from drai_hw.model.numbers import GAIN_BITS, STRENGTH_BITS, Formats
from drai_hw.model.sparse import SparseTwin
from drai_hw.model.sparse_compiled import fastest
from drai_hw.spec import Spec
from drai_hw.spec.schema import Solve
from drai_hw.units import TAU

BUDGET_S = 30.0
"""Time that a run without a number of steps is planned for."""

LIMIT_S = 50.0
"""Time after which such a run is hurried to its end, where the machine became slower."""

MOST_STEPS = 1 << 17
LEAST_STEPS = 1 << 9
READ_STAGES = 8
"""Last stages after each of which the phases are read out."""

Progress = Callable[[float], None]


@dataclass(frozen=True)
class Stage:
    """Steps under the same registers."""

    steps: int
    settings: Settings


def formats_for(spec: Spec, n: int, weight_bits: int | None = None) -> Formats:
    """Return the formats of the core that solves a graph of n nodes.

    Parameters
    ----------
    spec : Spec
        Formats, and lanes and pages if it names them.
    n : int
        Oscillators.
    weight_bits : int, optional
        W instead of the network file's.
    """
    lanes, pages = plan.default_geometry(n)
    lanes = spec.board.lanes or lanes
    f = spec.formats
    return Formats(
        n=n,
        lanes=lanes,
        pages=spec.board.pages or max(pages, math.ceil(n / lanes)),
        accumulator_bits=f.accumulator_bits,
        phase_bits=f.phase_bits,
        table_bits=f.table_bits,
        levels=f.levels,
        weight_bits=weight_bits or f.weight_bits,
        table=spec.dynamics.coupling_table,
        seed=spec.task.seed,
    )


def field_of(n: int, couplings: NDArray[np.int64]) -> float:
    """Return F, the root of the mean sum of squared weights at a node that has edges."""
    squares = np.zeros(n)
    for end in (0, 1):
        np.add.at(squares, couplings[:, end], couplings[:, 2].astype(float) ** 2)
    return math.sqrt(squares[squares > 0].mean()) if squares.any() else 1.0


def registers(solve: Solve, formats: Formats, field: float, progress: float) -> Settings:
    """Return the registers at a share of a run between 0 and 1.

    Dither amplitudes are powers of two, so one step of the register is a factor of four in
    temperature; the gain takes up what lies between, a quarter of the wanted coupling to all of it.

    Parameters
    ----------
    solve : Solve
        Coupling, temperatures, second harmonic.
    formats : Formats
        Number formats.
    field : float
        F, in weight LSB.
    progress : float
        0 at the start, 1 at the end.
    """
    lsb_rad = TAU / 2**formats.accumulator_bits
    ratio = solve.temperature_end / solve.temperature_start
    temperature = field * solve.temperature_start * ratio**progress
    # One unit of torque moves a phase by `coupling` rad; the dither is +-2^s LSB half the time, so
    # its variance is 4^s / 2 and the temperature 4^s lsb^2 / (4 coupling).
    coupling = solve.coupling / field
    exponent = math.floor(math.log2(math.sqrt(4 * coupling * temperature) / lsb_rad))
    exponent = min(exponent, formats.dither_shift_max)
    if exponent >= 0:
        coupling = min(coupling, 4.0**exponent * lsb_rad**2 / (4 * temperature))
    unit = formats.table_amplitude / 2**formats.shift * lsb_rad  # coupling of gain 1
    gain = min(max(1, math.floor(coupling / unit + 0.5)), (1 << GAIN_BITS) - 1)
    pull = solve.shil * progress * field * gain / 2**formats.strength_shift
    shil = min(math.floor(pull + 0.5), (1 << STRENGTH_BITS) - 1)
    return Settings(
        gain=gain,
        dither=max(0, exponent + 1),
        shil_max=shil,
        shil_step=(1 << STRENGTH_BITS) - 1,  # at once: the stages are the ramp
    )


def schedule(solve: Solve, formats: Formats, field: float, steps: int) -> list[Stage]:
    """Divide a run into stages of nearly equal length."""
    count = min(solve.stages, steps)
    bounds = [steps * k // count for k in range(count + 1)]
    return [
        Stage(
            bounds[k + 1] - bounds[k],
            registers(solve, formats, field, k / max(1, count - 1)),
        )
        for k in range(count)
    ]


def start_phases(formats: Formats, seed: int) -> NDArray[np.int64]:
    """Return the start phases of the replica with a seed, LSB."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 1 << formats.accumulator_bits, formats.n)


def spins_of(theta: ArrayLike, formats: Formats) -> Spins:
    """Read spins from phases: +1 within a quarter turn of 0, else -1."""
    turn = 1 << formats.accumulator_bits
    ahead = (np.asarray(theta) + turn // 4) & (turn - 1)
    return np.where(ahead < turn // 2, 1, -1).astype(np.int8)


def solve_ising(
    spec: Spec,
    formats: Formats,
    couplings: NDArray[np.int64],
    *,
    replicas: int | None = None,
    steps: int | None = None,
    budget_s: float = BUDGET_S,
    limit_s: float = LIMIT_S,
    progress: Progress | None = None,
) -> Solution:
    """Look for spins of the lowest energy in the sparse twin.

    Replica r is a core with the seed ``formats.seed + r``, started from phases of that seed.

    Parameters
    ----------
    spec : Spec
        Its table ``solve``.
    formats : Formats
        Number formats.
    couplings : array of int64, shape (m, 3)
        i, j, J; J > 0 wants equal spins.
    replicas : int, optional
        R instead of ``solve.replicas``.
    steps : int, optional
        Couple passes of every replica. Without it the largest power of two from 2^9 to 2^17 that
        takes at most ``budget_s`` here, as measured beforehand: give the number that was chosen to
        repeat a run elsewhere.
    budget_s, limit_s : float
        Planned time, and when a run without ``steps`` is hurried to its end.
    progress : callable, optional
        Called with the share that is done.
    """
    clock = _Clock(limit_s if steps is None else math.inf)
    seeds = [formats.seed + r for r in range(replicas or spec.solve.replicas)]
    field, reader = field_of(formats.n, couplings), Reader(Energy(formats.n, couplings))
    all_settings = [stage.settings for stage in schedule(spec.solve, formats, field, MOST_STEPS)]
    twin = fastest(formats, couplings, seeds, all_settings)
    if steps is None:
        twin.configure(all_settings[-1])
        steps = min(MOST_STEPS, max(LEAST_STEPS, int(budget_s / seconds_a_step(twin))))
        steps = 1 << (steps.bit_length() - 1)
        twin.reseed()
    stages = schedule(spec.solve, formats, field, steps)
    twin.load_phases(np.array([start_phases(formats, seed) for seed in seeds]))
    clock.start()
    for k, stage in enumerate(stages):
        count = clock.allow(stage.steps, len(stages) - k)
        twin.configure(stage.settings)
        twin.run(count, resume=k > 0)
        clock.done += count
        if k >= len(stages) - READ_STAGES:
            reader.read(spins_of(twin.read_phases(), formats))
        if progress:
            progress((k + 1) / len(stages))
    return reader.solution(clock.done, clock.hurried, type(twin) is not SparseTwin)


class _Clock:
    """Shortens the stages that are left when a run would go beyond its limit.

    Parameters
    ----------
    limit_s : float
        From now on.
    """

    def __init__(self, limit_s: float) -> None:
        self._end = time.monotonic() + limit_s
        self.done = 0
        self.hurried = False

    def start(self) -> None:
        """Count the time of steps from now on."""
        self._start = time.monotonic()

    def allow(self, steps: int, stages_left: int) -> int:
        """Return how many of the ``steps`` of the next stage may be done."""
        if not self.done or math.isinf(self._end):
            return steps
        now = time.monotonic()
        pace = self.done / (now - self._start)  # steps a second
        affordable = int(max(0.0, self._end - now) * pace / stages_left)
        if affordable >= steps:
            return steps
        self.hurried = True
        return max(1, affordable)


def seconds_a_step(
    twin: SparseTwin, least_s: float = 0.2, clock: Callable[[], float] = time.monotonic
) -> float:
    """Measure a step; the first one is left out, since it may wait for the compiler."""
    twin.run(1)
    count = 1
    while True:
        start = clock()
        twin.run(count, resume=True)
        spent = clock() - start
        if spent >= least_s:
            return spent / count
        count *= 2


def anneal(machine: Machine, formats: Formats, stages: Sequence[Stage], seed: int) -> list[Spins]:
    """Let one machine, its weights loaded, do the stages as replica of a seed.

    A core with replicas does those of the R seeds from there on, all at once.

    Returns
    -------
    list of arrays of int8, shape (N,), or (R, N) of a core with replicas
        Spins read after each of the last stages.
    """
    machine.reseed()
    for r in each_replica(machine):
        machine.load_phases(start_phases(formats, seed + r))
    found = []
    for k, stage in enumerate(stages):
        machine.configure(stage.settings)
        machine.run(stage.steps, resume=k > 0)
        if k >= len(stages) - READ_STAGES:
            phases = [machine.read_phases() for _ in each_replica(machine)]
            found.append(spins_of(phases if len(phases) > 1 else phases[0], formats))
    return found
