"""The core compiled by CXXRTL: Icarus's results, each difference named, no file half-written."""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drai_hw import catalog
from drai_hw.cli import run as command
from drai_hw.errors import SpecError, ToolError
from drai_hw.model import compiled, plan
from drai_hw.model.numbers import Formats
from drai_hw.model.schedule import schedule
from drai_hw.model.twin import Twin
from drai_hw.rtl import emit
from drai_hw.rtl.core import Core
from drai_hw.sim import SimResult, mirror, run_core, run_job, task_job
from drai_hw.sim.comparison import MEMORIES, Comparison
from drai_hw.sim.cxxrtl import build
from drai_hw.sim.cxxrtl.bench import run_order
from drai_hw.sim.cxxrtl.machine import CxxrtlMachine
from drai_hw.sim.cxxrtl.model import MemoryWindow, Model
from drai_hw.sim.jobs import Job
from drai_hw.sim.outcome import carry_out
from drai_hw.spec import parse

SPEC = parse("""
schema = 1
[network]
name = "small"
oscillators = 13
[task]
kind = "recall"
patterns = "random:2"
trials = 2
steps = 12
[board]
lanes = 8
pages = 2
""")
# Words of 40 bits: their fields cross the 32-bit pieces in which a compiled memory is kept.
FORMATS = Formats(n=13, lanes=8, pages=2, resonance=True, decay=True)

MARGIN_BIT = emit.metadata(FORMATS)["memories"]["marks"]["fields"]["margin"]["first_bit"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    return emit.write({"core.il": emit.rtlil(Core(FORMATS))}, folder)["core.il"]


@pytest.fixture
def model(source: Path, cache: Path) -> Any:
    with Model(build.compiled(source, emit.NAME, cache), emit.NAME) as model:
        yield model


def order(job: Job, formats: Formats = FORMATS, **changes: Any) -> dict[str, Any]:
    facts = emit.metadata(FORMATS)
    return {
        "formats": formats,
        "job": job,
        "memories": facts["memories"],
        "ring_registers": facts["ring_registers"],
        "total_steps": job.steps,
        "check_clocks": True,
        "explain": False,
        "shorten": False,
        "connect": None,
    } | changes


def figures(result: SimResult) -> dict[str, Any]:
    """Return all that two simulators must agree in."""
    found = {key: value for key, value in vars(result).items() if "seconds" not in key}
    return {key: found[key] for key in found.keys() - {"learned", "recalled", "locked"}}


# -- the same results ------------------------------------------------------------------------


def test_both_simulators_see_the_same_states_clocks_events_and_toggles(
    tmp_path: Path, source: Path, cache: Path
) -> None:
    """The random script, every feature; `source` is byte by byte what `run_core` emits."""
    results = [
        run_core(
            SPEC, workdir=tmp_path / simulator, steps=40, script="random", seed=5, formats=FORMATS,
            simulator=simulator, cache=cache,
        )
        for simulator in ("icarus", "cxxrtl")
    ]  # fmt: skip
    icarus, compiled = map(figures, results)
    assert compiled == icarus
    assert compiled["mismatches"] == 0
    assert compiled["steps"] == 40
    assert compiled["counters"].changed > 0
    assert compiled["toggles"]["ring_registers_per_clock"] > 0
    assert len(list(cache.glob("*.so"))) == 1, "it was compiled once, for all tests of this module"


@pytest.mark.full
def test_runs_at_the_edge_and_resets_in_mid_run_are_the_same_on_both_simulators(
    tmp_path: Path, source: Path, cache: Path
) -> None:
    results = [
        run_core(
            SPEC, workdir=tmp_path / simulator, steps=30, script="runs", formats=FORMATS,
            simulator=simulator, cache=cache,
        )
        for simulator in ("icarus", "cxxrtl")
    ]  # fmt: skip
    icarus, compiled = map(figures, results)
    assert compiled == icarus
    assert (compiled["mismatches"], compiled["steps"]) == (0, 7)


def test_a_reset_that_does_not_end_a_run_is_told(
    source: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CxxrtlMachine, "_reset", lambda self, clocks: None)
    result = run_order(order(Job(SPEC, "runs", steps=3)), source, emit.NAME, cache=cache)
    first = result["diff"][0]
    assert (first["what"], first["expected"], first["got"]) == ("status after a reset", 0, 1)


def test_an_access_in_mid_run_that_is_not_refused_is_told(
    source: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register = CxxrtlMachine._register

    def without_error(self: CxxrtlMachine, name: str) -> int:
        return register(self, name) & (~2 if name == "STATUS" else ~0)

    monkeypatch.setattr(CxxrtlMachine, "_register", without_error)
    result = run_order(order(Job(SPEC, "runs", steps=3)), source, emit.NAME, cache=cache)
    first = result["diff"][0]
    assert (first["step"], first["what"]) == (6, "status after refused accesses")
    assert (first["expected"], first["got"]) == (2, 0)


def test_a_step_too_many_that_does_nothing_is_told(
    source: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Model.write

    def longer(self: Model, names: list[str], values: np.ndarray) -> None:
        write(self, names, values + (np.array(names) == "STEPS") * (values == 7))

    monkeypatch.setattr(Model, "write", longer)
    result = run_order(order(Job(SPEC, "runs", steps=7)), source, emit.NAME, cache=cache)
    first = result["diff"][0]
    assert (first["what"], first["got"] - first["expected"]) == ("clocks", 1)


def test_runs_are_directed_on_a_machine_that_can_be_reset() -> None:
    with pytest.raises(SpecError, match="script 'runs' on a Twin: needs a machine that can be"):
        Job(SPEC, "runs", steps=3).run(Twin(FORMATS))


def test_a_task_is_learned_and_recalled_from_what_the_compiled_core_reads(
    source: Path, cache: Path
) -> None:
    job = task_job(SPEC, FORMATS)
    seen: list[tuple[int, int]] = []
    result = run_order(
        order(job, total_steps=99), source, emit.NAME, cache=cache,
        progress=lambda done, of: seen.append((done, of)),
    )  # fmt: skip
    twin = Twin(FORMATS)
    outcome = job.run(twin)
    assert result["mismatches"] == 0
    assert np.array_equal(result["outcome"]["learned"].weights, outcome["learned"].weights)
    assert result["counters"] == twin.counters()
    assert np.array_equal(result["outcome"]["recalled"].phases_rad, outcome["recalled"].phases_rad)
    assert seen[-1] == (result["steps"], 99)


def test_learning_goes_on_in_every_step_of_the_long_script(source: Path, cache: Path) -> None:
    result = run_order(order(Job(SPEC, "learn", steps=150)), source, emit.NAME, cache=cache)
    assert (result["mismatches"], result["steps"]) == (0, 150)
    assert result["coverage"]["learning"] == 150
    assert 0 < result["coverage"]["field pass"] < 150
    assert result["counters"].changed > 1000


def test_the_twin_without_its_compiler_does_as_well(
    source: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def missing(name: str = "kernels") -> None:
        asked.append(name)
        raise ToolError("compiled loops need the package numba")

    monkeypatch.setattr(compiled, "kernels", missing)
    result = run_order(order(Job(SPEC, "random", steps=12)), source, emit.NAME, cache=cache)
    assert (result["mismatches"], result["steps"]) == (0, 12)
    assert asked


# -- differences -----------------------------------------------------------------------------


def test_a_twin_with_another_random_stream_is_told_apart_by_step_pair_and_value(
    source: Path, cache: Path
) -> None:
    other = replace(FORMATS)
    seeds = list(other.eta_seeds)
    seeds[3] ^= 0x155
    other.__dict__["eta_seeds"] = tuple(seeds)  # a cached property
    job = Job(SPEC, "learn", steps=64, seed=3)
    result = run_order(order(job, other), source, emit.NAME, cache=cache)
    first = result["diff"][0]
    assert first["what"] == "weight"
    assert first["step"] == result["steps"]
    assert abs(first["expected"] - first["got"]) in (1, 2)
    assert result["mismatches"] == len(result["diff"]) > 0
    # Every difference is of a pair whose local oscillator sits in lane 3.
    assert {entry["index"][0] % FORMATS.lanes for entry in result["diff"]} == {3}


class Meddler(CxxrtlMachine):
    """Flips one bit of a memory of the design after some steps."""

    def __init__(self, model: Model, machine: CxxrtlMachine, path: str, word: int, bit: int):
        self.__dict__.update(machine.__dict__)
        self._place = (model.memory(path), word, bit)

    def _stepped(self, step: int, *passes: bool) -> None:
        if self.steps == 4:
            (address, width, _), word, bit = self._place
            chunks = -(-width // 32)
            chunk = ctypes.c_uint32.from_address(address + 4 * (word * chunks + bit // 32))
            chunk.value ^= 1 << bit % 32
        super()._stepped(step, *passes)


@pytest.mark.parametrize(
    ("path", "word", "bit", "what"),
    [
        ("update.theta_memory", 6, 0, "theta"),
        ("update.theta_memory", 15, 15, "theta"),  # padding
        ("update.marks_memory", 2, MARGIN_BIT, "margin"),
        ("weights.weights_memory", 9, 31, "weight"),  # lane 6 lies across two pieces
        ("weights.weights_memory", 9, 34, "weight"),
        ("weights.weights_memory", 0, 0, "weight"),
    ],
)
def test_one_flipped_bit_anywhere_in_the_state_is_found_in_its_step(
    model: Model, monkeypatch: pytest.MonkeyPatch, path: str, word: int, bit: int, what: str
) -> None:
    memories = emit.metadata(FORMATS)["memories"]
    windows = {name: MemoryWindow(model, memories[name]) for name in MEMORIES}
    board = Comparison(Twin(FORMATS), windows)
    machine = Meddler(model, CxxrtlMachine(model, board), path, word, bit)
    carry_out(Job(SPEC, "learn", steps=20), machine)
    assert (board.count, machine.steps) == (1, 5)
    entry = board.mismatches[0]
    assert (entry["step"], entry["what"]) == (5, what)
    if what == "weight":
        pairs = schedule(FORMATS.lanes, FORMATS.pages)
        slot = (word, bit // FORMATS.weight_bits)
        assert entry["index"] == [pairs.i[slot], pairs.j[slot]]
    else:
        assert entry["index"] == word


def test_a_run_that_takes_other_clocks_than_it_should_is_a_difference(
    source: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = mirror.run_bounds
    monkeypatch.setattr(
        mirror, "run_bounds", lambda *a, **k: tuple(bound + 1 for bound in real(*a, **k))
    )
    result = run_order(order(Job(SPEC, "learn", steps=4)), source, emit.NAME, cache=cache)
    assert result["diff"][0]["what"] == "clocks"
    assert result["diff"][0]["expected"] == result["diff"][0]["got"] + 1


# -- the bus and the memories ----------------------------------------------------------------


def test_registers_are_read_back_signed_where_they_are(model: Model) -> None:
    model.write(["GAIN", "MARGIN", "WEIGHT_ADDRESS"], np.array([40_000, -77, 0]))
    values = np.arange(8) - 4
    model.write_all("WEIGHT", values)
    model.write(["WEIGHT_ADDRESS"], np.zeros(1))
    assert model.read("WEIGHT", 8).tolist() == values.tolist()
    assert model.read("GAIN").tolist() == [40_000]
    assert model.read("MARGIN").tolist() == [-77]
    window = MemoryWindow(model, emit.metadata(FORMATS)["memories"]["weights"])
    lanes = [f"lane_{lane}" for lane in range(8)]
    assert window.columns(lanes, signed=True)[0].tolist() == values.tolist()
    assert window.columns(["lane_0"])[0].tolist() == [(-4) & 31]


def test_what_does_not_come_is_waited_for_no_longer_than_said(model: Model) -> None:
    before = model.clocks
    with pytest.raises(ToolError, match="STEP_DONE did not come within 50 clocks"):
        model.until_step_done(50)
    with pytest.raises(ToolError, match="the end of BUSY did not come within 7 clocks"):
        model.until_rest(7)
    assert model.clocks == before + 57


def test_memories_that_are_not_there_or_too_small_are_named(model: Model) -> None:
    memories = emit.metadata(FORMATS)["memories"]
    with pytest.raises(ToolError, match=r"has no update\.phi_memory"):
        MemoryWindow(model, memories["theta"] | {"path": "update.phi_memory"})
    with pytest.raises(ToolError, match="has no busy"):
        MemoryWindow(model, memories["theta"] | {"path": "busy"})
    with pytest.raises(ToolError, match="has 16 words of 16 bits; needs 17 of 16"):
        MemoryWindow(model, memories["theta"] | {"depth": 17})


# -- compiling -------------------------------------------------------------------------------

DESIGN = """
attribute \\top 1
module \\tiny
  wire width 1 input 1 \\clk
  wire width 1 output 2 \\ack
  connect \\ack \\clk
end
"""


def compiler(folder: Path, script: str) -> Path:
    """Put a compiler of ours first on the way; it notes each call beside itself."""
    fake = folder / build.COMPILER
    fake.write_text(
        '#!/bin/sh\nif [ "$1" = -dumpfullversion ]; then echo 99.1; exit; fi\n'
        f'echo call >> "{folder}/calls"\n{script}\n'
    )
    fake.chmod(0o755)
    return fake


def calls(folder: Path) -> int:
    return len((folder / "calls").read_text().splitlines())


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.il"
    path.write_text(DESIGN)
    return path


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def test_a_design_is_compiled_once_and_again_when_anything_differs(
    tiny: Path, tmp_path: Path, bin_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler(bin_folder, "cat model.cc | head -c 0 > model.so")
    models = tmp_path / "models"
    first = build.compiled(tiny, "tiny", models)
    assert build.compiled(tiny, "tiny", models) == first
    assert calls(bin_folder) == 1
    tiny.write_text(DESIGN.replace("connect \\ack \\clk", "connect \\ack 1'1"))
    second = build.compiled(tiny, "tiny", models)
    monkeypatch.setattr(build, "FLAGS", (*build.FLAGS, "-O1"))
    third = build.compiled(tiny, "tiny", models)
    assert len({first, second, third}) == calls(bin_folder) == 3
    assert sorted(models.iterdir()) == sorted([first, second, third]), "nothing else is left there"
    monkeypatch.setattr(build, "KEPT", 2)
    for age, path in enumerate((third, first, second)):
        os.utime(path, (1000 - age, 1000 - age))
    build.compiled(tiny, "tiny", models)  # the third again: its turn comes last now
    monkeypatch.setattr(build, "FLAGS", (*build.FLAGS, "-O2"))
    fourth = build.compiled(tiny, "tiny", models)
    assert sorted(models.iterdir()) == sorted([third, fourth])


def test_a_compiler_that_fails_is_quoted_and_leaves_nothing(
    tiny: Path, tmp_path: Path, bin_folder: Path
) -> None:
    compiler(bin_folder, "echo half > model.so; echo 'model.cc:1: error: no space left'; exit 1")
    with pytest.raises(ToolError, match=r"(?s)g\+\+ does not compile.*tiny\.il.*no space left"):
        build.compiled(tiny, "tiny", tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


def test_an_interrupted_compiler_is_ended_and_leaves_nothing(
    tiny: Path, tmp_path: Path, bin_folder: Path
) -> None:
    compiler(bin_folder, f'echo $$ > "{bin_folder}/pid"; sleep 600')
    script = (
        "import signal, sys; from pathlib import Path; from drai_hw.sim.cxxrtl import build\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "build.compiled(Path(sys.argv[1]), 'tiny', Path(sys.argv[2]))"
    )
    models = tmp_path / "models"
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(tiny), str(models)],
        stderr=subprocess.PIPE, cwd=Path(build.__file__).parents[3],
    )  # fmt: skip
    pid_file = bin_folder / "pid"
    end_s = time.monotonic() + 120
    while not (pid_file.exists() and pid_file.read_text().strip()):
        assert time.monotonic() < end_s, "the compiler was never started"
        assert child.poll() is None
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=60)
    assert b"KeyboardInterrupt" in errors
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)
    assert list(models.iterdir()) == []


def test_a_missing_compiler_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match=r"apt-get install g\+\+.*--simulator icarus"):
        run_core(SPEC, workdir=tmp_path / "run", steps=5, simulator="cxxrtl")


def test_a_design_that_yosys_does_not_read_is_quoted(tmp_path: Path) -> None:
    path = tmp_path / "bad.il"
    path.write_text("module \\top\n  nonsense\nend\n")
    with pytest.raises(ToolError, match=r"(?si)yosys does not accept bad\.il with top top.*error"):
        build.compiled(path, "top", tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


def test_a_writer_that_is_not_installed_is_named(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tiny.with_suffix(".v")
    path.write_text("module tiny(input clk); endmodule\n")
    gone = replace(build._FOR_VERILOG, distribution="no-such-yosys")
    monkeypatch.setattr(build, "_FOR_VERILOG", gone)
    with pytest.raises(ToolError, match=r"no-such-yosys is not installed.*drai_hw\[fpga\]"):
        build.compiled(path, "tiny", tmp_path / "models")


def test_a_design_without_the_ports_of_the_core_is_refused(tiny: Path, tmp_path: Path) -> None:
    library = build.compiled(tiny, "tiny", tmp_path / "models")
    with pytest.raises(ToolError, match="the design tiny has no port rst"):
        Model(library, "tiny")


# -- asking for it ---------------------------------------------------------------------------


def test_unknown_simulators_and_waves_of_a_compiled_core_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="simulator = 'spice': known are icarus, cxxrtl"):
        run_core(SPEC, workdir=tmp_path, steps=5, simulator="spice")
    with pytest.raises(SpecError, match="only icarus dumps waves"):
        run_core(SPEC, workdir=tmp_path, steps=5, simulator="cxxrtl", waves=tmp_path / "x.fst")
    with pytest.raises(SpecError, match="the learn script needs at least 1 step"):
        run_core(SPEC, workdir=tmp_path, script="learn")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--simulator", "cxxrtl", "--waves"], "give --simulator icarus"),
        (["--random", "4", "--learn", "4"], "two scripts"),
        (["--trials", "1", "--learn", "4"], "--learn runs another script"),
        (["--waves", "--learn", "4"], "leave --trials and --learn out"),
        (["--bench", "there", "--learn", "4"], "simulates nothing"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    words: list[str], text: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert command(["sim", "pair", *words]) == 2
    assert text in " ".join(capfd.readouterr().err.split())


@pytest.mark.full
def test_the_verb_compiles_once_for_task_and_script(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["sim", "pair", "--simulator", "cxxrtl", "-o", str(tmp_path)]
    assert command(words) == 0
    (library,) = (tmp_path / "cxxrtl").iterdir()
    made = library.stat().st_mtime
    assert command([*words, "--learn", "70"]) == 0
    assert [library] == list((tmp_path / "cxxrtl").iterdir())
    assert library.stat().st_mtime >= made
    assert "0 mismatches in 70 steps" in capfd.readouterr().out


# -- large cores, and designs as text ----------------------------------------------------------


@pytest.mark.full
def test_verilog_is_compiled_too_and_a_flipped_sign_in_it_is_found(tmp_path: Path) -> None:
    formats = Formats(n=7, lanes=4, pages=2)
    text = emit.verilog(Core(formats), command="a test")
    start = text.index(".minus_rotating(")
    flipped = text.replace(text[start : text.index(")", start) + 1], ".minus_rotating(1'b0)")
    found = []
    for name, content in (("good.v", text), ("flipped.v", flipped)):
        dut = tmp_path / name
        dut.write_text(content)
        found.append(
            run_core(
                SPEC, workdir=tmp_path / "run", steps=60, script="learn", formats=formats, dut=dut,
                simulator="cxxrtl",
            )
        )  # fmt: skip
    good, bad = found
    assert (good.mismatches, good.steps) == (0, 60)
    assert bad.first_mismatch is not None
    assert bad.first_mismatch["what"] == "theta"
    assert bad.steps < 60


@pytest.mark.full
def test_a_core_with_wrong_thresholds_is_found_in_its_weights(tmp_path: Path) -> None:
    wrong = replace(FORMATS)
    wrong.__dict__["passes"] = tuple(reversed(FORMATS.passes))
    dut = emit.write({"wrong.il": emit.rtlil(Core(wrong))}, tmp_path)["wrong.il"]
    job = Job(SPEC, "learn", steps=64)
    result = run_job(job, FORMATS, 64, workdir=tmp_path / "run", dut=dut, simulator="cxxrtl")
    assert result.first_mismatch is not None
    assert result.first_mismatch["what"] == "weight"
    assert pickle.loads(pickle.dumps(result)) == result


@pytest.mark.full
def test_the_letters_on_the_compiled_core_are_those_on_icarus(tmp_path: Path) -> None:
    spec, folder = catalog.find("letters")
    formats = plan.formats_of(spec)
    both = [
        run_core(
            spec, workdir=tmp_path / name, folder=folder, steps=400, formats=formats, simulator=name
        )
        for name in ("icarus", "cxxrtl")
    ]
    assert figures(both[0]) == figures(both[1])
    assert both[1].mismatches == 0
    assert both[1].learned is not None
    assert both[0].learned is not None
    assert np.array_equal(both[1].learned.weights, both[0].learned.weights)


@pytest.mark.full
@pytest.mark.parametrize(
    ("n", "features", "steps"),
    [(128, {"resonance": True, "decay": True}, 1000), (512, {}, 128)],
)
def test_large_cores_learn_as_their_twin_does_after_every_step(
    tmp_path: Path, n: int, features: dict[str, bool], steps: int
) -> None:
    lanes, pages = plan.default_geometry(n)
    formats = Formats(n=n, lanes=lanes, pages=pages, **features)
    spec = parse(
        f'schema = 1\n[network]\nname = "large"\noscillators = {n}\n[task]\nkind = "lock"\n'
    )
    result = run_core(
        spec, workdir=tmp_path, steps=steps, script="learn", formats=formats, simulator="cxxrtl"
    )
    assert (result.mismatches, result.steps) == (0, steps)
    assert result.counters.changed > steps * n
