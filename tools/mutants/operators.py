"""What is changed in a module, one small change at a time: signs, constants, comparisons, logic."""

from __future__ import annotations

import ast
import itertools
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.LShift: ast.RShift,
    ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd,
}  # fmt: skip
# Each comparison becomes the one that differs at the boundary only, and its opposite.
COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt), ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
}  # fmt: skip
_PAIRS = (
    ("min", "max"), ("minimum", "maximum"), ("argmin", "argmax"), ("sin", "cos"), ("any", "all"),
    ("floor", "ceil"), ("zeros", "ones"), ("zeros_like", "ones_like"),
)  # fmt: skip
CALLS = {a: b for a, b in _PAIRS} | {b: a for a, b in _PAIRS}
LEGIBLE = 12  # characters from which a piece of code tells by itself where it stands

Change = tuple[str, ast.AST]  # kind, and what stands in the place of a node


@dataclass(frozen=True)
class Mutant:
    """One change of a module.

    Attributes
    ----------
    name : str
        ``where: old -> new``, with ``#2`` and so on where a function has the same text again. Free
        of line numbers, so that a note about it outlives other edits.
    kind : str
        arithmetic, sign, constant, comparison, logic, call or statement.
    first, last : int
        Lines of the statement (its head, for a compound one).
    at_import : bool
        Whether the place runs when the module is imported, and not within one test.
    """

    name: str
    kind: str
    first: int
    last: int
    at_import: bool
    _parent: ast.AST
    _field: str
    _index: int | None
    _new: ast.AST

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Hold the change in the tree for the time of the block."""
        block = getattr(self._parent, self._field)
        if self._index is None:
            setattr(self._parent, self._field, self._new)
        else:
            old, block[self._index] = block[self._index], self._new
        try:
            yield
        finally:
            if self._index is None:
                setattr(self._parent, self._field, block)
            else:
                block[self._index] = old


def mutants_of(tree: ast.Module) -> list[Mutant]:
    """Return every change of a module, in the order of its text.

    Left alone: annotations, decorators, imports, docstrings and all other strings.
    """
    seen: Counter[str] = Counter()
    found = []
    for chain, parent, field, index, where in _places(tree, (), "module"):
        node = chain[-1]
        statement = next(each for each in reversed(chain) if isinstance(each, ast.stmt))
        shown = _legible(chain)
        for kind, new in _changes(node):
            ast.copy_location(new, node)
            draft = Mutant("", kind, *_lines(statement), _runs_at_import(chain),
                           parent, field, index, ast.fix_missing_locations(new))  # fmt: skip
            old = _text(shown)
            with draft.applied():
                changed = _text(new if shown is node else shown)
            if isinstance(shown, ast.arguments):  # of many arguments the one that differs
                pieces = zip(old.split(", "), changed.split(", "), strict=False)
                old, changed = next((a, b) for a, b in pieces if a != b)
            said = f"{where}: {old} -> {changed}"
            seen[said] += 1
            number = f" #{seen[said]}" if seen[said] > 1 else ""
            found.append(Mutant(said + number, *list(vars(draft).values())[1:]))
    return found


def _places(
    node: ast.AST, chain: tuple[ast.AST, ...], where: str
) -> Iterator[tuple[tuple[ast.AST, ...], ast.AST, str, int | None, str]]:
    """Yield every node with those around it, its place in its parent, and its function."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "type_params", "bases"):
            continue
        for index, child in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(child, ast.AST) or isinstance(child, ast.Import | ast.ImportFrom):
                continue
            inner = where
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                inner = child.name if where == "module" else f"{where}.{child.name}"
            longer = (*chain, child)
            if isinstance(longer[0], ast.stmt):
                yield longer, node, field, index if isinstance(value, list) else None, inner
            # A number with its sign is one constant.
            if not (isinstance(child, ast.UnaryOp) and _number(child) is not None):
                yield from _places(child, longer, inner)


def _changes(node: ast.AST) -> Iterator[Change]:
    """Yield what may stand in the place of one node."""
    if (number := _number(node)) is not None:
        changed = [number + 1, number - 1] if isinstance(number, int) else [number * 1.25 or 1.0]
        yield from (("constant", ast.Constant(value)) for value in changed)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield "constant", ast.Constant(not node.value)
    elif isinstance(node, ast.BinOp) and (op := ARITHMETIC.get(type(node.op))):
        yield "arithmetic", ast.BinOp(node.left, op(), node.right)
    elif isinstance(node, ast.AugAssign) and (op := ARITHMETIC.get(type(node.op))):
        yield "arithmetic", ast.AugAssign(node.target, op(), node.value)
    elif isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.UAdd):
        yield "logic" if isinstance(node.op, ast.Not) else "sign", node.operand
    elif isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            for other in COMPARISONS[type(operator)]:
                ops = [*node.ops[:index], other(), *node.ops[index + 1 :]]
                yield "comparison", ast.Compare(node.left, ops, node.comparators)
    elif isinstance(node, ast.BoolOp):
        other_op = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        yield "logic", ast.BoolOp(other_op, node.values)
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in CALLS:
        yield "call", ast.Name(CALLS[node.id], node.ctx)
    elif isinstance(node, ast.Attribute) and node.attr in CALLS:
        yield "call", ast.Attribute(node.value, CALLS[node.attr], node.ctx)
    test = getattr(node, "test", None)
    if isinstance(test, ast.expr) and not isinstance(test, ast.Compare | ast.UnaryOp):
        fields = dict(ast.iter_fields(node)) | {"test": ast.UnaryOp(ast.Not(), test)}
        yield "logic", ast.fix_missing_locations(type(node)(**fields))
    if isinstance(node, ast.stmt) and _may_go(node):
        yield "statement", ast.Pass()


def _number(node: ast.AST) -> int | float | None:
    """Return the value of a number, with the minus before it."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _number(node.operand)
        return None if inner is None or isinstance(node.operand, ast.UnaryOp) else -inner
    value: Any = node.value if isinstance(node, ast.Constant) else None
    return value if type(value) in (int, float) else None


def _may_go(statement: ast.stmt) -> bool:
    """Say whether a statement can be removed without leaving a name unknown."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Call)
    if isinstance(statement, ast.Assign):
        target = statement.targets[0]
        known = isinstance(target, ast.Name) and any(
            isinstance(each, ast.Name) and each.id == target.id
            for each in ast.walk(statement.value)
        )
        return known or isinstance(target, ast.Attribute | ast.Subscript)
    return isinstance(statement, ast.AugAssign | ast.Raise | ast.Continue | ast.Break)


def _legible(chain: tuple[ast.AST, ...]) -> ast.AST:
    """Return the least piece of code around a node that tells where it stands."""
    shown = chain[-1]
    for node in reversed(chain):
        if isinstance(node, ast.stmt) and hasattr(node, "body"):
            break
        shown = node
        if isinstance(node, ast.expr | ast.stmt) and len(_text(node)) >= LEGIBLE:
            break
    return shown


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.Pass):
        return "removed"
    if isinstance(node, ast.If | ast.While):
        node = ast.If(node.test, [ast.Expr(ast.Constant(...))], [])
    return " ".join(ast.unparse(ast.fix_missing_locations(node)).split())


def _lines(statement: ast.stmt) -> tuple[int, int]:
    """Return the lines of a statement, without the block that it heads."""
    last = statement.end_lineno or statement.lineno
    if body := getattr(statement, "body", None):
        last = max(statement.lineno, body[0].lineno - 1)
    return statement.lineno, last


def _runs_at_import(chain: tuple[ast.AST, ...]) -> bool:
    """Say whether a node is in no function's body: a constant, a field, a default."""
    for outer, inner in itertools.pairwise(chain):
        if isinstance(outer, ast.FunctionDef | ast.Lambda) and not isinstance(inner, ast.arguments):
            return False
    return True
