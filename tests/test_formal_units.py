"""Proofs of units: the rules as terms are the integer rules, and what is wrong is refuted."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from drai_hw.cli import run
from drai_hw.errors import SpecError
from drai_hw.formal import frontend
from drai_hw.formal.frontend import read_system
from drai_hw.formal.prove import own_unit, unit_result
from drai_hw.formal.solver import Clock, Terms
from drai_hw.formal.unit_design import UnitDesign, discovered_latency, mapped, read_unit
from drai_hw.formal.unit_proof import UnitProof
from drai_hw.formal.unit_terms import terms_of
from drai_hw.formal.wrong_units import FORMATS, PROOF_RULES, WRONG, right
from drai_hw.model.numbers import Formats
from drai_hw.model.unit_rules import FunctionRule, StateRule, rule_of
from drai_hw.rtl.emit_unit import unit_texts
from drai_hw.sim.units.portmap import PortMap

PLAIN = Formats(n=35, lanes=8, pages=5)
GATED = Formats(n=35, lanes=8, pages=5, resonance=True, decay=True)
FULL = Formats(
    n=35, lanes=8, pages=5, g="gaussian", resonance=True, theta_r=4, decay=True, budget=True,
    centring=True, mask=True, edge=True,
)  # fmt: skip
TINY = Formats(n=4, lanes=4, pages=1, weight_bits=2, phase_bits=3, frequency_bits=3, theta_r=1,
               resonance=True, decay=True)  # fmt: skip


def words_of(rule, v):
    return {port.name: v[port.name] & ((1 << port.bits) - 1) for port in rule.inputs}


def expected(rule, v, state):
    """Outputs by the integer rule, as words."""
    if isinstance(rule, FunctionRule):
        out = rule.apply(v)
    else:
        assert isinstance(rule, StateRule)
        out = rule.observe(rule.next_state(state, v))
    bits = {port.name: port.bits for port in rule.outputs}
    return {name: value & ((1 << bits[name]) - 1) for name, value in out.items()}


def differences(rule, values):
    """Count the inputs allowed, and return those for which terms and integers differ."""
    spec = terms_of(Terms(), rule)
    allowed, wrong = 0, []
    for v, state in values:
        words = words_of(rule, v)
        if isinstance(rule, StateRule):
            words |= {"phi": state, "bits": state}
        assert bool(spec.allowed(words)) == bool(rule.allowed(v))
        if not rule.allowed(v):
            continue
        allowed += 1
        assert any(case.about for case in spec.cases(words))
        if spec.outputs(words) != expected(rule, v, state):
            wrong.append((v, spec.outputs(words), expected(rule, v, state)))
    return allowed, wrong


def random_values(rule, count, seed):
    rng = np.random.default_rng(seed)
    for number in range(count):
        v = {p.name: int(rng.integers(p.low, p.high + 1)) for p in rule.inputs}
        if number % 3 == 0:  # the ends of the ranges
            v = {p.name: int(rng.choice([p.low, p.high, v[p.name]])) for p in rule.inputs}
        if "en" in v:
            v["en"] = 1
        state = int(rng.integers(1, 1 << 31))
        yield v, state & ((1 << rule.formats.accumulator_bits) - 1 if rule.unit == "neuron" else -1)


@pytest.mark.parametrize("unit", ["synapse", "update", "neuron", "prng"])
@pytest.mark.parametrize("formats", [PLAIN, FULL], ids=["plain", "full"])
def test_rules_as_terms_give_what_the_integer_rules_give(unit, formats):
    rule = rule_of(unit, formats)
    allowed, wrong = differences(rule, random_values(rule, 60, 7))
    assert not wrong, wrong[0]
    assert allowed > 5


def every_value(rule, step=1):
    ports = [p for p in rule.inputs if p.name != "en"]
    ranges = [range(p.low, p.high + 1) for p in ports]
    for values in itertools.islice(itertools.product(*ranges), 0, None, step):
        yield dict(zip([p.name for p in ports], values, strict=True)) | {"en": 1}, 0


def test_some_inputs_of_the_smallest_synapse_gives_the_same():
    rule = rule_of("synapse", TINY)
    allowed, wrong = differences(rule, every_value(rule, 15991))
    assert not wrong, wrong[0]
    assert allowed > 50


@pytest.mark.full
def test_every_input_of_the_smallest_synapse_gives_the_same():
    rule = rule_of("synapse", TINY)
    count = 1
    for port in rule.inputs:
        count *= port.high - port.low + 1
    allowed, wrong = differences(rule, every_value(rule))
    assert not wrong, wrong[0]
    assert allowed == count // 2 * 3 // 4  # en is 1, and one word in four is no weight


@pytest.mark.parametrize(
    ("unit", "formats"),
    [("synapse", GATED), ("synapse", FULL), ("neuron", PLAIN), ("prng", PLAIN)],
)
def test_own_units_are_proven(unit, formats, tmp_path):
    result = unit_result(unit, formats, None, latency=None, limit_s=100, folder=tmp_path)
    assert result["status"] == "proved", result
    assert set(result["rules"].values()) == {"proved"}
    assert "from any state, all inputs, unbounded" in result["method"]
    assert not list(tmp_path.iterdir())


@pytest.mark.full
@pytest.mark.parametrize("formats", [PLAIN, FULL], ids=["plain", "full"])
def test_the_own_update_unit_is_proven(formats, tmp_path):
    result = unit_result("update", formats, None, latency=None, limit_s=500, folder=tmp_path)
    assert result["status"] == "proved", result


def broken(unit, formats, find, replace, folder):
    """Prove a unit of the core with a fault in its Verilog."""
    text = unit_texts(unit, formats, command="test")[f"drai_{unit}.v"]
    text, count = re.subn(find, lambda match: replace, text)
    assert count, find
    path = folder / "broken.v"
    path.write_text(text)
    design = UnitDesign((path,), f"drai_{unit}")
    return unit_result(unit, formats, design, latency=None, limit_s=100, folder=folder / "evidence")


FAULTS = [
    ("synapse", r"\[5:0\] <= u_g", "[5:0] < u_g", "threshold: |d| = u_g is near"),
    ("synapse", r"w2 == 4'hf;", "1'h0;", "saturation at the largest weight"),
    ("synapse", r"w2 == 5'h11;", "1'h0;", "saturation at the smallest weight"),
    ("synapse", r"< \$signed\(5'h08\)", "<= $signed(5'h08)",
     "resonance gate: closed at a difference of exactly theta_r"),
    ("synapse", "> floor_3", ">= floor_3", "decay: none where |w| = u_decay"),
    ("synapse", "gate_i & gate_j", "gate_i | gate_j", "margin gate: open while only one is held"),
    ("synapse", r"valid_3 <= [^;]*;", "valid_3 <= valid_2;", "a reset clears what is under way"),
    ("synapse", r"= \\\$\d+ *& act_j;", "= en & act_i;",
     "a pair with an inactive oscillator keeps its weight"),
    ("neuron", r"\$signed\(omega\) \+", "$signed(omega) -", "the phase wraps at a whole turn"),
    ("neuron", r"phi_top = phi\[15:10\]", "phi_top = phi[14:9]", "load: takes phi_load"),
]  # fmt: skip


@pytest.mark.parametrize(("unit", "find", "replace", "rule"), FAULTS, ids=lambda x: str(x)[:24])
def test_a_fault_is_refuted_and_the_rule_named(unit, find, replace, rule, tmp_path):
    result = broken(unit, GATED, find, replace, tmp_path)
    assert result["status"] == "refuted"
    assert result["reason"].startswith(rule), result["reason"]
    example = result["counterexample"]
    assert example["got"] != example["expected"]
    assert example["clocks"][0]["reset"] == 1


def test_the_counterexample_is_a_test_that_fails_until_the_design_is_mended(tmp_path):
    result = broken("synapse", GATED, "w2 == 4'hf;", "1'h0;", tmp_path)
    files = {key: Path(name) for key, name in result["counterexample"]["files"].items()}
    vcd = files["waves"].read_text()
    assert "synapse.w2 $end" in vcd
    assert "$enddefinitions $end" in vcd

    def run():
        return subprocess.run([sys.executable, str(files["test"])], capture_output=True, text=True)

    failed = run()
    assert failed.returncode == 1
    assert "'w_out': '10000'" in failed.stdout + failed.stderr
    with own_unit("synapse", GATED) as design:
        (tmp_path / "evidence/broken.v").write_text(design.files[0].read_text())
    mended = run()
    assert mended.returncode == 0, mended.stdout + mended.stderr


def test_an_interface_that_does_not_fit_is_told_port_by_port(tmp_path):
    path = tmp_path / "my.v"
    path.write_text(
        "module my(input clk, input rst, input en, input [4:0] phi_i, input clear,"
        " output reg valid); always @(posedge clk) valid <= en & ~rst & clear & ^phi_i; endmodule"
    )
    with pytest.raises(SpecError) as refused:
        read_unit(UnitDesign((path,), "my"), rule_of("synapse", PLAIN))
    text = str(refused.value)
    assert "input phi_i has 5 bits and needs 6" in text
    assert "output w_out [5 bits] is missing: weight after" in text
    assert "input clear is not one of the unit's" in text


def wrapped(body):
    """A synapse without features around given lines."""
    return (
        "module my(input clk, rst, en, input [5:0] phi_i, phi_j, input gate_i, gate_j, act_i,"
        " act_j, r_eta, input [4:0] u_g, input signed [4:0] w_in, output reg signed [4:0] w_out,"
        f" output reg valid);\n{body}\nendmodule"
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("always @(negedge clk) begin valid <= en; w_out <= w_in; end", "at a falling edge"),
        ("always @(posedge en) begin valid <= 1; w_out <= w_in; end", "clocked by en"),
        ("always @(posedge clk) begin valid <= 0; w_out <= w_in; end", "does not become 1 within"),
        (
            "always @(posedge clk) w_out <= ;",
            r"yosys does not accept .*my\.v with top my; mend this:\n.*my\.v:2: ERROR: synt",
        ),
    ],
)
def test_what_is_no_unit_is_refused(body, message, tmp_path):
    path = tmp_path / "my.v"
    path.write_text(wrapped(body))
    rule = rule_of("synapse", PLAIN)
    design = UnitDesign((path,), "my")
    with pytest.raises(SpecError, match=message):
        discovered_latency(design, read_unit(design, rule), rule)


def test_half_a_design_is_not_proven(tmp_path, monkeypatch):
    """Yosys does not notice a full disk."""
    path = tmp_path / "my.v"
    path.write_text(wrapped("always @(posedge clk) begin valid <= en; w_out <= w_in; end"))
    read_system([path], "my")
    text = r"what yosys wrote of my may be cut short: "
    monkeypatch.setattr("drai_hw.files.full_disk", lambda place: "9 bytes are free there")
    with pytest.raises(SpecError, match=text + r"free some space at '.*' \(9 bytes are free there"):
        read_system([path], "my")
    monkeypatch.undo()
    monkeypatch.setattr(frontend, "_SHIM", frontend._SHIM + "; import os; "
                        "os.truncate('model.btor', os.path.getsize('model.btor') - 1)")  # fmt: skip
    with pytest.raises(SpecError, match=text + "run it again"):
        read_system([path], "my")


def test_a_unit_with_states_that_no_reset_leads_to_needs_induction_and_is_proven(tmp_path):
    path = tmp_path / "my.v"
    # `odd` is 0 for ever; from a state in which it is 1 the phase would stand.
    path.write_text(
        "module my(input clk, rst, en, load, input [15:0] phi_load, input signed [15:0] omega,"
        " delta, output reg [15:0] phi, output [5:0] phi_top); reg odd;"
        " assign phi_top = odd ? 0 : phi[15:10];"
        " always @(posedge clk) begin odd <= odd & ~rst & phi[0];"
        " if (rst) phi <= 0; else if (load) phi <= phi_load; else if (en) phi <= phi+omega+delta;"
        " end endmodule"
    )
    design, rule = UnitDesign((path,), "my"), rule_of("neuron", PLAIN)
    found = UnitProof(design, read_unit(design, rule), rule, 1, Clock(60)).prove()
    assert found.status != "refuted"
    assert found.status == "unknown" or "induction" in found.method


def test_a_limit_that_is_too_short_ends_as_unknown(tmp_path):
    result = unit_result("update", PLAIN, None, latency=None, limit_s=0.01, folder=tmp_path)
    assert result["status"] == "unknown"
    assert "the time limit of 0.01 s is over" in result["reason"]


QUICK = ("decay before update", "stale phase", "reset forgets a bit")


def proven(unit, text, folder, connect=None):
    path = folder / "my.v"
    path.write_text(text)
    design = mapped([path], f"my_{unit}", connect or PortMap(), unit, FORMATS, folder)
    folder = folder / "evidence"
    return unit_result(unit, FORMATS, design, latency=None, limit_s=200, folder=folder)


@pytest.mark.parametrize(
    "wrong",
    [pytest.param(w, id=w.name, marks=() if w.name in QUICK else pytest.mark.full) for w in WRONG],
)
def test_a_wrong_unit_is_refuted_and_the_rule_named(wrong, tmp_path):
    result = proven(wrong.unit, wrong.text(), tmp_path)
    assert result["status"] == "refuted"
    assert result["reason"].startswith(PROOF_RULES[wrong.name]), result["reason"]
    example = result["counterexample"]
    assert example["got"] != example["expected"]


@pytest.mark.parametrize(
    "unit", ["synapse", "neuron", "prng", pytest.param("update", marks=pytest.mark.full)]
)
def test_units_written_by_others_are_proven(unit, tmp_path):
    assert proven(unit, right(unit), tmp_path)["status"] == "proved"


def test_a_port_map_connects_other_names_and_inputs(tmp_path):
    text = right("neuron").replace("phi_load", "start").replace("input rst", "input rst_n")
    text = text.replace("if (rst)", "if (!rst_n)").replace("input clk", "input test, input clk")
    text = text.replace("else if (en)", "else if (en && !test)")
    connect = PortMap({"phi_load": "start", "rst": "rst_n"}, reset_low=True, constants={"test": 0})
    assert proven("neuron", text, tmp_path, connect)["status"] == "proved"
    held = PortMap({"phi_load": "start", "rst": "rst_n"}, reset_low=True, constants={"test": 1})
    assert proven("neuron", text, tmp_path, held)["status"] == "refuted"
    with pytest.raises(SpecError, match="handshake = 'valid-ready': a proof needs a fixed latency"):
        mapped([], "my", PortMap(handshake=True), "synapse", FORMATS, tmp_path)


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["--dut", "my.v"], 2, "--dut needs the name of its top module: --top NAME"),
        (["--top", "my"], 2, "--top names a module of --dut; give --dut FILE"),
        (["--unit", "prng", "--property", "pairs-once"], 2, "give one of them"),
        (["--unit", "prng", "--latency", "2"], 2, "--latency is for --unit synapse and update"),
        (["--unit", "prng", "--ports", "x.toml"], 2, "--ports connects a unit of your own"),
        (["--dut", "none.v", "--top", "my"], 2, "No such file"),
        (["--dut", "none.vhd", "--top", "my"], 2, "cannot read 'none.vhd'"),
        (["--unit", "prng"], 0, "unit prng: proved"),
        (["--unit", "update", "--time-limit", "0.001"], 1, "unit update: unknown"),
    ],
)
def test_the_command_line_tells_by_its_exit_status(words, status, message, tmp_path, monkeypatch,
                                                   capfd):  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run(["prove", "pair", "--json", *words]) == status
    out, err = capfd.readouterr()
    assert message in err
    if status < 2:
        assert json.loads(out)["status"] == {0: "proved", 1: "unknown"}[status]
