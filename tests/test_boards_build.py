"""Builds: real bitstreams for both families, figures from the tools' reports, clean failures."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sysconfig
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from amaranth import Elaboratable, Module, Signal
from amaranth.lib.memory import Memory

from drai_hw.boards.boardfile import load_board
from drai_hw.boards.build import (
    RESULT_FILE,
    BoardResult,
    build,
    memory_bits,
    plan_build,
    tool_commands,
)
from drai_hw.boards.devices import DEVICES
from drai_hw.boards.nextpnr import (
    Use,
    ice40_flip_flops,
    progress_text,
    read_report,
    synthesis_text,
)
from drai_hw.boards.process import Interrupted
from drai_hw.errors import FitError, SpecError, ToolError


class Echo(Elaboratable):
    """A serial echo through a block memory and a multiplier, so that each kind of block occurs."""

    def __init__(self, *, memories: int = 1) -> None:
        self.rx = Signal(init=1)
        self.tx = Signal(init=1)
        self.busy = Signal()
        self.memories = memories

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        count = Signal(24)
        product = Signal(16)
        first = Signal()
        mix = Signal(40, init=1)
        m.d.sync += [count.eq(count + 1), first.eq(self.rx), product.eq(count[:8] * count[8:16])]
        m.d.sync += mix.eq(mix + (mix.rotate_left(17) ^ count))
        parity = first ^ product.xor() ^ mix.xor()
        for index in range(self.memories):
            m.submodules[f"memory{index}"] = memory = Memory(shape=16, depth=256, init=[])
            source, sink = memory.read_port(), memory.write_port()
            m.d.comb += [
                source.addr.eq(count[:8]),
                sink.addr.eq(count[8:16]),
                sink.data.eq(count[:16] + index),
                sink.en.eq(first),
            ]
            parity = parity ^ source.data.xor()
        m.d.sync += [self.tx.eq(parity), self.busy.eq(count[-1])]
        return m


class Ports:
    """What a refused design is looked at for; not elaborated."""

    def __init__(self, clock_hz: float | None = None) -> None:
        self.rx = self.tx = None
        self.clock_hz = clock_hz


def _built(folder: Path, board: str, **options: Any) -> tuple[BoardResult, list[str]]:
    lines: list[str] = []
    result = build(Echo(), load_board(board), folder, progress=lines.append, **options)
    return result, lines


@pytest.fixture(scope="module")
def ice40(tmp_path_factory) -> tuple[BoardResult, list[str]]:
    return _built(tmp_path_factory.mktemp("ice40"), "icebreaker", pnr_seeds=(1, 2))


@pytest.fixture(scope="module")
def ice40_fast(tmp_path_factory) -> tuple[BoardResult, list[str]]:
    return _built(tmp_path_factory.mktemp("fast"), "icebreaker", clock_hz=120e6)


@pytest.fixture(scope="module")
def ecp5(tmp_path_factory) -> tuple[BoardResult, list[str]]:
    options = {"clock_hz": 60e6, "clocks_per_step": 300}
    return _built(tmp_path_factory.mktemp("ecp5"), "ulx3s-85f", **options)


@pytest.fixture(scope="module")
def gowin(tmp_path_factory) -> tuple[BoardResult, list[str]]:
    return _built(tmp_path_factory.mktemp("gowin"), "tang-nano-9k")


def _log(result: BoardResult, seed: int = 1) -> str:
    return (result.bitstream.parent / f"top.nextpnr-{seed}.log").read_text()


def test_the_bitstreams_carry_the_marks_of_their_devices(ice40, ecp5) -> None:
    assert ice40[0].bitstream.suffix == ".bin"
    assert bytes.fromhex("7eaa997e") in ice40[0].bitstream.read_bytes()[:64]
    assert ecp5[0].bitstream.suffix == ".bit"
    assert b"LFE5U-85F" in ecp5[0].bitstream.read_bytes()[:256]


@pytest.mark.full
def test_apicula_reads_blocks_and_dividers_back_from_the_gowin_bitstream(gowin, tmp_path) -> None:
    program = str(Path(sysconfig.get_path("scripts")) / "gowin_unpack")
    subprocess.run(
        [program, "-d", "GW1N-9C", "-o", "back.v", str(gowin[0].bitstream)],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        timeout=300,
    )
    back = (tmp_path / "back.v").read_text()
    blocks = re.findall(r"^(rPLL|BSRAM) ", back, re.M)
    assert sorted(blocks) == ["BSRAM", "rPLL"]
    pll = dict(re.findall(r"^defparam PLL_\d+\.(\w+) = (\w+);", back, re.M))
    assert (pll["IDIV_SEL"], pll["FBDIV_SEL"]) == ("0", "1")  # counted from 0: 27 MHz x 2 / 1


def test_the_gowin_bitstream_carries_the_code_of_its_device(gowin) -> None:
    assert gowin[0].bitstream.suffix == ".fs"
    lines = gowin[0].bitstream.read_text().splitlines()
    code = lines[lines.index(f"{0xA5C3:016b}") + 1]  # the word after the preamble
    assert int(code, 2) & 0xFFFFFFFF == 0x1100481B  # GW1NR-9C


def test_nextpnr_judges_the_gowin_timing_at_the_planned_clock(gowin) -> None:
    result = gowin[0]
    assert result.clock_hz == 54e6
    assert "at 54.00 MHz" in _log(result)
    assert result.timing_met


def test_available_resources_are_those_of_the_device_table(ice40, ecp5, gowin) -> None:
    for result, _ in (ice40, ecp5, gowin):
        device = DEVICES[result.device]
        for name, use in result.use.items():
            assert use.available == getattr(device, name), name


def test_every_kind_of_block_is_counted(ice40, ecp5, gowin) -> None:
    for result, _ in (ice40, ecp5, gowin):
        assert result.use["ebr"].used == 1
        assert result.use["dsp"].used == 1
        assert result.use["spram"].used == 0
        # counter 24, mixer 40, rx, tx, busy, and what synthesis adds; the product is in the DSP
        assert 67 <= result.use["ff"].used < 160
        assert 64 <= result.use["lut"].used < 300
        assert result.memory_bits_used == 16 * 256


def test_the_ice40_flip_flop_count_matches_the_netlist(ice40) -> None:
    folder = ice40[0].bitstream.parent
    log = (folder / "top.yosys.log").read_text()
    last = log.rpartition("\n=== ")[2]
    counts = re.findall(r"^\s+(\d+)\s+SB_DFF\w*$", last, re.M)
    assert counts
    assert ice40[0].use["ff"].used == sum(map(int, counts))


def test_fmax_is_that_of_the_slowest_clock_and_the_worst_seed(ice40) -> None:
    result = ice40[0]
    stated = {}
    for seed in (1, 2):
        report = json.loads((result.bitstream.parent / f"top.nextpnr-{seed}.json").read_text())
        stated[seed] = min(entry["achieved"] for entry in report["fmax"].values()) * 1e6
    assert result.fmax_by_seed_hz == stated
    assert result.fmax_hz == min(stated.values())


def test_each_seed_is_a_placement_of_its_own(ice40) -> None:
    checksums = {re.findall(r"Checksum: (\w+)", _log(ice40[0], seed))[-1] for seed in (1, 2)}
    assert len(checksums) == 2


_FAKE_NEXTPNR = """
[ "$1" = --version ] && { echo 1.2; exit; }
while [ $# -gt 0 ]; do
  case "$1" in
    --seed) seed=$2;; --report) report=$2;; --asc) asc=$2;;
  esac
  shift
done
echo "bits of seed $seed" > $asc
echo "Info: 1 LCs used as LUT4 and DFF"; echo "Info: 1 LCs used as DFF only"
case $seed in 1) f=30;; 2) f=20;; 3) f=40;; esac
cat > $report <<END
{"fmax": {"clk": {"achieved": $f, "constraint": 12}, "fast": {"achieved": 99, "constraint": 12}},
 "utilization": {"ICESTORM_LC": {"used": $seed, "available": 5280}}, "critical_paths": [
 {"from": "posedge clk", "to": "posedge clk", "path": [{"type": "logic", "delay": 1.5,
 "from": {"cell": "seed$seed", "port": "Q"}, "to": {"cell": "b", "port": "D"}}]}]}
END
"""


def test_the_worst_seed_is_reported_and_the_fastest_delivered(tmp_path, monkeypatch) -> None:
    for variable, body in (
        ("YOSYS", "exit 0"),
        ("NEXTPNR_ICE40", _FAKE_NEXTPNR),
        ("ICEPACK", '[ "$1" = --version ] || cp "$1" "$2"'),
    ):
        _fake(tmp_path, monkeypatch, variable, body)
    out = tmp_path / "out"
    result = build(Echo(), load_board("icebreaker"), out, pnr_seeds=(1, 2, 3))
    assert result.fmax_by_seed_hz == {1: 30e6, 2: 20e6, 3: 40e6}
    assert result.fmax_hz == 20e6
    assert result.critical_path[0] == "from seed2.Q"
    assert result.bitstream.read_text() == "bits of seed 3\n"
    assert result.use["lut"].used == 3


def test_the_logs_last_word_on_fmax_is_the_reported_one(ice40, ecp5, gowin) -> None:
    for result, _ in (ice40, ecp5, gowin):
        said = re.findall(r"Max frequency for clock .*: ([\d.]+) MHz", _log(result))
        assert float(said[-1]) == pytest.approx(result.fmax_by_seed_hz[1] / 1e6, abs=0.006)


def test_the_critical_path_adds_up_to_the_period(ice40, ecp5, gowin) -> None:
    for result, _ in (ice40, ecp5, gowin):
        logic_ns, routing_ns = map(float, re.findall(r"([\d.]+) ns in", result.critical_path[2]))
        assert logic_ns + routing_ns == pytest.approx(1e9 / result.fmax_hz, abs=0.1)


def test_without_a_pll_the_oscillator_is_the_clock(ice40) -> None:
    assert ice40[0].clock_hz == 12e6
    assert ice40[0].timing_met
    assert "PASS at 12.00 MHz" in _log(ice40[0])


def test_nextpnr_derives_the_planned_clock_from_the_plls_dividers(ice40_fast, ecp5) -> None:
    for result, planned_mhz in ((ice40_fast[0], 120), (ecp5[0], 60)):
        derived = re.findall(r"Derived frequency constraint of ([\d.]+) MHz", _log(result))
        # nextpnr counts in whole picoseconds
        assert float(derived[0]) == pytest.approx(planned_mhz, rel=2e-3)
    assert ecp5[0].clock_hz == 60e6


def test_a_clock_faster_than_the_logic_is_reported_as_not_met(ice40_fast, ecp5) -> None:
    assert ice40_fast[0].fmax_hz < 120e6
    assert not ice40_fast[0].timing_met
    assert ecp5[0].timing_met


def test_steps_per_second_are_clocks_over_clocks_per_step(ice40, ecp5) -> None:
    assert ecp5[0].steps_per_s == 60e6 / 300
    assert ice40[0].steps_per_s is None


def test_the_pins_are_those_of_the_board(ecp5, ice40, gowin) -> None:
    lpf = (ecp5[0].bitstream.parent / "top.lpf").read_text()
    for port, site in (("uart_0__rx", "M1"), ("uart_0__tx", "L4"), ("hold_0", "L2")):
        assert f'LOCATE COMP "{port}__io" SITE "{site}"' in lpf
    cst = (gowin[0].bitstream.parent / "top.cst").read_text()
    for port, pin in (("uart_0__rx", 18), ("uart_0__tx", 17), ("led_0", 10), ("clk27_0", 52)):
        assert f'IO_LOC "{port}__io" {pin};' in cst
    pcf = (ice40[0].bitstream.parent / "top.pcf").read_text()
    for port, site in (("uart_0__rx", "6"), ("uart_0__tx", "9"), ("clk12_0", "35")):
        assert f"set_io {port}__io {site}\n" in pcf


def test_progress_speaks_of_every_phase(ice40) -> None:
    lines = ice40[1]
    for start in ("synthesis: ", "place and route: ", "bitstream: "):
        assert any(line.startswith(start) for line in lines), start


def test_the_output_folder_holds_whole_files_only(ice40, ecp5, gowin) -> None:
    for result, _ in (ice40, ecp5, gowin):
        names = {file.name for file in result.bitstream.parent.iterdir()}
        assert not [name for name in names if name.startswith(".") or name.endswith(".part")]
        assert {RESULT_FILE, "top.il", "top.yosys.log", "top.nextpnr-1.log"} <= names


def test_the_result_file_gives_the_result_back(ice40, ecp5, gowin) -> None:
    for result, _ in (ice40, ecp5, gowin):
        data = json.loads((result.bitstream.parent / RESULT_FILE).read_text())
        assert BoardResult.from_json(data) == result
        assert data["lut"] == {
            "used": result.use["lut"].used,
            "available": result.use["lut"].available,
        }
        assert set(data["tools"]) >= {"yosys", "amaranth", "amaranth-boards"}


def test_the_bitstream_is_the_fastest_seeds_and_is_reproducible(ice40, tmp_path: Path) -> None:
    seeds = ice40[0].fmax_by_seed_hz
    best = max(seeds, key=seeds.__getitem__)
    again, _ = _built(tmp_path, "icebreaker", pnr_seeds=(best,))
    assert again.bitstream.read_bytes() == ice40[0].bitstream.read_bytes()


def test_a_design_too_large_for_the_device_is_a_fit_error_with_the_placers_line(tmp_path) -> None:
    with pytest.raises(FitError, match=r"does not fit icebreaker \(iCE40UP5K.*ERROR: .*RAM"):
        build(Echo(memories=40), load_board("icebreaker"), tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["top.nextpnr-1.log"]


def _fake(tmp_path: Path, monkeypatch, variable: str, body: str) -> None:
    tool = tmp_path / f"fake-{variable}"
    tool.write_text(f"#!/bin/sh\n{body}\n")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv(variable, str(tool))


def test_a_failing_tool_leaves_its_log_and_nothing_else(tmp_path: Path, monkeypatch) -> None:
    body = '[ "$1" = --version ] && { echo 1.2; exit; }\necho "ERROR: routing gave up"; exit 1'
    _fake(tmp_path, monkeypatch, "NEXTPNR_ICE40", body)
    out = tmp_path / "out"
    with pytest.raises(
        ToolError, match="nextpnr-ice40 ended with status 1; it said: ERROR: routing"
    ):
        build(Echo(), load_board("icebreaker"), out)
    assert [file.name for file in out.iterdir()] == ["top.nextpnr-1.log"]
    assert "routing gave up" in (out / "top.nextpnr-1.log").read_text()


def test_a_cancelled_build_leaves_nothing_and_no_process(tmp_path: Path, monkeypatch) -> None:
    body = f'[ "$1" = --version ] && {{ echo 1.2; exit; }}\necho $$ > {tmp_path}/pid; sleep 60'
    _fake(tmp_path, monkeypatch, "NEXTPNR_ICE40", body)
    cancel = threading.Event()

    def watch() -> None:
        while not (tmp_path / "pid").exists():
            time.sleep(0.02)
        cancel.set()

    threading.Thread(target=watch, daemon=True).start()
    out = tmp_path / "out"
    with pytest.raises(Interrupted):
        build(Echo(), load_board("icebreaker"), out, cancel=cancel)
    assert list(out.iterdir()) == []
    pid = (tmp_path / "pid").read_text().strip()
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize(
    ("design", "options", "text"),
    [
        (object(), {}, "has no signal 'rx'"),
        (Ports(clock_hz=25e6), {}, r"made for a clock of 2.5e\+07 Hz, the board runs at 1.2e\+07"),
        (Ports(), {"pnr_seeds": ()}, "at least one, all different"),
        (Ports(), {"pnr_seeds": (1, 1)}, "at least one, all different"),
        (Ports(), {"name": "no good"}, "letters, digits and underscores"),
        (Ports(), {"clock_hz": 1e6}, "iCE40 PLL gives 16 MHz to 275 MHz"),
    ],
)
def test_what_does_not_go_together_is_refused(design, options, text, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=text):
        build(design, load_board("icebreaker"), tmp_path, **options)


def test_a_missing_or_broken_report_is_a_tool_error(tmp_path: Path) -> None:
    device = DEVICES["iCE40UP5K"]
    for text in (None, "not json", "{}", '{"fmax": {}, "utilization": {}}'):
        report = tmp_path / "r.json"
        if text is not None:
            report.write_text(text)
        with pytest.raises(ToolError, match=r"nextpnr's report r\.json"):
            read_report(report, tmp_path / "r.log", device)


def test_a_log_without_packing_lines_is_a_tool_error() -> None:
    with pytest.raises(ToolError, match="no 'LCs used as DFF' lines"):
        ice40_flip_flops("Info: nothing of the kind")


def test_memory_bits_count_every_declared_memory() -> None:
    text = "  memory width 16 size 256 \\a\n  memory size 3 width 5 \\b\n  wire width 9 \\c\n"
    assert memory_bits(text) == 16 * 256 + 15


def test_shares_of_an_absent_resource_are_zero() -> None:
    assert Use(0, 0).share == 0.0
    assert Use(1, 4).share == 0.25


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("Info: Routing 213 arcs.", "place and route: Routing 213 arcs"),
        (
            "Info:     at iteration #5: temp = 0.1, wirelen = 31",
            "place and route: at iteration #5: temp = 0.1, wirelen = 31",
        ),
        ("Info:     at iteration #5, type SB_GB: wirelen solved = 9", None),
        ("Warning: unmatched constraint", None),
    ],
)
def test_progress_lines_of_nextpnr_are_picked(line, text) -> None:
    assert progress_text(line) == text


def test_progress_lines_of_yosys_are_picked() -> None:
    line = "3.2.4. Executing OPT_EXPR pass (perform const folding)."
    assert synthesis_text(line) == "synthesis: OPT_EXPR (perform const folding)"
    assert synthesis_text("3.2.4.1.9. Executing OPT_EXPR pass (x).") is None


def test_a_command_that_only_marks_the_file_for_a_loader_is_left_out() -> None:
    where = "amaranth_boards.orangecrab_r0_2:OrangeCrabR0_2_25FPlatform"
    board = load_board(f"{where},uart.rx_pin=io_0:0,uart.tx_pin=io_0:1")
    text = plan_build(Echo(), board, board.plan_clock(None), "top").files["build_top.json"]
    assert len(json.loads(text)["commands"]) == 4
    assert [command[0] for command in tool_commands(text)] == ["yosys", "nextpnr-ecp5", "ecppack"]
