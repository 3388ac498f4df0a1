"""Crossbars: exact against closed forms, badcrossbar and ngspice; gradients; defined limits."""

from __future__ import annotations

import re

import numpy as np
import pytest

from drai_hw.bench import crossbars
from drai_hw.errors import SpecError
from drai_hw.spice.crossbar import Crossbar, netlist
from drai_hw.spice.crossbar.array import SPARSE_BELOW
from drai_hw.spice.crossbar.export import ngspice_currents
from drai_hw.spice.crossbar.grid import tile_sides


def devices(m: int, n: int, seed: int = 0, open_share: float = 0.1):
    rng = np.random.default_rng(seed)
    g = 10.0 ** -rng.uniform(3, 5, (m, n))
    g[rng.random((m, n)) < open_share] = 0.0
    return g, rng.uniform(-0.3, 0.3, (m, 3))


def relative(found, wanted):
    return np.abs(found - wanted).max() / np.abs(wanted).max()


def test_one_device_is_three_resistors_in_series():
    solved = Crossbar([[1e-3]], 2.0, 5.0).solve([0.7])
    assert solved.currents_a == pytest.approx([0.7 / 1007.0], rel=1e-15)
    assert solved.worst_drop_v == pytest.approx(0.7 * 7.0 / 1007.0, rel=1e-13)
    assert solved.power_w == pytest.approx(0.7**2 / 1007.0, rel=1e-15)
    assert solved.read_energy_j(1e-7) == pytest.approx(0.7**2 / 1007.0 * 1e-7, rel=1e-15)


def test_a_ladder_is_the_continued_fraction():
    """One word line, ideal bit lines: the input resistance folds up from the far end."""
    g, ohm = np.array([[2e-3, 1e-3, 5e-4, 3e-3]]), 40.0
    seen = 0.0
    for each in g[0, ::-1]:
        seen = 1.0 / (ohm + 1.0 / (each + seen))
    for bit_ohm in (0.0, 1e-12):  # exactly ideal, and by the general way
        solved = Crossbar(g, ohm, bit_ohm, method="tiles").solve([1.0])
        assert solved.source_a == pytest.approx([seen], rel=1e-12)


@pytest.mark.parametrize(("word_ohm", "bit_ohm"), [(0, 0), (0, 3.0), (2.5, 0), (2.5, 2.5), (8, 1)])
@pytest.mark.parametrize(("m", "n"), [(1, 1), (1, 9), (7, 1), (6, 11), (33, 20)])
def test_every_way_gives_the_currents_of_ngspice(m, n, word_ohm, bit_ohm):
    g, v = devices(m, n, seed=m + n, open_share=0.0 if m == n else 0.1)
    for method in ("tiles", "sparse"):
        array = Crossbar(g, word_ohm, bit_ohm, method=method)
        assert relative(array.solve(v[:, 0]).currents_a, ngspice_currents(array, v[:, 0])) < 1e-12


def test_ngspice_agrees_at_32_by_32():
    g, v = devices(32, 32)
    array = Crossbar(g, 2.5)
    assert relative(array.solve(v[:, 1]).currents_a, ngspice_currents(array, v[:, 1])) < 1e-12


@pytest.mark.parametrize("shape", [(5, 3), (32, 32), (64, 64), (50, 130), (128, 128)])
@pytest.mark.parametrize("ohms", [(2.5, 2.5), (0.1, 20.0)])
def test_badcrossbar_agrees_in_every_current_and_voltage(shape, ohms):
    """Both are exact; 1e-10 leaves room for the condition of arrays whose lines take 90 %."""
    g, v = devices(*shape, seed=1)
    oracle = crossbars.badcrossbar()
    with np.errstate(divide="ignore"):
        wanted = oracle.compute(v, 1.0 / g, r_i_word_line=ohms[0], r_i_bit_line=ohms[1])
    for method in ("tiles", "sparse"):
        solved = Crossbar(g, *ohms, method=method).solve(v)
        assert relative(solved.currents_a, wanted.currents.output) < 1e-10
        assert relative(np.moveaxis(solved.device_a, 0, 2), wanted.currents.device) < 1e-10
        assert relative(np.moveaxis(solved.word_v, 0, 2), wanted.voltages.word_line) < 1e-10
        assert relative(np.moveaxis(solved.bit_v, 0, 2), wanted.voltages.bit_line) < 1e-10
        assert solved.residual < 1e-11


def test_both_ways_agree_at_sizes_that_fill_no_tile():
    for m, n in [(2, 67), (17, 17), (97, 131), (16, 200)]:
        g, v = devices(m, n, seed=m)
        tiles, plain = (Crossbar(g, 1.0, 3.0, method=way).solve(v) for way in ("tiles", "sparse"))
        assert relative(tiles.currents_a, plain.currents_a) < 1e-12


def test_no_number_comes_from_memory_that_nobody_wrote(monkeypatch):
    """Filled with signalling NaN, fresh arrays change nothing and warn of nothing."""
    g, v = devices(32, 40)
    clean = Crossbar(g, 2.5, method="tiles").solve(v)
    plain = np.empty

    def poisoned(*args, **kwargs):
        fresh = plain(*args, **kwargs)
        if fresh.dtype == np.float64:
            fresh.view(np.uint64)[...] = 0x7FF0_0000_0000_0001
        return fresh

    monkeypatch.setattr(np, "empty", poisoned)
    again = Crossbar(g, 2.5, method="tiles").solve(v)
    assert np.array_equal(again.currents_a, clean.currents_a)
    assert np.array_equal(again.device_a, clean.device_a)


def test_the_shape_decides_the_way_and_the_tiles():
    assert Crossbar(np.ones((SPARSE_BELOW - 1, 99)), 1.0).method == "sparse"
    assert Crossbar(np.ones((SPARSE_BELOW, 99)), 1.0).method == "tiles"
    assert Crossbar(np.ones((2, 2)), 0.0, 1.0).method == "ideal lines"
    assert tile_sides(256, 256) == (16, 16)
    assert tile_sides(1, 1) == (1, 1)
    for m, n in [(129, 257), (33, 1000), (5, 5)]:
        for count, side in zip((m, n), tile_sides(m, n), strict=True):
            assert -count % side <= count / 8


def test_lines_without_resistance_give_the_plain_product():
    g, v = devices(20, 30)
    solved = Crossbar(g, 0.0).solve(v)
    assert np.allclose(solved.currents_a, v.T @ g, rtol=1e-14)
    assert solved.worst_drop_v == 0.0


def test_small_resistance_goes_over_into_none_without_losing_digits():
    g, v = devices(40, 40)
    one, ten = (
        v.T @ g - Crossbar(g, ohm, method="tiles").solve(v).currents_a for ohm in (1e-4, 1e-3)
    )
    assert relative(10 * one, ten) < 1e-3  # the loss is linear in a small resistance
    assert relative(Crossbar(g, 1e-12, method="tiles").solve(v).currents_a, v.T @ g) < 1e-12


@pytest.mark.parametrize("ohms", [(2.5, 2.5), (0.0, 2.5), (2.5, 0.0), (0.0, 0.0)])
@pytest.mark.parametrize("method", ["tiles", "sparse"])
def test_open_lines_carry_nothing(ohms, method):
    g, v = devices(12, 9)
    g[3] = 0.0
    g[:, 5] = 0.0
    solved = Crossbar(g, *ohms, method=method).solve(v)
    assert (solved.source_a[:, 3] == 0).all()
    assert (solved.currents_a[:, 5] == 0).all()
    rest = Crossbar(np.zeros((12, 9)), *ohms, method=method).solve(v)
    assert (rest.currents_a == 0).all()
    assert rest.residual == 0.0
    assert np.allclose(rest.word_v, rest.input_v[:, :, np.newaxis])


def test_many_inputs_are_solved_like_one():
    g, _ = devices(50, 49)
    v = np.random.default_rng(5).normal(size=(50, 150))
    array = Crossbar(g, 2.5)
    together = array.solve(v)
    assert together.currents_a.shape == (150, 49)
    for k in (0, 63, 64, 149):
        alone = array.solve(v[:, k])
        assert alone.currents_a.shape == (49,)
        assert relative(together.currents_a[k], alone.currents_a) < 1e-13
    assert relative(together.currents_a, v.T @ array.effective_s()) < 1e-12


def test_power_goes_to_devices_and_lines():
    g, v = devices(30, 60)
    solved = Crossbar(g, 2.5, 1.5).solve(v)
    word = np.diff(solved.word_v, axis=2, prepend=solved.input_v[:, :, np.newaxis]) ** 2 / 2.5
    bit = np.diff(solved.bit_v, axis=1, append=0.0) ** 2 / 1.5
    heat = word.sum((1, 2)) + bit.sum((1, 2))
    assert np.allclose(solved.power_w, solved.device_power_w + heat, rtol=1e-11)
    k, i, j = solved.worst_drop_at
    assert abs(solved.drop_v[k, i, j]) == solved.worst_drop_v


@pytest.mark.parametrize("ohms", [(2.5, 2.5), (0.7, 0.0), (0.0, 4.0), (0.0, 0.0)])
@pytest.mark.parametrize("shape", [(1, 1), (9, 14), (56, 50)])
def test_the_gradient_is_that_of_finite_differences(ohms, shape):
    """Central differences of a smooth function, step 1e-4 of a conductance: error about 1e-8."""
    g, v = devices(*shape, seed=2)
    rng = np.random.default_rng(3)
    goal = rng.normal(size=(3, shape[1])) * 1e-4
    array = Crossbar(g, *ohms)
    solved = array.solve(v)
    by_g, by_v = solved.gradient(2 * (solved.currents_a - goal))

    def loss(conductances, inputs):
        return ((Crossbar(conductances, *ohms).solve(inputs).currents_a - goal) ** 2).sum()

    for _ in range(3):
        way = rng.normal(size=shape) * g * 1e-4
        slope = (loss(g + way, v) - loss(g - way, v)) / 2
        assert slope == pytest.approx((by_g * way).sum(), rel=1e-6)
        push = rng.normal(size=v.shape) * 1e-4
        slope = (loss(g, v + push) - loss(g, v - push)) / 2
        assert slope == pytest.approx((by_v * push.T).sum(), rel=1e-6)


def test_the_gradient_counts_open_devices_too():
    g, v = devices(6, 5)
    g[2, 3] = 0.0
    array = Crossbar(g, 2.5)
    by_g, _ = array.solve(v).gradient(np.ones((3, 5)))
    closed = g.copy()
    closed[2, 3] = 1e-10
    more = (Crossbar(closed, 2.5).solve(v).currents_a - array.solve(v).currents_a).sum()
    assert more / 1e-10 == pytest.approx(by_g[2, 3], rel=1e-4)
    assert by_g[2, 3] != 0


def test_the_netlist_leaves_out_what_is_not_there():
    g = np.array([[1e-3, 0.0], [2e-3, 3e-3]])
    text = netlist(Crossbar(g, 2.0, 0.0), np.array([0.1, 0.2]))
    assert len(re.findall(r"^rd", text, re.MULTILINE)) == 3
    assert len(re.findall(r"^rw", text, re.MULTILINE)) == 4
    assert not re.findall(r"^rb", text, re.MULTILINE)
    with pytest.raises(SpecError, match=r"input of shape \(2, 1\); a netlist has one, .* \(2,\)"):
        netlist(Crossbar(g, 2.0), np.ones((2, 1)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"conductance_s": np.ones(3)}, r"shape \(3,\); needed is m x n"),
        ({"conductance_s": np.ones((0, 3))}, r"shape \(0, 3\); needed is m x n"),
        ({"conductance_s": [[1.0, np.inf]]}, "1 values are not finite.*short the conductance of"),
        ({"conductance_s": [[1.0, -2.0]]}, "row 0, column 1 is -2 S; .*two devices each"),
        ({"conductance_s": [[1e13]]}, "1e\\+13 S; needed is at most 1e\\+12 S: are these ohm"),
        ({"conductance_s": [["a"]]}, "needed are real numbers"),
        ({"word_ohm": -1.0}, "word-line segment = -1 ohm: needed is 0, or from 1e-12"),
        ({"bit_ohm": np.nan}, "bit-line segment = nan ohm: needed is 0, or"),
    ],
)
def test_what_is_no_crossbar_is_refused(change, message):
    with pytest.raises(SpecError, match=message):
        Crossbar(**{"conductance_s": np.ones((2, 2)), "word_ohm": 1.0} | change)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (np.ones(3), r"shape \(3,\); needed is 2, or 2 x p"),
        (np.ones((2, 0)), r"shape \(2, 0\); needed is 2"),
        ([1.0, np.nan], "voltages: 1 values are not finite"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(inputs, message):
    with pytest.raises(SpecError, match=message):
        Crossbar(np.ones((2, 2)), 1.0).solve(inputs)
    with pytest.raises(SpecError, match=r"loss_per_a has shape \(3,\); needed .* \(2,\)"):
        Crossbar(np.ones((2, 2)), 1.0).solve([1.0, 1.0]).gradient(np.ones(3))


def test_the_bench_compares_equal_results_and_says_what_is_missing(monkeypatch):
    rows = list(crossbars.rows(24, 1))
    assert [row.reason for row in rows[:3]] == ["", "", ""]
    assert all(row.against.endswith(", equal to 1e-10") for row in rows[:3])
    wrong = crossbars.plain
    monkeypatch.setattr(crossbars, "plain", lambda n, k: lambda: wrong(n, k)() * (1 + 1e-9))
    assert next(crossbars.rows(4, 1)).against.endswith("RESULTS DIFFER by 1e-09")
    monkeypatch.setitem(__import__("sys").modules, "badcrossbar", None)
    row = list(crossbars.rows(4, 1))[1]
    assert "badcrossbar is not installed" in row.reason
    assert row.ratio is None


@pytest.mark.full
def test_the_tiles_are_faster_than_what_is_asked():
    rows = [row for n in (128, 256) for row in crossbars.rows(n, 3) if row.target]
    assert len(rows) == 3
    assert all(row.met for row in rows), [(row.against, row.ratio) for row in rows]
