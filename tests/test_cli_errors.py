import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from drai_hw.cli import VERBS, run
from tests.tiny_network import TINY


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(TINY)


@pytest.fixture
def refused(capfd):
    """Run a verb that must end with status 2 and one message; return the message."""

    def ask(*words):
        assert run(words) == 2
        captured = capfd.readouterr()
        assert captured.out == ""
        assert "Traceback" not in captured.err
        faults = [text for text in captured.err.splitlines() if text.startswith("drai-hw: error: ")]
        assert len(faults) == 1
        return captured.err

    return ask


def network(find, replace):
    assert find in TINY
    Path("bad.toml").write_text(TINY.replace(find, replace))
    return "bad.toml"


def test_a_missing_file_is_named_with_the_way_to_get_one(refused):
    text = refused("build", "nowhere.toml")
    assert "cannot read network file 'nowhere.toml': No such file" in text
    assert "drai-hw new" in text


def test_an_unreadable_file_is_named(refused):
    Path("binary.toml").write_bytes(b"\xff\xfe\x00")
    assert "'binary.toml': not UTF-8 text" in refused("model", "binary.toml")


def test_an_unknown_design_is_answered_with_the_nearest(refused):
    assert "did you mean 'letters'?" in refused("model", "leters")


def test_an_unknown_key_is_answered_with_the_nearest(refused):
    text = refused("model", network("margin", "margn"))
    assert "unknown key `learning.margn`; did you mean `margin`?" in text


def test_a_value_out_of_range_is_told_its_range_and_unit(refused):
    text = refused("model", network("[circuit]", "[shil]\nramp_steps = 0\n[circuit]"))
    assert re.search(r"shil\.ramp_steps = 0: needs a whole number from 1 .*step", text)


def test_formats_that_would_overflow_are_refused(refused):
    text = refused("model", network("[task]", "[formats]\naccumulator_bits = 8\n[task]"))
    assert "accumulator_bits = 8: needs phase_bits + 4 = 10" in text


def test_text_that_is_no_toml_is_told_where(refused):
    assert re.search(r"not valid TOML: .*line 1", refused("model", network(TINY, "= 3")))


def test_another_schema_is_refused(refused):
    assert "schema = 2 is not known" in refused("model", network("schema = 1", "schema = 2"))


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (np.ones(4), r"array of shape \(4,\); needs M x N"),
        (np.array([[1, 0, 1, -1]]), r"values 0; needs -1 and \+1 only"),
        (np.array([[0.5, 1.0]]), r"values 0\.5; needs -1 and \+1 only"),
        (np.ones((2, 5000)), r"network\.oscillators = 5000: needs .* to 4096"),
        (np.ones((0, 8)), r"array of shape \(0, 8\)"),
    ],
)
def test_patterns_of_wrong_shape_or_values_are_refused(rows, text, refused):
    np.save("rows.npy", rows)
    assert re.search(text, refused("recall", "rows.npy"))


def test_patterns_that_do_not_fit_the_network_are_refused(refused):
    np.save("rows.npy", np.array([[1, -1, 1, -1]]))
    text = refused("recall", "rows.npy", "--spec", "tiny.toml")
    assert "patterns 'rows.npy' have 4 pixels, --spec 'tiny.toml' has 8 oscillators" in text


def test_a_pattern_file_that_is_no_array_is_refused(refused):
    Path("rows.npy").write_text("no array")
    assert "cannot read patterns 'rows.npy'" in refused("recall", "rows.npy")


@pytest.mark.parametrize("verb", ["build", "board"])
def test_a_board_too_small_is_refused_before_any_stage_starts(verb, refused):
    big = network("oscillators = 8", "oscillators = 900")
    Path(big).write_text(re.sub(r"patterns = .*", 'patterns = "random:3"', Path(big).read_text()))
    text = refused(verb, big, "--board", "icebreaker")
    assert "900 oscillators" in text
    assert re.search(r"do not fit icebreaker \(iCE40UP5K\): needed", text)
    assert "ulx3s-85f" in text  # the board that would do
    assert not Path("build").exists()


def test_an_unknown_board_is_answered_with_the_nearest(refused):
    assert "did you mean 'icebreaker'?" in refused("board", "tiny.toml", "--board", "icebraker")


def test_a_missing_simulator_is_a_message_and_not_a_crash(refused, monkeypatch):
    monkeypatch.setenv("PATH", os.path.dirname(sys.executable))
    text = refused("sim", "tiny.toml")
    assert re.search(r"iverilog .*not found.*apt-get install iverilog", text)


def test_a_missing_circuit_simulator_is_a_message_and_not_a_crash(refused, monkeypatch):
    monkeypatch.setenv("PATH", os.path.dirname(sys.executable))
    assert re.search(r"ngspice.*apt-get install ngspice", refused("spice", "tiny.toml", "--run"))


def test_the_line_of_ngspice_that_says_why_is_passed_on(refused, monkeypatch):
    # A program in ngspice's place that fails as ngspice does when it finds no solution.
    tools = Path("tools").resolve()
    tools.mkdir()
    program = tools / "ngspice"
    program.write_text(
        "#!/bin/sh\necho 'doAnalyses: TRAN:  Timestep too small; time = 1e-09: trouble' >&2\n"
        "echo 'run simulation(s) aborted' >&2\nexit 1\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    assert "Timestep too small" in refused("spice", "tiny.toml", "--run")


def test_coupling_beyond_what_tanks_bear_is_refused(refused):
    text = refused("spice", network("cycles = 60", "cycles = 60\nrho = 3"), "--run")
    assert re.search(r"circuit\.rho = 3: needs a number above 0 to 1\.", text)


def test_coupling_too_strong_for_a_phase_model_is_refused(refused):
    text = refused("extract", network("cycles = 60", "cycles = 60\nrho = 0.9"))
    assert "circuit.rho = 0.9: extraction needs 0.5 at most" in text


def test_a_directory_for_the_file_of_an_extraction_is_refused(refused):
    Path("there").mkdir()
    assert "output 'there' is a directory" in refused("extract", "tiny.toml", "-o", "there")


def test_an_output_that_is_a_file_is_refused(refused):
    Path("taken").write_text("")
    assert "output 'taken' is a file" in refused("model", "tiny.toml", "-o", "taken")


def test_an_output_that_cannot_be_made_is_refused(refused):
    Path("taken").write_text("")
    text = refused("rtl", "tiny.toml", "-o", "taken/deeper")
    assert re.search(r"cannot write 'taken/deeper/.*another place with -o", text)


def test_new_never_overwrites(refused, capfd):
    assert run(["new", "mine"]) == 0
    capfd.readouterr()
    before = Path("mine/network.toml").read_bytes()
    Path("mine/network.toml").write_bytes(before + b"# mine\n")
    assert "'mine/network.toml' exists and is not overwritten" in refused("new", "mine")
    assert Path("mine/network.toml").read_bytes() == before + b"# mine\n"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["bild", "pair"], "no verb 'bild'; did you mean 'build'?"),
        (["wafer", "graph"], "no verb 'wafer'; known verbs: build, model"),
        (["build"], "Missing argument 'SPEC'"),
        (["model", "pair", "--sed", "1"], "No such option '--sed'"),
        (["model", "pair", "--seed", "-1"], "-1 is not in the range"),
        (["model", "pair", "--seed", "x"], "'x' is not a valid integer range"),
        (["recall", "x.npy", "--flips", "1.5"], "1.5 is not in the range 0<=x<=1"),
        (["recall", "x.npy", "--trials", "0"], "0 is not in the range x>=1"),
        (["recall", "x.npy", "--backend", "gpu"], "'gpu': needs one or more of float, twin, rtl"),
        (["spice", "pair", "--circuit", "rc"], "'rc' is not one of 'lc', 'ring'"),
        (["sim", "pair", "--simulator", "vcs"], "'vcs' is not one of 'icarus', 'cxxrtl'"),
        (["rtl", "pair", "-o", "-", "--json"], "-o - puts Verilog on standard output"),
        (["sim", "pair", "--random", "5", "--trials", "2"], "--random runs another script"),
        (["spice", "pair", "--run", "--check"], "leave --run out"),
    ],
)
def test_wrong_usage_is_one_message_with_the_way_to_help(words, text, refused):
    message = refused(*words)
    assert text in message
    assert re.search(r"see drai-hw.* --help", message)


def test_a_fault_of_the_program_is_owned_and_shows_no_traceback(monkeypatch, capfd):
    from drai_hw import catalog

    monkeypatch.setattr(catalog, "find", lambda reference: 1 / 0)
    assert run(["model", "pair"]) == 1
    text = capfd.readouterr().err
    assert "fault of drai-hw itself, not of your input: ZeroDivisionError" in text
    assert "Traceback" not in text
    monkeypatch.setenv("DRAI_HW_TRACEBACK", "1")
    assert run(["model", "pair"]) == 1
    assert "Traceback" in capfd.readouterr().err


def test_warnings_are_lines_of_ours(capfd):
    Path("warm.toml").write_text(TINY.replace("cycles = 60", "cycles = 60\nrho = 0.6"))
    assert run(["spice", "warm.toml", "--json"]) == 0
    captured = capfd.readouterr()
    assert re.search(r"^drai-hw: warning: circuit\.rho = 0\.6 is above 0\.5", captured.err, re.M)
    json.loads(captured.out)


def test_a_reader_that_leaves_early_is_no_crash():
    done = subprocess.run(
        f"{sys.executable} -m drai_hw.cli rtl tiny.toml -o - | head -1",
        shell=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("// drai_core")
    assert done.stderr == ""


def start(*words):
    return subprocess.Popen(
        [sys.executable, "-m", "drai_hw.cli", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_build_keeps_finished_stages_and_writes_no_report(number):
    process = start("build", "tiny.toml", "--json")
    # The board takes much longer than model and twin: it runs when these are over.
    wait_for(lambda: Path("build/tiny/twin").exists() and Path("build/tiny/model").exists())
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == ""
    assert "drai-hw: interrupted; finished stages are kept" in err
    assert "Traceback" not in err
    left = {path.name for path in Path("build/tiny").iterdir()}
    assert {"model", "twin"} <= left <= {"model", "twin", "rtl"}
    assert leftovers(Path.cwd()) == []
    assert run(["model", "tiny.toml"]) == 0
    record = json.loads(Path("build/tiny/model/stage.json").read_text())
    assert record["result"]["trials"] == 4


def leftovers(place):
    """Return the command lines of processes that work in a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if int(entry.name) != os.getpid() and (entry / "cwd").resolve().is_relative_to(place):
                found.append((entry / "cmdline").read_text())
        except OSError:
            continue
    return found


def test_every_verb_has_a_module():
    assert all(run([verb, "--help"]) == 0 for verb in VERBS)
