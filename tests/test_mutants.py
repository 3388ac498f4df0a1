"""The tool that mutates the learning rules, and that its committed page is still true."""

import ast
import sys

import pytest

from tools.mutants import __main__ as command
from tools.mutants import page, plan, run, worker
from tools.mutants.operators import mutants_of
from tools.mutants.record import Record

SOURCE = '''
"""Text."""
LIMIT = -3
class Gate:
    """More text."""
    width: float = 0.5
    def open(self, w, low=1):
        """Say."""
        self.seen = w * 2
        if low < w <= 7 and not self.shut:
            raise ValueError("no 1")
        return max(w, self.width) if w else -w
'''

CHANGES = [
    ("constant", "module: LIMIT = -3 -> LIMIT = -2"),
    ("constant", "module: LIMIT = -3 -> LIMIT = -4"),
    ("constant", "Gate: width: float = 0.5 -> width: float = 0.625"),
    ("constant", "Gate.open: low=1 -> low=2"),
    ("constant", "Gate.open: low=1 -> low=0"),
    ("statement", "Gate.open: self.seen = w * 2 -> removed"),
    ("arithmetic", "Gate.open: self.seen = w * 2 -> self.seen = w / 2"),
    ("constant", "Gate.open: self.seen = w * 2 -> self.seen = w * 3"),
    ("constant", "Gate.open: self.seen = w * 2 -> self.seen = w * 1"),
    ("logic", "Gate.open: if low < w <= 7 and (not self.shut): ... "
     "-> if not (low < w <= 7 and (not self.shut)): ..."),
    ("logic", "Gate.open: low < w <= 7 and (not self.shut) -> low < w <= 7 or not self.shut"),
    ("comparison", "Gate.open: low < w <= 7 -> low <= w <= 7"),
    ("comparison", "Gate.open: low < w <= 7 -> low >= w <= 7"),
    ("comparison", "Gate.open: low < w <= 7 -> low < w < 7"),
    ("comparison", "Gate.open: low < w <= 7 -> low < w > 7"),
    ("constant", "Gate.open: low < w <= 7 -> low < w <= 8"),
    ("constant", "Gate.open: low < w <= 7 -> low < w <= 6"),
    ("logic", "Gate.open: not self.shut -> self.shut"),
    ("statement", "Gate.open: raise ValueError('no 1') -> removed"),
    ("logic", "Gate.open: max(w, self.width) if w else -w "
     "-> max(w, self.width) if not w else -w"),
    ("call", "Gate.open: max(w, self.width) -> min(w, self.width)"),
    ("sign", "Gate.open: max(w, self.width) if w else -w -> max(w, self.width) if w else w"),
]  # fmt: skip


def test_every_sign_constant_comparison_and_statement_is_changed_once():
    assert [(m.kind, m.name) for m in mutants_of(ast.parse(SOURCE))] == CHANGES


def test_a_change_holds_within_its_block_only_and_can_be_compiled():
    tree = ast.parse(SOURCE)
    before = ast.dump(tree)
    for mutant in mutants_of(tree):
        with mutant.applied():
            assert ast.dump(tree) != before
            compile(tree, "source", "exec")
        assert ast.dump(tree) == before


def test_what_runs_at_import_is_told_from_what_one_test_reaches():
    places = {m.name.split(" -> ")[0]: m.at_import for m in mutants_of(ast.parse(SOURCE))}
    assert places["module: LIMIT = -3"]
    assert places["Gate: width: float = 0.5"]
    assert places["Gate.open: low=1"]
    assert not places["Gate.open: self.seen = w * 2"]


def test_the_same_text_twice_in_a_function_gets_two_names():
    tree = ast.parse("def f(a, b):\n    x = a.long_name + b\n    x = a.long_name + b\n    return x")
    names = [mutant.name for mutant in mutants_of(tree)]
    assert names == ["f: a.long_name + b -> a.long_name - b",
                     "f: a.long_name + b -> a.long_name - b #2"]  # fmt: skip


def test_the_digest_of_a_function_changes_with_its_code_alone():
    first = plan.digests(ast.parse(SOURCE))
    assert set(first) == {"module", "Gate", "Gate.open"}
    assert plan.digests(ast.parse(SOURCE.replace("Say", "Tell") + "# note\n")) == first
    other = plan.digests(ast.parse(SOURCE.replace("w * 2", "w * 4")))
    assert {name for name in first if other[name] != first[name]} == {"Gate.open"}


# -- processes ------------------------------------------------------------------------------------


def outcome(work, cpu_s=30.0):
    """Return answer and well-being of one forked job."""
    seen = []
    job = run.Job(work, cpu_s, True, lambda answer, well: seen.append((answer, well)))
    run.processes(iter([job]), 1)
    return seen[0]


def test_a_job_answers_through_its_pipe_and_an_error_is_no_answer():
    assert outcome(lambda: "x" * 300_000) == ("x" * 300_000, True)
    answer, well = outcome(lambda: str(1 / 0))
    assert (answer, well) == ("ZeroDivisionError: division by zero", False)


def test_a_job_that_never_ends_is_ended_by_its_limit_of_processor_time():
    def forever():
        while True:
            pass

    assert outcome(forever, 0.0) == ("", False)


def test_a_changed_module_fails_its_test_and_an_unchanged_one_does_not():
    """On the real package: g = 1 - 2|psi|/pi with another sign is no XOR rule."""
    target = next(t for t in plan.TARGETS if t.source == "g/xor.py")
    tree = target.tree()
    path = str(plan.MODEL / target.source)
    file = "tests/test_model_g.py"
    test = f"{file}::test_the_dead_zone_is_flat_at_both_ends_and_linear_between"

    def verdict(code):
        for name in [n for n in sys.modules if n.startswith(("drai_hw.model", "test_"))]:
            del sys.modules[name]  # this process has imported them, the runner has not
        return worker.judge(target.module, path, code, [file], {test: 0.1})

    assert outcome(lambda: verdict(compile(tree, path, "exec"))) == ("", True)
    sign = next(m for m in target.mutants(tree) if "1.0 - 2.0" in m.name and "1.0 + 2.0" in m.name)
    with sign.applied():
        changed = compile(tree, path, "exec")
    assert outcome(lambda: verdict(changed)) == (test, True)


# -- record and page ------------------------------------------------------------------------------


def test_a_survivor_is_tried_again_and_a_killed_mutant_only_when_its_function_changes():
    tree = ast.parse(SOURCE)
    mutants = mutants_of(tree)
    answers = {m.name: "" if m.kind == "call" else "test" for m in mutants}
    record = Record({})
    record.update("x.py", plan.digests(tree), mutants, answers)
    entry = record.sources["x.py"]["Gate.open"]
    assert (entry["mutants"], entry["alive"]) == (
        19,
        ["Gate.open: max(w, self.width) -> min(w, self.width)"],
    )
    call = next(m for m in mutants if m.kind == "call")
    sign = next(m for m in mutants if m.kind == "sign")
    assert record.answer("x.py", "Gate.open", entry["digest"], call) is None
    assert record.answer("x.py", "Gate.open", entry["digest"], sign) == "recorded"
    assert record.answer("x.py", "Gate.open", "another", sign) is None


def test_survivors_without_a_reason_and_reasons_without_a_survivor_are_found():
    record = Record({"rule.py": {"f": {"digest": "0", "mutants": 2, "alive": ["f: a -> b"]}}})
    assert page.unexplained(record, {"rule.py": {"f: a -> b": "same"}}) == []
    assert page.unexplained(record, {"rule.py": {"f: c -> d": "same"}}) == [
        "no reason: rule.py: f: a -> b",
        "no such survivor: rule.py: f: c -> d",
    ]


def test_an_unknown_module_is_refused(capsys):
    with pytest.raises(SystemExit, match="2"):
        command.main(["rules.py"])
    assert "rules.py: not a module of tools/mutants/plan.py" in capsys.readouterr().err


def test_the_committed_record_is_of_the_code_as_it_is():
    assert Record.load().stale() == [], "run `make mutants`: only what has changed runs again"


def test_the_committed_page_is_made_of_record_and_reasons_and_every_survivor_has_one():
    record, known = Record.load(), page.reasons()
    assert page.unexplained(record, known) == []
    assert page.PAGE.read_text(encoding="utf-8") == page.text(record, known), "run `make mutants`"
