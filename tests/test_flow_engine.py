import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from drai_hw.errors import SpecError
from drai_hw.flow.engine import Engine
from drai_hw.flow.stages import Stage, closure, ordered

TOY = """
import errno, json, os, subprocess, sys, time
from pathlib import Path
from drai_hw.errors import ToolError
from drai_hw.flow.stages import CheckFailed

def add(context):
    context.progress(0.5, "adding")
    print("a line for the log")
    (context.workdir / "sum.txt").write_text("text")
    with open(context.inputs["calls"], "a") as stream:
        stream.write(f"{os.getpid()}\\n")
    return {"sum": context.inputs["value"] + sum(r["sum"] for r in context.results.values())}

def meet(context):
    mine, other = (Path(context.inputs[key]) for key in ("mine", "other"))
    mine.touch()
    deadline = time.monotonic() + 20
    while not other.exists():
        if time.monotonic() > deadline:
            return {"sum": 0}
        time.sleep(0.01)
    return {"sum": 1}

def no_tool(context):
    raise ToolError("no 'ngspice' here; apt-get install ngspice")

def disagree(context):
    raise CheckFailed("3 mismatches, first at step 7", {"sum": 5})

def bug(context):
    return {"sum": 1 / 0}

def vanish(context):
    os._exit(9)

def litter(context):
    subprocess.run(["sh", "-c", 'touch "$TMPDIR/left by a compiler"'], check=True)
    os._exit(9)

def full_log(context):
    os.dup2(os.open("/dev/full", os.O_WRONLY), 2)
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "sums.txt")

def hang(context):
    child = "import time; time.sleep(600)"
    p = subprocess.Popen([sys.executable, "-c", child], start_new_session=True)
    Path(context.inputs["pids"]).write_text(f"{os.getpid()} {p.pid}")
    try:
        time.sleep(600)
    finally:
        Path(context.inputs["pids"] + ".cleaned").touch()
"""


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """Stage functions in a module that worker processes can import, and a record of their calls."""
    code = tmp_path / "code"
    code.mkdir()
    (code / "toy_stages.py").write_text(TOY)
    monkeypatch.setenv("PYTHONPATH", str(code))
    return tmp_path


def add(toy, name, value=1, needs=(), **more):
    return Stage(
        name,
        "toy_stages:add",
        inputs={"value": value, "calls": str(toy / f"{name}.calls")},
        needs=needs,
        **more,
    )


def calls(toy, name):
    path = toy / f"{name}.calls"
    return len(path.read_text().splitlines()) if path.exists() else 0


def run(toy, *stages, **options):
    return Engine(stages, toy / "out", **options).run()


def statuses(outcomes):
    return {name: outcome.status for name, outcome in outcomes.items()}


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_stage_reads_the_results_of_those_it_needs(toy):
    outcomes = run(toy, add(toy, "c", 3, ("a", "b")), add(toy, "a", 10), add(toy, "b", 20))
    assert outcomes["c"].result == {"sum": 33}
    assert statuses(outcomes) == {"a": "done", "b": "done", "c": "done"}
    assert all(outcome.seconds > 0 for outcome in outcomes.values())


def test_temporary_files_of_a_stage_that_is_killed_are_removed(toy, monkeypatch):
    (toy / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(toy / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", str(toy / "tmp"))
    assert run(toy, Stage("a", "toy_stages:litter"))["a"].status == "failed"
    assert list((toy / "tmp").iterdir()) == []


def test_files_and_prints_of_a_stage_stay_in_its_folder(toy, capfd):
    outcome = run(toy, add(toy, "a"))["a"]
    assert outcome.folder == toy / "out" / "a"
    assert (outcome.folder / "sum.txt").read_text() == "text"
    assert (outcome.folder / "stage.log").read_text() == "a line for the log\n"
    assert capfd.readouterr().out == ""


def test_a_second_call_uses_what_is_stored(toy):
    chain = (add(toy, "a", 1), add(toy, "b", 2, ("a",)))
    run(toy, *chain)
    outcomes = run(toy, *chain)
    assert statuses(outcomes) == {"a": "cached", "b": "cached"}
    assert outcomes["b"].result == {"sum": 3}
    assert (calls(toy, "a"), calls(toy, "b")) == (1, 1)


def test_only_stages_whose_inputs_changed_run_again(toy):
    run(toy, add(toy, "a", 1), add(toy, "b", 2, ("a",)), add(toy, "c", 3))
    outcomes = run(toy, add(toy, "a", 5), add(toy, "b", 2, ("a",)), add(toy, "c", 3))
    assert statuses(outcomes) == {"a": "done", "b": "done", "c": "cached"}
    assert outcomes["b"].result == {"sum": 7}


def test_going_back_to_earlier_inputs_is_a_change_too(toy):
    run(toy, add(toy, "a", 1))
    run(toy, add(toy, "a", 2))
    outcome = run(toy, add(toy, "a", 1))["a"]
    assert (outcome.status, outcome.result) == ("done", {"sum": 1})


def test_a_stored_file_that_was_changed_by_hand_is_made_again(toy):
    run(toy, add(toy, "a"))
    (toy / "out" / "a" / "sum.txt").write_text("forged")
    assert run(toy, add(toy, "a"))["a"].status == "done"
    assert (toy / "out" / "a" / "sum.txt").read_text() == "text"


def test_a_stored_record_that_was_cut_short_is_made_again(toy):
    run(toy, add(toy, "a"))
    record = toy / "out" / "a" / "stage.json"
    record.write_text(record.read_text()[:40])
    assert run(toy, add(toy, "a"))["a"].status == "done"


def test_force_makes_every_stage_again(toy):
    run(toy, add(toy, "a"))
    assert run(toy, add(toy, "a"), force=True)["a"].status == "done"


def test_a_change_in_the_source_of_a_stage_makes_it_stale(toy, monkeypatch):
    from drai_hw.flow import digest

    monkeypatch.syspath_prepend(toy / "code")
    stage = add(toy, "a", sources=("toy_stages",))
    digest.source_digest.cache_clear()
    run(toy, stage)
    assert run(toy, stage)["a"].status == "cached"
    (toy / "code" / "toy_stages.py").write_text(TOY + "\n# changed\n")
    digest.source_digest.cache_clear()
    assert run(toy, stage)["a"].status == "done"


def test_another_tool_version_makes_a_stage_stale(toy, monkeypatch):
    from drai_hw.flow import engine

    stage = add(toy, "a", tools=("numpy",))
    run(toy, stage)
    assert run(toy, stage)["a"].status == "cached"
    monkeypatch.setattr(engine, "tool_versions", lambda names: {"numpy": "0.0"})
    assert run(toy, stage)["a"].status == "done"


def test_independent_stages_run_two_at_a_time(toy):
    pair = [
        Stage(
            name,
            "toy_stages:meet",
            inputs={"mine": str(toy / f"{name}.flag"), "other": str(toy / f"{other}.flag")},
        )
        for name, other in (("a", "b"), ("b", "a"))
    ]
    outcomes = run(toy, *pair, jobs=2)
    assert [outcome.result for outcome in outcomes.values()] == [{"sum": 1}, {"sum": 1}]


def test_a_failure_stops_only_what_needs_it(toy):
    outcomes = run(
        toy,
        Stage("spice", "toy_stages:no_tool"),
        add(toy, "plot", needs=("spice",)),
        add(toy, "print", needs=("plot",)),
        add(toy, "other", 4),
        add(toy, "report", 1, ("other",), wants=("spice",)),
    )
    assert statuses(outcomes) == {
        "spice": "failed",
        "plot": "skipped",
        "print": "skipped",
        "other": "done",
        "report": "done",
    }
    assert outcomes["spice"].reason == "no 'ngspice' here; apt-get install ngspice"
    assert outcomes["spice"].kind == "input"
    assert outcomes["plot"].reason == "spice failed"
    assert outcomes["print"].reason == "plot skipped"
    assert outcomes["report"].result == {"sum": 5}


def test_a_failed_check_keeps_its_result_and_is_never_cached(toy):
    chain = (
        Stage("sim", "toy_stages:disagree"),
        add(toy, "report", 1, wants=("sim",)),
    )
    for _ in range(2):
        outcomes = run(toy, *chain)
        assert (outcomes["sim"].status, outcomes["sim"].kind) == ("failed", "check")
        assert outcomes["sim"].reason == "3 mismatches, first at step 7"
        assert outcomes["report"].result == {"sum": 6}


def test_a_fault_of_the_program_names_the_log_that_holds_the_traceback(toy):
    outcome = run(toy, Stage("sim", "toy_stages:bug"))["sim"]
    assert (outcome.status, outcome.kind) == ("failed", "fault")
    log = toy / "out" / "sim.failed" / "stage.log"
    assert outcome.reason.startswith("ZeroDivisionError: division by zero")
    assert str(log) in outcome.reason
    assert "Traceback" in log.read_text()


def test_a_process_that_dies_without_a_word_is_a_failure(toy):
    outcome = run(toy, Stage("sim", "toy_stages:vanish"))["sim"]
    assert (outcome.status, outcome.kind) == ("failed", "fault")
    assert outcome.reason.startswith("its process ended with status 9")


def test_a_stage_whose_log_lies_on_a_full_disk_says_so(toy):
    outcome = run(toy, Stage("sim", "toy_stages:full_log"))["sim"]
    assert (outcome.status, outcome.kind) == ("failed", "input")
    assert outcome.reason.startswith(
        "cannot write 'sums.txt': No space left on device; free some space or choose another place"
    )


def test_a_process_that_dies_on_a_full_disk_is_no_fault_of_the_program(toy, monkeypatch):
    monkeypatch.setattr("drai_hw.files.full_disk", lambda path: "0 bytes are free there")
    outcome = run(toy, Stage("sim", "toy_stages:vanish"))["sim"]
    assert (outcome.status, outcome.kind) == ("failed", "input")
    assert outcome.reason == (
        f"its process ended with status 9; free some space at '{toy}/out/sim.failed' (0 bytes are "
        "free there)"
    )


def test_what_tools_wrote_on_a_full_disk_is_not_taken_for_whole(toy, monkeypatch):
    monkeypatch.setattr("drai_hw.flow.engine.full_disk", lambda path: "0 bytes are free there")
    outcome = run(toy, add(toy, "a", tools=("iverilog",)))["a"]
    assert (outcome.status, outcome.kind) == ("failed", "input")
    assert outcome.reason == (
        "its tools may not have written their files whole: free some space (0 bytes are free there)"
    )
    assert run(toy, add(toy, "b", tools=("numpy",)))["b"].status == "done"  # writes none itself


def test_a_result_without_room_for_its_record_leaves_the_earlier_one(toy, monkeypatch):
    run(toy, add(toy, "a"))
    write = Path.write_text

    def full(path, text):
        if path.name == "stage.json":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(path, text)

    monkeypatch.setattr(Path, "write_text", full)
    text = r"cannot write the result of a stage to '.*out/a': No space left on device; free some"
    with pytest.raises(SpecError, match=text):
        run(toy, add(toy, "a", value=2))
    assert json.loads((toy / "out" / "a" / "stage.json").read_text())["result"] == {"sum": 1}
    assert sorted(path.name for path in (toy / "out").iterdir()) == ["a"]


def test_success_removes_the_traces_of_an_earlier_failure(toy):
    run(toy, Stage("a", "toy_stages:bug"))
    assert (toy / "out" / "a.failed").exists()
    run(toy, add(toy, "a"))
    assert sorted(path.name for path in (toy / "out").iterdir()) == ["a"]


INTERRUPTED = """
import sys
from pathlib import Path
from drai_hw.flow.engine import Engine
from drai_hw.flow.stages import Stage
root = Path(sys.argv[1])
stages = (
    Stage("a", "toy_stages:add", inputs={"value": 1, "calls": str(root / "a.calls")}),
    Stage("b", "toy_stages:hang", inputs={"pids": str(root / "pids")}, needs=("a",)),
)
try:
    Engine(stages, root / "out").run()
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_stops_children_and_keeps_finished_stages(toy, number):
    process = subprocess.Popen([sys.executable, "-c", INTERRUPTED, str(toy)])
    deadline = time.monotonic() + 30
    while not (toy / "pids").exists() or not (toy / "pids").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    assert process.wait(timeout=20) == 130
    worker, grandchild = map(int, (toy / "pids").read_text().split())
    assert not alive(worker)
    assert not alive(grandchild)
    assert (toy / "pids.cleaned").exists()  # the stage's own clean-up ran
    assert sorted(path.name for path in (toy / "out").iterdir()) == ["a"]
    assert run(toy, add(toy, "a"))["a"].status == "cached"


def test_children_end_when_the_parent_is_killed(toy):
    process = subprocess.Popen([sys.executable, "-c", INTERRUPTED, str(toy)])
    deadline = time.monotonic() + 30
    while not (toy / "pids").exists() or not (toy / "pids").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.wait()
    worker, grandchild = map(int, (toy / "pids").read_text().split())
    while alive(worker):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    if alive(grandchild):  # it sat in a session of its own, out of reach of everyone but the test
        os.kill(grandchild, signal.SIGKILL)


def test_an_output_directory_that_cannot_be_made_is_bad_input(toy):
    (toy / "out").write_text("a file")
    with pytest.raises(SpecError, match=r"cannot write to the output directory '.*out'.*-o"):
        run(toy, add(toy, "a"))


def test_progress_reaches_the_reporter(toy):
    seen = []

    class Recorder:
        def __enter__(self):
            return self

        def __exit__(self, *exception):
            seen.append("end")

        def started(self, stage):
            seen.append(f"start {stage.name}")

        def advanced(self, stage, fraction, text):
            seen.append((stage.name, fraction, text))

        def finished(self, stage, outcome):
            seen.append(f"{outcome.status} {stage.name}")

    run(toy, add(toy, "a"), reporter=Recorder())
    assert seen == ["start a", ("a", 0.5, "adding"), "done a", "end"]


def test_order_follows_dependencies_and_refuses_circles():
    a, b = Stage("a", "m:f", needs=("b",)), Stage("b", "m:f")
    assert [stage.name for stage in ordered((a, b))] == ["b", "a"]
    with pytest.raises(ValueError, match="circle: a, b"):
        ordered((a, Stage("b", "m:f", wants=("a",))))
    with pytest.raises(ValueError, match="'a' reads 'b', which is no stage"):
        ordered((a,))


def test_closure_keeps_what_the_targets_need_and_drops_other_wishes():
    stages = (
        Stage("a", "m:f"),
        Stage("b", "m:f", needs=("a",)),
        Stage("c", "m:f", needs=("a",), wants=("b",)),
    )
    kept = closure(stages, ("c",))
    assert [stage.name for stage in kept] == ["a", "c"]
    assert kept[1].wants == ()


def test_the_record_of_a_stage_is_json_with_its_digest(toy):
    outcome = run(toy, add(toy, "a"))["a"]
    record = json.loads((toy / "out" / "a" / "stage.json").read_text())
    assert record["digest"] == outcome.digest
    assert set(record["files"]) == {"sum.txt", "stage.log"}
