"""Units in SystemVerilog and VHDL, with parameters: on all simulators, and proven."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from drai_hw.errors import SpecError, ToolError
from drai_hw.formal.frontend import read_system
from drai_hw.formal.prove import unit_result
from drai_hw.formal.unit_design import mapped
from drai_hw.model.numbers import Formats
from drai_hw.sim.cxxrtl.build import compiled
from drai_hw.sim.units.portmap import PortMap
from drai_hw.sim.units.verify import verify_unit

FORMATS = Formats(n=35, lanes=8, pages=5)

# A package in the head of the module and `always_ff`: yosys itself reads no such thing.
SYSTEMVERILOG = """
package pair_pkg;
    typedef logic [5:0] phase_t;
    function automatic phase_t distance(phase_t a, phase_t b);
        phase_t d;
        d = b - a;
        return d[5] ? -d : d;
    endfunction
endpackage
module stdp import pair_pkg::*; #(parameter int MOST = 1) (
    input logic ck, rst_n, take, test, input phase_t pa, pb, input logic ga, gb, aa, ab,
    input logic [4:0] thr, input logic ev,
    input logic signed [4:0] old, output logic signed [4:0] fresh, output logic there
);
    typedef struct packed {logic near, learns, there; logic signed [4:0] w;} stage_t;
    stage_t s;
    always_ff @(posedge ck) begin
        s.near <= distance(pa, pb) <= {1'b0, thr};
        s.learns <= ev & aa & ab & ~(ga & gb);
        s.there <= take & rst_n & ~test;
        s.w <= old;
        fresh <= s.w;
        if (s.learns && s.near && s.w != 5'(MOST)) fresh <= s.w + 5'sd1;
        if (s.learns && !s.near && s.w != -5'(MOST)) fresh <= s.w - 5'sd1;
        there <= s.there & rst_n;
    end
endmodule
"""
NAMES = {
    "clk": "ck", "rst": "rst_n", "en": "take", "phi_i": "pa", "phi_j": "pb", "gate_i": "ga",
    "gate_j": "gb", "act_i": "aa", "act_j": "ab", "u_g": "thr", "r_eta": "ev", "w_in": "old",
    "w_out": "fresh", "valid": "there",
}  # fmt: skip
CONNECT = PortMap(NAMES, reset_low=True, parameters={"MOST": 15}, constants={"test": 0})
LESS = PortMap(NAMES, reset_low=True, parameters={"MOST": 14}, constants={"test": 0})

VHDL = """
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
entity counter is
    generic (BITS : integer := 8; RATE : integer := 2);
    port (clk, rst, en, load : in std_logic; phi_load : in unsigned(BITS - 1 downto 0);
          omega, delta : in signed(BITS - 1 downto 0);
          phi : out unsigned(BITS - 1 downto 0); phi_top : out unsigned(5 downto 0));
end entity;
architecture rtl of counter is
    signal state : unsigned(BITS - 1 downto 0);
begin
    phi <= state;
    phi_top <= state(BITS - 1 downto BITS - 6);
    process (clk) begin
        if rising_edge(clk) then
            if rst = '1' then state <= (others => '0');
            elsif load = '1' then state <= phi_load;
            elsif en = '1' then state <= state + resize(unsigned(omega + delta) * RATE, BITS);
            end if;
        end if;
    end process;
end architecture;
"""


@pytest.fixture
def design(tmp_path: Path) -> Path:
    path = tmp_path / "stdp.sv"
    path.write_text(SYSTEMVERILOG)
    return path


def proven(path: Path, connect: PortMap, top: str = "stdp", unit: str = "synapse") -> dict:
    folder = path.parent / "prove"
    found = mapped([path], top, connect, unit, FORMATS, folder)
    return unit_result(unit, FORMATS, found, latency=None, limit_s=100, folder=folder)


def test_systemverilog_with_other_names_and_a_parameter_is_proven(design: Path) -> None:
    result = proven(design, CONNECT)
    assert (result["status"], result["latency"]) == ("proved", 2)


def test_the_ready_test_has_the_parameters_and_no_port_that_the_unit_lacks(design: Path) -> None:
    result = proven(design, LESS)
    assert result["status"] == "refuted"
    assert "saturation" in result["reason"]
    test = Path(result["counterexample"]["files"]["test"])
    text = test.read_text()
    assert 'parameters={"MOST": 14}' in text
    test.write_text(text.replace('{"MOST": 14}', '{"MOST": 15}'))
    done = subprocess.run([sys.executable, str(test)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.full
@pytest.mark.parametrize("simulator", ["icarus", "verilator", "cxxrtl"])
def test_systemverilog_is_judged_on_every_simulator(
    design: Path, simulator: str, tmp_path: Path
) -> None:
    given = {"folder": tmp_path / "work", "simulator": simulator, "samples": 60}
    right = verify_unit("synapse", FORMATS, [design], "stdp", connect=CONNECT, **given)
    assert (right.mismatches, right.latency) == (0, 2)
    wrong = verify_unit("synapse", FORMATS, [design], "stdp", connect=LESS, **given)
    assert wrong.failure is not None
    assert wrong.failure.rule == "saturation"


def test_a_parameter_that_the_module_does_not_have_is_refused(design: Path, tmp_path: Path) -> None:
    connect = PortMap(NAMES, reset_low=True, parameters={"MOTS": 15}, constants={"test": 0})
    said = r"stdp has no parameter MOTS, which \[parameters\] of the port map sets"
    with pytest.raises(SpecError, match=said):
        verify_unit("synapse", FORMATS, [design], "stdp", folder=tmp_path / "w", connect=connect)
    with pytest.raises(SpecError, match=said):
        proven(design, connect)
    with pytest.raises(SpecError, match=said):
        compiled(design, "stdp", tmp_path / "models", parameters={"MOTS": 15})


@pytest.mark.parametrize("suffix", [".sv", ".v"])
def test_what_yosys_does_not_accept_is_told_by_file_and_line(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"mine{suffix}"
    path.write_text("module mine (input clk, output reg q);\n  always @(posedge clk)\nendmodule\n")
    with pytest.raises(SpecError, match=rf"(?s)mend this:\n\S*mine{suffix}:3: ERROR: \S+"):
        read_system([path], "mine")
    with pytest.raises(ToolError, match=rf"(?s)with top mine:\nmine{suffix}:3: ERROR: \S+"):
        compiled(path, "mine", tmp_path / "models")


def test_generics_of_vhdl_come_from_the_port_map(tmp_path: Path) -> None:
    path = tmp_path / "counter.vhd"
    path.write_text(VHDL)
    right = PortMap(parameters={"BITS": 16, "RATE": 1})
    if shutil.which("ghdl") is None:
        with pytest.raises(ToolError, match="apt-get install ghdl"):
            proven(path, right, "counter", "neuron")
        return
    given = {"folder": tmp_path / "work", "samples": 60}
    result = verify_unit("neuron", FORMATS, [path], "counter", connect=right, **given)
    assert result.mismatches == 0
    assert proven(path, right, "counter", "neuron")["status"] == "proved"
    twice = PortMap(parameters={"BITS": 16})
    assert proven(path, twice, "counter", "neuron")["status"] == "refuted"
    with pytest.raises(SpecError, match=r"(?s)ghdl does not accept .*no generic"):
        proven(path, PortMap(parameters={"WIDE": 16}), "counter", "neuron")
