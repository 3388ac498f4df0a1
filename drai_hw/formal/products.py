"""Products as any function of their factors: what holds for all functions holds for products.

Two circuits that multiply the same numbers are then compared without taking multipliers apart.
"""

from __future__ import annotations

from typing import Any

from drai_hw.formal.btor2 import Node, Sort
from drai_hw.formal.exact import both, op
from drai_hw.formal.solver import KIND, Solver, Terms


class FreeProducts(Terms):
    """Terms in which a product is a function of its two factors without their extensions.

    Parameters
    ----------
    limit : int
        Facts about magnitudes are added for factors that are at most this.
    """

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit
        self.facts: list[Any] = []
        self._functions: dict[tuple[int, bool, int, bool], Any] = {}
        self._seen: set[tuple[Any, Any]] = set()

    def apply(self, node: Node, args: list[Any], sorts: list[Sort]) -> Any:
        """Return what an operation gives."""
        if node.op != "mul" or any(isinstance(arg, int) for arg in args):
            return super().apply(node, args, sorts)
        bits = node.sort.bits
        factors = sorted((self._bare(arg, bits) for arg in args), key=_order)
        (x, wx, sx), (y, wy, sy) = factors
        shape = (wx, sx, wy, sy)
        width = wx + wy
        if shape not in self._functions:
            words = [self.sort(Sort(wx)), self.sort(Sort(wy))]
            sort = self.manager.mk_fun_sort(words, self.sort(Sort(width)))
            self._functions[shape] = self.manager.mk_const(sort, f"product{shape}")
        value = self.manager.mk_term(KIND.APPLY, [self._functions[shape], x, y])
        if (x, y) not in self._seen:
            self._seen.add((x, y))
            self._bound(value, width, factors)
        if bits <= width:
            return op(self, "slice", bits, (value, width), values=(bits - 1, 0))
        extend = "sext" if sx or sy else "uext"
        return op(self, extend, bits, (value, width), values=(bits - width,))

    def _bare(self, term: Any, bits: int) -> tuple[Any, int, bool]:
        """Return a factor without its extension, its width, and whether it is signed."""
        sign = True
        while True:
            kind = term.kind()
            if kind == KIND.BV_SIGN_EXTEND and sign:
                term = term[0]
            elif kind == KIND.BV_ZERO_EXTEND:
                term, sign = term[0], False
            elif kind == KIND.BV_CONCAT and term[0].is_bv_value_zero():
                term, sign = term[1], False
            else:
                break
            bits = term.sort().bv_size()
        return term, bits, sign

    def _bound(self, value: Any, width: int, factors: list[tuple[Any, int, bool]]) -> None:
        """Add that a product is at most the largest one of its factors."""
        for (small, bits, is_signed), (_, other, other_signed) in (factors, factors[::-1]):
            if not is_signed or other_signed or self.limit >= 1 << (bits - 1):
                continue
            most = self.limit * ((1 << other) - 1)
            if most >= 1 << (width - 1):
                continue
            within = self._within(small, bits, self.limit)
            self.facts.append(op(self, "implies", 1, (within, 1),
                                 (self._within(value, width, most), 1)))  # fmt: skip

    def _within(self, value: Any, bits: int, limit: int) -> Any:
        mask = (1 << bits) - 1
        return both(
            self,
            op(self, "slte", 1, (value, bits), (limit, bits)),
            op(self, "sgte", 1, (value, bits), (-limit & mask, bits)),
        )

    def hold_facts(self, solver: Solver) -> None:
        """Give a solver what is known of the products."""
        for fact in self.facts:
            solver.hold(fact)
        self.facts.clear()


def _order(factor: tuple[Any, int, bool]) -> tuple[int, bool, int]:
    return factor[1], factor[2], factor[0].id()
