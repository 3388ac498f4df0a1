import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from drai_hw.cli import VERBS, run
from drai_hw.spec import read
from drai_hw.spice import ring
from drai_hw.spice.settings import settings_of
from tests.tiny_network import TINY


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A network file in an empty folder that is the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(TINY)
    return "tiny.toml"


@pytest.fixture
def answer(capfd):
    """Run a verb with --json; standard output must be one JSON object and nothing else."""

    def ask(*words, status=0):
        assert run([*words, "--json"]) == status
        captured = capfd.readouterr()
        value = json.loads(captured.out)
        assert isinstance(value, dict)
        return value

    return ask


def test_the_verbs_of_this_release_are_listed_and_no_others(capfd):
    assert run(["--help"]) == 0
    text = capfd.readouterr().out
    listed = re.findall(r"^  (\w+)  +[A-Z]", text.partition("Verbs:")[2], re.MULTILINE)
    assert listed == list(VERBS)
    assert set(listed) == {
        *("build", "model", "recall", "solve", "rtl", "sim", "board", "spice", "bench", "doctor"),
        *("crossbar", "extract", "lint", "new", "prove"),
    }


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb, capfd):
    assert run([verb, "--help"]) == 0
    text = capfd.readouterr().out
    assert "--json" in text
    if verb not in ("bench", "doctor", "lint", "new"):
        assert "-o, --output" in text
        assert "--seed" in text
        assert "default:" in text


def test_help_needs_none_of_the_heavy_libraries():
    code = (
        "import sys; from drai_hw.cli import run; run(['--help']); "
        "print(sorted({'numpy', 'pydantic', 'amaranth', 'matplotlib', 'rich', 'scipy'} "
        "& set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_model_compares_float_and_twin(tiny, answer):
    found = answer("model", tiny)
    for machine in ("float", "twin"):
        assert {"exact_rate", "steps", "updates"} <= set(found[machine])
        assert found[machine]["trials"] == 4
    assert found["agreement"]["agrees"] is True
    assert found["agreement"]["trials"] == 4
    assert [stage["status"] for stage in found["stages"]] == ["done", "done"]


FLOAT_ONLY = """schema = 1
[network]
name = "lateral"
oscillators = 16
mask = "grid:4"
[learning]
gates = ["in-phase"]
stabilisers = ["mean-subtraction"]
presentations = 10
[task]
patterns = "random:1"
trials = 3
"""


def test_what_only_the_float_model_has_runs_there_alone(answer, tmp_path, capfd):
    path = tmp_path / "lateral.toml"
    path.write_text(FLOAT_ONLY)
    assert run(["model", str(path)]) == 2
    assert (
        "learning.gates lists 'in-phase', which only the float model has" in capfd.readouterr().err
    )
    found = answer("model", str(path), "--float-only")
    assert found["float"]["trials"] == 3
    assert found["twin"] is None
    assert found["agreement"]["agrees"] is None
    assert [stage["name"] for stage in found["stages"]] == ["model"]


EDGE = """
schema = 1
[network]
name = "edge"
oscillators = 12
mode = "edge-align"
[task]
patterns = "random:2"
trials = 4
steps = 70
[board]
lanes = 4
pages = 3
"""


@pytest.mark.parametrize("verb", [["spice", "--circuit", "lc"], ["build"]])
def test_edge_alignment_is_refused_where_it_does_not_exist(verb, tmp_path, capsys):
    path = tmp_path / "edge.toml"
    path.write_text(EDGE)
    assert run([verb[0], str(path), *verb[1:], "-o", str(tmp_path / "out")]) == 2
    assert (
        "network.mode = 'edge-align': circuits move by their own physics and need 'kuramoto'; "
        "leave the circuit out (drai-hw model, sim, recall and board do)" in capsys.readouterr().err
    )


def test_edge_alignment_recalls_on_the_rtl_what_it_recalls_on_the_twin(tmp_path, answer):
    path, patterns = tmp_path / "edge.toml", tmp_path / "patterns.npy"
    path.write_text(EDGE)
    np.save(patterns, np.random.default_rng(2).choice([-1, 1], (2, 12)))
    options = ("--spec", str(path), "--flips", "0.1", "--trials", "4")
    found = answer("recall", str(patterns), *options, "--backend", "float,twin,rtl")
    assert found["rtl"]["mismatches"] == 0
    assert found["rtl"]["exact_rate"] == found["twin"]["exact_rate"] > 0
    assert found["rtl"]["overlap"] == found["twin"]["overlap"]


def test_recall_takes_the_links_from_beside_the_network_file(tmp_path, answer, monkeypatch):
    (tmp_path / "nets").mkdir()
    path = tmp_path / "nets" / "ring.toml"
    path.write_text(EDGE.replace('mode = "edge-align"', 'mask = "links.npy"'))
    near = np.abs(np.arange(12)[:, None] - np.arange(12)) % 11
    np.save(tmp_path / "nets" / "links.npy", ((near > 0) & (near <= 3)).astype(int))
    patterns = tmp_path / "patterns.npy"
    np.save(patterns, np.random.default_rng(2).choice([-1, 1], (1, 12)))
    options = ("--spec", str(path), "--flips", "0.1", "--trials", "2", "--backend", "twin")
    assert answer("recall", str(patterns), *options)["N"] == 12


def test_a_second_call_takes_what_is_stored_and_force_does_not(tiny, answer):
    first = answer("model", tiny)
    second = answer("model", tiny)
    assert [stage["status"] for stage in second["stages"]] == ["cached", "cached"]
    assert second["twin"] == first["twin"]
    forced = answer("model", tiny, "--force")
    assert [stage["status"] for stage in forced["stages"]] == ["done", "done"]


def test_the_seed_of_the_command_line_replaces_that_of_the_file(tiny, answer, tmp_path):
    by_option = answer("model", tiny, "--seed", "7")["twin"]
    (tmp_path / "seven.toml").write_text(TINY.replace("[task]", "[task]\nseed = 7"))
    assert answer("model", "seven.toml")["twin"] == by_option
    assert answer("model", tiny, "--seed", "8")["twin"] != by_option


def test_output_goes_where_it_is_told(tiny, answer, tmp_path):
    answer("model", tiny, "-o", "elsewhere/deep")
    assert (tmp_path / "elsewhere" / "deep" / "twin" / "stage.json").is_file()
    assert not (tmp_path / "build").exists()


def test_a_folder_with_a_network_file_is_a_spec_too(tmp_path, monkeypatch, answer):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "network.toml").write_text(TINY)
    assert answer("model", "./net")["name"] == "tiny"


def test_patterns_of_a_file_lie_beside_the_network_file(tmp_path, monkeypatch, answer):
    (tmp_path / "net").mkdir()
    np.save(tmp_path / "net" / "mine.npy", np.array([[1, 1, 1, 1, -1, -1, -1, -1]]))
    text = re.sub(r"patterns = .*", 'patterns = "mine.npy"', TINY)
    (tmp_path / "net" / "network.toml").write_text(text)
    (tmp_path / "away").mkdir()
    monkeypatch.chdir(tmp_path / "away")
    before = answer("model", "../net/network.toml")
    assert before["twin"]["labels"] == ["0"]
    np.save(tmp_path / "net" / "mine.npy", np.array([[1, -1, 1, -1, 1, -1, 1, -1]]))
    after = answer("model", "../net/network.toml")
    assert [stage["status"] for stage in after["stages"]] == ["done", "done"]


def test_the_textbook_pair_locks_where_the_closed_form_says(tmp_path, monkeypatch, answer):
    monkeypatch.chdir(tmp_path)
    found = answer("model", "pair")
    assert found["float"]["offsets_rad"][1] == pytest.approx(np.arcsin(0.25), abs=1e-9)
    assert found["agreement"]["agrees"] is True


def test_rtl_writes_the_same_bytes_every_time_and_checks_them(tiny, answer, tmp_path, capfd):
    found = answer("rtl", tiny, "-o", "core")
    names = sorted(path.name for path in (tmp_path / "core").iterdir())
    assert names == [f"drai_core.{kind}" for kind in ("h", "il", "json", "svd", "v")]
    assert sorted(found["files"]) == [f"core/{name}" for name in names]
    assert re.fullmatch("[0-9a-f]{64}", found["digest"])
    first = (tmp_path / "core" / "drai_core.v").read_bytes()
    assert answer("rtl", tiny, "-o", "core", "--check")["stale"] == []
    (tmp_path / "core" / "drai_core.v").write_bytes(first.replace(b"8 coupled", b"9 coupled"))
    stale = answer("rtl", tiny, "-o", "core", "--check", status=1)["stale"]
    assert stale == ["core/drai_core.v"]
    assert run(["rtl", tiny, "-o", "-"]) == 0
    assert capfd.readouterr().out.encode() == first
    assert run(["rtl", tiny, "-o", "one.v"]) == 0
    assert (tmp_path / "one.v").read_bytes() == first


def test_a_path_of_this_machine_is_in_no_generated_file(tiny, tmp_path):
    assert run(["rtl", str(tmp_path / tiny), "-o", "core"]) == 0
    for path in (tmp_path / "core").iterdir():
        assert str(tmp_path) not in path.read_text()


def test_sim_compares_the_core_with_the_twin(tiny, answer):
    found = answer("sim", tiny)
    assert found["mismatches"] == 0
    assert found["first_mismatch"] is None
    assert found["steps"] > 4 * 32
    assert found["updates"] > 0
    assert found["weights_equal"] is True
    assert found["same_end_as_twin"] == found["trials"] == 4
    assert {"cycles", "coverage", "pair_updates"} <= set(found)


def test_sim_under_random_stimulus(tiny, answer):
    found = answer("sim", tiny, "--random", "60")
    assert (found["mismatches"], found["steps"]) == (0, 60)
    assert found["stages"][0]["name"] == "random"


def test_spice_writes_a_netlist_and_checks_it(tiny, answer, tmp_path):
    found = answer("spice", tiny, "-o", "kept/tiny-lc.cir")
    assert found["netlist"] == "kept/tiny-lc.cir"
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["tiny-lc.cir"]
    assert not (tmp_path / "build").exists()
    assert found["energies_j"] is None
    assert found["reason"] == "not simulated; add --run"
    assert answer("spice", tiny, "-o", "kept", "--check")["stale"] == []
    (tmp_path / "kept" / "tiny-lc.cir").write_text("* forged\n")
    stale = answer("spice", tiny, "-o", "kept", "--check", status=1)["stale"]
    assert stale == ["kept/tiny-lc.cir"]


def test_spice_runs_the_circuit_and_reads_its_energies(tiny, answer):
    found = answer("spice", tiny, "--run")
    assert found["energies_j"]["per_recall"] > 0
    assert found["energies_j"]["per_update"] is None
    assert "does not learn" in found["energies_j"]["per_update_reason"]
    assert "lower bound" in found["energy_method"]
    assert found["power_w"] > 0
    assert found["phase_error_rad"] < 0.3
    assert 0 <= found["weight_error"] < 0.2
    assert all(run["balanced"] for run in found["runs"])


def test_rings_are_another_circuit_of_the_same_weights(tiny, answer):
    found = answer("spice", tiny, "--circuit", "ring")
    assert found["circuit"] == "ring"


def test_rings_are_as_the_network_file_says(tiny, answer):
    keys = (
        'ring_topology = "single-ended"\nring_stages = 3\nring_vdd_v = 1.5\nring_load_f = 2e-14\n'
    )
    path = Path(tiny)
    text = path.read_text()
    assert "[circuit]\n" in text
    path.write_text(text.replace("[circuit]\n", f"[circuit]\n{keys}"))
    found = answer("spice", tiny, "--circuit", "ring", "--run")
    netlist = Path(found["netlist"]).read_text()
    assert "single-ended 3-stage CMOS rings" in netlist
    assert "3 stages a ring, VDD 1.5 V, load 2e-14 F" in netlist
    assert all(run["balanced"] for run in found["runs"])
    expected_hz = ring.nominal_hz(settings_of(read(path).circuit))
    assert found["runs"][0]["frequency_hz"] == pytest.approx(expected_hz, rel=0.04)


def test_recall_stores_the_rows_of_a_file(tmp_path, monkeypatch, answer):
    monkeypatch.chdir(tmp_path)
    rows = np.random.default_rng(0).choice([-1, 1], size=(2, 24))
    np.save("rows.npy", rows)
    found = answer("recall", "rows.npy", "--flips", "0.1", "--trials", "6")
    assert (found["N"], found["M"], found["trials"]) == (24, 2, 6)
    assert found["flips"] == 0.1
    assert found["flipped_pixels"] == 2  # floor(0.1 * 24 + 0.5)
    assert found["inverse_counts"] is True
    assert found["exact_rate"] == 1.0
    assert found["overlap"] == 1.0
    assert found["updates"] > 0


def test_recall_on_several_machines_gives_an_object_for_each(tmp_path, monkeypatch, answer):
    monkeypatch.chdir(tmp_path)
    np.save("rows.npy", np.random.default_rng(1).choice([-1, 1], size=(2, 10)))
    found = answer("recall", "rows.npy", "--trials", "2", "--backend", "float,twin,rtl")
    assert list(found) == ["float", "twin", "rtl"]
    assert all(entry["trials"] == 2 for entry in found.values())
    assert found["rtl"]["mismatches"] == 0
    assert found["rtl"]["exact_rate"] == found["twin"]["exact_rate"]


def test_new_writes_a_network_file_that_runs(tmp_path, monkeypatch, answer, capfd):
    monkeypatch.chdir(tmp_path)
    found = answer("new", "My Net", "--design", "pair")
    assert found == {"path": "My Net/network.toml"}
    text = (tmp_path / "My Net" / "network.toml").read_text()
    assert 'name = "my-net"' in text
    assert text.count("\n#") > 30
    assert answer("model", "My Net/network.toml")["name"] == "my-net"


def test_doctor_lists_tools(answer):
    tools = answer("doctor")["tools"]
    assert {"ngspice", "iverilog"} <= {tool["name"] for tool in tools}
    assert all(tool["lost_without"] for tool in tools)


def test_without_json_the_result_is_for_people(tiny, capfd):
    assert run(["model", tiny]) == 0
    captured = capfd.readouterr()
    assert re.search(r"^twin +exact recalls \d\.\d{3} \[", captured.out, re.MULTILINE)
    assert "model   done" in captured.err


def test_progress_is_drawn_on_a_terminal_and_leaves_standard_output_alone(tiny):
    import os
    import pty

    master, slave = pty.openpty()
    done = subprocess.Popen(
        [sys.executable, "-m", "drai_hw.cli", "model", tiny, "--json"],
        stdout=subprocess.PIPE,
        stderr=slave,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(slave)
    drawn = b""
    while True:
        try:
            block = os.read(master, 4096)
        except OSError:
            break
        if not block:
            break
        drawn += block
    out, _ = done.communicate(timeout=60)
    os.close(master)
    assert done.returncode == 0
    assert json.loads(out)["name"] == "tiny"
    assert "━".encode() in drawn
    assert b"\x1b[" in drawn
