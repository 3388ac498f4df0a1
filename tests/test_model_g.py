"""Learning functions by name: shape, drift mean, parameters, and what integer logic refuses."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from drai_hw.errors import SpecError
from drai_hw.model import g as functions
from drai_hw.model.reference import Reference
from drai_hw.spec import parse, template

ALL = sorted(functions.classes())
FILE = (
    'schema = 1\n[network]\nname = "x"\noscillators = 2\n[task]\nkind = "lock"\n'
    "[learning]\ngates = []\neta = 1.0\n"
)


def test_a_file_of_the_folder_is_a_function_of_that_name():
    assert {name: made.name for name, made in functions.classes().items()} == {n: n for n in ALL}
    assert len(ALL) == len(set(functions.classes().values())) >= 6


@pytest.mark.parametrize("name", ALL)
def test_every_g_is_even_periodic_bounded_and_falls_with_distance(name):
    g = functions.make(name)
    psi = np.linspace(0.0, math.pi, 101)[1:-1]
    assert np.allclose(g(psi), g(-psi), atol=1e-12)
    assert np.allclose(g(psi), g(psi + 2 * math.pi), atol=1e-12)
    assert np.abs(g(psi)).max() <= 1
    assert np.diff(g(psi)).max() <= 0
    assert g(0.0) > g(math.pi)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        *((name, {}) for name in ALL),
        ("gaussian", {"width_rad": 2.0, "offset": 0.1}),
        ("sigmoid", {"beta": 4.0, "theta": 0.5}),
        ("deadzone", {"full_rad": 0.5, "zero_rad": 1.0}),
        ("deadzone", {"full_rad": 0.5, "zero_rad": 2.5}),
        ("deadzone", {"full_rad": 1.0, "zero_rad": 2.25}),
    ],
)
def test_the_drift_mean_is_the_mean_over_a_turn(name, parameters):
    g = functions.make(name, parameters)
    kinks = [0.5, 1.0, 1.5, math.pi / 2]
    mean = quad(lambda x: float(g(x)), 0, math.pi, points=kinks, limit=200)[0] / math.pi
    assert g.drift_mean == pytest.approx(mean, abs=1e-9)


def test_drift_means_are_the_known_ones():
    """0.1995 - b for the bell of width 0.5; -0.368 for the sigmoid of beta 4, theta 0.5."""
    assert functions.make("gaussian", {"offset": 0.0}).drift_mean == pytest.approx(0.1995, abs=5e-5)
    assert functions.make("gaussian").drift_mean < 0
    sigmoid = functions.make("sigmoid", {"theta": 0.5})
    assert sigmoid.drift_mean == pytest.approx(-0.368, abs=5e-4)
    assert functions.make("sigmoid").drift_mean == pytest.approx(0.0, abs=1e-12)


def test_the_sigmoid_is_the_logistic_formula_and_steepens_to_the_square():
    psi = np.array([0.0, 0.4, 1.3, 2.0, 3.0])
    formula = 2 / (1 + np.exp(-4 * (np.cos(psi) - 0.5))) - 1
    assert np.allclose(functions.make("sigmoid", {"theta": 0.5})(psi), formula, atol=1e-12)
    steep = functions.make("sigmoid", {"beta": 500.0})
    assert np.allclose(steep(psi), functions.make("square")(psi), atol=1e-12)


def test_the_dead_zone_is_flat_at_both_ends_and_linear_between():
    """1 up to t0 = 0.5, then (t1 - d)/(t1 - t0) through 0 at t1 = 1, and -1 from 2 t1 - t0."""
    g = functions.make("deadzone", {"full_rad": 0.5, "zero_rad": 1.0})
    assert np.allclose(g([0.0, 0.5, 0.75, 1.0, 1.25, 1.5, 3.0]), [1, 1, 0.5, 0, -0.5, -1, -1])
    psi = np.linspace(-3.1, 3.1, 63)
    straight = functions.make("deadzone", {"full_rad": 0.0, "zero_rad": math.pi / 2})
    assert np.allclose(straight(psi), functions.make("xor")(psi), atol=1e-12)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("gausian", {}, r"g = 'gausian': known learning functions are cosine, deadzone, gaussian"),
        ("xor", {"beta": 1.0}, r"g_parameters.beta: unknown; g = 'xor' takes none at all"),
        ("sigmoid", {"width_rad": 1.0}, r"'sigmoid' takes beta, theta"),
        ("gaussian", {"width_rad": 0.0}, r"width_rad = 0: needs more than 0 rad"),
        ("gaussian", {"offset": 1.5}, r"offset = 1.5: needs 0 to 1"),
        ("sigmoid", {"beta": -1.0}, r"beta = -1: needs above 0 to 500"),
        ("sigmoid", {"theta": 2.0}, r"theta = 2: needs -1 to 1"),
        ("deadzone", {"full_rad": 2.0}, r"full_rad = 2, zero_rad = 1.5708: needs 0 <= full_rad <"),
    ],
)
def test_wrong_names_and_parameters_are_refused(name, parameters, message):
    with pytest.raises(SpecError, match=message):
        functions.make(name, parameters)


def test_the_file_chooses_g_and_its_parameters_and_the_model_learns_by_them():
    text = FILE + 'g = "gaussian"\ng_parameters = { width_rad = 1.0, offset = 0.5 }\n'
    spec = parse(text)
    assert parse(template(spec)) == spec
    model = Reference(spec)
    model.present([1, 1])
    assert model.weights[0, 1] == pytest.approx(0.5)
    model.present([1, -1])
    assert model.weights[0, 1] == pytest.approx(0.5 + math.exp(-(math.pi**2) / 2) - 0.5)


def test_a_parameter_that_is_no_number_is_refused_by_the_file():
    with pytest.raises(SpecError, match=r"needs an inline table of numbers"):
        parse(FILE + 'g = "gaussian"\ng_parameters = { width_rad = "wide" }\n')
