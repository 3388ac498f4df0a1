"""From the network file to registers: the float-to-fixed conversion, and its limits."""

import math

import numpy as np
import pytest

from drai_hw import catalog, spec
from drai_hw.errors import SpecError
from drai_hw.model import plan
from drai_hw.model.reference import Reference


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


# -- rates in units of the margin -------------------------------------------------------------


def in_margins(**tables):
    tables["learning"] = {"margin": 20.0} | tables.get("learning", {})
    return letters(dynamics={"unit": "margin", "coupling": 0.3}, **tables)


def test_in_units_of_the_margin_a_field_of_the_margin_moves_the_phase_by_the_coupling():
    s = in_margins()
    f = plan.formats_of(s)
    for scale in (1, 3):  # the weights do not matter: rows sum up to 34 and 102
        weights = scale * (np.ones((35, 35)) - np.eye(35))
        gain = plan.run_settings(s, f, weights).gain
        advance_lsb = gain * 20 * f.table_amplitude / 2**f.shift
        assert advance_lsb * 2 * math.pi / 2**16 == pytest.approx(0.3, rel=1e-3)


def test_both_units_give_the_same_registers_and_the_same_float_run():
    s = in_margins(shil={"strength": 0.4}, learning={"input_strength": 0.7})
    weights = np.random.default_rng(1).integers(-4, 5, (35, 35))
    weights = np.triu(weights, 1) + np.triu(weights, 1).T
    row_sum = int(np.abs(weights).sum(axis=1).max())
    other = s.in_row_sums(row_sum)
    assert other.dynamics.unit == "row-sum"
    f = plan.formats_of(s)
    assert plan.run_settings(s, f, weights) == plan.run_settings(other, f, weights)
    ones = np.ones(35)
    for a, b in zip(plan.inputs_of(s, f, ones), plan.inputs_of(other, f, ones), strict=True):
        assert np.array_equal(a, b)
    ends = []
    for each in (s, other):
        model = Reference(each)
        model.weights = weights.astype(float)
        model.phases_rad = np.linspace(0, 6, 35)
        model.input_strength = np.full(35, each.learning.input_strength)
        model.run(20)
        ends.append(model.phases_rad)
    assert np.allclose(*ends, atol=1e-9)


def test_detunings_and_noise_change_their_unit_too():
    s = in_margins()
    s = s.model_copy(
        update={
            "dynamics": s.dynamics.model_copy(update={"frequencies": (0.1,) * 35, "noise": 0.2})
        }
    )
    other = s.in_row_sums(80.0).dynamics  # a quarter of it is the margin
    assert other.frequencies == (0.025,) * 35
    assert (other.noise, other.coupling) == (pytest.approx(0.05), pytest.approx(1.2))
    assert np.array_equal(plan.tuning_words(s), plan.tuning_words(s.in_row_sums(80.0)))


def test_in_row_sums_leaves_alone_what_is_in_row_sums_or_has_no_weights():
    assert letters().in_row_sums(7.0) == letters()
    assert in_margins().in_row_sums(0.0) == in_margins()


def test_where_no_field_can_reach_the_margin_the_unit_is_the_row_sum():
    weights = 0.5 * (np.ones((35, 35)) - np.eye(35))
    s = in_margins()
    assert (s.unit_lsb(17.0), s.unit_lsb(34.0)) == (17.0, 20.0)
    assert s.in_row_sums(17.0).dynamics.coupling == pytest.approx(0.3)
    model = Reference(s)
    model.weights = weights
    assert model.unit_lsb() == 17.0


def test_a_margin_of_zero_is_no_unit():
    text = (
        r'dynamics.unit = "margin" with learning.margin = 0: .* needs a margin above 0 weight LSB'
    )
    with pytest.raises(SpecError, match=text):
        letters(dynamics={"unit": "margin"}, learning={"margin": 0.0})


def test_a_gain_that_does_not_fit_names_the_margin():
    weights = np.ones((35, 35)) - np.eye(35)
    s = letters(dynamics={"unit": "margin", "coupling": 1.0}, learning={"margin": 0.2})
    with pytest.raises(SpecError, match=r"coupling = 1 rad with a margin of 0.2 LSB: needs a gain"):
        plan.run_settings(s, plan.formats_of(s), weights)
