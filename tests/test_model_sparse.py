"""The sparse twin: equal to the dense twin bit for bit, in NumPy and in vectors."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from drai_hw.errors import SpecError, ToolError
from drai_hw.model import replica_vectors, sparse_compiled, sparse_forms
from drai_hw.model.machine import Settings
from drai_hw.model.numbers import Formats
from drai_hw.model.sparse import SparseTwin
from drai_hw.model.sparse_compiled import CompiledSparseTwin, fastest
from drai_hw.model.twin import Twin

WAYS = [sparse_forms.BYTE, sparse_forms.QUARTER, sparse_forms.PLAIN]
HAS = {
    sparse_forms.BYTE: replica_vectors.HAS_BYTE_LOOK_UP,
    sparse_forms.QUARTER: replica_vectors.HAS_SHUFFLE,
    sparse_forms.PLAIN: True,
}
CASES = [
    {"phase_bits": 6, "accumulator_bits": 16},
    {"phase_bits": 4, "accumulator_bits": 12, "levels": 5, "weight_bits": 4},
    {"phase_bits": 7, "accumulator_bits": 12, "weight_bits": 8},
    {"phase_bits": 8, "accumulator_bits": 12, "weight_bits": 2, "table_bits": 8},
    {"phase_bits": 8, "accumulator_bits": 14, "table": "square"},
    {"phase_bits": 3, "accumulator_bits": 8, "table": "triangle"},
]


@pytest.fixture(params=["numpy", *WAYS])
def kind(request):
    if request.param == "numpy":
        return SparseTwin
    if not HAS[request.param]:
        pytest.xfail("this processor has no such instructions")
    return partial(CompiledSparseTwin, way=request.param)


def edges_of(n, f, seed, share=0.4):
    rng = np.random.default_rng(seed)
    i, j = np.nonzero(np.triu(rng.random((n, n)) < share, 1))
    w = rng.integers(-f.w_max, f.w_max + 1, i.size)
    return np.column_stack([i, j, w])[rng.permutation(i.size)]


def dense(f, edges, seed):
    twin = Twin(replace(f, seed=seed))
    weights = np.zeros((f.n, f.n), dtype=np.int64)
    i, j, w = edges.T
    weights[i, j] = weights[j, i] = w
    twin.load_weights(weights)
    return twin


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_replica_is_the_dense_twin_of_its_seed_after_every_run(case, kind):
    f = Formats(n=19, lanes=6, pages=4, **case)
    rng = np.random.default_rng(1)
    edges, seeds = edges_of(19, f, 3), [7, 8, 3000]
    theta = rng.integers(0, 1 << f.accumulator_bits, (3, 19))
    machine, twins = kind(f, edges, seeds), [dense(f, edges, seed) for seed in seeds]
    machine.load_phases(theta)
    for twin, phases in zip(twins, theta, strict=True):
        twin.load_phases(phases)
    for steps, resume in ((1, False), (3, True), (2, False), (5, True), (4, True)):
        settings = Settings(
            gain=int(rng.integers(0, 3000)),
            dither=int(rng.integers(0, f.dither_shift_max + 2)),
            shil_max=int(rng.integers(0, 400)),
            shil_step=int(rng.integers(0, 90)),
        )
        for one in (machine, *twins):
            one.configure(settings)
            one.run(steps, resume=resume)
        assert np.array_equal(machine.read_phases(), [twin.read_phases() for twin in twins])
        assert machine.shil == twins[0].shil
    moved = machine.read_phases()
    machine.reseed()
    machine.load_phases(theta)
    machine.run(1)
    assert not np.array_equal(machine.read_phases(), moved)


def test_more_replicas_than_a_vector_holds_and_oscillators_without_edges(kind):
    f = Formats(n=12, lanes=4, pages=3, phase_bits=8, accumulator_bits=12)
    edges = [[2, 5, 3], [5, 7, -4], [2, 7, 1]]
    seeds = range(10, 10 + replica_vectors.REPLICAS + 3)
    theta = np.random.default_rng(0).integers(0, 4096, (len(seeds), 12))
    machine = kind(f, edges, seeds)
    machine.load_phases(theta)
    machine.configure(Settings(gain=40_000, dither=7, shil_max=50, shil_step=3))
    machine.run(6)
    for r in (0, 1, 31, len(seeds) - 4, len(seeds) - 3, len(seeds) - 1):
        twin = dense(f, np.array(edges), seeds[r])
        twin.load_phases(theta[r])
        twin.configure(machine.settings)
        twin.run(6)
        assert np.array_equal(machine.read_phases()[r], twin.read_phases())


def test_sums_of_many_large_weights_do_not_wrap(kind):
    f = Formats(n=700, lanes=4, pages=175, phase_bits=8, accumulator_bits=12, weight_bits=8)
    edges = np.array([[0, j, 127] for j in range(1, 700)])
    theta = np.full((1, 700), 1024)
    theta[:, 0] = 0
    machine = kind(f, edges, [1])
    machine.load_phases(theta)
    machine.configure(Settings(gain=1))
    machine.run(1)
    want = (699 * 127 * 31 + (1 << f.shift >> 1)) >> f.shift
    assert machine.read_phases()[0, 0] == want


def test_edges_that_do_not_fit_are_refused():
    f = Formats(n=4, lanes=4, pages=1)
    for edges, text in (
        ([[0, 1, 16]], "weights up to 16: weight_bits = 5 holds -15 to 15; weight_bits = 6 would"),
        ([[0, 4, 1]], "two different oscillators each, from 0 to 3"),
        ([[2, 2, 1]], "two different oscillators"),
        ([[0, 1, 1], [1, 0, 1]], "name a pair twice"),
    ):
        with pytest.raises(SpecError, match=text):
            SparseTwin(f, edges, [1])
    with pytest.raises(SpecError, match=r"phases of shape \(4,\): needs 2 replicas of 4"):
        SparseTwin(f, [[0, 1, 1]], [1, 2]).load_phases(np.zeros(4))
    with pytest.raises(SpecError, match="phase = 65536: needs 0 to 65535"):
        SparseTwin(f, [[0, 1, 1]], [1]).load_phases(np.full((1, 4), 65536))


def test_what_the_vectors_cannot_do_is_left_to_the_plain_twin(monkeypatch):
    f = Formats(n=4, lanes=4, pages=1, phase_bits=10)
    assert type(fastest(f, [[0, 1, 1]], [1])) is SparseTwin
    with pytest.raises(ToolError, match="phase_bits = 10: at most 8"):
        CompiledSparseTwin(f, [[0, 1, 1]], [1])
    monkeypatch.setattr(replica_vectors, "HAS_BYTE_LOOK_UP", False)
    with pytest.raises(ToolError, match="looked up by byte: needs a processor with AVX-512 VBMI"):
        CompiledSparseTwin(Formats(n=4, lanes=4, pages=1), [[0, 1, 1]], [1], way="byte")
    with pytest.raises(ToolError, match="looked up by ear: there is no such way; "):
        CompiledSparseTwin(Formats(n=4, lanes=4, pages=1), [[0, 1, 1]], [1], way="ear")
    monkeypatch.setattr(replica_vectors, "HAS_SHUFFLE", False)
    assert fastest(Formats(n=4, lanes=4, pages=1), [[0, 1, 1]], [1]).way == "plain"
    monkeypatch.undo()

    def missing(name="kernels"):
        raise ToolError("no numba")

    monkeypatch.setattr(sparse_compiled, "kernels", missing)
    assert type(fastest(Formats(n=4, lanes=4, pages=1), [[0, 1, 1]], [1])) is SparseTwin


def test_registers_beyond_32_bits_are_refused_by_the_vectors_only():
    f = Formats(n=4096, lanes=64, pages=64, weight_bits=8, phase_bits=8, accumulator_bits=12)
    edges = np.array([[0, j, 127] for j in range(1, 4096)])
    with pytest.raises(ToolError, match="32 bits do not hold a torque of rows up to 520065"):
        CompiledSparseTwin(f, edges, [1]).configure(Settings(gain=65535))
    SparseTwin(f, edges, [1]).configure(Settings(gain=65535))
    chosen = fastest(f, edges, [1], [Settings(gain=1), Settings(gain=65535)])
    assert type(chosen) is SparseTwin


def test_a_table_that_is_no_quarter_wave_is_looked_up_otherwise():
    sine = Formats(n=4, lanes=4, pages=1, phase_bits=8, accumulator_bits=12)
    skewed = [int(v) for v in sine.coupling]
    skewed[5] += 1
    pointed = Formats(n=4, lanes=4, pages=1, phase_bits=8, accumulator_bits=12, table="triangle",
                      table_bits=8)  # fmt: skip
    assert pointed.coupling[63] != pointed.coupling[64]
    edges = np.array([[0, 0, 1], [1, 2, 2], [1, -1, 1]])
    for formats in (pointed, _Skewed(sine, skewed)):
        assert sparse_forms.quarters_of(formats, *edges, 32) is None
    assert fastest(pointed, edges.T[:1], [1]).way != "quarter"
    with pytest.raises(ToolError, match="by quarter: needs a processor with AVX2 and an odd table"):
        CompiledSparseTwin(pointed, edges.T[:1], [1], way="quarter")


class _Skewed:
    """Formats with another table."""

    def __init__(self, formats, coupling):
        self.phase_bits, self.n, self.coupling = formats.phase_bits, formats.n, coupling
