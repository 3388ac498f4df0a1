"""What is equal among mutants of the sequencer: the search, and what the core listens to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from drai_hw.formal.btor2 import Node, Sort, parse
from drai_hw.formal.design import own_design
from drai_hw.formal.frontend import read_system
from drai_hw.formal.sequence import Explorer
from drai_hw.formal.solver import Clock
from drai_hw.formal.words import fold
from drai_hw.model.numbers import Formats
from drai_hw.rtl import emit
from drai_hw.rtl.sequencer import Sequencer
from tools.rtl_mutants import benches, listening
from tools.rtl_mutants.equivalence import CORE as SAME_TO_THE_CORE
from tools.rtl_mutants.equivalence import OPEN, Prover
from tools.rtl_mutants.plan import CORE, TARGETS, mutated
from tools.rtl_mutants.product import Product
from tools.rtl_mutants.scrambled import scrambled_model
from tools.rtl_mutants.vectors import Many, specialised

SEQUENCER = next(target for target in TARGETS if target.name == "sequencer")
SMALL = Formats(n=3, lanes=4, pages=1)
SMALL_STATES = 1386


@pytest.mark.parametrize(
    ("op", "widths", "bits", "values"),
    [
        *((op, (5, 5), 5, ()) for op in ("and", "or", "xor", "xnor", "nand", "nor", "add", "sub")),
        *((op, (5,), 5, ()) for op in ("not", "neg", "inc", "dec")),
        *((op, (5, 5), 1, ()) for op in ("eq", "neq", "ult", "ulte", "ugt", "ugte", "slt", "sgte")),
        *((op, (3,), 1, ()) for op in ("redand", "redor", "redxor")),
        ("ite", (1, 5, 5), 5, ()), ("concat", (3, 4), 7, ()), ("slice", (7,), 3, (5, 3)),
        ("uext", (4,), 6, (2,)), ("sext", (4,), 6, (2,)), ("sll", (4, 4), 4, ()),
        ("implies", (1, 1), 1, ()), ("iff", (1, 1), 1, ()),
    ],
)  # fmt: skip
def test_many_cases_at_once_give_what_each_gives_alone(op, widths, bits, values) -> None:
    rng = np.random.default_rng(1)
    node = Node(op, Sort(bits), tuple(range(len(widths))), values)
    cases = [rng.integers(0, 1 << width, 200) for width in widths]
    got = Many().apply(node, list(cases), [Sort(width) for width in widths])
    rows = zip(*(case.tolist() for case in cases), strict=True)
    assert got.tolist() == [fold(node, row, widths) for row in rows]


def test_all_states_of_a_small_sequencer_are_met_and_it_is_equal_to_itself(tmp_path: Path) -> None:
    source = tmp_path / "sequencer.il"
    source.write_text(emit.rtlil(Sequencer(SMALL), name="sequencer"), encoding="utf-8")
    # Block memories are always ready.
    system = specialised(read_system((source,), "sequencer"), "ready", 1)
    found = Product(system, SMALL).meet(0)
    assert (found.differs, found.states) == ("", SMALL_STATES)


@pytest.mark.full
def test_as_many_states_are_met_as_the_proof_that_it_cannot_stop_meets() -> None:
    with own_design(SMALL) as design:
        assert len(Explorer(design, Clock(300)).explore().edges) == SMALL_STATES


@pytest.fixture(scope="module")
def prover(tmp_path_factory: pytest.TempPathFactory) -> tuple[Prover, dict[str, int]]:
    mutants = mutated(SEQUENCER, tmp_path_factory.mktemp("sequencer"))
    return Prover(SEQUENCER, mutants.source), {m.name: m.number for m in mutants.mutants}


@pytest.mark.full
@pytest.mark.parametrize(
    ("name", "verdict", "why"),
    [
        ("mux of control.first: always the other input", SAME_TO_THE_CORE, "18,640 pairs"),
        ("mux of control.slot: always the other input", SAME_TO_THE_CORE, "18,640 pairs"),
        ("mux towards `left`: never the other input", SAME_TO_THE_CORE, "18,640 pairs"),
        ("mux of control.row: always the other input", OPEN, "row differs"),
        ("mux towards `busy`: never the other input #3", OPEN, "busy differs"),
        (
            "sequencer.py: `m.d.sync += [stepping.eq(1), left.eq(left - 1)]` sub of a term: "
            "$add for $sub", OPEN, "another count of steps",
        ),
    ],
)  # fmt: skip
def test_verdicts(prover, name, verdict, why) -> None:
    judge, numbers = prover
    found = judge._by_core(numbers[name])
    assert found[0] == verdict
    assert why in found[1]


@pytest.mark.full
def test_what_is_listened_to_decides(prover, monkeypatch: pytest.MonkeyPatch) -> None:
    judge, numbers = prover
    product = Product(judge.system, SEQUENCER.formats)
    number = numbers["mux of control.first: always the other input"]
    assert product.meet(number).differs == ""
    monkeypatch.delitem(listening.LISTENED, "first")
    assert product.meet(number).differs == "first"


@pytest.mark.full
def test_the_core_hears_nothing_where_nobody_is_said_to_listen_and_all_else(tmp_path: Path) -> None:
    """All controls random wherever they are not listened to: exact; any other one: noticed."""
    path, choose, names = scrambled_model(CORE, tmp_path)
    judge = benches.core_judge(CORE, path, choose, check_clocks=False)
    assert judge(0)[0] == benches.ALIVE
    assert set(listening.LISTENED) < set(names)
    unheard = [name for number, name in enumerate(names, 1) if judge(number)[0] == benches.ALIVE]
    assert unheard == []


def test_a_choice_by_a_number_leaves_nothing_of_the_others() -> None:
    text = """
        1 sort bitvec 4
        2 sort bitvec 1
        3 input 1 mutant
        4 input 1 a
        5 input 1 b
        6 one 1
        7 eq 2 3 6
        8 ite 1 7 5 4
        9 not 1 8
        10 output 9 y
    """
    for number, left in ((0, "a"), (1, "b"), (2, "a")):
        one = specialised(parse(text), "mutant", number)
        cone = one.cone([one.outputs["y"]])
        assert [one.nodes[n].op for n in cone] == ["input", "alias", "not"]
        assert [one.inputs[n] for n in cone if n in one.inputs] == [left]
