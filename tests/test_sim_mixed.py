"""Circuit and RTL in one run: exchange, clock, comparator, rejected steps, a unit of one's own."""

from __future__ import annotations

import ctypes.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drai_hw.errors import ConvergenceError, SpecError, ToolError
from drai_hw.sim.mixed import analogue, bench, library
from drai_hw.sim.mixed.__main__ import main
from drai_hw.sim.mixed.bench import MixedRun, distance_rad, run_mixed, step_distance
from drai_hw.sim.mixed.circuit import kappa_rad_per_s
from drai_hw.sim.mixed.digital import Design
from drai_hw.sim.mixed.meter import PhaseMeter, phase_word
from drai_hw.sim.mixed.settings import FOUR, PAIR, recall_of
from drai_hw.sim.units.portmap import PortMap
from drai_hw.spice import lc
from drai_hw.units import TAU

SHORT = replace(PAIR, periods=32)
# a fifth of the 2 pi / 64 that the phase port can tell apart
NEAR_RAD = 0.02
UNIT = """
module my_synapse (
  input clk, input rst, input en, input [5:0] phi_i, input [5:0] phi_j,
  input gate_i, input gate_j, input act_i, input act_j, input [4:0] u_g, input r_eta,
  input signed [4:0] w_in, output reg signed [4:0] w_out, output reg valid
);
  wire [5:0] d = phi_j - phi_i;
  wire near = (d[5] ? -d : d) <= {1'b0, u_g};
  wire moves = r_eta & act_i & act_j & ~(gate_i & gate_j);
  always @(posedge clk) begin
    valid <= en & ~rst;
    w_out <= w_in;
    if (moves & near & (w_in != 15)) w_out <= w_in + 1;
    if (moves & ~near & (w_in != -15)) w_out <= w_in - 1;
  end
endmodule
"""


@pytest.fixture(scope="module")
def short() -> MixedRun:
    return run_mixed(SHORT)


def unit(folder: Path, text: str = UNIT) -> Design:
    path = folder / "my_synapse.v"
    path.write_text(text)
    return Design((path,), "my_synapse")


def agrees(run: MixedRun) -> None:
    assert (run.rule_mismatches, run.phase_mismatches, run.weight_mismatches) == (0, 0, 0)
    assert run.phase_distance_rad < NEAR_RAD
    # a word at its border, one step of the meter apart, may decide one step of a weight otherwise
    assert run.weight_distance <= 2
    assert run.final_distance_rad < NEAR_RAD


def test_circuit_and_rtl_do_what_model_and_rule_do(short: MixedRun) -> None:
    agrees(short)
    assert len(short.words) == 4
    assert len(set(map(tuple, short.weights.tolist()))) > 1  # the unit wrote
    assert np.ptp(short.words[:, 1] - short.words[:, 0]) > 1  # and the phases moved
    assert short.rejected == 0


def test_a_rejected_step_moves_neither_meter_nor_unit(short: MixedRun) -> None:
    again = run_mixed(replace(SHORT, reject_every=5))
    agrees(again)
    assert again.rejected > short.accepted // 5
    assert np.array_equal(again.weights, short.weights)
    assert again.time_s == pytest.approx(short.time_s, rel=1e-9)
    # halved steps only make the trapezoidal rule better
    assert distance_rad(again.phases_rad, short.phases_rad) < 1e-3


def test_a_unit_with_the_wrong_sign_is_found_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = UNIT.replace("w_in + 1", "w_in - 2 + 1").replace("w_in - 1;", "w_in + 1;")
    unit(tmp_path, wrong)
    words = ["pair", "--periods", "32", "--dut", str(tmp_path / "my_synapse.v")]
    assert main([*words, "--top", "my_synapse"]) == 1
    said = capsys.readouterr().out
    assert "weights against the rule: 0 mismatches" not in said
    assert "couplings against the weights: 0 mismatches" in said


def test_within_its_hysteresis_a_comparator_keeps_still() -> None:
    meter = PhaseMeter(clock_hz=10.0, hysteresis_v=0.2)
    for k, volt in enumerate((-1.0, 0.05, -0.05, 0.09, -0.09, 1.0, 0.5)):
        meter.take(0.1 * k, volt)
    latched = meter.at_edge(100)
    assert latched is not None
    # from -0.09 V at 0.4 s to 1 V at 0.5 s, through 0.1 V
    assert latched.crossing_s == pytest.approx(0.4 + 0.1 * 0.19 / 1.09)
    assert latched.edge == 5


def test_a_register_takes_what_was_latched_an_edge_before() -> None:
    meter = PhaseMeter(clock_hz=1.0, hysteresis_v=0.0)
    for at_s, volt in ((0.0, -1.0), (3.0, 1.0), (5.0, -1.0), (8.0, 1.0)):
        meter.take(at_s, volt)
    first, second = meter.at_edge(7), meter.at_edge(8)
    assert first is not None
    assert second is not None
    assert (first.edge, second.edge) == (2, 7)
    assert meter.at_edge(2) is None
    assert phase_word(0, 64, 6) == 48  # v = A cos(phi) rises through 0 at 3/4 of a turn
    assert phase_word(48, 64, 6) == 0
    assert phase_word(4 * 48 + 3, 256, 6) == 63


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"start_phases_rad": (0.0,)}, "needed are at least 2 oscillators"),
        ({"detuning": (0.0,)}, "1 detunings: needed are 2"),
        ({"start_weights": (16,)}, "needed are 1 whole numbers from -15 to 15"),
        ({"clock_ratio": 96}, "needed is a multiple of 64 clocks a period"),
        ({"pass_periods": 1}, "pass_periods = 1: needed are at least 2"),
        ({"exchange_periods": 5}, "needed is a multiple of the 2 periods of a learning pass"),
        ({"periods": 7}, "needed is at least one exchange step of 8 periods"),
        ({"hysteresis_v": 2.0}, "less than twice the amplitude of 1 V"),
        ({"events_per_period": 0.6}, "a probability of 1.2 a pass; needed is 0 to 1"),
        ({"reject_every": 1}, "with 1 time would stand still"),
    ],
)
def test_settings_that_cannot_be_run_are_refused(change: dict[str, Any], text: str) -> None:
    with pytest.raises(SpecError, match=text):
        replace(PAIR, **change)


def test_bad_input_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, text in (
        (["--exchange", "3"], "multiple of the 2 periods"),
        (["--dut", "a.v"], "--dut FILE and --top NAME"),
        (["--ports", "a.toml"], "give its file, too"),
        (["--dut", str(tmp_path / "a.v"), "--top", "a"], "needs a file of Verilog"),
    ):
        assert main(words) == 2
        assert text in capsys.readouterr().err


def test_a_unit_with_a_handshake_or_too_slow_is_refused(tmp_path: Path) -> None:
    design = replace(unit(tmp_path), connect=PortMap(handshake=True))
    with pytest.raises(SpecError, match="units with a fixed latency"):
        run_mixed(SHORT, design, folder=tmp_path)
    with pytest.raises(SpecError, match="took 512 clocks for 4 passes: needed are fewer than"):
        bench._fast_enough(512, PAIR)


def test_without_the_library_the_message_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ctypes.util, "find_library", lambda _: None)
    with pytest.raises(ToolError, match="apt-get install libngspice0"):
        library.Library(*[lambda *_: None] * 5)  # type: ignore[arg-type, list-item]


def fine_rad(h: int) -> float:
    """Return what two steps of a weight, half an exchange late, move a pair by."""
    kappa = kappa_rad_per_s(PAIR.circuit, 2, PAIR.formats.w_max)
    return 2 * 2 * kappa * 0.5 * h / PAIR.circuit.f0_hz


@pytest.mark.full
@pytest.mark.parametrize("mixed", [PAIR, FOUR], ids=["pair", "four"])
def test_the_result_does_not_depend_on_the_exchange_step(mixed: Any) -> None:
    run, finer = (run_mixed(replace(mixed, exchange_periods=h)) for h in (8, 4))
    agrees(run)
    agrees(finer)
    weights, phases_rad = step_distance(run, finer)
    assert weights <= 1
    assert 0 < phases_rad < fine_rad(8)
    assert run.weights[-1].tolist() == finer.weights[-1].tolist()
    assert distance_rad(run.phases_rad[-1:], finer.phases_rad[-1:]) < 1e-3


@pytest.mark.full
def test_four_oscillators_learn_a_pattern_and_recall_it() -> None:
    learned = run_mixed(FOUR)
    agrees(learned)
    assert learned.pattern == [1, -1, 1, -1]
    weights = tuple(int(w) for w in learned.weights[-1])
    assert weights == (-15, 15, -15, -15, 15, -15)
    flipped = recall_of(FOUR, weights, flipped=1)
    recalled = run_mixed(flipped)
    assert recalled.mismatches == 0
    # on its way to the other side its amplitude changes, which the phase model does not know
    assert recalled.phase_distance_rad < 0.4
    assert recalled.final_distance_rad < 1e-3
    start = [1 if c > 0 else -1 for c in np.cos(flipped.start_phases_rad)]
    assert start == [1, 1, 1, -1]
    assert recalled.pattern == [1, -1, 1, -1]
    assert (recalled.weights == learned.weights[-1]).all()
    # without what was learned nothing comes back
    blank = run_mixed(recall_of(FOUR, (0,) * 6, flipped=1))
    assert blank.pattern == start


@pytest.mark.full
def test_ngspice_rejects_steps_of_its_own_and_nothing_depends_on_it(
    short: MixedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lc, "SOLVER_OPTIONS", "reltol=1e-6 trtol=0.01")
    run = run_mixed(SHORT)
    assert run.rejected > 0
    agrees(run)
    assert np.array_equal(run.weights, short.weights)


@pytest.mark.full
def test_weights_that_never_reach_the_circuit_are_noticed(
    short: MixedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = analogue.Analogue.answer
    monkeypatch.setattr(
        analogue.Analogue, "answer", lambda self, weights, edge: answer(self, [0.0], edge)
    )
    run = run_mixed(SHORT)
    assert run.weight_mismatches > 0
    assert run.rule_mismatches == 0
    assert run.phase_distance_rad > 10 * short.phase_distance_rad


@pytest.mark.full
def test_stale_phases_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    edges: list[int] = []

    def stale(edge: int, ratio: int, bits: int) -> int:
        edges.append(edge - PAIR.exchange_clocks)
        return phase_word(edges[-3] if len(edges) > 2 else edge, ratio, bits)

    confirm = bench._unconfirmed_phases

    def confirmed(*given: Any) -> int:
        monkeypatch.setattr(bench, "phase_word", phase_word)
        return confirm(*given)

    monkeypatch.setattr(bench, "phase_word", stale)
    monkeypatch.setattr(bench, "_unconfirmed_phases", confirmed)
    run = run_mixed(SHORT)
    assert run.phase_mismatches > 0
    assert run.rule_mismatches == 0


@pytest.mark.full
def test_an_amplitude_within_the_hysteresis_is_no_oscillation() -> None:
    # couplings damp: a level of 0.99 V is out of reach for tanks whose free amplitude is 1 V
    with pytest.raises(ConvergenceError, match="had not crossed its comparator for 2 periods"):
        run_mixed(replace(SHORT, hysteresis_v=1.98, start_weights=(15,)))


@pytest.mark.full
@pytest.mark.parametrize("simulator", ["verilator", "cxxrtl"])
def test_other_simulators_and_a_module_of_ones_own_give_the_same_run(
    short: MixedRun, tmp_path: Path, simulator: str
) -> None:
    run = run_mixed(SHORT, replace(unit(tmp_path), simulator=simulator), folder=tmp_path)
    agrees(run)
    assert np.array_equal(run.weights, short.weights)
    assert run.clocks == 4 * 2  # latency 1
    assert short.clocks == 4 * 4  # ours has 3
    assert distance_rad(run.phases_rad, short.phases_rad) < TAU / 1000
