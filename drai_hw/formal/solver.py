"""Terms of bit vectors and questions to Bitwuzla, with a time limit.

Niemetz, Preiner: Bitwuzla, CAV 2023.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

from drai_hw.errors import ToolError
from drai_hw.formal.btor2 import Node, Sort
from drai_hw.formal.words import fold

if find_spec("bitwuzla") is None:
    raise ToolError(
        "bitwuzla is not installed: proofs need its wheel; pip install 'drai_hw[formal]'"
    )

import bitwuzla as bz

KIND = bz.Kind
_WORDS = {
    "not": KIND.BV_NOT, "neg": KIND.BV_NEG, "and": KIND.BV_AND, "or": KIND.BV_OR,
    "xor": KIND.BV_XOR, "xnor": KIND.BV_XNOR, "nand": KIND.BV_NAND, "nor": KIND.BV_NOR,
    "add": KIND.BV_ADD, "sub": KIND.BV_SUB, "mul": KIND.BV_MUL, "udiv": KIND.BV_UDIV,
    "urem": KIND.BV_UREM, "sdiv": KIND.BV_SDIV, "srem": KIND.BV_SREM, "smod": KIND.BV_SMOD,
    "sll": KIND.BV_SHL, "srl": KIND.BV_SHR, "sra": KIND.BV_ASHR, "concat": KIND.BV_CONCAT,
    "eq": KIND.BV_COMP, "iff": KIND.BV_COMP, "redand": KIND.BV_REDAND,
    "redor": KIND.BV_REDOR, "redxor": KIND.BV_REDXOR, "inc": KIND.BV_INC, "dec": KIND.BV_DEC,
}  # fmt: skip
_TRUTHS = {
    "ult": KIND.BV_ULT, "ulte": KIND.BV_ULE, "ugt": KIND.BV_UGT, "ugte": KIND.BV_UGE,
    "slt": KIND.BV_SLT, "slte": KIND.BV_SLE, "sgt": KIND.BV_SGT, "sgte": KIND.BV_SGE,
}  # fmt: skip


class Terms:
    """Bit vectors: numbers where they are known, terms of the solver elsewhere.

    A truth value is a word of one bit.
    """

    def __init__(self) -> None:
        self.manager = bz.TermManager()
        self._sorts: dict[Sort, Any] = {}

    def sort(self, sort: Sort) -> Any:
        """Return the solver's sort."""
        if sort not in self._sorts:
            word = self.manager.mk_bv_sort(sort.bits)
            if sort.address:
                word = self.manager.mk_array_sort(self.manager.mk_bv_sort(sort.address), word)
            self._sorts[sort] = word
        return self._sorts[sort]

    def fresh(self, sort: Sort, name: str) -> Any:
        """Return a free variable."""
        return self.manager.mk_const(self.sort(sort), name)

    def word(self, name: str, bits: int) -> Any:
        """Return a free word."""
        return self.fresh(Sort(bits), name)

    def term(self, value: Any, bits: int) -> Any:
        """Return a value as a term."""
        if not isinstance(value, int):
            return value
        return self.manager.mk_bv_value(self.sort(Sort(bits)), value & ((1 << bits) - 1))

    def apply(self, node: Node, args: list[Any], sorts: list[Sort]) -> Any:
        """Return what an operation gives: a number if all arguments are numbers."""
        op = node.op
        if op not in ("read", "write", "fill") and all(isinstance(arg, int) for arg in args):
            return fold(node, args, [sort.bits for sort in sorts])
        if op == "ite" and isinstance(args[0], int):
            return args[1] if args[0] else args[2]
        if op == "and" and any(isinstance(arg, int) and arg == 0 for arg in args):
            return 0
        if op in ("uext", "sext") and node.values == (0,):
            return args[0]
        if op == "fill":
            return self.manager.mk_const_array(
                self.sort(node.sort), self.term(args[0], sorts[0].bits)
            )
        if op == "read" and isinstance(args[0], list):
            return self._looked_up(args[0], args[1], sorts[0])
        args = [self._memory(arg, sort) for arg, sort in zip(args, sorts, strict=True)]
        widths = [sort.bits for sort in sorts]
        if op in ("read", "write"):
            widths[1] = sorts[0].address
        terms = [
            arg if sort.address else self.term(arg, width)
            for arg, sort, width in zip(args, sorts, widths, strict=True)
        ]
        return self._made(op, terms, node)

    def _looked_up(self, table: list[int], address: Any, sort: Sort) -> Any:
        """Read a table: a choice for every bit of the address."""
        if isinstance(address, int):
            return table[address]
        level: list[Any] = list(table)
        for place in range(sort.address):
            bit = self.truth(self.manager.mk_term(KIND.BV_EXTRACT, [address], [place, place]))
            pairs = zip(level[::2], level[1::2], strict=True)
            level = [
                low if low is high else self.manager.mk_term(
                    KIND.ITE, [bit, self.term(high, sort.bits), self.term(low, sort.bits)]
                ) for low, high in pairs
            ]  # fmt: skip
        return level[0]

    def _memory(self, value: Any, sort: Sort) -> Any:
        """Return a table as a memory that can be written."""
        if not isinstance(value, list):
            return value
        out = self.manager.mk_const_array(self.sort(sort), self.term(value[0], sort.bits))
        for place, word in enumerate(value):
            at = self.term(place, sort.address)
            out = self.manager.mk_term(KIND.ARRAY_STORE, [out, at, self.term(word, sort.bits)])
        return out

    def _made(self, op: str, terms: list[Any], node: Node) -> Any:
        make = self.manager.mk_term
        if op in _WORDS:
            return make(_WORDS[op], terms)
        if op in _TRUTHS:
            return self.bit(make(_TRUTHS[op], terms))
        if op == "neq":
            return make(KIND.BV_NOT, [make(KIND.BV_COMP, terms)])
        if op == "implies":
            return make(KIND.BV_OR, [make(KIND.BV_NOT, terms[:1]), terms[1]])
        if op == "ite":
            return make(KIND.ITE, [self.truth(terms[0]), *terms[1:]])
        if op == "slice":
            return make(KIND.BV_EXTRACT, terms, list(node.values))
        if op == "uext":
            return make(KIND.BV_ZERO_EXTEND, terms, list(node.values))
        if op == "sext":
            return make(KIND.BV_SIGN_EXTEND, terms, list(node.values))
        if op == "read":
            return make(KIND.ARRAY_SELECT, terms)
        if op == "write":
            return make(KIND.ARRAY_STORE, terms)
        raise ToolError(f"operation {op} of BTOR2 has no term")

    def bit(self, truth: Any) -> Any:
        """Return a truth as a word of one bit."""
        return self.manager.mk_term(KIND.ITE, [truth, self.term(1, 1), self.term(0, 1)])

    def truth(self, bit: Any) -> Any:
        """Return a word of one bit as a truth."""
        return self.manager.mk_term(KIND.EQUAL, [self.term(bit, 1), self.term(1, 1)])


class Clock:
    """A time limit for a whole proof.

    Parameters
    ----------
    limit_s : float
        Seconds from now.
    """

    def __init__(self, limit_s: float) -> None:
        self.began_s = time.monotonic()
        self.limit_s = limit_s

    @property
    def seconds(self) -> float:
        """Seconds that have gone by."""
        return time.monotonic() - self.began_s

    @property
    def over(self) -> bool:
        """Whether the limit is reached."""
        return self.seconds > self.limit_s


class Solver:
    """Facts that hold, and questions about them.

    Parameters
    ----------
    terms : Terms
        Where the terms come from.
    clock : Clock
        Limit of all questions together.
    """

    def __init__(self, terms: Terms, clock: Clock) -> None:
        self.terms, self.clock = terms, clock
        options = bz.Options()
        options.set(bz.Option.PRODUCE_MODELS, True)
        self._solver = bz.Bitwuzla(terms.manager, options)
        self._solver.configure_terminator(_ended(clock))
        self._impossible = False

    def hold(self, bit: Any) -> None:
        """Take a bit as 1 from now on."""
        if isinstance(bit, int):
            self._impossible |= not bit
        else:
            self._solver.assert_formula(self.terms.truth(bit))

    def possible(self, *bits: Any) -> bool | None:
        """Return whether bits can all be 1 together; None if the time is over."""
        if self._impossible or any(isinstance(bit, int) and not bit for bit in bits):
            return False
        if self.clock.over:
            return None
        given = [self.terms.truth(bit) for bit in bits if not isinstance(bit, int)]
        result = self._solver.check_sat(*given)
        if result == bz.Result.UNKNOWN:
            return None
        return bool(result == bz.Result.SAT)

    def number(self, value: Any) -> int:
        """Return what a value is in the case that was found."""
        if isinstance(value, int):
            return value
        return int(self._solver.get_value(value).value(10))

    def numbers(self, values: Mapping[str, Any]) -> dict[str, int]:
        """Return several values in the case that was found."""
        return {name: self.number(value) for name, value in values.items()}


def _ended(clock: Clock) -> Callable[[], bool]:
    return lambda: clock.over
