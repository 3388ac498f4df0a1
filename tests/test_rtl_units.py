"""Units that stand alone: their ports, and their logic against the rule that they are to follow."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest
from amaranth.sim import Simulator

from drai_hw.cli import run
from drai_hw.errors import SpecError
from drai_hw.model.numbers import Formats
from drai_hw.model.unit_ports import UNITS, unit_ports
from drai_hw.model.unit_rules import FunctionRule, StateRule, rule_of
from drai_hw.rtl.emit_unit import unit_texts
from drai_hw.rtl.units import unit_component

CONTRACT = {
    "synapse": "en phi_i phi_j om_i om_j gate_i gate_j act_i act_j u_g r_eta r_decay u_decay w_in "
    "w_out valid",
    "neuron": "en load phi_load omega delta phi phi_top",
    "update": "en acc phi_top omega psi strength clamp u_dither gain shil dither delta inc valid",
    "prng": "load seed step bits",
}

NETWORKS = {
    "plain": Formats(n=4, lanes=4, pages=1),
    "small": Formats(n=15, lanes=16, pages=1, phase_bits=4, levels=5, accumulator_bits=12),
    "gated": Formats(
        n=35, lanes=8, pages=5, resonance=True, theta_r=4, decay=True, g="gaussian"
    ),
    "all": Formats(
        n=2000, lanes=64, pages=32, budget=True, centring=True, mask=True, weight_bits=8
    ),
}  # fmt: skip


def stimulus(rule: Any, count: int) -> list[dict[str, int]]:
    """Return random inputs, half of them at their limits."""
    rng = random.Random(count)
    out: list[dict[str, int]] = []
    while len(out) < count:
        values = {
            port.name: rng.choice([port.low, port.high, *[rng.randint(port.low, port.high)] * 2])
            for port in rule.inputs
        }
        if rule.allowed(values):
            out.append(values)
    return out


def drive(unit: Any, inputs: list[dict[str, int]]) -> list[dict[str, int]]:
    """Feed inputs, a set a clock; return the outputs after every clock."""
    names = [port.name for port in unit_ports(unit.unit, unit.formats) if port.output]
    out = []

    async def bench(ctx: Any) -> None:
        for values in inputs:
            for name, value in values.items():
                ctx.set(getattr(unit, name), value)
            await ctx.tick()
            out.append({name: ctx.get(getattr(unit, name)) for name in names})

    simulator = Simulator(unit)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()
    return out


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("unit", UNITS)
def test_the_unit_follows_its_rule_one_sample_a_clock(unit: str, network: str) -> None:
    f = NETWORKS[network]
    rule, component = rule_of(unit, f), unit_component(unit, f)
    inputs = stimulus(rule, 300)
    out = drive(component, inputs)
    if isinstance(rule, FunctionRule):
        late = component.latency
        for values, got in zip(inputs[: len(out) - late + 1], out[late - 1 :], strict=True):
            assert got.pop("valid") == values["en"]
            assert not values["en"] or got == rule.apply(values), values
    else:
        assert isinstance(rule, StateRule)
        state = rule.reset_state()
        for values, got in zip(inputs, out, strict=True):
            state = rule.next_state(state, values)
            assert got == rule.observe(state), values


@pytest.mark.parametrize("unit", UNITS)
def test_the_module_has_the_ports_of_the_contract_and_no_others(unit: str) -> None:
    text = unit_texts(unit, NETWORKS["plain"], command="drai-hw rtl")[f"drai_{unit}.v"]
    ports = re.search(rf"^module drai_{unit}\(([^)]*)\);", text, re.MULTILINE)
    assert ports is not None
    assert {name.strip() for name in ports[1].split(",")} == {
        "clk", "rst", *CONTRACT[unit].split()
    }  # fmt: skip


def test_the_verb_writes_a_unit_with_its_latency_and_ports(tmp_path, capfd) -> None:
    assert run(["rtl", "letters", "--unit", "synapse", "-o", str(tmp_path), "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    facts = json.loads((tmp_path / "drai_synapse.json").read_text())
    assert told["latency"] == facts["latency"] == 3
    assert told["ports"] == facts["ports"]
    assert {path.name for path in tmp_path.iterdir()} == {
        "drai_synapse.v", "drai_synapse.il", "drai_synapse.json"
    }  # fmt: skip
    assert run(["rtl", "letters", "--unit", "synapse", "-o", str(tmp_path), "--check"]) == 0


def test_a_unit_has_no_bus(capfd) -> None:
    assert run(["rtl", "letters", "--unit", "prng", "--bus", "uart"]) == 2
    assert "--unit prng has no bus" in capfd.readouterr().err


def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(SpecError, match="known are synapse, neuron, update, prng"):
        unit_component("lane", NETWORKS["plain"])
