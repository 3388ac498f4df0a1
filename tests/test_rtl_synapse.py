"""The synapse unit and the random streams against formulae of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from drai_hw.model import prng
from drai_hw.model.numbers import Formats
from drai_hw.rtl.prng import Stream
from drai_hw.rtl.synapse import Synapse

OUTPUTS = ("w_out", "visited", "gated_on", "written", "changed")


def rule(f: Formats, v: dict[str, int]) -> tuple[int, ...]:
    """The learning rule of one pair and what it counts, from the contract."""
    turn, half = 1 << f.phase_bits, 1 << (f.phase_bits - 1)
    w = v["w_in"]
    if not (v["en"] and v["act_i"] and v["act_j"]) or (f.mask and w == -f.w_max - 1):
        return w, 0, 0, 0, 0
    distance = abs((v["phi_j"] - v["phi_i"] + half) % turn - half)
    gate = not (v["gate_i"] and v["gate_j"])
    if f.resonance:
        gate = gate and abs(v["om_i"] - v["om_j"]) < f.theta_r
    side = v["g_plus"] if distance <= v["u_g"] else -v["g_minus"]
    written = bool(v["r_eta"] and gate and side)
    if written:
        w = max(-f.w_max, min(f.w_max, w + side))
    shrinks = f.budget and v["r_shrink"] and (v["over_i"] or v["over_j"])
    if ((f.decay and v["r_decay"]) or shrinks) and abs(w) > v["u_decay"]:
        w -= 1 if w > 0 else -1
    lean = v["lean_i"] + v["lean_j"]
    if f.centring and v["r_push"] < abs(lean):
        w = max(-f.w_max, min(f.w_max, w - (1 if lean > 0 else -1)))
    return w, 1, int(gate), int(written), int(w != v["w_in"])


def drive(
    f: Formats, count: int, seed: int
) -> tuple[list[tuple[int, ...]], list[int], list[dict[str, int]]]:
    """Feed random pairs, one a clock; return outputs, valid bits and inputs."""
    rng = np.random.default_rng(seed)
    unit = Synapse(f)
    half = 1 << (f.frequency_bits - 1)
    ranges = {
        "en": (0, 2), "phi_i": (0, 1 << f.phase_bits), "phi_j": (0, 1 << f.phase_bits),
        "om_i": (-half, half), "om_j": (-half, half), "gate_i": (0, 2), "gate_j": (0, 2),
        "act_i": (0, 2), "act_j": (0, 2), "u_g": (0, 1 << (f.phase_bits - 1)), "r_eta": (0, 2),
        "r_decay": (0, 2), "u_decay": (0, 1 << (f.weight_bits - 1)),
        "w_in": (-f.w_max - f.mask, f.w_max + 1),
        "over_i": (0, 2), "over_j": (0, 2), "r_shrink": (0, 2),
        "lean_i": (-1, 2), "lean_j": (-1, 2), "r_push": (0, 4),
        # A unit without these steps every pair.
        "g_plus": (0, 2) if f.one_sided else (1, 2), "g_minus": (0, 2) if f.one_sided else (1, 2),
    }  # fmt: skip
    inputs = [{k: int(rng.integers(*r)) for k, r in ranges.items()} for _ in range(count)]
    for number, v in enumerate(inputs):
        for name in ("u_g", "g_plus", "g_minus"):  # change between passes only
            v[name] = inputs[number // 64 * 64][name]
        if number % 3:
            v |= {"en": 1, "act_i": 1, "act_j": 1, "r_eta": 1, "gate_i": 0}
        if number % 2:  # frequencies side by side: the edges of the window
            v["om_j"] = max(-half, min(half - 1, v["om_i"] + number % 19 - 9))
        if number % 4 == 0:  # extremes: equal and opposite phases, largest weights
            v["phi_j"] = (v["phi_i"] + (number % 8 == 0) * (1 << (f.phase_bits - 1))) % (
                1 << f.phase_bits
            )
            v["w_in"] = f.w_max if number % 8 else -f.w_max - (f.mask and number % 16 == 0)
    out: list[tuple[int, ...]] = []
    valid: list[int] = []

    async def bench(ctx: Any) -> None:
        for number in range(count + unit.latency):
            # The threshold is a constant of the pass and may not overtake the pairs in flight.
            for name, value in inputs[min(number, count - 1)].items():
                if hasattr(unit, name):
                    ctx.set(getattr(unit, name), value)
            await ctx.tick()
            if number + 1 >= unit.latency:
                out.append(tuple(ctx.get(getattr(unit, name)) for name in OUTPUTS))
                valid.append(ctx.get(unit.valid))

    simulator = Simulator(unit)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()
    return out[:count], valid[:count], inputs


@pytest.mark.parametrize(
    "features",
    [
        {},
        {"resonance": True, "theta_r": 4},
        {"decay": True},
        {"resonance": True, "theta_r": 1, "decay": True, "weight_bits": 2, "phase_bits": 4},
        {"weight_bits": 8, "phase_bits": 8, "decay": True},
        {"g": "gaussian"},
        {"g": "sigmoid", "decay": True, "resonance": True, "theta_r": 4},
        {"budget": True},
        {"budget": True, "decay": True, "weight_bits": 4},
        {"centring": True, "mask": True, "weight_bits": 3},
        {"budget": True, "centring": True, "mask": True, "decay": True, "g": "gaussian"},
    ],
)
def test_synapse_follows_the_learning_rule_one_pair_a_clock(features: dict) -> None:
    f = Formats(n=4, lanes=4, pages=1, **features)
    out, valid, inputs = drive(f, 1500, 4)
    # Pairs still under way when a pass ends would meet the next one's threshold and sides.
    settled = [k for k in range(1500) if k % 64 not in (62, 63)]
    wrong = [k for k in settled if out[k] != rule(f, inputs[k])]
    assert not wrong, (wrong[:5], inputs[wrong[0]], out[wrong[0]])
    assert valid == [v["en"] for v in inputs]
    moved = sum(out[k][0] != inputs[k]["w_in"] for k in settled)
    assert moved > 100


def test_latency_of_the_synapse_is_what_it_declares() -> None:
    f = Formats(n=4, lanes=4, pages=1)
    unit = Synapse(f)
    seen: list[int] = []

    async def bench(ctx: Any) -> None:
        ctx.set(unit.w_in, 3)
        ctx.set(unit.en, 1)
        while not ctx.get(unit.valid):
            await ctx.tick()
            seen.append(ctx.get(unit.w_out))

    simulator = Simulator(unit)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()
    assert len(seen) == unit.latency
    assert seen == [0] * (unit.latency - 1) + [3]


@pytest.mark.parametrize("bits", [1, 16, 20, prng.MAX_LEAP])
def test_stream_walks_the_sequence_of_the_model(bits: int) -> None:
    seed = 0x12345678 & prng.MASK
    unit = Stream(seed, bits)
    states: list[int] = []

    async def bench(ctx: Any) -> None:
        for number in range(40):
            states.append(ctx.get(unit.state))
            ctx.set(unit.step, number % 3 != 2)
            await ctx.tick()
        ctx.set(unit.reseed, 1)
        ctx.set(unit.step, 1)
        await ctx.tick()
        states.append(ctx.get(unit.state))

    simulator = Simulator(unit)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()
    want, state = [], seed
    for number in range(40):
        want.append(state)
        state = prng.leap(state, bits) if number % 3 != 2 else state
    assert states == [*want, seed]
