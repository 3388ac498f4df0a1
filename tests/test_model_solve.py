"""Solving Ising problems: against enumeration, by seed, and the schedule that a host writes."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from drai_hw import catalog
from drai_hw.bench import ising_graphs
from drai_hw.model import solve
from drai_hw.model.ising import Energy
from drai_hw.model.numbers import Formats
from drai_hw.model.solve import (
    anneal,
    field_of,
    formats_for,
    registers,
    schedule,
    solve_ising,
    spins_of,
)
from drai_hw.model.twin import Twin


@pytest.fixture(scope="module")
def spec():
    return catalog.find("solve")[0]


def lowest(n, couplings):
    """Return the lowest energy of all 2^(n-1) spins, by enumeration."""
    spins = np.array(list(itertools.product((-1, 1), repeat=n - 1)), dtype=np.int64)
    spins = np.column_stack([np.ones(len(spins), dtype=np.int64), spins])
    i, j, w = couplings.T
    return int(-(spins[:, i] * spins[:, j] * w).sum(axis=1).max())


@pytest.mark.parametrize("seed", range(6))
def test_small_problems_are_solved_to_the_optimum_that_enumeration_finds(seed, spec):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(10, 17))
    i, j = np.nonzero(np.triu(rng.random((n, n)) < rng.uniform(0.3, 1), 1))
    couplings = np.column_stack([i, j, rng.integers(-15, 16, i.size)])
    found = solve_ising(spec, formats_for(spec, n), couplings, steps=600)
    assert found.energies.min() == lowest(n, couplings)
    assert found.read_energies.min() == lowest(n, couplings)  # the oscillators' own, too
    s = found.spins[found.best].astype(int)
    assert (
        -(couplings[:, 2] * s[couplings[:, 0]] * s[couplings[:, 1]]).sum() == found.energies.min()
    )


def test_the_annealing_matters_not_the_descent(spec):
    """Without coupling the same read-outs and the same descent are far worse."""
    edges = ising_graphs.FAMILIES["torus +-1"](100, 5)
    formats = formats_for(spec, 100)
    found = solve_ising(spec, formats, edges, steps=2000, replicas=16)
    rng = np.random.default_rng(1)
    random = rng.choice(np.array([-1, 1], dtype=np.int8), (16, 100))
    energy = Energy(100, edges)
    greedy = energy.of(energy.descend(random)[0])
    assert found.read_energies.max() < greedy.mean()
    assert found.energies.mean() < greedy.min()


def test_the_same_seed_gives_the_same_result_and_a_replica_is_a_run_of_its_own_seed(spec):
    edges = ising_graphs.FAMILIES["random 6 %, +-1"](60, 3)
    formats = formats_for(spec, 60)
    first, again = (solve_ising(spec, formats, edges, steps=300, replicas=5) for _ in range(2))
    assert np.array_equal(first.spins, again.spins)
    third = solve_ising(spec, replace(formats, seed=formats.seed + 2), edges, steps=300, replicas=1)
    assert np.array_equal(third.spins[0], first.spins[2])
    assert third.read_energies[0] == first.read_energies[2]
    other = solve_ising(spec, replace(formats, seed=99), edges, steps=300, replicas=5)
    assert not np.array_equal(first.spins, other.spins)


def test_the_dense_twin_of_the_core_does_the_same_run(spec):
    edges = ising_graphs.FAMILIES["random 6 %, +-1"](40, 4)
    formats = formats_for(spec, 40, 5)
    stages = schedule(spec.solve, formats, field_of(40, edges), 160)
    twin = Twin(replace(formats, seed=6))
    weights = np.zeros((40, 40), dtype=np.int64)
    i, j, w = edges.T
    weights[i, j] = weights[j, i] = w
    twin.load_weights(weights)
    readings = np.array(anneal(twin, formats, stages, 6))
    energies = Energy(40, edges).of(readings)
    found = solve_ising(spec, replace(formats, seed=6), edges, steps=160, replicas=1)
    assert found.read_energies[0] == energies.min()


def test_the_temperature_falls_as_asked_and_the_second_harmonic_grows(spec):
    formats, field = formats_for(spec, 800, 2), 5.0
    lsb = math.tau / 2**formats.accumulator_bits
    unit = formats.table_amplitude / 2**formats.shift * lsb
    for share in np.linspace(0, 1, 23):
        r = registers(spec.solve, formats, field, share)
        coupling = r.gain * unit
        assert coupling <= spec.solve.coupling / field * 1.001
        assert coupling >= spec.solve.coupling / field / 4 * 0.999
        temperature = 4.0 ** (r.dither - 1) * lsb**2 / (4 * coupling)
        wanted = field * 0.3 * (0.08 / 0.3) ** share
        assert temperature == pytest.approx(wanted, rel=0.5 / r.gain + 1e-9)
        shil_rad = r.shil_max * formats.table_amplitude * lsb * 2**formats.strength_shift
        shil_rad /= 2**formats.shift
        half_step = 0.5 * shil_rad / max(1, r.shil_max)
        assert shil_rad / coupling == pytest.approx(
            0.5 * share * field, abs=half_step / coupling + 1e-9
        )


def test_stages_share_the_steps(spec):
    formats = formats_for(spec, 10)
    for steps in (1, 7, 40, 1003):
        stages = schedule(spec.solve, formats, 2.0, steps)
        assert sum(stage.steps for stage in stages) == steps
        assert {stage.steps for stage in stages} <= {steps // len(stages), steps // len(stages) + 1}
        assert len(stages) == min(40, steps)


def test_the_field_leaves_nodes_without_edges_out():
    assert field_of(5, np.array([[0, 1, 3], [1, 2, -4]])) == math.sqrt((9 + 25 + 16) / 3)
    assert field_of(5, np.zeros((0, 3), dtype=np.int64)) == 1.0


def test_spins_are_read_at_a_quarter_turn():
    f = Formats(n=2, lanes=2, pages=1)
    theta = [0, 16383, 16384, 32768, 49151, 49152, 65535]
    assert spins_of(theta, f).tolist() == [1, 1, -1, -1, -1, 1, 1]


def test_a_descent_ends_where_no_flip_helps_and_counts_its_flips(spec):
    edges = ising_graphs.FAMILIES["random 6 %"](50, 1) * [1, 1, -1]
    energy = Energy(50, edges)
    start = np.random.default_rng(0).choice(np.array([-1, 1], dtype=np.int8), (4, 50))
    end, flips = energy.descend(start)
    assert (end * energy.fields(end) >= 0).all()
    assert flips >= (start != end).sum() > 0
    assert (energy.of(end) < energy.of(start)).all()
    i, j, w = edges.T
    assert np.array_equal(energy.of(start), [-(w * s[i] * s[j]).sum() for s in start.astype(int)])


def test_a_graph_without_edges_has_energy_0(spec):
    none = np.zeros((0, 3), dtype=np.int64)
    found = solve_ising(spec, formats_for(spec, 3), none, steps=50, replicas=2)
    assert found.energies.tolist() == [0, 0]


def test_without_steps_a_power_of_two_is_chosen_for_the_time_there_is(spec, monkeypatch):
    edges = ising_graphs.FAMILIES["random 6 %"](50, 1)
    formats = formats_for(spec, 50)
    monkeypatch.setattr(solve, "seconds_a_step", lambda twin: 0.7e-3)
    found = solve_ising(spec, formats, edges, replicas=2, budget_s=1.0)
    assert found.steps == 1024  # 1,428 would have fitted
    again = solve_ising(spec, formats, edges, replicas=2, steps=1024)
    assert np.array_equal(found.spins, again.spins)
    monkeypatch.setattr(solve, "seconds_a_step", lambda twin: 1.0)
    assert solve_ising(spec, formats, edges, replicas=1).steps == solve.LEAST_STEPS


def test_a_run_that_would_be_late_is_hurried_and_says_so(spec, monkeypatch):
    edges = ising_graphs.FAMILIES["random 6 %"](50, 1)
    formats, now = formats_for(spec, 50), [0.0]
    monkeypatch.setattr(solve, "seconds_a_step", lambda twin: 0.01)
    monkeypatch.setattr(solve.time, "monotonic", lambda: now[0])
    asked = solve_ising(spec, formats, edges, replicas=1, steps=2048, limit_s=1.0)

    real = solve.SparseTwin.run

    def slow(self, steps, **how):
        now[0] += steps * 0.04  # four times slower than measured
        real(self, steps, **how)

    monkeypatch.setattr(solve.SparseTwin, "run", slow)
    found = solve_ising(spec, formats, edges, replicas=1, budget_s=30.0, limit_s=50.0)
    assert found.hurried
    assert now[0] <= 50.0 + 2.1  # one stage was under way
    assert 1000 < found.steps < 2048
    assert asked.steps == 2048
    assert not asked.hurried


def test_progress_ends_at_1(spec):
    shares = []
    solve_ising(spec, formats_for(spec, 3), np.array([[0, 1, 1]]), steps=90, progress=shares.append)
    assert shares[-1] == 1.0
    assert shares == sorted(shares)
