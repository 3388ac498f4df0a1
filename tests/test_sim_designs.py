"""Waves, their views, and benches that the toolkit writes for a network."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import pywellen

from drai_hw.cli import run
from drai_hw.errors import SpecError
from drai_hw.model import plan
from drai_hw.model.numbers import Formats
from drai_hw.rtl import emit
from drai_hw.rtl.banks import plan_store
from drai_hw.rtl.core import Core
from drai_hw.sim import run_core
from drai_hw.sim.jobs import beginning
from drai_hw.sim.views import GROUPS, wave_view
from drai_hw.spec import parse

TINY = """
schema = 1
[network]
name = "tiny-net"
oscillators = 6
[learning]
margin = 4.0
[task]
patterns = ["###...", "#.#.#."]
flips = 0.2
trials = 4
steps = 32
"""


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(TINY)
    return "tiny.toml"


def dumped(verilog: str, folder: Path) -> set[str]:
    """Return the signals that Icarus itself says it dumps, with their ranges."""
    (folder / "core.v").write_text(verilog)
    (folder / "dump.v").write_text(
        'module dump; initial begin $dumpfile("d.vcd"); $dumpvars(0, drai_core); #1 $finish; end '
        "endmodule\n"
    )
    build = ["iverilog", "-g2012", "-o", "sim", "-s", "drai_core", "-s", "dump", "core.v", "dump.v"]
    subprocess.run(build, cwd=folder, check=True, capture_output=True)
    subprocess.run(["vvp", "sim"], cwd=folder, check=True, capture_output=True)
    found, scope = set(), []
    for line in (folder / "d.vcd").read_text().splitlines():
        words = line.split()
        if words[:1] == ["$scope"]:
            scope.append(words[2])
        elif words[:1] == ["$upscope"]:
            scope.pop()
        elif words[:1] == ["$var"]:
            found.add(".".join(scope) + "." + "".join(words[4:-1]))
    return found


@pytest.mark.parametrize(
    ("formats", "product"),
    [
        (Formats(n=2, lanes=2, pages=1), "mul"),
        (Formats(n=7, lanes=4, pages=2, resonance=True, decay=True), "logic"),
    ],
)
def test_every_signal_of_a_view_is_in_the_dump(
    formats: Formats, product: str, tmp_path: Path
) -> None:
    verilog = emit.verilog(Core(formats, product=product), command="a test")
    view = wave_view(verilog, dump="drai_core.fst", command="a test")
    shown = re.findall(r"^drai_core\..*$", view, re.MULTILINE)
    assert len(shown) == sum(len(signals) for _, signals in GROUPS) > 30
    assert set(shown) <= dumped(verilog, tmp_path)
    for part in ("busy", "step_done", "ack", "phase_state", "phi_i", "local_sum", "weight_out"):
        assert any(name.partition("[")[0].endswith(f".{part}") for name in shown), part


def test_a_view_of_another_design_is_refused() -> None:
    with pytest.raises(SpecError, match=r"signal drai_core\.clk is not in the Verilog"):
        wave_view("module drai_core(a);\n  input a;\nendmodule\n", dump="d", command="a test")


def test_the_beginning_of_a_task_is_one_epoch_and_a_few_steps() -> None:
    spec = parse(TINY)
    short = beginning(spec)
    assert (short.learning.presentations, short.task.trials, short.task.steps) == (1, 1, 8)
    assert beginning(spec, steps=99).task.steps == spec.task.steps
    assert short.dynamics == spec.dynamics


def test_waves_leave_a_dump_and_its_view_and_nothing_else(
    tiny: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["sim", tiny, "--waves", "--json", "-o", "out"]) == 0
    result = json.loads(capfd.readouterr().out)
    assert (result["mismatches"], result["steps"]) == (0, 2 + 8)
    folder = tmp_path / "out" / "waves"
    names = [f"drai_core.{ending}" for ending in ("fst", "gtkw", "sucl")]
    assert sorted(path.name for path in folder.iterdir()) == names
    dump = Path(result["waves"]).read_bytes()
    # The head block of an FST: its kind, its length, the first and the last time of the dump.
    assert (dump[0], int.from_bytes(dump[1:9], "big")) == (0, 329)
    picoseconds = int.from_bytes(dump[17:25], "big")
    assert picoseconds // 10_000 == pytest.approx(result["cycles"], abs=5)
    view = (folder / "drai_core.gtkw").read_text()
    assert f'[dumpfile] "{Path(result["waves"]).name}"' in view
    dumped = {variable.full_name for variable in pywellen.Waveform(result["waves"]).all_vars()}
    shown = re.findall(r"^@(\w+)\n(drai_\w+\.[\w.]+)", view, re.MULTILINE)
    assert {name for _, name in shown} <= dumped
    surfer = re.findall(r"^variable_add (.+)$", (folder / "drai_core.sucl").read_text(), re.M)
    assert surfer == [name for _, name in shown]
    state = {name for _, name in shown if name.startswith("drai_state.")}
    pairs = {f"drai_state.weight_{i}_{j}" for j in range(6) for i in range(j)}
    assert state == pairs | {f"drai_state.phase_{k}" for k in range(6)}
    assert len(shown) > 20 + len(state)
    opened, closed = (view.count(f"\n@{flags}\n") for flags in ("800200", "1000200"))
    assert opened == closed == 1
    assert view.count("\n@c00200\n-Lane ") == view.count("\n@1400200\n-Lane ") > 1
    phases = [int(flags, 16) for flags, name in shown if name == "drai_core.update.theta9_0"]
    assert [flags & 0x8000 for flags in phases] == [0x8000]  # an analogue trace, in steps


@pytest.mark.parametrize("shapes", [None, ((8, 3), (4, 9))])
def test_the_state_in_a_dump_is_the_state_of_the_core(
    shapes: tuple[tuple[int, int], ...] | None, tmp_path: Path
) -> None:
    spec = parse(TINY)
    formats = plan.formats_of(spec, lanes=4, pages=2)
    store = plan_store(formats.pair_slots, 4 * formats.weight_bits, shapes) if shapes else None
    assert store is None or len(store.places()) > 1, "weights across several memories"
    dump = tmp_path / "dump.fst"
    ran = run_core(
        beginning(spec), workdir=tmp_path / "w", formats=formats, store=store, waves=dump
    )
    wave = pywellen.Waveform(str(dump))
    signals = {variable.full_name: variable.signal for variable in wave.all_vars()}
    end = 10_000 * ran.cycles  # in ps; the bench ends some clocks later
    learned, recalled = ran.learned, ran.recalled
    assert ran.mismatches == 0
    assert learned
    assert recalled
    turn = 1 << formats.accumulator_bits
    phases = np.array([signals[f"drai_state.phase_{k}"].value_at(end) for k in range(6)])
    assert np.array_equal(phases / turn * 2 * np.pi, recalled.phases_rad[-1] % (2 * np.pi))
    least = 1 << formats.weight_bits
    for i, j in zip(*np.triu_indices(6, 1), strict=True):
        word = int(signals[f"drai_state.weight_{i}_{j}"].value_at(end))
        assert (word - int(learned.weights[i, j])) % least == 0, (i, j)
    assert np.abs(learned.weights).max() > 1


def test_waves_of_random_steps(tiny: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["sim", tiny, "--waves", "--random", "3", "--json", "-o", "out"]) == 0
    result = json.loads(capfd.readouterr().out)
    assert (result["steps"], result["mismatches"]) == (3, 0)
    assert result["waves_bytes"] == Path(result["waves"]).stat().st_size


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--waves", "--trials", "3"], "--waves does one recall only"),
        (["--bench", "b", "--waves"], "--bench writes files and simulates nothing"),
        (["--bench", "b", "--random", "3"], "--bench writes files and simulates nothing"),
        (["--check"], "give --bench DIR"),
        (["--bench", "tiny.toml"], "is a file; --bench needs a directory"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    tiny: str, words: list[str], text: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["sim", tiny, *words]) == 2
    assert text in " ".join(capfd.readouterr().err.split())


def test_a_bench_for_a_network_of_ones_own_runs_on_its_verilog(
    tiny: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["rtl", tiny, "-o", "rtl/tiny-net"]) == 0
    assert run(["sim", tiny, "--bench", "sim/tiny-net", "--seed", "5"]) == 0
    capfd.readouterr()
    assert run(["sim", tiny, "--bench", "sim/tiny-net", "--seed", "5", "--check"]) == 0
    assert "4 files are what SPEC gives" in capfd.readouterr().out
    folder = tmp_path / "sim" / "tiny-net"
    text = (folder / "bench_tiny_net.py").read_text()
    assert "Made by: drai-hw sim tiny-net --bench DIR --seed 5\n" in text
    assert "belong to whoever generated them" in text
    assert str(tmp_path) not in "".join(path.read_text() for path in folder.iterdir())
    done = subprocess.run([sys.executable, str(folder / "run.py")], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (
        0,
        "bench_tiny_net: equal to the twin after every step\n",
    )
    done = subprocess.run([sys.executable, str(folder / "run.py"), "--waves"], capture_output=True)
    assert done.returncode == 0
    assert (folder / "drai_core.fst").read_bytes()[:1] == b"\0"
    # Another seed is another task: the check says which files.
    assert run(["sim", tiny, "--bench", "sim/tiny-net", "--seed", "6", "--check", "--json"]) == 1
    stale = json.loads(capfd.readouterr().out)["stale"]
    assert "sim/tiny-net/network.json" in stale
