"""Which modules are mutated, and which test files must notice."""

from __future__ import annotations

import ast
import hashlib
import re
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

from tools.mutants.operators import Mutant, mutants_of

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "drai_hw" / "model"
SLOW = "detuned_too_far"  # of 5 s, and about phases alone
RULES = ("rule", "parts", "reference", "checkpoint")


@dataclass(frozen=True)
class Target:
    """A module and its tests.

    Attributes
    ----------
    source : str
        Path below ``drai_hw/model``.
    tests : tuple of str
        Names of the test files, without ``test_model_``.
    functions : str
        Regular expression of the functions that are mutated.
    compiled : bool
        False runs the loops of numba as plain Python: machine code would not show the change.
    deselected : str
        Tests too slow to be run for each mutant, as for ``pytest -k``.
    """

    source: str
    tests: tuple[str, ...]
    functions: str = ".*"
    compiled: bool = True
    deselected: str = ""

    @property
    def module(self) -> str:
        """Name for import."""
        return "drai_hw.model." + self.source.removesuffix(".py").replace("/", ".")

    def tree(self) -> ast.Module:
        """Return the syntax tree."""
        return ast.parse((MODEL / self.source).read_text(encoding="utf-8"))

    def mutants(self, tree: ast.Module) -> list[Mutant]:
        """Return the changes of the functions that count."""
        return [m for m in mutants_of(tree) if re.fullmatch(self.functions, m.name.split(":")[0])]


def _folder(name: str, *tests: str, deselected: str = "") -> list[Target]:
    files = sorted((MODEL / name).glob("[!_]*.py"))
    return [Target(f"{name}/{file.name}", tests, deselected=deselected) for file in files]


TARGETS = (
    Target("rule.py", RULES, deselected=SLOW),
    Target("window.py", ("window", "rule", "hybrid")),
    Target("learning.py", ("learning_functions",), deselected="stochastic"),
    Target("schedule.py", ("schedule", "twin")),
    Target("reference.py", RULES, r"Reference\.(present|drive|_advance|_drift|_find_held|_learn)",
           deselected=SLOW),
    Target("twin.py", ("twin", "learning_functions", "homeostasis"),
           r"Twin\.(_field_pass|_couple_pass|_learn|_events_of)",
           deselected="stochastic or mean_of_random_steps"),
    Target("kernels.py", ("compiled",), compiled=False, deselected="130"),
    Target("events.py", ("events",)),
    Target("events_kernels.py", ("events",), compiled=False,
           deselected="amplitude_gating or balanced_patterns or store_nothing"),
    Target("events_choice.py", ("events",)),
    Target("events_plain.py", ("events",)),
    Target("nudged.py", ("nudged",)),
    Target("adaptive.py", ("adaptive",)),
    Target("resonance_network.py", ("resonance_network",)),
    *_folder("g", "g", "parts", "window"),
    *_folder("gates", *RULES, deselected=SLOW),
    *_folder("stabilisers", *RULES, "homeostasis", deselected=f"{SLOW} or mean_of_random_steps"),
)  # fmt: skip


def digests(tree: ast.Module) -> dict[str, str]:
    """Return a short digest of every function's code, free of docstrings and comments."""
    found: dict[str, str] = {}

    def visit(node: ast.Module | ast.ClassDef | ast.FunctionDef, where: str) -> None:
        own = deepcopy(node)
        if ast.get_docstring(own) is not None:
            own.body = own.body[1:]
        own.body = [
            each for each in own.body if not isinstance(each, ast.ClassDef | ast.FunctionDef)
        ]
        found[where] = hashlib.sha256(ast.dump(own).encode()).hexdigest()[:12]
        for each in node.body:
            if isinstance(each, ast.ClassDef | ast.FunctionDef):
                visit(each, each.name if where == "module" else f"{where}.{each.name}")

    visit(tree, "module")
    return found
