"""The ngspice process: results, failures in its own words, time-outs, interruption."""

import os
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from drai_hw.errors import ConvergenceError, ToolError
from drai_hw.spice import engine

DECAY = """.title decay
C1 a 0 1n ic=1
R1 a 0 1k
.options method=trap reltol=1e-6 trtol=1e6
.save v(a)
.tran 1e-8 {stop} 0 1e-8 uic
.end
"""
# dv/dt = v^2 reaches infinity at 1 us
ESCAPE = """.title escape
C1 a 0 1n ic=1
R1 a 0 1e6
B1 a 0 i=-1e-3*v(a)*v(a)
.options method=trap
.save v(a)
.tran 1e-8 1e-4 0 1e-8 uic
.end
"""


def simulate(text: str, **arguments) -> engine.Waves:
    settings = {"stop_s": 2e-6, "expected_points": 200, "vectors": 1, **arguments}
    return engine.simulate(text, **settings)


def test_a_capacitor_discharges_as_its_equation_says(tmp_path: Path) -> None:
    waves = simulate(DECAY.format(stop="2e-6"), workdir=tmp_path)
    voltage = waves.select(["V(A)"])[:, 0]
    assert np.abs(voltage - np.exp(-waves.time_s / 1e-6)).max() < 1e-4
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".spiceinit",
        "circuit.cir",
        "circuit.log",
    ]


def test_a_vector_that_was_not_saved_is_named() -> None:
    with pytest.raises(ToolError, match=r"no vector 'v\(b\)'"):
        simulate(DECAY.format(stop="2e-6")).select(["v(b)"])


def test_a_solution_that_escapes_is_reported_in_ngspices_own_words(tmp_path: Path) -> None:
    with pytest.raises(ConvergenceError, match=r'Timestep too small.*trouble with node "a"'):
        simulate(ESCAPE, stop_s=1e-4, workdir=tmp_path)
    assert not (tmp_path / "circuit.raw").exists()


def test_a_netlist_that_ngspice_rejects_is_a_tool_error_and_not_a_convergence_one() -> None:
    text = ".title x\nM1 a b 0 0 nch\nR1 a 0 1\n.tran 1e-8 1e-6\n.end\n"
    with pytest.raises(ToolError, match=r"exit status 1.*can't find model 'nch'") as caught:
        simulate(text)
    assert not isinstance(caught.value, ConvergenceError)


def test_a_formula_that_ngspice_cannot_read_is_named() -> None:
    text = ".title x\nB1 a 0 i=v(a)/nothing(3)\nR1 a 0 1\n.tran 1e-8 1e-6 uic\n.end\n"
    with pytest.raises(ToolError, match="nothing"):
        simulate(text)


def test_a_crash_of_ngspice_is_contained() -> None:
    with pytest.raises(ToolError, match=r"exit status -?\d+"):
        simulate(".title x\nB1 a 0 i=v(a\nR1 a 0 1\n.tran 1e-8 1e-6 uic\n.end\n")


def test_a_run_that_ends_early_is_refused() -> None:
    with pytest.raises(ToolError, match=r"ended at 2e-06 s"):
        simulate(DECAY.format(stop="2e-6"), stop_s=4e-6)


def test_a_missing_ngspice_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolError, match=r"ngspice is missing.*apt-get install ngspice"):
        simulate(DECAY.format(stop="2e-6"))


def test_a_time_out_stops_the_process_and_removes_its_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = recorded_processes(monkeypatch)
    begin = time.monotonic()
    with pytest.raises(ToolError, match=r"longer than 0.2 s"):
        simulate(DECAY.format(stop="1"), stop_s=1.0, workdir=tmp_path, timeout_s=0.2)
    assert time.monotonic() - begin < 5
    assert [process.poll() for process in started] == [-9]
    assert not (tmp_path / "circuit.raw").exists()


def test_an_interruption_stops_the_process_and_removes_its_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = recorded_processes(monkeypatch)

    def interrupt(fraction: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(DECAY.format(stop="1"), stop_s=1.0, workdir=tmp_path, progress=interrupt)
    assert [process.poll() for process in started] == [-9]
    assert not (tmp_path / "circuit.raw").exists()


def recorded_processes(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen]:
    started: list[subprocess.Popen] = []
    original = subprocess.Popen

    def recording(*arguments, **keywords):
        started.append(original(*arguments, **keywords))
        return started[-1]

    monkeypatch.setattr(engine.subprocess, "Popen", recording)
    return started


def test_progress_rises_and_ends_at_one() -> None:
    seen: list[float] = []
    simulate(DECAY.format(stop="1e-3"), stop_s=1e-3, expected_points=100_000, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert any(0.0 < fraction < 0.99 for fraction in seen)


def test_openmp_is_off_in_the_folder_of_the_run(tmp_path: Path) -> None:
    simulate(DECAY.format(stop="2e-6"), workdir=tmp_path)
    assert "num_threads=1" in (tmp_path / ".spiceinit").read_text()


def raw_file(
    path: Path, flags: str = "real", points: int = 2, values: int = 4, odd_bytes: int = 0
) -> Path:
    head = (
        f"Title: t\nPlotname: Transient Analysis\nFlags: {flags}\nNo. Variables: 2\n"
        f"No. Points: {points}\nVariables:\n\t0\ttime\ttime\n\t1\tlt0#branch\tcurrent\nBinary:\n"
    )
    path.write_bytes(head.encode() + np.arange(values, dtype="<f8").tobytes() + bytes(odd_bytes))
    return path


def test_a_raw_file_is_read_by_column_and_branches_get_their_netlist_name(tmp_path: Path) -> None:
    waves = engine.read_raw(raw_file(tmp_path / "a.raw"))
    assert np.array_equal(waves.time_s, [0, 2])
    assert np.array_equal(waves.select(["i(lt0)"])[:, 0], [1, 3])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"flags": "complex", "values": 8}, "complex"),
        ({"points": 3}, "cut short"),
        ({"points": 0, "values": 0}, "cut short"),
        ({"points": 0, "odd_bytes": 3}, "cut short"),  # as on a full disk
    ],
)
def test_a_damaged_raw_file_is_refused(tmp_path: Path, arguments: dict, message: str) -> None:
    with pytest.raises(ToolError, match=message):
        engine.read_raw(raw_file(tmp_path / "a.raw", **arguments))


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    path.write_text("hello")
    with pytest.raises(ToolError, match="Binary"):
        engine.read_raw(path)
    path.write_text("No. Variables: many" + os.linesep + "Binary:\n")
    with pytest.raises(ToolError, match="unreadable raw header"):
        engine.read_raw(path)
