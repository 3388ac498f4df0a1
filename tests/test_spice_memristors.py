"""Memristor models in ngspice against closed forms; bounds, variation, safe voltages."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest

from drai_hw.errors import SpecError
from drai_hw.spice.engine import simulate
from drai_hw.spice.memristors import LIBRARIES, MODELS, Model, library, varied
from drai_hw.spice.memristors.__main__ import main
from drai_hw.spice.point import operating_point

FOLDER = Path(__file__).resolve().parent.parent / "spice" / "models"
EV_PER_K = 8.617333262e-5


def wave(model: Model, source: str, stop_s: float, steps: int = 1000, **changes):
    """Run one device between node a and ground; return time, voltage, current, state."""
    step_s = stop_s / steps
    text = "\n".join(
        [
            "device", model.subcircuit(), source,
            "vm a b 0", model.instance("1", "b", "0", **changes),
            ".save v(a) i(vm) v(x1.x)", ".options method=trap reltol=1e-5",
            f".tran {step_s:.12g} {stop_s:.12g} 0 {step_s:.12g}", ".end", "",
        ]
    )  # fmt: skip
    waves = simulate(text, stop_s=stop_s, expected_points=steps, vectors=3)
    return (waves.time_s, *waves.select(["v(a)", "i(vm)", "v(x1.x)"]).T)


def test_the_hp_device_follows_its_closed_form_and_pinches():
    """M(phi) = sqrt(R0^2 - 2 k dR phi), k = uv Ron/D^2 (Joglekar and Wolf); flux by integration."""
    model = MODELS["hp_linear"]
    t, v, i, x = wave(model, "v1 a 0 sin(0 1 1)", 2.0, 2000)
    flux = (1 - np.cos(2 * np.pi * t)) / (2 * np.pi)
    k, swing, start = 1e-14 * 100 / 1e-16, 15_900.0, 100 * 0.3 + 16e3 * 0.7
    resistance = np.sqrt(start**2 - 2 * k * swing * flux)
    assert np.abs(x - (16e3 - resistance) / swing).max() < 1e-5
    assert np.abs(np.interp([0.5, 1.0, 1.5], t, i)).max() < 1e-3 * np.abs(i).max()
    assert np.abs(v).max() > 0.999


def test_the_loop_of_the_hp_device_shrinks_with_frequency():
    def area(hertz):
        _, v, i, _ = wave(MODELS["hp_linear"], f"v1 a 0 sin(0 1 {hertz})", 0.5 / hertz, 400)
        return abs(np.trapezoid(i, v))

    areas = [area(hertz) for hertz in (1, 2, 5, 20)]
    assert areas == sorted(areas, reverse=True)
    assert areas[-1] < 0.1 * areas[0]


@pytest.mark.parametrize("name", ["hp_joglekar", "hp_biolek", "hp_prodromakis"])
@pytest.mark.parametrize("sign", [1, -1])
def test_windows_of_exponent_one_follow_their_closed_forms(name, sign):
    """Driven by a current, x depends on charge alone: logistic, or hyperbolic tangent."""
    model, start, peak_a = MODELS[name], 0.4, 1e-4
    source = f"i1 0 a sin(0 {sign * peak_a} 1)"
    t, _, _, x = wave(model, source, 0.5, x0=start)
    turned = 1e4 * sign * peak_a * (1 - np.cos(2 * np.pi * t)) / (2 * np.pi)  # k q
    if name == "hp_biolek":
        exact = (
            np.tanh(math.atanh(start) + turned)
            if sign > 0
            else 1 - np.tanh(math.atanh(1 - start) - turned)
        )
    else:
        speed = 4.0 if name == "hp_joglekar" else 1.0
        exact = 1 / (1 + (1 / start - 1) * np.exp(-speed * turned))
    assert abs(x[-1] - start) > 0.05
    assert np.abs(x - exact).max() < 1e-5


@pytest.mark.parametrize(
    ("volt", "published_s"),
    [(0.1, 1.5e-6), (0.5, 250e-9), (1.0, 122.4e-9), (-0.3, 2.4e-9), (-0.5, 88.9e-12),
     (-1.0, 4.69e-12)],
)  # fmt: skip
def test_vteam_switches_in_the_time_of_its_closed_form(volt, published_s):
    """t = D/(k (V/V_th - 1)^a), to 0.2 %; the figures have 3 or 4 digits."""
    model = MODELS["vteam"]
    k, v_th, a = (5e-4, 0.02, 1) if volt > 0 else (-10.0, -0.2, 3)
    exact_s = 3e-9 / abs(k * (volt / v_th - 1) ** a)
    assert exact_s == pytest.approx(published_s, rel=1e-3)
    start = 0.0 if volt > 0 else 1.0
    t, v, i, x = wave(model, f"v1 a 0 {volt}", 1.3 * exact_s, x0=start)
    travelled = np.abs(x - start)
    crossed = np.interp(0.9, travelled[travelled < 1], t[travelled < 1]) / 0.9
    assert crossed == pytest.approx(exact_s, rel=2e-3)
    assert x[-1] == pytest.approx(1 - start, abs=1e-12)
    # the current is that of the resistance at this state
    assert np.allclose(i, v / (50 + 950 * x), rtol=1e-4)


def test_yakopcic_moves_as_published():
    """Below x_p the window is 1, so x rises by A_p (e^V - e^V_p) a second; then it slows."""
    model = MODELS["yakopcic"]
    speed = 4000 * (math.exp(1.0) - math.exp(0.65))
    t, _, i, x = wave(model, "v1 a 0 1", 0.18 / speed)
    assert np.abs(x - (0.11 + speed * t)).max() < 1e-5
    assert np.allclose(i[1:], 0.17 * x[1:] * math.sinh(0.05), rtol=1e-4)
    for state in (0.4, 0.7, 0.95):
        window = math.exp(-(state - 0.3)) * ((0.3 - state) / 0.7 + 1)
        assert model.rate_per_s(1.0, state) == pytest.approx(speed * window)
    down = 4000 * (math.exp(0.8) - math.exp(0.56))
    for state, window in ((0.7, 1.0), (0.3, math.exp(5 * (0.3 + 0.5 - 1)) * 0.3 / 0.5)):
        assert model.rate_per_s(-0.8, state) == pytest.approx(-down * window)
    assert model.rate_per_s(0.6, 0.2) == model.rate_per_s(-0.5, 0.2) == 0.0


def test_stanford_pku_gap_moves_at_the_rate_of_its_formula():
    """Without self-heating and with a constant enhancement, the gap shrinks linearly."""
    model, volt = MODELS["stanford_pku"], 1.5
    speed = 10 * math.exp(-0.6 / (EV_PER_K * 298)) * math.sinh(
        16 * 0.25e-9 * volt / (12e-9 * EV_PER_K * 298)
    )  # fmt: skip
    stop_s = 0.5 * 1.5e-9 / speed
    t, _, i, x = wave(model, f"v1 a 0 {volt}", stop_s, rth=0.0, beta=0.0)
    assert np.abs((1 - x) * 1.5e-9 - speed * t).max() < 1e-4 * 1.5e-9
    gap = 0.2e-9 + 1.5e-9 * x
    assert np.allclose(
        i[1:], (1e-3 * np.exp(-gap / 0.25e-9) * math.sinh(volt / 0.25))[1:], rtol=1e-4
    )
    # with heating: temperature by the device's own power
    current = 1e-3 * math.exp(-0.95e-9 / 0.25e-9) * math.sinh(volt / 0.25)
    kt = EV_PER_K * (298 + volt * current * 2.1e3)
    enhanced = 16 - 0.8 * 0.95**3
    rate = -10 * math.exp(-0.6 / kt) * math.sinh(enhanced * 0.25e-9 * volt / (12e-9 * kt)) / 1.5e-9
    assert model.rate_per_s(volt, 0.5) == pytest.approx(rate, rel=1e-9)
    assert abs(model.rate_per_s(0.9, 0.5)) < 1e-9 * abs(rate)  # below the least field


@pytest.mark.parametrize("volt", [0.3, -0.25, 0.0])
def test_the_mean_switch_relaxes_exponentially(volt):
    model = MODELS["mean_mss"]
    kt = EV_PER_K * 298.5
    on, off = 1 / (1 + math.exp(-(volt - 0.27) / kt)), 1 - 1 / (1 + math.exp(-(volt + 0.27) / kt))
    t, v, i, x = wave(model, f"v1 a 0 {volt}", 3e-4, x0=0.2)
    level = on / (on + off)
    exact = level + (0.2 - level) * np.exp(-(on + off) * t / 1e-4)
    assert np.abs(x - exact).max() < 1e-5
    assert np.allclose(i, v * (x / 500 + (1 - x) / 1500), rtol=1e-4, atol=1e-12)


@pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))
def test_every_model_has_an_operating_point_that_keeps_its_state(model):
    for volt in (0.0, 0.5, -3.0):
        text = "\n".join(["op", model.subcircuit(), f"v1 a 0 {volt}",
                          model.instance("1", "a", "0", x0=0.7), ".save v(x1.x) i(v1)", ".op",
                          ".end", ""])  # fmt: skip
        found = operating_point(text)
        assert found["v(x1.x)"] == pytest.approx(0.7, abs=1e-9)
        assert -found["i(v1)"] == pytest.approx(
            float(model.current_a(volt, 0.7)), rel=1e-3, abs=1e-11
        )


@pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))
def test_no_voltage_or_state_makes_a_model_divide_by_zero_or_overflow(model):
    v, x = np.meshgrid(np.linspace(-20, 20, 161), np.linspace(-0.5, 1.5, 81))
    with np.errstate(divide="raise", invalid="raise", over="raise"):
        current, rate = model.current_a(v, x), model.rate_per_s(v, x)
    assert np.isfinite(current).all()
    assert np.isfinite(rate).all()
    assert (current * v >= 0).all()  # a passive device
    assert (rate[x >= 1] <= 0).all()
    assert (rate[x <= 0] >= 0).all()


@pytest.mark.parametrize("name", ["hp_linear", "vteam", "yakopcic", "mean_mss"])
def test_a_hard_drive_leaves_the_state_within_its_bounds(name):
    hertz = {"hp_linear": 0.05, "vteam": 1e5, "yakopcic": 20, "mean_mss": 200}[name]
    _, _, _, x = wave(MODELS[name], f"v1 a 0 sin(0 1.5 {hertz})", 2 / hertz, x0=0.5)
    assert x.min() >= -1e-12
    assert x.max() <= 1.0 + 1e-12  # the solver's rounding
    assert x.max() - x.min() > 0.5


def test_the_committed_libraries_are_what_the_models_make_and_name_their_sources(tmp_path):
    main([str(tmp_path)])
    assert {path.name for path in FOLDER.iterdir()} == set(LIBRARIES)
    for name, models in LIBRARIES.items():
        text = (FOLDER / name).read_text()
        assert text == (tmp_path / name).read_text() == library(models), "run `make generated`"
        for model in models:
            assert f"* Source: {model.source}" in text
            for parameter in model.parameters:
                assert re.search(rf"^\*   {parameter.name} = \S+ {re.escape(parameter.unit)}: ",
                                 text, re.MULTILINE)  # fmt: skip


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_library_runs_by_include(name):
    calls = [f"v{k} a{k} 0 0.1\n{model.instance(str(k), f'a{k}', '0')}\n.save i(v{k})"
             for k, model in enumerate(LIBRARIES[name])]  # fmt: skip
    found = operating_point(
        "\n".join(["t", f".include {FOLDER / name}", *calls, ".op", ".end", ""])
    )
    for k, model in enumerate(LIBRARIES[name]):
        x0 = model.values()["x0"]
        assert -found[f"i(v{k})"] == pytest.approx(
            float(model.current_a(0.1, x0)), rel=1e-3, abs=1e-11
        )


def test_devices_vary_as_told():
    model = MODELS["vteam"]
    devices = varied(model, 4000, np.random.default_rng(1), {"ron": 0.2, "voff": 0.05})
    logs = np.log([[d["ron"] / 50, d["voff"] / 0.02] for d in devices])
    assert logs.std(axis=0) == pytest.approx([0.2, 0.05], rel=0.05)
    assert np.exp(logs).mean(axis=0) == pytest.approx([1, 1], rel=0.02)
    assert "ron=" in model.instance("1", "a", "0", **devices[0])
    with pytest.raises(SpecError, match="no parameter 'x0' that could vary"):
        varied(model, 1, np.random.default_rng(1), {"x0": 0.1})
    with pytest.raises(SpecError, match="sigma of ron = -1"):
        varied(model, 1, np.random.default_rng(1), {"ron": -1})


def steps_of_cycles(tcycle_s: float, c2c: float, volt: float, seed: int):
    """Run VTEAM with variation from cycle to cycle for 0.4 us; return time, state and the draws."""
    text = MODELS["vteam"].subcircuit(cycles=True).replace("tcycle=1e-06", f"tcycle={tcycle_s:g}")
    text = text.replace("c2c=0.1", f"c2c={c2c:g}")
    run = f"""c
{text}v1 a 0 {volt:g}
x1 a 0 vteam x0=0
.save v(x1.x) v(x1.z)
.options method=trap reltol=1e-5 seed={seed}
.tran 1e-10 4e-7 0 1e-10
.end
"""
    waves = simulate(run, stop_s=4e-7, expected_points=4000, vectors=2)
    return (waves.time_s, *waves.data.T)


def test_a_cycle_has_one_draw():
    """Within one interval the rate is the mean one times exp(c2c z - c2c^2/2), z the one draw.

    Not in the first step: at time 0 the source still has its DC value, 0.
    """
    rates = []
    for seed in (1, 2):
        t, x, z = steps_of_cycles(1e-6, 0.1, 0.05, seed)
        rate = (np.diff(x) / np.diff(t))[1:]
        assert np.ptp(rate) < 1e-9 * rate.max()
        assert np.ptp(z[1:]) == 0
        rates.append(rate[0] / np.exp(0.1 * z[1] - 0.005))
        assert abs(z[1]) > 0.5
    assert rates[0] == pytest.approx(rates[1], rel=1e-9)


def test_cycles_vary_as_told():
    """VTEAM at a constant voltage: each interval's step is the mean one times a log-normal draw.

    400 draws: the standard deviation is good to 1/sqrt(800) = 3.5 %, 4 sigma are 14 %.
    """
    interval_s = 1e-9
    t, x, _ = steps_of_cycles(interval_s, 0.3, 0.03, 1)
    steps = np.diff(np.interp(np.arange(1, 400) * interval_s, t, x))
    assert np.log(steps).std() == pytest.approx(0.3, rel=0.14)
    again = steps_of_cycles(interval_s, 0.3, 0.03, 1)[1]
    assert np.array_equal(x, again)


@pytest.mark.parametrize(
    ("name", "lower"), [("vteam", 0.02), ("yakopcic", 0.56), ("mean_mss", 0.27),
                        ("stanford_pku", 1.05), ("hp_joglekar", 0.0)],
)  # fmt: skip
def test_a_voltage_that_would_disturb_the_state_is_refused(name, lower):
    model = MODELS[name]
    assert model.lower_threshold_v() == pytest.approx(lower)
    if lower:
        model.check_branch(0.79 * lower)
    with pytest.raises(SpecError, match=rf"{name}: .* V across a device that must keep its state"):
        model.check_branch(0.8 * lower)


def test_the_threshold_follows_the_parameters():
    MODELS["vteam"].check_branch(0.7, von=-1.2, voff=1.0)
    with pytest.raises(SpecError, match=r"needed is less than 0\.8 V"):
        MODELS["vteam"].check_branch(0.9, von=-1.2, voff=1.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"rom": 1.0}, "vteam has no parameter 'rom'; it has ron, roff"),
     ({"x0": 1.5}, "x0 = 1.5; needed is 0 to 1"), ({"ron": math.nan}, "ron = nan")],
)  # fmt: skip
def test_wrong_parameters_are_refused(changes, message):
    with pytest.raises(SpecError, match=message):
        MODELS["vteam"].instance("1", "a", "0", **changes)
