"""The compiled twin gives the numbers of the NumPy twin, after every step and in every state."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from drai_hw.errors import SpecError, ToolError
from drai_hw.model import compiled
from drai_hw.model.compiled import CompiledTwin
from drai_hw.model.machine import Settings
from drai_hw.model.numbers import Formats
from drai_hw.model.twin import Twin

_spec = importlib.util.spec_from_file_location(
    "twin_cases", Path(__file__).with_name("test_model_twin.py")
)
twin_cases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(twin_cases)

STEPS = 200
CASES = twin_cases.CASES | {
    "130, all features": (
        {"n": 130, "lanes": 18, "pages": 8, "decay": True, "resonance": True, "theta_r": 4},
        {"gates": 3, "dither": 12, "decay": 900, "shil_max": 900, "shil_step": 3, "gain": 60},
    ),
    "130, wide lanes": (
        {"n": 130, "lanes": 64, "pages": 3, "weight_bits": 8, "g": "square"},
        {"dither": 3, "gain": 60},
    ),
    "130, two vectors of lanes, the second half full": (
        {"n": 130, "lanes": 48, "pages": 3, "decay": True, "resonance": True, "theta_r": 4},
        {"gates": 3, "dither": 12, "decay": 900, "gain": 60},
    ),
    "130, wide weights and table": (
        {"n": 130, "lanes": 32, "pages": 5, "phase_bits": 8, "table_bits": 8, "weight_bits": 8,
         "accumulator_bits": 20, "decay": True, "g": "sigmoid"},
        {"gates": 0, "decay": 3000, "gain": 60},
    ),
    "130, always": (
        {"n": 130, "lanes": 26, "pages": 5, "decay": True, "weight_bits": 3},
        {"eta": 65536, "decay": 65536, "gates": 0},
    ),
    "130, gaussian": (
        {"n": 130, "lanes": 26, "pages": 5, "decay": True, "g": "gaussian",
         "g_parameters": {"width_rad": 1.0, "offset": 0.5}},
        {"eta": 65536, "decay": 9000, "gates": 0, "dither": 12, "gain": 60},
    ),
    "130, young features": (
        {"n": 130, "lanes": 18, "pages": 8, "decay": True, "resonance": True, "theta_r": 4,
         "mask": True, "edge": True, "budget": True, "centring": True},
        {"gates": 3, "dither": 12, "decay": 900, "shil_max": 900, "shil_step": 3, "gain": 60,
         "budget": 430, "shrink": 30000, "centre": 20000},
    ),
    "130, eight bits": (
        {"n": 130, "lanes": 26, "pages": 5, "mask": True, "edge": True, "budget": True,
         "weight_bits": 8},
        {"gates": 0, "dither": 3, "gain": 60, "budget": 3900, "shrink": 9000},
    ),
    "wide frequencies": (
        {"n": 20, "lanes": 10, "pages": 2, "accumulator_bits": 24, "frequency_bits": 20,
         "phase_bits": 10, "resonance": True, "theta_r": 4000},
        {"gates": 2, "dither": 20},
    ),
}  # fmt: skip


def load(twin, f, rng):
    """Give a twin phases, tuning words, inputs, clamps, an inactive minority and weights."""
    turn = 1 << f.accumulator_bits
    twin.load_phases(rng.integers(0, turn, f.n))
    twin.load_omega(rng.integers(-turn // 64, turn // 64, f.n))
    strength = rng.integers(0, 1000, f.n) * rng.integers(0, 2, f.n)
    clamp = rng.random(f.n) < 0.15
    active = rng.random(f.n) < 0.9 if f.n > 4 else np.ones(f.n, dtype=bool)
    twin.load_inputs(rng.integers(0, 1 << f.phase_bits, f.n), strength, clamp, active)
    weights = np.triu(rng.integers(-f.w_max, f.w_max + 1, (f.n, f.n)), 1)
    weights += weights.T
    if f.mask:
        links = twin_cases.half_of_all_links(f.n, rng)
        twin.load_links(links)
        weights *= links
    twin.load_weights(weights)


def pair_of_twins(case):
    shape, registers = CASES[case]
    f = Formats(**shape, seed=7)
    twins = Twin(f), CompiledTwin(f)
    for twin in twins:
        values = {"gain": 900, "eta": 30000, "margin": f.sum_max // 20} | registers
        twin.configure(Settings(**values))
        load(twin, f, np.random.default_rng(5))
    return twins


def assert_equal(plain, fast):
    expected, got = plain.snapshot(), fast.snapshot()
    assert got.keys() == expected.keys()
    for name, value in expected.items():
        assert np.array_equal(got[name], value), name
    assert fast.counters() == plain.counters()


@pytest.mark.parametrize("case", CASES)
def test_the_compiled_twin_equals_the_twin_after_every_step(case):
    plain, fast = pair_of_twins(case)
    for step in range(STEPS):
        how = {"field": step % 3 == 0, "couple": step % 11 != 7, "learn": step % 5 != 4}
        how |= {"edge": plain.formats.edge and step % 7 > 3}
        how |= {"census": bool(plain.formats.census_passes) and step % 2 == 0}
        for twin in (plain, fast):
            twin.run(1, **how, resume=step % 100 > 0)
        assert np.array_equal(fast.theta, plain.theta), step
        assert np.array_equal(fast.margin, plain.margin), step
        assert fast.counters() == plain.counters(), step
        if step % 10 == 0:
            assert_equal(plain, fast)
    assert_equal(plain, fast)
    assert np.array_equal(fast.weight_words(), plain.weight_words())
    assert np.array_equal(fast.read_weights(), plain.read_weights())
    assert plain.counters().changed > 0, "nothing was learned: the comparison would prove nothing"


@pytest.mark.parametrize("case", ["130, all features", "small profile"])
def test_gates_open_and_close_in_the_compared_runs(case):
    plain, _ = pair_of_twins(case)
    plain.run(60, field=True, learn=True)
    count = plain.counters()
    assert 0 < count.written < count.gated_on < count.visited


def test_each_twin_goes_on_from_a_snapshot_of_the_other():
    plain, fast = pair_of_twins("130, all features")
    plain.run(20, field=True, learn=True)
    fast.restore(plain.snapshot())
    for twin in (plain, fast):
        twin.run(20, field=True, learn=True, resume=True)
    assert_equal(plain, fast)
    back = Twin(fast.formats)
    back.restore(fast.snapshot())
    for twin in (back, fast):
        twin.run(5, learn=True, resume=True)
    assert_equal(back, fast)


def test_reseed_repeats_the_draws():
    _, fast = pair_of_twins("padding")
    start = fast.snapshot()
    fast.run(30, field=True, learn=True)
    first = fast.weights
    fast.restore(start)
    fast.reseed()
    fast.run(30, field=True, learn=True)
    assert np.array_equal(fast.weights, first)
    assert fast.counters().visited > 0


def test_values_that_do_not_fit_are_refused_as_by_the_twin():
    _, fast = pair_of_twins("one page")
    with pytest.raises(SpecError, match="zero diagonal"):
        fast.load_weights(np.eye(4))
    with pytest.raises(SpecError, match=r"register gain = 65536"):
        fast.configure(Settings(gain=65536))


def test_the_largest_sums_a_block_can_have_are_exact():
    """All weights and half of all table entries at their limit: 64 terms need 20 bits."""
    f = Formats(n=128, lanes=64, pages=2, phase_bits=8, table_bits=8, weight_bits=8,
                accumulator_bits=20)  # fmt: skip
    plain, fast = Twin(f), CompiledTwin(f)
    for twin in (plain, fast):
        twin.configure(Settings(gain=1, margin=f.sum_max // 2))
        twin.load_weights(f.w_max * (1 - np.eye(f.n, dtype=int)))
        twin.load_phases(np.where(np.arange(f.n) < 64, 0, 1 << (f.accumulator_bits - 2)))
        twin.run(1, field=True)
    assert abs(fast._sum).max() == 64 * f.w_max * f.table_amplitude
    assert_equal(plain, fast)
    for twin in (plain, fast):
        twin.configure(Settings(gain=1, eta=65536, gates=0))
        twin.run(1, learn=True)
    assert_equal(plain, fast)


def test_the_largest_weight_stays_where_no_decay_is_drawn():
    """8 bits: 127 must not exceed what stands for "no decay"."""
    f = Formats(n=4, lanes=4, pages=1, weight_bits=8, decay=True)
    twin = CompiledTwin(f)
    twin.configure(Settings(eta=0, decay=0, gates=0))
    largest = 127 * (1 - np.eye(4, dtype=int))
    twin.load_weights(largest)
    twin.run(50, learn=True)
    assert np.array_equal(twin.read_weights(), largest)


def test_sums_get_64_bits_where_32_could_wrap(monkeypatch):
    shape, _ = CASES["wide"]
    f = Formats(**shape, seed=7)
    assert CompiledTwin(f)._sum.dtype == np.int32
    monkeypatch.setattr(Formats, "sum_max", property(lambda self: 2**31))
    assert CompiledTwin(f)._sum.dtype == np.int64


def test_without_numba_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    for name in ("kernels", "vectors", "vector_integers"):
        monkeypatch.delitem(sys.modules, f"drai_hw.model.{name}", raising=False)
    with pytest.raises(
        ToolError, match=r"need the package numba.*drai_hw\[fast\].*Twin gives CompiledTwin's bits"
    ):
        compiled.kernels()


def test_without_what_numba_stands_on_the_error_is_the_same(monkeypatch):
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    for name in ("kernels", "vectors", "vector_integers"):
        monkeypatch.delitem(sys.modules, f"drai_hw.model.{name}", raising=False)
    with pytest.raises(ToolError, match="need the package numba"):
        compiled.kernels()


def test_machine_code_of_other_constants_is_refused(monkeypatch):
    monkeypatch.delitem(sys.modules, "drai_hw.model.kernels", raising=False)
    monkeypatch.setattr("drai_hw.model.prng.LEAP", 16)
    with pytest.raises(RuntimeError, match=r"constants of .*kernels differ"):
        compiled.kernels()
