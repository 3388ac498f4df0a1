"""The rules of single units against the twin, which does the same for whole networks."""

from __future__ import annotations

import numpy as np
import pytest

from drai_hw.errors import SpecError
from drai_hw.model import prng
from drai_hw.model.machine import GATE_MARGIN
from drai_hw.model.numbers import EMA_FRACTION_BITS, PROBABILITY_ONE, Formats
from drai_hw.model.schedule import schedule
from drai_hw.model.twin import Twin
from drai_hw.model.unit_ports import UNITS, unit_ports
from drai_hw.model.unit_rules import NeuronRule, PrngRule, SynapseRule, UpdateRule, rule_of
from drai_hw.sim.jobs import random_links, random_settings

FEATURES = [
    {},
    {"resonance": True, "theta_r": 4, "decay": True},
    {"g": "gaussian", "decay": True, "weight_bits": 3, "phase_bits": 4, "levels": 5},
    {"budget": True, "centring": True, "mask": True, "decay": True, "g": "sigmoid"},
]


def twin_in_a_random_state(formats: Formats, rng: np.random.Generator) -> Twin:
    """Return a twin whose every number is random, some at their limits."""
    twin = Twin(formats)
    n, half = formats.n, 1 << (formats.accumulator_bits - 1)
    twin.configure(random_settings(formats, rng))
    twin.load_phases(rng.integers(0, 2 * half, n))
    twin.load_omega(rng.integers(-half, half, n))
    twin.load_inputs(
        rng.integers(0, 1 << formats.phase_bits, n), rng.integers(0, 4096, n),
        rng.random(n) < 0.2, rng.random(n) < 0.8,
    )  # fmt: skip
    upper = np.triu(rng.integers(-formats.w_max, formats.w_max + 1, (n, n)), 1)
    links = np.ones((n, n), dtype=bool)
    if formats.mask:
        links = random_links(formats, rng)
        twin.load_links(links)
    twin.load_weights((upper + upper.T) * links)
    twin.margin[:n] = rng.random(n) < 0.4
    twin.over[:n] = rng.random(n) < 0.5
    twin.lean[:n] = rng.integers(-1, 2, n)
    twin.ema[:n] = rng.integers(-200, 200, n)
    twin.shil = int(rng.integers(0, 4096))
    twin.learn_steps = int(rng.integers(0, formats.window))
    return twin


def pair_inputs(twin: Twin) -> list[tuple[int, int, dict[str, int]]]:
    """Return i, j and the inputs of a synapse unit for every pair of the next learning pass."""
    f, s = twin.formats, twin.settings
    order = schedule(f.lanes, f.pages)
    eta = prng.draws(twin._eta.copy(), f.pair_slots, prng.LEAP)
    decay = prng.draws(twin._decay.copy(), f.pair_slots, prng.LEAP)
    this = f.learning_pass(twin.learn_steps)
    om = twin.ema >> EMA_FRACTION_BITS if s.gates & 2 else np.zeros(f.slots, dtype=int)
    held = twin.margin & bool(s.gates & GATE_MARGIN)
    out = []
    for slot, lane in np.argwhere(order.used):
        i, j = int(order.i[slot, lane]), int(order.j[slot, lane])
        update, fade = int(eta[slot, lane]), int(decay[slot, lane])
        event = fade & (PROBABILITY_ONE - 1)
        values = {
            "phi_i": twin.top[i], "phi_j": twin.top[j], "om_i": om[i], "om_j": om[j],
            "gate_i": held[i], "gate_j": held[j], "act_i": twin.active[i],
            "act_j": twin.active[j], "u_g": this.threshold, "g_plus": this.plus,
            "g_minus": this.minus, "r_eta": (update & (PROBABILITY_ONE - 1)) < s.eta,
            "r_decay": event < s.decay, "r_shrink": event < s.shrink,
            "u_decay": (fade >> 16) & f.w_max, "over_i": twin.over[i], "over_j": twin.over[j],
            "lean_i": twin.lean[i] if s.centre else 0, "lean_j": twin.lean[j] if s.centre else 0,
            "r_push": (update >> 16) & 3,
            "w_in": twin.weights[i, j] if twin.links[i, j] else f.no_link,
        }  # fmt: skip
        out.append((i, j, {name: int(value) for name, value in values.items()}))
    return out


@pytest.mark.parametrize("features", FEATURES)
def test_the_synapse_rule_gives_the_weights_of_the_twin(features: dict) -> None:
    rng = np.random.default_rng(7)
    changed = 0
    for _ in range(12):
        f = Formats(n=11, lanes=4, pages=3, **features)
        twin, rule = twin_in_a_random_state(f, rng), SynapseRule(f)
        given, before = pair_inputs(twin), twin.weights.copy()
        twin.run(1, learn=True)
        for i, j, values in given:
            assert rule.allowed(values)
            got = rule.apply(values)["w_out"]
            assert got == (twin.weights[i, j] if twin.links[i, j] else f.no_link), (i, j, values)
        changed += int((before != twin.weights).sum())
    assert changed > 100


@pytest.mark.parametrize("features", FEATURES)
def test_update_and_neuron_give_the_phases_of_the_twin(features: dict) -> None:
    rng = np.random.default_rng(8)
    for _ in range(12):
        f = Formats(n=11, lanes=4, pages=3, **features)
        twin, update, neuron = twin_in_a_random_state(f, rng), UpdateRule(f), NeuronRule(f)
        sums = twin._sums(twin._differences(), 0)
        draws = prng.draws(twin._dither.copy(), f.slots, prng.LEAP)[:, 0] & 3
        before, top = twin.theta.copy(), twin.top.copy()
        shil = twin.shil
        twin.run(1, resume=True)
        for k in range(f.slots):
            values = {
                "acc": int(sums[k]), "phi_top": int(top[k]), "omega": int(twin.omega[k]),
                "psi": int(twin.psi[k]), "strength": int(twin.strength[k]),
                "clamp": int(twin.clamp[k]), "u_dither": int(draws[k]), "shil": shil,
                "gain": twin.settings.gain, "dither": twin.settings.dither,
            }  # fmt: skip
            assert update.allowed(values)
            out = update.apply(values)
            move = {"load": 0, "en": 1, "omega": 0, "delta": out["inc"]}
            assert neuron.next_state(int(before[k]), move) == twin.theta[k]
            assert abs(out["delta"]) <= f.delta_max


def test_the_stream_is_the_one_of_the_twin() -> None:
    f = Formats(n=11, lanes=4, pages=3)
    rule, twin = PrngRule(f), Twin(f)
    state = rule.reset_state()
    for draw in prng.draws(twin._eta.copy(), 50, prng.LEAP)[:, 0]:
        assert rule.observe(state) == {"bits": int(draw)}
        state = rule.next_state(state, {"load": 0, "seed": 0, "step": 1})
    assert rule.next_state(state, {"load": 1, "seed": 77, "step": 1}) == 77
    assert not rule.allowed({"load": 1, "seed": 0, "step": 0})


def test_a_neuron_loads_before_it_moves() -> None:
    rule = NeuronRule(Formats(n=4, lanes=4, pages=1))
    both = {"load": 1, "en": 1, "phi_load": 5, "omega": 1, "delta": 1}
    assert rule.next_state(100, both) == 5
    assert rule.next_state(0xFFFF, both | {"load": 0}) == 1
    assert rule.next_state(9, both | {"load": 0, "en": 0}) == 9


def test_an_unknown_unit_is_answered_with_those_there_are() -> None:
    f = Formats(n=4, lanes=4, pages=1)
    with pytest.raises(SpecError, match="unit = 'lane': known are synapse, neuron, update, prng"):
        rule_of("lane", f)
    with pytest.raises(SpecError, match="unit = 'lane'"):
        unit_ports("lane", f)


def test_replicas_have_no_synapse() -> None:
    f = Formats(n=4, lanes=4, pages=1, replicas=2)
    with pytest.raises(SpecError, match="replicas = 2: replicas share their weights"):
        rule_of("synapse", f)


@pytest.mark.parametrize("unit", UNITS)
def test_ports_have_the_range_of_their_width(unit: str) -> None:
    for port in unit_ports(unit, Formats(n=4, lanes=4, pages=1)):
        assert port.high - port.low + 1 == 1 << port.bits
        assert (port.low < 0) == port.signed
