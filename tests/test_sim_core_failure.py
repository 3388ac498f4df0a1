"""A core that differs from the twin: the broken rule is named, the failure is made short."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray

from drai_hw.cli import run
from drai_hw.model.machine import Counters, Passes, Settings
from drai_hw.model.numbers import PROBABILITY_ONE, Formats
from drai_hw.model.twin import Twin
from drai_hw.model.unit_rules import FunctionRule, rule_of
from drai_hw.rtl import emit
from drai_hw.rtl.core import Core
from drai_hw.sim.comparison import DisagreementError, state_of
from drai_hw.sim.core_failure import diagnose as diagnosis
from drai_hw.sim.core_failure.diagnose import diagnose
from drai_hw.sim.core_failure.explain import explain, in_words, keep_history
from drai_hw.sim.core_failure.junit import junit
from drai_hw.sim.core_failure.mistakes import mistaken_twins
from drai_hw.sim.core_failure.shrink import Attempt
from drai_hw.sim.core_failure.step import Failing, OpenTwin, Step
from drai_hw.sim.jobs import Job, random_state
from drai_hw.sim.outcome import carry_out
from drai_hw.sim.units.suspects import suspects_of
from drai_hw.spec import parse
from tests.mistaken_core import SoftwareCore
from tests.test_sim_core import SMALL

FORMATS = Formats(n=7, lanes=4, pages=2, resonance=True, decay=True)
SPEC = parse(SMALL)
KINDS = [{"resonance": True, "decay": True}, {"budget": True, "centring": True}, {"mask": True},
         {"g": "deadzone"}]  # fmt: skip
MISTAKES = {f"{rule}: {words}": make for rule, words, make in mistaken_twins(FORMATS)}
RARE = next(name for name in MISTAKES if "draw = probability" in name)


def explained(make: Callable[[Formats], Twin], formats: Formats = FORMATS) -> dict[str, Any]:
    """Return what is told of a mistaken core that was driven at random."""
    machine = SoftwareCore(formats, make)
    keep_history(machine)
    carry_out(Job(SPEC, "random", steps=1500, seed=3), machine)
    assert machine.board.count, "the random script did not notice it"
    return explain(machine)


@pytest.mark.parametrize("name", [name for name in MISTAKES if name != RARE])
def test_a_mistake_in_a_core_is_named(name: str) -> None:
    told = explained(MISTAKES[name])
    assert told["certain"]
    assert name in {f"{x['rule']}: {x['words']}" for x in told["suspects"]} or (
        # A ramp that never grows, or begins anew in every step, is no ramp at all.
        "SHIL ramp: the ramp" in name and told["words"] == "k_s T[2 top] is missing"
    )
    assert told["passes"]


def test_a_tie_of_a_random_event_is_named() -> None:
    """Too rare for random settings: the probability is set to a draw."""
    machine = SoftwareCore(FORMATS, MISTAKES[RARE])
    keep_history(machine)
    machine.reseed()
    random_state(machine, np.random.default_rng(1))
    draws = Twin(FORMATS)._eta & (PROBABILITY_ONE - 1)
    machine.configure(Settings(eta=int(draws[0]), gates=0))
    with pytest.raises(DisagreementError, match="the twin has"):
        machine.run(1, learn=True)
    told = explain(machine)
    assert told["certain"]
    assert RARE in {f"{x['rule']}: {x['words']}" for x in told["suspects"]}


class _ByRule(Twin):
    """A twin whose pairs or increments are computed by a rule of a unit, sample by sample."""

    synapse: FunctionRule | None = None
    update: FunctionRule | None = None

    def _learn(self, d: NDArray[np.int64]) -> None:
        if self.synapse is None:
            super()._learn(d)
            return
        opened = self._opened()
        inputs = {name: values.ravel().tolist() for name, values in opened.pair_inputs().items()}
        rows = zip(*inputs.values(), strict=True)
        words = opened.weight_words()
        flat = [self.synapse.apply(dict(zip(inputs, row, strict=True)))["w_out"] for row in rows]
        super()._learn(d)  # streams, sweep and counters
        s = self._schedule
        new = np.array(flat).reshape(words.shape)[s.used]
        if self.formats.mask:
            new = np.where(new == self.formats.no_link, 0, new)
        i, j = s.i[s.used], s.j[s.used]
        self.weights[i, j] = self.weights[j, i] = new

    def _update(self, torque: NDArray[np.int64]) -> None:
        if self.update is None:
            super()._update(torque)
            return
        opened = self._opened()
        inputs = opened.oscillator_inputs()
        inputs["acc"] = torque
        columns = {name: values.tolist() for name, values in inputs.items()}
        rows = zip(*columns.values(), strict=True)
        inc = [self.update.apply(dict(zip(columns, row, strict=True)))["inc"] for row in rows]
        opened.moved_by(np.array(inc))
        super()._update(torque)
        self.theta, self.ema = opened.theta, opened.ema

    def _opened(self) -> OpenTwin:
        opened = OpenTwin(self.formats)
        opened.restore(self.snapshot())
        return opened


def by_rule(unit: str, rule: FunctionRule) -> Callable[[Formats], Twin]:
    def make(formats: Formats) -> Twin:
        twin = _ByRule(formats)
        setattr(twin, unit, rule)
        return twin

    return make


@pytest.mark.parametrize("features", KINDS, ids=str)
@pytest.mark.parametrize("unit", ["synapse", "update"])
def test_inputs_of_the_units_are_those_of_the_twin(unit: str, features: dict[str, Any]) -> None:
    """The right rule on these inputs is the twin, in all that is seen of it."""
    formats = Formats(n=7, lanes=4, pages=2, **features)
    rule = rule_of(unit, formats)
    assert isinstance(rule, FunctionRule)
    machine = SoftwareCore(formats, by_rule(unit, rule))
    Job(SPEC, "random", steps=300, seed=5).run(machine)
    assert machine.steps == 300
    assert machine.board.count == 0


def unit_mistakes() -> Iterator[Any]:
    for unit in ("synapse", "update"):
        for suspect in suspects_of(rule_of(unit, FORMATS)):
            if suspect.make is not None:
                yield pytest.param(unit, suspect, id=f"{suspect.rule}: {suspect.words[:40]}")


NOT_SHOWN = {"om_i - om_j wraps: it needs OB + 1 bits"}
"""Mistakes that this network, driven at random, does not come upon."""


@pytest.mark.full
@pytest.mark.parametrize(("unit", "suspect"), list(unit_mistakes()))
def test_a_mistake_of_a_unit_is_named_in_the_core(unit: str, suspect: Any) -> None:
    rule = suspect.make(FORMATS)
    machine = SoftwareCore(FORMATS, by_rule(unit, rule))
    keep_history(machine)
    carry_out(Job(SPEC, "random", steps=3000, seed=3), machine)
    assert bool(machine.board.count) == (suspect.words not in NOT_SHOWN)
    if suspect.words in NOT_SHOWN:
        return
    told = explain(machine)
    assert told["certain"]
    assert told["rule"] != "unknown"


def test_the_shortest_failure_is_one_step_of_two_oscillators() -> None:
    told = explained(MISTAKES["torque: in lane 1 the torque of a pair is missing at the rotating "
                              "oscillator"])  # fmt: skip
    short = told["shortest"]
    assert short["steps"] == 1
    assert short["passes"] == ["couple"]
    assert len(short["active"]) == 2
    assert list(short["settings"]) == ["gain"]
    assert len(short["weights"]) == 1
    i, j, w = short["weights"][0]
    assert [i, j] == short["active"]
    assert w
    lines = in_words(told)
    assert lines[0].startswith("broken rule  torque: in lane 1")
    assert "shortest     1 step of couple after a reset, 2 active" in lines
    assert f"             weights {i},{j}:{w}" in lines


@pytest.mark.parametrize("features", KINDS, ids=str)
def test_the_shortest_failure_is_its_record(features: dict[str, Any]) -> None:
    """Read back and played again, it fails as it did."""
    formats = Formats(n=7, lanes=4, pages=2, **features)
    make = next(m for _, words, m in mistaken_twins(formats) if "missing at the local" in words)
    told = explained(make, formats)
    again = Attempt.of_record(told["shortest"], formats.n)
    assert again.record() == told["shortest"]
    machine = SoftwareCore(formats, make)
    keep_history(machine)
    carry_out(Job(SPEC, "random", attempt=again), machine)
    assert machine.board.count
    assert explain(machine, shorten=False)["words"] == told["words"]
    assert explain(machine, shorten=False)["shortest"] is None


def test_what_needs_two_steps_is_given_them() -> None:
    """A resonance gate that is a step late shows in the second step that learns."""
    name = next(name for name in MISTAKES if name.startswith("SHIL ramp: the ramp does not stop"))
    short = explained(MISTAKES[name])["shortest"]
    assert short["steps"] >= 2
    assert short["settings"]["shil_step"] > short["settings"].get("shil_max", 0)


class _Strange(Twin):
    """Turns two bits of a phase over, now and then."""

    def _update(self, torque: NDArray[np.int64]) -> None:
        super()._update(torque)
        if self.theta[3] % 5 == 0:
            self.theta[3] ^= 0b1010


def test_what_no_mistake_explains_is_told_by_its_bits() -> None:
    told = explained(_Strange)
    assert (told["rule"], told["certain"], told["suspects"]) == ("unknown", False, [])
    assert told["words"] == "no known mistake explains it: 1 of 8 values of theta, bits 1, 3"


class _Miscounts(Twin):
    def counters(self) -> Counters:
        right = super().counters()
        return Counters(right.visited, right.gated_on, right.written + 1, right.changed)


def test_a_register_that_is_wrong_is_told_apart_from_the_state() -> None:
    told = explained(_Miscounts)
    assert told["rule"] == "event counter"
    assert told["words"] == "pairs with an event: the register has another number"
    assert (told["passes"], told["shortest"], in_words(told)[0]) == (
        [], None,
        "broken rule  event counter: pairs with an event: the register has another number",
    )  # fmt: skip


def test_a_large_network_is_judged_by_some_of_its_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that differ, and others, up to a bound; mistakes of a whole core are not tried."""
    monkeypatch.setattr(diagnosis, "MOST_PAIRS", 20)
    monkeypatch.setattr(diagnosis, "MOST_TWIN_SLOTS", 4)
    formats = Formats(n=16, lanes=4, pages=4)
    suspect = next(x for x in suspects_of(rule_of("synapse", formats)) if x.rule == "sign of g")
    assert suspect.make
    design = by_rule("synapse", suspect.make(formats))(formats)  # type: ignore[arg-type]
    twin = Twin(formats)
    for one in (design, twin):
        one.load_phases(np.arange(16) * 4000)
        one.configure(Settings(eta=PROBABILITY_ONE, gates=0))
    before = twin.snapshot()
    step = Step(before, Passes(learn=True), resume=False)
    for one in (design, twin):
        one.run(1, learn=True)
    found = diagnose(Failing(formats, [step], state_of(design, design.weight_words())))
    assert [item.rule for item in found] == ["sign of g"]
    assert found[0].certain
    assert found[0].of == 10  # half of the bound


def record(first: dict[str, Any] | None, failure: dict[str, Any] | None) -> dict[str, Any]:
    return {"top": "mine", "first_mismatch": first, "failure": failure}


@pytest.mark.parametrize(
    ("what", "case"),
    [("theta", "theta"), ("weight", "weight"), ("lean", "flags"),
     ("written", "registers and reads"), ("read theta", "registers and reads")],
)  # fmt: skip
def test_junit_has_a_case_for_every_kind_of_value(what: str, case: str) -> None:
    first = {"step": 4, "what": what, "index": 1, "expected": 2, "got": 3}
    failure = {"rule": "r", "words": "w", "certain": True, "suspects": [], "passes": [],
               "inputs": {}, "shortest": None}  # fmt: skip
    suite = ElementTree.fromstring(junit(record(first, failure), 1.0))
    failed = [x.get("name") for x in suite.iter("testcase") if x.find("failure") is not None]
    assert failed == [case]
    entry = next(suite.iter("failure"))
    assert entry.get("message") == "r: w"
    assert entry.text == f"step 4: {what} of 1 is 3, expected 2\nbroken rule  r: w"
    assert (suite.get("tests"), suite.get("failures")) == ("6", "1")
    clean = ElementTree.fromstring(junit(record(None, None), 1.0))
    assert (clean.get("tests"), clean.get("failures")) == ("6", "0")


# -- real designs --------------------------------------------------------------------------------

WRAPPER = """module theirs #(parameter LIMIT = 1) (input clock, input reset_n, input [5:0] addr,
 input [31:0] wdata, input we, input re, output [31:0] rdata, output ack, output busy, output done,
 input [3:0] test_mode);
 wire [5:0] a = test_mode == 5 && LIMIT == 5 ? addr : 6'd0;
 drai_core inner(.clk(clock), .rst(~reset_n), .addr(a), .wdata(wdata), .we(we), .re(re),
  .rdata(rdata), .ack(ack), .busy(busy), .step_done(done));
endmodule
"""
MAP = """[ports]
clk = "clock"
rst = "reset_n"
step_done = "done"
[unit]
reset = "low"
[parameters]
LIMIT = "weight_bits"
[constants]
test_mode = 5
[memories]
theta = "inner.update.theta_memory"
marks = "inner.update.marks_memory"
weights = "inner.weights.weights_memory"
"""


@cache
def verilog() -> str:
    from drai_hw.cli.unit_sim import formats_of

    return emit.verilog(Core(formats_of(SPEC)), name=emit.NAME, command="a test")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a wrapped core of the small network, right and wrong."""
    text = verilog()
    monkeypatch.chdir(tmp_path)
    files = {
        "small.toml": SMALL, "right.v": text, "wrapper.v": WRAPPER, "map.toml": MAP,
        "wrong.v": text.replace(".u_g(threshold)", ".u_g(threshold - 5'd1)"),
    }  # fmt: skip
    assert files["wrong.v"] != text
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    return tmp_path


def words(core: str, simulator: str, *more: str, ports: str = "map.toml") -> list[str]:
    return ["sim", "small.toml", "--dut", "wrapper.v", "--dut", core, "--top", "theirs",
            "--ports", ports, "--learn", "60", "--simulator", simulator, *more]  # fmt: skip


@pytest.mark.parametrize("simulator", ["icarus", pytest.param("cxxrtl", marks=pytest.mark.full)])
def test_a_core_with_other_names_is_connected_and_its_mistake_named(
    simulator: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words("right.v", simulator)) == 0
    assert "theirs as core: 0 mismatches in 60 steps" in capsys.readouterr().out
    assert run(words("wrong.v", simulator, "--json", "--junit", "j.xml")) == 1
    told = json.loads(capsys.readouterr().out)
    failure = told["failure"]
    assert (failure["rule"], failure["certain"]) == ("threshold", True)
    assert failure["words"].startswith("near is |d| < u_g")
    assert failure["shortest"]["steps"] == 1
    assert len(failure["shortest"]["active"]) == 2
    assert failure["inputs"]["u_g"] in (  # the tie
        abs(failure["inputs"]["phi_i"] - failure["inputs"]["phi_j"]),
        64 - abs(failure["inputs"]["phi_i"] - failure["inputs"]["phi_j"]),
    )
    assert told["waves"] == "build/small/units/core/failure.fst"
    assert 1000 < (folder / told["waves"]).stat().st_size < 1_000_000
    assert 'message="threshold: near is |d| &lt; u_g' in (folder / "j.xml").read_text()


@pytest.mark.parametrize("simulator", ["icarus", pytest.param("cxxrtl", marks=pytest.mark.full)])
def test_names_that_a_core_has_not_are_told(
    simulator: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = MAP.replace('"done"', '"dune"').replace("test_mode", "testmode")
    (folder / "wrong.toml").write_text(wrong)
    assert run(words("right.v", simulator, ports="wrong.toml")) == 2
    said = capsys.readouterr().err
    assert "the design theirs has no port dune (our step_done) [1 bits]" in said
    assert "has no input testmode, which [constants] sets" in said


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("[unit]\nlatency = 3\n", "[unit]: 'latency' is no key; known are reset"),
        ('[ports]\nclock = "x"\n', "'clock' is no port of unit core; did you mean 'clk'?"),
        ('[memories]\nphases = "x"\n', "'phases' is no memory of the core; known are theta, marks, "
         "weights"),
        ("[memories]\ntheta = 3\n", "memories.theta = 3: needs a hierarchical name below the top"),
        ('[memories]\ntheta = "a b"\n', "memories.theta = 'a b': needs a hierarchical name"),
    ],
)  # fmt: skip
def test_a_port_map_of_a_core_that_cannot_be_is_refused(
    content: str, text: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad.toml").write_text(content)
    assert run(words("right.v", "icarus", ports="bad.toml")) == 2
    assert text in capsys.readouterr().err
