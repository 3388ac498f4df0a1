"""From the network file to registers: the float-to-fixed conversion, and its limits."""

import math

import numpy as np
import pytest

from drai_hw import catalog, spec
from drai_hw.errors import SpecError
from drai_hw.model import plan


def letters(**tables):
    data = catalog.find("letters")[0].model_dump(by_alias=True, exclude_unset=True)
    for name, entries in tables.items():
        data[name] = data.get(name, {}) | entries
    return spec.validate(data)


@pytest.mark.parametrize(
    ("n", "geometry"),
    [
        (2, (2, 1)),
        (3, (4, 1)),
        (8, (8, 1)),
        (35, (8, 5)),
        (64, (8, 8)),
        (512, (64, 8)),
        (1024, (64, 16)),
    ],
)
def test_default_geometry_holds_the_network(n, geometry):
    assert plan.default_geometry(n) == geometry


@pytest.mark.parametrize("n", range(2, 1025, 7))
def test_default_geometry_is_always_valid(n):
    lanes, pages = plan.default_geometry(n)
    assert lanes % 2 == 0
    assert lanes * (pages - 1) < n <= lanes * pages


def test_gain_moves_the_phase_by_the_wanted_angle_at_full_row_sum():
    s = letters()
    f = plan.formats_of(s)
    weights = np.full((35, 35), 3)
    np.fill_diagonal(weights, 0)
    gain = plan.run_settings(s, f, weights).gain
    # All other oscillators a quarter turn ahead: the torque is the row sum times the amplitude.
    advance_lsb = gain * 34 * 3 * f.table_amplitude / 2**f.shift
    assert advance_lsb * 2 * math.pi / 2**16 == pytest.approx(s.dynamics.coupling, rel=1e-3)


def test_shil_strength_is_in_units_of_the_full_torque():
    s = letters(shil={"strength": 0.5})
    f = plan.formats_of(s)
    strength = plan.run_settings(s, f, np.ones((35, 35)) - np.eye(35)).shil_max
    advance_lsb = strength * f.table_amplitude * 2**f.strength_shift / 2**f.shift
    assert advance_lsb * 2 * math.pi / 2**16 == pytest.approx(0.5 * 0.8, rel=1e-2)


def test_weights_too_small_for_the_coupling_are_refused_with_the_limit():
    s = letters()
    weights = np.zeros((35, 35))
    weights[0, 1] = weights[1, 0] = 1
    with pytest.raises(SpecError, match=r"needs a gain of \d+, the register holds 65535; lower"):
        plan.run_settings(s, plan.formats_of(s), weights)


def test_a_margin_out_of_reach_is_refused():
    s = letters(learning={"margin": 600})
    with pytest.raises(SpecError, match=r"learning.margin = 600 weight LSB: .* at most 510"):
        plan.learn_settings(s, plan.formats_of(s))


def test_a_shil_too_strong_for_its_register_is_refused():
    s = letters(shil={"strength": 1.5}, dynamics={"coupling": 1.0}, formats={"table_bits": 2})
    with pytest.raises(SpecError, match=r"shil.strength = 1.5: too strong .* at most 0.785 with"):
        plan.run_settings(s, plan.formats_of(s), np.ones((35, 35)) - np.eye(35))


def test_half_a_turn_a_step_is_refused():
    s = letters(dynamics={"frequencies": [5.0] * 35})
    with pytest.raises(SpecError, match=r"half a turn a step or more; needs less than 3.9"):
        plan.tuning_words(s)


def test_the_design_digest_follows_the_hardware_only():
    base = plan.design_digest(plan.formats_of(letters()))
    assert base == plan.design_digest(plan.formats_of(letters(task={"trials": 3})))
    assert base != plan.design_digest(plan.formats_of(letters(formats={"weight_bits": 6})))
    assert base != plan.design_digest(plan.formats_of(letters(board={"lanes": 12})))
