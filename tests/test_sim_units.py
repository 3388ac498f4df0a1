"""Benches of single units: what they find, how they say it, and what they refuse."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from drai_hw.cli import run
from drai_hw.errors import SpecError, ToolError
from drai_hw.formal.wrong_units import FORMATS, WRONG, right
from drai_hw.model.numbers import Formats
from drai_hw.model.unit_ports import UNITS
from drai_hw.model.unit_rules import rule_of
from drai_hw.rtl.emit_unit import unit_texts
from drai_hw.sim.units import coverage_page
from drai_hw.sim.units.coverage import measure
from drai_hw.sim.units.failure import WAVES_FILE
from drai_hw.sim.units.judge import Timing, differences, predict
from drai_hw.sim.units.portmap import PortMap, load_port_map
from drai_hw.sim.units.report import in_words, junit
from drai_hw.sim.units.session import examine
from drai_hw.sim.units.shrink import Shrinker
from drai_hw.sim.units.simulate import HangError, SimulatorPlayer
from drai_hw.sim.units.stimulus import scenarios
from drai_hw.sim.units.suspects import diagnose, suspects_of
from drai_hw.sim.units.verify import verify_unit

EVERYTHING = Formats(
    n=35, lanes=8, pages=5, resonance=True, theta_r=4, decay=True, budget=True, centring=True,
    mask=True, g="gaussian",
)  # fmt: skip
QUICK = ("decay before update", "truncated", "reset forgets a bit", "stale phase")


class ModelPlayer:
    """A module that does what a suspect does, without a simulator."""

    def __init__(self, rule, timing):
        self.rule, self.timing = rule, timing
        self.played = []

    def play(self, cycles, hold_limit=0):
        names = [port.name for port in self.rule.ports if port.output]
        if not self.rule.pipeline:  # a state outlives what was played
            self.played += cycles
        expected = predict(self.rule, self.played or cycles, [], self.timing)[-len(cycles) :]
        unknown = 0 if self.rule.pipeline else None  # after power-up
        seen = [
            dict.fromkeys(names, unknown) if want is None else {**dict.fromkeys(names, 0), **want}
            for want in expected
        ]
        return cycles, seen, False


def written(tmp_path: Path, text: str) -> list[Path]:
    """Write a module and return it as sources."""
    path = tmp_path / "mine.v"
    path.write_text(text)
    return [path]


def judged(tmp_path: Path, unit: str, text: str, **options):
    """Judge the text of a module ``my_<unit>``."""
    return verify_unit(
        unit, FORMATS, written(tmp_path, text), f"my_{unit}", folder=tmp_path / "work", **options
    )


# -- stimulus and coverage -----------------------------------------------------------------


@pytest.mark.parametrize("unit", UNITS)
def test_every_situation_comes_up_with_every_feature(unit):
    for formats in (FORMATS, EVERYTHING, Formats(n=4, lanes=4, pages=1)):
        rule = rule_of(unit, formats)
        cycles = [cycle for _, part in scenarios(rule, 1, 1000, 8) for cycle in part]
        missed = [name for name, count in measure(rule, cycles).items() if not count]
        assert not missed


def test_the_page_of_coverage_is_what_the_stimulus_gives():
    root = Path(__file__).resolve().parent.parent
    text = coverage_page.page()
    assert (root / coverage_page.PAGE).read_text() == text, f"run {coverage_page.COMMAND}"
    assert re.findall(r"^(\d+) of (\d+) situations", text, re.MULTILINE) == [
        (met, met) for met in re.findall(r"^(\d+) of", text, re.MULTILINE)
    ]


def test_a_seed_gives_the_same_clocks_again_and_another_one_others():
    rule = rule_of("synapse", FORMATS)
    assert list(scenarios(rule, 5, 100, 4)) == list(scenarios(rule, 5, 100, 4))
    assert list(scenarios(rule, 5, 100, 4)) != list(scenarios(rule, 6, 100, 4))


def test_settings_change_only_while_nothing_is_under_way():
    rule = rule_of("update", FORMATS)
    for _, cycles in scenarios(rule, 3, 300, 9):
        quiet = 9
        for before, after in pairwise(cycles):
            quiet = 0 if before["en"] and not before["rst"] else quiet + 1
            changed = any(before[name] != after[name] for name in ("gain", "shil", "dither"))
            assert not changed or quiet >= 8 or before["rst"]


# -- diagnosis -----------------------------------------------------------------------------


def seen_of(rule, suspect, samples):
    """Return clocks, trace, timing and differences of a module that makes a suspect's mistake."""
    timing = Timing(4 if rule.pipeline else 1)
    guilty = suspect.make(rule.formats) if suspect.make else rule
    player = ModelPlayer(guilty, Timing(timing.latency, **suspect.timing))
    record = examine(player, rule, seed=1, samples=samples, latency=timing.latency)
    cycles = [cycle for part in record.parts for cycle in part.cycles]
    trace = [seen for part in record.parts for seen in part.trace]
    return cycles, trace, timing, differences(predict(rule, cycles, trace, timing), trace)


@pytest.mark.parametrize(
    "unit", [pytest.param("synapse", marks=pytest.mark.full), "update", "neuron", "prng"]
)
def test_no_suspect_gets_away(unit):
    rule = rule_of(unit, EVERYTHING)
    for suspect in suspects_of(rule):
        assert seen_of(rule, suspect, 300)[3], suspect.words


@pytest.mark.full
@pytest.mark.parametrize("unit", UNITS)
def test_every_suspect_is_found_out_and_named(unit):
    rule = rule_of(unit, EVERYTHING)
    for suspect in suspects_of(rule):
        found = diagnose(rule, *seen_of(rule, suspect, 300), most=9)
        assert suspect.rule in {item.rule for item in found}, (suspect.words, found)
        assert all(item.certain for item in found)


def test_the_shortest_failure_is_one_sample_with_few_inputs():
    rule = rule_of("synapse", FORMATS)
    timing = Timing(3)
    (strict,) = [s for s in suspects_of(rule) if s.rule == "threshold"]
    player = ModelPlayer(strict.make(FORMATS), timing)
    record = examine(player, rule, seed=1, samples=200, latency=3)
    cycles = [cycle for part in record.parts for cycle in part.cycles]
    trace = [seen for part in record.parts for seen in part.trace]
    wrong = differences(predict(rule, cycles, trace, timing), trace)
    found = Shrinker(player, rule, timing).shortest(cycles, trace, wrong[0])
    assert found is not None
    assert len(found) == 1
    busy = {name for name, value in found[0].items() if value}
    assert {"en", "act_i", "act_j", "r_eta"} <= busy <= {
        "en", "act_i", "act_j", "r_eta", "u_g", "phi_i", "phi_j", "w_in", "r_decay",
    }  # fmt: skip


# -- on Icarus -----------------------------------------------------------------------------


@pytest.mark.parametrize("unit", UNITS)
def test_a_right_unit_agrees_and_meets_all_goals(unit, tmp_path):
    result = judged(tmp_path, unit, right(unit))
    assert result.mismatches == 0, in_words(result)
    assert not result.missed
    assert result.updates > 1000
    assert result.latency == (1 if unit in ("synapse", "update") else None)


@pytest.mark.full
@pytest.mark.parametrize("formats", [FORMATS, EVERYTHING], ids=["common", "everything"])
@pytest.mark.parametrize("unit", UNITS)
def test_the_units_of_the_core_agree(unit, formats, tmp_path):
    texts = unit_texts(unit, formats, command="drai-hw rtl")
    sources = written(tmp_path, texts[f"drai_{unit}.v"])
    result = verify_unit(unit, formats, sources, f"drai_{unit}", folder=tmp_path / "work")
    assert result.mismatches == 0, in_words(result)
    assert not result.missed


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(item, id=item.name, marks=[] if item.name in QUICK else pytest.mark.full)
        for item in WRONG
    ],
)
def test_a_wrong_unit_is_refuted_and_its_rule_named(wrong, tmp_path):
    result = judged(tmp_path, wrong.unit, wrong.text())
    failure = result.failure
    assert result.mismatches > 0
    assert failure is not None
    assert failure.rule == wrong.rule, in_words(result)
    assert wrong.words in failure.words
    assert failure.findings[0].certain
    assert 1 <= len(failure.shortest) <= 4
    dump = (tmp_path / "work" / WAVES_FILE).read_text()
    assert "expected_" in dump
    assert "1" + _code_of(dump, "differs") in dump.splitlines()
    assert f"broken rule  {wrong.rule}" in in_words(result)
    tree = ElementTree.fromstring(junit(result))
    assert int(tree.get("failures")) >= 1
    assert wrong.rule in tree.find(".//failure").get("message")


def _code_of(dump: str, name: str) -> str:
    (line,) = [line for line in dump.splitlines() if f" {name} $end" in line]
    return line.split()[3]


RENAMED = """
module theirs (input clock, input reset_n, input test, input go, input ld, input [15:0] start,
    input signed [15:0] om, input signed [15:0] dl, output logic [15:0] ph, output [5:0] lead);
    assign lead = ph[15:10];
    always_ff @(posedge clock)
        if (!reset_n) ph <= 0;
        else if (test) ph <= 1;
        else if (ld) ph <= start;
        else if (go) ph <= ph + om + dl;
endmodule
"""
RENAMED_MAP = """
[ports]
clk = "clock"
rst = "reset_n"
en = "go"
load = "ld"
phi_load = "start"
omega = "om"
delta = "dl"
phi = "ph"
phi_top = "lead"
[unit]
reset = "low"
[constants]
test = 0
"""
QUEUE = """
module my_synapse #(parameter THETA_R = 1) (
    input clk, input rst, input en, output in_ready, input out_ready,
    input [5:0] phi_i, input [5:0] phi_j, input signed [7:0] om_i, input signed [7:0] om_j,
    input gate_i, input gate_j, input act_i, input act_j, input [4:0] u_g, input r_eta,
    input r_decay, input [3:0] u_decay, input signed [4:0] w_in,
    output signed [4:0] w_out, output valid);
    reg full;
    wire [4:0] w1;
    assign in_ready = !full || @TAKE@;
    assign valid = full;
    wire unused;
    inner one (.clk(clk), .rst(1'b0), .en(en && in_ready), .phi_i(phi_i), .phi_j(phi_j),
        .om_i(om_i), .om_j(om_j), .gate_i(gate_i), .gate_j(gate_j), .act_i(act_i), .act_j(act_j),
        .u_g(u_g), .r_eta(r_eta), .r_decay(r_decay), .u_decay(u_decay), .w_in(w_in),
        .w_out(w_out), .valid(unused));
    defparam one.THETA_R = THETA_R;
    always @(posedge clk)
        if (rst) full <= 0;
        else if (in_ready) full <= en;
endmodule
"""


def with_queue(take: str) -> str:
    """Return a synapse that waits for who takes its results."""
    inner = right("synapse").replace("module my_synapse", "module inner")
    inner = inner.replace("w_out <= w2;", "if (en) w_out <= w2;")
    return QUEUE.replace("@TAKE@", take) + inner


def test_other_names_a_low_reset_and_a_constant_come_from_a_port_map(tmp_path):
    (tmp_path / "ports.toml").write_text(RENAMED_MAP)
    connect = load_port_map(tmp_path / "ports.toml", "neuron", FORMATS)
    sources = written(tmp_path, RENAMED)
    result = verify_unit(
        "neuron", FORMATS, sources, "theirs", folder=tmp_path / "work", connect=connect
    )
    assert result.mismatches == 0, in_words(result)


@pytest.mark.full
def test_a_handshake_is_followed_and_a_lost_result_seen(tmp_path):
    connect = PortMap(handshake=True)
    result = judged(tmp_path, "synapse", with_queue("out_ready"), connect=connect)
    assert result.mismatches == 0, in_words(result)
    assert result.updates > 500
    lossy = judged(tmp_path, "synapse", with_queue("1'b1"), connect=connect)
    assert lossy.mismatches > 0
    stuck = judged(tmp_path, "synapse", with_queue("1'b0"), connect=connect, samples=50)
    assert "in_ready stayed low for 1000 clocks" in stuck.failure.words


def test_a_declared_latency_is_held_to(tmp_path):
    result = judged(tmp_path, "synapse", right("synapse"), connect=PortMap(latency=2), samples=60)
    assert result.mismatches > 0
    assert result.failure.wrong.port == "valid"


def test_a_valid_that_never_rises_is_said(tmp_path):
    text = right("synapse").replace("valid <= en && !rst", "valid <= 0")
    result = judged(tmp_path, "synapse", text, samples=20)
    assert result.failure.rule == "valid"
    assert "did not rise within 64 clocks" in result.failure.words


@pytest.mark.full
def test_a_loop_without_a_clock_is_ended_by_the_time_limit(tmp_path):
    body = "    reg a = 0;\n    initial #20 forever begin a = !a; #0; end\n"
    text = right("neuron").replace("endmodule\n", f"{body}endmodule\n")
    with pytest.raises(HangError, match="no end of the simulation after 6 s: a loop without"):
        judged(tmp_path, "neuron", text, time_limit_s=6)


def test_a_module_that_ends_the_simulation_is_said(tmp_path):
    text = right("neuron").replace("endmodule\n", "    initial #200 $finish;\nendmodule\n")
    with pytest.raises(ToolError, match="my_neuron ended the simulation by itself"):
        judged(tmp_path, "neuron", text)


@pytest.mark.full
@pytest.mark.parametrize("simulator", ["icarus", "cxxrtl"])
def test_a_simulator_that_is_killed_is_told_from_a_module_that_ends_it(simulator, tmp_path):
    player = SimulatorPlayer(
        written(tmp_path, right("neuron")), "my_neuron", tmp_path / "work", simulator=simulator
    )
    with player:
        assert player.widths(["clk"]) == {"clk": 1}
        os.kill(player._process.pid, signal.SIGKILL)
        with pytest.raises(ToolError, match=r"my_neuron broke off \(SIGKILL: ended from outside"):
            player.widths(["clk"])


# -- command line --------------------------------------------------------------------------


@pytest.fixture
def refused(capfd):
    def ask(*words):
        assert run(["sim", "letters", *words]) == 2
        err = capfd.readouterr().err
        assert "Traceback" not in err
        return err

    return ask


def test_ports_that_do_not_fit_are_listed_all_at_once(tmp_path, refused):
    text = right("neuron").replace("load", "ld").replace("[5:0] phi_top", "[4:0] phi_top")
    (path,) = written(tmp_path, text)
    said = refused("--unit", "neuron", "--dut", str(path), "--top", "my_neuron")
    assert "missing: input load, 1 bits" in said
    assert "(is it ld?)" in said
    assert "missing: input phi_load, 16 bits" in said
    assert "wrong width: output phi_top has 5 bits, needs 6" in said


def test_a_compiler_without_space_is_told_from_a_wrong_module(tmp_path, refused, monkeypatch):
    monkeypatch.setattr(
        "drai_hw.sim.units.simulate.want_of_space", lambda place: f"free some space at {place.name}"
    )
    (path,) = written(tmp_path, "module my_neuron (input clk;\nendmodule\n")
    said = refused("--unit", "neuron", "--dut", str(path), "--top", "my_neuron")
    assert "icarus does not accept mine.v" in said
    assert said.endswith("\nfree some space at neuron\n")


def test_text_that_does_not_compile_is_told_the_line(tmp_path, refused):
    (path,) = written(tmp_path, "module my_neuron (input clk;\nendmodule\n")
    said = refused("--unit", "neuron", "--dut", str(path), "--top", "my_neuron")
    assert "icarus does not accept mine.v with top module my_neuron" in said
    assert "mine.v:1" in said


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--unit", "prng", "--dut", "x.v"], "--dut needs --top NAME"),
        (["--unit", "prng", "--top", "x"], "--top names a module of --dut"),
        (["--unit", "prng", "--ports", "x"], "--ports connects a module of --dut"),
        (["--unit", "prng", "--dut", "no.v", "--top", "x"], "cannot read 'no.v'"),
        (["--unit", "prng", "--trials", "3"], "--trials is for the whole core"),
        (["--samples", "30"], "--samples is for one unit"),
        (["--dut", "no.v", "--top", "x"], "cannot read 'no.v'"),
        (["--dut", "x.v", "--dut", "y.v", "--top", "x"], "cannot read 'x.v'"),
        (["--junit", "x.xml"], "--junit is for one unit"),
        (["--simulator", "verilator"], "--simulator verilator is for one unit"),
    ],
)
def test_options_that_contradict_each_other_are_refused(words, text, refused):
    assert text in refused(*words)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("[prots]\n", "'prots' is no table; did you mean 'ports'?"),
        ('[ports]\nphi_1 = "x"\n', "'phi_1' is no port of unit synapse"),
        ('[ports]\nphi_i = "x"\nphi_j = "x"\n', "connects x twice"),
        ("[ports]\nphi_i = 3\n", "ports.phi_i = 3: needs the name of a port"),
        ("[unit]\nlatency = -1\n", "unit.latency = -1: needs 0 to 64 clocks"),
        ('[unit]\nreset = "none"\n', "unit.reset = 'none': needs 'high' or 'low'"),
        ('[parameters]\nW = "width"\n', "W = 'width': needs a whole number, or one of"),
        ("ports = 3\n", "ports = 3: needs a table [ports]"),
        ("[ports\n", "not valid TOML"),
    ],
)
def test_a_port_map_is_told_what_is_wrong_with_it(content, text, tmp_path):
    path = tmp_path / "ports.toml"
    path.write_text(content)
    with pytest.raises(SpecError) as error:
        load_port_map(path, "synapse", FORMATS)
    assert text in str(error.value)


def test_parameters_may_name_formats(tmp_path):
    path = tmp_path / "ports.toml"
    path.write_text('[parameters]\nW = "weight_bits"\nX = 3\n')
    assert load_port_map(path, "synapse", FORMATS).parameters == {"W": 5, "X": 3}


def test_the_verb_writes_json_junit_and_waves(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (wrong,) = [item for item in WRONG if item.name == "load after enable"]
    written(tmp_path, wrong.text())
    words = ["--unit", "neuron", "--dut", "mine.v", "--top", "my_neuron", "--samples", "100"]
    assert run(["sim", "letters", *words, "--seed", "3", "--json", "--junit", "unit.xml"]) == 1
    told = json.loads(capfd.readouterr().out)
    assert {"cycles", "updates", "mismatches", "first_mismatch", "coverage"} <= set(told)
    first = told["first_mismatch"]
    assert first["rule"] == "load"
    assert first["certain"]
    assert Path(first["waves"]).is_file()
    assert told["seed"] == 3
    assert ElementTree.parse("unit.xml").getroot().get("failures") != "0"


def test_a_template_compiles_and_is_not_written_over(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["sim", "--template", "update"]) == 0
    folder = tmp_path / "my_update"
    assert {path.name for path in folder.iterdir()} == {
        "my_update.v", "ports.toml", "test_my_update.py"
    }  # fmt: skip
    connect = load_port_map(folder / "ports.toml", "update", FORMATS)
    assert connect.latency is None
    done = subprocess.run(["iverilog", "-g2012", "-t", "null", folder / "my_update.v"], check=False)
    assert done.returncode == 0
    compile((folder / "test_my_update.py").read_text(), "test_my_update.py", "exec")
    capfd.readouterr()
    assert run(["sim", "--template", "update"]) == 2
    assert "a template writes over nothing" in capfd.readouterr().err


@pytest.mark.full
@pytest.mark.parametrize("unit", UNITS)
def test_the_bench_of_a_template_passes_with_a_right_module(unit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["sim", "--template", unit]) == 0
    folder = tmp_path / f"my_{unit}"
    assert run(["rtl", "letters", "--unit", unit, "-o", str(folder / f"my_{unit}.v")]) == 0
    path = folder / f"my_{unit}.v"
    path.write_text(path.read_text().replace(f"drai_{unit}", f"my_{unit}"))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", folder / f"test_my_{unit}.py"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


@pytest.mark.full
@pytest.mark.parametrize("simulator", ["verilator", "cxxrtl"])
@pytest.mark.parametrize("name", ["tie at the threshold", "torque that wraps"])
def test_other_simulators_say_the_same_as_icarus(simulator, name, tmp_path):
    (wrong,) = [item for item in WRONG if item.name == name]
    results = [
        judged(tmp_path, wrong.unit, wrong.text(), simulator=choice, time_limit_s=600)
        for choice in ("icarus", simulator)
    ]
    one, other = results
    assert one.mismatches == other.mismatches > 0
    assert one.failure.words == other.failure.words
    assert one.failure.shortest == other.failure.shortest


@pytest.mark.full
def test_cxxrtl_agrees_with_every_right_unit(tmp_path):
    for unit in UNITS:
        result = judged(tmp_path, unit, right(unit), simulator="cxxrtl")
        assert result.mismatches == 0, in_words(result)
        assert not result.missed


VHDL = """
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
entity my_neuron is
    port (clk, rst, en, load : in std_logic; phi_load : in unsigned(15 downto 0);
          omega, delta : in signed(15 downto 0);
          phi : out unsigned(15 downto 0); phi_top : out unsigned(5 downto 0));
end entity;
architecture rtl of my_neuron is
    signal state : unsigned(15 downto 0);
begin
    phi <= state;
    phi_top <= state(15 downto 10);
    process (clk) begin
        if rising_edge(clk) then
            if rst = '1' then state <= (others => '0');
            elsif load = '1' then state <= phi_load;
            elsif en = '1' then state <= state + unsigned(omega) @SIGN@ unsigned(delta);
            end if;
        end if;
    end process;
end architecture;
"""


def test_vhdl_is_judged_where_ghdl_is_and_asked_for_elsewhere(tmp_path):
    path = tmp_path / "mine.vhd"
    path.write_text(VHDL.replace("@SIGN@", "-"))
    options = {"folder": tmp_path / "work", "samples": 60}
    if shutil.which("ghdl") is None:
        with pytest.raises(ToolError, match="apt-get install ghdl"):
            verify_unit("neuron", FORMATS, [path], "my_neuron", **options)
        return
    result = verify_unit("neuron", FORMATS, [path], "my_neuron", **options)
    assert result.failure.words == "delta is subtracted"
    with pytest.raises(SpecError, match=r"ghdl does not accept mine\.vhd with entity other"):
        verify_unit("neuron", FORMATS, [path], "other", **options)


def test_vhdl_and_verilog_do_not_mix(tmp_path):
    one, other = tmp_path / "a.vhd", tmp_path / "b.v"
    one.write_text(VHDL)
    other.write_text(right("neuron"))
    with pytest.raises(SpecError, match="VHDL and Verilog together"):
        verify_unit("neuron", FORMATS, [one, other], "my_neuron", folder=tmp_path / "work")


@pytest.mark.full
def test_a_core_of_ones_own_is_compared_with_the_twin(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["rtl", "pair", "-o", "core.v"]) == 0
    text = Path("core.v").read_text().replace("drai_core", "theirs")
    Path("theirs.v").write_text(text)
    capfd.readouterr()
    words = ["sim", "pair", "--dut", "theirs.v", "--top", "theirs", "--random", "40", "--json"]
    assert run(words) == 0
    told = json.loads(capfd.readouterr().out)
    assert told["mismatches"] == 0
    assert told["steps"] == 40
    broken = re.sub(r"(assign phi\b|theta8 <= )(.*);", r"\1(\2) ^ 1;", text, count=1)
    assert broken != text
    Path("theirs.v").write_text(broken)
    assert run([*words, "--waves"]) == 1
    told = json.loads(capfd.readouterr().out)
    assert told["first_mismatch"]["what"] == "theta"
    assert Path(told["waves"]).stat().st_size > 1000
    assert run([*words, "--waves", "--simulator", "cxxrtl"]) == 2
    assert "only Icarus dumps waves" in capfd.readouterr().err
