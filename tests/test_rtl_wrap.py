# amaranth: UnusedElaboratable=no
"""The emitted wrappers, put into other people's designs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from drai_hw.cli import run
from drai_hw.errors import SpecError
from drai_hw.rtl import emit
from drai_hw.rtl.axi4lite import Axi4Lite
from drai_hw.rtl.bridge import Bridge
from drai_hw.rtl.spi import SpiBytes
from drai_hw.rtl.uart import UartRx, UartTx
from drai_hw.rtl.wishbone import Wishbone
from drai_hw.rtl.wrap import BUSES, Bus

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "how-to" / "integrate.md"
SOC = PAGE.parent / "soc"
WRAPPED = [bus for bus in BUSES if bus != "none"]

_BENCH = """`timescale 1ns/1ps
module bench;
  reg clk = 0, rst = 1;
  wire done, led;
  integer clocks;
  {top} dut(.clk(clk), .rst(rst), .done(done), .led(led));
  always #5 clk = ~clk;
  initial begin
    #40 rst = 0;
    for (clocks = 0; clocks < 20000 && !done; clocks = clocks + 1) @(posedge clk);
    $display("done %b led %b", done, led);
    $finish;
  end
endmodule
"""


@pytest.fixture(scope="module")
def emitted(tmp_path_factory) -> dict[str, Path]:
    """The files of `drai-hw rtl pair` for each bus, in a folder each."""
    folders = {}
    for bus in WRAPPED:
        folders[bus] = tmp_path_factory.mktemp(bus)
        assert run(["rtl", "pair", "--bus", bus, "-o", str(folders[bus])]) == 0
    return folders


def cells(family: str, reads: list[str], top: str) -> dict[str, int]:
    """Return the cells of a design by their type, as pyosys maps them for a family."""
    script = [*reads, f"synth_{family} -top {top}", "tee -q -o /dev/stderr stat -json"]
    code = (
        "from pyosys import libyosys as ys\ndesign = ys.Design()\n"
        f"for words in {script!r}:\n    ys.run_pass(words, design)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:]
    return json.loads(done.stderr[done.stderr.index("{") :])["design"]["num_cells_by_type"]


def some(*quick: str) -> list:
    """Return all buses, those not named for the full run only."""
    return [bus if bus in quick else pytest.param(bus, marks=pytest.mark.full) for bus in WRAPPED]


def synthesise(bus: str, family: str, folder: Path) -> dict[str, int]:
    files = f"{SOC / f'{bus}.v'} {folder / f'drai_{bus}.v'}"
    return cells(family, [f"read_verilog {files}"], f"soc_{bus}")


@pytest.mark.parametrize("bus", some("spi"))
def test_the_example_system_is_synthesised_for_ecp5_with_the_emitted_verilog(bus, emitted):
    found = synthesise(bus, "ecp5", emitted[bus])
    assert found["LUT4"] > 900
    assert found["TRELLIS_FF"] > 900


@pytest.mark.parametrize("bus", some("wishbone"))
def test_the_example_system_is_synthesised_for_ice40_with_the_emitted_verilog(bus, emitted):
    found = synthesise(bus, "ice40", emitted[bus])
    assert found["SB_LUT4"] > 900
    assert sum(count for kind, count in found.items() if kind.startswith("SB_DFF")) > 900


@pytest.mark.parametrize(("weight", "led"), [("32'd15", 1), ("32'd17", 0)])  # 17 is -15 in 5 bits
@pytest.mark.parametrize("bus", ["wishbone", "axi4lite"])
def test_the_example_system_sees_its_oscillators_come_together_or_go_apart(
    bus, weight, led, emitted, tmp_path
):
    system = (SOC / f"{bus}.v").read_text()
    assert system.count("{WEIGHT, 32'd15}") == 1
    (tmp_path / "soc.v").write_text(system.replace("{WEIGHT, 32'd15}", f"{{WEIGHT, {weight}}}"))
    (tmp_path / "bench.v").write_text(_BENCH.format(top=f"soc_{bus}"))
    sources = [tmp_path / "bench.v", tmp_path / "soc.v", emitted[bus] / f"drai_{bus}.v"]
    program = tmp_path / "bench.vvp"
    subprocess.run(["iverilog", "-g2005", "-Wall", "-Wno-timescale", "-o", program, *sources],
                   check=True, capture_output=True)  # fmt: skip
    done = subprocess.run(["vvp", "-n", program], check=True, capture_output=True, text=True)
    assert f"done 1 led {led}" in done.stdout


@pytest.mark.full
def test_the_page_tells_the_area_of_each_wrapper(tmp_path):
    """Within a tenth: a register more in the map moves the figures a little."""
    rows = re.findall(
        r"^\| (\S[^|]*) \| ([\d,]+) / ([\d,]+) \| ([\d,]+) / ([\d,]+) \|$",
        PAGE.read_text(),
        re.MULTILINE,
    )
    told = {row[0]: [int(value.replace(",", "")) for value in row[1:]] for row in rows}
    made = {
        "`--bus wishbone`": [Wishbone()],
        "`--bus axi4lite`": [Axi4Lite()],
        "`--bus spi`, beside the frame bridge": [SpiBytes()],
        "`--bus uart`, beside the frame bridge": [UartRx(217), UartTx(217)],
        "frame bridge, with one block memory": [Bridge(timeout_clocks=500_000)],
    }
    assert set(told) == set(made)
    for row, components in made.items():
        found = [0, 0, 0, 0]
        for component in components:
            path = tmp_path / "wrapper.il"
            path.write_text(emit.rtlil(component, name="wrapper"))
            ecp5, ice40 = (
                cells(family, [f"read_rtlil {path}"], "wrapper") for family in ("ecp5", "ice40")
            )
            found[0] += ecp5["LUT4"] + 2 * ecp5.get("CCU2C", 0)
            found[1] += ecp5["TRELLIS_FF"]
            found[2] += ice40["SB_LUT4"]
            found[3] += sum(n for kind, n in ice40.items() if kind.startswith("SB_DFF"))
        assert told[row] == pytest.approx(found, rel=0.1), f"{row}: {found}"


def test_metadata_finds_the_state_below_the_wrapper(emitted):
    for bus, folder in emitted.items():
        facts = json.loads((folder / f"drai_{bus}.json").read_text())
        text = (folder / f"drai_{bus}.v").read_text()
        assert facts["top"] == f"drai_{bus}"
        assert facts["bus"]["kind"] == bus
        for memory in facts["memories"].values():
            module, array = memory["path"].rsplit(".", 1)
            body = text[text.index(f"\nmodule \\drai_{bus}.{module} ") :]
            assert f" {array} [{memory['depth'] - 1}:0];" in body[: body.index("endmodule")]


def test_wrappers_have_the_port_names_of_their_standards(emitted):
    def ports(bus):
        text = (emitted[bus] / f"drai_{bus}.v").read_text()
        (names,) = re.findall(rf"^module drai_{bus}\(([^)]*)\);", text, re.MULTILINE)
        return {name.strip() for name in names.split(",")}

    assert ports("wishbone") == {
        *(f"wb_{name}_i" for name in ("clk", "rst", "cyc", "stb", "we", "adr", "dat", "sel")),
        *(f"wb_{name}_o" for name in ("dat", "ack", "err")), "busy", "step_done",
    }  # fmt: skip
    channels = {
        "aw": ("addr", "prot"), "w": ("data", "strb"), "b": ("resp",),
        "ar": ("addr", "prot"), "r": ("data", "resp"),
    }  # fmt: skip
    assert ports("axi4lite") == {
        "s_axi_aclk", "s_axi_aresetn", "busy", "step_done",
        *(f"s_axi_{channel}{name}" for channel, names in channels.items()
          for name in (*names, "valid", "ready")),
    }  # fmt: skip
    assert ports("uart") == {"clk", "rst", "rx", "tx", "busy", "activity"}
    assert ports("spi") == {
        "clk", "rst", "sck", "cs_n", "mosi", "miso", "miso_oe", "busy", "activity",
    }  # fmt: skip


def test_clock_and_bit_rate_are_the_boards_unless_given(emitted, tmp_path):
    facts = json.loads((emitted["uart"] / "drai_uart.json").read_text())
    assert facts["bus"] == {"kind": "uart", "clock_hz": 25e6, "baud": 115200}
    words = ["rtl", "pair", "--bus", "uart", "--clock-hz", "48e6", "--baud", "3000000"]
    assert run([*words, "-o", str(tmp_path)]) == 0
    assert json.loads((tmp_path / "drai_uart.json").read_text())["bus"] == {
        "kind": "uart", "clock_hz": 48e6, "baud": 3000000,
    }  # fmt: skip
    # The command in the file's head makes the file again.
    assert (
        " ".join(words[:4]) + " --clock-hz 48000000 --baud 3000000"
        in (tmp_path / "drai_uart.v").read_text()
    )


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--bus", "wishbone", "--baud", "9600"], "--baud is for --bus uart"),
        (["--bus", "none", "--clock-hz", "1e6"], "--clock-hz is for --bus uart and spi"),
        (["--bus", "uart", "--clock-hz", "1e5"], "leaves 0.87 clocks per bit"),
        (["--bus", "pci"], "'pci' is not one of"),
    ],
)
def test_what_a_bus_cannot_use_or_make_is_refused(words, text, tmp_path, capfd):
    assert run(["rtl", "pair", *words, "-o", str(tmp_path / "out")]) == 2
    assert text in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_bus_without_what_it_needs_is_refused():
    with pytest.raises(SpecError, match="bus 'pci' given; one of none, uart"):
        Bus("pci")
    with pytest.raises(SpecError, match="bus spi without a clock"):
        Bus("spi")
    with pytest.raises(SpecError, match="bus uart without a bit rate"):
        Bus("uart", 1e6)
